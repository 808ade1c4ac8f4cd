"""Libraries that are preloaded into jcn, to let it live on an odd system."""

import os
import shutil
import subprocess
import tempfile
import unittest

from harness import JCN


def built_library(test_class, source):
    """The path of what a C++ file beside this one is built to, for as long as the class's tests run.
    Skips them without a compiler, and where sanitizers would be in the way."""
    compiler = shutil.which("c++")
    if not compiler:
        raise unittest.SkipTest("no compiler")
    with open(JCN, "rb") as file:
        program = file.read()
    if b"__asan_init" in program or b"__tsan_init" in program:
        raise unittest.SkipTest("sanitizers intercept the same calls")
    folder = tempfile.mkdtemp(prefix="jcn-test-")
    test_class.addClassCleanup(shutil.rmtree, folder)
    library = os.path.join(folder, os.path.splitext(source)[0] + ".so")
    subprocess.run([compiler, "-std=c++20", "-O1", "-shared", "-fPIC", "-o", library,
                    os.path.join(os.path.dirname(os.path.abspath(__file__)), source)], check=True)
    return library
