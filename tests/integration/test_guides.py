"""The guides in jcn/doc: every example is run, and prints what stands behind it.

`console` blocks as console_examples.py reads them; a block of python, php or sql is a program, and
the `text` block behind it is what it prints. The examples of a page run one after the other, in one
folder beside the notes; port 8640 stands for jcn's. sql asks notes.db in that folder.
"""

import os
import re
import shutil
import sqlite3
import sys
import unittest

from console_examples import as_pattern, compare, examples, run
from harness import JCN_EXPORT, JCNCTL, PROJECT, TIME_FACTOR, JcnCase

BLOCK = re.compile(r"^```(console|python|php|sql)\n(.*?)^```$(?:\n```text\n(.*?)^```$)?", re.M | re.S)


class Guides(JcnCase):
    def read(self, name, folder, live, environment=()):
        """Runs a page's examples in a folder."""
        text = (PROJECT / "jcn/doc" / name).read_text(encoding="utf-8")
        self.assertEqual(len(re.findall(r"^```(?:console|python|php|sql)$", text, re.M)),
                         len(BLOCK.findall(text)))
        bin_folder = self.folder("bin")
        for program in (JCNCTL, JCN_EXPORT, PROJECT / "tools/notes-from-names"):
            os.symlink(program, os.path.join(bin_folder, os.path.basename(program)))
        variables = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8",
                     "PYTHONPATH": str(PROJECT / "apache"), "PYTHONDONTWRITEBYTECODE": "1",
                     "JCN_URL": f"http://127.0.0.1:{live.port}", "INDEX": live.index, **dict(environment)}
        ran = 0
        for block in BLOCK.finditer(text):
            language, source, printed = block.groups()
            line = text.count("\n", 0, block.start()) + 1
            if language == "console":
                for number, command, expected in examples(block[0]):
                    with self.subTest(page=name, line=line + number - 1, command=command):
                        seen = run(command.replace(":8640", f":{live.port}"), folder, 60 * TIME_FACTOR,
                                   variables).replace(f":{live.port}", ":8640")
                        compare(self, seen, expected)
                        if command.startswith("cd "):
                            folder = os.path.join(folder, command.split()[1])
            else:
                with self.subTest(page=name, line=line, language=language):
                    self.assertIsNotNone(printed, "nothing says what it prints")
                    seen = self.printed(language, source, folder, live, variables)
                    if not as_pattern(printed.rstrip("\n")).match(seen):
                        self.assertEqual(seen, printed)
            ran += 1
        self.assertGreater(ran, 5)

    def printed(self, language, source, folder, live, variables):
        if language == "sql":
            with sqlite3.connect(f"file:{folder}/notes.db?mode=ro", uri=True) as notes:
                rows = notes.execute(source).fetchall()
            notes.close()
            return "".join("|".join("" if cell is None else str(cell) for cell in row) + "\n"
                           for row in rows)
        program = os.path.join(folder, "example." + language)
        with open(program, "w", encoding="utf-8") as file:
            file.write(source.replace(":8640", f":{live.port}"))
        return run(f"{sys.executable if language == 'python' else 'php'} {program}", folder,
                   60 * TIME_FACTOR, variables)

    def sample_notes(self):
        shutil.copytree(PROJECT / "tests/data/notes", self.root, dirs_exist_ok=True)

    def test_web(self):
        if not shutil.which("php"):
            self.skipTest("php-cli is not installed")
        self.sample_notes()
        self.read("web.md", self.folder("web"), self.daemon(arguments=["--writable"]))

    def test_analysts(self):
        self.sample_notes()
        self.read("analysts.md", self.folder("analysts"), self.daemon())

    def test_naming(self):
        folder = self.folder("films")
        os.mkdir(os.path.join(folder, "talks"))
        self.read("naming.md", folder, self.daemon(os.path.join(folder, "talks")))


if __name__ == "__main__":
    unittest.main()
