"""jcn-export: snapshots in SQLite (export/doc/schema.md)."""

import csv
import io
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import tarfile
import threading
import unittest

from exported import (Expected, check_search, check_whole, contents, export, opened,
                      run_export, tables_of)
from harness import (CORPORA, FULL, JCN_EXPORT, PROJECT, TIME_FACTOR, JcnCase, id_target, json_of,
                     wait_for, write_whole)


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

    def test_an_index_without_records(self):
        export(self.daemon().index, self.out)
        check_whole(self.out)
        self.assertEqual(self.query("SELECT * FROM _kinds"), [])

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
                             "é\"": ["x"], "table": {"group": ["y"]}})
        export(self.daemon().index, self.out)
        check_whole(self.out)
        check_search(self.out)
        self.assertEqual(self.query("SELECT order_, select_, rank, id, id_2, _rev_2, A_B, a_b_2, "
                                    "rowid_2, _, _1080p FROM videos"),
                         [(1, "x", "first", "5", 5, "r", 2, 1, 3, 4, 5)])
        self.assertEqual(self.query("SELECT value FROM videos_table_group"), [("y",)])

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


class Interrupted(ExportCase):
    """The old snapshot stays, whatever ends the making of the new one."""

    def setUp(self):
        super().setUp()
        for number in range(400):
            self.drop(f"n{number}.json", {"n": number, "text": "word " * 200, "tags": ["a", "b"]})
        self.live = self.daemon()
        export(self.live.index, self.out)
        self.before = contents(self.out)
        self.drop("another.json", {"n": -1})
        self.live.sync(durable=True)

    def assert_old_snapshot(self):
        check_whole(self.out)
        self.assertEqual(contents(self.out), self.before)

    def assert_next_run_is_well(self):
        export(self.live.index, self.out)
        check_whole(self.out)
        self.assertEqual(self.query("SELECT count(*) FROM videos"), [(401,)])
        self.assertEqual(self.left_over(), [])

    def test_a_limit_on_file_sizes(self):
        for limit in (10_000, 300_000, 900_000):
            with self.subTest(limit):
                done = run_export(
                    "--index", self.live.index, "--output", self.out,
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
                self.assertEqual(done.returncode, 4, done.stderr)
                self.assertIn("hint: ", done.stderr)
                self.assertEqual(self.left_over(), [])
                self.assert_old_snapshot()
        self.assert_next_run_is_well()

    @unittest.skipUnless(os.geteuid() == 0, "mounts need root")
    def test_a_full_disk(self):
        """The destination lies on a tmpfs that has room for one snapshot, in a namespace of its own."""
        small = self.folder("small")
        size = os.path.getsize(self.out) * 3 // 2
        script = (f"mount -t tmpfs -o size={size} none '{small}' && cp '{self.out}' '{small}/x.db' && "
                  f"'{JCN_EXPORT}' --index '{self.live.index}' --output '{small}/x.db'; code=$?; "
                  f"cmp '{self.out}' '{small}/x.db' && ls -A '{small}' && exit $code")
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True,
                              text=True, timeout=60 * TIME_FACTOR, check=False)
        self.assertEqual((done.returncode, done.stdout), (4, "x.db\n"), done.stderr)
        self.assertIn("make room", done.stderr)

    def test_signals_are_heard(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            done = self.killed(number, "pwrite64", 3)
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertEqual(self.left_over(), [])
            self.assert_old_snapshot()

    def test_kill_9_at_every_system_call_that_matters(self):
        old = self.out + ".old"
        shutil.copyfile(self.out, old)
        calls = [("openat", 3), ("pwrite64", 5), ("fsync", 1), ("fsync", 2), ("rename", 1)]
        if FULL:
            calls = [(call, count) for call in ("openat", "pwrite64", "ftruncate", "fsync", "rename",
                                                "close") for count in (1, 2, 3, 5, 20, 60, 200)]
        for call, count in calls:
            with self.subTest(call=call, count=count):
                done = self.killed(signal.SIGKILL, call, count)
                self.assertIn(done.returncode, (0, -signal.SIGKILL), done.stderr)
                self.assertLessEqual(set(self.left_over()),
                                     {os.path.basename(old), ".notes.db.jcn-export"})
                check_whole(self.out)
                # The folder is synced behind the rename; before that the old one stands.
                renamed = done.returncode == 0 or (call, count) == ("fsync", 2)
                if not renamed and call != "close":
                    self.assert_old_snapshot()
                shutil.copyfile(old, self.out)
        os.unlink(old)
        self.assert_next_run_is_well()

    def killed(self, number, call, count=1):
        """Ends the process with a signal as it makes that system call."""
        name = signal.Signals(number).name
        return subprocess.run(
            ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}",
             "-e", f"inject={call}:signal={name}:when={count}", JCN_EXPORT, "--index",
             self.live.index, "--output", self.out],
            capture_output=True, text=True, timeout=120 * TIME_FACTOR, check=False)


class Moving(ExportCase):
    """The files change while they are exported (must-show 2)."""

    CHANGES = 2000 if FULL else 300

    def test_a_snapshot_is_one_state_of_the_feed(self):
        for number in range(500):
            self.drop(f"n{number}.json", {"n": number, "v": 0, "tags": ["x"] * (number % 4)})
        live = self.daemon()
        live.sync()
        over = threading.Event()

        def change():
            for step in range(self.CHANGES):
                path = f"n{step * 7 % 600}.json"
                if step % 11 == 5 and os.path.exists(self.path(path)):
                    os.unlink(self.path(path))
                else:
                    self.drop(path, {"n": step, "v": step, "tags": ["y"] * (step % 3)})
            over.set()

        writer = threading.Thread(target=change)
        writer.start()
        taken = []
        while not over.is_set() or len(taken) < 3:
            path = f"{self.out}.{len(taken)}"
            export(live.index, path)
            taken.append(path)
        writer.join()
        live.sync()
        # Every change is told once, by the latest state of its record: what the feed says beyond the
        # snapshot's number must be the whole difference between the snapshot and now.
        now = {row["_id"]: live.get(id_target(row["_id"])).body.decode() for row in live.rows()}
        for path in taken:
            check_whole(path)
            with opened(path) as db:
                [(uuid, sequence)] = db.execute("SELECT uuid, sequence FROM _jcn")
                state = dict(db.execute("SELECT id, _doc FROM videos"))
                shown = db.execute("SELECT (SELECT count(*) FROM videos_tags), "
                                   "(SELECT sum(json_array_length(tags)) FROM videos)").fetchone()
            db.close()
            self.assertEqual(shown[0], shown[1] or 0)
            feed = json.loads(live.get(f"/v1/changes?since={uuid}-{sequence}&include_docs=1&"
                                       "limit=100000").body)
            self.assertNotIn("fresh", feed)
            touched = {each["id"] for each in feed["results"]}
            for each in feed["results"]:
                if each.get("deleted"):
                    state.pop(each["id"], None)
                else:
                    state[each["id"]] = now[each["id"]]
            self.assertEqual(state, now, f"beyond {sequence}: {len(touched)} changes")


class Incremental(ExportCase):
    """Brought up to date, a file equals a new one, row for row (must-show 3)."""

    CHANGES = 1000 if FULL else 250

    def assert_as_new(self, live, *arguments):
        """Updates self.out; what it said."""
        said = export(live.index, self.out, "--incremental", *arguments)
        fresh = self.out + ".fresh"
        export(live.index, fresh, *arguments)
        check_whole(self.out)
        check_search(self.out)
        updated, new = contents(self.out), contents(fresh)
        self.assertEqual(updated["schema"], new["schema"])
        self.assertEqual(updated["rows"].keys(), new["rows"].keys())
        for table, rows in new["rows"].items():
            self.assertEqual(updated["rows"][table], rows, table)
        self.assertEqual(updated["head"], new["head"])
        os.unlink(fresh)
        return said

    def test_random_changes(self):
        seed = int(os.environ.get("JCN_SEED") or random.randrange(10 ** 6))
        draw = random.Random(seed)
        config = ('[[rule]]\nkind = "talks"\nmatch = "talks/*.json"\nid = ["stem"]\n'
                  '[[rule]]\nkind = "videos"\nid = ["stem"]\n')
        live = self.daemon(config=config)
        values = [None, True, 5, 2 ** 60, 10 ** 25, 1.5, "short", "long " * 30, [], ["a", "b"],
                  [1, "x", None], [{"x": 1}, {"y": "z"}], [[1]], {"deep": {"n": 1}}, {}]
        names = ["title", "n", "tags", "order", "id", "fts", "a b", "A_B", "views"]

        def change():
            folder = draw.choice(["", "", "", "talks/"])
            path = f"{folder}r{draw.randrange(40)}{draw.choice(['', '', '.more'])}.json"
            what = draw.random()
            if what < 0.2 and os.path.exists(self.path(path)):
                os.unlink(self.path(path))
            elif what < 0.25:
                self.drop(path, b"{broken")
            else:
                self.drop(path, {name: draw.choice(values)
                                 for name in draw.sample(names, draw.randrange(5))})

        with self.subTest(seed=seed):
            ways = set()
            changes = 0
            while changes < self.CHANGES:
                # Often few at a time, so that tables stay; sometimes many.
                step = draw.choice([1, 1, 2, 5, 40])
                for _ in range(step):
                    change()
                changes += step
                if step == 40:
                    live.restart()
                said = self.assert_as_new(live)
                ways.add("made anew" if "made anew" in said else "updated")
                self.got_on()
            self.assertIn("updated", ways)

    def test_one_change_touches_one_record(self):
        for number in range(50):
            self.drop(f"r{number}.json", {"n": number, "tags": ["a", "b"], "title": "words"})
        live = self.daemon()
        self.assert_as_new(live)
        self.drop("r7.json", {"n": 700, "tags": ["c"], "title": "other"})
        self.assertIn("1 changes", self.assert_as_new(live))
        self.assertEqual(self.query("SELECT n FROM videos WHERE id = 'r7'"), [(700,)])
        self.assertEqual(self.query("SELECT value FROM videos_tags WHERE video_id = 'r7'"), [("c",)])
        self.assertIn("0 changes", self.assert_as_new(live))

    def test_members_types_and_kinds_that_come_and_go(self):
        config = ('[[rule]]\nkind = "talks"\nmatch = "talks/*.json"\n[[rule]]\nkind = "videos"\n')
        live = self.daemon(config=config)
        self.drop("a.json", {"n": 1})
        self.drop("b.json", {"n": 2})
        self.assert_as_new(live)
        for path, body in (("a.json", {"n": 1, "new": "x"}), ("a.json", {"n": "one"}),
                           ("a.json", {"n": 10 ** 30}), ("a.json", {"n": 1, "l": [1]}),
                           ("talks/x.json", {"t": 1}), ("a.json", {"n": 1}), ("talks/x.json", None),
                           ("a.json", None), ("b.json", None)):
            with self.subTest(path=path, body=body):
                if body is None:
                    os.unlink(self.path(path))
                else:
                    self.drop(path, body)
                self.assert_as_new(live)

    def test_indexes_come_and_go_without_their_tables(self):
        """Of nine columns the eight that most records have an index."""
        for number in range(10):
            self.drop(f"r{number}.json", {f"c{column}": number for column in range(8 + number % 2)})
        live = self.daemon()
        self.assert_as_new(live)

        def indexed():
            return {name for (name,) in self.query(
                "SELECT name FROM sqlite_schema WHERE name LIKE 'idx_videos_c%'")}

        self.assertEqual(indexed(), {f"idx_videos_c{column}" for column in range(8)})
        [(before,)] = self.query("SELECT rootpage FROM sqlite_schema WHERE name = 'videos'")
        for number in range(6):
            self.drop(f"more{number}.json", {"c8": number})
        self.assert_as_new(live)
        self.assertEqual(indexed(), {f"idx_videos_c{column}" for column in (0, 1, 2, 3, 4, 5, 6, 8)})
        self.assertEqual(self.query("SELECT rootpage FROM sqlite_schema WHERE name = 'videos'"),
                         [(before,)])

    def test_with_filters(self):
        for number in range(20):
            self.drop(f"r{number}.json", {"n": number})
        live = self.daemon()
        arguments = ["--kind", "videos", "n__gte=5"]
        self.assert_as_new(live, *arguments)
        self.drop("r3.json", {"n": 300})
        self.drop("r8.json", {"n": 0})
        self.assert_as_new(live, *arguments)
        self.assertEqual(self.query("SELECT count(*) FROM videos"), [(15,)])
        done = run_export("--index", live.index, "--output", self.out, "--incremental")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("n__gte=5", done.stderr)

    def test_changed_rules_make_it_anew(self):
        self.drop("a.json", {"id": "x", "n": 1})
        live = self.daemon()
        export(live.index, self.out)
        live.stop()
        live.config = '[[rule]]\nkind = "videos"\nid = ["path"]\n'
        live.start()
        live.sync(durable=True)
        self.assertIn("the rules have changed", self.assert_as_new(live))
        self.assertEqual(self.query("SELECT id FROM videos"), [("a",)])

    def test_files_of_others_are_refused(self):
        self.drop("a.json", {"n": 1})
        live = self.daemon()
        other = self.daemon(index="other")
        export(other.index, self.out)
        before = contents(self.out)
        done = run_export("--index", live.index, "--output", self.out, "--incremental")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("another index", done.stderr)
        self.assertEqual(contents(self.out), before)
        db = sqlite3.connect(self.out)
        db.execute("ALTER TABLE videos ADD COLUMN mine")
        db.close()
        done = run_export("--index", other.index, "--output", self.out, "--incremental")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("another program changed", done.stderr)
        db = sqlite3.connect(self.out + ".foreign")
        db.execute("CREATE TABLE videos (id)")
        db.close()
        done = run_export("--index", live.index, "--output", self.out + ".foreign", "--incremental")
        self.assertEqual(done.returncode, 2, done.stderr)

    def test_tables_of_others_beside_stay(self):
        self.drop("a.json", {"n": 1})
        live = self.daemon()
        export(live.index, self.out)
        db = sqlite3.connect(self.out)
        db.execute("CREATE TABLE mine AS SELECT id, 'seen' AS mark FROM videos")
        db.commit()
        db.close()
        self.drop("b.json", {"n": 2})
        export(live.index, self.out, "--incremental")
        self.assertEqual(self.query("SELECT id, mark FROM videos LEFT JOIN mine USING (id)"),
                         [("a", "seen"), ("b", None)])

    def test_kill_9_leaves_the_old_state_or_the_new_one(self):
        for number in range(300):
            self.drop(f"r{number}.json", {"n": number, "text": "word " * 100})
        live = self.daemon()
        export(live.index, self.out)
        calls = [("pwrite64", 1), ("pwrite64", 30), ("fdatasync", 1), ("fdatasync", 2),
                 ("unlink", 1)]
        for step, (call, count) in enumerate(calls):
            for number in range(0, 300, 2):
                self.drop(f"r{number}.json", {"n": 1000 + step, "text": "other " * 100})
            live.sync(durable=True)
            with self.subTest(call=call, count=count):
                subprocess.run(["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e",
                                f"inject={call}:signal=SIGKILL:when={count}", JCN_EXPORT, "--index",
                                live.index, "--output", self.out, "--incremental"],
                               capture_output=True, timeout=60 * TIME_FACTOR, check=False)
                # As anybody who opens it to write finds it: SQLite rolls back what was not committed.
                db = sqlite3.connect(self.out)
                self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
                [(changed,)] = db.execute("SELECT count(*) FROM videos WHERE n = ?",
                                          (1000 + step,)).fetchall()
                db.close()
                self.assertIn(changed, (0, 150))
                self.assert_as_new(live)


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
        export(self.live.index, self.out, "--datasette-metadata", metadata)
        with open(metadata, encoding="utf-8") as file:
            [(name, database)] = json.load(file)["databases"].items()
        self.assertEqual(name, "notes")
        videos = database["tables"]["videos"]
        self.assertIn("language", videos["facets"])
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


class Served(ExportCase):
    """GET /v1/export.sqlite."""

    TARGET = "/v1/export.sqlite"

    def made(self, live, tag=None):
        """The snapshot once it is there, and not the one with that tag."""
        def newer():
            answer = live.get(self.TARGET)
            if answer.status == 503:
                self.assert_problem(answer, 503, "not_ready")
                self.assertEqual(answer.headers["retry-after"], "1")
                return None
            self.assertEqual(answer.status, 200, answer.body)
            return answer if answer.headers["etag"] != tag else None
        return wait_for(newer, "the snapshot")

    def rows(self, answer):
        write_whole(self.out, answer.body)
        check_whole(self.out)
        return self.query("SELECT id, n FROM videos ORDER BY id")

    def test_the_first_one_is_waited_for_and_then_kept(self):
        self.drop("a.json", {"n": 1})
        live = self.daemon()
        self.assert_problem(live.get(self.TARGET), 503, "not_ready")
        first = self.made(live)
        self.assertEqual(first.headers["content-type"], "application/vnd.sqlite3")
        self.assertEqual(self.rows(first), [("a", 1)])
        self.drop("a.json", {"n": 2})
        live.sync()
        again = live.get(self.TARGET)
        self.assertEqual((again.headers["etag"], again.body), (first.headers["etag"], first.body))
        tag = first.headers["etag"]
        self.assertEqual(live.get(self.TARGET, If_None_Match=tag).status, 304)
        head = live.request("HEAD", self.TARGET)
        self.assertEqual((head.status, head.headers["content-length"], head.body),
                         (200, str(len(first.body)), b""))

    def test_an_old_one_begins_the_next(self):
        self.drop("a.json", {"n": 1})
        live = self.daemon(config="[export]\nmax_age_ms = 0\n")
        first = self.made(live)
        self.drop("a.json", {"n": 2})
        live.sync()
        answer = first
        while self.rows(answer) != [("a", 2)]:
            answer = self.made(live, answer.headers["etag"])
        # What was made is there at once after a restart.
        live.restart()
        self.assertEqual(live.get(self.TARGET).status, 200)

    def test_ranges(self):
        self.drop("a.json", {"n": 1, "text": "word " * 20_000})
        live = self.daemon()
        whole = self.made(live)
        size, tag = len(whole.body), whole.headers["etag"]
        for asked, first, last in (("0-15", 0, 15), ("70000-140001", 70_000, 140_001),
                                   (f"{size - 5}-", size - 5, size - 1),
                                   ("-100", size - 100, size - 1), (f"5-{size + 9}", 5, size - 1)):
            with self.subTest(asked):
                answer = live.get(self.TARGET, Range=f"bytes={asked}")
                self.assertEqual(answer.status, 206)
                self.assertEqual(answer.headers["content-range"], f"bytes {first}-{last}/{size}")
                self.assertEqual(answer.body, whole.body[first:last + 1])
        answer = live.get(self.TARGET, Range=f"bytes={size}-")
        self.assert_problem(answer, 416, "bad_request")
        self.assertEqual(answer.headers["content-range"], f"bytes */{size}")
        for headers in ({"Range": "lines=1-2"}, {"Range": "bytes=0-1,5-6"}, {"Range": "bytes=9-3"},
                        {"Range": "bytes=0-15", "If_Range": '"other"'}):
            with self.subTest(headers):
                self.assertEqual(live.get(self.TARGET, **headers).body, whole.body)
        self.assertEqual(live.get(self.TARGET, Range="bytes=0-15", If_Range=tag).status, 206)

    def test_a_program_that_fails_or_is_not_there(self):
        for program, word in (("/bin/false", "exit status 1"), ("/none", "posix_spawn /none")):
            with self.subTest(program):
                live = self.daemon(index="index" + os.path.basename(program),
                                   config=f'[export]\nprogram = "{program}"\n')
                answer = wait_for(lambda: next(
                    (each for each in [live.get(self.TARGET)] if each.status != 503), None), "a 500")
                self.assertEqual(answer.status, 500)
                self.assertIn(word, json_of(answer)["detail"])
                live.stop()

    def test_the_end_ends_the_child(self):
        child = os.path.join(self.tmp, "slow")
        write_whole(child, b"#!/bin/sh\necho $$ > '" + os.fsencode(child) + b".pid'\n"
                           b"exec sleep 1000\n")
        os.chmod(child, 0o755)
        live = self.daemon(config=f'[export]\nprogram = "{child}"\n')
        self.assert_problem(live.get(self.TARGET), 503, "not_ready")
        pid = int(wait_for(lambda: os.path.exists(child + ".pid")
                           and pathlib.Path(child + ".pid").read_text(encoding="utf-8"), "the child"))
        live.stop()
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)

    def test_url(self):
        self.drop("a.json", {"n": 1})
        live = self.daemon()
        url = f"http://127.0.0.1:{live.port}"
        done = run_export("--url", url, "--output", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        check_whole(self.out)
        self.assertEqual(self.query("SELECT id, n FROM videos"), [("a", 1)])
        self.assertEqual(self.left_over(), [])
        for arguments in (["--incremental"], ["--kind", "videos"], ["n=1"], ["--format", "csv"]):
            done = run_export("--url", url, "--output", self.out, *arguments)
            self.assertEqual(done.returncode, 2, done.stderr)
        live.stop()
        done = run_export("--url", url, "--output", self.out)
        self.assertEqual(done.returncode, 3, done.stderr)
        check_whole(self.out)


class Corpus(ExportCase):
    """Real notes: what is in the tables is counted from the files by other means (must-show 1)."""

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
            archive.extractall(self.root, filter="data")
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
            archive.extractall(self.root, filter="data")
        live = self.daemon()
        export(live.index, self.out)
        db, records, children = self.reconcile(live, self.out)
        # Captions come in 150 languages, an array each; that is no 150 tables.
        self.assertLessEqual(len(children), 50)
        [(columns,)] = db.execute("SELECT count(*) FROM pragma_table_info('videos')")
        self.assertLessEqual(columns, 505)


if __name__ == "__main__":
    unittest.main()
