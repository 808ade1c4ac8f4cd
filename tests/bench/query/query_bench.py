#!/usr/bin/env python3
"""Nine queries, jcn over HTTP beside SQLite in this process, on the same notes.

usage: query_bench.py [--quick] [--data DIR] [--repetitions N] [--seed N] [--jcn PROGRAM]

Every repetition has other parameters, drawn from the notes; both answer it one after the other, and
the answers are compared. jcn is timed from the first byte sent to the last received, on one kept
connection; SQLite from execute() to the last row fetched. Exit 1: jcn was slower on one, or less
than ten times as fast on the sorted filter or on a facet, or an answer differed.
"""

import collections
import json
import math
import os
import random
import shutil
import statistics
import sys
import time
import urllib.parse

import talks  # finds the harness, too
from harness import JCN, Daemon, QuickClient
from peer import Peer, common_words

CHANGED = 5000  # records of the full fresh layer
PAGE = 20
HELD = """[fold]
quiet_ms = 86400000
interval_ms = 86400000
fresh_limit_bytes = 1099511627776
"""

# check: what of the answers must be equal. goal: how many times as fast as SQLite jcn shall be.
Query = collections.namedtuple("Query", "name goal check draw jcn sql")

ROWS = "SELECT id, document FROM talk"
FACET = "SELECT value, count(*) AS n FROM {} GROUP BY value ORDER BY n DESC, value LIMIT ?"


class Parameters:
    """Draws what is asked for, as often as the notes have it."""

    def __init__(self, peer, seed):
        self.noise = random.Random(seed)
        one = lambda sql: [value for value, in peer.db.execute(sql)]  # noqa: E731
        self.languages = one("SELECT language FROM talk WHERE language IS NOT NULL ORDER BY rid")
        self.durations = one("SELECT duration FROM talk WHERE duration IS NOT NULL ORDER BY rid")
        self.days = one("SELECT recorded FROM talk WHERE recorded IS NOT NULL ORDER BY rid")
        self.titles = one("SELECT title FROM talk WHERE length(title) > 8 ORDER BY rid")
        count = len(self.languages)
        self.pairs = peer.db.execute("""
          WITH common AS MATERIALIZED (SELECT value FROM tag GROUP BY value HAVING count(*) >= ?)
          SELECT a.value, b.value FROM tag a JOIN tag b USING (rid)
          WHERE a.value < b.value AND a.value IN common AND b.value IN common ORDER BY rid""",
                                     (count // 1000,)).fetchall()
        self.words = common_words(peer, 0.05, 0.4)
        self.frequent_words = common_words(peer, 0.15, 0.6)

    def language_and_length(self):
        return self.noise.choice(self.languages), self.noise.choice(self.durations)

    def facet_size(self):
        return (self.noise.randint(10, 100),)

    def frequent_word(self):
        return (self.noise.choice(self.frequent_words),)

    def words_together(self):
        return (" ".join(self.noise.sample(self.words, self.noise.choice((1, 2)))),)

    def pair(self):
        return self.noise.choice(self.pairs)

    def range(self):
        start = self.noise.choice(self.durations)
        return start, start + self.noise.randint(5, 25)

    def beginning(self):
        return (self.noise.choice(self.titles)[:3],)

    def language_and_days(self):
        return self.noise.choice(self.languages), *sorted(self.noise.choices(self.days, k=2))


def words_sql(words):
    return " AND ".join(f'"{word}"' for word in words.split())


def after(beginning):
    """The least text behind all that begin so."""
    return beginning[:-1] + chr(ord(beginning[-1]) + 1)


# `sql` gets drawn parameters and gives (statement, its parameters).
QUERIES = (
    Query("filter + sort", 10, "rows", Parameters.language_and_length,
          lambda language, length: {"language": language, "duration__gte": length,
                                    "_sort_desc": "recorded", "_size": PAGE},
          lambda language, length: (
              f"{ROWS} WHERE language = ? AND duration >= ? "
              f"ORDER BY recorded DESC, id LIMIT {PAGE}",
              (language, length))),
    Query("facet: tags", 10, "facet", Parameters.facet_size,
          lambda size: {"_facet": "tags", "_facet_size": size, "_size": 0},
          lambda size: (FACET.format("tag"), (size,))),
    Query("facet: language", 10, "facet", Parameters.facet_size,
          lambda size: {"_facet": "language", "_facet_size": size, "_size": 0},
          lambda size: ("SELECT language, count(*) AS n FROM talk WHERE language IS NOT NULL "
                        "GROUP BY language ORDER BY n DESC, language LIMIT ?", (size,))),
    Query("facet within search", 10, "facet", Parameters.frequent_word,
          lambda word: {"_search": word, "_facet": "tags", "_size": 0},
          lambda word: (
              FACET.format("tag WHERE rid IN (SELECT rowid FROM words WHERE words MATCH ?)"),
              (words_sql(word), 30))),
    Query("BM25 top ten", 1, "relevance", Parameters.words_together,
          lambda words: {"_search": words, "_size": 10},
          lambda words: (
              "SELECT id, document FROM (SELECT rowid AS rid, rank FROM words WHERE words MATCH ? "
              "ORDER BY rank LIMIT 10) JOIN talk USING (rid) ORDER BY rank", (words_sql(words),))),
    Query("two tags", 1, "rows", Parameters.pair,
          lambda a, b: {"tags__arraycontains": (a, b), "_size": PAGE},
          lambda a, b: (
              "SELECT id, document FROM tag a JOIN tag b USING (rid) JOIN talk USING (rid) "
              f"WHERE a.value = ? AND b.value = ? ORDER BY id LIMIT {PAGE}", (a, b))),
    Query("range", 1, "rows", Parameters.range,
          lambda low, high: {"duration__gte": low, "duration__lt": high, "_size": PAGE},
          lambda low, high: (
              f"{ROWS} WHERE duration >= ? AND duration < ? ORDER BY id LIMIT {PAGE}",
              (low, high))),
    Query("beginning + sort", 1, "rows", Parameters.beginning,
          lambda text: {"title__startswith": text, "_sort": "recorded", "_size": PAGE},
          lambda text: (
              f"{ROWS} WHERE title >= ? AND title < ? ORDER BY recorded, id LIMIT {PAGE}",
              (text, after(text)))),
    Query("count", 1, "count", Parameters.language_and_days,
          lambda language, low, high: {"language": language, "recorded__gte": low,
                                       "recorded__lte": high, "_size": 0, "_extra": "count"},
          lambda language, low, high: (
              "SELECT count(*) FROM talk WHERE language = ? AND recorded >= ? AND recorded <= ?",
              (language, low, high))),
)


def target(parameters):
    pairs = [(name, each) for name, value in parameters.items()
             for each in (value if isinstance(value, tuple) else (value,))]
    return "/v1/videos?" + urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote)


def same(query, drawn, body, rows, peer):
    page, check = json.loads(body), query.check
    if check == "rows":
        return [row["_id"] for row in page["rows"]] == [row[0] for row in rows]
    if check == "relevance":  # which of several with one score, is nobody's business
        scores = dict(peer.db.execute("SELECT id, rank FROM words JOIN talk ON rid = words.rowid "
                                      "WHERE words MATCH ?", (words_sql(*drawn),)))
        return len(page["rows"]) == len(rows) and all(
            math.isclose(scores.get(mine["_id"], 0), scores[other[0]], rel_tol=1e-9)
            for mine, other in zip(page["rows"], rows))
    if check == "count":
        return page["count"] == rows[0][0]
    (facet,) = page["facet_results"].values()
    return [(item["value"], item["count"]) for item in facet["results"]] == list(rows)


class Bench:
    def __init__(self, options, scratch):
        self.options = options
        self.notes = talks.notes(options, scratch)
        self.config = os.path.join(scratch, "index")
        self.say("filling SQLite")
        self.peer = Peer(os.path.join(scratch, "peer.db"))
        begun = time.perf_counter()
        assert self.peer.fill(self.notes) == options.records
        self.say(f"  {time.perf_counter() - begun:.0f} s; one more with indexes for single queries")
        shutil.copyfile(os.path.join(scratch, "peer.db"), os.path.join(scratch, "tuned.db"))
        self.tuned = Peer(os.path.join(scratch, "tuned.db"))
        self.tuned.tune()
        self.say("starting jcn")
        self.daemon = Daemon([self.notes], self.config, HELD, programs=(options.jcn, None))
        self.failed = []

    @staticmethod
    def say(text):
        print(text, file=sys.stderr, flush=True)

    def start(self):
        self.daemon.start(900)
        self.daemon.sync(durable=True, timeout_ms=300_000)
        talks.until_quiet(self.daemon)
        status = self.daemon.status()
        assert status["kinds"] == {"videos": self.options.records}, status
        self.say(f"  ready after {self.daemon.ready_seconds:.1f} s, "
                 f"index of {status['index_bytes'] >> 20} MiB")

    def healthz(self):
        prepared = self.client.prepare("/healthz")
        times = []
        for _ in range(500):
            begun = time.perf_counter()
            self.client.ask(prepared)
            times.append(time.perf_counter() - begun)
        return statistics.median(times) * 1000

    def ask_sql(self, peer, query, drawn):
        statement, parameters = query.sql(*drawn)
        begun = time.perf_counter()
        rows = peer.db.execute(statement, parameters).fetchall()
        return time.perf_counter() - begun, rows

    def measure(self, query, parameters):
        times = collections.defaultdict(list)
        equal, found = 0, 0
        for number in range(-self.options.warm_up, self.options.repetitions):
            drawn = query.draw(parameters)
            prepared = self.client.prepare(target(query.jcn(*drawn)))
            begun = time.perf_counter()
            status, _, body = self.client.ask(prepared)
            took = time.perf_counter() - begun
            if status != 200:
                raise SystemExit(f"{target(query.jcn(*drawn))}: {status} {body[:500]!r}")
            peer_took, rows = self.ask_sql(self.peer, query, drawn)
            tuned_took, _ = self.ask_sql(self.tuned, query, drawn)
            if number < 0:
                continue
            times["jcn"].append(took)
            times["sqlite"].append(peer_took)
            times["tuned"].append(tuned_took)
            found += bool(rows)
            if same(query, drawn, body, rows, self.peer):
                equal += 1
            else:
                self.say(f"  differs: {target(query.jcn(*drawn))}\n    jcn {body[:300]!r}\n"
                         f"    SQLite {str(rows[:3])[:300]}")
        medians = {name: statistics.median(values) * 1000 for name, values in times.items()}
        return medians, equal, found

    def table(self, what):
        self.client = QuickClient(self.daemon.port)
        floor = self.healthz()
        parameters = Parameters(self.peer, self.options.seed)
        print(f"\n{what}; medians of {self.options.repetitions} in ms; an empty answer (GET /healthz) "
              f"takes {floor:.3f}\n{'query':22}{'jcn':>9}{'less empty':>12}{'SQLite':>9}{'times':>8}"
              f"{'goal':>6}{'tuned':>10}{'equal':>9}{'found':>8}")
        for query in QUERIES:
            median, equal, found = self.measure(query, parameters)
            times = median["sqlite"] / median["jcn"]
            fast = times >= query.goal
            if not fast or equal < self.options.repetitions:
                self.failed.append(f"{what}: {query.name}")
            print(f"{query.name:22}{median['jcn']:9.3f}{median['jcn'] - floor:12.3f}"
                  f"{median['sqlite']:9.3f}{times:8.1f}{query.goal:6}{'' if fast else '!':1}"
                  f"{median['tuned']:9.3f}{equal:5}/{self.options.repetitions}{found:8}", flush=True)

    def change(self, number):
        """Rewrites so many notes; jcn keeps them fresh, SQLite updates its rows."""
        noise = random.Random(self.options.seed + 1)
        copies = talks.Copies(talks.corpus(random.Random(self.options.seed)), self.options.seed + 1)
        paths = [os.path.relpath(os.path.join(folder, name), self.notes)
                 for folder, _, names in sorted(os.walk(self.notes)) for name in sorted(names)
                 if name.endswith(".json")]
        self.changed = {}
        for path in noise.sample(paths, number):
            full = os.path.join(self.notes, path)
            with open(full, "rb") as file:
                self.changed[full] = file.read()
            old = self.changed[full].decode()
            talk = json.loads(old)
            given = talk.get("id")
            talk = copies.copy(talk, 0)
            if given is not None:
                talk["id"] = given
            new = json.dumps(talk, ensure_ascii=False, indent=2)
            self.replace_file(full, new.encode())
            for peer in (self.peer, self.tuned):
                peer.replace(path, old, new)
        self.daemon.sync(timeout_ms=300_000)
        talks.until_quiet(self.daemon)
        fresh = self.daemon.status()["fresh"]
        if fresh != number:
            raise SystemExit(f"{fresh} records are fresh, not {number}")

    def replace_file(self, full, data):
        staged = os.path.join(os.path.dirname(self.config), "staged")
        with open(staged, "wb") as file:
            file.write(data)
        shutil.move(staged, full)

    def restore(self):
        """The notes as they were, for another run."""
        for full, data in getattr(self, "changed", {}).items():
            self.replace_file(full, data)

    def run(self):
        try:
            self.start()
            self.table(f"{self.options.records} records, fresh layer empty")
            self.change(min(CHANGED, self.options.records // 10))
            self.table(f"{self.options.records} records, {len(self.changed)} of them fresh")
        finally:
            self.daemon.kill9()
            self.restore()
        print("\njcn: not as fast as it shall be, or other answers: " + "; ".join(self.failed)
              if self.failed else "\neverything as fast as it shall be, and equal")
        return 1 if self.failed else 0


def main():
    parser = talks.command_line(__doc__)
    parser.add_argument("--repetitions", type=int, default=101)
    parser.add_argument("--warm-up", type=int, default=15,
                        help="repetitions before those that are measured (default: 15)")
    parser.add_argument("--jcn", default=JCN, help="default: %(default)s")
    return talks.run(Bench, parser.parse_args(), "query")


if __name__ == "__main__":
    sys.exit(main())
