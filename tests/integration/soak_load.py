"""What an archive in use does to jcn, for test_soak: one writer at a steady pace, and readers of each
kind. All are paced by the clock, so that the machine is not what is measured.
"""

import collections
import contextlib
import http.client
import json
import os
import random
import subprocess
import threading
import time
import urllib.parse

from drawn_records import TalkDraw
from harness import TIME_FACTOR, Client, encode, id_target, json_of, write_whole

FOLDERS = 40
SLOTS = 20       # files that may be bad; nothing else ever is, at rest
TRAVELLERS = 25  # records whose folder is moved out of the root, and in again
BAD = (b'{"id":"slot","n":', b"", b"[1]", b'{"id":"slot","id":"other"}', b'{"id":"\xff"}',
       b'{"id":"slot"}x')


class Task(threading.Thread):
    """A thread that goes on until it is told to stop, and keeps the error that ended it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.error = None
        self.done = collections.Counter()  # what was done, and how often

    def run(self):
        try:
            self.work()
        except Exception as error:  # the test's thread looks for it
            self.error = error

    def work(self):
        raise NotImplementedError


class Writer(Task):
    """Keeps `records` records alive, and changes `rate` files a second; a folder that is moved counts
    as one file, whatever is in it. Records with a number below `kept` never change, but for the folders
    that they are in."""

    def __init__(self, root, outside, noise, records, kept, rate):
        super().__init__()
        self.root, self.outside = root, outside
        self.noise, self.talks = noise, TalkDraw(noise)
        self.rate = rate
        self.staged = os.path.join(outside, "staged")
        self.turn = threading.Lock()  # held while it writes
        self.folders = [f"f{number:02}" for number in range(FOLDERS)]
        self.views = set()  # records that have one more fragment
        self.slots = {}  # of those there are: whether it is bad
        self.kept = kept
        self.alive = list(range(kept, records))  # read by others: never gets shorter
        self.next = records
        self.writes = 0
        self.seconds = 0.0  # while it was not paused
        self.fill()

    # Files. Each step tells how many it touched.

    def fill(self):
        """What is there before anything begins."""
        for folder in (*self.folders, "slots", "travellers"):
            os.makedirs(os.path.join(self.root, folder))
        for number in range(self.next):
            self.write_all(number)
        for number in range(TRAVELLERS):
            write_whole(os.path.join(self.root, "travellers", f"{number}.json"),
                        encode({"id": f"traveller{number}", **self.talks.document()}))

    def path(self, number, part=""):
        return os.path.join(self.root, self.folders[number % FOLDERS], f"{number}{part}.json")

    def put(self, path, body):
        """As uploads are to be done: beside, then renamed into place."""
        write_whole(self.staged, encode(body))
        os.rename(self.staged, path)
        return 1

    def document(self, number):
        return {"id": f"v{number}", "number": number, **self.talks.document()}

    def put_views(self, number):
        self.views.add(number)
        return self.put(self.path(number, ".views"),
                        {"id": f"v{number}", "views": self.noise.randrange(100_000),
                         "rating": {"stars": self.noise.randrange(1, 6)}})

    def write_all(self, number):
        touched = self.put(self.path(number), self.document(number))
        if number < self.kept and number % 2 == 1:
            return touched
        if number % 3 == 0:
            touched += self.put_views(number)
        if number % 5 == 0:  # somebody has corrected it
            touched += self.put(self.path(number, ".edit"),
                                {"id": f"v{number}", "title": self.talks.text(2, 8), "language": None})
        return touched

    def turn_over(self):
        """One record goes and one comes."""
        at = self.noise.randrange(len(self.alive))
        number, self.alive[at] = self.alive[at], self.next
        self.next += 1
        self.views.discard(number)
        touched = 0
        for part in ("", ".views", ".edit"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path(number, part))
                touched += 1
        return touched + self.write_all(self.alive[at])

    def replace(self):
        number = self.noise.choice(self.alive)
        return self.put(self.path(number), self.document(number))

    def write_in_place(self):
        number = self.noise.choice(self.alive)
        write_whole(self.path(number), encode(self.document(number)))
        return 1

    def count_views(self):
        return self.put_views(self.noise.choice(self.alive))

    def forget_views(self):
        number = self.noise.choice(self.alive)
        if number not in self.views:
            return self.put_views(number)
        self.views.remove(number)
        os.unlink(self.path(number, ".views"))
        return 1

    def change_slot(self):
        """A file is bad, repaired, turns bad again or goes."""
        slot = self.noise.randrange(SLOTS)
        path = os.path.join(self.root, "slots", f"{slot}.json")
        draw = self.noise.random()
        if slot in self.slots and draw < 0.3:
            del self.slots[slot]
            os.unlink(path)
        else:
            self.slots[slot] = draw < 0.6
            body = self.noise.choice(BAD) if self.slots[slot] else {"id": f"slot{slot}", "n": draw}
            write = self.put if self.noise.random() < 0.5 else write_whole
            write(path, encode(body))
        return 1

    def move_folder(self):
        """Every record in it keeps its id: all of them have one of their own. Each file's rename is a
        change of its own: a record of several files is seen in between, with some of them at the old
        name and some at the new one. So those that never change have one file in such a folder."""
        at = self.noise.randrange(1, FOLDERS, 2)
        name = self.folders[at].removesuffix("-moved")
        name += "" if self.folders[at].endswith("-moved") else "-moved"
        os.rename(os.path.join(self.root, self.folders[at]), os.path.join(self.root, name))
        self.folders[at] = name
        return 1

    def travel(self):
        pair = [os.path.join(place, "travellers") for place in (self.root, self.outside)]
        os.rename(*(pair if os.path.exists(pair[0]) else reversed(pair)))
        return 1

    # Its course.

    STEPS = (("replace", 40), ("write_in_place", 20), ("count_views", 15), ("turn_over", 8),
             ("forget_views", 5), ("change_slot", 2), ("move_folder", 0.1), ("travel", 0.1))

    def work(self):
        names, weights = zip(*self.STEPS)
        while not self.over.is_set():
            with self.turn:
                began = time.monotonic()
                name = self.noise.choices(names, weights)[0]
                touched = getattr(self, name)()
                self.done[name] += 1
                self.writes += touched
                # Behind its time it hurries, but not without end: the rate is looked at.
                due = max(self.due, began - 1) + touched / self.rate
                self.due = due
            self.over.wait(max(0.0, due - time.monotonic()))
            self.seconds += time.monotonic() - began

    def start(self):
        self.due = time.monotonic()
        super().start()

    @contextlib.contextmanager
    def paused(self):
        with self.turn:
            yield
            self.due = time.monotonic()

    def bad(self):
        return sorted(f"slots/{slot}.json" for slot, bad in self.slots.items() if bad)

    def repair(self):
        """Nothing is bad any more."""
        for slot in self.slots:
            self.put(os.path.join(self.root, "slots", f"{slot}.json"), {"id": f"slot{slot}"})
            self.slots[slot] = False


class Reader(Task):
    """Asks `rate` times a second on one connection."""

    def __init__(self, daemon, writer, noise, rate):
        super().__init__()
        self.daemon, self.writer = daemon, writer
        self.noise = random.Random(noise.random())
        self.client = Client(daemon.port)
        self.rate = rate / TIME_FACTOR

    def work(self):
        due = time.monotonic()
        try:
            while not self.over.is_set():
                self.ask()
                due = max(due + 1 / self.rate, time.monotonic() - 1)
                self.over.wait(max(0.0, due - time.monotonic()))
        finally:
            self.client.close()

    def ask(self):
        raise NotImplementedError

    def wanted(self, answer, *statuses):
        if answer.status not in statuses:
            raise AssertionError(f"{type(self).__name__}: {answer.status} {answer.body[:500]!r}")
        self.done[f"{type(self).__name__} {answer.status}"] += 1
        return answer

    def some_number(self):
        """(a record, whether it never changes)"""
        if self.noise.random() < 0.5:
            return self.noise.randrange(self.writer.kept), True
        return self.noise.choice(self.writer.alive), False  # it may go meanwhile


class Points(Reader):
    """One record, by its id, as browsers ask again: with the tag of the last answer."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.tags = collections.OrderedDict()

    def ask(self):
        number, kept = self.some_number()
        tag = self.tags.get(number)
        headers = {"If-None-Match": tag} if tag else {}
        answer = self.client.request("GET", id_target(f"v{number}"), headers=headers)
        if kept:
            self.wanted(answer, 304 if tag else 200)
        else:
            self.wanted(answer, 200, 304, 404)
        if answer.status == 200:
            if json_of(answer)["number"] != number:
                raise AssertionError(f"asked for v{number}: {answer.body[:500]!r}")
            self.tags[number] = answer.headers["etag"]
            if len(self.tags) > 2000:
                self.tags.popitem(last=False)


class Listings(Reader):
    def ask(self):
        word = self.noise.choice(self.writer.talks.words[:300])
        number = self.noise.randrange(self.writer.next)
        query = self.noise.choice((
            {"language": "eng", "duration__gte": self.noise.randrange(7200), "_sort": "duration"},
            {"_search": word, "_size": 20},
            {"_search_title": word, "_sort_desc": "_updated", "_extra": "count"},
            {"_facet": "language", "_facet_size": 10, "_size": 0},
            {"_search": word, "_facet": "speakers", "_size": 10},
            {"tags__arraycontains": word, "_sort_desc": "recorded"},
            {"number__gte": number, "number__lt": number + 50, "_col": "title,views"},
            {"views__notnull": 1, "_sort_desc": "views", "_size": 50},
            {"rating.stars__in": "1,5", "title__contains": word, "_extra": "count,plan"},
            {"_size": 100, "_sort_desc": "_created"}))
        answer = self.client.get("/v1/videos?" + urllib.parse.urlencode(query))
        page = json_of(self.wanted(answer, 200))
        if len(page["rows"]) > query.get("_size", 100) or page["unknown_fields"]:
            raise AssertionError(f"{query}: {answer.body[:500]!r}")


class Walks(Reader):
    """Page after page, each an ask; the records that never change are in every walk once."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.begin()

    def begin(self):
        self.order = self.noise.choice(("", "&_sort=duration", "&_sort_desc=title"))
        self.target = f"/v1/videos?_size=400&_col=number{self.order}"
        self.seen = collections.Counter()

    def ask(self):
        page = json_of(self.wanted(self.client.get(self.target), 200))
        self.seen.update(row.get("number") for row in page["rows"])
        self.target = page["next_url"]
        if self.target is None:
            odd = [number for number in range(self.writer.kept) if self.seen[number] != 1]
            if odd:
                raise AssertionError(f"{self.order or 'by id'}, not once in a walk: "
                                     f"{[(number, self.seen[number]) for number in odd[:20]]}")
            self.done["whole walks"] += 1
            self.begin()


class Bulks(Reader):
    def ask(self):
        numbers = [self.some_number() for _ in range(50)]
        body = json.dumps({"ids": [f"v{number}" for number, _ in numbers]}).encode()
        answer = self.wanted(self.client.request("POST", "/v1/videos/_bulk_get", body), 200)
        for (number, kept), result in zip(numbers, json_of(answer)["results"], strict=True):
            if result["id"] != f"v{number}" or (kept and "record" not in result):
                raise AssertionError(f"v{number}: {result}")


class Follower(Task):
    """A consumer of the change feed: in the end it has to know what there is, and nobody may ever tell it
    of a change of what never changes."""

    def __init__(self, daemon, kept):
        super().__init__()
        self.daemon = daemon
        self.kept = {("videos", f"v{number}") for number in range(kept)}
        self.since = "0"
        self.revs = {}  # (kind, id): rev

    def take(self, change):
        if "fresh" in change:
            raise AssertionError(f"told to begin anew behind {self.since}: {change}")
        seq = change.get("seq") or change["last_seq"]
        if self.since != "0" and int(seq.rpartition("-")[2]) < int(self.since.rpartition("-")[2]):
            raise AssertionError(f"{seq} after {self.since}")
        self.since = seq
        if "seq" in change:
            name = (change["kind"], change["id"])
            if name in self.kept and self.revs.get(name, change["rev"]) != change["rev"]:
                raise AssertionError(f"{self.revs[name]} has become {change}")
            if change.get("deleted"):
                self.revs.pop(name, None)
            else:
                self.revs[name] = change["rev"]
            self.done[f"{type(self).__name__}: changes"] += 1


class Stream(Follower):
    """feed=continuous: one answer, until jcn stops."""

    def work(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port,
                                                timeout=60 * TIME_FACTOR)
        try:
            connection.request("GET", "/v1/changes?feed=continuous&heartbeat=1000&since=0")
            response = connection.getresponse()
            if response.status != 200:
                raise AssertionError(f"Stream: {response.status} {response.read()!r}")
            for line in response:
                if line != b"\n":
                    self.take(json.loads(line))
        finally:
            connection.close()
        if not self.over.is_set():
            raise AssertionError("the stream ended by itself")


class LongPoll(Follower):
    """With documents; asks again half a second after each answer."""

    def work(self):
        client = Client(self.daemon.port)
        try:
            while not self.over.is_set():
                answer = client.get("/v1/changes?feed=longpoll&include_docs=1&limit=1000&timeout=1000"
                                    "&since=" + urllib.parse.quote(self.since))
                if answer.status != 200:
                    raise AssertionError(f"LongPoll: {answer.status} {answer.body[:500]!r}")
                page = json_of(answer)
                if page.pop("fresh", None):
                    raise AssertionError(f"LongPoll: told to begin anew behind {self.since}")
                for change in page["results"]:
                    self.take(change)
                self.since = page["last_seq"]
                self.done["LongPoll: answers"] += 1
                self.over.wait(0.5 * TIME_FACTOR)
        finally:
            client.close()


class Snapshots(Task):
    """`jcnctl dump`, a process of its own that reads the index itself; each second one takes its time
    and holds its snapshot for two seconds."""

    def __init__(self, daemon, writer, every):
        super().__init__()
        self.daemon, self.writer, self.every = daemon, writer, every
        self.turn = threading.Lock()  # held while one runs

    def work(self):
        turn = 0
        while not self.over.wait(self.every):
            with self.turn:
                self.dump(2 if turn % 2 else 0)
            turn += 1

    def dump(self, held_seconds):
        errors_file = os.path.join(self.daemon.index + ".dump.stderr")
        with open(errors_file, "wb") as errors, subprocess.Popen(
                [self.daemon.jcnctl, "--index", self.daemon.index, "dump"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors) as process:
            first = process.stdout.read(1)
            self.over.wait(held_seconds if first else 0)
            lines = (first + process.stdout.read()).splitlines()
        if process.returncode != 0:
            with open(errors_file, encoding="utf-8") as errors:
                raise AssertionError(f"jcnctl dump: exit {process.returncode} {errors.read()}")
        numbers = {row["record"].get("number") for row in map(json.loads, lines) if "kind" in row}
        lost = set(range(self.writer.kept)) - numbers
        if lost:
            raise AssertionError(f"not in a dump: {sorted(lost)[:20]}")
        self.done["dumps"] += 1
