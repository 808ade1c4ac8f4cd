"""jcn-export on real notes."""

import concurrent.futures
import json
import re
import shutil
import subprocess
import tarfile
import unittest

from composed_records import files, read_folder
from exported import (Expected, ExportCase, check_search, check_whole, export, leaves_of, opened,
                      tables_of)
from harness import CORPORA, PROJECT, id_target


def read_note(text):
    """The document of a file, as another parser has it; None: it has none, so it is a reject."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


class Corpus(ExportCase):
    """Real notes: what the tables hold is worked out from the files, by other means."""

    def reconcile(self, live, path):
        """Every table beside the files; (database, the files' records, child tables by pointer)."""
        check_whole(path)
        check_search(path)
        db = opened(path)
        self.addCleanup(db.close)
        records = read_folder(self.root, read_note)
        rows = {row_id: rest for row_id, *rest in db.execute(
            "SELECT id, _created, _updated, _doc FROM videos")}
        self.assertEqual(set(rows), {record.id for record in records})
        for record in records:
            created, updated, document = rows[record.id]
            self.assertEqual((created, updated), (record.created, record.updated), record.id)
            self.assertEqual(json.loads(document), record.document, record.id)
        # To the byte as HTTP answers it.
        with concurrent.futures.ThreadPoolExecutor(8) as several:
            answers = several.map(lambda record: live.get(id_target(record.id)).body.decode(), records)
            for record, answer in zip(records, answers):
                self.assertEqual(rows[record.id][2], answer)
        expected = Expected([record.document for record in records])
        children = self.check_children(db, expected)
        self.check_columns(db, expected)
        self.check_sources(db, records)
        return db, records, children

    def check_children(self, db, expected):
        children = {pointer: table for table, pointer in db.execute(
            'SELECT DISTINCT "table", pointer FROM _columns WHERE "table" <> \'videos\' AND '
            "placed AND pointer NOT LIKE '%/~*%'")}
        for table, pointer in db.execute('SELECT DISTINCT "table", pointer FROM _columns WHERE '
                                         "pointer LIKE '%/~*' AND placed"):
            children[pointer.removesuffix("/~*")] = table
        self.assertEqual(set(children), expected.children)
        for pointer, table in children.items():
            [(rows,)] = db.execute(f'SELECT count(*) FROM "{table}"')
            self.assertEqual(rows, expected.elements[pointer], table)
        known = {"videos", "fragments", "provenance", "rejects", "_jcn", "_columns", "_shapes"}
        self.assertEqual(set(tables_of(db)), known | set(children.values()))
        return children

    def check_sources(self, db, records):
        """fragments, provenance and rejects."""
        self.assertEqual(
            dict(db.execute("SELECT id, json_group_array(path) FROM (SELECT id, path FROM fragments "
                            "ORDER BY id, position) GROUP BY id")),
            {record.id: json.dumps(record.paths, ensure_ascii=False, separators=(",", ":"))
             for record in records})
        # Of records that are made of several files each leaf comes from one of them.
        self.assertEqual(
            db.execute("SELECT id, pointer FROM provenance WHERE NOT removed "
                       "ORDER BY id, pointer").fetchall(),
            sorted((record.id, pointer) for record in records if len(record.paths) > 1
                   for pointer in leaves_of(record.document)))
        accepted = {path for record in records for path in record.paths}
        self.assertEqual({path for path, in db.execute("SELECT path FROM rejects")},
                         set(files(self.root)) - accepted)
        self.assertEqual(db.execute("SELECT count(*) FROM _jcn").fetchall(), [(1,)])

    def check_columns(self, db, expected):
        """How many records have each place and each value, by the tables and by the files."""
        self.assertEqual(dict(db.execute("SELECT pointer, records FROM _columns")),
                         expected.places)
        columns = {pointer: (column, kind) for column, pointer, kind in db.execute(
            'SELECT "column", pointer, type FROM _columns WHERE "table" = \'videos\' AND placed')}
        by_pointer = {}
        for (pointer, value), count in expected.values.items():
            by_pointer.setdefault(pointer, {})[value] = count
        for pointer, values in by_pointer.items():
            if pointer not in columns:
                continue
            column, kind = columns[pointer]
            if "array" in kind or "exact" in kind:
                continue
            [(filled,)] = db.execute(f'SELECT count("{column}") FROM videos')
            self.assertEqual(filled, sum(values.values()) - values.get("null", 0), pointer)
            if len(values) <= 1000:
                seen = dict(db.execute(f'SELECT "{column}", count(*) FROM videos WHERE '
                                       f'"{column}" IS NOT NULL GROUP BY 1'))
                wanted = {}
                for value, count in values.items():
                    if value != "null":
                        read = json.loads(value)
                        wanted[read] = wanted.get(read, 0) + count
                self.assertEqual(seen, wanted, pointer)

    @unittest.skipUnless((CORPORA / "pyvideo.tar.xz").is_file(), "no corpora: set JCN_CORPORA")
    def test_pyvideo(self):
        with tarfile.open(CORPORA / "pyvideo.tar.xz") as archive:
            archive.extractall(self.root)
        live = self.new_daemon()
        live.start(seconds=240)
        export(live.index, self.out)
        db, records, children = self.reconcile(live, self.out)
        self.assertEqual(len(records), 22_255)
        self.assertEqual(children["/tags"], "videos_tags")
        self.sqlite_utils(records)
        self.worked_examples(db)

    def worked_examples(self, db):
        """Those of export/doc/schema.md answer what it says."""
        text = (PROJECT / "export/doc/schema.md").read_text(encoding="utf-8")
        examples = re.findall(r"```sql\n(.*?)```\n```text\n(.*?)```", text, re.S)
        self.assertEqual(len(examples), 10)
        for sql, answer in examples:
            with self.subTest(sql):
                rows = ["|".join("" if value is None else str(value) for value in row)
                        for row in db.execute(sql)]
                self.assertEqual(rows, answer.splitlines())

    def sqlite_utils(self, records):
        if not shutil.which("sqlite-utils"):
            self.skipTest("sqlite-utils is not installed")

        def run(*words):
            return json.loads(subprocess.run(["sqlite-utils", *words], check=True,
                                             capture_output=True).stdout)

        counts = {each["table"]: each["count"] for each in run("tables", self.out, "--counts")}
        self.assertEqual(counts["videos"], len(records))
        found = run("search", self.out, "videos", "asyncio", "-c", "id", "-c", "_doc")
        self.assertGreater(len(found), 20)
        for each in found:
            self.assertIn("asyncio", each["_doc"].lower())

    @unittest.skipUnless((CORPORA / "sidecars.tar.xz").is_file(), "no corpora: set JCN_CORPORA")
    def test_sidecars(self):
        with tarfile.open(CORPORA / "sidecars.tar.xz") as archive:
            archive.extractall(self.root)
        live = self.daemon()
        export(live.index, self.out)
        db, records, children = self.reconcile(live, self.out)
        # Captions come in 150 languages, an array each; that is no 150 tables.
        self.assertLessEqual(len(children), 50)
        [(columns,)] = db.execute("SELECT count(*) FROM pragma_table_info('videos')")
        self.assertLessEqual(columns, 505)


if __name__ == "__main__":
    unittest.main()
