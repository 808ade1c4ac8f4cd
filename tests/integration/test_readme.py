"""README.md: its commands, pasted as they are printed, print what it says.

`./tools/run` is started as it stands there, on free ports; then the rest runs in another terminal:
the tour, and the three commands that tools/run prints. Ports, and the folder that tools/run names,
are put in for those of the README (8640, FOLDER). console_examples.py says how to read the blocks.

It works on this tree, as it is built. JCN_FULL=1: on a fresh clone, which builds all of it first.
"""

import json
import os
import pty
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
import urllib.request

from console_examples import check_all, compare, examples
from harness import FULL, JCN, PROJECT, TIME_FACTOR, wait_for

README = PROJECT / "README.md"


def run_on_terminal(command, folder, seconds, environment=None):
    """What a command prints on a terminal, which programs can tell from a pipe."""
    ours, theirs = pty.openpty()
    seen = bytearray()

    def read():
        try:
            while more := os.read(ours, 65536):
                seen.extend(more)
        except OSError:  # EIO: nobody has the other end any more
            pass

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        subprocess.run(["bash", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, stdout=theirs,
                       stderr=theirs, timeout=seconds, env=environment, check=False)
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)
    return seen.decode().replace("\r\n", "\n")


class ToolsRunCase(unittest.TestCase):
    def setUp(self):
        if JCN != str(PROJECT / "build/release/jcn/jcn"):
            self.skipTest("tools/run builds and runs build/release; this is another build")
        self.tmp = tempfile.mkdtemp(prefix="jcn-test-")
        self.addCleanup(shutil.rmtree, self.tmp)
        self.tree = str(PROJECT)
        if FULL:
            self.tree = os.path.join(self.tmp, "jcn")
            subprocess.run(["git", "clone", "-q", str(PROJECT), self.tree], check=True)

    def start(self, command):
        """What tools/run prints until it waits for Ctrl-C."""
        printed = os.path.join(self.tmp, "printed")
        with open(printed, "wb") as out, open(os.path.join(self.tmp, "errors"), "wb") as errors:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=self.tree, stdin=subprocess.DEVNULL, stdout=out,
                stderr=errors, env={**os.environ, "JCN_PORT": "0", "JCN_SITE_PORT": "0",
                                    "XDG_STATE_HOME": os.path.join(self.tmp, "state")})
        self.addCleanup(self.end, process)

        def text():
            with open(printed, encoding="utf-8") as file:
                said = file.read()
            if process.poll() is not None:
                with open(os.path.join(self.tmp, "errors"), encoding="utf-8") as file:
                    self.fail(f"{command} ended: {said}\n{file.read()[-4000:]}")
            return said if "\nCtrl-C" in said and said.endswith("\n") else None

        return process, wait_for(text, "tools/run", 3600 if FULL else 120)

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30 * TIME_FACTOR)

    @staticmethod
    def status(url):
        with urllib.request.urlopen(url, timeout=30 * TIME_FACTOR) as answer:
            return answer.status


class Tour(ToolsRunCase):
    def test_every_command(self):
        text = README.read_text(encoding="utf-8")
        check_all(self, text)
        (_, command, promised), *tour = examples(text, continued=False)
        self.assertEqual(command, "./tools/run")
        process, printed = self.start(command)
        port = re.match(r"jcn: ready http://127\.0\.0\.1:(\d+)/", printed)[1]
        site = re.search(r"^site: ready http://127\.0\.0\.1:(\d+)/$", printed, re.M)[1]
        compare(self, printed.replace(f":{port}", ":8640").replace(f":{site}", ":8080"),
                promised.rstrip("\n"))
        self.assertEqual(self.status(f"http://127.0.0.1:{site}/"), 200)

        folder = re.search(r" drop (.*)/hello\.json$", printed, re.M)[1]
        before = ""  # what one terminal knows of its earlier commands
        ran = 0
        for number, command, promised in tour:
            with self.subTest(line=number, command=command):
                if re.match(r"[A-Z_]+=", command):
                    before += command + "\n"
                    continue
                seen = run_on_terminal(before + command.replace(":8640", f":{port}").replace("FOLDER", folder),
                                       self.tree, 60 * TIME_FACTOR,
                                       {**os.environ, "JCN_URL": f"http://127.0.0.1:{port}"})
                compare(self, seen.replace(folder, "FOLDER"), promised.rstrip("\n"))
                ran += 1
        self.assertGreater(ran, 7)

        tried = [line.strip() for line in printed.partition("Try, ")[2].splitlines()
                 if line.startswith("  ")]
        self.assertEqual(len(tried), 3)
        outputs = [run_on_terminal(f"{command} && echo done", self.tree, 60 * TIME_FACTOR)
                   for command in tried]
        self.assertGreater(len(outputs[0].splitlines()), 5)
        self.assertIn("hello.json: indexed as videos/hello, at ", outputs[1])
        self.assertIn('"duplicate_member"', outputs[2])
        for command, output in zip(tried, outputs):
            self.assertTrue(output.endswith("done\n"), f"{command}: {output}")

        # Ctrl-C: to all that the terminal runs.
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30 * TIME_FACTOR), 0)
        self.assertFalse(os.path.exists(folder), "the copy of the notes is gone")


class OwnFolder(ToolsRunCase):
    """./tools/run FOLDER: of root's, too, whose site and worker are the folder's owner."""

    VIDEO = "k7m2xw9qhd4t"

    def setUp(self):
        super().setUp()
        os.chmod(self.tmp, 0o755)
        self.folder = os.path.join(self.tmp, "my videos")
        os.makedirs(os.path.join(self.folder, "k7"))
        self.put(".mp4", "no film")
        self.put(".json", json.dumps({"id": self.VIDEO, "visibility": "private",
                                      "source": {"path": f"k7/{self.VIDEO}.mp4"},
                                      "transcode": {"state": "queued"}}))

    def put(self, ending, text):
        with open(self.path(ending), "w", encoding="utf-8") as file:
            file.write(text)

    def path(self, ending):
        return os.path.join(self.folder, "k7", self.VIDEO + ending)

    def give_to(self, user):
        for folder, _, names in os.walk(self.folder):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                os.chown(path, user, user)

    def started(self):
        """The process, and the site's address, which answers."""
        process, printed = self.start(f"./tools/run {shlex.quote(self.folder)}")
        site = re.search(r"^site: ready (http://127\.0\.0\.1:\d+/)$", printed, re.M)[1]
        self.assertEqual([self.status(site + page) for page in ("", "upload")], [200, 200])
        return process, site

    def test_site_marks_and_worker_work_in_it(self):
        if os.geteuid() == 0:
            self.give_to(pwd.getpwnam("nobody").pw_uid)
        process, _ = self.started()
        wait_for(lambda: os.path.exists(self.path(".private")), "the mark of a private video")

        def failed():
            try:
                with open(self.path(".transcode.json"), encoding="utf-8") as file:
                    return json.load(file)["transcode"]["state"] == "failed"
            except FileNotFoundError:
                return False

        wait_for(failed, "the worker to have looked", 60)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30 * TIME_FACTOR), 0)

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_of_somebody_without_a_name_here(self):
        """As from outside of a container: it is shown, and not written into."""
        nobody_s = next(user for user in range(12345, 60000)
                        if user not in {each.pw_uid for each in pwd.getpwall()})
        self.give_to(nobody_s)
        self.started()
        with open(os.path.join(self.tmp, "errors"), encoding="utf-8") as file:
            self.assertIn(f"belongs to {nobody_s}, who has no name here", file.read())


class Commands(unittest.TestCase):
    def test_of_the_readme_exist(self):
        """Every script and file that a command or a link names is there."""
        text = README.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
            if not target.startswith("http"):
                self.assertTrue((PROJECT / target).exists(), target)
        for words in re.findall(r"^(\./\S+.*)$", text, re.M):
            self.assertTrue(os.access(PROJECT / shlex.split(words, comments=True)[0], os.X_OK), words)


if __name__ == "__main__":
    unittest.main()
