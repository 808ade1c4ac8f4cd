"""Runs jcn-export, and says what its files should hold: worked out from the records, not by jcn."""

import collections
import json
import os
import sqlite3
import subprocess

from harness import JCN_EXPORT, TIME_FACTOR, JcnCase

MOST_CHILDREN = 50


def run_export(*arguments, seconds=120, **options):
    return subprocess.run([JCN_EXPORT, *map(str, arguments)], capture_output=True, text=True,
                          timeout=seconds * TIME_FACTOR, check=False, **options)


def export(index, output, *arguments):
    """Fails unless it exits 0; what it said."""
    done = run_export("--index", index, "--output", output, *arguments)
    if done.returncode != 0:
        raise AssertionError(f"jcn-export: exit {done.returncode}\n{done.stderr}")
    return done.stderr


def opened(path):
    """Read only, so that looking leaves nothing behind."""
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def tables_of(db):
    """The tables that hold rows of their own: without views and what FTS5 keeps."""
    names = [name for (name,) in db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")]
    search = [name for (name,) in db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage = 0")]
    shadows = {table + end for table in search
               for end in ("_data", "_idx", "_content", "_docsize", "_config")}
    return sorted(set(names) - shadows)


def rows_of(db, table, columns="*"):
    return sorted(db.execute(f'SELECT {columns} FROM "{table}"'), key=repr)


def contents(path):
    """Everything in a file but the time of its making: what two exports of one state share."""
    with opened(path) as db:
        schema = sorted(db.execute("SELECT type, name, sql FROM sqlite_schema "
                                   "WHERE name NOT LIKE 'sqlite_autoindex%'"), key=repr)
        rows = {table: rows_of(db, table) for table in tables_of(db) if table != "_jcn"}
        head = db.execute("SELECT uuid, sequence, version, schema_version, selection, rules "
                          "FROM _jcn").fetchall()
    db.close()
    return {"schema": schema, "rows": rows, "head": head}


def check_whole(path):
    """What SQLite itself says of the file."""
    with opened(path) as db:
        whole = db.execute("PRAGMA integrity_check").fetchall()
        orphans = db.execute("PRAGMA foreign_key_check").fetchall()
    db.close()
    if whole != [("ok",)] or orphans:
        raise AssertionError(f"{path}: {whole[:5]} {orphans[:5]}")


def check_search(path):
    """Each full-text table holds what its kind's table does: FTS5's own comparison."""
    copy = sqlite3.connect(":memory:")
    with opened(path) as db:
        db.backup(copy)
    db.close()
    for (name,) in copy.execute("SELECT name FROM sqlite_schema WHERE rootpage = 0 AND "
                                "type = 'table'").fetchall():
        copy.execute(f'INSERT INTO "{name}" ("{name}", rank) VALUES (\'integrity-check\', 1)')
    copy.close()


def escaped(name):
    return name.replace("~", "~0").replace("/", "~1")


def arrays_of(value, path=""):
    """(pointer, list) of every array of a record that no array is around."""
    for name, member in value.items():
        at = f"{path}/{escaped(name)}"
        if isinstance(member, dict):
            yield from arrays_of(member, at)
        elif isinstance(member, list):
            yield at, member


def scalars_of(value, path=""):
    """(pointer, scalar) of every scalar that no array is around."""
    for name, member in value.items():
        at = f"{path}/{escaped(name)}"
        if isinstance(member, dict):
            yield from scalars_of(member, at)
        elif not isinstance(member, list):
            yield at, member


def places_of(value, path="", in_array=False):
    """(pointer, whether it is an object) of every place, "~*" for any element. Arrays within arrays
    are not looked into."""
    if path:
        yield path, isinstance(value, dict)
    if isinstance(value, dict):
        for name, member in value.items():
            yield from places_of(member, f"{path}/{escaped(name)}", in_array)
    elif isinstance(value, list) and not in_array:
        for element in value:
            yield from places_of(element, f"{path}/~*", True)


def leaves_of(value, path=""):
    """The pointer of everything in a record but objects that have members."""
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from leaves_of(member, f"{path}/{escaped(name)}")
    else:
        yield path


class Expected:
    """What the tables of one kind should hold, by its records' parsed JSON."""

    def __init__(self, documents):
        self.elements = collections.Counter()  # pointer: rows of its child table
        self.values = collections.Counter()    # (pointer, value): records, of scalars
        having_place = collections.Counter()   # pointer: records
        columns = set()                        # pointers that are more than objects somewhere
        having = collections.Counter()         # pointer: records with an element
        nested = {}                            # pointer: whether all elements are arrays
        for document in documents:
            places = set(places_of(document))
            having_place.update({pointer for pointer, _ in places})
            columns.update(pointer for pointer, is_object in places if not is_object)
            for pointer, array in arrays_of(document):
                self.elements[pointer] += len(array)
                having[pointer] += bool(array)
                flat = any(not isinstance(element, list) for element in array)
                nested[pointer] = nested.get(pointer, True) and not flat
            for pointer, value in scalars_of(document):
                self.values[pointer, json.dumps(value)] += 1
        wanted = [pointer for pointer in having if not nested[pointer]]
        wanted.sort(key=lambda pointer: (-having[pointer], f"{pointer}/~*".encode()))
        self.children = set(wanted[:MOST_CHILDREN])
        self.places = {pointer: having_place[pointer] for pointer in columns}


class ExportCase(JcnCase):
    def setUp(self):
        super().setUp()
        self.out = os.path.join(self.folder("out"), "notes.db")

    def left_over(self):
        """What lies beside the destination."""
        return sorted(set(os.listdir(os.path.dirname(self.out))) - {os.path.basename(self.out)})

    def query(self, sql, *parameters):
        db = opened(self.out)
        try:
            return db.execute(sql, parameters).fetchall()
        finally:
            db.close()
