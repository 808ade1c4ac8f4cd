"""FAULTS 16, 17, 30, 44, 45: what can't be watched is polled, what no event tells of is found by the
audit, and a root that goes away deletes nothing."""

import mmap
import os
import re
import shutil
import subprocess
import unittest

from harness import JcnCase, encode, rebuild_dump, wait_for, write_whole
from test_restart import strace_works

QUICK_POLLS = "[poll]\ninterval_ms = 100\n"
QUICK_AUDITS = "[audit]\ninterval_ms = 100\n"


class Polled(JcnCase):
    """FAULTS 16 and 17, and roots that are polled because the configuration says so."""

    def changes_are_seen(self, daemon):
        """Every kind of change, in folders that are there and in new ones, by the next barrier."""
        for number in range(12):
            self.drop(f"d{number}/new.json", {"id": f"new{number}"})
        self.drop("d1/old.json", {"id": "old1", "n": 2})
        os.unlink(self.path("d2/old.json"))
        os.rename(self.path("d3"), self.path("moved"))
        shutil.rmtree(self.path("d4"))
        self.drop("fresh/er/x.json", {"id": "x"})
        daemon.sync()
        self.assertEqual(daemon.record("old1"), {"id": "old1", "n": 2})
        self.assertEqual({"old2", "old4", "new4"} & set(daemon.ids()), set())
        self.assertLessEqual({"x", "old3", "new3", "new11"}, set(daemon.ids()))
        self.assert_converged(daemon)

    def fill(self):
        for number in range(12):
            self.drop(f"d{number}/old.json", {"id": f"old{number}"})

    def limited(self, name, value):
        """In a user namespace of its own, where the limit is another one."""
        inside = ["unshare", "-U", "-r", "sh", "-c",
                  f"echo {value} >/proc/sys/user/{name} && exec \"$@\"", "sh"]
        if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("needs user namespaces")
        return self.new_daemon(config=QUICK_POLLS, before=inside)

    def test_fault_16_too_few_watches(self):
        self.fill()
        daemon = self.limited("max_inotify_watches", 6).start()
        told = daemon.reasons()["watch_limit"]
        self.assertEqual(daemon.get("/readyz").status, 200, "degraded is ready")
        self.assertIn("13 folders are to be watched, the limit is 6 watches", told)
        self.assertIn("sysctl user.max_inotify_watches=", told)
        self.assertEqual(daemon.status()["roots"][0]["state"], "polling")
        self.changes_are_seen(daemon)
        # With more watches it goes on by itself.
        subprocess.run(["nsenter", "-t", str(daemon.process.pid), "-U", "--preserve-credentials", "sh",
                        "-c", "echo 100 >/proc/sys/user/max_inotify_watches"], check=True)
        wait_for(lambda: "watch_limit" not in daemon.reasons(), "the polled folders to be watched")
        wait_for(lambda: daemon.status()["roots"][0]["state"] == "watching", "the root to be watched")
        self.drop("d5/later.json", {"id": "later"})
        daemon.sync()
        self.assertIsNotNone(daemon.record("later"))
        self.assert_converged(daemon)

    def test_fault_17_no_instance(self):
        self.fill()
        daemon = self.limited("max_inotify_instances", 0).start()
        self.assertIn("sysctl fs.inotify.max_user_instances=", daemon.reasons()["no_inotify"])
        self.changes_are_seen(daemon)

    def test_root_that_is_polled_by_configuration(self):
        self.fill()
        daemon = self.new_daemon(config=QUICK_POLLS
                                 + f'[[root]]\nname = "notes"\npath = "{self.root}"\npoll = true\n')
        daemon.folders = []  # those of the file
        daemon.start()
        self.assertEqual(daemon.status()["roots"][0]["state"], "polling")
        self.assertEqual(daemon.reasons(), {})
        self.changes_are_seen(daemon)
        self.drop("d5/alone.json", {"id": "alone"})
        wait_for(lambda: daemon.record("alone"), "a drop to be seen without a barrier")


def audits(daemon):
    lines = daemon.get("/metrics").body.decode().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("jcn_audits_total ")))


class Audited(JcnCase):
    """FAULTS 30 and 45: changes that no event tells of."""

    def audited(self, daemon):
        """Waits for an audit that begins after this call, and for what it found."""
        before = audits(daemon)
        wait_for(lambda: audits(daemon) >= before + 2, "another audit", 30)
        daemon.sync()

    def test_fault_30_through_an_outside_hard_link(self):
        path = self.drop("a.json", {"id": "a", "n": 1})
        outside = os.path.join(self.tmp, "outside")
        os.link(path, outside)
        daemon = self.daemon(config=QUICK_AUDITS)
        write_whole(outside, encode({"id": "a", "n": 2}))
        self.audited(daemon)
        self.assertEqual(daemon.record("a"), {"id": "a", "n": 2})
        self.assert_converged(daemon)

    def test_fault_30_through_a_mapping(self):
        path = self.drop("a.json", {"id": "a", "n": 1})
        with open(path, "r+b") as file:
            mapped = mmap.mmap(file.fileno(), 0)
        self.addCleanup(mapped.close)
        daemon = self.daemon(config=QUICK_AUDITS)
        mapped[mapped.find(b"1")] = ord("7")
        mapped.flush()
        self.audited(daemon)
        self.assertEqual(daemon.record("a"), {"id": "a", "n": 7})
        self.assert_converged(daemon)

    def test_without_audits_nothing_tells(self):
        """That the two above show anything."""
        path = self.drop("a.json", {"id": "a", "n": 1})
        outside = os.path.join(self.tmp, "outside")
        os.link(path, outside)
        daemon = self.daemon(config="[audit]\ninterval_ms = 0\n")
        write_whole(outside, encode({"id": "a", "n": 2}))
        self.drop("b.json", {"id": "b"})
        daemon.sync()
        self.assertEqual(daemon.record("a")["n"], 1)
        self.assertEqual(audits(daemon), 0)


class Idly(JcnCase):
    """What nobody waits for reads the disk only when nobody else does (ioprio_set(2), strace)."""

    def classes(self, config, happened):
        """What a thread was set to, one after another, by thread: only those that were idle once."""
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")
        self.write("d/a.json", {"id": "a"})
        trace = os.path.join(self.tmp, "trace")
        daemon = self.new_daemon(config=config)
        daemon.before = ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f", "-o", trace,
                         "-e", "trace=ioprio_set"]
        daemon.start()
        wait_for(lambda: happened(daemon), "it to be done twice", 30)
        daemon.stop()

        def text():
            with open(trace, encoding="utf-8") as file:
                return file.read()
        wait_for(lambda: "exited with 0" in text(), "the end of the trace")
        threads = {}
        for line in text().splitlines():
            if found := re.match(r"(\d+) +ioprio_set\(IOPRIO_WHO_PROCESS, 0, (.*?)\) += 0", line):
                idle = "IDLE" in found[2]
                threads.setdefault(found[1], []).append(idle)
        return {thread: one for thread, one in threads.items() if any(one)}

    def test_fault_30_the_audit(self):
        found = self.classes(QUICK_AUDITS, lambda daemon: audits(daemon) >= 2)
        self.assertEqual(len(found), 1, "the walker's thread")
        for one in found.values():
            self.assertGreaterEqual(len(one), 4)
            self.assertEqual(one, [True, False] * (len(one) // 2), "put back each time")

    def test_fault_22_the_scrub(self):
        found = self.classes("[storage]\nscrub_interval_ms = 200\n",
                             lambda daemon: daemon.status()["upkeep"]["scrubs"] >= 2)
        self.assertGreaterEqual(len(found), 2, "a process for each")
        for one in found.values():
            self.assertTrue(one[0])


class Mounts(JcnCase):
    """FAULTS 44 and 45, in a mount namespace of the daemon's own."""

    def setUp(self):
        super().setUp()
        probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
        if os.geteuid() != 0 or probe.returncode != 0:
            self.skipTest("needs root and mount namespaces")

    def namespaced(self, script="true", config=QUICK_AUDITS):
        daemon = self.new_daemon(config=config, before=[
            "unshare", "-m", "sh", "-c", f"{script} && exec \"$@\"", "sh"])
        return daemon

    def inside(self, daemon, *command):
        subprocess.run(["nsenter", "-t", str(daemon.process.pid), "-m", *command], check=True)

    def mount(self, daemon, path):
        self.inside(daemon, "mount", "-t", "tmpfs", "none", path)

    def put(self, daemon, path, body):
        """A file where the daemon sees it."""
        write_whole(f"/proc/{daemon.process.pid}/root{path}", encode(body))

    def converged(self, daemon):
        wanted = rebuild_dump(daemon.folders, daemon.config, self.tmp,
                              before=["nsenter", "-t", str(daemon.process.pid), "-m"])
        self.assertEqual(daemon.dump(), wanted)

    def test_fault_45_mounted_over_a_folder(self):
        self.drop("sub/deep/a.json", {"id": "a"})
        self.drop("b.json", {"id": "b"})
        daemon = self.namespaced().start()
        self.mount(daemon, self.path("sub"))
        wait_for(lambda: daemon.record("a") is None, "the audit to see what is not there any more")
        self.put(daemon, self.path("sub/c.json"), {"id": "c"})  # by an event, from now on
        daemon.sync()
        self.assertEqual(daemon.ids(), ["b", "c"])
        self.converged(daemon)
        self.inside(daemon, "umount", "-l", self.path("sub"))
        wait_for(lambda: daemon.ids() == ["a", "b"], "what lies beneath to be seen again")
        self.drop("sub/deep/d.json", {"id": "d"})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a", "b", "d"])
        self.converged(daemon)

    def test_fault_44_root_unmounted(self):
        daemon = self.namespaced(f"mount -t tmpfs none '{self.root}'").start()
        for number in range(30):
            self.put(daemon, self.path(f"{number}.json"), {"id": f"v{number:02}"})
        daemon.sync()
        wanted = [f"v{number:02}" for number in range(30)]
        self.assertEqual(daemon.ids(), wanted)
        self.inside(daemon, "umount", "-l", self.root)
        wait_for(lambda: "root_offline" in daemon.reasons(), "the root to be offline", 20)
        daemon.sync()
        self.assertEqual(daemon.ids(), wanted, "no mass delete")
        self.assertEqual(daemon.status()["roots"][0]["state"], "offline")
        self.mount(daemon, self.root)
        daemon.sync()
        self.assertEqual(daemon.ids(), wanted, "nor by an empty file system")
        for number in range(28):
            self.put(daemon, self.path(f"{number}.json"), {"id": f"v{number:02}"})
        wait_for(lambda: daemon.status()["roots"][0]["state"] == "watching", "the root to be back", 20)
        wait_for(lambda: daemon.ids() == wanted[:28], "what is there now to be what is shown", 20)
        self.converged(daemon)


class Removed(JcnCase):
    def state(self, daemon):
        return daemon.status()["roots"][0]["state"]

    def test_fault_44_root_removed_before_its_events_are_read(self):
        """Whether a file was deleted, or its root with it, is looked at when the event is."""
        for number in range(200):
            self.write(f"d{number % 5}/{number}.json", {"id": f"v{number:03}"})
        daemon = self.new_daemon(config=f'[[root]]\nname = "notes"\npath = "{self.root}"\n')
        daemon.folders = []  # one of the file may be away at a start
        daemon.start()
        wanted = daemon.ids()
        daemon.pause()
        shutil.rmtree(self.root)
        daemon.cont()
        wait_for(lambda: self.state(daemon) == "offline", "the root to be offline", 20)
        daemon.sync()
        self.assertEqual(daemon.ids(), wanted, "no mass delete")
        daemon.restart()
        self.assertEqual(daemon.ids(), wanted, "nor by another start")
        for number in range(100):
            self.write(f"d{number % 5}/{number}.json", {"id": f"v{number:03}"})
        wait_for(lambda: self.state(daemon) == "watching", "the root to be back", 20)
        daemon.sync()
        self.assertEqual(len(daemon.ids()), 100)
        self.assert_converged(daemon)

    def test_fault_44_rm_r_while_it_looks(self):
        for number in range(300):
            self.write(f"d{number % 5}/{number}.json", {"id": f"v{number:03}"})
        daemon = self.daemon()
        subprocess.run(["rm", "-r", self.root], check=True)
        wait_for(lambda: self.state(daemon) == "offline", "the root to be offline", 20)
        daemon.sync()
        stale = daemon.ids()  # of those whose files went first, the deletion was seen: a real one
        self.assertIn("root_offline", daemon.reasons())
        os.mkdir(self.root)
        daemon.sync()
        self.assertEqual(daemon.ids(), stale)
        for number in range(300):
            self.drop(f"d{number % 5}/{number}.json", {"id": f"v{number:03}", "n": 2})
        wait_for(lambda: self.state(daemon) == "watching", "the root to be back", 20)
        daemon.sync()
        self.assertEqual(len(daemon.ids()), 300)
        self.assert_converged(daemon)


if __name__ == "__main__":
    unittest.main()
