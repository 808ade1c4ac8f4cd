"""What jcn must answer, worked out without jcn: SQLite, filled from the files.

Fields puts every member of the records into tables, and answers filters, sorting, counts and facets
as DESIGN.md "Filters, exactly" has them.

Every value has a key, a blob whose order (memcmp, SQLite's own for blobs) is the order of values:
  10 null   20 false   21 true   30 number (an exact decimal)   40 string (its UTF-8)
"""

import collections
import decimal
import re
import sqlite3

from composed_records import parse

NULL, FALSE, TRUE, NUMBER, STRING = b"\x10", b"\x20", b"\x21", b"\x30", b"\x40"
SORTED_BYTES = 4096  # of a string, when sorting
JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
COMPUTED = ("_id", "_created", "_updated")

OPERATORS = ("exact", "not", "gt", "gte", "lt", "lte", "in", "contains", "startswith", "endswith",
             "isnull", "notnull", "arraycontains", "arraynotcontains")

Filter = collections.namedtuple("Filter", "field operator value")


# ---- values and their keys ----------------------------------------------------------------------

def number_key(number):
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return NUMBER + b"\x80"
    # ±0.TEXT × 10^magnitude
    magnitude = exponent + len(text)
    body = (magnitude + (1 << 40)).to_bytes(6, "big") + text.rstrip("0").encode()
    if not sign:
        return NUMBER + b"\x81" + body
    return NUMBER + b"\x7f" + bytes(255 - byte for byte in body) + b"\xff"


def scalar_key(value):
    """None for arrays and objects, which have none."""
    if value is None:
        return NULL
    if value is True:
        return TRUE
    if value is False:
        return FALSE
    if isinstance(value, decimal.Decimal):
        return number_key(value)
    if isinstance(value, str):
        return STRING + value.encode()
    return None


def operand_keys(text):
    """A value in a query: the string, and what else it may be read as."""
    keys = [STRING + text.encode()]
    if JSON_NUMBER.fullmatch(text):
        keys.append(number_key(decimal.Decimal(text)))
    elif text in ("true", "false"):
        keys.append(TRUE if text == "true" else FALSE)
    return keys


def in_keys(text):
    if text.startswith("["):
        return [scalar_key(value) for value in parse(text)]
    return [key for piece in text.split(",") for key in operand_keys(piece)]


# ---- fields -------------------------------------------------------------------------------------

def escape(name):
    return name.replace("~", "~0").replace("/", "~1")


def members(document):
    """(JSON Pointer, value, whether an array was indexed on the way) of everything in it."""
    waiting = [("", document, False)]
    while waiting:
        pointer, value, indexed = waiting.pop()
        if isinstance(value, dict):
            steps = [(escape(name), member) for name, member in value.items()]
        elif isinstance(value, list):
            steps, indexed = enumerate(value), True
        else:
            continue
        for step, member in steps:
            waiting.append((f"{pointer}/{step}", member, indexed))
            yield waiting[-1]


def type_of(value):
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return "null" if value is None else "scalar"


class Fields:
    """Tables of one state of a folder.

    member  one row for each member of each record, also inside arrays
    value   one row for each scalar: the member's own, or one directly in the array that it is
    indexed is 1 where the member is only reached by an array's index: by pointers, never by dots.
    """

    def __init__(self, records):
        self.records = records
        self._pointers = {}
        db = self.db = sqlite3.connect(":memory:")
        db.executescript("""
          CREATE TABLE record (rid INTEGER PRIMARY KEY, id TEXT NOT NULL);
          CREATE TABLE member (pid INT, rid INT, indexed INT, type TEXT);
          CREATE TABLE value (pid INT, rid INT, indexed INT, key BLOB);""")
        member_rows, value_rows = [], []
        for rid, record in enumerate(records):
            found = [(name, value, False) for name, value in
                     zip(COMPUTED, (record.id, record.created, record.updated))]
            for pointer, value, indexed in found + list(members(record.document)):
                pid = self._pointers.setdefault(pointer, len(self._pointers))
                member_rows.append((pid, rid, indexed, type_of(value)))
                for scalar in value if isinstance(value, list) else (value,):
                    key = scalar_key(scalar)
                    if key is not None:
                        value_rows.append((pid, rid, indexed, key))
        db.executemany("INSERT INTO record VALUES (?, ?)",
                       ((rid, record.id) for rid, record in enumerate(records)))
        db.executemany("INSERT INTO member VALUES (?, ?, ?, ?)", member_rows)
        db.executemany("INSERT INTO value VALUES (?, ?, ?, ?)", value_rows)
        db.executescript("""
          CREATE INDEX value_by_key ON value (pid, key, rid, indexed);
          CREATE INDEX value_by_record ON value (pid, rid, key, indexed);
          CREATE INDEX member_by_record ON member (pid, rid, type, indexed);
          ANALYZE;""")

    def place(self, field):
        """(pid, the largest `indexed` that counts); pid -1: no record has it."""
        if field in COMPUTED or field.startswith("/"):
            return self._pointers.get(field, -1), 1
        pointer = "".join("/" + escape(step) for step in field.split("."))
        return self._pointers.get(pointer, -1), 0

    def field_names(self):
        """Each member outside arrays, as a pointer; and the computed ones."""
        names = {pid: name for name, pid in self._pointers.items()}
        return sorted(names[pid] for pid, in self.db.execute(
            "SELECT DISTINCT pid FROM member WHERE indexed = 0"))

    def is_known(self, field):
        pid, indexed = self.place(field)
        return bool(self.db.execute("SELECT 1 FROM member WHERE pid = ? AND indexed <= ? LIMIT 1",
                                    (pid, indexed)).fetchone())

    def holders(self, field):
        """The records (rid) that have the member."""
        return [rid for rid, in self.db.execute(
            "SELECT rid FROM member WHERE pid = ? AND indexed <= ? ORDER BY rid",
            self.place(field))]

    def member_type(self, rid, field):
        found = self.db.execute(
            "SELECT type FROM member WHERE pid = ? AND indexed <= ? AND rid = ?",
            (*self.place(field), rid)).fetchone()
        return found and found[0]

    def scalar_keys(self, rid, field):
        return [key for key, in self.db.execute(
            "SELECT key FROM value WHERE pid = ? AND indexed <= ? AND rid = ? ORDER BY key",
            (*self.place(field), rid))]

    def distinct_keys(self, field):
        return [key for key, in self.db.execute(
            "SELECT DISTINCT key FROM value WHERE pid = ? AND indexed <= ? ORDER BY key",
            self.place(field))]

    # Filters as SQL.

    def _with_value(self, field, condition, parameters):
        return (f"rid IN (SELECT rid FROM value WHERE pid = ? AND indexed <= ? AND ({condition}))",
                [*self.place(field), *parameters])

    def _with_member(self, field, condition="1"):
        return (f"rid IN (SELECT rid FROM member WHERE pid = ? AND indexed <= ? AND {condition})",
                [*self.place(field)])

    def _equal(self, field, keys):
        return self._with_value(field, f"key IN ({','.join('?' * len(keys))})", keys)

    def condition(self, wanted):
        """(SQL, parameters)."""
        field, operator, value = wanted
        if operator in ("isnull", "notnull"):
            assert value in ("", "1", "true", "on", "0", "false", "off"), value
            sql, parameters = self._with_member(field, "type <> 'null'")
            absent = (operator == "isnull") == (value in ("", "1", "true", "on"))
            return ("NOT " if absent else "") + sql, parameters
        if operator == "exact":
            return self._equal(field, operand_keys(value))
        if operator == "in":
            return self._equal(field, in_keys(value))
        if operator in ("not", "arraycontains", "arraynotcontains"):
            equal, equal_parameters = self._equal(field, operand_keys(value))
            member, parameters = self._with_member(
                field, "1" if operator == "not" else "type = 'array'")
            negation = "" if operator == "arraycontains" else "NOT "
            return f"{member} AND {negation}{equal}", parameters + equal_parameters
        if operator in ("contains", "startswith", "endswith"):
            text = value.encode()
            is_string = "key >= x'40' AND key < x'41'"
            found = {
                "contains": "instr(substr(key, 2), ?) > 0",
                "startswith": "substr(key, 2, length(?)) = ?",
                "endswith": "length(key) > length(?) AND substr(key, -length(?)) = ?"}[operator]
            if not text:
                return self._with_value(field, is_string, [])
            return self._with_value(field, f"{is_string} AND {found}", [text] * found.count("?"))
        # gt gte lt lte: each reading of the value within its own type.
        sign = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}[operator]
        ranges, parameters = [], []
        for key in operand_keys(value):
            low, high = (b"\x20", b"\x22") if key in (FALSE, TRUE) else (
                key[:1], bytes([key[0] + 1]))
            ranges.append(f"(key {sign} ? AND key >= ? AND key < ?)")
            parameters += [key, low, high]
        return self._with_value(field, " OR ".join(ranges), parameters)

    def _where(self, filters, among):
        conditions, parameters = ["1"], []
        for wanted in filters:
            sql, values = self.condition(wanted)
            conditions.append(f"({sql})")
            parameters += values
        if among is not None:
            self.db.execute("CREATE TEMP TABLE IF NOT EXISTS among (rid INTEGER PRIMARY KEY)")
            self.db.execute("DELETE FROM among")
            self.db.executemany("INSERT INTO among VALUES (?)", ((rid,) for rid in among))
            conditions.append("rid IN (SELECT rid FROM among)")
        return " AND ".join(conditions), parameters

    def ids(self, filters, sort=None, descending=False, among=None):
        """All ids in their order. among: only records of these (rid)."""
        where, parameters = self._where(filters, among)
        if sort is None:
            sql = f"SELECT id FROM record WHERE {where} ORDER BY id"
        else:
            pick, direction = ("max", "DESC") if descending else ("min", "ASC")
            sql = f"""SELECT id FROM record NATURAL LEFT JOIN
                      (SELECT rid, {pick}(key) AS k FROM value
                       WHERE pid = ? AND indexed <= ? GROUP BY rid)
                      WHERE {where}
                      ORDER BY substr(coalesce(k, x'10'), 1, {1 + SORTED_BYTES}) {direction}, id"""
            parameters = [*self.place(sort), *parameters]
        return [record_id for record_id, in self.db.execute(sql, parameters)]

    def facet(self, filters, field, among=None):
        """All (key, records), most frequent first, ties by value."""
        where, parameters = self._where(filters, among)
        return self.db.execute(f"""
          WITH found AS MATERIALIZED (SELECT rid FROM record WHERE {where})
          SELECT key, count(DISTINCT rid) AS n FROM value
          WHERE pid = ? AND indexed <= ? AND key > x'10' AND rid IN (SELECT rid FROM found)
          GROUP BY key ORDER BY n DESC, key""", [*parameters, *self.place(field)]).fetchall()
