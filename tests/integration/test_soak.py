"""The soak (must-show 7): 200 files a second change, for long, in an archive of a constant size, beside
readers of every kind (soak_load.py). Memory, descriptors, threads and the data file must stay what
they are once all has been warm, and nothing may be lost.

  JCN_SEED=N          the seed (printed; default: the clock)
  JCN_SOAK_SECONDS=N  for how long, the first quarter being the warm-up (default 10; 1200 asked for)
  JCN_SOAK_RECORDS=N  how many there are (default 2000; 6000 in a long run, of 300 seconds or more)

Drift is the median of the last tenth against that of the first, after the warm-up; of all resident
memory, and of the anonymous part of it, which is what leaks. The rest is the map of the data file: it
goes up and down with that, which is judged by its largest size against that after a compact. Memory is
judged in long runs without sanitizers. Their series is kept in build/long/soak.csv.
"""

import collections
import csv
import json
import os
import random
import re
import statistics
import time
import unittest

from composed_records import read_folder
from harness import PROJECT, TIME_FACTOR, JcnCase, json_of, wait_for
from soak_load import Bulks, Listings, LongPoll, Points, Snapshots, Stream, Walks, Writer

SECONDS = float(os.environ.get("JCN_SOAK_SECONDS") or 10)
LONG = SECONDS >= 300
RECORDS = int(os.environ.get("JCN_SOAK_RECORDS") or (6000 if LONG else 2000))
RATE = 200 / (1 if TIME_FACTOR == 1 else 4)
EVERY = 0.5  # seconds between two samples
DRIFT = 5    # percent
# The largest data file / the compacted one. A short run sees little more than the beginning.
GROWN = 2 if LONG else 2.5

# Kept deletions level off, too; what jcn does by itself now and then happens in each part of the time.
CONFIG = f"""
[feed]
tombstones = {1000 if LONG else 50}
[audit]
interval_ms = {int(SECONDS * 1000 / 16)}
[storage]
scrub_interval_ms = {int(SECONDS * 1000 / 16)}
"""

Sample = collections.namedtuple(
    "Sample", "at rss anon file threads descriptors size allocated fresh queue ready")


class Soak(JcnCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("JCN_SEED") or time.time_ns() % 1_000_000)
        print(f"\n  JCN_SEED={self.seed}", flush=True)
        self.samples = []

    # Looking at the process.

    def data_file(self):
        """Its stat(2). A generation may be gone once it was looked for."""
        while True:
            with open(os.path.join(self.jcn.index, "CURRENT"), encoding="ascii") as current:
                generation = current.read().strip()
            try:
                return os.stat(os.path.join(self.jcn.index, generation, "data.mdb"))
            except FileNotFoundError:
                self.assertTrue(self.jcn.alive())

    def descriptors(self):
        """What they are, and how many of each; folders and files being read at this moment, too."""
        found = collections.Counter()
        folder = f"/proc/{self.jcn.process.pid}/fd"
        for name in os.listdir(folder):
            try:
                target = os.readlink(os.path.join(folder, name))
            except FileNotFoundError:
                continue  # closed meanwhile
            found[re.sub(r":\[\d+\]|(?<=/gen-)\d+", "", target)] += 1  # numbers change
        return found

    def sample(self):
        numbers = {}
        with open(f"/proc/{self.jcn.process.pid}/status", encoding="ascii") as status:
            for line in status:
                name, _, value = line.partition(":")
                if name in ("VmRSS", "RssAnon", "RssFile", "Threads"):
                    numbers[name] = int(value.split()[0])
        status, ready = self.jcn.status(), json_of(self.jcn.get("/readyz"))
        data = self.data_file()
        self.samples.append(Sample(
            round(time.monotonic() - self.began, 1), numbers["VmRSS"], numbers["RssAnon"],
            numbers["RssFile"], numbers["Threads"], sum(self.descriptors().values()), data.st_size,
            512 * data.st_blocks, status["fresh"], status["queue"],
            ready["ready"] and not ready["degraded"]))
        self.assertTrue(self.samples[-1].ready, ready)

    def go_on(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.got_on()
            self.sample()
            for task in self.tasks:
                if task.error:
                    raise task.error
            time.sleep(EVERY)

    def at_rest(self, wanted=None):
        """The descriptors while nothing changes, and each reader has its connection; with `wanted`,
        once they are these."""
        with self.writer.paused(), self.snapshots.turn:
            self.assertEqual(self.jcn.sync(durable=True)["unsettled"], [])
            self.assertEqual(sorted(self.jcn.rejects()), self.writer.bad())
            wait_for(lambda: self.jcn.status()["upkeep"]["state"] == "idle", "the upkeep", 60)
            if wanted is not None:
                try:
                    wait_for(lambda: self.descriptors() == wanted, "the descriptors of before", 10)
                except AssertionError:
                    pass  # told by who compares them
                return self.descriptors()
            looks = collections.deque(maxlen=5)

            def steady():
                looks.append(self.descriptors())
                return len(looks) == 5 and all(look == looks[0] for look in looks)
            wait_for(steady, "steady descriptors", 10, pause=0.05)
            return looks[0]

    # Telling.

    def table(self):
        """The series, or as much of it as one can read."""
        step = max(1, len(self.samples) // 24)
        lines = ["  " + " ".join(f"{name:>11}" for name in Sample._fields)]
        lines += ["  " + " ".join(f"{value:>11}" for value in sample)
                  for sample in self.samples[::step]]
        return "\n".join(lines)

    def keep_series(self):
        folder = PROJECT / "build/long"
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "soak.csv", "w", encoding="ascii", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(Sample._fields)
            writer.writerows(self.samples)

    @staticmethod
    def ends(samples, name):
        """Medians of the first and the last tenth."""
        values = [getattr(sample, name) for sample in samples]
        tenth = max(1, len(values) // 10)
        return statistics.median(values[:tenth]), statistics.median(values[-tenth:])

    def drift(self, samples, name):
        before, after = self.ends(samples, name)
        return 100 * (after - before) / before

    # The run.

    def test_nothing_grows_and_nothing_is_lost(self):
        noise = random.Random(self.seed)
        outside = self.folder("outside")
        self.writer = Writer(self.root, outside, noise, RECORDS, RECORDS // 3, RATE)
        self.jcn = self.daemon(config=CONFIG)
        self.snapshots = Snapshots(self.jcn, self.writer, max(2.0, SECONDS / 60))
        readers = [kind(self.jcn, self.writer, noise, rate)
                   for kind, rate in ((Points, 50), (Listings, 6), (Walks, 4), (Bulks, 4))]
        self.stream = Stream(self.jcn, self.writer.kept)
        self.poll = LongPoll(self.jcn, self.writer.kept)
        self.tasks = [self.writer, self.snapshots, *readers, self.stream, self.poll]
        self.addCleanup(lambda: [task.over.set() for task in self.tasks])
        self.began = time.monotonic()
        for task in self.tasks:
            task.start()
        try:
            self.go_on(SECONDS / 4)
            before = self.at_rest()
            warm = len(self.samples)
            self.go_on(SECONDS * 3 / 4)
            after = self.at_rest(before)
            for task in (self.writer, self.snapshots, *readers):
                task.over.set()
                task.join()
            self.judge(self.samples[warm:], before, after)
            self.nothing_is_lost()
        except Exception as error:
            raise AssertionError(f"JCN_SEED={self.seed}: {error}\n{self.table()}\n"
                                 f"{self.jcn.stderr_tail()}") from error
        finally:
            if LONG:
                self.keep_series()
        self.poll.over.set()
        self.poll.join()
        self.stream.over.set()
        self.jcn.stop()
        self.stream.join()
        self.assertIsNone(self.stream.error, "it is told where it stands, and ends")

    def judge(self, samples, before, after):
        for task in self.tasks:
            self.assertIsNone(task.error)
        done = sum((task.done for task in self.tasks), collections.Counter())
        rate = self.writer.writes / self.writer.seconds
        status = self.jcn.status()
        print("  " + ", ".join(f"{what} {number}" for what, number in sorted(done.items())))
        if LONG:
            print(self.table())
        size = self.data_file().st_size
        largest = max(sample.size for sample in samples)
        self.assertIs(json.loads(self.jcn.ctl("compact"))["ok"], True)
        compacted = self.data_file().st_size

        def of(name, unit=1024):
            first, last = self.ends(samples, name)
            return f"{first / unit:.1f} → {last / unit:.1f} MB ({self.drift(samples, name):+.1f} %)"
        print(f"  {SECONDS:.0f} s at {rate:.0f} files/s, measured for the last "
              f"{samples[-1].at - samples[0].at:.0f}: RSS {of('rss')}, anonymous {of('anon')}, of files "
              f"{of('file')}; descriptors {sum(before.values())} → {sum(after.values())}, threads "
              f"{samples[0].threads} → {samples[-1].threads}; data file {of('size', 1 << 20)}, at most "
              f"{largest / 2**20:.1f}, {size / 2**20:.1f} → {compacted / 2**20:.1f} MB by compact "
              f"({size / compacted:.2f}, {largest / compacted:.2f} x)", flush=True)

        self.assertGreater(rate, RATE * (0.97 if LONG else 0.5), "the files changed a second")
        self.assertEqual(before, after, "descriptors")
        self.assertEqual({sample.threads for sample in samples}, {samples[0].threads}, "threads")
        self.assertLess(largest, GROWN * compacted, "the data file")
        self.assertEqual(status["recrawls"], 0)
        self.assertEqual(status["upkeep"]["damage_found"], 0)
        if LONG:
            self.assertGreater(status["upkeep"]["scrubs"], 0)
        if LONG and TIME_FACTOR == 1:
            for name in ("rss", "anon"):
                self.assertLess(abs(self.drift(samples, name)), DRIFT, f"drift of {name}, percent")

    def nothing_is_lost(self):
        self.assertEqual(self.jcn.sync()["unsettled"], [])
        self.assertEqual(sorted(self.jcn.rejects()), self.writer.bad())
        self.assert_converged(self.jcn)
        # And without jcn: a bad file would be in the way of who composes them.
        self.writer.repair()
        self.jcn.sync()
        self.assertEqual(self.jcn.rejects(), {})
        rows = {row.pop("_id"): row for row in self.jcn.rows()}
        self.assertGreaterEqual(len(rows), RECORDS)
        self.assertEqual(rows, {record.id: record.document for record in read_folder(self.root)})
        dump = [json.loads(line) for line in self.jcn.dump().splitlines()]
        revs = {(row["kind"], row["id"]): row["rev"] for row in dump}
        for follower in (self.stream, self.poll):
            deadline = time.monotonic() + 20 * TIME_FACTOR
            while follower.revs != revs and not follower.error and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertIsNone(follower.error)
            self.assertEqual(follower.revs, revs, type(follower).__name__)


if __name__ == "__main__":
    unittest.main()
