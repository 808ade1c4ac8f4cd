"""tools/check sees a broken wall, and the walls of this tree stand."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]

BROKEN = {
    "indexer/fold.cc": "#include <lmdb.h>",
    "jcn/routes.cc": '#include "civetweb.h"',
    "jcn/walker.cc": "# include <sys/inotify.h>",
    "indexer/check.cc": "#include <iostream>",
    "indexer/read.h": "#include <boost/asio.hpp>",
    "indexer/merge.cc": "void f() { std::exit(1); }",
    "jcn/config.cc": "void f() { exit(1); }",
    "jcn/webhooks.cc": "#include <curl/curl.h>",
    "jcn/webhook_state.cc": "#include <openssl/hmac.h>",
    "tests/unit/fold_test.cc": "#include <lmdb.h>",
    "cgi-frontend/site.cc": '#include "jcn/snapshot.h"',
    "cgi-frontend/jcn_cgi.cc": "#include <fcgiapp.h>",
}
ALLOWED = {
    "indexer/lmdb_env.cc": "#include <lmdb.h>",
    "jcn/http_server.cc": '#include "civetweb.h"',
    "jcn/inotify.cc": "#include <sys/inotify.h>",
    "jcn/webhook_sender.cc": "#include <curl/curl.h>",
    "jcn/webhook_signature.cc": "#include <openssl/hmac.h>",
    "indexer/verify.cc": "// never calls exit(1), nor includes\n// #include <iostream>\nint on_exit_code;",
    "cgi-frontend/fastcgi.cc": "#include <fcgiapp.h>",
    "cgi-frontend/video.cc": '#include "jcn/canonical.h"',
    "tests/bench/fold_prototype.cc": "#include <lmdb.h>",
}


class HouseCheck(unittest.TestCase):
    def setUp(self):
        self.tree = pathlib.Path(tempfile.mkdtemp(prefix="jcn-house-"))
        self.addCleanup(shutil.rmtree, self.tree)
        (self.tree / "tools").mkdir()
        shutil.copy(PROJECT / "tools/check", self.tree / "tools/check")

    def write(self, files):
        for name, text in files.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")

    def check(self, *programs):
        return subprocess.run([self.tree / "tools/check", *programs], capture_output=True,
                              text=True, check=False)

    def test_each_broken_wall_is_named(self):
        self.write(ALLOWED)
        self.assertEqual(self.check().returncode, 0, self.check().stdout)
        for name, text in BROKEN.items():
            with self.subTest(name=name):
                self.write({name: text})
                done = self.check()
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"{name}:1:", done.stdout)
                (self.tree / name).unlink()

    def test_a_planted_bug_that_no_longer_fits_is_named(self):
        patch = "Wrong.\n--- a/indexer/one.cc\n+++ b/indexer/one.cc\n@@ -1,1 +1,1 @@\n-int a = 1;\n+int a = 2;\n"
        self.write({"indexer/one.cc": "int a = 1;", "tests/mutants/01-one.patch": patch})
        self.assertEqual(self.check().returncode, 0, self.check().stdout)
        self.write({"indexer/one.cc": "int b = 1;"})
        done = self.check()
        self.assertEqual(done.returncode, 1)
        self.assertIn("tests/mutants/01-one.patch", done.stdout)

    def test_a_program_without_symbols_is_not_believed(self):
        stripped = shutil.copy("/bin/true", self.tree / "reader")
        self.assertEqual(self.check(stripped).returncode, 1)
        self.assertEqual(self.check(self.tree / "none").returncode, 1)

    def test_a_reader_that_links_the_write_side(self):
        source = self.tree / "reader.cc"
        source.write_text("namespace jcn { struct IndexWriter { void fold(); }; \n"
                          "void IndexWriter::fold() {} }\n" +
                          "".join(f"void f{i}() {{}}\n" for i in range(150)) + "int main() {}\n")
        program = self.tree / "reader"
        subprocess.run(["g++", "-o", program, source], check=True)
        done = self.check(program)
        self.assertEqual(done.returncode, 1)
        self.assertIn("links the write side", done.stdout)


if __name__ == "__main__":
    unittest.main()
