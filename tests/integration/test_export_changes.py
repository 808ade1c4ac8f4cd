"""jcn-export while files change and where it is ended; and how a file is brought up to date."""

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
import unittest

from exported import ExportCase, check_search, check_whole, contents, export, opened, run_export
from harness import FULL, JCN_EXPORT, TIME_FACTOR


def strace(call, signal_name, count):
    """What a program is started with, to get a signal as it makes that system call so many times."""
    return ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-f", "-qq", "-o", os.devnull,
            "-e", f"trace={call}", "-e", f"inject={call}:signal={signal_name}:when={count}"]


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

    def test_fault_9_a_limit_on_file_sizes(self):
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
    def test_fault_9_a_full_disk(self):
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

    def test_fault_7_kill_9_at_every_system_call_that_matters(self):
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
            [*strace(call, name, count), JCN_EXPORT, "--index", self.live.index, "--output", self.out],
            capture_output=True, text=True, timeout=120 * TIME_FACTOR, check=False)


class FeedRecorder:
    """Replays the change feed as it grows: what each record was at each sequence number."""

    def __init__(self, live):
        self.live = live
        self.uuid = live.status()["uuid"]
        self.told = []  # (number, id, (rev, document) or None)
        self.last = None

    def follow(self):
        """Takes what is new; how many changes that were."""
        since = f"{self.uuid}-{self.last}" if self.last is not None else "0"
        page = json.loads(self.live.get(f"/v1/changes?since={since}&include_docs=1&"
                                        "limit=100000").body)
        for each in page["results"]:
            state = None if each.get("deleted") else (each["rev"], each["doc"])
            self.told.append((int(each["seq"].rpartition("-")[2]), each["id"], state))
        self.last = int(page["last_seq"].rpartition("-")[2])
        return len(page["results"])

    def state_at(self, number):
        state = {}
        for told, record_id, now in self.told:
            if told > number:
                break
            state[record_id] = now
        return {record_id: now for record_id, now in state.items() if now}


class Moving(ExportCase):
    """The files change while they are exported."""

    CHANGES = 2000 if FULL else 300
    SNAPSHOTS = 3  # at least

    def test_a_snapshot_is_one_state_of_the_feed(self):
        for number in range(500):
            self.drop(f"n{number}.json", {"n": number, "v": 0, "tags": ["x"] * (number % 4)})
        live = self.daemon()
        live.sync()
        feed = FeedRecorder(live)
        self.assertEqual(feed.follow(), 500)
        before = feed.last
        enough, over = threading.Event(), threading.Event()
        errors = []

        def change():
            """One at a time, so that the feed tells of every state."""
            try:
                step = 0
                while step < self.CHANGES or not enough.is_set():
                    path = f"n{step * 7 % 600}.json"
                    if step % 11 == 5 and os.path.exists(self.path(path)):
                        os.unlink(self.path(path))
                    else:
                        self.drop(path, {"n": step, "v": step, "tags": ["y"] * (step % 3)})
                    live.sync()
                    if feed.follow() != 1:
                        raise AssertionError(f"step {step}: {feed.told[-3:]}")
                    step += 1
            except BaseException as error:  # handed to the test's thread
                errors.append(error)
            finally:
                over.set()

        writer = threading.Thread(target=change)
        writer.start()
        taken = []
        while not over.is_set():
            path = f"{self.out}.{len(taken)}"
            export(live.index, path)
            taken.append(path)
            if len(taken) >= self.SNAPSHOTS:
                enough.set()
        writer.join()
        self.assertEqual(errors, [])
        self.assertGreaterEqual(feed.last - before, self.CHANGES)
        numbers = set()
        for path in taken:
            check_whole(path)
            with opened(path) as db:
                [(uuid, number)] = db.execute("SELECT uuid, sequence FROM _jcn")
                state = {row_id: (rev, json.loads(document)) for row_id, rev, document
                         in db.execute("SELECT id, _rev, _doc FROM videos")}
                elements = db.execute("SELECT (SELECT count(*) FROM videos_tags), "
                                      "(SELECT sum(json_array_length(tags)) FROM videos)").fetchone()
                files = {each for each, in db.execute("SELECT id FROM fragments")}
            db.close()
            self.assertEqual(uuid, feed.uuid)
            self.assertEqual(state, feed.state_at(number), f"at {number}")
            self.assertEqual(elements[0], elements[1] or 0)
            self.assertEqual(files, set(state))
            numbers.add(number)
        self.assertTrue(any(before < number < feed.last for number in numbers), numbers)


class Incremental(ExportCase):
    """Brought up to date, a file equals a new one, row for row."""

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
        # What is added to a video that is not there waits for it: an orphan.
        config = ('[[rule]]\nkind = "talks"\nmatch = "talks/*.json"\nid = ["stem"]\n'
                  '[[rule]]\nkind = "videos"\nmatch = "*.more.json"\nid = ["stem"]\nrank = 1\n'
                  '[[rule]]\nkind = "videos"\nid = ["stem"]\nanchor = true\n')
        live = self.daemon(config=config)
        values = [None, True, 5, 2 ** 60, 10 ** 25, 1.5, "short", "long " * 30, [], ["a", "b"],
                  [1, "x", None], [{"x": 1}, {"y": "z"}], [[1]], {"deep": {"n": 1}}, {}]
        names = ["title", "n", "tags", "order", "id", "fts", "a b", "A_B", "views", "VIDEOS_FTS",
                 "rank", ""]

        def change():
            folder = draw.choice(["", "", "", "talks/"])
            path = f"{folder}r{draw.randrange(40)}{draw.choice(['', '', '.more'])}.json"
            what = draw.random()
            if what < 0.2 and os.path.exists(self.path(path)):
                os.unlink(self.path(path))
            elif what < 0.25:
                self.drop(path, b"{broken")
            elif what < 0.3 and os.path.exists(self.path(path)):
                os.utime(self.path(path), (draw.randrange(10 ** 9),) * 2)
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

    def test_with_searches(self):
        for number in range(20):
            self.drop(f"r{number}.json", {"title": f"word {'odd' if number % 2 else 'even'}",
                                          "n": number})
        live = self.daemon()
        arguments = ["--kind", "videos", "_search=odd", "_search_title=word", "n__lt=100"]
        self.assert_as_new(live, *arguments)
        self.drop("r1.json", {"title": "word even", "n": 1})
        self.drop("r2.json", {"title": "word odd", "n": 2})
        self.drop("r3.json", {"title": "word odd", "n": 300})
        os.unlink(self.path("r5.json"))
        self.assertIn("4 changes", self.assert_as_new(live, *arguments))
        self.assertEqual(self.query("SELECT count(*) FROM videos"), [(8,)])

    def test_rows_that_another_program_changed(self):
        """Counts that are taken from such a file, or added to its own, would be wrong for good."""
        for number in range(5):
            self.drop(f"r{number}.json", {"n": number, "tags": ["a"]})
        live = self.daemon()
        for step, sql in enumerate((
                "UPDATE videos SET _doc = 'no JSON' WHERE id = 'r1'",
                "UPDATE videos SET _doc = '{}' WHERE id = 'r1'",
                "DELETE FROM videos WHERE id = 'r2'",
                "INSERT INTO videos (id, _rev, _created, _updated, _doc) VALUES ('x', '', '', '', '{}')",
                "DELETE FROM _jcn", "DROP TABLE _jcn", "DELETE FROM _shapes", "DROP TABLE _shapes",
                "DROP TABLE fragments", "DROP INDEX idx_videos_n", "DROP VIEW _kinds")):
            export(live.index, self.out)
            db = sqlite3.connect(self.out)
            db.execute(sql)
            db.commit()
            db.close()
            self.drop("r1.json", {"n": step})
            with open(self.out, "rb") as file:
                before = file.read()
            with self.subTest(sql):
                done = run_export("--index", live.index, "--output", self.out, "--incremental")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("another program changed the file", done.stderr)
                self.assertIn("hint: run it without --incremental", done.stderr)
                with open(self.out, "rb") as file:
                    self.assertEqual(file.read(), before)

    def test_fault_9_a_limit_on_file_sizes(self):
        for number in range(200):
            self.drop(f"r{number}.json", {"n": number, "text": "word " * 200})
        live = self.daemon()
        export(live.index, self.out)
        before = contents(self.out)
        for number in range(400):
            self.drop(f"r{number}.json", {"n": -number, "text": "other " * 400})
        live.sync()
        limit = os.path.getsize(self.out)  # what is there can be written, nothing can be added
        done = run_export("--index", live.index, "--output", self.out, "--incremental",
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("hint: ", done.stderr)
        self.assertEqual(self.left_over(), [])
        self.assertEqual(contents(self.out), before)
        self.assert_as_new(live)

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

    def test_files_of_other_versions_are_made_anew(self):
        self.drop("a.json", {"n": 1})
        live = self.daemon()
        for sql in ("UPDATE _jcn SET version = '0.0.1'", "PRAGMA user_version = 99"):
            export(live.index, self.out)
            db = sqlite3.connect(self.out)
            db.execute("DROP VIEW _kinds")  # as other versions may have it
            db.execute(sql)
            db.commit()
            db.close()
            self.assertIn("made anew", self.assert_as_new(live))

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

    def test_fault_7_kill_9_leaves_the_old_state_or_the_new_one(self):
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
                subprocess.run([*strace(call, "SIGKILL", count), JCN_EXPORT, "--index", live.index,
                                "--output", self.out, "--incremental"],
                               capture_output=True, timeout=60 * TIME_FACTOR, check=False)
                # As anybody who opens it to write finds it: SQLite rolls back what was not committed.
                db = sqlite3.connect(self.out)
                self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
                [(changed,)] = db.execute("SELECT count(*) FROM videos WHERE n = ?",
                                          (1000 + step,)).fetchall()
                db.close()
                self.assertIn(changed, (0, 150))
                self.assert_as_new(live)


if __name__ == "__main__":
    unittest.main()
