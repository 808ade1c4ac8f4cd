"""Ends a test that hangs, and says what every thread and every child was doing.

Without it a hung test holds the whole run until its runner loses patience, and takes what it knew
with it. A child that is left behind would even hold the runner's pipe.
"""

import faulthandler
import os
import pathlib
import signal
import sys
import threading
import time

EXIT_CODE = 70


def descendants(pid):
    """The processes below one, parents first."""
    children = {}
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        parent = int(stat.rpartition(b")")[2].split()[1])
        children.setdefault(parent, []).append(int(folder.name))
    found = [pid]
    for parent in found:
        found += sorted(children.get(parent, []))
    return found[1:]


def told(folder, name):
    try:
        return (folder / name).read_text(errors="backslashreplace").strip()
    except OSError as error:
        return f"({error.strerror})"


def describe(pid, out):
    """Where each of a process's threads is; the stack in the kernel is for root only."""
    process = pathlib.Path(f"/proc/{pid}")
    command = told(process, "cmdline").replace("\0", " ")
    print(f"process {pid}: {command}", file=out)
    try:
        threads = sorted((process / "task").iterdir())
    except OSError:
        return
    for thread in threads:
        state = told(thread, "stat").rpartition(")")[2].split()[:1]
        print(f"  {thread.name} {told(thread, 'comm')} {' '.join(state)} in {told(thread, 'wchan')}, "
              f"system call {told(thread, 'syscall')}\n    {told(thread, 'stack')!r}", file=out)


class Watchdog:
    """One thread for all tests of a process."""

    def __init__(self):
        self._changed = threading.Condition()
        self._watched = None  # (name, deadline)
        self._thread = None

    def watch(self, name, seconds):
        with self._changed:
            self._watched = (name, time.monotonic() + seconds)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            self._changed.notify()

    def over(self):
        with self._changed:
            self._watched = None
            self._changed.notify()

    def _run(self):
        with self._changed:
            while True:
                if self._watched is None:
                    self._changed.wait()
                    continue
                name, deadline = self._watched
                left = deadline - time.monotonic()
                if left <= 0:
                    self._bite(name)
                self._changed.wait(left)

    @staticmethod
    def _bite(name):
        print(f"\n{name} hangs:", file=sys.stderr, flush=True)
        faulthandler.dump_traceback(sys.stderr, all_threads=True)
        children = descendants(os.getpid())
        for pid in children:
            describe(pid, sys.stderr)
        sys.stderr.flush()
        for pid in reversed(children):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # ended by itself
        os._exit(EXIT_CODE)


WATCHDOG = Watchdog()
