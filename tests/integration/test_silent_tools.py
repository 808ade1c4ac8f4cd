"""man, shellcheck and codespell have nothing to say of our pages, scripts and words."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import PROJECT

SCRIPT = re.compile(rb"#! ?/(?:usr/bin/env +)?\S*?\b(?:ba|da)?sh\b")


def sources():
    """Every file of the project, but what is built."""
    for folder, folders, names in os.walk(PROJECT):
        folders[:] = sorted(name for name in folders if name not in (".git", "__pycache__")
                            and not name.startswith("build"))
        for name in sorted(names):
            yield pathlib.Path(folder, name)


def is_script(path):
    with open(path, "rb") as file:
        return path.suffix == ".bash" or bool(SCRIPT.match(file.readline()))


def said_by(*command, **environment):
    """What a program says, with its exit code if it isn't 0; empty if it is content."""
    done = subprocess.run(command, cwd=PROJECT, env={**os.environ, **environment}, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120)
    text = done.stdout.decode("utf-8", "replace")
    return text if done.returncode == 0 else f"{text}exit code {done.returncode}"


def said_of_page(page):
    """What man says of a page on stderr: the page itself is thrown away."""
    return said_by("bash", "-c", 'man --warnings -l "$1" 2>&1 >/dev/null', "-", str(page),
                   LC_ALL="C.UTF-8", MANWIDTH="80")


class Silent(unittest.TestCase):
    def test_man_pages(self):
        pages = [path for path in sources() if re.fullmatch(r"\.[1-8]", path.suffix)]
        self.assertGreater(len(pages), 4)
        for page in pages:
            with self.subTest(page.name):
                self.assertEqual(said_of_page(page), "")

    def test_shell_scripts(self):
        scripts = [str(path.relative_to(PROJECT)) for path in sources() if is_script(path)]
        for name in ("tools/run", "tests/packages/run", "tools/packaging/debian/jcn/postinst",
                     "tools/packaging/completion.bash", ".ci/run"):
            self.assertIn(name, scripts)
        self.assertEqual(said_by("shellcheck", *scripts), "")

    def test_words(self):
        self.assertEqual(said_by("codespell"), "")  # .codespellrc: what it leaves out
        hidden = [name for name in os.listdir(PROJECT) if name.startswith(".")
                  and name != ".codespellrc" and os.path.isfile(PROJECT / name)]
        self.assertEqual(said_by("codespell", "--check-hidden", *hidden, ".ci"), "")


class Mistakes(unittest.TestCase):
    """Each of the three would say so."""

    def setUp(self):
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix="jcn-test-"))
        self.addCleanup(shutil.rmtree, self.tmp)

    def write(self, name, text):
        path = self.tmp / name
        path.write_text(text, encoding="utf-8")
        return path

    def test_in_a_page(self):
        good = (PROJECT / "jcn/doc/jcn.8").read_text(encoding="utf-8")
        self.assertEqual(said_of_page(self.write("good.8", good)), "")
        self.assertIn("warning", said_of_page(self.write("bad.8", good + ".XY unknown\n")))
        # A line that can't be broken, and is wider than a terminal.
        wide = f"{good}.Bd -literal\n{'x' * 100}\n.Ed\n.Pp\n{'y' * 100}\n"
        self.assertNotEqual(said_of_page(self.write("wide.8", wide)), "")

    def test_in_a_script(self):
        script = self.write("script", "#!/bin/sh\nrm $1\n")
        self.assertTrue(is_script(script))
        self.assertIn("SC2086", said_by("shellcheck", str(script)))

    def test_in_a_word(self):
        said = said_by("codespell", str(self.write("words", "reci" + "eve\n")))
        self.assertIn("receive", said)


if __name__ == "__main__":
    unittest.main()
