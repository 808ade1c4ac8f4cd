"""jcn/doc/http-api.md: every example is run, and answers as it says.

console_examples.py says how they are written. The commands run one after the other, each in a shell
of its own, in the one folder that jcn watches, called `notes`: a copy of tests/data/notes in which
every file was last changed at 2026-03-01 12:00 UTC. jcn runs with --writable. The kind `videos` has
the schema jcn/schemas/video.schema.json. One webhook, `site`, has an address that is never there.
Port 8640 stands for the one that jcn listens on.

Every operation of openapi.json must stand in an example.
"""

import json
import os
import re
import shutil
import unittest
import urllib.parse

from console_examples import as_pattern, check_all, compare, examples, run
from harness import PROJECT, TIME_FACTOR, JcnCase

DOCUMENT = PROJECT / "jcn/doc/http-api.md"
OPENAPI = PROJECT / "jcn/openapi.json"
CHANGED = 1772366400  # 2026-03-01T12:00:00Z

ADDRESS = re.compile(r"http://127\.0\.0\.1:8640(/[^\s'\"]*)")


class Document(JcnCase):
    def test_every_example(self):
        text = DOCUMENT.read_text()
        check_all(self, text)
        shutil.copytree(PROJECT / "tests/data/notes", self.root, dirs_exist_ok=True)
        for folder, _, names in os.walk(self.root):
            for name in names:
                os.utime(os.path.join(folder, name), (CHANGED, CHANGED))
        secret = os.path.join(self.tmp, "secret")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write("whsec_" + "A" * 32)
        live = self.daemon(arguments=["--writable"], config='[[kind]]\nname = "videos"\n'
                                  f'schema = "{PROJECT / "jcn/schemas/video.schema.json"}"\n'
                                  '[[webhook]]\nname = "site"\nurl = "https://hooks.example/jcn"\n'
                                  f'secret_file = "{secret}"\n')
        for number, command, printed in examples(text):
            with self.subTest(line=number, command=command):
                seen = run(command.replace(":8640", f":{live.port}"), self.root,
                           60 * TIME_FACTOR).replace(f":{live.port}", ":8640")
                compare(self, seen, printed)

    def test_every_operation_has_an_example(self):
        asked = set()
        for _, command, _ in examples(DOCUMENT.read_text()):
            named = re.search(r"-X (\w+)", command)
            method = named.group(1).lower() if named else \
                "post" if re.search(r"--data(?:-binary)?[ =]", command) else "get"
            for address in ADDRESS.findall(command):
                path = urllib.parse.urlsplit(address).path
                asked.add((method, path))
        paths = json.loads(OPENAPI.read_text())["paths"]
        for path, item in paths.items():
            pattern = re.compile(re.escape(path).replace(r"\{kind\}", "[a-z]+")
                                 .replace(r"\{id\}", ".+").replace(r"\{root\}", "[a-z]+")
                                 .replace(r"\{path\}", ".+").replace(r"\{name\}", "[a-z]+"))
            for method in set(item) - {"parameters", "head"}:  # HEAD has one, for all
                with self.subTest(method=method, path=path):
                    self.assertTrue(any(pattern.fullmatch(address) for verb, address in asked
                                        if verb == method), "no example")


class Examples(unittest.TestCase):
    def test_are_taken_apart(self):
        text = "x\n```console\n$ a \\\n> b\none\n  two\n\n$ c\n$ d\ne…f\n```\n```sh\n$ no\n```\n"
        self.assertEqual(examples(text), [(3, "a \\\nb", "onetwo\n"), (8, "c", ""), (9, "d", "e…f")])

    def test_are_compared(self):
        self.assertTrue(as_pattern("a…c").match("abb\nbc\n"))
        self.assertTrue(as_pattern("").match(""))
        for printed, seen in (("a…c", "abcd"), ("a.c", "abc"), ("", "x"), ("a", ""), ("…b", "a")):
            self.assertFalse(as_pattern(printed).match(seen), (printed, seen))


if __name__ == "__main__":
    unittest.main()
