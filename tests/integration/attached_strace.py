"""strace, attached to a daemon that runs already."""

import contextlib
import os
import subprocess


@contextlib.contextmanager
def attached_strace(pid, *words):
    """Traces the threads that the process has now. Later ones and children run free: with -f, strace
    may wait for ever to leave a thread that is in the middle of vfork(2)."""
    threads = os.listdir(f"/proc/{pid}/task")
    tracer = subprocess.Popen(["strace", *words, *(f"--attach={thread}" for thread in threads)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        waited_for = len(threads)
        while waited_for > 0 and (line := tracer.stderr.readline()):
            waited_for -= b"attach" in line  # or could not be: it has ended meanwhile
        yield
    finally:
        tracer.terminate()
        tracer.wait()
        tracer.stderr.close()
