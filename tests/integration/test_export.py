"""jcn-export: what is in its files (export/doc/schema.md), and where they go."""

import csv
import io
import json
import os
import sqlite3
import stat
import subprocess
import unittest

from exported import ExportCase, check_search, check_whole, export, opened, run_export
from harness import JCN_EXPORT, TIME_FACTOR, id_target, write_whole


class Records(ExportCase):
    def test_members_become_columns_and_arrays_tables(self):
        self.drop("a.json", b'{"title":"Loaf","media":{"height":720},"tags":["rye","\\u00e9"],'
                            b'"price":1.10,"big":18446744073709551616,"id":"a"}')
        self.drop("b.json", b'{"title":"Roll","formats":[{"ext":"webm"},{"ext":"mp4","fps":25}]}')
        daemon = self.daemon()
        export(daemon.index, self.out)
        check_whole(self.out)
        self.assertEqual(self.query("SELECT id, title, media_height, tags, price, big FROM videos"),
                         [("a", "Loaf", 720, '["rye","é"]', 1.1, "18446744073709551616"),
                          ("b", "Roll", None, None, None, None)])
        self.assertEqual(self.query("SELECT * FROM videos_tags"), [("a", 0, "rye"), ("a", 1, "é")])
        self.assertEqual(self.query("SELECT * FROM videos_formats"),
                         [("b", 0, "webm", None), ("b", 1, "mp4", 25)])
        self.assertEqual(self.query('SELECT "table", "column", "type", records, placed FROM _columns '
                                    "WHERE pointer = '/big'"),
                         [("videos", "big", "exact number", 1, 1)])
        for record_id in ("a", "b"):
            with self.subTest(record_id):
                self.assertEqual(self.query("SELECT _doc FROM videos WHERE id = ?", record_id),
                                 [(daemon.get(id_target(record_id)).body.decode(),)])

    def test_the_state_is_named(self):
        self.drop("a.json", {"n": 1})
        daemon = self.daemon()
        export(daemon.index, self.out)
        status = daemon.status()
        [(uuid, sequence, version)] = self.query("SELECT uuid, sequence, version FROM _jcn")
        self.assertEqual((uuid, f"{uuid}-{sequence}", version),
                         (status["uuid"], status["seq"], status["version"]))

    def test_what_was_dropped_before_is_in_it(self):
        daemon = self.daemon()
        for number in range(20):
            self.drop("a.json", {"n": number})
            export(daemon.index, self.out)
            self.assertEqual(self.query("SELECT n FROM videos"), [(number,)])

    def test_without_a_daemon(self):
        self.drop("a.json", {"n": 1})
        daemon = self.daemon()
        daemon.sync(durable=True)
        daemon.stop()
        export(daemon.index, self.out)
        self.assertEqual(self.query("SELECT n FROM videos"), [(1,)])

    def test_kinds_without_records_have_a_table(self):
        self.drop("a.json", {"n": 1})
        live = self.daemon(config='[[rule]]\nkind = "talks"\nmatch = "talks/*.json"\n'
                                  '[[rule]]\nkind = "videos"\n')
        export(live.index, self.out)
        check_whole(self.out)
        self.assertEqual(self.query("SELECT * FROM _kinds"), [("talks", 0), ("videos", 1)])
        self.assertEqual(self.query("SELECT id, _rev, _created, _updated, _doc FROM talks"), [])

    def test_fragments_provenance_and_rejects(self):
        self.drop("a.json", {"title": "old", "n": 1})
        self.drop("a.views.json", {"title": "new", "views": 5})
        self.drop("bad.json", b'{"title": ')
        daemon = self.daemon(config='[[rule]]\nkind = "videos"\nid = ["stem"]\n')
        export(daemon.index, self.out)
        check_whole(self.out)
        [record] = [json.loads(daemon.get("/v1/videos/a?_extra=fragments,provenance").body)]
        self.assertEqual(
            self.query("SELECT root, path, size, mtime, status FROM fragments ORDER BY position"),
            [tuple(each.values()) for each in record["fragments"]])
        self.assertEqual(
            {pointer: (root, path) for pointer, root, path in self.query(
                "SELECT pointer, root, path FROM provenance JOIN fragments "
                "USING (kind, id, position)")},
            {pointer: (each["root"], each["path"])
             for pointer, each in record["provenance"].items()})
        self.assertEqual(self.query("SELECT pointer, value, json_extract(shadowed, '$[0].value') "
                                    "FROM _conflicts"), [("/title", '"new"', "old")])
        [reject] = daemon.rejects().values()
        self.assertEqual(self.query("SELECT * FROM rejects"), [tuple(
            reject[name] for name in ("root", "path", "code", "line", "column", "offset", "pointer",
                                      "message", "since", "serving"))])

    def test_last_good_content_and_orphans_are_told_apart(self):
        self.drop("a.json", {"n": 1})
        self.drop("b.views.json", {"views": 1})
        daemon = self.daemon(config='[[rule]]\nkind = "videos"\nmatch = "*.views.json"\n'
                                    'id = ["stem"]\nrank = 1\n'
                                    '[[rule]]\nkind = "videos"\nid = ["stem"]\nanchor = true\n')
        self.drop("a.json", b"{broken")
        export(daemon.index, self.out)
        check_whole(self.out)
        self.assertEqual(self.query("SELECT id FROM videos"), [("a",)])
        self.assertEqual(self.query("SELECT id, status FROM fragments ORDER BY id"),
                         [("a", "last-good"), ("b", "orphan")])
        self.assertEqual(self.query("SELECT path, serving FROM rejects"), [("a.json", "last-good")])

    def test_one_kind_and_filters(self):
        for number in range(30):
            self.drop(f"v{number}.json", {"n": number, "title": "even" if number % 2 else "odd"})
        self.drop("talks/x.json", {"n": 5, "only": "talk"})
        daemon = self.daemon(config='[[rule]]\nkind = "talks"\nmatch = "talks/*.json"\n'
                                    '[[rule]]\nkind = "videos"\n')
        export(daemon.index, self.out)
        self.assertEqual(self.query("SELECT * FROM _kinds"), [("talks", 1), ("videos", 30)])
        export(daemon.index, self.out, "--kind", "talks")
        self.assertEqual(self.query("SELECT * FROM _kinds"), [("talks", 1)])
        for terms in (["n__gte=12"], ["n__gte=12", "title=odd"], ["_search=even"],
                      ["_search_title=odd", "n__lt=7"]):
            with self.subTest(terms):
                export(daemon.index, self.out, "--kind", "videos", *terms)
                check_whole(self.out)
                listed = daemon.rows(parameters="".join("&" + term for term in terms))
                self.assertEqual(self.query("SELECT n FROM videos ORDER BY id"),
                                 [(row["n"],) for row in listed])
                self.assertEqual(self.query("SELECT count(*) FROM fragments"), [(len(listed),)])

    def test_names_that_sql_has_words_for(self):
        self.drop("a.json", {"order": 1, "select": "x", "rank": "first", "id": 5, "_rev": "r",
                             "a b": 1, "A_B": 2, "rowid": 3, "": 4, "1080p": 5,
                             "é\"": ["x"], "table": {"group": ["y"]}, "VIDEOS_FTS": "z"})
        export(self.daemon().index, self.out)
        check_whole(self.out)
        check_search(self.out)
        self.assertEqual(self.query("SELECT order_, select_, rank, id, id_2, _rev_2, A_B, a_b_2, "
                                    "rowid_2, _, _1080p FROM videos"),
                         [(1, "x", "first", "5", 5, "r", 2, 1, 3, 4, 5)])
        self.assertEqual(self.query("SELECT value FROM videos_table_group"), [("y",)])
        self.assertEqual(self.query("SELECT VIDEOS_FTS FROM videos"), [("z",)])

    def test_search(self):
        self.drop("a.json", {"title": "Sourdough für alle", "tags": ["Brot"]})
        self.drop("b.json", {"title": "Rolls"})
        export(self.daemon().index, self.out)
        check_search(self.out)
        for words in ("fur", "brot", "sourdough alle"):
            with self.subTest(words):
                self.assertEqual(self.query(
                    "SELECT id FROM videos JOIN videos_fts ON videos.rowid = videos_fts.rowid "
                    "WHERE videos_fts MATCH ?", words), [("a",)])


class Destinations(ExportCase):
    def setUp(self):
        super().setUp()
        self.drop("a.json", {"n": 1})
        self.live = self.daemon()

    def refused(self, *arguments, code=2, **options):
        done = run_export("--index", self.live.index, *arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn("hint: ", done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_a_folder(self):
        os.mkdir(self.out)
        self.assertIn("is a folder", self.refused("--output", self.out))
        self.assertEqual(self.left_over(), [])

    def test_a_folder_that_is_not_there(self):
        self.assertIn("mkdir", self.refused("--output", self.out + "/x/y.db", code=4))

    def test_a_folder_that_may_not_be_written(self):
        folder = os.path.dirname(self.out)
        os.chmod(folder, 0o555)
        self.addCleanup(os.chmod, folder, 0o755)
        # Root may write anywhere; nobody may read an index. Whichever comes first is the folder.
        options = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        self.assertIn("may write", self.refused("--output", self.out, code=4, **options))

    def test_files_of_other_programs(self):
        for name in ("text", "sqlite"):
            path = os.path.join(os.path.dirname(self.out), name)
            if name == "text":
                write_whole(path, b"notes")
            else:
                other = sqlite3.connect(path)
                other.execute("CREATE TABLE t(n)")
                other.close()
            with open(path, "rb") as file:
                before = file.read()
            with self.subTest(name):
                self.assertIn("did not write", self.refused("--output", path))
                with open(path, "rb") as file:
                    self.assertEqual(file.read(), before)
        self.assertEqual(self.left_over(), ["sqlite", "text"])

    def test_what_a_database_left_that_is_gone(self):
        """SQLite would take it for the new file's."""
        gone = sqlite3.connect(self.out, isolation_level=None)
        gone.execute("PRAGMA journal_mode = WAL")
        gone.execute("CREATE TABLE t(n)")
        os.unlink(self.out)
        self.assertIn("-wal", self.refused("--output", self.out))
        gone.close()
        for name in self.left_over():
            os.unlink(os.path.join(os.path.dirname(self.out), name))
        export(self.live.index, self.out)
        check_whole(self.out)

    def test_bad_metadata_is_told_before_anything_is_done(self):
        self.refused("--output", self.out, "--datasette-metadata", os.path.dirname(self.out))
        self.assertEqual(os.listdir(os.path.dirname(self.out)), [])

    def test_standard_output(self):
        self.refused("--output", "-")

    def test_bad_filters_and_kinds(self):
        for terms, code in ((["n__near=5"], 2), (["n"], 2), (["_n=5"], 2), (["_search="], 2),
                            (["--kind", "cats"], 1)):
            with self.subTest(terms):
                done = run_export("--index", self.live.index, "--output", self.out, *terms)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(os.listdir(os.path.dirname(self.out)), [])

    def test_no_index(self):
        done = run_export("--index", self.out + ".none", "--output", self.out)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertEqual(os.listdir(os.path.dirname(self.out)), [])

    def test_the_mode_and_the_link_stay(self):
        link = self.out + ".link"
        os.symlink(self.out, link)
        export(self.live.index, link)
        os.chmod(self.out, 0o640)
        export(self.live.index, link)
        self.assertTrue(os.path.islink(link))
        self.assertEqual(stat.S_IMODE(os.stat(self.out).st_mode), 0o640)


class Formats(ExportCase):
    def setUp(self):
        super().setUp()
        self.drop("a.json", b'{"title":"one, \\"two\\"\\nthree","n":1.10,"tags":["x"],"t":true}')
        self.drop("b.json", {"title": "", "n": None, "deep": {"x": 10 ** 30}, "f": [{"a": 1}]})
        self.drop("c.json", {"title": "plain", "n": 3})
        self.live = self.daemon()

    def standard_output(self, *arguments):
        done = run_export("--index", self.live.index, "--output", "-", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_ndjson_is_what_http_gives(self):
        for terms in ([], ["n__gte=2"], ["title__isnull=1"]):
            with self.subTest(terms):
                target = "/v1/videos?_shape=array&_nl=on" + "".join("&" + term for term in terms)
                self.assertEqual(self.standard_output("--format", "ndjson", *terms),
                                 self.live.get(target).body.decode())

    def test_csv(self):
        with open(self.out, "w", encoding="utf-8") as file:
            file.write("what was there before")
        export(self.live.index, self.out, "--format", "csv")
        with open(self.out, encoding="utf-8", newline="") as file:
            text = file.read()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        self.assertEqual([(row["id"], row["title"], row["n"], row["tags"], row["t"], row["deep_x"])
                          for row in rows],
                         [("a", 'one, "two"\nthree', "1.10", '["x"]', "true", ""),
                          ("b", "", "", "", "", "1" + "0" * 30), ("c", "plain", "3", "", "", "")])
        self.assertEqual(list(rows[0]), ["id", "_rev", "_created", "_updated", "deep_x", "n", "t",
                                         "tags", "title"])
        # An empty text is told from no value, and lines end as RFC 4180 has it.
        self.assertTrue(text.splitlines(keepends=True)[-2].endswith(',""\r\n'), text)
        self.assertEqual(self.standard_output("--format", "csv"), text.replace("\r\n", "\n"))

    def test_one_kind_is_needed(self):
        self.live.stop()
        self.live.config = ('[[rule]]\nkind = "talks"\nmatch = "talks/*.json"\n'
                            '[[rule]]\nkind = "videos"\n')
        self.live.start()
        self.live.sync(durable=True)
        done = run_export("--index", self.live.index, "--output", "-", "--format", "csv")
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertIn("talks, videos", done.stderr)
        self.assertEqual(self.standard_output("--format", "ndjson", "--kind", "talks"), "")

    def test_databases_are_not_replaced_by_texts(self):
        export(self.live.index, self.out)
        done = run_export("--index", self.live.index, "--output", self.out, "--format", "csv")
        self.assertEqual(done.returncode, 2, done.stderr)
        check_whole(self.out)

    def test_what_goes_only_with_sqlite(self):
        for option in (["--incremental"], ["--datasette-metadata", self.out + ".json"]):
            done = run_export("--index", self.live.index, "--output", self.out, "--format", "csv",
                              *option)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual(os.listdir(os.path.dirname(self.out)), [])

    def test_a_reader_that_has_enough(self):
        for number in range(3000):
            self.drop(f"n{number}.json", {"text": "word " * 100})
        self.live.sync(durable=True)
        done = subprocess.run(["sh", "-c", f"'{JCN_EXPORT}' --index '{self.live.index}' --output - "
                               "--format ndjson | head -n 1"], capture_output=True, text=True,
                              timeout=60 * TIME_FACTOR, check=True)
        self.assertEqual(json.loads(done.stdout)["_id"], "a")

    def test_datasette_metadata(self):
        for number in range(20):
            self.drop(f"m{number}.json", {"language": "eng" if number % 2 else "deu",
                                          "unique": f"u{number}", "tags": ["x"], "title": "t"})
        metadata = self.out + ".json"
        link = os.path.join(os.path.dirname(self.out), "talks.db")
        os.symlink(self.out, link)
        # Datasette goes by the name that it is given.
        for path, called in ((link, "talks"), (self.out, "notes")):
            export(self.live.index, path, "--datasette-metadata", metadata)
            with open(metadata, encoding="utf-8") as file:
                [(name, database)] = json.load(file)["databases"].items()
            self.assertEqual(name, called)
        videos = database["tables"]["videos"]
        self.assertIn("language", videos["facets"])
        self.assertNotIn("unique", videos["facets"])
        self.assertIn({"array": "tags"}, videos["facets"])
        self.assertEqual(videos["label_column"], "title")
        self.assertEqual(videos["columns"]["language"], "/language: string, in 20 records")
        # Every table and column that it names is there.
        db = opened(self.out)
        for table, notes in database["tables"].items():
            columns = {row[1] for row in db.execute(f'PRAGMA table_info("{table}")')}
            self.assertTrue(columns, table)
            self.assertLessEqual(set(notes.get("columns", ())), columns)
            for facet in notes.get("facets", ()):
                self.assertIn(facet if isinstance(facet, str) else facet["array"], columns)
        db.close()


if __name__ == "__main__":
    unittest.main()
