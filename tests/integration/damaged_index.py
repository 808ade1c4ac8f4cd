"""An index with everything in it, and ways to damage it: for test_damage.py and test_damage_trials.py.

The index: several folded segments with documents, search sections and a dictionary, records of one
and of several files, dead ones, tombstones, rejects, one of them with last good content.
"""

import json
import os
import random
import shutil
import time

from harness import JcnCase, json_of, wait_for

SCRUB_MS = 400  # in tests that wait for it
WORDS = ("harbour lighthouse ferry tide anchor sail rope gull pier storm winter choir concert reading "
         "night lantern water bridge market garden kitchen river valley tower window").split()


def sentence(draw, count):
    return " ".join(draw.choice(WORDS) for _ in range(count))


def note(draw, number):
    return {"id": f"v{number:03}", "n": number, "title": sentence(draw, 4),
            "text": sentence(draw, 130), "tags": sorted(draw.sample(WORDS, 3)),
            "duration": draw.randrange(30, 9000) / 4, "speaker": {"name": sentence(draw, 2)}}


def fill(case, daemon, draw, notes=320):
    """Drops notes in several rounds, each folded, so that every table and section has something."""
    drop = case.drop
    for first, end in ((0, notes - 60), (notes - 60, notes - 20), (notes - 20, notes)):
        for number in range(first, end):
            drop(f"d{number % 7}/{number}.json", note(draw, number))
            if number % 6 == 0:
                drop(f"d{number % 7}/{number}.views.json", {"id": f"v{number:03}", "views": number * 7})
        daemon.sync(durable=True)
    drop("torn.json", note(draw, 900))
    daemon.sync(durable=True)
    drop("torn.json", b'{"id":"v900","n":')  # its last good content stays
    daemon.sync(durable=True)  # alone in a segment: no large block holds it
    drop("bad.json", b'{"id":')
    for number in range(10, 30):
        drop(f"d{number % 7}/{number}.json", note(draw, number))
    for number in range(40, 55):
        os.unlink(case.path(f"d{number % 7}/{number}.json"))
    daemon.sync(durable=True)
    for number in range(60, 64):
        drop(f"d{number % 7}/{number}.json", note(draw, number))
    daemon.sync(durable=True)


FOLDED_ON_DEMAND = "[fold]\nquiet_ms = 600000\ninterval_ms = 600000\n"  # the same segments always
LAST_GOOD = "v900"  # is gone when nothing could be relied on
QUESTIONS = [
    "/v1/videos?_size=1000",
    "/v1/videos?_size=1000&_sort=duration",
    "/v1/videos?_size=1000&tags=harbour&_sort_desc=n",
    "/v1/videos?_size=1000&duration__gte=1200&duration__lt=1700",
    "/v1/videos?_size=1000&title__contains=ferry&_col=title,n",
    "/v1/videos?_size=1000&_search=lantern+bridge&_sort=n",
    "/v1/videos?_size=1000&views__notnull=1&_sort=views",
    "/v1/videos?_size=1000&speaker.name__startswith=winter",
    "/v1/rejects",
    "/v1/conflicts?kind=videos",
]
IDS = [0, 3, 6, 17, 36, 45, 63, 101, 150, 222, 259, 300, 319]


def answer_of(body):
    """What of an answer depends on the files alone, last good content aside."""
    value = json.loads(body)
    if isinstance(value, dict) and "rows" in value:
        rows = [row for row in value["rows"] if LAST_GOOD not in (row.get("_id"), row.get("id"))]
        for row in rows:
            row.pop("since", None)
            row.pop("serving", None)
        return rows
    return value


def targets():
    return QUESTIONS + [f"/v1/videos/v{number:03}" for number in IDS]


def ask(daemon, target):
    """(status, what it says); what is no answer says nothing."""
    answer = daemon.get(target)
    if answer.status == 200:
        return 200, answer_of(answer.body)
    return answer.status, json_of(answer).get("code")


def truth(daemon):
    """Every target's right answer."""
    return {target: ask(daemon, target) for target in targets()}


def data_file(index):
    with open(os.path.join(index, "CURRENT"), encoding="ascii") as current:
        return os.path.join(index, current.read().strip(), "data.mdb")


def files_of(index):
    """All files of an index but what is none of its contents."""
    found = []
    for folder, _, names in os.walk(index):
        if folder.endswith(".damaged") or folder.endswith("barrier"):
            continue
        found += [os.path.join(folder, name) for name in names if name not in ("lock", "daemon.addr")]
    return sorted(found)


def flip_bit(path, draw):
    """Flips one bit in place; its offset."""
    offset, bit = draw.randrange(os.path.getsize(path)), draw.randrange(8)
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ (1 << bit)]))
    return offset


def replace_everywhere(path, old, new):
    """Replaces bytes by as many others, wherever they stand; how often."""
    assert len(old) == len(new)
    with open(path, "rb") as file:
        data = file.read()
    count = data.count(old)
    with open(path, "r+b") as file:
        file.write(data.replace(old, new))
    return count


def copy_index(source, target):
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)

def shown(answer):
    status, value = answer
    rows = f"{len(value)} rows, " if isinstance(value, list) else ""
    return f"{status} ({rows}{str(value)[:200]})"


class DamageCase(JcnCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("JCN_SEED") or time.time_ns() % 1_000_000)
        self.random = random.Random(self.seed)

    def filled(self, config="", **options):
        daemon = self.daemon(config=FOLDED_ON_DEMAND + config, **options)
        fill(self, daemon, self.random)
        return daemon

    def upkeep(self, daemon):
        return daemon.status()["upkeep"]

    def assert_right(self, daemon, right):
        """Every answer is what it was, but for last good content, which may be gone."""
        for target, answer in right.items():
            if not target.endswith(LAST_GOOD):
                self.assert_answer(ask(daemon, target), (answer,), target)

    def assert_answer(self, got, allowed, target):
        if got not in allowed:
            self.fail(f"{target}: {shown(got)} instead of {' or '.join(map(shown, allowed))}")

    def assert_dump(self, daemon, dump, what=""):
        lines, wanted = daemon.dump().splitlines(), dump.splitlines()
        if lines != wanted:
            other = [line[:120] for line in lines if line not in wanted]
            missing = [line[:120] for line in wanted if line not in lines]
            self.fail(f"{what}: {len(other)} lines that are new {other[:3]}, "
                      f"{len(missing)} missing {missing[:3]}")

    def wait_healthy(self, daemon, seconds=20):
        wait_for(lambda: daemon.get("/readyz").status == 200
                 and self.upkeep(daemon)["state"] == "idle", "the index to be right again", seconds)
