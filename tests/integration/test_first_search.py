"""The first search after a crawl, and searches in the middle of a storm of changes: what is fresh is
made searchable ahead of them. What little is left to them counts, so that none takes longer than it
may."""

import random
import threading
import time
import unittest

from harness import TIME_FACTOR, JcnCase, json_of

WORDS = 400
# Nothing is written to the index: all that is searched is in the fresh layer.
CONFIG = """
[fold]
quiet_ms = 3600000
interval_ms = 3600000
fresh_limit_bytes = 1099511627776
[http]
query_timeout_ms = {timeout}
"""


def note(number, generator):
    words = " ".join(f"w{generator.randrange(50_000)}" for _ in range(WORDS))
    return {"number": number, "even": number % 2 == 0, "text": f"common {words} only{number}"}


class FirstSearch(JcnCase):
    def config(self, timeout_ms):
        return CONFIG.format(timeout=round(timeout_ms * TIME_FACTOR))

    def search(self, daemon, words, parameters=""):
        # The facet is work enough for the query to look at its clock.
        begun = time.monotonic()
        answer = daemon.get(f"/v1/videos?_search={words}&_extra=count&_size=5&_facet=number"
                            f"{parameters}")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertLess(time.monotonic() - begun, 3 * TIME_FACTOR)
        return json_of(answer)

    def test_it_is_answered_in_its_time_right_after_the_ready_line(self):
        generator = random.Random(1)
        for number in range(8000):
            self.write(f"{number % 50}/{number}.json", note(number, generator))
        daemon = self.daemon(config=self.config(150))
        self.assertEqual(daemon.status()["fresh"], 8000)
        self.assertEqual(self.search(daemon, "common", "&even=true")["count"], 4000)
        found = self.search(daemon, "only4711")
        self.assertEqual([row["number"] for row in found["rows"]], [4711])

    def test_none_fails_in_the_middle_of_a_storm(self):
        daemon = self.daemon(config=self.config(2000))
        self.drop("0/first.json", note(-1, random.Random(3)))
        daemon.sync()
        stormed = threading.Event()

        def storm():
            generator = random.Random(2)
            for number in range(6000):
                self.drop(f"{number % 50}/{number}.json", note(number, generator))
            for number in range(0, 6000, 4):  # each of these twice
                self.drop(f"{number % 50}/{number}.json", note(number, generator))
            stormed.set()

        thread = threading.Thread(target=storm)
        thread.start()
        asked = 0
        try:
            before = 0
            while not stormed.is_set():
                count = self.search(daemon, "common")["count"]
                self.assertGreaterEqual(count, before)
                before = count
                asked += 1
                time.sleep(0.01)
        finally:
            thread.join()
        daemon.sync()
        self.assertEqual(self.search(daemon, "common")["count"], 6001)
        self.assertEqual(self.search(daemon, "only4")["count"], 1)
        self.assertGreater(asked, 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
