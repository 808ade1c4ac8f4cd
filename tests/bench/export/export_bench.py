#!/usr/bin/env python3
"""jcn-export beside bare prepared inserts: the same rows, tables and indexes.

usage: export_bench.py [--quick] [--data DIR] [--rounds N] [--seed N]

Exit 1: jcn-export wrote less than 0.7 times as many rows a second, or took more than 100 ms to bring
one change into the file.
"""

import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "query"))

import talks  # noqa: E402  finds the harness, too
from exported import check_whole, export, opened, tables_of  # noqa: E402
from harness import PROJECT, Daemon  # noqa: E402

BARE = os.environ.get("BARE_INSERTS_BIN") or PROJECT / "build/release/tests/bench/bare_inserts"
GOAL, GOAL_MS = 0.7, 100


def child_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(action):
    """(seconds, seconds of processors) of what it starts."""
    used, begun = child_seconds(), time.perf_counter()
    action()
    return time.perf_counter() - begun, child_seconds() - used


def count_rows(path):
    db = opened(path)
    total = sum(db.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
                for table in tables_of(db))
    db.close()
    return total


class Bench:
    def __init__(self, options, scratch):
        self.rounds = options.rounds
        self.notes = talks.notes(options, scratch)
        self.daemon = Daemon([self.notes], os.path.join(scratch, "index"))
        self.file, self.bare_file = (os.path.join(scratch, name) for name in ("jcn.db", "bare.db"))

    def whole(self):
        """Each side in turn, medians. The first round warms the cache and does not count."""
        exports, bare = [], []
        for number in range(self.rounds + 1):
            print(f"round {number} of {self.rounds}", file=sys.stderr)
            taken = timed(lambda: export(self.daemon.index, self.file))
            done = json.loads(subprocess.run([BARE, self.file, self.bare_file], check=True,
                                             capture_output=True).stdout)
            os.unlink(self.bare_file)
            if number > 0:
                exports.append(taken)
                bare.append((done["seconds"], done["cpu_seconds"]))
        rows = count_rows(self.file)
        medians = [[statistics.median(each) for each in zip(*side)] for side in (exports, bare)]
        print(f"{rows} rows, {os.path.getsize(self.file) / 1e6:.0f} MB")
        for name, (seconds, cpu) in zip(("jcn-export", "bare inserts"), medians):
            print(f"{name:13} {seconds:7.2f} s {rows / seconds:10.0f} rows/s {cpu:7.2f} s of CPU")
        ratio = medians[1][0] / medians[0][0]
        print(f"ratio         {ratio:.2f} (goal {GOAL}); by CPU {medians[1][1] / medians[0][1]:.2f}")
        return ratio >= GOAL

    def one_change(self):
        """A note that is written again, then brought into the file: the run of the program, whole."""
        note = os.path.join(self.notes, "bench-change.json")
        took = []
        try:
            for number in range(42):
                with open(note + ".part", "w", encoding="utf-8") as file:
                    json.dump({"title": f"change {number}", "tags": ["bench"]}, file)
                os.rename(note + ".part", note)
                self.daemon.sync(durable=True)
                seconds, _ = timed(lambda: export(self.daemon.index, self.file, "--incremental"))
                took.append(seconds * 1000)
        finally:
            os.unlink(note)
        check_whole(self.file)
        took = took[2:]
        print(f"one change    {statistics.median(took):.0f} ms, at most {max(took):.0f} "
              f"(goal {GOAL_MS})")
        return statistics.median(took) <= GOAL_MS

    def run(self):
        self.daemon.start(seconds=600)
        self.daemon.sync(durable=True)
        try:
            good = [self.whole(), self.one_change()]
        finally:
            self.daemon.stop()
        return 0 if all(good) else 1


def main():
    parser = talks.command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    return talks.run(Bench, parser.parse_args(), "export")


if __name__ == "__main__":
    sys.exit(main())
