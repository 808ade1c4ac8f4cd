"""The change feed: consumers and jcn killed at random moments, waiting feeds, their number, retention."""

import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

import feed_consumer
from harness import TIME_FACTOR, JcnCase, json_of, provokes, wait_for

CONSUMER_KILLS = 50
JCN_KILLS = 10
OTHER_HISTORY = "00000000-0000-4000-8000-000000000000-1"


def number_of(seq):
    return int(seq.rpartition("-")[2])


class RawFeed:
    """A request of its own connection, and what comes of the answer, as bytes."""

    def __init__(self, port, query, headers=""):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20 * TIME_FACTOR)
        self.socket.sendall((f"GET /v1/changes?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                             f"{headers}\r\n").encode())
        self.data = b""
        self.ended = False

    def more(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            got = b""
        self.ended = not got
        self.data += got
        return got

    def read_until(self, pattern):
        """Reads until the pattern is found; the match. Fails when the answer ends before, or goes on
        without it."""
        deadline = time.monotonic() + 20 * TIME_FACTOR
        while True:
            match = re.search(pattern, self.data)
            if match:
                return match
            if time.monotonic() > deadline or not self.more():
                raise AssertionError(f"without {pattern!r}: {self.data[-2000:]!r}")

    def read_to_end(self):
        while self.more():
            pass
        return self.data

    def status(self):
        return int(self.read_until(rb"^HTTP/1\.1 (\d+) ").group(1))

    def close(self):
        self.socket.close()


class FeedCase(JcnCase):
    def feed(self, daemon, query, headers=""):
        feed = RawFeed(daemon.port, query, headers)
        self.addCleanup(feed.close)
        return feed

    def drop_in_order(self, daemon, count, **members):
        """N.json with the id vN. Only what was visible before is sure to have a lower number."""
        for number in range(count):
            self.drop(f"{number}.json", {"id": f"v{number}", "n": number, **members})
            daemon.sync()

    def page(self, daemon, query=""):
        answer = daemon.get("/v1/changes?" + query)
        self.assertEqual(answer.status, 200, answer.body)
        return json_of(answer)

    def pages(self, daemon, since, limit):
        """All rows behind a place, page after page; and whether the first one said fresh."""
        rows, fresh = [], None
        while True:
            page = self.page(daemon, f"since={since}&limit={limit}")
            if fresh is None:
                fresh = page.get("fresh", False)
            else:
                self.assertNotIn("fresh", page, "only the first page")
            rows += page["results"]
            since = page["last_seq"]
            if not page.get("more"):
                return rows, fresh

    @staticmethod
    def feeds_waiting(daemon):
        return int(re.search(rb"^jcn_feeds (\d+)$", daemon.get("/metrics").body, re.M).group(1))


class Story:
    """What a consumer's log tells: every line, and what it knows in the end."""

    def __init__(self, path):
        self.known = {}
        self.begun_anew = 0
        self.changes = 0
        self.backwards = []
        highest = 0
        for line in feed_consumer.whole_lines(path) if os.path.exists(path) else []:
            if "fresh" in line:
                self.begun_anew += 1
                self.known.clear()
                highest = 0
                continue
            number = number_of(line.get("seq") or line["last_seq"])
            if number < highest:
                self.backwards.append((highest, number))
            highest = number
            if "seq" in line:
                self.changes += 1
                if line["doc"] is None:
                    self.known.pop(line["id"], None)
                else:
                    self.known[line["id"]] = line["doc"]


class KilledConsumer(FeedCase):
    """Must-show 4: what a consumer knows is right, whoever is killed and whenever."""

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("JCN_SEED") or time.time_ns() % 1_000_000)
        self.random = random.Random(self.seed)
        print(f"\n{self.id()}: JCN_SEED={self.seed}", flush=True)
        self.log = os.path.join(self.tmp, "consumer.log")
        self.consumer = None
        self.addCleanup(self.kill_consumer)
        self.truth = {}  # id → document, one file each
        self.counter = 0
        self.operations = 0
        self.reverted = 0

    # The consumer.

    def start_consumer(self):
        with open(self.log + ".stderr", "ab") as errors:
            self.consumer = subprocess.Popen(
                [sys.executable, "-B", feed_consumer.__file__, os.path.join(self.jcn.index, "daemon.addr"),
                 self.log, str(self.random.randrange(1 << 30))],
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)

    def kill_consumer(self):
        if self.consumer is not None:
            if self.consumer.poll() is not None:
                with open(self.log + ".stderr", encoding="utf-8") as errors:
                    self.fail("the consumer ended by itself\n" + errors.read())
            self.consumer.kill()
            self.consumer.wait()
            self.consumer = None

    def log_size(self):
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def consumer_is_right(self):
        return Story(self.log).known == self.truth

    def restart_consumer(self):
        if self.consumer_kills == CONSUMER_KILLS:
            return
        self.kill_consumer()
        self.start_consumer()
        self.consumer_kills += 1

    def restart_consumer_midway(self):
        """Once it has been told a random number of bytes more, or all there is."""
        target = self.log_size() + self.random.randrange(2000)
        wait_for(lambda: self.log_size() >= target or self.consumer_is_right(),
                 "the consumer to get on", 20)
        self.restart_consumer()

    # The files.

    def change_one(self):
        """A record is made, changed or removed: its file is one step old or new, never torn."""
        self.operations += 1
        self.counter += 1
        number = self.random.randrange(150)
        record_id, path = f"v{number}", f"d{number % 5}/{number}.json"
        if record_id in self.truth and self.random.random() < 0.25:
            os.unlink(self.path(path))
            del self.truth[record_id]
        else:
            document = {"id": record_id, "n": self.counter}
            self.drop(path, document)
            self.truth[record_id] = document

    def look_of(self, number):
        """A file's bytes and times; None where there is none."""
        try:
            path = self.path(f"d{number % 5}/{number}.json")
            with open(path, "rb") as file:
                return file.read(), os.stat(path).st_mtime_ns
        except FileNotFoundError:
            return None

    def revert(self, number, look):
        """Puts a file back as it was, mtime included."""
        path = self.path(f"d{number % 5}/{number}.json")
        if look is None:
            if os.path.exists(path):
                os.unlink(path)
            self.truth.pop(f"v{number}", None)
            return
        data, mtime = look
        staged = os.path.join(self.staging, "reverted")
        with open(staged, "wb") as file:
            file.write(data)
        os.utime(staged, ns=(mtime, mtime))
        os.rename(staged, path)
        self.truth[f"v{number}"] = json.loads(data)

    def storm(self, until):
        """Changes, some of them seen to be visible, until a moment that was drawn."""
        while time.monotonic() < until:
            for _ in range(self.random.randrange(1, 12)):
                self.change_one()
            self.jcn.sync()

    def kill_jcn(self):
        """In mid-work; files change and change back while it is down."""
        before = {number: self.look_of(number) for number in range(150)}
        self.storm(time.monotonic() + self.random.uniform(0.02, 0.5))
        for _ in range(self.random.randrange(20)):  # nobody has seen these yet
            self.change_one()
        if self.random.random() < 0.5:  # published, hardly folded: the fold waits for 200 ms of quiet
            self.jcn.sync()
        self.jcn.kill9()
        for number in self.random.sample(range(150), 60):
            self.reverted += self.look_of(number) != before[number]
            self.revert(number, before[number])
        for _ in range(self.random.randrange(20)):
            self.change_one()
        if self.random.random() < 0.3:
            self.restart_consumer()
        self.jcn.start()

    def test_every_change_and_the_last_state_of_each_record(self):
        for _ in range(200):
            self.change_one()
        self.jcn = self.daemon()
        self.start_consumer()
        self.consumer_kills, jcn_kills = 0, 0
        anew_by_kill = []
        begun = time.monotonic()
        while jcn_kills < JCN_KILLS or self.consumer_kills < CONSUMER_KILLS:
            kill_jcn = jcn_kills < JCN_KILLS and self.random.random() < 0.6
            anew = Story(self.log).begun_anew
            if kill_jcn:
                self.kill_jcn()
                jcn_kills += 1
            for _ in range(self.random.randrange(1, 4)):
                self.storm(time.monotonic() + self.random.uniform(0, 0.1))
                self.restart_consumer_midway()
            self.jcn.sync()
            wait_for(self.consumer_is_right, "the consumer to know what there is", 20)
            anew = Story(self.log).begun_anew - anew
            if kill_jcn:
                anew_by_kill.append(anew)
            else:
                self.assertEqual(anew, 0, "begun anew after a mere restart of the consumer")
        story = Story(self.log)
        self.assertEqual(story.known, self.truth)
        self.assertEqual({row["_id"]: {k: v for k, v in row.items() if k != "_id"}
                          for row in self.jcn.rows()}, self.truth)
        self.assertEqual(story.backwards, [], "numbers only grow")
        self.assertLessEqual(sum(anew_by_kill), 1, f"begun anew after kill -9: {anew_by_kill}")
        self.assertGreater(self.reverted, JCN_KILLS)
        print(f"  {self.operations} changes of {len(self.truth)} files, {self.reverted} put back while jcn "
              f"was down; {story.changes} told to a consumer killed {self.consumer_kills} times, jcn "
              f"{jcn_kills} times; begun anew {sum(anew_by_kill)} times; "
              f"{time.monotonic() - begun:.1f} s", flush=True)


class Restarts(FeedCase):
    def test_places_hold_over_an_orderly_restart(self):
        daemon = self.daemon()
        self.drop_in_order(daemon, 5)
        rows = self.page(daemon)["results"]
        self.assertEqual([row["id"] for row in rows], [f"v{number}" for number in range(5)])
        daemon.stop()
        os.unlink(self.path("0.json"))
        daemon.start()
        page = self.page(daemon, "since=" + rows[2]["seq"])
        self.assertNotIn("fresh", page)
        self.assertEqual([(row["id"], row.get("deleted")) for row in page["results"]],
                         [("v3", None), ("v4", None), ("v0", True)])

    def test_another_index_begins_anew(self):
        for number in range(5):
            self.drop(f"{number}.json", {"id": f"v{number}"})
        daemon = self.daemon()
        old = self.page(daemon)["last_seq"]
        daemon.stop()
        shutil.rmtree(daemon.index)
        daemon.start()
        page = self.page(daemon, f"since={old}&limit=2")
        self.assertTrue(page["fresh"])
        self.assertEqual(page["until"], daemon.status()["seq"])
        rows, fresh = self.pages(daemon, old, 2)
        self.assertTrue(fresh)
        self.assertEqual(len(rows), 5)

    def test_few_tombstones(self):
        daemon = self.daemon(config="[feed]\ntombstones = 2\n")
        self.drop_in_order(daemon, 8)
        places = [row["seq"] for row in self.page(daemon)["results"]]
        for number in range(4):
            os.unlink(self.path(f"{number}.json"))
            daemon.sync(durable=True)
        for since, deleted in ((places[0], None), (places[7], None), ("0", 2)):
            with self.subTest(since=since):
                rows, fresh = self.pages(daemon, since, 1)
                self.assertEqual(fresh, deleted is None)
                self.assertEqual([row["id"] for row in rows if "deleted" not in row],
                                 ["v4", "v5", "v6", "v7"])
                self.assertEqual([row["id"] for row in rows if "deleted" in row], ["v2", "v3"])
        place = self.page(daemon)["results"][-2]["seq"]
        daemon.restart()
        self.assertEqual([row["id"] for row in self.pages(daemon, place, 1)[0]], ["v3"])
        self.assertFalse(self.pages(daemon, place, 1)[1])


class Waiting(FeedCase):
    def test_a_drop_reaches_every_kind_of_feed(self):
        daemon = self.daemon()
        feeds = [self.feed(daemon, f"since=now&include_docs=1&feed={mode}")
                 for mode in ("longpoll", "continuous", "eventsource")]
        wait_for(lambda: self.feeds_waiting(daemon) == 3, "three feeds to wait")
        self.drop("a.json", {"id": "a", "n": 1})
        seq = re.escape(daemon.sync()["seq"].encode())
        row = rb'\{"seq":"' + seq + rb'","kind":"videos","id":"a","rev":"[0-9a-f]{32}","doc":\{"id":"a","n":1\}\}'
        feeds[0].read_until(rb'\{"results":\[' + row + rb'\],"last_seq":"' + seq + rb'"\}\r\n0\r\n\r\n')
        feeds[1].read_until(row + rb"\n")
        feeds[2].read_until(rb"id: " + seq + rb"\ndata: " + row + rb"\n\n")
        self.assertRegex(feeds[2].data, rb"(?i)content-type: text/event-stream")
        feeds[0].close()
        wait_for(lambda: self.feeds_waiting(daemon) == 2, "the longpoll's place to be free")

    def test_who_has_the_head_is_told_what_comes_after(self):
        daemon = self.daemon()
        for number in range(60):
            feed = self.feed(daemon, f"since=now&limit=1&feed={('continuous', 'eventsource')[number % 2]}")
            feed.read_until(rb"\r\n\r\n")
            self.drop("a.json", {"id": "a", "n": number})
            feed.read_until(rb'"id":"a"')
            feed.close()
            daemon.sync()

    def test_latency(self):
        daemon = self.daemon()
        feed = self.feed(daemon, "since=now&feed=continuous")
        feed.read_until(rb"\r\n\r\n")
        times = []
        for number in range(200):
            begun = time.monotonic()
            self.drop("a.json", {"id": "a", "n": number})
            feed.data = b""
            feed.read_until(rb'"id":"a"[^\n]*\n')
            times.append((time.monotonic() - begun) * 1000)
        times.sort()
        print(f"\n  drop → told: p50 {times[100]:.2f} ms, p99 {times[198]:.2f} ms", flush=True)
        self.assertLess(times[100], 50 * TIME_FACTOR)

    def test_event_streams_resume_by_themselves(self):
        daemon = self.daemon()
        for number in range(3):
            self.drop("a.json", {"id": "a", "n": number})
            self.drop(f"{number}.json", {"id": f"v{number}"})
            daemon.sync()
        feed = self.feed(daemon, "feed=eventsource&since=0&limit=2")
        self.assertEqual(len(re.findall(rb"\nid: ", feed.read_to_end())), 2)
        last = re.findall(rb"\nid: ([^\n]+)\n", feed.data)[-1].decode()
        again = self.feed(daemon, "feed=eventsource&since=0&limit=2", f"Last-Event-ID: {last}\r\n")
        again.read_to_end()
        ids = [re.findall(rb'"id":"(\w+)"', each.data) for each in (feed, again)]
        self.assertEqual(sorted(ids[0] + ids[1]), [b"a", b"v0", b"v1", b"v2"])
        self.assertIn(b"\nretry: ", feed.data)
        odd = self.feed(daemon, "feed=eventsource&limit=1", "Last-Event-ID: of another program\r\n")
        self.assertIn(b"event: fresh\n", odd.read_to_end())

    def test_sigterm_ends_them_all(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "a"})
        daemon.sync()
        feeds = {mode: [self.feed(daemon, f"since=now&feed={mode}") for _ in range(5)]
                 for mode in ("longpoll", "continuous", "eventsource")}
        wait_for(lambda: self.feeds_waiting(daemon) == 15, "all feeds to wait")
        begun = time.monotonic()
        daemon.stop()
        self.assertLess(time.monotonic() - begun, 3 * TIME_FACTOR)
        for mode, several in feeds.items():
            for feed in several:
                self.assertTrue(feed.read_to_end().endswith(b"0\r\n\r\n"), (mode, feed.data))

    @provokes("overloaded")
    def test_beyond_their_number(self):
        daemon = self.daemon(config="[feed]\nwaiting = 2\n")
        waiting = [self.feed(daemon, "feed=continuous&heartbeat=50") for _ in range(2)]
        wait_for(lambda: self.feeds_waiting(daemon) == 2, "both to wait")
        for mode in ("longpoll", "continuous"):
            refused = daemon.get(f"/v1/changes?since=now&feed={mode}")
            self.assert_problem(refused, 503, "overloaded")
            self.assertIn("retry-after", refused.headers)
        events = self.feed(daemon, "feed=eventsource")
        self.assertEqual(events.status(), 200)
        self.assertRegex(events.read_to_end(), rb"\r\n\r\nretry: \d+\n\n$")
        self.assertEqual(self.page(daemon)["results"], [])
        self.assertIn(b"\njcn_feeds_refused_total 3\n", daemon.get("/metrics").body)

        # Clients that go without a word are noticed by their heartbeats.
        for feed in waiting:
            feed.read_until(rb"\r\n\r\n")
            feed.close()
        wait_for(lambda: self.feeds_waiting(daemon) == 0, "the places to be free")
        self.assertEqual(self.feed(daemon, "feed=continuous").status(), 200)

    def test_the_last_quarter_is_for_those_with_a_token(self):
        token = "a-token-of-the-tests-0123456789"
        path = os.path.join(self.tmp, "token")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(token)
        daemon = self.daemon(config="[feed]\nwaiting = 4\n", arguments=["--token-file", path])
        query = "feed=continuous&heartbeat=50"
        waiting = [self.feed(daemon, query) for _ in range(3)]
        wait_for(lambda: self.feeds_waiting(daemon) == 3, "all but the last place to be taken")
        self.assertEqual(self.feed(daemon, query).status(), 503)
        known = f"Authorization: Bearer {token}\r\n"
        self.assertEqual(self.feed(daemon, query, known).status(), 200)
        self.assertEqual(self.feed(daemon, query, known).status(), 503)
        self.assertEqual([feed.status() for feed in waiting], [200] * 3)

    def test_they_leave_half_of_the_threads_to_others(self):
        daemon = self.daemon(config="[http]\nthreads = 8\n")
        feeds = [self.feed(daemon, "feed=continuous&heartbeat=100") for _ in range(4)]
        wait_for(lambda: self.feeds_waiting(daemon) == 4, "as many as may wait")
        self.assertEqual(self.feed(daemon, "feed=continuous").status(), 503)
        self.assertEqual(daemon.get("/healthz").status, 200)
        for feed in feeds:
            feed.close()

    def test_a_reader_that_stops_reading_stops_nobody(self):
        """Its answers pile up in its socket; folds, other feeds and readers go on."""
        for number in range(40):
            self.drop(f"{number}.json", {"id": f"v{number}", "text": "x" * 500_000})
        daemon = self.daemon()
        slow = self.feed(daemon, "feed=continuous&include_docs=1")
        slow.read_until(rb'"seq"')
        self.drop("new.json", {"id": "new"})
        daemon.sync(durable=True)
        self.assertEqual(daemon.record("new"), {"id": "new"})
        other = self.feed(daemon, "feed=continuous&since=now")
        other.read_until(rb"\r\n\r\n")
        self.drop("newer.json", {"id": "newer"})
        other.read_until(rb'"id":"newer"')
        daemon.stop()  # within 5 s, while a thread is still writing to that reader

    def test_filters(self):
        daemon = self.daemon()
        feed = self.feed(daemon, "feed=continuous&since=now&n__gte=5&kind=videos&include_docs=1&heartbeat=50")
        feed.read_until(rb'\{"last_seq":"[^"]+"\}\n')
        for n, told in ((7, rb'"doc":\{"id":"a","n":7\}\}'), (3, rb'"rev":"\w+","match":false\}')):
            self.drop("a.json", {"id": "a", "n": n})
            feed.read_until(rb'"id":"a",[^\n]*' + told + rb"\n")
        os.unlink(self.path("a.json"))
        feed.read_until(rb'"id":"a","rev":null,"deleted":true\}\n')
        checkpoint = json.dumps({"last_seq": daemon.sync()["seq"]}, separators=(",", ":")).encode()
        feed.read_until(re.escape(checkpoint) + rb"\n")


class Jcnctl(FeedCase):
    def lines(self, daemon, *arguments):
        return [json.loads(line) for line in daemon.ctl("changes", *arguments).splitlines()]

    def test_changes_live_and_from_the_index(self):
        daemon = self.daemon()
        self.drop_in_order(daemon, 4, kind="talk")
        os.unlink(self.path("0.json"))
        daemon.sync(durable=True)
        for live in (True, False):
            with self.subTest(live=live):
                if not live:
                    daemon.stop()
                rows = self.lines(daemon)
                self.assertEqual([row["id"] for row in rows], ["v1", "v2", "v3", "v0"])
                self.assertTrue(rows[-1]["deleted"])
                self.assertEqual([row["id"] for row in self.lines(daemon, "--since", rows[1]["seq"])],
                                 ["v3", "v0"])
                self.assertEqual(self.lines(daemon, "--since", "now"), [])
                self.assertEqual(self.lines(daemon, "--kind", "people"), [])
                matching = self.lines(daemon, "--include-docs", "n__gte=3", "kind__exact=talk")
                self.assertEqual([row.get("doc", {}).get("n") for row in matching],
                                 [None, None, 3, None])
                self.assertEqual([row.get("match") for row in matching],
                                 [False, False, None, None])
                anew = self.lines(daemon, "--since", OTHER_HISTORY)
                self.assertEqual(anew[0], {"fresh": True, "until": rows[-1]["seq"]})
                self.assertEqual(len(anew), 5)
        self.assertEqual(daemon.run_ctl("--index", daemon.index, "changes", "--since", "7").returncode, 2)
        self.assertEqual(daemon.run_ctl("--index", daemon.index, "changes", "--follow").returncode, 3)

    def test_follow_goes_on_over_restarts(self):
        self.drop("a.json", {"id": "a", "n": 0})
        daemon = self.daemon()
        follower = subprocess.Popen([daemon.jcnctl, "--index", daemon.index, "changes", "--follow"],
                                    stdout=subprocess.PIPE)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        told = []
        reader = threading.Thread(
            target=lambda: [told.append(json.loads(line)) for line in follower.stdout], daemon=True)
        reader.start()

        def wait_told(record_id, deleted=None):
            wait_for(lambda: any(row["id"] == record_id and row.get("deleted") == deleted
                                 for row in list(told)), f"{record_id} to be told", 15)
        wait_told("a")
        self.drop("b.json", {"id": "b"})
        wait_told("b")
        daemon.kill9()
        os.unlink(self.path("a.json"))
        daemon.start()
        wait_told("a", True)
        daemon.restart()
        self.drop("c.json", {"id": "c"})
        wait_told("c")
        follower.kill()
        reader.join()
        self.assertEqual([row for row in told if "fresh" in row], [])


if __name__ == "__main__":
    unittest.main()
