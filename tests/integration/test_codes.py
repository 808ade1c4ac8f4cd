"""Every code of indexer/codes.cc is provoked by a test.

A test that is marked @provokes(CODE, …) fails unless jcn shows these codes while it runs: in a
problem, in the quarantine, on standard error. Those of the other files are there already; here are
the codes that are left, and the sum.
"""

import importlib
import os
import pathlib
import re
import socket
import stat
import subprocess
import sys
import tarfile
import unittest

from harness import (JCN, PROJECT, TIME_FACTOR, JcnCase, codes_seen, json_of, note_codes, provokes,
                     wait_for, write_whole)
from test_documents import code_table
from test_restart import strace_works

HERE = pathlib.Path(__file__).parent

# What only a module by itself can be brought to, without thousands of processes.
IN_UNITS = {"readers_exhausted": ("snapshot_test.cc", "Snapshot", "AllSlotsTakenIsAnError")}


def marked_tests():
    """Code → the tests that are marked with it, over all files."""
    found = {}
    for path in sorted(HERE.glob("test_*.py")):
        if "@provokes(" not in path.read_text(encoding="utf-8"):
            continue
        module = sys.modules["__main__"] if path.stem == pathlib.Path(sys.argv[0]).stem \
            else importlib.import_module(path.stem)
        for case in vars(module).values():
            if isinstance(case, type) and issubclass(case, unittest.TestCase):
                for name, test in vars(case).items():
                    for code in getattr(test, "provokes", ()):
                        found.setdefault(code, []).append(f"{path.stem}.{case.__name__}.{name}")
    return found


class EveryCode(unittest.TestCase):
    def test_has_a_test(self):
        self.assertGreater(len(code_table()), 80)
        marked = marked_tests()
        for code, (name, suite, test) in IN_UNITS.items():
            text = (PROJECT / "tests/unit" / name).read_text(encoding="utf-8")
            body = re.search(rf"^TEST(?:_F)?\({suite}, {test}\) {{\n(.*?)^}}", text, re.M | re.S)[1]
            self.assertRegex(body, rf"EXPECT_EQ\([^;]*Code::{code}\b")
            marked.setdefault(code, []).append(f"{name} {suite}.{test}")
        self.assertEqual(set(code_table()) - set(marked), set(), "codes that no test provokes")
        self.assertEqual(set(marked) - set(code_table()), set(), "codes that there are not")

    def test_a_code_that_is_not_shown_is_missed(self):
        @provokes("fifo")
        def nothing_happens(_):
            pass

        @provokes("fifo", "socket")
        def one_is_shown(_):
            note_codes('{"code":"fifo","line":null}')

        for test, missing in ((nothing_happens, "fifo"), (one_is_shown, "socket")):
            with self.assertRaisesRegex(AssertionError, missing):
                test(self)


class OfFiles(JcnCase):
    def beside(self, program, *arguments):
        """A program in Python that goes on until the test's end; whether it has come to its `begun`."""
        process = subprocess.Popen([sys.executable, "-c", program, *arguments],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process.stdout.readline() == b"begun\n"

    @provokes("unexpected_end", "syntax_error", "invalid_id", "no_id", "schema_violation")
    def test_of_what_stands_in_them(self):
        schema = os.path.join(self.tmp, "schema.json")
        write_whole(schema, b'{"properties":{"title":{"type":"string"}}}')
        daemon = self.daemon(config=f'[[kind]]\nname = "videos"\nschema = "{schema}"\n'
                                    '[[rule]]\nid = ["/id"]\n')
        for name, body in (("torn", b'{"id":"t'), ("comma", b'{"id":"a" "b":1}'), ("dot", b'{"id":"."}'),
                           ("none", b"{}"), ("odd", b'{"id":"o","title":5}')):
            self.drop(f"{name}.json", body)
        daemon.sync()
        self.assertEqual({path: row["code"] for path, row in daemon.rejects().items()},
                         {"torn.json": "unexpected_end", "comma.json": "syntax_error",
                          "dot.json": "invalid_id", "none.json": "no_id", "odd.json": "schema_violation"})

    @provokes("device")
    def test_of_a_device(self):
        try:
            os.mknod(self.path("null.json"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
        except PermissionError:
            self.skipTest("needs root")
        daemon = self.daemon()
        self.assertEqual(daemon.rejects()["null.json"]["code"], "device")

    @provokes("read_error", "busy")
    def test_of_one_that_somebody_holds(self):
        """A lease that its holder does not give up."""
        path = self.drop("a.json", {"id": "a"})
        if not self.beside(
                "import fcntl, os, signal, sys\n"
                "signal.signal(signal.SIGIO, signal.SIG_IGN)\n"
                "fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)\n"
                "print('begun', flush=True)\n"
                "signal.pause()\n", path):
            self.skipTest("no leases on this file system")
        daemon = self.daemon()
        self.assertEqual(daemon.rejects()["a.json"]["code"], "read_error")
        self.assert_problem(daemon.get("/v1/fragments/notes/a.json"), 503, "busy")

    @provokes("unstable")
    def test_of_one_that_changes_while_it_is_read(self):
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")
        path = self.drop("a.json", {"id": "a"})
        other = os.path.join(self.tmp, "other")  # changes by it send no event
        os.link(path, other)
        self.beside("import itertools, os, sys\n"
                    "print('begun', flush=True)\n"
                    "for n in itertools.count(10 ** 18): os.utime(sys.argv[1], ns=(n, n))\n", other)
        daemon = self.daemon(before=["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f", "-o",
                                     "/dev/null", "-P", path, "-e", "trace=read,pread64", "-e",
                                     "inject=read,pread64:delay_exit=30000"])
        wait_for(lambda: daemon.rejects().get("a.json", {}).get("code") == "unstable", "the verdict")


class OfRequests(JcnCase):
    @provokes("path_too_long")
    def test_of_a_name(self):
        daemon = self.daemon(arguments=["--writable"])
        self.assert_problem(daemon.request("PUT", f"/v1/fragments/notes/{'x' * 300}.json", b"{}"), 422,
                            "path_too_long")

    @provokes("answer_full")
    def test_of_an_answer(self):
        ids = [f"v{n}" for n in range(10)]
        for name in ids:
            self.write(f"{name}.json", b'{"id":"%s","t":"%s"}' % (name.encode(), b"x" * 1_000_000))
        daemon = self.daemon()
        answer = daemon.request("POST", "/v1/videos/_bulk_get", b'{"ids":["' + '","'.join(ids).encode()
                                + b'"]}')
        results = json_of(answer)["results"]
        self.assertEqual([each["id"] for each in results], ids)
        self.assertEqual(results[-1]["error"]["code"], "answer_full")

    @provokes("internal")
    def test_of_a_program_that_fails(self):
        daemon = self.daemon(arguments=["--export-program", "/bin/false"])
        answer = wait_for(lambda: next((each for each in [daemon.get("/v1/export.sqlite")]
                                        if each.status == 500), None), "its end")
        self.assert_problem(answer, 500, "internal")

    @provokes("write_error")
    def test_of_a_write(self):
        """A limit of file sizes, which is neither a full disk nor a question of leave."""
        daemon = self.daemon(arguments=["--writable", "--limits-max-bytes", str(16 << 20)],
                             before=["prlimit", f"--fsize={4 << 20}", "sh", "-c",
                                     "trap '' XFSZ; exec \"$@\"", "-"])
        large = b'{"id":"a","t":"' + b"x" * (5 << 20) + b'"}'
        self.assert_problem(daemon.request("PUT", "/v1/fragments/notes/a.json", large), 500,
                            "write_error")
        self.assertEqual(os.listdir(self.root), [])

    @provokes("root_unavailable")
    def test_of_a_root_that_is_away(self):
        daemon = self.daemon(arguments=["--writable"])
        os.rename(self.root, self.root + ".away")
        answer = daemon.request("PUT", "/v1/fragments/notes/a.json", b'{"id":"a"}')
        self.assert_problem(answer, 503, "root_unavailable")

    @provokes("request_timeout")
    def test_of_a_request_in_parts(self):
        """While all threads are taken, the slowest are given up."""
        daemon = self.daemon(config="[http]\nthreads = 8\n")
        head = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\n".encode()
        slow = []
        for _ in range(12):
            slow.append(socket.create_connection(("127.0.0.1", daemon.port), 30 * TIME_FACTOR))
            self.addCleanup(slow[-1].close)
            slow[-1].sendall(head)
        answers = []
        for connection in slow:
            try:
                answers.append(connection.recv(65536))
            except ConnectionError:
                answers.append(b"")  # cut off without an answer
        told = [answer.decode() for answer in answers if answer.startswith(b"HTTP/1.1 408 ")]
        self.assertTrue(told, answers)
        for answer in told:
            note_codes(answer)


class OfPrograms(JcnCase):
    def refused(self, *arguments, status):
        """jcn's own end."""
        done = subprocess.run([JCN, *arguments], capture_output=True, text=True, check=False,
                              timeout=30 * TIME_FACTOR)
        self.assertEqual(done.returncode, status, done.stderr)
        note_codes(done.stderr)

    @provokes("bad_usage", "bad_configuration", "root_unavailable", "system")
    def test_of_the_daemon(self):
        wrong = os.path.join(self.tmp, "wrong.conf")
        write_whole(wrong, b"nonsense = 1\n")
        self.refused("--nonsense", self.root, status=2)
        self.refused("--config", wrong, status=2)
        self.refused(os.path.join(self.tmp, "none"), status=1)
        self.refused("--index", "/proc/none/index", self.root, status=1)

    @provokes("not_connected", "index_unreadable", "index_format", "index_damaged")
    def test_of_jcnctl(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        with tarfile.open(PROJECT / "tests/data/index-format-1.tar.xz") as sample:
            sample.extractall(self.tmp)
        daemon = self.daemon(index="mine")
        daemon.stop()
        write_whole(os.path.join(daemon.index, "CURRENT"), b"nonsense\n")
        for arguments, status in ((("--url", nobody, "rejects"), 3),
                                  (("--index", self.folder("empty"), "rejects"), 4),
                                  (("--index", os.path.join(self.tmp, "index"), "rejects"), 4),
                                  (("--index", daemon.index, "rejects"), 4)):
            with self.subTest(arguments):
                self.assertEqual(daemon.run_ctl(*arguments).returncode, status)
        self.assertIn("index_format", codes_seen)


if __name__ == "__main__":
    unittest.main()
