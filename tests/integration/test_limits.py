"""What one query may cost: its time, and the bytes of its answer, whatever stands in the records; and
event streams that are cut off before they told anything."""

import signal
import socket
import time
import unittest

from harness import JcnCase, TIME_FACTOR, json_of

# A query has 2 s. Beyond that: what lies between two looks at the clock, on a busy machine.
LONGEST = 3 * TIME_FACTOR


class OneDocument(JcnCase):
    """A query that spends its time within documents of nearly 1 MiB."""

    def bounded(self, target):
        """Asks; the answer is whole, or says that it took too long, in time."""
        begun = time.monotonic()
        answer = self.live.get(target)
        self.assertLess(time.monotonic() - begun, LONGEST, target[:80])
        if answer.status != 200:
            self.assert_problem(answer, 503, "query_timeout")
        return answer

    def test_long_phrases_of_one_word(self):
        for number in range(2):
            self.drop(f"w{number}.json", {"t": "a " * 500_000})
        self.live = self.daemon()
        phrase = "%22" + "a+" * 6000 + "%22"
        answer = self.bounded(f"/v1/videos?_search={phrase}&_size=1&_col=_id&_extra=count")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(json_of(answer)["count"], 2)

    def test_long_lists_on_long_arrays(self):
        self.drop("nest.json", {"a": [[number % 9 for number in range(300_000)], [5555]]})
        self.drop("flat.json", {"n": list(range(100_000))})
        self.live = self.daemon()
        several = ",".join(map(str, range(5000, 7600)))
        self.bounded(f"/v1/videos?_col=_id&/a/0__in={several}&_size=1")
        changes = json_of(self.bounded(f"/v1/changes?n__in={several}"))["results"]
        self.assertEqual({row["id"]: row.get("match", True) for row in changes},
                         {"nest": False, "flat": True})
        begun = time.monotonic()
        self.live.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.live.process.wait(30), 0)
        self.assertLess(time.monotonic() - begun, 5 * TIME_FACTOR)

    def test_facets_end_at_8_mib(self):
        for number in range(24):
            self.drop(f"{number:02}.json", {"big": f"{number:02}" + "x" * 900_000})
        self.live = self.daemon()
        answer = self.bounded("/v1/videos?_facet=big&_facet=/big&_size=0&_facet_size=1000")
        self.assertEqual(answer.status, 200, answer.body[:300])
        facets = json_of(answer)["facet_results"]
        self.assertLess(len(answer.body), 10 << 20)
        values = [item["value"][:2] for item in facets["big"]["results"]]
        self.assertEqual(values, [f"{number:02}" for number in range(9)])
        self.assertTrue(facets["big"]["truncated"])
        self.assertEqual([item["value"][:2] for item in facets["/big"]["results"]], ["00"])


class Names(JcnCase):
    """Members that are named by what they are about: a few files with 270,000 names."""

    FILES, EACH = 30, 9000

    def write_names(self):
        for file in range(self.FILES):
            names = {f"user_{file}_{number}": number for number in range(self.EACH - 1)}
            self.write(f"u{file}.json", {"id": f"u{file}", **names})

    def ask_in_time(self, live, target):
        begun = time.monotonic()
        answer = live.get(target)
        self.assertLess(time.monotonic() - begun, LONGEST, target)
        return answer

    def test_no_query_pays_for_all_names(self):
        live = self.daemon(config=f"[http]\nquery_timeout_ms = {round(1000 * TIME_FACTOR)}\n")
        self.write_names()
        live.sync()
        # What one query had no time for is done by those behind it.
        for _ in range(50):
            answer = self.ask_in_time(live, "/v1/videos?_size=1&user_7_12=12&_col=id")
            if answer.status == 200:
                break
            self.assert_problem(answer, 503, "query_timeout")
        self.assertEqual([row["_id"] for row in json_of(answer)["rows"]], ["u7"])
        self.fields_are_bounded(live)
        live.sync(durable=True)
        self.fields_are_bounded(live)
        live.stop()
        again = self.daemon()
        answer = self.ask_in_time(again, "/v1/videos?_size=1&user_7_12=12&_col=id")
        self.assertEqual([row["_id"] for row in json_of(answer)["rows"]], ["u7"])

    def fields_are_bounded(self, live):
        answer = self.ask_in_time(live, "/v1/videos?_size=0&_extra=fields")
        self.assertEqual(answer.status, 200, answer.body)
        listed = json_of(answer)
        names = sorted(["id", *(f"user_{file}_{number}" for file in range(self.FILES)
                                for number in range(self.EACH - 1))])
        self.assertTrue(listed["fields_truncated"])
        self.assertEqual([field["name"] for field in listed["fields"]], names[:1000])
        self.assertEqual(listed["fields"][0], {"name": "id", "records": self.FILES,
                                               "types": {"string": self.FILES}})


class Cut(JcnCase):
    def test_an_event_stream_that_told_nothing_goes_on_where_it_began(self):
        live = self.daemon()
        for narrowed in ("", "&kind=videos"):
            with socket.create_connection(("127.0.0.1", live.port), timeout=20) as stream:
                stream.sendall(b"GET /v1/changes?feed=eventsource&since=now" + narrowed.encode() +
                               b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
                heard = b""
                while b"\n\n" not in heard.partition(b"\nid: ")[2]:
                    piece = stream.recv(4096)
                    self.assertTrue(piece, heard)
                    heard += piece
            place = heard.partition(b"\nid: ")[2].partition(b"\n")[0].decode()
            name = f"missed{len(narrowed)}"
            self.drop(f"{name}.json", {})
            live.sync()
            again = json_of(live.get(f"/v1/changes?since={place}{narrowed}"))
            self.assertEqual([row["id"] for row in again["results"]], [name])


if __name__ == "__main__":
    unittest.main()
