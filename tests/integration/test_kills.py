"""FAULTS 1 to 6: kill -9 at random moments, over and over on one index, while files change, while it
starts, folds, compacts and reads everything again. After each the dump of the index must equal that
of a rebuilt one, and a consumer that follows the change feed since the last cycle must have the same
records.

  JCN_SEED=N        the seed of operations and moments (printed; default: the clock)
  JCN_KILLS=N       how many cycles (default 12)
"""

import collections
import os
import random
import threading
import time
import unittest
import urllib.parse

from harness import TIME_FACTOR, JcnCase, json_of, rebuild_dump, wait_for
from test_random import CONFIGURATIONS, PLAIN, Trial

CYCLES = int(os.environ.get("JCN_KILLS") or 12)
# Folds all the time.
FOLDS = "[fold]\nquiet_ms = 3\ninterval_ms = 15\n"


class Consumer:
    """Follows the feed: what it has must be what the index has, whoever is killed."""

    def __init__(self):
        self.since = "0"
        self.revs = {}
        self.restarted = 0  # times that it was told to forget

    def catch_up(self, daemon):
        while True:
            page = json_of(daemon.get("/v1/changes?limit=1000&since="
                                      + urllib.parse.quote(self.since)))
            if page.get("fresh"):
                self.revs.clear()
                self.restarted += 1
            for change in page["results"]:
                name = (change["kind"], change["id"])
                if change.get("deleted"):
                    self.revs.pop(name, None)
                else:
                    self.revs[name] = change["rev"]
            moved = page["last_seq"] != self.since
            self.since = page["last_seq"]
            if not page["results"] and not moved:
                return

    @staticmethod
    def wanted(daemon):
        """(kind, id) → rev, of all records there are."""
        other = Consumer()
        other.catch_up(daemon)
        return other.revs


class Kills(JcnCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("JCN_SEED") or time.time_ns() % 1_000_000_000)
        print(f"\n  JCN_SEED={self.seed} JCN_KILLS={CYCLES}", flush=True)
        self.random = random.Random(self.seed)
        self.trial = Trial(self, f"{self.seed}/kills")
        self.live = self.trial.daemon
        self.live.stop()
        rules = self.random.choice(("default", "unions", "anchors"))
        self.live.config = CONFIGURATIONS[rules] + FOLDS
        self.live.start()

    def while_running(self):
        """Operations until it is killed under them."""
        killer = threading.Timer(self.random.uniform(0.002, 0.3), self.live.process.kill)
        killer.start()
        while killer.is_alive():
            self.trial.step(PLAIN)
        self.live.process.wait()

    def while_rewriting(self):
        self.live.request("POST", self.random.choice(("/v1/status/compact", "/v1/status/reindex")),
                          body=b"")
        self.while_running()

    def while_starting(self):
        self.live.kill9()
        for _ in range(self.random.choice((1, 1, 2, 4))):
            self.trial.step(PLAIN)
            self.live.launch()
            moment = time.monotonic() + self.random.uniform(0, 0.12) * TIME_FACTOR
            while time.monotonic() < moment:
                self.trial.step(PLAIN)
            self.live.kill9()

    def test_faults_1_to_6_killed_at_random_moments(self):
        met, consumer, began = collections.Counter(), Consumer(), time.monotonic()
        for cycle in range(CYCLES):
            self.got_on()
            how = self.random.choices(("running", "rewriting", "starting"), (6, 2, 2))[0]
            try:
                getattr(self, f"while_{how}")()
                self.live.kill9()
                for _ in range(self.random.choice((0, 0, 1, 5))):
                    self.trial.step(PLAIN)
                self.live.start()
                self.assertEqual(self.live.sync()["unsettled"], [])
                wait_for(lambda: self.live.status()["upkeep"]["state"] == "idle", "the upkeep", 30)
                self.assertEqual(
                    self.live.dump().splitlines(),
                    rebuild_dump(self.live.folders, self.live.config, self.tmp).splitlines())
                consumer.catch_up(self.live)
                self.assertEqual(consumer.revs, Consumer.wanted(self.live), "the feed")
            except AssertionError as failure:
                log = "\n".join(self.trial.log[-80:])
                raise AssertionError(f"JCN_SEED={self.seed} cycle {cycle}, killed while {how}: "
                                     f"{failure}\n{log}\n{self.live.stderr_tail()}") from None
            met[how] += 1
            if self.random.random() < 0.1:
                self.trial.clear()
        print(f"  {sum(met.values())} kills in {time.monotonic() - began:.0f} s "
              f"({', '.join(f'{number} while {how}' for how, number in sorted(met.items()))}); "
              f"the consumer began anew {consumer.restarted} times", flush=True)
        # Once at the beginning; a killed jcn is no reason to forget what one has.
        self.assertLessEqual(consumer.restarted, 1)


if __name__ == "__main__":
    unittest.main()
