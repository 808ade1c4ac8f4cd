"""Stopping, dying and starting again: nothing is read twice for nothing, nothing is lost."""

import hashlib
import http.client
import os
import random
import re
import shutil
import subprocess
import threading
import time
import unittest

from harness import (TIME_FACTOR, Client, JcnCase, create_unnamed_then_link, json_of, rebuild_dump,
                     wait_for)

KILLS = 20


def strace_works(folder):
    if not shutil.which("strace"):
        return False
    out = os.path.join(folder, "strace-probe")
    done = subprocess.run(["strace", "-D", "-f", "-o", out, "-e", "trace=openat", "true"],
                          capture_output=True, check=False)
    return done.returncode == 0


class Restart(JcnCase):
    def fill(self):
        for number in range(200):
            self.write(f"d{number % 7}/{number}.json", {"id": f"v{number % 150:03}", "n": number})
        self.write("bad.json", b'{"id":')
        self.write("empty.json", b"")
        os.mkfifo(self.path("fifo.json"))

    def wait_until_aged(self):
        """Until no file's ctime lies within 2 s of now: a reading is not racily clean then."""
        newest = max(os.lstat(os.path.join(folder, name)).st_ctime
                     for folder, _, names in os.walk(self.root) for name in names)
        wait_for(lambda: time.time() > newest + 2.1, "the files to be 2 s old", 5)

    def traced_restart(self, daemon):
        """Restarts under strace; the dump, and the paths of fragments that were opened."""
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")
        log = os.path.join(self.tmp, "opened")
        if daemon.alive():
            daemon.stop()
        daemon.before = ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f", "-o", log,
                         "-e", "trace=open,openat,openat2"]
        daemon.start()
        daemon.before = []
        dump = daemon.dump()
        self.assertEqual(daemon.status()["kinds"], {"videos": 150})
        pid = daemon.process.pid
        daemon.stop()

        def text():
            with open(log, encoding="utf-8", errors="replace") as file:
                return file.read()
        wait_for(lambda: re.search(rf"(?m)^{pid} +\+\+\+ exited with 0", text()), "the trace's end")
        traced = text()
        self.assertIn(os.path.basename(self.root), traced, "the trace shows what jcn opens")
        return dump, sorted(re.findall(r'"([^"]*\.json)"', traced))

    def test_nothing_changed_nothing_opened(self):
        self.fill()
        self.wait_until_aged()
        daemon = self.daemon()
        before = daemon.dump()
        self.assertEqual(daemon.status()["fragments"], 203)
        after, opened = self.traced_restart(daemon)
        self.assertEqual(opened, [])
        self.assertEqual(after, before)

    def test_only_what_changed_is_opened(self):
        self.fill()
        self.wait_until_aged()
        daemon = self.daemon()
        daemon.stop()
        self.write("d3/3.json", {"id": "v003", "late": "changed"})
        os.rename(self.path("d4/4.json"), self.path("d4/moved.json"))
        _, opened = self.traced_restart(daemon)
        self.assertEqual({os.path.basename(path) for path in opened}, {"3.json", "moved.json"})
        daemon.start()
        self.assertEqual(daemon.record("v003")["late"], "changed")
        self.assert_converged(daemon)

    def test_dropped_while_running_is_verified_once_more_and_then_left_alone(self):
        self.fill()
        self.wait_until_aged()
        daemon = self.daemon()
        self.drop("late.json", {"id": "v000", "late": True})
        daemon.sync()
        read = daemon.status()["fragments_read"]
        wait_for(lambda: daemon.status()["fragments_read"] > read,
                 "the second reading of a racily clean file", 10)
        daemon.sync(durable=True)
        before = daemon.dump()
        after, opened = self.traced_restart(daemon)
        self.assertEqual(opened, [])
        self.assertEqual(after, before)

    def test_changes_while_stopped(self):
        self.fill()
        daemon = self.daemon()
        daemon.stop()
        shutil.rmtree(self.path("d1"))
        os.rename(self.path("d2"), self.path("renamed"))
        self.write("d3/3.json", {"id": "v003", "n": "changed"})
        os.unlink(self.path("bad.json"))
        create_unnamed_then_link(self.root, "new.json", b'{"id":"new"}')
        daemon.start()
        self.assertEqual(daemon.record("new"), {"id": "new"})
        self.assertNotIn("bad.json", daemon.rejects())
        self.assert_converged(daemon)
        self.drop("renamed/later.json", {"id": "later"})
        daemon.sync()
        self.assertIsNotNone(daemon.record("later"))

    def test_seq_and_uuid_go_on(self):
        self.fill()
        daemon = self.daemon()
        first = daemon.sync(durable=True)["seq"]
        daemon.restart()
        self.assertEqual(daemon.status()["seq"], first, "nothing changed: no new number")
        self.drop("x.json", {"id": "x"})
        second = daemon.sync()["seq"]
        self.assertEqual(second.rpartition("-")[0], first.rpartition("-")[0])
        self.assertGreater(int(second.rpartition("-")[2]), int(first.rpartition("-")[2]))

    def test_etags_survive_a_rebuild(self):
        self.fill()
        daemon = self.daemon()
        etag = daemon.get("/v1/videos/v001").headers["etag"]
        daemon.stop()
        shutil.rmtree(daemon.index)
        daemon.start()
        self.assertEqual(daemon.get("/v1/videos/v001", If_None_Match=etag).status, 304)


class WhileOpening(JcnCase):
    def test_fault_53_terminated_while_the_index_is_looked_through(self):
        """An index that is looked through before it is used, each page of it slowly (strace)."""
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")
        for number in range(300):
            self.write(f"{number}.json", {"id": f"v{number}", "text": f"word{number} " * 50})
        daemon = self.daemon()
        before = daemon.dump()
        daemon.stop()
        with open(os.path.join(daemon.index, "crashed"), "wb"):
            pass
        daemon.before = ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f", "-o",
                         "/dev/null", "-e", "trace=pread64",
                         "-e", f"inject=pread64:delay_enter={int(2_000_000 * TIME_FACTOR)}"]
        daemon.launch()
        wait_for(lambda: "looked through before it is used" in daemon.stderr_text(),
                 "the look to begin", 20)
        daemon.stop()  # exit 0, within 5 s
        self.assertNotIn("error", daemon.stderr_text())
        daemon.before = []
        daemon.start()
        self.assertEqual(daemon.stderr_text().count("looked through before it is used"), 2)
        self.assertEqual(daemon.dump(), before)


class ChangedConfiguration(JcnCase):
    def test_limits_judge_anew(self):
        self.write("a.json", {"id": "a", "t": "x" * 100})
        self.write("b.json", {"id": "b"})
        daemon = self.daemon()
        self.assertEqual(daemon.ids(), ["a", "b"])
        daemon.stop()
        daemon.config = "[limits]\nmax_bytes = 50\n"
        daemon.start()
        self.assertEqual(daemon.ids(), ["b"])
        row = daemon.rejects()["a.json"]
        self.assertEqual(row["code"], "too_large")
        self.assertNotEqual(row["serving"], "last-good", "the rules changed, not the bytes")
        self.assert_converged(daemon)
        daemon.stop()
        daemon.config = None
        daemon.start()
        self.assertEqual(daemon.ids(), ["a", "b"])
        self.assertEqual(daemon.rejects(), {})
        self.assert_converged(daemon)

    def test_rules_judge_anew(self):
        self.write("a.json", {"id": "a", "key": "k1"})
        self.write("b.json", {"id": "b", "key": "k1", "b": 1})
        self.write("c.json", {"id": "c"})
        daemon = self.daemon()
        for config, videos, people in (
                ('[[rule]]\nid = ["/key", "stem"]\nmatch = "**/*.json"\n', ["c", "k1"], []),
                ('[[rule]]\nid = ["/key"]\nmatch = "**/*.json"\n', ["k1"], []),
                ('[[rule]]\nkind = "people"\nid = ["/id"]\nmatch = "a.json"\n'
                 '[[rule]]\nmatch = "**/*.json"\nid = ["/id"]\n', ["b", "c"], ["a"]),
                ('ignore = ["b*"]\n', ["a", "c"], []),
                ('[[rule]]\nmatch = "nothing/*.json"\n', [], []),
                (None, ["a", "b", "c"], [])):
            with self.subTest(config=config):
                daemon.stop()
                daemon.config = config
                daemon.start()
                self.assertEqual(daemon.ids(), videos)
                self.assertEqual(daemon.ids("people"), people)
                self.assert_converged(daemon)

    def test_last_good_ends_with_its_rules(self):
        self.write("a.json", {"id": "a"})
        daemon = self.daemon()
        self.drop("a.json", b"{")
        daemon.sync()
        self.assertIsNotNone(daemon.record("a"))
        daemon.restart()
        self.assertIsNotNone(daemon.record("a"))
        daemon.stop()
        daemon.config = '[[rule]]\nkind = "people"\nmatch = "**/*.json"\nid = ["/id"]\n'
        daemon.start()
        self.assertEqual(daemon.ids("videos"), [])
        self.assert_converged(daemon)

    def test_ranks_compose_anew(self):
        self.write("a.json", {"id": "x", "t": "a"})
        self.write("b.json", {"id": "x", "t": "b"})
        daemon = self.daemon()
        self.assertEqual(daemon.record("x")["t"], "b")
        daemon.stop()
        daemon.config = ('[[rule]]\nmatch = "a.json"\nid = ["/id"]\nrank = 2\n'
                         '[[rule]]\nmatch = "**/*.json"\nid = ["/id"]\nrank = 1\n')
        daemon.start()
        self.assertEqual(daemon.record("x")["t"], "a")
        self.assert_converged(daemon)


class Seen:
    """Which content each Jcn-Seq was seen with; thread-safe."""

    def __init__(self):
        self.contents = {}
        self.collisions = []
        self.answers = 0
        self._lock = threading.Lock()

    def look(self, client, target):
        answer = client.get(target)
        seq = answer.headers.get("jcn-seq")
        if answer.status in (200, 404) and seq:
            content = (answer.status, hashlib.sha256(answer.body).digest())
            with self._lock:
                self.answers += 1
                if self.contents.setdefault((target, seq), content) != content:
                    self.collisions.append((target, seq))


class Killed(JcnCase):
    """kill -9 at random moments (must-show 5)."""

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("JCN_SEED") or time.time_ns() % 1_000_000)
        self.random = random.Random(self.seed)
        print(f"\n{self.id()}: JCN_SEED={self.seed}, {KILLS} kills", flush=True)

    @staticmethod
    def address(daemon):
        """The port that a daemon still crawling has written to INDEX/daemon.addr, or None."""
        try:
            with open(os.path.join(daemon.index, "daemon.addr"), encoding="utf-8") as file:
                match = re.search(r":(\d+)", file.read())
                return int(match.group(1)) if match else None
        except FileNotFoundError:
            return None

    def fresh(self, port):
        client = Client(port, timeout=5)
        try:
            return json_of(client.get("/v1/status"))["fresh"]
        except (OSError, http.client.HTTPException):
            return None
        finally:
            client.close()

    def test_fault_1_during_the_first_crawl(self):
        for number in range(6000):
            self.write(f"d{number % 13}/{number}.json",
                       {"id": f"v{number % 5000}", "n": number, "text": "word " * 30})
        self.write("bad.json", b"{]")
        clean = rebuild_dump([self.root], scratch=self.tmp)
        probe = self.daemon(index="probe")
        whole = probe.ready_seconds
        probe.stop()
        seen, freshes = Seen(), []
        for turn in range(KILLS):
            daemon = self.new_daemon(index=f"index{turn}")
            moment = self.random.uniform(0, whole)
            daemon.launch()
            wait_for(lambda d=daemon, m=moment: time.monotonic() - d.launched_at >= m,
                     "the random moment", whole + 10, pause=0.0005)
            port = self.address(daemon)
            freshes.append(self.fresh(port) if port else None)
            if port:
                client = Client(port, timeout=5)
                try:
                    seen.look(client, "/v1/videos?_size=1000")
                except (OSError, http.client.HTTPException):
                    pass  # not listening any more: only the look is lost
                client.close()
            daemon.kill9()
            daemon.start()
            seen.look(daemon.client(), "/v1/videos?_size=1000")
            self.assertEqual(daemon.dump().splitlines(), clean.splitlines(), f"kill {turn}")
            seen.look(daemon.client(), "/v1/videos?_size=1000")
            daemon.stop()
            shutil.rmtree(daemon.index)
        self.assertEqual(seen.collisions, [])
        print(f"  a crawl takes {whole:.3f} s; fresh before the kills: {freshes}", flush=True)

    def test_fault_4_in_a_storm_of_drops(self):
        daemon = self.daemon()
        over = threading.Event()
        seen, freshes = Seen(), []
        written = [0]
        errors = []

        def storm():
            noise = random.Random(self.seed + 1)
            try:
                while not over.is_set():
                    written[0] += 1
                    number = noise.randrange(400)
                    name = f"d{number % 5}/{number}.json"
                    kind = noise.random()
                    if kind < 0.1:
                        try:
                            os.unlink(self.path(name))
                        except FileNotFoundError:
                            pass
                    elif kind < 0.2:
                        self.write(name, {"id": f"v{number}", "n": written[0]})
                    elif kind < 0.25:
                        self.drop(name, b'{"id":')
                    else:
                        self.drop(name, {"id": f"v{number % 300}", f"n{number % 3}": written[0]})
            except Exception as error:  # handed to the test below
                errors.append(error)

        def observe():
            client = None
            while not over.is_set():
                port = daemon.port
                if client is None or client.port != port:
                    client = Client(port, timeout=5) if port else None
                    if client is None:
                        continue
                try:
                    seen.look(client, "/v1/videos?_size=1000")
                    seen.look(client, "/v1/videos/v7")
                except (OSError, http.client.HTTPException):
                    client.close()  # killed under the request

        threads = [threading.Thread(target=storm), threading.Thread(target=observe)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(KILLS):
                start, moment = written[0], self.random.uniform(0.05, 2.5)
                until = time.monotonic() + moment
                wait_for(lambda s=start, u=until: errors or (written[0] > s + 50 and
                                                             time.monotonic() > u),
                         "drops, and the random moment", 30)
                self.assertTrue(daemon.alive(), daemon.stderr_tail())
                freshes.append(self.fresh(daemon.port))
                daemon.kill9()
                daemon.start()
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(errors, [])
        daemon.sync()
        self.assertEqual(seen.collisions, [], "a Jcn-Seq was seen with two contents")
        self.assertGreater(seen.answers, KILLS)
        self.assert_converged(daemon)
        filled = sum(1 for fresh in freshes if fresh)
        print(f"  {written[0]} drops, {seen.answers} answers at {len(seen.contents)} states; "
              f"fresh before the kills: {freshes}", flush=True)
        self.assertGreaterEqual(filled, KILLS // 2, "kills with a non-empty fresh layer")

    def test_fault_4_announced_again_under_a_new_number(self):
        """What was published but not folded gets a new number, even when it changed back."""
        self.write("a.json", {"id": "a", "n": 1})
        daemon = self.daemon()
        daemon.sync(durable=True)
        for turn in range(5):
            wait_for(lambda: daemon.status()["fresh"] == 0, "a fold")
            self.drop("a.json", {"id": "a", "n": 2 + turn})
            seq = daemon.sync()["seq"]
            fresh = self.fresh(daemon.port)
            daemon.kill9()
            self.drop("a.json", {"id": "a", "n": 1})
            daemon.start()
            again = daemon.status()["seq"]
            self.assertGreater(int(again.rpartition("-")[2]), int(seq.rpartition("-")[2]),
                               f"fresh before the kill: {fresh}")
            self.assertEqual(daemon.record("a")["n"], 1)
        self.assert_converged(daemon)


if __name__ == "__main__":
    unittest.main()
