"""What the rows of the bench stand on: notes, a daemon over them, the programs of limits/, and how a
figure becomes a row."""

import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "query"))

import talks  # noqa: E402  finds the harness, too
from harness import JCN, JCNCTL, PROJECT, Daemon  # noqa: E402

BUILT = pathlib.Path(os.environ.get("JCN_BENCH_BIN") or PROJECT / "build/release/tests/bench")
HEADINGS = ("what", "jcn", "target", "", "peer or limit", "seen there", "times")


@dataclasses.dataclass
class Row:
    """A line of the table. good: None where there is no target. times: how jcn stands to the peer,
    above 1 is better for jcn."""
    what: str
    seen: str
    target: str = ""
    good: bool | None = None
    peer: str = ""
    peer_seen: str = ""
    times: float | None = None

    def cells(self):
        mark = {None: "", True: "pass", False: "MISS"}[self.good]
        times = "" if self.times is None else f"{self.times:.2f}"
        return [self.what, self.seen, self.target, mark, self.peer, self.peer_seen, times]


def say(text):
    print(text, file=sys.stderr, flush=True)


def limit(program, *arguments):
    """What a program of limits/ prints."""
    done = subprocess.run([BUILT / program, *arguments], check=True, capture_output=True)
    return json.loads(done.stdout)


def median(values):
    return statistics.median(values)


def share(values, part):
    """The value below which that part of all lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def folder_bytes(folder):
    return sum(os.stat(os.path.join(at, name)).st_blocks * 512
               for at, _, names in os.walk(folder) for name in names)


class Ground:
    """Notes and one daemon over them, started when a row first needs it."""

    def __init__(self, data, scratch, records, seed):
        self.records, self.seed, self.scratch = records, seed, scratch
        self.folder = os.path.join(data or scratch, str(records))
        self.notes = os.path.join(self.folder, "notes")
        os.makedirs(self.notes, exist_ok=True)
        say(f"notes: {records} below {self.notes}, if they are not there yet")
        talks.write(self.notes, records, seed)
        self.staged = os.path.join(self.notes, ".bench-staged")  # passed over: begins with a dot
        self.daemon = None
        self.ready = []       # seconds of first crawls
        self.highest = 0      # bytes of anonymous memory while crawling

    def crawl(self, rounds):
        """First crawls of an empty index; the last daemon stays."""
        for number in range(rounds):
            self.close()
            index = os.path.join(self.scratch, f"index-{self.records}-{number}")
            self.daemon = Daemon([self.notes], index, programs=(JCN, JCNCTL))
            self.daemon.launch()
            self.watch_memory()
            self.daemon.wait_ready(3600)
            if self.daemon.ready_records != self.records:
                raise SystemExit(f"{self.daemon.ready_records} records, not {self.records}")
            self.ready.append(self.daemon.ready_seconds)
        self.settle()

    def watch_memory(self):
        """Until the ready line is there to be read."""
        import select
        while not select.select([self.daemon.process.stdout], [], [], 0.02)[0]:
            self.highest = max(self.highest, self.anonymous())

    def anonymous(self):
        """Bytes of anonymous memory that the daemon holds; 0 when it is gone."""
        try:
            with open(f"/proc/{self.daemon.process.pid}/status", encoding="ascii") as status:
                return next((int(line.split()[1]) << 10 for line in status
                             if line.startswith("RssAnon")), 0)
        except OSError:
            return 0

    def need(self):
        if self.daemon is None:
            self.crawl(1)
        return self.daemon

    def settle(self):
        """Waits until all is folded, and the daemon has no work of its own left."""
        self.daemon.sync(durable=True, timeout_ms=300_000)
        talks.until_quiet(self.daemon)

    def filled(self):
        """What sqlite_fill says of these notes, in a database of its own."""
        database = os.path.join(self.scratch, "fill.db")
        done = limit("sqlite_fill", self.notes, database)
        os.unlink(database)
        return done

    def index_bytes(self):
        return folder_bytes(self.daemon.index)

    def drop(self, name, document):
        """Stages a file; what puts it there: one rename."""
        with open(self.staged, "w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False)
        target = os.path.join(self.notes, name)
        return lambda: os.rename(self.staged, target)

    def close(self):
        if self.daemon is not None:
            self.daemon.stop()
            self.daemon = None
