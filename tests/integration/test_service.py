"""jcn.service, and what jcn tells the service manager (FAULTS 53).

The unit is looked at by systemd-analyze; jcn runs under the restrictions of system calls that stand
in it (service_sandbox.py), as an ordinary user; and this test is the service manager that jcn talks to.
"""

import ctypes
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import service_sandbox
from harness import (JCN, JCN_EXPORT, JCNCTL, PROJECT, TIME_FACTOR, JcnCase, encode, wait_for,
                     write_whole)
from test_restart import strace_works

UNIT = PROJECT / "jcn/jcn.service"
MOST_EXPOSURE = 1.5
NOBODY = 65534


def need_systemd_analyze():
    if not shutil.which("systemd-analyze"):
        raise unittest.SkipTest("no systemd-analyze here (package systemd)")


class Unit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_systemd_analyze()

    def test_exposure(self):
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager",
             f"--threshold={MOST_EXPOSURE * 10:.0f}", str(UNIT)],
            capture_output=True, text=True, check=False)
        level = re.search(r"exposure level for jcn\.service: ([0-9.]+)", done.stdout)
        self.assertTrue(level, done.stdout + done.stderr)
        print(f"exposure {level.group(1)}")
        self.assertLessEqual(float(level.group(1)), MOST_EXPOSURE, done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_it_is_well_formed(self):
        with tempfile.TemporaryDirectory() as folder:
            unit = os.path.join(folder, "jcn.service")
            with open(unit, "w", encoding="utf-8") as file:
                file.write(UNIT.read_text(encoding="utf-8").replace("/usr/bin/jcn ", f"{JCN} "))
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


class Sandboxed(JcnCase):
    """All of jcn within the unit's restrictions: a system call that is not allowed ends it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        need_systemd_analyze()
        with open(JCN, "rb") as program:
            if b"__asan_init" in (text := program.read()) or b"__tsan_init" in text:
                raise unittest.SkipTest("sanitizers make system calls of their own")
        try:
            ctypes.CDLL("libseccomp.so.2")
        except OSError:
            raise unittest.SkipTest("no libseccomp.so.2 here (package libseccomp2)") from None

    def setUp(self):
        super().setUp()
        self.state = self.folder("state")
        user = []
        if os.geteuid() == 0:
            os.chown(self.state, NOBODY, NOBODY)
            user = ["--user", str(NOBODY)]
        program = shutil.copy(JCN, self.folder("bin"))  # where every user can run it
        os.chmod(program, 0o755)
        self.programs = (program, JCNCTL)
        os.chmod(shutil.copy(JCN_EXPORT, os.path.dirname(program)), 0o755)
        sandbox = [sys.executable, "-B", service_sandbox.__file__]
        self.sandbox = [*sandbox, UNIT]
        self.before = ["env", "ASAN_OPTIONS=detect_leaks=0", *sandbox, *user, UNIT]

    def sandboxed(self, *arguments):
        return self.new_daemon(index="state/index", programs=self.programs, before=self.before,
                               arguments=arguments)

    def test_the_sandbox_is_one(self):
        for code, ended in (("import os; os.sched_setaffinity(0, {0})", -signal.SIGSYS),
                            ("import socket; socket.socket(socket.AF_NETLINK)", -signal.SIGSYS),
                            ("import mmap; mmap.mmap(-1, 4096, prot=7)", -signal.SIGSYS),
                            ("import socket; socket.socket(); import os; os.nice(1)", 0)):
            done = subprocess.run([*self.sandbox, sys.executable, "-c", code], check=False)
            self.assertEqual(done.returncode, ended, code)

    def test_everything_it_does_is_allowed(self):
        for number in range(300):
            self.write(f"d{number % 7}/{number}.json", {"id": f"v{number % 250}", "title": "a tide"})
        self.write("bad.json", b'{"id":')
        os.mkfifo(self.path("fifo.json"))
        os.symlink("/etc/passwd", self.path("link.json"))
        live = self.sandboxed("--storage-scrub-interval-ms", "200").start()
        self.write("new.json", {"id": "new"})
        os.unlink(self.path("d0/0.json"))
        os.rename(self.path("d1"), self.path("d9"))
        with open(self.path("torn.json"), "wb") as torn:
            torn.write(b'{"id"')
        live.sync(durable=True)
        for target in ("/v1/videos?_search=tide&_facet=title&_sort_desc=title&_size=3", "/metrics",
                       "/v1/changes?feed=longpoll&timeout=50&since=now", "/v1/rejects", "/readyz"):
            self.assertEqual(live.get(target).status, 200, target)
        live.hang_up()
        wait_for(lambda: live.status()["upkeep"]["scrubs"] > 0, "a look through the index")
        for word in ("verify", "compact", "reindex"):
            live.ctl(word)
        self.assertEqual(live.status()["upkeep"]["damage_found"], 0)
        wait_for(lambda: live.get("/v1/export.sqlite").status == 200, "a snapshot")
        self.assert_converged(live)
        live.stop()
        with open(os.path.join(live.index, "crashed"), "wb"):
            pass  # so the next start looks through the index first
        live.start()
        self.assertIn("the index is looked through before it is used", live.stderr_text())
        self.assertNotIn("damage", live.stderr_text())
        self.assert_converged(live)

    def test_what_it_reads_of_the_system_is_there(self):
        """ProcSubset=pid would hide the boot's id and the limits of watches."""
        self.assertEqual(service_sandbox.settings(UNIT)["ProcSubset"], ["all"])
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")
        log = os.path.join(self.tmp, "opened")
        live = self.daemon(before=["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f", "-o",
                                   log, "-e", "trace=open,openat"])
        live.stop()
        with open(log, encoding="utf-8", errors="replace") as file:
            self.assertIn('"/proc/sys/kernel/random/boot_id"', file.read())


class ServiceManager:
    """Takes what a daemon says by sd_notify(3): (seconds, variables) of each message, in order."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.said = []
        self._waited_for = 0  # place behind the last message that until() returned for
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)

    def close(self):
        self._socket.close()

    def listen(self, seconds):
        """Takes what comes for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._socket], [], [], left)[0]:
                text = self._socket.recv(65536).decode()
                self.said.append((time.monotonic(),
                                  dict(line.split("=", 1) for line in text.splitlines())))

    def until(self, name, value, seconds=20):
        """Waits for this; what is waited for next comes after it."""
        deadline = time.monotonic() + seconds * TIME_FACTOR
        while time.monotonic() < deadline:
            self.listen(0.02)
            for place, (_, said) in enumerate(self.said[self._waited_for:], self._waited_for):
                if said.get(name) == value:
                    self._waited_for = place + 1
                    return said
        raise AssertionError(f"not told: {name}={value}; told: {self.said[-20:]}")


class Told(JcnCase):
    def managed(self, **options):
        manager = ServiceManager(self.tmp)
        self.addCleanup(manager.close)
        environment = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"}
        return manager, self.new_daemon(environment=environment, **options)

    def test_fault_53_ready_alive_reloading_stopping(self):
        for number in range(50):
            self.write(f"{number}.json", {"id": f"v{number}"})
        manager, live = self.managed()
        live.launch()
        manager.until("READY", "1")
        live.wait_ready()
        manager.until("STATUS", "ready")
        manager.until("WATCHDOG", "1")
        live.hang_up()
        self.assertGreater(int(manager.until("RELOADING", "1")["MONOTONIC_USEC"]), 0)
        manager.until("READY", "1")
        live.process.send_signal(signal.SIGTERM)
        manager.until("STOPPING", "1")
        self.assertEqual(live.process.wait(5 * TIME_FACTOR), 0)

    def test_a_long_look_through_the_index_asks_for_more_time(self):
        self.write("a.json", {"id": "a"})
        manager, live = self.managed()
        live.start().stop()
        with open(os.path.join(live.index, "crashed"), "wb"):
            pass
        manager.listen(0.05)
        told = len(manager.said)
        live.start()
        manager.until("STATUS", "ready")
        texts = [said for _, said in manager.said[told:]]
        extended = [index for index, said in enumerate(texts) if "EXTEND_TIMEOUT_USEC" in said]
        self.assertTrue(extended, texts)
        self.assertEqual(texts[extended[0]]["STATUS"], "looking through the index")
        self.assertLess(extended[0], next(i for i, said in enumerate(texts) if "READY" in said))

    def test_fault_53_the_watchdog_is_not_fed_while_the_loop_hangs(self):
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")
        hang = 3.0
        manager, live = self.managed(before=[
            "env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f", "-o", os.devnull,
            "-e", f"inject=epoll_wait:delay_exit={hang * 1e6:.0f}:when=60"])
        live.start()
        fed = []

        def hung():
            manager.listen(0.05)
            fed[:] = [when for when, said in manager.said if said.get("WATCHDOG") == "1"]
            return any(after - before > hang * 0.9 for before, after in zip(fed, fed[1:]))
        wait_for(hung, "the loop to hang, and to go on", 60)
        after = len(fed)
        wait_for(lambda: hung() and len(fed) >= after + 3, "it to be fed again")



class Confined(JcnCase):
    def test_it_may_write_its_index_only(self):
        """unit/write_confinement_test says what that means; here it is done, before any thread is
        made, and all that a daemon does goes on."""
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")
        trace = os.path.join(self.tmp, "trace")
        live = self.new_daemon(before=["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f", "-o",
                                       trace, "-e", "trace=landlock_restrict_self,clone3"]).start()
        write_whole(os.path.join(self.root, "a.json"), encode({"id": "a"}))
        live.sync(durable=True)
        self.assert_converged(live)
        with open(trace, encoding="utf-8", errors="replace") as lines:
            calls = [line.split(None, 1)[1] for line in lines if "(" in line]
        if not calls[0].startswith("landlock_restrict_self"):
            self.skipTest("this kernel has no Landlock")
        self.assertRegex(calls[0], r"= 0$")


if __name__ == "__main__":
    unittest.main()
