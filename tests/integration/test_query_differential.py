"""Queries beside SQLite, which is filled from the files (sql_oracle.py): the same ids, counts,
order, facets and pages, with everything folded, everything fresh, and half and half; again after
updates and deletes, and then every value of every field, too (must-show 1).

  JCN_SEED=N       the seed (printed; default: the clock)
  JCN_QUERIES=N    about how many queries of each state before the updates (default 2,100)
  JCN_FULL=1       all of the pyvideo corpus, 10,000 updates, all values
"""

import collections
import json
import os
import random
import tarfile
import time
import unittest
import urllib.parse

from composed_records import parse, read_folder
from drawn_queries import FIELDS, LONGEST_OPERAND, UNASKABLE, QueryDraw, table
from drawn_records import Number, RecordDraw
from fts_oracle import Words
from harness import CORPORA, FULL, JcnCase, QuickClient, write_whole
from sql_oracle import NULL, OPERATORS, STRING, Fields, Filter, scalar_key

ARCHIVE = CORPORA / "pyvideo.tar.xz"
QUERIES = int(os.environ.get("JCN_QUERIES") or 2100)
SYNTHETIC = 3000 if FULL else 2000
TALKS = None if FULL else 1500  # of the corpus, where it is there; None: all
UPDATES = 10_000 if FULL else 1000
CHECKED_VALUES = 3000 if FULL else 12  # of each field with more values than a facet shows
LONGEST_FACET = 1000
COMPARED_ROWS = 200  # of a result that is not walked to its end; its count is compared, too
DEFAULT_FACET_SIZE = 30

HELD = """[fold]
quiet_ms = 86400000
interval_ms = 86400000
fresh_limit_bytes = 1099511627776
"""


def target(parameters):
    return "/v1/videos?" + urllib.parse.urlencode(parameters, quote_via=urllib.parse.quote, safe="")


class Differential(JcnCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("JCN_SEED") or time.time_ns() % 1_000_000)
        self.noise = random.Random(self.seed)
        self.records = RecordDraw(self.noise)
        self.files = {}  # path beneath the root → the id in it, or None
        self.corpus = {}  # the corpus' files: path → text
        self.differences = []

    # Files.

    def put(self, path, text):
        staged = os.path.join(self.staging, "staged")
        write_whole(staged, text)
        when = self.noise.randint(1_200_000_000, 1_700_000_000) * 1_000_000_000 + self.noise.choice(
            (0, 1, 120_000_000, 999_999_999, self.noise.randint(0, 999_999_999)))
        os.utime(staged, ns=(when, when))
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        os.rename(staged, self.path(path))

    def put_drawn(self, path, record_id):
        self.files[path] = record_id
        self.put(path, self.records.text(self.records.document(record_id)))

    def new_id(self, number):
        return self.noise.choice((
            None, None, f"r{number}", f"r{number}", str(number + 50_000), f"ü {number}",
            f"a/b/{number}", f"100%{number}", f'"{number}"', f"{number}~1"))

    def put_patch(self, path):
        """A later fragment of the file's record; only an id in it joins files."""
        if self.files.get(path) is not None:
            more = path.removesuffix(".json") + f".{self.noise.choice('mnop')}.json"
            self.files[more] = self.files[path]
            self.put(more, self.records.text(self.records.patch(self.files[path])))

    def put_corpus(self, path):
        self.put(path, self.corpus[path])
        given = parse(self.corpus[path].decode()).get("id")
        self.files[path] = None if given is None else str(given)

    def prepare(self):
        """(path, how to put it) of all files."""
        todo = []
        for number in range(SYNTHETIC):
            path, given = f"drawn/{number % 7}/{number}.json", self.new_id(number)
            todo.append((path, lambda path=path, given=given: self.put_drawn(path, given)))
        if ARCHIVE.is_file():
            with tarfile.open(ARCHIVE) as archive:
                for member in archive:
                    if (member.isfile() and member.name.endswith(".json")
                            and "/." not in "/" + member.name):
                        self.corpus[member.name] = archive.extractfile(member).read()
            paths = sorted(self.corpus)
            for path in paths if TALKS is None else self.noise.sample(paths, TALKS):
                todo.append((path, lambda path=path: self.put_corpus(path)))
        self.noise.shuffle(todo)
        return todo

    def update(self, number):
        """One random change."""
        path = self.noise.choice(self.paths)
        kind = self.noise.random()
        if path not in self.files or kind < 0.2:
            path = f"drawn/new/{number}.json"
            self.paths.append(path)
            self.put_drawn(path, self.new_id(100_000 + number))
        elif kind < 0.4:
            os.unlink(self.path(path))
            del self.files[path]
        elif kind < 0.5:
            when = self.noise.randint(1_200_000_000_000_000_000, 1_700_000_000_000_000_000)
            os.utime(self.path(path), ns=(when, when))
        elif kind < 0.6:
            self.put_patch(path)
        elif path in self.corpus:  # another talk's text; its id, if it has one, may join the two
            other = self.noise.choice(sorted(self.corpus)) if number % 50 == 0 else path
            document = json.loads(self.corpus[other], parse_int=Number, parse_float=Number)
            document["duration"] = self.records.ratio()
            document["tags"] = self.records.tags()
            self.put(path, self.records.text(document))
        else:
            self.put_drawn(path, self.files[path])

    # One query of one daemon.

    def parameters(self, query, extra):
        named = []
        for field, operator, value in query.filters:
            plain = operator == "exact" and not field.startswith("_") and "__" not in field
            short = plain and extra.random() < 0.5
            named.append((field if short else f"{field}__{operator}", value))
        if query.sort is not None:
            named.append(("_sort_desc" if query.descending else "_sort", query.sort))
        named += [("_facet", field) for field in query.facets]
        if query.facet_size is not None and query.facets:
            named.append(("_facet_size", str(query.facet_size)))
        if query.search is not None:
            named.append(("_search", query.search))
        return named

    def new_client(self, state):
        client = QuickClient(self.daemons[state].port)
        self.addCleanup(client.close)
        return client

    def new_clients(self):
        return {state: self.new_client(state) for state in self.daemons}

    def page(self, client, page_target):
        status, _, body = client.ask(client.prepare(page_target))
        if status != 200:
            raise AssertionError(f"{status} {body[:500]!r}")
        return parse(body.decode())

    def difference(self, client, query, named, expected, extra):
        """What is wrong with the answer; None if nothing is. extra: draws the same for each
        daemon."""
        ids, facets, unknown = expected
        walked = len(ids) <= COMPARED_ROWS or extra.random() < (0.03 if len(ids) < 5000 else 0.003)
        size = extra.choice((1, 2, 3, 7, 50) if len(ids) <= 40 else (60, 100, 999, 1000))
        whole = size <= 7 and extra.random() < 0.3  # all of each row
        named = list(named) + [("_size", str(size)), ("_extra", "count")]
        if not whole:
            named.append(("_col", "_id"))
        got, next_target, pages = [], target(named), 0
        while next_target and (walked or len(got) < COMPARED_ROWS):
            page = self.page(client, next_target)
            pages += 1
            if len(page["rows"]) > size:
                return f"a page of {len(page['rows'])} rows, not {size}"
            got += page["rows"]
            if page.get("count") != len(ids):
                return f"count {page.get('count')}, not {len(ids)} (page {pages})"
            if sorted(page["unknown_fields"]) != unknown:
                return f"unknown_fields {page['unknown_fields']}, not {unknown}"
            wrong = self.facet_difference(query, page, facets)
            if wrong:
                return f"{wrong} (page {pages})"
            next_target = page["next_url"]
            if next_target is None and len(got) < len(ids):
                break
            if pages > len(ids) // size + 2:
                return f"{pages} pages of {size} for {len(ids)} rows, and no end"
        found = [row["_id"] for row in got]
        wanted = ids if walked else ids[:len(found)]
        if query.search is not None and query.sort is None:  # by relevance: test_relevance.py's
            found, wanted = sorted(found), sorted(ids)
            if not walked:
                return None
        if found != wanted:
            at = next((i for i, (a, b) in enumerate(zip(found, wanted)) if a != b),
                      min(len(found), len(wanted)))
            return (f"row {at} of {len(ids)} is {found[at:at + 3]}, not {wanted[at:at + 3]}; "
                    f"missing {sorted(set(wanted) - set(found))[:3]}, "
                    f"too many {sorted(set(found) - set(wanted))[:3]}")
        if whole:
            for row in got:
                document = self.documents[row["_id"]]
                if next(iter(row)) != "_id" or {k: v for k, v in row.items() if k != "_id"} != {
                        k: v for k, v in document.items() if k != "_id"}:
                    return f"row {row}, not {document}"
        return None

    def facet_difference(self, query, page, facets):
        if not facets:
            return None if not page.get("facet_results") else "facets that nobody asked for"
        for field, wanted in zip(query.facets, facets):
            answer = page["facet_results"][field]
            size = DEFAULT_FACET_SIZE if query.facet_size is None else query.facet_size
            got = [(scalar_key(item["value"]), int(item["count"])) for item in answer["results"]]
            if got != wanted[:size]:
                at = next((i for i, (a, b) in enumerate(zip(got, wanted)) if a != b), len(got))
                return (f"facet {field}: {len(got)} values, not {min(size, len(wanted))}; "
                        f"number {at} is {got[at:at + 2]}, not {wanted[:size][at:at + 2]}")
            if answer["truncated"] != (len(wanted) > size):
                return f"facet {field}: truncated {answer['truncated']} with {len(wanted)} values"
        return None

    def expected(self, query):
        among = None
        if query.search is not None:
            found = self.words.found(query.search)
            among = [rid for rid, record in enumerate(self.fields.records) if record.id in found]
        ids = self.fields.ids(query.filters, query.sort, query.descending, among)
        facets = [self.fields.facet(query.filters, field, among) for field in query.facets]
        named = {wanted.field for wanted in query.filters} | {*query.facets, query.sort} - {None}
        return ids, facets, sorted(field for field in named if not self.fields.is_known(field))

    def compare(self, what, queries):
        """Asks all daemons; the expected answers are worked out once."""
        clients = self.new_clients()
        cells, with_results = collections.defaultdict(lambda: [0, 0]), 0
        for number, query in enumerate(queries):
            expected = self.expected(query)
            with_results += bool(expected[0])
            cell = cells[query.cell]
            cell[0] += 1
            cell[1] += bool(expected[0])
            for state, client in clients.items():
                extra = random.Random(self.seed * 1_000_003 + number)
                named = self.parameters(query, extra)
                try:
                    wrong = self.difference(client, query, named, expected, extra)
                except (AssertionError, ConnectionError) as error:
                    wrong = str(error)
                    client.close()
                    clients[state] = self.new_client(state)
                if wrong:
                    self.differences.append(f"{what}, {state}: {target(named)}\n    {wrong}")
            self.give_up_after(40)
        share = with_results / len(queries)
        print(f"\n{what}: {len(queries)} queries of each of {len(self.daemons)} states, "
              f"{share:.1%} with results; with results/queries:\n{table(cells)}", flush=True)
        self.assertGreaterEqual(share, 0.8)
        return cells

    def give_up_after(self, many):
        if len(self.differences) >= many:
            self.no_differences()

    def no_differences(self):
        if self.differences:
            shown = "\n".join(self.differences[:40])
            self.fail(f"JCN_SEED={self.seed}: {len(self.differences)} differences\n{shown}")

    # Everything that records hold, value by value.

    def compare_values(self):
        """Every field: how many records have it, lack it, have an array there; its values."""
        clients, asked = self.new_clients(), 0
        for field in self.fields.field_names():
            everything = [Filter(field, "notnull", "1"), Filter(field, "isnull", "1"),
                          Filter(field, "in", "[null]"), Filter(field, "not", "no such value"),
                          Filter(field, "arraynotcontains", "no such value")]
            keys = [key for key in self.fields.distinct_keys(field) if key != NULL]
            facets = ((), ())
            if len(keys) <= LONGEST_FACET:
                facets = ((field,), (self.fields.facet([], field),))
            else:
                keys = self.noise.sample(keys, min(CHECKED_VALUES, len(keys)))
                texts = [key[1:].decode() for key in keys if key[:1] == STRING]
                everything += [Filter(field, "in", json.dumps([text])) if UNASKABLE & set(text) else
                               Filter(field, "exact", text) for text in texts
                               if len(text) <= LONGEST_OPERAND]
            for number, wanted in enumerate(everything):
                ids = self.fields.ids([wanted])
                for state, client in clients.items():
                    name = f"{wanted.field}__{wanted.operator}"
                    page = self.page(client, target([(name, wanted.value), ("_size", "1000"),
                                                     ("_col", "_id"), ("_extra", "count")]))
                    found = [row["_id"] for row in page["rows"]]
                    if page["count"] != len(ids) or found != ids[:1000]:
                        self.differences.append(f"values, {state}: {name}={wanted.value}: "
                                                f"{page['count']} records, not {len(ids)}")
                asked += 1
            for state, client in clients.items() if facets[0] else ():
                page = self.page(client, target([("_facet", field), ("_size", "0"),
                                                 ("_facet_size", str(LONGEST_FACET))]))
                got = [(scalar_key(item["value"]), int(item["count"]))
                       for item in page["facet_results"][field]["results"]]
                if got != facets[1][0]:
                    self.differences.append(f"values, {state}: facet {field}: {len(got)} values, "
                                            f"not {len(facets[1][0])}, or other counts")
                asked += 1
            self.give_up_after(40)
        return asked

    # The test.

    def read(self):
        records = read_folder(self.root)
        self.documents = {record.id: record.document for record in records}
        self.fields = Fields(records)
        self.words = Words(records)
        return records

    def sync_all(self):
        for daemon in self.daemons.values():
            daemon.sync()

    def assert_states(self, records):
        """Each daemon is in the state that it is there for."""
        records = len(records)
        fresh = {state: daemon.status()["fresh"] for state, daemon in self.daemons.items()}
        self.assertEqual(fresh["folded"], 0)
        self.assertGreaterEqual(fresh["fresh"], records)
        self.assertGreater(fresh["half"], records // 20)
        self.assertLess(fresh["half"], records)
        for daemon in self.daemons.values():
            self.assertEqual(daemon.status()["kinds"], {"videos": records})
            self.assertEqual(daemon.rejects(), {})

    def test_same_answers_as_sqlite(self):
        begun = time.monotonic()
        print(f"\n  JCN_SEED={self.seed}", flush=True)
        todo = self.prepare()
        half = self.new_daemon(index="half", config=HELD)
        for _, put in todo[:len(todo) // 2]:
            put()
        half.start().sync(durable=True)
        for _, put in todo[len(todo) // 2:]:
            put()
        self.paths = sorted(self.files)
        for path in self.noise.sample(self.paths, len(self.paths) // 10):
            self.put_patch(path)
        self.paths = sorted(self.files)
        for path in self.noise.sample(self.paths, len(self.paths) // 30):
            os.unlink(self.path(path))
            del self.files[path]
        self.daemons = {"folded": self.daemon(index="folded"),
                        "fresh": self.daemon(index="fresh", config=HELD), "half": half}
        self.sync_all()
        self.daemons["folded"].sync(durable=True)
        records = self.read()
        joined = len(self.files) - len(records)
        print(f"  {len(records)} records, {joined} files joined to others, "
              f"{len(self.fields.field_names())} fields, after {time.monotonic() - begun:.1f} s",
              flush=True)
        self.assertGreater(joined, 50)
        self.assert_states(records)
        draw = QueryDraw(self.noise, self.fields, self.words)
        often = -(-QUERIES // (len(OPERATORS) * len(FIELDS) - 30))
        cells = self.compare("before updates", draw.queries(often))
        self.assertGreaterEqual(sum(cell[0] for cell in cells.values()), min(QUERIES, 2000))
        self.assertEqual(len(cells), len(OPERATORS) * len(FIELDS))

        self.paths = sorted(self.files)
        for number in range(UPDATES):
            self.update(number)
            if number % (UPDATES // 5) == 0:
                self.daemons["folded"].sync(durable=True)
            if number == UPDATES // 2:
                self.daemons["half"].sync(durable=True)
        self.sync_all()
        self.daemons["folded"].sync(durable=True)
        self.daemons["folded"].restart()
        records = self.read()
        print(f"  {UPDATES} updates, {len(records)} records, "
              f"after {time.monotonic() - begun:.1f} s", flush=True)
        self.assert_states(records)
        draw = QueryDraw(self.noise, self.fields, self.words)
        self.compare("after updates", draw.queries(max(1, often // 3)))
        asked = self.compare_values()
        print(f"  {asked} more for every field and value; {time.monotonic() - begun:.1f} s",
              flush=True)
        self.no_differences()


if __name__ == "__main__":
    unittest.main()
