"""jcn/doc/http-api.md: every example is run, and answers as it says.

An example stands in a fenced block marked `console`:

    ```console
    $ curl -sS http://127.0.0.1:8640/v1/videos/omelette
    {"id":"omelette","title":"One egg, one minute",…}
    ```

- A line that begins with `$ ` is a command for bash; lines behind it that begin with `> ` continue it.
- What follows, up to the next command or the end of the block, is all that the command prints. `…`
  stands for any text, over line ends too. A line that begins with two spaces goes on with the line
  before it, without line end and spaces: so long answers can be read.
- jcn runs with --writable. The commands of a document run one after the other, each in a shell of its own, in the one folder
  that jcn watches, called `notes`: a copy of tests/data/notes in which every file was last changed
  at 2026-03-01 12:00 UTC. The kind `videos` has the schema jcn/schemas/video.schema.json. One webhook, `site`, has an
  address that is never there. Port 8640 stands for the one that jcn listens on.

Every operation of openapi.json must stand in an example.
"""

import json
import os
import re
import shutil
import subprocess
import unittest
import urllib.parse

from harness import PROJECT, TIME_FACTOR, JcnCase

DOCUMENT = PROJECT / "jcn/doc/http-api.md"
OPENAPI = PROJECT / "jcn/openapi.json"
CHANGED = 1772366400  # 2026-03-01T12:00:00Z

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
ADDRESS = re.compile(r"http://127\.0\.0\.1:8640(/[^\s'\"]*)")


def examples(text):
    """(line number, command, what it prints) of every example."""
    found = []
    for block in BLOCK.finditer(text):
        number = text.count("\n", 0, block.start(1)) + 1
        for line in block.group(1).splitlines():
            if line.startswith("$ "):
                found.append([number, line[2:], None])
            elif line.startswith("> ") and found[-1][2] is None:
                found[-1][1] += "\n" + line[2:]
            else:
                before = "" if found[-1][2] is None else found[-1][2] + "\n"
                found[-1][2] = before + line
            number += 1
    return [(number, command, (printed or "").replace("\n  ", "")) for number, command, printed
            in found]


def as_pattern(printed):
    return re.compile("(?s:" + ".*?".join(map(re.escape, printed.split("…"))) + r")\n?\Z")


class Document(JcnCase):
    def test_every_example(self):
        text = DOCUMENT.read_text()
        self.assertEqual(text.count("```console"), len(BLOCK.findall(text)))
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
                done = subprocess.run(
                    ["bash", "-c", command.replace(":8640", f":{live.port}")], cwd=self.root,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    timeout=60 * TIME_FACTOR, check=False)
                seen = done.stdout.decode().replace("\r\n", "\n").replace(f":{live.port}", ":8640")
                if not as_pattern(printed).match(seen):
                    self.assertEqual(seen, printed + "\n")

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
