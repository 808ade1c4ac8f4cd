"""What jcn must answer, worked out without jcn: SQLite, filled from the files.

read_folder() finds, parses and composes the records of one folder. Fields puts every member of them
into tables and answers filters, sorting, counts and facets as DESIGN.md "Filters, exactly" has
them; Words puts their strings into FTS5 and answers searches.

Every value has a key, a blob whose order (memcmp, SQLite's own for blobs) is the order of values:
  10 null   20 false   21 true   30 number (an exact decimal)   40 string (its UTF-8)
"""

import collections
import datetime
import decimal
import json
import os
import re
import sqlite3
import unicodedata

NULL, FALSE, TRUE, NUMBER, STRING = b"\x10", b"\x20", b"\x21", b"\x30", b"\x40"
SORTED_BYTES = 4096  # of a string, when sorting
JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
COMPUTED = ("_id", "_created", "_updated")

OPERATORS = ("exact", "not", "gt", "gte", "lt", "lte", "in", "contains", "startswith", "endswith",
             "isnull", "notnull", "arraycontains", "arraynotcontains")

Filter = collections.namedtuple("Filter", "field operator value")
Record = collections.namedtuple("Record", "id document created updated")


# ---- values and their keys ----------------------------------------------------------------------

def parse(text):
    """JSON with exact numbers: each becomes a Decimal, which holds all of its digits."""
    return json.loads(text, parse_int=decimal.Decimal, parse_float=decimal.Decimal)


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


# ---- files → records ----------------------------------------------------------------------------

def merge_patch(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def time_text(nanoseconds):
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:09d}Z"


def fragments(root):
    """(path without .json, document, mtime in ns) of each file beneath root."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.endswith(".json") or name.startswith("."):
                continue
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                document = parse(file.read().decode())
                modified = os.fstat(file.fileno()).st_mtime_ns
            yield os.path.relpath(path, root)[:-len(".json")], document, modified


def id_of(path, document):
    """The default rule: /id, a non-empty string or an integer, else the path."""
    given = document.get("id")
    if isinstance(given, decimal.Decimal) and given.as_tuple().exponent == 0:
        return str(given)
    return given if isinstance(given, str) and given else path


def read_folder(root):
    """The records of the files beneath root, by id."""
    by_id = collections.defaultdict(list)
    for path, document, modified in fragments(root):
        by_id[id_of(path, document)].append((path.encode(), document, modified))
    records = []
    for record_id, parts in sorted(by_id.items(), key=lambda item: item[0].encode()):
        parts.sort(key=lambda part: part[0])
        document = parts[0][1]
        for _, patch, _ in parts[1:]:
            document = merge_patch(document, patch)
        times = [modified for _, _, modified in parts]
        records.append(Record(record_id, document, time_text(min(times)), time_text(max(times))))
    return records


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
        return bool(self.db.execute(
            "SELECT 1 FROM member WHERE pid = ? AND indexed <= ? LIMIT 1", (pid, indexed)).fetchone())

    def holders(self, field):
        """The records (rid) that have the member."""
        return [rid for rid, in self.db.execute(
            "SELECT rid FROM member WHERE pid = ? AND indexed <= ? ORDER BY rid", self.place(field))]

    def member_type(self, rid, field):
        found = self.db.execute("SELECT type FROM member WHERE pid = ? AND indexed <= ? AND rid = ?",
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
            found = {"contains": "instr(substr(key, 2), ?) > 0",
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


# ---- words --------------------------------------------------------------------------------------

# Each Han, Kana and Hangul character.
SINGLE = re.compile("([\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b"
                    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3131-\u318e\u31f0-\u31ff"
                    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7fb\uf900-\ufaff\uff66-\uff9f"
                    "\uffa0-\uffdc\U00020000-\U0003ffff])")


def same_words(text):
    """The text as FTS5's unicode61 has to see it to find the words that jcn finds, by a newer Unicode than
    unicode61 knows: each of SINGLE is a word, marks belong to the word they stand in, what can't be seen
    (a soft hyphen, joiners) is not there, and letters are folded (ß is ss, ﬁ is fi). ASCII stays."""
    if text.isascii():
        return text.replace("\0", " ")
    folded = []
    for c in unicodedata.normalize("NFC", text):
        kind = unicodedata.category(c)
        if c.isascii() or kind == "Co":
            folded.append(c)
        elif kind[0] in "LN":
            form = "NFKD" if ord(c) < 0x530 or 0x1e00 <= ord(c) < 0x2000 else "NFKC"  # й is и
            folded += [d for d in unicodedata.normalize(form, c).casefold().replace("\u2044", " ")
                       if unicodedata.category(d)[0] != "M"]
        elif kind[0] != "M" and (kind != "Cf" or c == "\u200b"):
            folded.append(" ")
    return SINGLE.sub(r" \1 ", "".join(folded)).replace("\0", " ")


def strings_of(value):
    """Every string in it, in document order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from strings_of(member)
    elif isinstance(value, list):
        for element in value:
            yield from strings_of(element)


class Words:
    """FTS5 over every string of every record. Each string has a column of its own, for phrases don't
    cross strings; the strings of each of `named` come first, so that they can be searched alone."""

    def __init__(self, records, named=(), columns=80):
        self.named = list(named)
        self.columns = columns
        names = self.named + [f"s{number}" for number in range(columns)]
        self.db = sqlite3.connect(":memory:")
        self.db.execute(f"CREATE VIRTUAL TABLE words USING fts5({', '.join(names)}, "
                        "tokenize = \"unicode61 remove_diacritics 2\")")
        self._insert = f"INSERT INTO words (rowid, {', '.join(names)}) VALUES (?{', ?' * len(names)})"
        self.ids = {}  # rowid → id
        self._rows = {}
        for record in records:
            self.put(record.id, record.document)

    def put(self, record_id, document):
        self.remove(record_id)
        row = len(self.ids) + 1
        first, rest = {}, []
        for name, member in document.items():
            if name in self.named and isinstance(member, str):
                first[name] = member
            else:
                rest += strings_of(member)
        if len(rest) > self.columns:  # their order may make phrases of the last ones: not drawn
            rest[self.columns - 1:] = ["\n".join(rest[self.columns - 1:])]
        rest += [None] * (self.columns - len(rest))
        texts = [first.get(name) for name in self.named] + rest
        self.db.execute(self._insert, [row] + [
            text if text is None else same_words(text) for text in texts])
        self.ids[row] = record_id
        self._rows[record_id] = row

    def remove(self, record_id):
        row = self._rows.pop(record_id, None)
        if row is not None:
            self.db.execute("DELETE FROM words WHERE rowid = ?", (row,))

    def search(self, match):
        """All (id, score) best first. match: in the words of FTS5; lower scores are better."""
        return [(self.ids[row], score) for row, score in self.db.execute(
            "SELECT rowid, bm25(words) AS score FROM words WHERE words MATCH ? ORDER BY score, rowid",
            (same_words(match),))]

    def found(self, match):
        """The ids alone."""
        return {self.ids[row] for row, in self.db.execute(
            "SELECT rowid FROM words WHERE words MATCH ?", (same_words(match),))}
