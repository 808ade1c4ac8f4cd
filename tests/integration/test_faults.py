"""Bad files and bad days: each fault is shown by its own code, and everything else goes on."""

import json
import os
import shutil
import socket
import stat
import threading
import unittest

from harness import (JCN, JCNCTL, JcnCase, encode, json_of, provokes, rebuild_dump, wait_for)

NOBODY = 65534


class BadFilesAsOrdinaryUser(JcnCase):
    """FAULTS 27, 28, 33, 40, 48."""

    def setUp(self):
        super().setUp()
        self.user = None
        self.programs = (JCN, JCNCTL)
        if os.geteuid() == 0:  # root may read everything: run the daemon as somebody who may not
            self.user = NOBODY
            programs = self.folder("bin")
            self.programs = tuple(shutil.copy(program, programs) for program in (JCN, JCNCTL))
            for program in self.programs:
                os.chmod(program, 0o755)
        self.state = self.folder("state")
        if self.user is not None:
            os.chown(self.state, self.user, self.user)

    def user_daemon(self):
        return self.daemon(index="state/index", user=self.user, programs=self.programs)

    def rebuilt(self, daemon):
        return rebuild_dump(daemon.folders, scratch=self.state, user=self.user,
                            programs=self.programs)

    def make_bad_files(self):
        """Path → (code, line, column, offset); None where there is no such position."""
        os.mkfifo(self.path("fifo.json"))
        with socket.socket(socket.AF_UNIX) as listener:
            os.chdir(self.root)
            try:
                listener.bind("socket.json")
            finally:
                os.chdir("/")
        outside = os.path.join(self.tmp, "outside.json")
        self.write(outside, {"id": "outside"})
        os.symlink(outside, self.path("link.json"))
        os.symlink("link2.json", self.path("link2.json"))
        with open(self.path("sparse.json"), "wb") as file:
            file.truncate(2 << 30)
        self.write("deep.json", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
        self.write("utf8.json", b'{\n "id": "x",\n "t": "ab\xe2\x82"}')
        self.write("twice.json", b'{"id": "d",\n "t": 1,\n "t": 2}')
        self.write("empty.json", b"")
        self.write(outside + "2", {"id": "secret"})
        os.chmod(outside + "2", 0)
        os.rename(outside + "2", self.path("secret.json"))
        self.write("mark.json", b'\xef\xbb\xbf{"id":"m"}')
        self.write("array.json", b'[{"id":"x"}]')
        self.write("nul.json", b'{"id":"n"}\0')
        self.write("behind.json", b'{"id":"n"}\n x')
        self.write("surrogate.json", b'{"id":"s","t":"\\ud800"}')
        self.write("huge.json", b'{"id":"h","n":1e400}')
        self.write("control.json", b'{"id":"a\tb"}')
        self.write("escape.json", b'{"id":"a\\x"}')
        self.write("number.json", b'{"id":"z","n":01}')
        self.write("big.json", b'{"id":"b","t":"' + b"x" * (1 << 20) + b'"}')
        self.write("many.json", json.dumps({"id": "n", **{f"m{i}": i for i in range(10_000)}})
                   .encode())
        return {
            "fifo.json": ("fifo", None, None, None),
            "socket.json": ("socket", None, None, None),
            "link.json": ("symlink", None, None, None),
            "link2.json": ("symlink", None, None, None),
            "sparse.json": ("too_large", None, None, None),
            "big.json": ("too_large", None, None, None),
            "secret.json": ("permission_denied", None, None, None),
            "empty.json": ("empty_file", ..., ..., ...),
            "deep.json": ("too_deep", 1, 69, 68),  # the outermost object is 1, the 64th [ is 65
            "utf8.json": ("invalid_utf8", 3, ..., ...),
            "twice.json": ("duplicate_member", 3, ..., ...),
            "mark.json": ("byte_order_mark", ..., ..., ...),
            "array.json": ("not_an_object", ..., ..., ...),
            "nul.json": ("nul_byte", 1, 11, 10),
            "behind.json": ("trailing_bytes", 2, 2, 12),
            "surrogate.json": ("lone_surrogate", 1, ..., ...),
            "huge.json": ("number_out_of_range", 1, ..., ...),
            "control.json": ("control_character", 1, 9, 8),
            "escape.json": ("invalid_escape", 1, ..., ...),
            "number.json": ("invalid_number", 1, ..., ...),
            "many.json": ("too_many_members", 1, ..., ...),
        }

    def check_rejects(self, daemon, expected):
        rejects = daemon.rejects()
        self.assertEqual(set(rejects), set(expected))
        for path, (code, *position) in expected.items():
            with self.subTest(path=path):
                row = rejects[path]
                self.assertEqual(row["code"], code, row)
                self.assertTrue(row["message"])
                for name, wanted in zip(("line", "column", "offset"), position):
                    if wanted is not ...:
                        self.assertEqual(row[name], wanted, row)
                if position[0] is not None and position[0] is not ...:
                    self.assertIsNotNone(row["column"], row)
                    self.assertIsNotNone(row["offset"], row)

    def check_service(self, daemon):
        self.drop("served.json", {"id": "served"})
        daemon.sync()
        self.assertEqual(daemon.record("served"), {"id": "served"})
        self.assertEqual(daemon.record("good"), {"id": "good"})
        self.assertEqual(daemon.get("/readyz").status, 200)

    @provokes("fifo", "socket", "symlink", "too_large", "permission_denied", "empty_file", "too_deep",
              "invalid_utf8", "duplicate_member", "byte_order_mark", "not_an_object", "nul_byte",
              "trailing_bytes", "lone_surrogate", "number_out_of_range", "control_character",
              "invalid_escape", "invalid_number", "too_many_members")
    def test_bad_files_dropped_while_running(self):
        self.write("good.json", {"id": "good"})
        daemon = self.user_daemon()
        expected = self.make_bad_files()
        daemon.sync()
        self.check_rejects(daemon, expected)
        self.check_service(daemon)
        self.assertEqual(daemon.explain(self.path("fifo.json"))["status"], "rejected")
        self.assertEqual(daemon.dump(), self.rebuilt(daemon))
        self.assertEqual(daemon.ids(), ["good", "served"], "nothing of the outside is shown")

    def test_bad_files_there_at_the_start(self):
        self.write("good.json", {"id": "good"})
        expected = self.make_bad_files()
        daemon = self.user_daemon()
        self.assertEqual((daemon.ready_records, daemon.ready_rejects), (1, len(expected)))
        self.check_rejects(daemon, expected)
        self.check_service(daemon)
        for path in expected:
            if stat.S_ISREG(os.lstat(self.path(path)).st_mode):
                os.chmod(self.path(path), 0o644)
            os.unlink(self.path(path))
        daemon.sync()
        self.assertEqual(daemon.rejects(), {})

    def test_permission_given_later(self):
        daemon = self.user_daemon()
        self.drop("secret.json", {"id": "secret", "n": 1})
        os.chmod(self.path("secret.json"), 0)
        daemon.sync()
        self.write("made.json", {"id": "made"})
        os.chmod(self.path("made.json"), 0)
        daemon.sync()
        self.assertEqual(daemon.rejects()["made.json"]["code"], "permission_denied")
        os.chmod(self.path("secret.json"), 0o644)
        os.chmod(self.path("made.json"), 0o644)
        daemon.sync()
        self.assertEqual(daemon.rejects(), {})
        self.assertEqual(daemon.ids(), ["made", "secret"])
        self.assertEqual(daemon.dump(), self.rebuilt(daemon))

    def test_folder_without_permission(self):
        self.write("closed/a.json", {"id": "a"})
        self.write("open/b.json", {"id": "b"})
        os.chmod(self.path("closed"), 0)
        daemon = self.user_daemon()
        self.assertEqual(daemon.ids(), ["b"])
        os.chmod(self.path("closed"), 0o755)
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a", "b"])
        self.drop("closed/c.json", {"id": "c"})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a", "b", "c"])
        self.assertEqual(daemon.dump(), self.rebuilt(daemon))

    def test_links_and_specials_replaced_by_files_and_back(self):
        daemon = self.user_daemon()
        os.symlink("x", self.path("a.json"))
        os.mkfifo(self.path("b.json"))
        daemon.sync()
        self.assertEqual({p: r["code"] for p, r in daemon.rejects().items()},
                         {"a.json": "symlink", "b.json": "fifo"})
        self.drop("a.json", {"id": "a"})
        self.drop("b.json", {"id": "b"})
        daemon.sync()
        self.assertEqual(daemon.rejects(), {})
        self.assertEqual(daemon.ids(), ["a", "b"])
        os.unlink(self.path("a.json"))
        os.mkfifo(self.path("a.json"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["b"])
        self.assertEqual(daemon.rejects()["a.json"]["code"], "fifo")
        self.assertEqual(daemon.dump(), self.rebuilt(daemon))

    def test_linked_folder_is_not_entered(self):
        outside = self.folder("outside")
        self.write(os.path.join(outside, "x.json"), {"id": "outside"})
        daemon = self.user_daemon()
        os.symlink(outside, self.path("way"))
        os.symlink(".", self.path("loop"))
        self.drop("a.json", {"id": "a"})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a"])
        self.assertEqual(daemon.dump(), self.rebuilt(daemon))

    def test_fault_28_a_folder_that_a_link_replaces_is_gone(self):
        elsewhere = self.folder("elsewhere")
        self.write(os.path.join(elsewhere, "deep/x.json"), {"id": "elsewhere"})
        self.drop("way.json/deep/x.json", {"id": "here"})
        daemon = self.user_daemon()
        self.assertEqual(daemon.ids(), ["here"])
        daemon.pause()  # it sees the link first
        os.rename(self.path("way.json"), os.path.join(self.tmp, "aside"))
        os.symlink(elsewhere, self.path("way.json"))
        daemon.cont()
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        self.assertEqual({path: row["code"] for path, row in daemon.rejects().items()},
                         {"way.json": "symlink"})
        self.assertEqual(daemon.dump(), self.rebuilt(daemon))


class Overflow(JcnCase):
    """FAULTS 15."""

    def test_twenty_thousand_files_while_stopped(self):
        with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as limit:
            queue = int(limit.read())
        count = 20_000
        if 2 * count <= queue:
            self.skipTest(f"the event queue holds {queue}: it does not overflow")
        self.write("before.json", {"id": "before"})
        for number in range(4):
            self.folder(f"notes/d{number}")
        daemon = self.daemon()
        daemon.pause()
        for number in range(count):
            self.write(f"d{number % 4}/{number}.json", {"id": f"v{number}"})
        daemon.cont()
        daemon.sync(timeout_ms=120_000)
        status = daemon.status()
        self.assertEqual(status["kinds"], {"videos": count + 1})
        self.assertEqual(status["recrawls"], 1)
        self.assertEqual(sorted(daemon.ids()), sorted([f"v{n}" for n in range(count)] + ["before"]))
        self.drop("after.json", {"id": "after"})
        self.drop("d1/after.json", {"id": "after1"})
        daemon.sync()
        self.assertEqual(daemon.status()["kinds"], {"videos": count + 3})
        self.assertEqual(daemon.status()["recrawls"], 1)
        self.assert_converged(daemon)

    def test_removals_and_moves_lost_in_an_overflow(self):
        with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as limit:
            queue = int(limit.read())
        if queue > 40_000:
            self.skipTest(f"the event queue holds {queue}: it does not overflow soon")
        for number in range(200):
            self.write(f"d{number % 5}/s/{number}.json", {"id": f"v{number}"})
        daemon = self.daemon()
        daemon.pause()
        path = self.path("noise.json")
        for turn in range(queue // 2 + 10):  # CREATE and DELETE never coalesce
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            os.unlink(path)
        shutil.rmtree(self.path("d0"))
        os.rename(self.path("d1"), self.path("moved"))
        self.write("d2/s/2.json", {"id": "changed"})
        self.write("new/deep/n.json", {"id": "new"})
        daemon.cont()
        daemon.sync(timeout_ms=60_000)
        self.assertGreaterEqual(daemon.status()["recrawls"], 1)
        self.assert_converged(daemon)
        self.drop("moved/s/later.json", {"id": "later"})
        self.drop("new/deep/later.json", {"id": "later2"})
        os.unlink(self.path("d3/s/3.json"))
        daemon.sync()
        self.assertIsNotNone(daemon.record("later"))
        self.assertIsNotNone(daemon.record("later2"))
        self.assert_converged(daemon)


class RootsThatGo(JcnCase):
    """FAULTS 44; unmounting and rm -r are in test_watching.py."""

    def state(self, daemon):
        return daemon.status()["roots"][0]["state"]

    def lose_root(self, daemon):
        away = os.path.join(self.tmp, "away")
        os.rename(self.root, away)
        wait_for(lambda: self.state(daemon) == "offline", "the root to be offline", 20)
        return away

    def test_root_moved_away_and_back(self):
        self.write("f/a.json", {"id": "a"})
        self.write("b.json", {"id": "b"})
        daemon = self.daemon()
        away = self.lose_root(daemon)
        self.assertEqual(daemon.record("a"), {"id": "a"}, "records stay")
        self.assertEqual(daemon.ids(), ["a", "b"])
        ready = daemon.get("/readyz")
        self.assertIn("root_offline", ready.body.decode())
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a", "b"])
        os.unlink(os.path.join(away, "b.json"))
        self.write(os.path.join(away, "f", "c.json"), {"id": "c"})
        os.rename(away, self.root)
        wait_for(lambda: self.state(daemon) == "watching", "the root to be back", 20)
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a", "c"])
        self.drop("f/d.json", {"id": "d"})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a", "c", "d"])
        self.assertNotIn("root_offline", daemon.get("/readyz").body.decode())
        self.assert_converged(daemon)

    def test_root_recreated_empty_stays_offline_until_a_fragment_reappears(self):
        self.write("a.json", {"id": "a"})
        self.write("b.json", {"id": "b"})
        daemon = self.daemon()
        self.lose_root(daemon)
        os.mkdir(self.root)
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a", "b"], "another empty folder is no deletion")
        self.assertEqual(self.state(daemon), "offline")
        self.drop("a.json", {"id": "a", "n": 2})
        wait_for(lambda: self.state(daemon) == "watching", "the root to be back", 20)
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a"])
        self.assertEqual(daemon.record("a"), {"id": "a", "n": 2})
        self.assert_converged(daemon)

    def test_accept(self):
        self.write("a.json", {"id": "a"})
        daemon = self.daemon()
        self.lose_root(daemon)
        os.mkdir(self.root)
        self.write("new.json", {"id": "new"})
        daemon.sync()
        self.assertIsNotNone(daemon.record("a"))
        done = daemon.run_ctl("--url", f"http://127.0.0.1:{daemon.port}", "accept", "notes")
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_for(lambda: self.state(daemon) == "watching", "the root to be accepted", 20)
        daemon.sync()
        self.assertEqual(daemon.ids(), ["new"])
        self.assert_converged(daemon)

    def test_emptied_root_of_the_same_inode_is_a_real_deletion(self):
        self.write("a.json", {"id": "a"})
        daemon = self.daemon()
        os.unlink(self.path("a.json"))
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        self.write("b.json", {"id": "b"})
        daemon.stop()
        os.unlink(self.path("b.json"))
        daemon.start()
        self.assertEqual(daemon.ids(), [])

    def test_root_removed_and_recreated_with_its_files(self):
        for number in range(20):
            self.write(f"d{number % 3}/{number}.json", {"id": f"v{number}"})
        daemon = self.daemon()
        shutil.rmtree(self.root)
        wait_for(lambda: self.state(daemon) == "offline", "the root to be offline", 20)
        for number in range(20):
            self.write(f"d{number % 3}/{number}.json", {"id": f"v{number}"})
        wait_for(lambda: self.state(daemon) == "watching", "the root to be back", 20)
        daemon.sync()
        self.assertEqual(len(daemon.ids()), 20)
        self.assert_converged(daemon)

    def test_root_gone_while_the_daemon_is_down(self):
        self.write("a.json", {"id": "a"})
        other = self.folder("other")
        roots = "".join(f'[[root]]\nname = "{name}"\npath = "{path}"\n'
                        for name, path in (("notes", self.root), ("other", other)))
        daemon = self.new_daemon(config=roots)
        daemon.folders = []  # those of the file
        daemon.start()
        daemon.stop()
        os.rename(self.root, os.path.join(self.tmp, "away"))
        daemon.start()
        self.assertEqual(daemon.ids(), ["a"], "records of an offline root stay")
        self.drop(os.path.join(other, "b.json"), {"id": "b"})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a", "b"])
        os.rename(os.path.join(self.tmp, "away"), self.root)
        wait_for(lambda: {r["state"] for r in daemon.status()["roots"]} == {"watching"},
                 "the root to be back", 20)
        daemon.sync()
        self.assert_converged(daemon)


class Storm(JcnCase):
    """FAULTS 49."""

    def test_storm_on_one_file_starves_nobody(self):
        daemon = self.daemon()
        over = threading.Event()
        turns = []

        def storm():
            while not over.is_set():
                turns.append(1)
                self.write("storm.json", {"id": "storm", "n": len(turns)})

        thread = threading.Thread(target=storm)
        thread.start()
        try:
            for number in range(50):
                path = os.path.join(self.tmp, f"one{number}")
                self.write(path, encode({"id": f"one{number}"}))
                os.rename(path, self.path(f"one{number}.json"))
                wait_for(lambda n=number: daemon.record(f"one{n}"), f"drop {number}", 5)
        finally:
            over.set()
            thread.join()
        daemon.sync()
        self.assertEqual(daemon.record("storm")["n"], len(turns))
        self.assert_converged(daemon)

    def test_readers_are_answered_while_the_queue_is_long(self):
        daemon = self.daemon()
        for number in range(2000):
            self.write(f"{number}.json", {"n": number})
        self.assertEqual(daemon.get("/healthz").status, 200)
        self.assertIn(json_of(daemon.get("/v1/status"))["crawl"]["state"], ("done", "running"))
        daemon.sync()
        self.assertEqual(len(daemon.ids()), 2000)


if __name__ == "__main__":
    unittest.main()
