"""Must-show of damage: flipped bits and truncations at rest, flips under a running daemon. A sample in
the usual run, all of it (300, 100, 60 and 60) with JCN_FULL=1. JCN_SEED repeats a run, JCN_TRIAL=N one of
its trials."""

import collections
import os
import shutil
import threading
import time
import unittest

from damaged_index import (FOLDED_ON_DEMAND, LAST_GOOD, SCRUB_MS, DamageCase, answer_of, ask, copy_index,
                           data_file, files_of, flip_bit, shown, truth)
from harness import FULL, TIME_FACTOR, Client, json_of, wait_for
from preloaded import built_library


def answer_or_code(answer):
    return answer_of(answer.body) if answer.status == 200 else json_of(answer).get("code")


class Trials(DamageCase):
    """Must-show: flips and truncations at rest, flips under a running daemon."""

    FLIPS, CUTS, RUNNING = (300, 100, 60) if FULL else (30, 10, 3)

    def setUp(self):
        super().setUp()
        print(f"\n{self.id()}: JCN_SEED={self.seed}", flush=True)

    def golden(self):
        """An index as an orderly end left it; what it answers, and its dump."""
        daemon = self.filled(index="golden")
        right, dump = truth(daemon), daemon.dump()
        daemon.stop()
        return daemon.index, right, dump

    def adopted(self, source, number, killed):
        """A copy of it that is no copy any more: jcn has had it open once, and was killed, or not."""
        daemon = self.new_daemon(index=f"trial{number}", config=FOLDED_ON_DEMAND)
        copy_index(source, daemon.index)
        daemon.start()
        daemon.sync(durable=True)
        if killed:
            daemon.kill9()
        else:
            daemon.stop()
        return daemon

    def watch_start(self, daemon, right, wrong):
        """Asks from the moment it listens until it is ready: answers are right, or none."""
        over = threading.Event()
        asked = [0]

        def read():
            client, names = None, list(right)
            while not over.is_set():
                try:
                    if client is None:
                        with open(os.path.join(daemon.index, "daemon.addr"), encoding="ascii") as file:
                            client = Client(int(file.read().rstrip("/\n").rpartition(":")[2]), 5)
                    target = names[asked[0] % len(names)]
                    answer = client.get(target)
                    asked[0] += 1
                    if answer.status == 503:
                        continue
                    got = answer.status, answer_or_code(answer)
                    if got != right[target]:
                        wrong.append((target, got, right[target]))
                except (OSError, ValueError):
                    client = None
                    time.sleep(0.001)
            if client:
                client.close()

        thread = threading.Thread(target=read)
        thread.start()
        try:
            daemon.start()
        finally:
            over.set()
            thread.join()
        return asked[0]

    def trial(self, golden, number, damage, seen):
        source, right, dump = golden
        daemon = self.adopted(source, number, killed=number % 4 == 3)
        what = damage(daemon, number)
        wrong = []
        seen["answers while starting"] += self.watch_start(daemon, right, wrong)
        for target, got, answer in wrong[:1]:
            self.fail(f"{what}: {len(wrong)} wrong answers while starting, {target}: {shown(got)} "
                      f"instead of {shown(answer)}")
        self.assert_right(daemon, right)
        self.assert_dump(daemon, dump, what)
        log = daemon.stderr_text()
        fate = next((word for word in ("index repaired", "index begun anew", "looked through")
                     if word in log), "not looked at")
        seen[fate.replace("looked through", "looked through, found whole")] += 1
        seen["last good content kept"] += ask(daemon, f"/v1/videos/{LAST_GOOD}")[0] == 200
        daemon.stop()
        shutil.rmtree(daemon.index)

    def run_trials(self, count, damage):
        golden = self.golden()
        seen = collections.Counter()
        begun = time.monotonic()
        only = os.environ.get("JCN_TRIAL")
        for number in range(count):
            self.random.seed(f"{self.seed}-{number}")
            if only is not None and int(only) != number:
                continue
            with self.subTest(seed=self.seed, trial=number):
                self.trial(golden, number, damage, seen)
        print(f"  {count} trials in {time.monotonic() - begun:.0f} s: {dict(seen)}", flush=True)

    def test_flipped_bits_at_rest(self):
        def damage(daemon, number):
            files = files_of(daemon.index)
            data = data_file(daemon.index)
            # Every tenth in a file beside data.mdb.
            others = [path for path in files if path != data and os.path.getsize(path) > 0]
            path = self.random.choice(others) if number % 10 == 9 else data
            return f"trial {number}: {os.path.relpath(path, daemon.index)} at {flip_bit(path, self.random)}"
        self.run_trials(self.FLIPS, damage)

    def test_truncated_at_rest(self):
        def damage(daemon, number):
            path = data_file(daemon.index)
            if number % 10 == 9:
                path = self.random.choice([p for p in files_of(daemon.index) if p != path])
            size = self.random.randrange(max(1, os.path.getsize(path)))
            os.truncate(path, size)
            return f"trial {number}: {os.path.relpath(path, daemon.index)} cut to {size}"
        self.run_trials(self.CUTS, damage)

    def test_flipped_bits_under_a_running_daemon(self):
        """Found by a look at the file's times within a second, or by the scrub within its interval;
        either way a look through all of it follows, and what it finds is repaired."""
        self.flip_in_use(self.RUNNING)

    def test_flipped_bits_under_a_running_daemon_found_by_the_scrub_alone(self):
        """As a disk's own damage is: it does not change the times of the file, and nobody asks."""
        daemon = self.flip_in_use(self.RUNNING, environment={
            "LD_PRELOAD": built_library(type(self), "odd_system.cc"), "ODD_TIMELESS": "data.mdb"})
        self.assertNotIn("changed by somebody else", daemon.stderr_text())

    def flip_in_use(self, trials, **options):
        daemon = self.filled(config=f"[storage]\nscrub_interval_ms = {SCRUB_MS}\n", **options)
        right, dump = truth(daemon), daemon.dump()
        seen, slowest = collections.Counter(), 0.0
        for number in range(trials):
            self.got_on()
            self.random.seed(f"{self.seed}-{number}")
            before = self.upkeep(daemon)
            begun = time.monotonic()
            flips = 1 + number % 3 * 7  # several at once, too
            for _ in range(flips):
                flip_bit(data_file(daemon.index), self.random)
            try:
                # The second scrub to end from now on has begun after the flips.
                wait_for(lambda b=before: self.upkeep(daemon)["damage_found"] > b["damage_found"]
                         or self.upkeep(daemon)["scrubs"] >= b["scrubs"] + 2, "the scrub", 20)
                found = self.upkeep(daemon)["damage_found"] > before["damage_found"]
                if found:
                    slowest = max(slowest, time.monotonic() - begun)
                seen["found" if found else "nothing that is in use"] += 1
                self.wait_healthy(daemon)
            except OSError:
                # LMDB died of it: a service manager starts it again.
                wait_for(lambda: not daemon.alive(), "the end of the process", 10)
                self.assertTrue(os.path.exists(os.path.join(daemon.index, "crashed")))
                daemon.close_process()
                daemon.start()
                seen["died, and was started again"] += 1
            self.assert_right(daemon, right)
            self.assert_dump(daemon, dump, f"trial {number}")
        print(f"  {trials} trials: {dict(seen)}; found after {slowest:.2f} s at most, with a "
              f"scrub every {SCRUB_MS} ms", flush=True)
        self.assertGreater(seen["found"], 0)
        self.assertLess(slowest, (SCRUB_MS / 1000 + 3) * TIME_FACTOR)
        return daemon


if __name__ == "__main__":
    unittest.main()
