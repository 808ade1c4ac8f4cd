"""jcn-export on real notes."""

import json
import os
import re
import shutil
import subprocess
import tarfile
import unittest

from exported import Expected, ExportCase, check_search, check_whole, export, opened, tables_of
from harness import CORPORA, PROJECT, id_target


class Corpus(ExportCase):
    """Real notes: what is in the tables is counted from the files by other means."""

    def reconcile(self, live, path):
        check_whole(path)
        check_search(path)
        db = opened(path)
        self.addCleanup(db.close)
        documents = dict(db.execute("SELECT id, _doc FROM videos"))
        # As HTTP answers, each of them.
        for row_id, document in documents.items():
            self.assertEqual(live.get(id_target(row_id)).body.decode(), document)
        self.assertEqual(len(documents), live.status()["kinds"]["videos"])
        records = [json.loads(document) for document in documents.values()]
        expected = Expected(records)
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
        self.check_columns(db, expected)
        [(fragments,)] = db.execute("SELECT count(*) FROM fragments")
        [(rejects,)] = db.execute("SELECT count(*) FROM rejects")
        [(serving,)] = db.execute("SELECT count(*) FROM rejects WHERE serving IS NOT NULL")
        files = 0
        for _, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            files += sum(name.endswith(".json") and not name.startswith(".") for name in names)
        self.assertEqual(fragments + rejects - serving, files)
        return db, records, children

    def check_columns(self, db, expected):
        """How many records have each value, by the column and by the files."""
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
