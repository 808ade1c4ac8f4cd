"""Paging while 200 files a second are added, changed and removed (must-show 3): a full walk yields
every untouched record exactly once and in its order: by id, by a sorted field, by relevance, as
NDJSON.

  JCN_SEED=N       the seed (printed; default: the clock)
  JCN_SECONDS=N    for how long walks begin (default 6; 60 with JCN_FULL=1)
"""

import collections
import json
import os
import random
import re
import threading
import time
import unittest
import urllib.parse

from composed_records import read_folder
from harness import FULL, TIME_FACTOR, Client, JcnCase, write_whole
from sql_oracle import Fields, Filter

SECONDS = float(os.environ.get("JCN_SECONDS") or (60 if FULL else 6))
RECORDS = 3000  # every other one is never touched
WRITES_PER_SECOND = 200

Walk = collections.namedtuple("Walk", "name parameters filters sort descending")

WALKS = (
    Walk("by id", "_size=7", (), None, False),
    Walk("by a field", "_size=11&_sort=rank", (), "rank", False),
    Walk("by a field, descending", "_size=11&_sort_desc=rank", (), "rank", True),
    Walk("by a field, filtered", "_size=5&_sort=title&rank__gte=5", (Filter("rank", "gte", "5"),),
         "title", False),
    Walk("by the newest file", "_size=13&_sort_desc=_updated", (), "_updated", True),
    Walk("by relevance", "_size=9&_search=common", (), "relevance", False),
    Walk("by relevance, of two words", "_size=17&_search=common%20rare", (), "relevance", False),
    Walk("NDJSON by id", "_size=19&_shape=array&_nl=on", (), None, False),
    Walk("NDJSON by a field", "_size=23&_shape=array&_nl=on&_sort=rank", (), "rank", False),
)


class Writer(threading.Thread):
    """Adds, changes and removes the files of every other record, evenly paced."""

    def __init__(self, case, noise):
        super().__init__(daemon=True)
        self.case, self.noise = case, noise
        self.over = threading.Event()
        self.writes = 0
        self.error = None

    def run(self):
        there = list(range(1, RECORDS, 2))
        begun, number = time.monotonic(), RECORDS
        try:
            while not self.over.is_set():
                kind = self.noise.random()
                if kind < 0.3:
                    number += 1
                    there.append(number)
                    self.case.put(number, self.case.document(number, self.noise))
                elif kind < 0.6 and len(there) > RECORDS // 4:
                    gone = there.pop(self.noise.randrange(len(there)))
                    os.unlink(self.case.path(self.case.name(gone)))
                else:
                    changed = self.noise.choice(there)
                    self.case.put(changed, self.case.document(changed, self.noise))
                self.writes += 1
                self.over.wait(max(0.0, begun + self.writes / WRITES_PER_SECOND - time.monotonic()))
        except OSError as error:  # handed to the test's thread
            self.error = error
        self.rate = self.writes / (time.monotonic() - begun)


class Walker(threading.Thread):
    """Walks over and over; of each walk the ids, and how many states of the index its pages show."""

    def __init__(self, port, walk, until):
        super().__init__(daemon=True)
        self.walk, self.until = walk, until
        self.client = Client(port)
        self.walks = []
        self.error = None

    def run(self):
        try:
            while not self.walks or time.monotonic() < self.until:
                self.walks.append(self.whole_walk())
        except Exception as error:  # handed to the test's thread
            self.error = error
        finally:
            self.client.close()

    def whole_walk(self):
        target, ids, states = f"/v1/videos?{self.walk.parameters}&_col=title", [], set()
        while target:
            answer = self.client.get(target)
            if answer.status != 200:
                raise AssertionError(f"{target}: {answer.status} {answer.body[:500]!r}")
            link = re.search(r'<([^>]*)>; *rel="?next"?', answer.headers.get("link", ""))
            states.add(answer.headers.get("jcn-seq"))
            if "_nl=on" in self.walk.parameters:
                rows = [json.loads(line) for line in answer.body.splitlines()]
            else:
                page = json.loads(answer.body)
                states.add(page["seq"])
                rows = page["rows"]
                if page["next_url"] != (link and link.group(1)):
                    raise AssertionError(f"next_url {page['next_url']!r}, "
                                         f"Link {answer.headers.get('link')!r}")
            ids += [row["_id"] for row in rows]
            target = link and link.group(1)
        return ids, len(states - {None})


class Paging(JcnCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("JCN_SEED") or time.time_ns() % 1_000_000)
        self.noise = random.Random(self.seed)
        self.staged = threading.local()

    @staticmethod
    def name(number):
        return f"{number % 10}/{number}.json"

    def put(self, number, document):
        staged = os.path.join(self.staging, f"{threading.get_ident()}")
        write_whole(staged, json.dumps(document).encode())
        os.rename(staged, self.path(self.name(number)))

    def document(self, number, noise):
        few = noise.randint(0, 9)
        rank = noise.choice((few, few, few, None, 2.5, [1, 7], "text", True, {}, "absent"))
        words = ["common"] * noise.randint(1, 6) + ["rare"] * noise.randint(1, 2)
        words += noise.choices(("sea", "land", "sky", "moon", f"word{number % 50}"),
                               k=noise.randint(0, 40))
        noise.shuffle(words)
        document = {"title": noise.choice(("one", "two", "three", "four")), "rank": rank,
                    "text": " ".join(words)}
        if rank == "absent":
            del document["rank"]
        return document

    def test_walks_while_files_change(self):
        print(f"\n  JCN_SEED={self.seed}", flush=True)
        for folder in range(10):
            self.folder(f"notes/{folder}")
        for number in range(RECORDS):
            self.put(number, self.document(number, self.noise))
        untouched = {self.name(number)[:-len(".json")] for number in range(0, RECORDS, 2)}
        fields = Fields([record for record in read_folder(self.root) if record.id in untouched])
        daemon = self.daemon()
        writer = Writer(self, random.Random(self.seed + 1))
        writer.start()
        self.addCleanup(lambda: (writer.over.set(), writer.join()))
        until = time.monotonic() + SECONDS * TIME_FACTOR
        walkers = [Walker(daemon.port, walk, until) for walk in WALKS]
        for walker in walkers:
            walker.start()
        for walker in walkers:
            walker.join()
        writer.over.set()
        writer.join()
        self.assertIsNone(writer.error)
        walks = 0
        for walker in walkers:
            walk = walker.walk
            if walker.error:
                raise AssertionError(f"{walk.name}: {walker.error}") from walker.error
            relevance = walk.sort == "relevance"
            wanted = fields.ids(walk.filters, None if relevance else walk.sort, walk.descending)
            for ids, states in walker.walks:
                walks += 1
                got = [record_id for record_id in ids if record_id in untouched]
                twice = [i for i, count in collections.Counter(got).items() if count > 1]
                self.assertEqual(twice, [], f"{walk.name}: twice")
                self.assertEqual(sorted(set(wanted) - set(got)), [], f"{walk.name}: missing")
                self.assertEqual(sorted(set(got) - set(wanted)), [], f"{walk.name}: too many")
                if not relevance:
                    self.assertEqual(got, wanted, walk.name)
                if walk.sort is None:  # an id stays where it is: none comes twice, touched or not
                    self.assertEqual(ids, sorted(set(ids)), walk.name)
            # One walk may fall between two writes; not all of them. NDJSON need not tell.
            most = max(states for _, states in walker.walks)
            if most:
                self.assertGreater(most, 10, f"{walk.name}: nothing changed meanwhile")
            states = [states for _, states in walker.walks]
            print(f"  {walk.name}: {len(walker.walks)} walks of {len(wanted)} untouched records, "
                  f"pages of {min(states)} to {max(states)} states each", flush=True)
        print(f"  {walks} walks, {writer.writes} writes, {writer.rate:.0f} a second", flush=True)
        self.assertGreater(writer.rate, 0.75 * WRITES_PER_SECOND / TIME_FACTOR)
        daemon.sync()
        self.assertEqual(sorted(record.id for record in read_folder(self.root)), daemon.ids())


if __name__ == "__main__":
    unittest.main()
