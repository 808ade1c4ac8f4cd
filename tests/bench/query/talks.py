"""The notes that benches stand on: every talk of the pyvideo corpus, ten times over, each copy with
other words, tags, speakers, days and lengths, drawn as often as the corpus has them. Without the
corpus the talks are invented. The same seed gives the same files. And what the command lines of
benches on them share.
"""

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))

from drawn_records import TalkDraw  # noqa: E402
from harness import CORPORA, wait_for  # noqa: E402

ARCHIVE = CORPORA / "pyvideo.tar.xz"
TALKS = 21_715  # of the corpus
RECORDS, QUICK_RECORDS = 10 * TALKS, TALKS
OTHER_WORDS = 0.3  # of a copy's words
GENERATOR = 1  # to be raised with what is generated


def corpus(noise):
    """(path, document) of every talk."""
    if not ARCHIVE.is_file():
        draw = TalkDraw(noise)
        return [(f"invented/{number % 400}/videos/{number}.json", draw.document())
                for number in range(TALKS)]
    with tarfile.open(ARCHIVE) as archive:
        talks = [(member.name, json.loads(archive.extractfile(member).read()))
                 for member in archive
                 if member.isfile() and re.search(r"/videos/[^/.][^/]*\.json$", member.name)]
    talks.sort()
    return talks


class Copies:
    """Copies of the talks, each different from all others."""

    def __init__(self, talks, seed):
        self.talks = talks
        self.noise = random.Random(seed)
        self.words = [word for _, talk in talks for name in ("title", "description")
                      for word in re.findall(r"[^\W_]+", talk.get(name) or "")]
        self.tags = [tag for _, talk in talks for tag in talk.get("tags") or ()]
        self.speakers = [name for _, talk in talks for name in talk.get("speakers") or ()]
        self.days = [talk["recorded"] for _, talk in talks if talk.get("recorded")]

    def other_words(self, text):
        def replace(match):
            if self.noise.random() < OTHER_WORDS:
                return self.words[int(self.noise.random() * len(self.words))]
            return match.group()
        return re.sub(r"[^\W_]+", replace, text)

    def copy(self, talk, number):
        noise, talk = self.noise, dict(talk)
        for name in ("title", "description"):
            if isinstance(talk.get(name), str):
                talk[name] = self.other_words(talk[name])
        for name, all_values in (("tags", self.tags), ("speakers", self.speakers)):
            if isinstance(talk.get(name), list):
                talk[name] = list(dict.fromkeys(
                    noise.choice(all_values) if noise.random() < OTHER_WORDS else value
                    for value in talk[name]))
        if isinstance(talk.get("duration"), (int, float)):
            talk["duration"] += noise.randint(-30, 30)
        if talk.get("recorded") and noise.random() < OTHER_WORDS:
            talk["recorded"] = noise.choice(self.days)
        if "id" in talk:
            talk["id"] = talk["id"] * 10 + number  # stays unique
        if isinstance(talk.get("thumbnail_url"), str):
            talk["thumbnail_url"] += f"?copy={number}"
        return talk

    def __iter__(self):
        """(path, document), without end."""
        number = 0
        while True:
            for path, talk in self.talks:
                yield f"{number}/{path}", self.copy(talk, number)
            number += 1


def write(folder, records, seed):
    """Writes the files, if the folder does not have them already."""
    stamp = os.path.join(folder, ".complete")  # jcn passes over names with a dot
    mark = f"{GENERATOR} {records} {seed} {ARCHIVE.is_file()}"
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as file:
            if file.read() == mark:
                return
        raise SystemExit(f"{folder} holds other notes than asked for: remove it, or name another")
    made = set()
    copies = iter(Copies(corpus(random.Random(seed)), seed))
    for _ in range(records):
        path, document = next(copies)
        path = os.path.join(folder, path)
        parent = os.path.dirname(path)
        if parent not in made:
            os.makedirs(parent, exist_ok=True)
            made.add(parent)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False, indent=2)
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(mark)


def command_line(description):
    """A parser of what every bench takes."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--quick", action="store_const", dest="records", const=QUICK_RECORDS,
                        default=RECORDS, help=f"{QUICK_RECORDS} notes instead of {RECORDS}")
    parser.add_argument("--data", metavar="DIR",
                        help="folder that keeps the notes for the next run (default: none is kept)")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def notes(options, scratch):
    """The folder of the notes; written, where they are not there yet."""
    folder = os.path.join(options.data or scratch, "notes")
    print(f"writing {options.records} notes below {folder}, if they are not there yet",
          file=sys.stderr, flush=True)
    os.makedirs(folder, exist_ok=True)
    write(folder, options.records, options.seed)
    return folder


def until_quiet(daemon):
    """Waits until the daemon has no work of its own left (merges): no CPU time for a second."""
    def used():
        with open(f"/proc/{daemon.process.pid}/stat", "rb") as file:
            return sum(map(int, file.read().rpartition(b")")[2].split()[11:13]))
    seen = [used(), time.monotonic()]

    def still():
        now = used()
        if now != seen[0]:
            seen[:] = now, time.monotonic()
        return time.monotonic() - seen[1] > 1
    wait_for(still, "the daemon to have no work left", 900, 0.05)


def run(bench, options, name):
    """What bench(options, scratch).run() returns; the folder `scratch` is gone afterwards."""
    scratch = tempfile.mkdtemp(prefix=f"jcn-{name}-bench-", dir=os.environ.get("JCN_TEST_TMP"))
    try:
        return bench(options, scratch).run()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
