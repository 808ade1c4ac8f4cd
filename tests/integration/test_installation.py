"""What `cmake --install` puts where. tests/packages/run tries the packages in a clean system."""

import gzip
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import JCN, PROJECT

BUILD = os.path.dirname(os.path.dirname(JCN))


class Installation(unittest.TestCase):
    def setUp(self):
        if not os.path.exists(os.path.join(BUILD, "cmake_install.cmake")):
            raise AssertionError(f"{JCN} lies in no build")
        self.tmp = tempfile.mkdtemp(prefix="jcn-test-")
        self.addCleanup(shutil.rmtree, self.tmp)

    def install(self, prefix, **environment):
        done = subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=False,
                              capture_output=True, text=True, env={**os.environ, **environment})
        self.assertEqual(done.returncode, 0, done.stderr)

    def files(self, folder):
        return {os.path.relpath(os.path.join(at, name), folder)
                for at, _, names in os.walk(folder) for name in names}

    def text(self, *path):
        with open(os.path.join(self.tmp, *path), encoding="utf-8") as file:
            return file.read()

    def test_a_prefix_of_ones_own(self):
        prefix = os.path.join(self.tmp, "opt")
        self.install(prefix)
        found = self.files(prefix)
        for name in ("bin/jcn", "bin/jcnctl", "bin/jcn-export", "bin/jcn-transcode",
                     "lib/jcn/cgi-bin/jcn.cgi", "lib/systemd/system/jcn.service",
                     "lib/systemd/system/jcn-transcode.service",
                     "lib/systemd/system/jcn-cgi.socket", "etc/jcn/jcn.conf",
                     "share/jcn/apache/site.wsgi", "share/jcn/apache/private_marks.py",
                     "share/jcn/apache/jcn_site/__init__.py",
                     "share/jcn/schemas/video.schema.json",
                     "share/bash-completion/completions/jcnctl",
                     "share/bash-completion/completions/jcn-transcode"):
            self.assertIn(name, found)
        # Nothing that is for this tree only, and no path of another prefix.
        self.assertEqual([name for name in found if "private_apache" in name or "run.conf" in name
                          or "__pycache__" in name], [])
        for name in found:
            if name.endswith((".service", ".conf", ".toml", ".wsgi")):
                self.assertEqual(re.findall(r"(?:/usr/(?:bin|lib|share)|(?<!\w)/etc)/jcn\S*",
                                            self.text("opt", name)), [], name)
        self.assertIn(f"ExecStart={prefix}/bin/jcn --config {prefix}/etc/jcn/jcn.conf\n",
                      self.text("opt", "lib/systemd/system/jcn.service"))
        done = subprocess.run([f"{prefix}/bin/jcn", "--check-config", "--index",
                               os.path.join(self.tmp, "index"), "--config",
                               f"{prefix}/etc/jcn/jcn.conf"],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_packagers_stage_it_elsewhere(self):
        self.install("/usr", DESTDIR=self.tmp)
        found = self.files(self.tmp)
        self.assertIn("usr/bin/jcn", found)
        self.assertIn("etc/jcn/jcn.conf", found, "of /usr, the configuration is in /etc")
        self.assertEqual(self.text("usr/lib/systemd/system/jcn.service"),
                         (PROJECT / "jcn/jcn.service").read_text(encoding="utf-8"))
        for guide in (PROJECT / "jcn/doc").glob("*.md"):
            self.assertIn(f"usr/share/doc/jcn/{guide.name}", found)
        pages = [name for name in found if "/man/" in name]
        self.assertEqual(sorted(os.path.basename(page) for page in pages),
                         ["jcn-export.1.gz", "jcn-private-marks.8.gz", "jcn-transcode.1.gz",
                          "jcn.8.gz", "jcn.cgi.8.gz", "jcn.conf.5.gz", "jcnctl.1.gz"])
        for page in pages:
            with gzip.open(os.path.join(self.tmp, page), "rt", encoding="utf-8") as file:
                self.assertTrue(file.read().startswith(".Dd "), page)

    def test_the_administrators_file_stays(self):
        self.install("/usr", DESTDIR=self.tmp)
        mine = os.path.join(self.tmp, "etc/jcn/jcn.conf")
        with open(mine, "w", encoding="utf-8") as file:
            file.write('log_level = "debug"\n')
        self.install("/usr", DESTDIR=self.tmp)
        self.assertEqual(self.text("etc/jcn/jcn.conf"), 'log_level = "debug"\n')


if __name__ == "__main__":
    unittest.main()
