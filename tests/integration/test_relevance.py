"""Relevance beside SQLite FTS5 (must-show 2): 200 searches drawn from the records' text give the
same top ten as bm25() over the same strings, ties aside, for 90 % of them at least; also after
heavy updates, in memory and folded.

  JCN_SEED=N    the seed (printed; default: the clock)
"""

import collections
import json
import os
import random
import re
import tarfile
import time
import unittest
import urllib.parse

from composed_records import read_folder, strings_of
from drawn_records import TalkDraw
from fts_oracle import Words
from harness import CORPORA, JcnCase, QuickClient

ARCHIVE = CORPORA / "pyvideo.tar.xz"
SEARCHES = 200
INVENTED = 10_000  # records, where the corpus is not there
TOP = 10
SAME_SCORE = 1e-9  # relative
NAMED = ("title", "description")

HELD = """[fold]
quiet_ms = 86400000
interval_ms = 86400000
fresh_limit_bytes = 1099511627776
"""

# How many searches of each kind; together SEARCHES.
KINDS = {"one word": 55, "two words": 45, "three words": 30, "phrase": 25, "prefix": 25,
         "one field": 20}

Search = collections.namedtuple("Search", "kind parameters match")


def quoted(words):
    return '"' + words.replace('"', '""') + '"'


class Relevance(JcnCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("JCN_SEED") or time.time_ns() % 1_000_000)
        self.noise = random.Random(self.seed)

    def fill(self):
        """Path → text of every file."""
        if not ARCHIVE.is_file():
            draw = TalkDraw(self.noise)
            return {f"{number}.json": json.dumps(draw.document()).encode()
                    for number in range(INVENTED)}
        with tarfile.open(ARCHIVE) as archive:
            return {member.name: archive.extractfile(member).read() for member in archive
                    if member.isfile() and member.name.endswith(".json")
                    and "/." not in "/" + member.name}

    # Drawing.

    def draw_text(self, field=None):
        """(words of one string of a record, words of all of them)."""
        while True:
            record = self.noise.choice(self.records)
            texts = [text for text in (strings_of(record.document) if field is None
                                       else [record.document.get(field)]) if isinstance(text, str)]
            # Only words whose beginning and end are plain: what is cut there is not in question.
            words = [re.findall(r"(?<!\S)[^\W_]+(?!\S)", text) for text in texts]
            words = [found for found in words if found]
            if words:
                return words, [word for found in words for word in found]

    def draw_phrase(self):
        while True:
            record = self.noise.choice(self.records)
            texts = [text for text in strings_of(record.document) if text.count(" ") > 2]
            if texts:
                found = re.findall(r"(?=(?<!\S)([^\W_]+(?: [^\W_]+){1,2})(?!\S))",
                                   self.noise.choice(texts))
                if found:
                    return self.noise.choice(found)

    def cased(self, word):
        upper = word.upper() if word.isascii() else word
        return self.noise.choice((word, word, word.lower(), upper))

    def draw(self, kind):
        if kind == "phrase":
            words = self.draw_phrase()
            return Search(kind, [("_search", f'"{self.cased(words)}"')], quoted(words))
        if kind == "prefix":
            word = self.noise.choice(self.draw_text()[1])
            word = word[:self.noise.randint(min(2, len(word)), len(word))]
            more = self.noise.choice(self.draw_text()[1]) if self.noise.random() < 0.2 else None
            return Search(kind, [("_search", f"{word}*" + (f" {more}" if more else ""))],
                          quoted(word) + "*" + (f" AND {quoted(more)}" if more else ""))
        if kind == "one field":
            field = self.noise.choice(NAMED)
            words = self.noise.sample(self.draw_text(field)[1], 1)
            match = " AND ".join(f"{field} : {quoted(word)}" for word in words)
            return Search(kind, [(f"_search_{field}", " ".join(words))], match)
        count = {"one word": 1, "two words": 2, "three words": 3}[kind]
        words = []
        while len(words) < count:
            words = self.draw_text()[1]
        words = self.noise.sample(words, count)
        return Search(kind, [("_search", " ".join(map(self.cased, words)))],
                      " AND ".join(map(quoted, words)))

    # Comparing.

    def top(self, client, search):
        target = "/v1/videos?" + urllib.parse.urlencode(
            search.parameters + [("_size", str(TOP)), ("_col", "_id"), ("_extra", "count")],
            quote_via=urllib.parse.quote)
        status, _, body = client.ask(client.prepare(target))
        self.assertEqual(status, 200, f"{target}: {body[:400]!r}")
        page = json.loads(body)
        return [row["_id"] for row in page["rows"]], page["count"]

    def compare(self, state, daemon, searches):
        """Prints every disagreement; the share that agrees."""
        client = QuickClient(daemon.port)
        self.addCleanup(client.close)
        agree, same_count, found, by_kind = 0, 0, 0, collections.Counter()
        for search in searches:
            wanted = self.words.search(search.match)
            scores = dict(wanted)
            got, count = self.top(client, search)
            found += bool(wanted)
            same_count += count == len(wanted)
            # Place by place the same score: who stands where among equals is nobody's business.
            same = len(got) == min(TOP, len(wanted)) == len(set(got)) and all(
                record_id in scores and abs(scores[record_id] - score) <= SAME_SCORE * abs(score)
                for record_id, (_, score) in zip(got, wanted))
            agree += same
            if not same:
                by_kind[search.kind] += 1
                print(f"  {state}, {search.kind}: {search.parameters} "
                      f"({count} found, FTS5 {len(wanted)})")
                for place in range(max(len(got), min(TOP, len(wanted)))):
                    left = got[place] if place < len(got) else "-"
                    right, score = wanted[place] if place < len(wanted) else ("-", 0)
                    print(f"    {scores.get(left, 0):.12f} {left[-60:]:60}  "
                          f"{score:.12f} {right[-60:]}")
        print(f"  {state}: {agree} of {len(searches)} have the same top ten as FTS5, {same_count} "
              f"the same number of results, {found} any; disagreements: {dict(by_kind)}", flush=True)
        self.assertGreaterEqual(found, 0.9 * len(searches))
        self.assertGreaterEqual(agree, 0.9 * len(searches))
        self.assertGreaterEqual(same_count, 0.9 * len(searches))

    def index_words(self):
        self.records = read_folder(self.root)
        self.words = Words(self.records, NAMED)

    def test_same_top_ten_as_fts5(self):
        print(f"\n  JCN_SEED={self.seed}", flush=True)
        files = self.fill()
        for path, text in files.items():
            self.write(path, text)
        daemon = self.daemon(config=HELD)
        daemon.sync(durable=True)
        self.index_words()
        self.assertEqual(daemon.status()["kinds"], {"videos": len(self.records)})
        searches = [self.draw(kind) for kind, count in KINDS.items() for _ in range(count)]
        self.assertEqual(len(searches), SEARCHES)
        self.compare("folded", daemon, searches)

        # Three in ten get another's text, one in ten goes.
        paths = sorted(files)
        changed = self.noise.sample(paths, len(paths) * 4 // 10)
        gone = changed[:len(paths) // 10]
        for path in gone:
            os.unlink(self.path(path))
        for path in changed[len(gone):]:
            document, other = json.loads(files[path]), json.loads(files[self.noise.choice(paths)])
            for name in ("title", "description", "tags", "speakers"):
                document.pop(name, None)
                if name in other:
                    document[name] = other[name]
            if self.noise.random() < 0.3 and isinstance(document.get("description"), str):
                words = document["description"].split()
                document["description"] = " ".join(self.noise.sample(words, len(words)))
            self.drop(path, json.dumps(document, ensure_ascii=self.noise.random() < 0.5).encode())
        daemon.sync()
        self.index_words()
        self.assertEqual(daemon.status()["kinds"], {"videos": len(self.records)})
        self.assertEqual(daemon.status()["fresh"], len(changed))
        searches[:SEARCHES // 2] = [self.draw(search.kind) for search in searches[:SEARCHES // 2]]
        # Words of records that are gone may find nothing now.
        self.compare("updated, the changes fresh", daemon, searches)
        daemon.sync(durable=True)
        self.compare("updated and folded", daemon, searches)


if __name__ == "__main__":
    unittest.main()
