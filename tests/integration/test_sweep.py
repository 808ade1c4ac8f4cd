"""FAULTS 1 to 6, 10 to 12, 14: jcn is killed at, or gets an error from, the N-th call of each system
call, by strace's fault injection, while it goes through sweep_workload.py. What a daemon that lives on
shows must equal, after a barrier, what a rebuild from the same files gives, and the webhook must have
heard of it; so must, in any case, what a start without strace leads to. The files must be those that
users have put there, and those that were answered as written.

The usual run takes a sample, the same in each run unless JCN_SEED says otherwise. JCN_FULL=1
(tests/long sweep) kills at every N of every call; errors come from every N up to EVERY, and from
SPREAD more of those calls that are made still more often. JCN_SWEEP_WORKERS=4 takes so many points at
a time, JCN_SWEEP_ONLY those of one call, as in openat2 or openat2:EMFILE, and JCN_SWEEP_POINT a single
one, as in openat2:EMFILE:8."""

import collections
import concurrent.futures
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from harness import TIME_FACTOR, Daemon, JcnCase, encode, json_of, rebuild_dump, wait_for, write_whole
from sweep_workload import CONFIG, Hook, Live, NotThere, Workload
from test_restart import strace_works

FULL = os.environ.get("JCN_FULL") == "1"
ONLY = os.environ.get("JCN_SWEEP_ONLY")
POINT = os.environ.get("JCN_SWEEP_POINT")
SEED = int(os.environ.get("JCN_SEED") or 4711)
SAMPLE = 12  # points of each sweep in the usual run
EVERY, SPREAD = 64, 16
KILLED = "signal=KILL"
WORKERS = int(os.environ.get("JCN_SWEEP_WORKERS") or 2)

# The C library's first call of its own, when the dynamic loader has done its work: without memory
# for that the loader crashes (glibc 2.36), before there is a jcn.
LOADED = "prlimit64"

# What keeps data, and with openat2 and read the reading of fragments.
KILLED_AT = ["writev", "pwrite64", "write", "fdatasync", "fsync", "rename", "renameat", "renameat2",
             "ftruncate", "unlink", "unlinkat", "mkdirat", "openat2", "read"]
# What may fail where: each is one call that goes wrong, once. newfstatat is stat, fstat, fstatat.
ERRORS = [(call, error)
          for calls, errors in (
              ("pwrite64 writev write rename renameat renameat2", "ENOSPC EIO"),
              ("ftruncate mkdir mkdirat", "ENOSPC EIO"), ("fdatasync fsync", "EIO ENOSPC"),
              ("unlink unlinkat readlink lseek rmdir", "EIO"), ("write", "EINTR EAGAIN"),
              ("pread64", "EINTR EIO"), ("mmap mprotect", "ENOMEM"),
              ("openat openat2 read newfstatat getdents64 inotify_add_watch",
               "EMFILE EIO EINTR EAGAIN"),
              ("inotify_add_watch", "ENOSPC"), ("openat2", "ENFILE ENOMEM"),
              ("statx fstatfs", "EIO EINTR"), ("fcntl", "EAGAIN EINTR"),
              ("epoll_wait poll", "EINTR"), ("accept", "EMFILE EINTR EAGAIN"),
              ("recvfrom", "EINTR EAGAIN"), ("sendto", "EINTR EAGAIN EPIPE"), ("connect", "EINTR EAGAIN ECONNREFUSED"),
              ("socket socketpair pipe2 eventfd2 epoll_create1", "EMFILE"), ("dup2", "EMFILE"),
              ("timerfd_create inotify_init1", "EMFILE"), ("clone3", "EAGAIN"),
              ("execve", "ENOMEM EMFILE"), ("wait4", "EINTR"), ("epoll_ctl", "ENOMEM ENOSPC"),
              ("fchmod fchown", "EIO EPERM"), ("bind listen", "EADDRINUSE"), ("getrandom", "EAGAIN"),
              ("setsockopt getsockopt getsockname", "ENOBUFS"), ("timerfd_settime", "EINVAL"),
              ("ioctl", "EIO"), ("setpriority ioprio_set", "EPERM"), ("prctl", "EPERM"))
          for call in calls.split() for error in errors.split()]
# What jcn calls and the sweep leaves alone, and why.
LEFT_ALONE = {
    **dict.fromkeys(("getpid", "gettid", "getppid", "getuid", "uname", "sysinfo", "ioprio_get"),
                    "says what is; has no error that could come"),
    **dict.fromkeys(("exit", "exit_group", "rt_sigreturn"), "does not come back"),
    **dict.fromkeys(("arch_prctl", "set_tid_address", "set_robust_list", "rseq", "access"),
                    "the loader's and the C library's, before there is a jcn or a thread"),
    **dict.fromkeys(("rt_sigaction", "rt_sigprocmask"), "fails with wrong arguments only"),
    **dict.fromkeys(("futex", "clock_nanosleep"), "waits again whatever it says"),
    "brk": "malloc(3) takes mmap then; the first is a library's, before main, which crashes (p11-kit)",
    "close": "has closed, whatever it says; what is written is known by fsync",
    "restart_syscall": "the kernel's own, after a stop",
    "tgkill": "of the process itself",
    "kill": "of an examination that is still running at the end: it has no error that could come",
    "close_range": "in the child between clone3 and execve",
    **dict.fromkeys(("munmap", "madvise"), "gives memory back; fails where there is none for it"),
    **dict.fromkeys(("shutdown", "getpeername"), "of connections that end anyway"),
    "prlimit64": "marks the end of loading here; a limit that is not known is not raised",
}
# Made on some runs, or on some systems only: being absent says nothing.
SOMETIMES = {"kill", "restart_syscall", "rt_sigreturn"}


def chosen(count, bounded):
    """Which of so many calls are stopped at."""
    if not bounded or count <= EVERY + SPREAD:
        return range(1, count + 1)
    further = count - EVERY
    return [*range(1, EVERY + 1), *(EVERY + further * step // SPREAD for step in range(1, SPREAD + 1))]


class Sweep(JcnCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with tempfile.TemporaryDirectory() as folder:
            if not strace_works(folder):
                raise unittest.SkipTest("strace cannot trace here")
            # Other system calls are not stopped at: without it everything takes several times as long.
            filtered = subprocess.run(["strace", "--seccomp-bpf", "-D", "-f", "-o", os.devnull, "-e",
                                       "trace=openat", "true"], capture_output=True, check=False)
            cls.filtered = ["--seccomp-bpf"] if filtered.returncode == 0 else []
        print(f"JCN_SEED={SEED}")

    def start(self, folder, injection, hook):
        """A daemon under strace with one injection, over a workload that has begun."""
        workload = self.begun(folder)
        daemon = Daemon([workload.root], os.path.join(folder, "index"), CONFIG + hook.config,
                        arguments=["--writable"])
        if injection:
            name, what = injection
            daemon.before = self.strace(folder, {name, LOADED}, what) + ["-e", f"inject={name}:{what}"]
        return workload, daemon

    def begun(self, folder):
        workload = Workload(os.path.join(folder, "notes"))
        workload.before()
        return workload

    def strace(self, folder, names, what=""):
        # Signals are not sent at each N-th call with the filter (strace 6.1).
        return ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f",
                *([] if what.startswith("signal") else self.filtered),
                "-o", os.path.join(folder, "trace"), "-e", "trace=" + ",".join(names)]

    def drive(self, workload, daemon, hook):
        """Goes through the operations, whether the daemon lives or not. What a last barrier said, which
        waits for a fold, too: absent when it failed."""
        try:
            daemon.start(30)
        except AssertionError:
            pass  # it died, or refused to start, at the injection: that is what this is for
        live = Live(daemon)
        workload.run(live)
        # What failed once is tried again, later and later, and a generation that cannot be written to
        # any more gives way to another: soon, not at once.
        until = time.monotonic() + 30 * TIME_FACTOR
        while True:
            answer = live.sync(True)
            got_over = answer is not None and answer["unsettled"] == []
            if got_over or not live.there() or time.monotonic() > until:
                return answer
            time.sleep(0.1)

    def wanted(self):
        """The dump that every run must lead to."""
        with tempfile.TemporaryDirectory(dir=self.tmp) as folder:
            workload = self.begun(folder)
            workload.run(NotThere)
            return rebuild_dump([workload.root], CONFIG, scratch=folder)

    def count(self, names):
        """How often one thread makes each call in an undisturbed run, at most."""
        with tempfile.TemporaryDirectory(dir=self.tmp) as folder, Hook(folder) as hook:
            workload, daemon = self.start(folder, None, hook)
            trace = os.path.join(folder, "trace")
            daemon.before = self.strace(folder, names)
            self.drive(workload, daemon, hook)
            self.assertEqual((workload.not_answered, hook.waited_for(daemon)), (0, []))
            self.ended(daemon)
            daemon.close_process()
            counts = collections.Counter()
            with open(trace, encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    found = re.match(r"(\d+) +(\w+)\(", line)
                    if found:
                        counts[found.groups()] += 1
        most = collections.Counter()
        for (_, name), number in counts.items():
            most[name] = max(most[name], number)
        return most

    def points(self, counts, injections):
        """(system call, what, N) for each point of the sweep."""
        points = [(name, what, n) for name, what in injections
                  for n in chosen(counts[name], bounded=what != KILLED)]
        if not FULL and not ONLY and len(points) > SAMPLE:
            # As many of each call as can be: most of the points are of few calls. How often each is
            # made differs a little from run to run: what is drawn is how far along.
            drawn = random.Random(SEED)
            kinds = sorted({point[:2] for point in points})
            drawn.shuffle(kinds)
            points = [(*kind, 1 + int(drawn.random() * counts[kind[0]]))
                      for kind in (kinds * SAMPLE)[:SAMPLE]]
        return sorted(set(points))

    def converges(self, point, wanted, live):
        name, what, number = point
        folder = tempfile.mkdtemp(dir=self.tmp)
        hook = Hook(folder)
        workload, daemon = self.start(folder, (name, f"{what}:when={number}"), hook)
        try:
            synced = self.drive(workload, daemon, hook)
            survived = daemon.alive() and daemon.port is not None
            if live and daemon.port is not None:
                self.assertTrue(survived, "it ended after it was ready")
            if survived and live:
                # One error that does not come again is got over.
                self.assertIsNotNone(synced, "nothing is folded any more")
                self.assertEqual(synced["unsettled"], [])
                dumped = daemon.run_ctl("--index", daemon.index, "dump")
                self.assertEqual(dumped.returncode, 0, dumped.stderr)
                self.assertEqual(dumped.stdout, wanted, "live")
                self.assertEqual(hook.waited_for(daemon), [], "the webhook has not heard of them")
            killed = what == KILLED
            code = self.ended(daemon)
            daemon.close_process()
            with open(os.path.join(folder, "trace"), encoding="utf-8", errors="replace") as file:
                trace = file.read()
            hit = re.search(r"\(INJECTED\)|killed by SIGKILL", trace) is not None
            self.assertTrue(code >= 0 or (killed and code == -signal.SIGKILL) or LOADED not in trace,
                            f"exit {code}")
            daemon.before = []
            daemon.start()
            daemon.sync()
            self.assertEqual(daemon.dump(), wanted, "after another start")
            self.assertEqual(hook.waited_for(daemon), [], "the webhook, after another start")
            self.assertEqual(workload.differences(daemon), [], "after another start")
            daemon.stop()
        except AssertionError as failure:
            raise AssertionError(f"{point}: {failure}\n{daemon.stderr_tail()}") from None
        finally:
            daemon.kill9()
            hook.close()
            shutil.rmtree(folder, ignore_errors=True)
        return survived, hit

    def ended(self, daemon):
        """Its exit code. Where the read that takes a signal from a pipe is what fails, that signal is
        lost: whoever wants it to end says so again."""
        for patience in (5, 15):
            if daemon.alive():
                daemon.process.send_signal(signal.SIGTERM)
            try:
                return daemon.process.wait(patience * TIME_FACTOR)
            except subprocess.TimeoutExpired:
                pass
        raise AssertionError("no exit after SIGTERM")

    def sweep(self, injections, live):
        if POINT:
            name, what, number = POINT.split(":")
            what = f"signal={what}" if what == "KILL" else f"error={what}"
            if (name, what) not in injections:
                self.skipTest(f"not of this sweep: {POINT}")
            survived, hit = self.converges((name, what, int(number)), self.wanted(), live)
            print(f"{POINT}: jcn {'lived on' if survived else 'ended'}")
            self.assertTrue(hit, "the call did not come so often")
            return
        if ONLY:
            wanted_name, _, wanted_what = ONLY.partition(":")
            injections = [(name, what) for name, what in injections
                          if name == wanted_name and what.endswith(wanted_what)]
            if not injections:
                self.skipTest(f"nothing of {ONLY}")
        wanted = self.wanted()
        counts = self.count(sorted({name for name, _ in injections}))
        points = self.points(counts, injections)
        survived, hits, done, failures, began = 0, 0, 0, [], time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as workers:
            runs = [workers.submit(self.converges, point, wanted, live) for point in points]
            for run in concurrent.futures.as_completed(runs):
                self.got_on()
                if run.exception():
                    failures.append(str(run.exception()))
                    print(f"  failed: {failures[-1].splitlines()[0]}", flush=True)
                else:
                    survived += run.result()[0]
                    hits += run.result()[1]
                if (done := done + 1) % 250 == 0:
                    print(f"  {done} of {len(points)}, failed {len(failures)}", flush=True)
        total = sum(counts[name] for name, _ in injections)
        print(f"{len(points)} of {total} points in {time.monotonic() - began:.0f} s, met {hits}, "
              f"failed {len(failures)}; jcn lived on in {survived}; "
              + ", ".join(f"{name} {counts[name]}" for name in sorted(counts)))
        self.assertEqual(failures, [], "\n".join(failures))
        self.assertGreater(hits, len(points) // 2)

    def test_every_call_is_swept_or_has_a_reason(self):
        """What the workload has jcn do, and the lists above, are the same calls."""
        made = set(self.count(["all"]))
        swept = set(KILLED_AT) | {call for call, _ in ERRORS}
        self.assertEqual(swept & set(LEFT_ALONE), set())
        self.assertEqual(made - swept - set(LEFT_ALONE), set(), "called, and in no list")
        self.assertEqual((swept | set(LEFT_ALONE)) - made - SOMETIMES, set(), "listed, and not called")

    def test_without_its_barrier_it_ends_with_an_error(self):
        daemon = self.new_daemon(before=[
            "env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-f", "-o", os.devnull,
            "-P", os.path.join(self.tmp, "index/barrier"), "-e", "inject=openat:error=EIO"])
        code, _, stderr = daemon.start_refused()
        self.assertEqual(code, 1)
        self.assertIn("index/barrier: Input/output error", stderr)

    def test_without_its_event_loop_it_ends_with_an_error(self):
        for call in ("epoll_create1", "pipe2"):
            with self.subTest(call=call):
                daemon = self.new_daemon(before=[
                    "env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-f", "-o", os.devnull,
                    "-e", f"trace={call}", "-e", f"inject={call}:error=EMFILE:when=1"])
                code, _, stderr = daemon.start_refused()
                self.assertEqual(code, 1, stderr)
                self.assertIn("Too many open files", stderr)
                self.assertIn("hint: raise LimitNOFILE=", stderr)

    def test_an_event_loop_that_hears_nothing_is_an_error(self):
        """Else SIGTERM would find nobody."""
        for number in range(1, 8):
            with self.subTest(number):
                daemon = self.new_daemon(before=[
                    *self.strace(self.tmp, ["epoll_ctl"]),
                    "-e", f"inject=epoll_ctl:error=ENOSPC:when={number}"]).launch()
                try:
                    daemon.wait_ready()
                    self.assertEqual(self.ended(daemon), 0)
                except AssertionError:
                    self.assertEqual(daemon.process.wait(10 * TIME_FACTOR), 1, daemon.stderr_tail())
                    self.assertIn("cannot make the event loop", daemon.stderr_text())

    def test_events_that_cannot_be_waited_for_once_are_heard_of_all_the_same(self):
        for number in (1, 2):
            point = ("ioctl", "error=EIO", number)
            survived, hit = self.converges(point, self.wanted(), live=True)
            self.assertTrue(hit, point)

    def test_a_thread_that_cannot_be_made_is_an_error_or_no_matter(self):
        write_whole(os.path.join(self.root, "a.json"), encode({"id": "a"}))
        refused = 0
        for number in range(1, 40):
            folder = tempfile.mkdtemp(dir=self.tmp)
            daemon = self.new_daemon(index=os.path.join(folder, "index"), before=[
                *self.strace(folder, ["clone3"]), "-e", f"inject=clone3:error=EAGAIN:when={number}"],
                arguments=["--http-threads", "8"])
            with self.subTest(thread=number):
                daemon.launch()
                try:
                    daemon.wait_ready()
                    self.assertEqual(daemon.record("a"), {"id": "a"})
                    self.assertEqual(self.ended(daemon), 0)
                except AssertionError:
                    self.assertEqual(daemon.process.wait(10 * TIME_FACTOR), 1, daemon.stderr_tail())
                    self.assertRegex(daemon.stderr_text(), "cannot make .*thread|Cannot create .*thread")
                    refused += 1
            with open(os.path.join(folder, "trace"), encoding="utf-8", errors="replace") as trace:
                if "(INJECTED)" not in trace.read():
                    break
        self.assertGreater(refused, 5)
        self.assertLess(number, 39, "more threads than looked at")

    def test_a_folder_that_cannot_be_opened_once_is_read_before_the_barrier_returns(self):
        wanted = self.wanted()
        for number in (3, 8):
            for error in ("EMFILE", "EIO"):
                point = ("openat2", f"error={error}", number)
                survived, hit = self.converges(point, wanted, live=True)
                self.assertTrue(survived and hit, point)

    def test_faults_11_what_lasts_a_while_is_listed_and_passes(self):
        root = os.path.join(self.tmp, "notes")
        daemon = self.new_daemon(config=CONFIG, before=self.strace(self.tmp, ["openat2"]) + [
            "-e", "inject=openat2:error=EIO:when=10..34"]).start()
        for number in range(12):
            folder = f"d{number % 3}/e{number}"
            os.makedirs(os.path.join(root, folder))
            write_whole(os.path.join(root, folder, f"{number}.json"), encode({"id": f"v{number}"}))
        daemon.sync()
        self.assertNotEqual(self.unsettled(daemon), [])
        wait_for(lambda: self.unsettled(daemon) == [], "the errors to pass", 150)
        self.assertEqual(daemon.reasons(), {})
        self.assert_converged(daemon)

    def unsettled(self, daemon):
        return json_of(daemon.request("POST", "/v1/sync?timeout_ms=20000", body=b""))["unsettled"]

    def test_faults_1_to_6_killed_at_the_nth_call(self):
        self.sweep([(name, KILLED) for name in KILLED_AT], live=False)

    def test_faults_10_to_12_and_14_an_error_from_the_nth_call(self):
        self.sweep([(name, f"error={error}") for name, error in ERRORS], live=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
