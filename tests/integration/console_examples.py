"""Examples in documents: commands with what they print, in fenced blocks marked `console`.

    ```console
    $ curl -sS http://127.0.0.1:8640/v1/videos/omelette
    {"id":"omelette","title":"One egg, one minute",…}
    ```

- A line that begins with `$ ` is a command for bash; lines behind it that begin with `> ` continue it.
- What follows, up to the next command or the end of the block, is all that the command prints. `…`
  stands for any text, over line ends too. A line that begins with two spaces goes on with the line
  before it, without line end and spaces: so long answers can be read.
"""

import re
import subprocess

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)


def examples(text, continued=True):
    """(line number, command, what it prints) of every example. continued=False: two spaces at the
    beginning of a line are two spaces."""
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
    return [(number, command, (printed or "").replace("\n  ", "" if continued else "\n  "))
            for number, command, printed in found]


def as_pattern(printed):
    return re.compile("(?s:" + ".*?".join(map(re.escape, printed.split("…"))) + r")\n?\Z")


def run(command, folder, seconds, environment=None):
    """What a command prints, on either stream."""
    done = subprocess.run(["bash", "-c", command], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
                          env=environment, check=False)
    return done.stdout.decode().replace("\r\n", "\n")


def compare(case, seen, printed):
    if not as_pattern(printed).match(seen):
        case.assertEqual(seen, printed + "\n")


def check_all(case, text):
    """No block that the pattern does not see."""
    case.assertEqual(text.count("```console"), len(BLOCK.findall(text)))
