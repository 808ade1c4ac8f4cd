#!/usr/bin/env python3
"""Every figure that jcn promises, beside a peer or a limit, in one run; see README.md.

usage: bench.py [--quick] [--data DIR] [--records N] [--growth N,N…] [--seed N] [--json FILE] [NAME…]

NAME: crawl restart size memory drop get growth web queries export; none: all of them. Exit 1: a target
was missed.
"""

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile

import rows_answers
import rows_intake
import rows_web
from ground import HEADINGS, HERE, Ground, Row, say
from talks import QUICK_RECORDS, RECORDS

GROWTH, QUICK_GROWTH = (100_000, 1_000_000), (2_000, 21_715)


def program(name, script):
    """A row that a bench of its own measures; it prints its table."""
    def measure(ground, options):
        say(name)
        # The daemon of the other rows would be in the way.
        ground.close()
        arguments = [sys.executable, HERE / script, "--data", ground.folder]
        done = subprocess.run(arguments + (["--quick"] if options.quick else []), check=False,
                              capture_output=True, text=True)
        print(done.stdout, flush=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"{script} failed\n{done.stderr}")
        return [Row(name, "see above", "every row there", done.returncode == 0)]
    return measure


ROWS = {**rows_intake.ROWS, **rows_answers.ROWS, **rows_web.ROWS,
        "queries": program("nine queries beside SQLite", "query/query_bench.py"),
        "export": program("export beside bare inserts", "export/export_bench.py")}


def table(rows):
    """As text, columns aligned; what README.md keeps is the same as Markdown."""
    cells = [list(HEADINGS)] + [row.cells() for row in rows]
    widths = [max(len(line[at]) for line in cells) for at in range(len(HEADINGS))]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
                     for line in [cells[0], ["-" * width for width in widths], *cells[1:]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RECORDS} records, few rounds")
    parser.add_argument("--records", type=int, help=f"default: {RECORDS}")
    parser.add_argument("--growth", type=lambda text: tuple(map(int, text.split(","))),
                        help=f"numbers of records (default: {','.join(map(str, GROWTH))})")
    parser.add_argument("--data", metavar="DIR",
                        help="folder that keeps the notes for the next run (default: none is kept)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", metavar="FILE", help="the rows, for other programs")
    parser.add_argument("names", metavar="NAME", nargs="*", help=" ".join(ROWS))
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in ROWS]
    if unknown:
        parser.error(f"no row is called {' '.join(unknown)}; there are {' '.join(ROWS)}")
    options.records = options.records or (QUICK_RECORDS if options.quick else RECORDS)
    options.growth = options.growth or (QUICK_GROWTH if options.quick else GROWTH)
    scratch = tempfile.mkdtemp(prefix="jcn-bench-", dir=os.environ.get("JCN_TEST_TMP"))
    rows, ground = [], None
    try:
        ground = Ground(options.data, scratch, options.records, options.seed)
        for name in options.names or ROWS:
            rows += ROWS[name](ground, options)
            say(table(rows))
    finally:
        if ground is not None:
            ground.close()
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"{datetime.date.today()}, {os.cpu_count()} cores, {options.records:,} records"
          f"{', quick' if options.quick else ''}\n\n{table(rows)}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump([dict(zip(HEADINGS, row.cells())) for row in rows], file, indent=1,
                      ensure_ascii=False)
    missed = [row.what for row in rows if row.good is False]
    print("\nmissed: " + "; ".join(missed) if missed else "\nevery target is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
