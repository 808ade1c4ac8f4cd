"""FAULTS 14, 32, 35, 41, 47: short reads, leases, paths of any length, clocks that jump or are
coarse."""

import json
import os
import shutil
import struct
import subprocess
import sys
import time
import unittest

from harness import JcnCase, encode, json_of, wait_for
from preloaded import built_library
from test_webhooks import WebhookCase
from webhook_receiver import Receiver

TEN_YEARS = 10 * 365 * 86_400


class Preloaded(JcnCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.library = built_library(cls, "odd_system.cc")

    def odd(self, **variables):
        return self.new_daemon(environment={"LD_PRELOAD": self.library, **variables})

    def note(self, number, text):
        return {"id": f"v{number:03}", "n": number, "text": text * (number % 50)}

    def live(self, daemon, text):
        """Some of everything, folded and fresh."""
        for number in range(100):
            self.write(f"d{number % 7}/{number}.json", self.note(number, text))
        self.write("torn.json", b'{"id":')
        daemon.sync(durable=True)
        for number in range(0, 100, 3):
            self.drop(f"d{number % 7}/{number}.json", self.note(number, text + " again"))
        os.unlink(self.path("d1/1.json"))
        daemon.sync()
        found = json_of(daemon.get("/v1/videos?_search=again&_extra=count&_size=0"))
        self.assertEqual(found["count"], 33)  # number 0, 50: no text
        self.assertEqual(set(daemon.rejects()), {"torn.json"})

    def test_fault_14_short_reads_and_writes(self):
        for most in ("1", "7", "1000"):
            with self.subTest(most=most):
                daemon = self.odd(ODD_SHORT=most).start()
                self.live(daemon, "short")
                daemon.kill9()
                daemon.start()
                daemon.sync()
                daemon.environment = None
                self.assert_converged(daemon)
                daemon.stop()
                shutil.rmtree(self.root)
                shutil.rmtree(daemon.index)
                os.mkdir(self.root)

    def test_fault_47_the_clock_jumps(self):
        offset = os.path.join(self.tmp, "offset")

        def jump(seconds):
            with open(offset, "r+b" if os.path.exists(offset) else "wb") as file:
                file.write(struct.pack("=q", seconds))
        jump(0)
        daemon = self.odd(ODD_CLOCK=offset).start()
        for turn, seconds in enumerate((TEN_YEARS, -TEN_YEARS, 0)):
            jump(seconds)
            self.live(daemon, f"turn{turn}")
        jump(-TEN_YEARS)  # over a restart, too
        daemon.restart()
        self.drop("late.json", {"id": "late"})
        daemon.sync(durable=True)
        self.assertIsNotNone(daemon.record("late"))
        daemon.environment = None
        self.assert_converged(daemon)

    def test_fault_35_changed_while_down_within_the_same_second(self):
        """Size, inode and times are what they were: only that it was read so soon tells."""
        daemon = self.odd(ODD_SECONDS="1").start()
        path = self.drop("a.json", {"id": "a", "n": 0})
        for number in range(1, 9, 2):
            # Both writes are of one second.
            wait_for(lambda: time.time() % 1 < 0.2, "a second to begin", 2)
            second = int(time.time())
            self.write_in_place(path, {"id": "a", "n": number})
            daemon.sync(durable=True)
            daemon.kill9()
            self.write_in_place(path, {"id": "a", "n": number + 1})
            if int(os.stat(path).st_ctime) == second:
                break
            daemon.start()
        else:
            self.fail("jcn is too slow for this here: never both in one second")
        daemon.start()
        daemon.sync()
        self.assertEqual(daemon.record("a")["n"], number + 1)
        daemon.environment = None
        self.assert_converged(daemon)

    def write_in_place(self, path, document):
        with open(path, "r+b") as file:
            file.write(encode(document))


class LostWakeUps(WebhookCase):
    def test_fault_14_webhooks_hear_of_changes_all_the_same(self):
        receiver = Receiver(self)
        daemon = self.daemon(
            config=self.webhook(receiver.url),
            environment={"LD_PRELOAD": built_library(type(self), "odd_system.cc"), "ODD_WAKEUPS": "1"})
        receiver.wait_fresh()
        for number in range(2):
            self.drop("a.json", {"id": "a", "n": number})
            seq = daemon.sync()["seq"]
            receiver.wait_for(lambda each, wanted=seq: each.rows() and each.rows()[-1]["seq"] == wanted,
                              f"change {number}", 10)
            # From here on it has nothing to do.
            wait_for(lambda wanted=seq: self.place(daemon) == wanted, "its place to be kept")
        daemon.stop()  # that it ends is news, too

    def place(self, daemon):
        with open(os.path.join(daemon.index, "webhooks/site.state"), encoding="utf-8") as file:
            return json.loads(file.readline())["place"]


class Times(JcnCase):
    def test_fault_47_files_of_other_times(self):
        daemon = self.daemon()
        times = (-TEN_YEARS, 0, 1, 2 * TEN_YEARS, 2**31 - 1, 2**31, 2**33, 6 * TEN_YEARS * 10)
        for number, seconds in enumerate(times):
            path = self.drop(f"{number}.json", {"id": f"v{number}", "n": 1})
            os.utime(path, (seconds, seconds))
        daemon.sync()
        self.assertEqual(len(daemon.ids()), len(times))
        for number, seconds in enumerate(times):
            row = json_of(daemon.get(f"/v1/videos?_id__exact=v{number}&_extra=count"))
            self.assertEqual(row["count"], 1)
            self.assertEqual(daemon.get(f"/v1/videos/v{number}").status, 200, seconds)
            path = self.path(f"{number}.json")
            self.write(f"{number}.json", {"id": f"v{number}", "n": 2})
            os.utime(path, (seconds, seconds))
        daemon.sync()
        self.assertEqual([row["n"] for row in daemon.rows()], [2] * len(times))
        self.assert_converged(daemon)
        daemon.restart()
        self.assert_converged(daemon)


class Leases(JcnCase):
    def test_fault_32_a_lease_is_waited_for(self):
        path = self.drop("a.json", {"id": "a"})
        holder = subprocess.Popen(
            [sys.executable, "-c",
             "import fcntl,os,signal,sys\n"
             "signal.signal(signal.SIGIO, signal.SIG_IGN)\n"  # it will not be hurried
             "fd = os.open(sys.argv[1], os.O_RDWR)\n"
             "fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n"
             "print('held', flush=True)\n"
             "signal.pause()\n", path],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        if holder.stdout.readline() != b"held\n":
            self.skipTest("no leases on this file system")
        daemon = self.daemon()
        self.drop("b.json", {"id": "b"})
        answer = daemon.sync()
        self.assertEqual(daemon.ids(), ["b"])
        self.assertEqual([each["path"] for each in answer["unsettled"]], ["a.json"])
        self.assertEqual(daemon.explain(path)["status"], "pending")
        holder.kill()
        wait_for(lambda: daemon.record("a"), "the file to be read once the lease is gone")
        daemon.sync()
        self.assert_converged(daemon)
        holder.stdout.close()
        holder.stderr.close()


class Deep(JcnCase):
    """Paths longer than one system call takes."""

    NAME = "a-folder-with-quite-a-long-name"

    def make(self, depth):
        """Folders within folders, a fragment in every tenth. Their relative paths."""
        fd = os.open(self.root, os.O_RDONLY)
        paths = []
        for level in range(depth):
            os.mkdir(self.NAME, dir_fd=fd)
            inner = os.open(self.NAME, os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = inner
            if level % 10 == 9:
                file = os.open("x.json", os.O_WRONLY | os.O_CREAT, dir_fd=fd)
                os.write(file, b'{"level":%d}' % level)
                os.close(file)
                paths.append("/".join([self.NAME] * (level + 1)) + "/x.json")
        os.close(fd)
        return paths

    def check(self, daemon, paths):
        within = [path for path in paths if len(path) < 4096]
        self.assertTrue(10 < len(within) < len(paths))
        self.assertEqual(sorted(row["level"] for row in daemon.rows()),
                         [10 * number + 9 for number in range(len(within))])
        self.assertEqual(set(daemon.reasons()), {"unreadable_folder"})
        self.assertEqual(daemon.get("/readyz").status, 200)

    def test_fault_41_there_at_the_start_and_made_while_running(self):
        paths = self.make(250)
        daemon = self.daemon()
        self.check(daemon, paths)
        self.assert_converged(daemon)
        shutil.rmtree(os.path.join(self.root, self.NAME))
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        self.assertEqual(daemon.reasons(), {})
        self.check_again(daemon)

    def check_again(self, daemon):
        paths = self.make(250)
        daemon.sync(timeout_ms=60_000)
        self.check(daemon, paths)
        self.drop("beside.json", {"id": "beside", "level": 0})
        daemon.sync()
        self.assertIsNotNone(daemon.record("beside"))
        self.assert_converged(daemon)


if __name__ == "__main__":
    unittest.main()
