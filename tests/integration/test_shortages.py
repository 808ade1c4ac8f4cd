"""FAULTS 8, 10, 12, 13: no room on the index's disk, a disk that fails, no descriptors, no memory.
What was visible stays visible, what can't go on waits, and it all goes on by itself once it can."""

import base64
import http.client
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from attached_strace import attached_strace
from harness import TIME_FACTOR, Client, JcnCase, json_of, provokes, rebuild_dump, wait_for
from preloaded import built_library
from sweep_workload import CONFIG, Live, NotThere, Workload
from test_restart import strace_works

SEED = int(os.environ.get("JCN_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
FULL = os.environ.get("JCN_FULL") == "1"


def resident_kib(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))


def processor_seconds(daemon):
    with open(f"/proc/{daemon.process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class SmallDisk(JcnCase):
    """The index lies on a small tmpfs, in a mount namespace of the daemon's own."""

    SIZE = "48m"
    LIMIT = 6 << 20

    def setUp(self):
        super().setUp()
        probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
        if os.geteuid() != 0 or probe.returncode != 0:
            self.skipTest("needs root and mount namespaces")
        mounted = self.folder("small")
        self.live = self.new_daemon(
            index="small/index", config=f"[fold]\nfresh_limit_bytes = {self.LIMIT}\n",
            before=["unshare", "-m", "sh", "-c",
                    f"mount -t tmpfs -o size={self.SIZE} none '{mounted}' && exec \"$@\"", "sh"])
        # The configuration and the log lie outside of the small disk.
        self.live.config_file = os.path.join(self.tmp, "jcn.toml")
        self.live.stderr_file = os.path.join(self.tmp, "stderr")
        self.live.start()

    def dump(self):
        pid = self.live.process.pid
        return subprocess.run(["nsenter", "-t", str(pid), "-m", self.live.jcnctl, "--index",
                               self.live.index, "dump"], capture_output=True, check=True).stdout

    def seen_by_daemon(self, path):
        return f"/proc/{self.live.process.pid}/root{path}"

    def fill(self):
        ballast = self.seen_by_daemon(os.path.join(self.tmp, "small/ballast"))
        with open(ballast, "wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass
        return ballast


class FullDisk(SmallDisk):
    """FAULTS 8."""

    def note(self, number):
        return {"id": f"v{number:05}", "text": f"common only{number} " + os.urandom(1200).hex()}

    @provokes("index_full")
    def test_it_answers_and_takes_drops_up_to_its_bound_and_recovers_by_itself(self):
        for number in range(200):
            self.drop(f"{number}.json", self.note(number))
        self.live.sync(durable=True)
        ballast = self.fill()

        # Reads and drops go on, from memory.
        for number in range(200, 500):
            self.drop(f"{number}.json", self.note(number))
        self.live.sync()
        wait_for(lambda: "fold_failing" in self.live.reasons(), "the fold to fail")
        self.assertEqual(self.live.get("/readyz").status, 200)
        self.assert_problem(self.live.request("POST", "/v1/sync?durable=1&timeout_ms=3000", body=b""),
                            503, "index_full")
        for number in (3, 260, 499):
            found = json_of(self.live.get(f"/v1/videos?_search=only{number}"))["rows"]
            self.assertEqual([row["_id"] for row in found], [f"v{number:05}"])
        self.drop("3.json", {"id": "v00003", "text": "changed while the disk is full"})
        os.unlink(self.path("4.json"))
        self.live.sync()
        self.assertIn("changed", self.live.record("v00003")["text"])
        self.assertEqual(self.live.get("/v1/videos/v00004").status, 404)

        # Beyond the bound intake waits, and memory does not grow.
        before = resident_kib(self.live)
        for number in range(500, 6000):  # 14 MB
            self.drop(f"{number}.json", self.note(number))
        wait_for(lambda: "intake_failing" in self.live.reasons(), "intake to wait", 30)
        self.assert_problem(self.live.request("POST", "/v1/sync?timeout_ms=300", body=b""),
                            503, "sync_timeout")
        fresh = self.live.status()["fresh"]
        self.assertLess(fresh * 2400, 1.5 * self.LIMIT)
        self.assertGreater(fresh, 500)
        self.assertLess(resident_kib(self.live), before + (60 << 10) * TIME_FACTOR)
        self.assertIn("changed", self.live.record("v00003")["text"])
        searched = json_of(self.live.get("/v1/videos?_search=common&_extra=count&_size=0"))
        self.assertGreaterEqual(searched["count"], 498)

        # With room again everything goes on, and nothing was lost.
        os.unlink(ballast)
        self.live.sync(durable=True, timeout_ms=60_000)
        self.assertEqual(self.live.reasons(), {})
        self.assertEqual(self.live.status()["kinds"], {"videos": 5999})
        self.assertEqual(self.dump(), rebuild_dump([self.root], scratch=self.tmp))


class MergeWithoutRoom(SmallDisk):
    """FAULTS 8. There is room for the index and for what is dropped, but none for making one segment
    of many."""

    SIZE = "200m"

    def add(self, number):
        """What can hardly be compressed, written durably."""
        text = base64.b64encode(os.urandom(720_000)).decode()
        self.drop(f"{number}.json", {"id": f"v{number}", "text": text})
        self.live.sync(durable=True)

    def disk(self):
        found = os.statvfs(self.seen_by_daemon(os.path.join(self.tmp, "small")))
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

    def test_fault_8_drops_go_on_and_nothing_piles_up(self):
        for number in range(63):
            self.add(number)
        self.assertEqual(self.live.reasons(), {})
        ballast = self.seen_by_daemon(os.path.join(self.tmp, "small/ballast"))
        with open(ballast, "wb") as file:
            file.write(bytes(self.disk()[0] - (40 << 20)))
        self.add(63)  # the 64th: eight segments of eight are due
        wait_for(lambda: "merge_failing" in self.live.reasons(), "a merge without room", 30)
        self.assertEqual(self.live.get("/readyz").status, 200)
        for number in range(64, 72):  # what the merge had written is room for these
            self.add(number)
        self.assertNotIn("fold:", self.live.stderr_text())
        os.unlink(ballast)
        wait_for(lambda: self.live.reasons() == {}, "a merge with room", 60)
        self.assertEqual(self.dump(), rebuild_dump([self.root], scratch=self.tmp))


class FailingDisk(JcnCase):
    """FAULTS 10. The N-th fdatasync fails: the kernel may have dropped what was to be written."""

    def test_a_commit_that_was_not_synced_is_not_tried_again(self):
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")
        for number in range(100):
            self.write(f"{number}.json", {"id": f"v{number}", "n": number})
        trace = os.path.join(self.tmp, "trace")
        live = self.new_daemon(config=CONFIG, before=[
            "env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f", "-y", "-o", trace,
            "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=6"]).start()

        def synced():
            """(path, failed) of each fdatasync."""
            with open(trace, encoding="utf-8", errors="replace") as lines:
                found = re.findall(r"fdatasync\(\d+<([^>]*)>\) += (-?\d)", lines.read())
            return [(path, result != "0") for path, result in found]

        def failed():
            return [path for path, failure in synced() if failure]

        number = 100
        while not failed():
            self.drop(f"{number}.json", {"id": f"v{number}", "n": number})
            live.request("POST", "/v1/sync?durable=1&timeout_ms=5000", body=b"")
            number += 1
            self.assertLess(number, 140, "the sixth fdatasync never came")
        # Everything stays visible, and drops are.
        for later in range(number, number + 20):
            self.drop(f"{later}.json", {"id": f"v{later}", "n": later})
            live.sync()
            self.assertEqual(live.record(f"v{later}")["n"], later)
        self.assertEqual(live.status()["kinds"], {"videos": number + 20})
        # Another generation is written to, and all is well again.
        wait_for(lambda: live.reasons() == {}, "a generation that can be written to", 30)
        live.sync(durable=True)
        self.assertIn("the index is written anew", live.stderr_text())
        events = synced()
        first = [failure for _, failure in events].index(True)
        self.assertNotIn(events[first][0], [path for path, _ in events[first + 1:]],
                         "data.mdb was synced again after that had failed")
        live.process.send_signal(signal.SIGTERM)
        self.assertGreaterEqual(live.process.wait(10 * TIME_FACTOR), 0)
        live.close_process()
        live.before = []
        live.start()
        live.sync()
        self.assert_converged(live)

    def test_a_meta_page_that_could_not_be_written_costs_nothing(self):
        self.costs_nothing("EIO")

    def test_nor_does_one_for_which_there_was_no_room(self):
        self.costs_nothing("ENOSPC")

    def costs_nothing(self, error):
        """LMDB gives the whole environment up for that."""
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")
        live = self.daemon(config=CONFIG)
        for number in range(20):
            self.drop(f"{number}.json", {"id": f"v{number}", "n": number})
        self.drop("torn.json", {"id": "torn", "n": 1})
        live.sync(durable=True)
        self.drop("torn.json", b'{"id":"torn","n":')
        before = live.sync(durable=True)["seq"]
        trace = os.path.join(self.tmp, "trace")

        def well():
            return live.get("/readyz").status == 200 and live.reasons() == {}

        # A commit of so little writes its pages by writev or one by one, and then 120 bytes of meta:
        # until it is those that fail.
        tries = 30
        for number in range(tries):
            with open(os.path.join(live.index, "CURRENT"), encoding="ascii") as current:
                data = os.path.join(live.index, current.read().strip(), "data.mdb")
            with attached_strace(live.process.pid, "-o", trace, "-P", data, "-e", "trace=pwrite64",
                                 "-e", f"inject=pwrite64:error={error}:when={number % 6 + 1}"):
                self.drop(f"more{number}.json", {"id": f"more{number}"})
                live.request("POST", "/v1/sync?durable=1&timeout_ms=3000", body=b"")
            wait_for(well, "a generation that can be written to", 30)
            live.sync(durable=True)
            with open(trace, encoding="utf-8", errors="replace") as lines:
                if any("120, " in line and "INJECTED" in line for line in lines):
                    break
        else:
            self.fail("no meta page was written")
        self.drop("last.json", {"id": "last"})
        now = live.sync(durable=True)["seq"]
        self.assertEqual(live.record("torn"), {"id": "torn", "n": 1}, "last good content")
        self.assertEqual(now.rpartition("-")[0], before.rpartition("-")[0], "the history goes on")
        changes = json_of(live.get(f"/v1/changes?since={before}"))
        self.assertNotIn("fresh", changes)
        self.assertLessEqual({row["id"] for row in changes["results"]},
                             {"last", *(f"more{number}" for number in range(tries))})
        self.assert_converged(live)


class Descriptors(JcnCase):
    """FAULTS 12."""

    def connect(self, live, number):
        connections = []
        for _ in range(number):
            connection = socket.socket()
            connection.settimeout(2)
            connection.connect(("127.0.0.1", live.port))
            connections.append(connection)
            self.addCleanup(connection.close)
        return connections

    def fragments(self, live):
        """As a client sees it that comes late: it may have to come again."""
        client = http.client.HTTPConnection("127.0.0.1", live.port, timeout=5)
        try:
            client.request("GET", "/v1/status", headers={"Connection": "close"})
            return json.loads(client.getresponse().read())["fragments"]
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return None
        finally:
            client.close()

    def test_connections_never_take_what_the_rest_needs(self):
        live = self.new_daemon(before=["prlimit", "--nofile=100:100"]).start()
        self.assertIn("the limit of open files leaves", live.stderr_text())
        self.connect(live, 120)
        used = processor_seconds(live)
        for number in range(30):
            self.drop(f"d{number}/{number}.json", {"id": f"v{number}"})
        begin = time.monotonic()
        wait_for(lambda: self.fragments(live) == 30, "the drops to be visible", 30)
        time.sleep(max(0.0, begin + 2 - time.monotonic()))
        self.assertLess((processor_seconds(live) - used) / (time.monotonic() - begin), 0.5, "it spins")
        self.assertNotIn("Too many open files", live.stderr_text())

    def test_fragments_and_folders_are_read_without_any_left(self):
        live = self.daemon()
        live.get("/v1/status")  # a connection that is kept
        open_now = len(os.listdir(f"/proc/{live.process.pid}/fd"))
        _, hard = resource.prlimit(live.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(live.process.pid, resource.RLIMIT_NOFILE, (open_now, hard))
        for number in range(20):
            self.drop(f"d{number}/e/{number}.json", {"id": f"v{number}"})
        self.assertEqual(json_of(live.request("POST", "/v1/sync", body=b""))["unsettled"], [])
        self.assertEqual(live.status()["kinds"], {"videos": 20})
        # The fold needs a new log file: that waits.
        wait_for(lambda: "fold_failing" in live.reasons(), "the fold to fail")
        resource.prlimit(live.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
        live.sync(durable=True)
        wait_for(lambda: live.reasons() == {}, "all to be well")
        self.assert_converged(live)

    def test_too_few_to_work_with_are_told_at_once(self):
        live = self.new_daemon(before=["prlimit", "--nofile=50:50"])
        code, _, stderr = live.start_refused()
        self.assertEqual(code, 2)
        self.assertIn("the limit of open files is 50", stderr)


class Patient(Live):
    """A daemon that may end at any moment, and is asked again where a request met the failure."""

    def ask(self, method, target, body=None, headers=None):
        deadline = time.monotonic() + 30 * TIME_FACTOR
        while time.monotonic() < deadline:
            if not self.there():
                return None
            client = Client(self.daemon.port)
            try:
                answer = client.request(method, target, body, headers)
                if answer.status not in (500, 503):
                    return answer
            except (OSError, http.client.HTTPException):
                pass  # the connection was given up
            finally:
                client.close()
            time.sleep(0.01)
        raise AssertionError(f"no answer to {target}\n{self.daemon.stderr_tail()}")


class Memory(JcnCase):
    """FAULTS 13. An operator new that fails now and then is preloaded; which allocation fails is
    drawn (JCN_FULL=1: 300 of them, some minutes)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hook = built_library(cls, "failing_new.cc")
        print(f"JCN_SEED={SEED}")

    def life(self, when):
        """A life of jcn in which operator new fails as `when` says. Its exit code, whether what it
        showed after a last barrier was right (None: it did not show anything), and the counts."""
        folder = tempfile.mkdtemp(dir=self.tmp)
        root = os.path.join(folder, "notes")
        os.makedirs(root)
        workload = Workload(root)
        workload.before()
        counts = os.path.join(folder, "counts")
        live = self.new_daemon(root, index=os.path.join(folder, "index"), config=CONFIG,
                                arguments=["--writable"], before=[
            "env", f"LD_PRELOAD={self.hook}", f"FAILING_NEW={when}", f"FAILING_NEW_COUNTS={counts}"])
        try:
            live.start(60)
        except AssertionError:
            pass  # it ended: cleanly, as is seen below

        patient = Patient(live)
        workload.run(patient)
        right = None
        if patient.sync(False):
            for _ in range(20):  # it asks for a barrier, which may meet the failure
                dumped = live.run_ctl("--index", live.index, "dump")
                if dumped.returncode == 0:
                    break
            right = dumped.stdout == self.wanted
        if live.alive():
            live.process.send_signal(signal.SIGTERM)
        code = live.process.wait(60 * TIME_FACTOR)
        live.close_process()
        live.before = []
        live.start()
        live.sync()
        self.assertEqual(live.dump(), self.wanted, f"{when}: after another start")
        live.stop()
        with open(counts, encoding="ascii") as file:
            calls, failures = map(int, file.read().split())
        shutil.rmtree(folder)
        return code, right, calls, failures

    def learn(self):
        with tempfile.TemporaryDirectory(dir=self.tmp) as folder:
            root = os.path.join(folder, "notes")
            os.makedirs(root)
            workload = Workload(root)
            workload.before()
            workload.run(NotThere())
            self.wanted = rebuild_dump([root], CONFIG, scratch=folder)

    def test_one_allocation_that_fails(self):
        self.learn()
        code, right, calls, _ = self.life("0")
        self.assertEqual((code, right), (0, True))
        drawn = random.Random(SEED)
        # Every part of its life, the start most of all.
        numbers = [drawn.randrange(1, calls) for _ in range(200 if FULL else 12)]
        numbers += [drawn.randrange(1, 3000) for _ in range(100 if FULL else 6)]
        lived = met = 0
        for number in numbers:
            with self.subTest(number=number):
                code, right, _, failures = self.life(str(number))
                self.assertIn(code, (0, 1, 2))
                self.assertIn(right, (True, None))
                lived += right is True
                met += failures > 0
        print(f"{len(numbers)} of {calls} allocations, met {met}; jcn lived on in {lived}")
        self.assertGreater(met, len(numbers) // 2)
        self.assertGreater(lived, len(numbers) // 3)

    def test_each_nth_allocation_fails(self):
        self.learn()
        for every in (7001, 3001):  # more than any single piece of the work takes
            with self.subTest(every=every):
                code, right, calls, failures = self.life(f"/{every}")
                self.assertIn(code, (0, 1, 2))
                self.assertTrue(right)
                self.assertGreater(failures, 1, calls)


if __name__ == "__main__":
    unittest.main(verbosity=2)
