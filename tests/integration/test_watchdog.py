"""A test that hangs is ended, with a word about every thread and child, and leaves no child."""

import os
import re
import subprocess
import sys
import unittest

import harness
from harness import wait_for
from watchdog import EXIT_CODE

HANGING = """
import subprocess, threading, unittest
from watchdog import WATCHDOG

class Hanging(unittest.TestCase):
    def test_one_that_ends(self):
        WATCHDOG.watch(self.id(), 0.1)
        self.addCleanup(WATCHDOG.over)

    def test_two_waits_for_ever(self):
        WATCHDOG.watch(self.id(), 0.5)
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        print("child", child.pid, flush=True)
        child.wait()

unittest.main()
"""


class Watchdog(unittest.TestCase):
    def test_a_hanging_test(self):
        done = subprocess.run([sys.executable, "-B", "-c", HANGING], capture_output=True, text=True,
                              cwd=os.path.dirname(harness.__file__), timeout=60 * harness.TIME_FACTOR,
                              check=False)
        self.assertEqual(done.returncode, EXIT_CODE, done.stderr)
        child = re.search(r"^child (\d+)$", done.stdout, re.M).group(1)
        self.assertIn("test_two_waits_for_ever hangs:", done.stderr)
        self.assertIn("in test_two_waits_for_ever", done.stderr)
        self.assertRegex(done.stderr, rf"(?s)process {child}: cat.*system call 0 ")  # read(2)
        wait_for(lambda: not os.path.exists(f"/proc/{child}"), "the child to be gone")


if __name__ == "__main__":
    unittest.main()
