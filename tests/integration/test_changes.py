"""What people and programs do to files: renames, moves, slow writers; and the barrier behind it."""

import collections
import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

from harness import Hammer, JcnCase, create_unnamed_then_link, exchange, json_of, wait_for

SLOW_SETTLE = "[settle]\nfirst_ms = 300\nsecond_ms = 1500\n"


class Renames(JcnCase):
    def hammer_renames(self, places, sync_each):
        """200 renames around `places`, while a reader asks for the record all the time."""
        for place in places:
            os.makedirs(os.path.dirname(self.path(place)), exist_ok=True)
        self.drop(places[0], {"id": "inner", "n": 1})
        daemon = self.daemon()
        renames = 0
        with Hammer(daemon.port, "/v1/videos/inner") as reader:
            while renames < 200 or len(reader.seen) < 200:
                os.rename(self.path(places[renames % len(places)]),
                          self.path(places[(renames + 1) % len(places)]))
                renames += 1
                if sync_each:
                    daemon.sync()
            daemon.sync()
        self.assertEqual(collections.Counter(reader.seen), {200: len(reader.seen)},
                         f"a rename is one change ({renames} renames)")
        self.assert_converged(daemon)

    def test_rename_within_a_folder_is_one_change(self):
        self.hammer_renames(["x.json", "y.json"], True)

    def test_rename_across_folders_is_one_change(self):
        self.hammer_renames(["one/x.json", "two/deep/x.json", "x.json"], True)

    def test_renames_in_a_burst_within_a_folder_show_no_gap(self):
        self.hammer_renames(["x.json", "y.json"], False)

    def test_renames_in_a_burst_across_folders_show_no_gap(self):
        self.hammer_renames(["one/x.json", "two/deep/x.json", "x.json"], False)

    def test_rename_over_another(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "a"})
        self.drop("b.json", {"id": "b"})
        daemon.sync()
        os.rename(self.path("a.json"), self.path("b.json"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a"])
        self.assert_converged(daemon)

    def test_rename_in_out_and_to_ignored(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "a"})
        daemon.sync()
        outside = os.path.join(self.tmp, "outside.json")
        os.rename(self.path("a.json"), outside)
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        os.rename(outside, self.path("b.json"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a"])
        os.rename(self.path("b.json"), self.path("b.json.tmp"))
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        os.rename(self.path("b.json.tmp"), self.path("c.json"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a"])

    def test_renamed_folder_is_one_change_for_records_of_several_files(self):
        for number in range(40):
            for part in range(3):  # where two differ, the later name wins
                self.drop(f"here/sub{part}/{number}.json",
                          {"id": f"v{number:02}", "title": f"{number} {part}", f"part{part}": part})
            self.drop(f"stays/{number}.json", {"id": f"v{number:02}", "stays": True})
        daemon = self.daemon()
        with Hammer(daemon.port, "/v1/videos?_size=100&_col=title,part0,part1,part2,stays",
                    keep=lambda answer: answer.body) as reader:
            for _ in range(10):
                os.makedirs(self.path("new"))  # that nobody watches yet
                for before, now in (("here", "zz"), ("zz", "new/er"), ("new", "deep"),
                                    ("deep/er", "here")):
                    os.rename(self.path(before), self.path(now))
                    daemon.sync()
                os.rmdir(self.path("deep"))
        rows = [json.loads(body)["rows"] for body in set(reader.seen)]
        shown = {json.dumps({name: value for name, value in row.items()
                             if name == "_id" or not name.startswith("_")}, sort_keys=True)
                 for each in rows for row in each}
        self.assertEqual(len(shown), 40, sorted(shown)[:6])
        self.assertEqual({len(each) for each in rows}, {40})
        self.assert_converged(daemon)

    def test_fault_29_hard_link_is_a_drop(self):
        daemon = self.daemon()
        outside = os.path.join(self.tmp, "outside.json")
        self.write(outside, {"id": "linked"})
        os.link(outside, self.path("in.json"))
        daemon.sync()
        self.assertEqual(daemon.record("linked"), {"id": "linked"})
        os.unlink(self.path("in.json"))
        daemon.sync()
        self.assertIsNone(daemon.record("linked"))

    def test_fault_31_unnamed_file_linked_in(self):
        daemon = self.daemon()
        create_unnamed_then_link(self.root, "t.json", b'{"id":"unnamed"}')
        daemon.sync()
        self.assertEqual(daemon.record("unnamed"), {"id": "unnamed"})

    def test_fault_31_exchange_of_files(self):
        daemon = self.daemon()
        self.drop("one/a.json", {"who": "a"})
        self.drop("two/b.json", {"who": "b"})
        daemon.sync()
        exchange(self.path("one/a.json"), self.path("two/b.json"))
        daemon.sync()
        self.assertEqual(daemon.record("one/a"), {"who": "b"})
        self.assertEqual(daemon.record("two/b"), {"who": "a"})
        self.assert_converged(daemon)

    def test_exchange_of_folders(self):
        daemon = self.daemon()
        self.drop("one/x/a.json", {"who": "a"})
        self.drop("two/b.json", {"who": "b"})
        daemon.sync()
        exchange(self.path("one"), self.path("two"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["one/b", "two/x/a"])
        self.drop("one/later.json", {})
        self.drop("two/x/later.json", {})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["one/b", "one/later", "two/x/a", "two/x/later"])
        self.assert_converged(daemon)

    def test_exchange_of_a_file_and_a_folder(self):
        daemon = self.daemon()
        self.drop("a.json", {"who": "a"})
        self.drop("b.json/inside.json", {"who": "inside"})
        daemon.sync()
        exchange(self.path("a.json"), self.path("b.json"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a.json/inside", "b"])
        self.assert_converged(daemon)

    def test_fault_43_folder_moves(self):
        daemon = self.daemon()
        outside = os.path.join(self.tmp, "outside")
        self.drop("f/g/a.json", {"n": 1})
        self.drop("f/b.json", {"n": 2})
        daemon.sync()
        os.rename(self.path("f"), self.path("renamed"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["renamed/b", "renamed/g/a"])
        self.drop("renamed/g/c.json", {"n": 3})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["renamed/b", "renamed/g/a", "renamed/g/c"])
        os.rename(self.path("renamed"), outside)
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        self.drop(os.path.join(outside, "g/unseen.json"), {"n": 4})
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        os.makedirs(self.path("p/q"))
        os.rename(outside, self.path("p/q/back"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["p/q/back/b", "p/q/back/g/a", "p/q/back/g/c",
                                        "p/q/back/g/unseen"])
        os.rename(self.path("p/q/back/g"), self.path("g"))
        os.rename(self.path("g"), self.path("h"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["h/a", "h/c", "h/unseen", "p/q/back/b"])
        self.drop("h/last.json", {"n": 5})
        daemon.sync()
        self.assertIn("h/last", daemon.ids())
        self.assert_converged(daemon)

    def test_fault_42_folders_filled_at_once(self):
        daemon = self.daemon()
        expected = []
        for number in range(60):
            deep = f"n{number}/" + "/".join("abcdef"[:number % 6 + 1])
            os.makedirs(self.path(deep))
            self.write(f"{deep}/x.json", {"n": number})
            self.write(f"n{number}/y.json", {"n": number})
            expected += [f"{deep}/x", f"n{number}/y"]
        daemon.sync()
        self.assertEqual(daemon.ids(), sorted(expected))
        self.assert_converged(daemon)

    def test_folder_removed_with_all_in_it(self):
        daemon = self.daemon()
        for number in range(30):
            self.drop(f"f/{number % 3}/{number}.json", {"n": number})
        daemon.sync()
        subprocess.run(["rm", "-r", self.path("f")], check=True)
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        self.drop("f/0/new.json", {"n": 1})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["f/0/new"])
        self.assert_converged(daemon)


class Writers(JcnCase):
    def test_fault_31_truncate_and_regrow(self):
        daemon = self.daemon()
        self.drop("a.json", b'{"id":"a"}          ')
        daemon.sync()
        os.truncate(self.path("a.json"), 10)
        daemon.sync()
        self.assertEqual(daemon.record("a"), {"id": "a"})
        os.truncate(self.path("a.json"), 5)
        daemon.sync()
        self.assertEqual(daemon.rejects()["a.json"]["code"], "unexpected_end")
        os.truncate(self.path("a.json"), 0)
        daemon.sync()
        self.assertEqual(daemon.rejects()["a.json"]["code"], "empty_file")
        self.assert_converged(daemon)

    def test_fault_35_same_size_same_mtime_is_read_again(self):
        daemon = self.daemon()
        path = self.drop("a.json", {"id": "a", "n": 1})
        daemon.sync()
        info = os.stat(path)
        self.write("a.json", {"id": "a", "n": 2})
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
        daemon.sync()
        self.assertEqual(daemon.record("a")["n"], 2)

    def test_fault_38_editor_patterns(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "a", "n": 0})
        daemon.sync()
        # temp file beside, renamed over (most editors)
        self.write(".a.json.swp", b"junk")
        self.write("a.json.tmp", {"id": "a", "n": 1})
        os.rename(self.path("a.json.tmp"), self.path("a.json"))
        daemon.sync()
        self.assertEqual(daemon.record("a")["n"], 1)
        # backup by rename, then the name anew (vim with backupcopy=no)
        os.rename(self.path("a.json"), self.path("a.json~"))
        self.write("a.json", {"id": "a", "n": 2})
        os.unlink(self.path("a.json~"))
        daemon.sync()
        self.assertEqual(daemon.record("a")["n"], 2)
        # truncate and write in place
        self.write("a.json", {"id": "a", "n": 3})
        daemon.sync()
        self.assertEqual(daemon.record("a")["n"], 3)
        # append a byte that is fine
        with open(self.path("a.json"), "ab") as file:
            file.write(b"\n")
        daemon.sync()
        self.assertEqual(daemon.record("a")["n"], 3)
        self.assertEqual(daemon.rejects(), {})
        self.assert_converged(daemon)

    def test_fault_36_slow_writer_is_never_called_a_reject(self):
        daemon = self.daemon(config=SLOW_SETTLE)
        text = json.dumps({"id": "slow", "text": "x" * 200}).encode()
        step = len(text) // 20 + 1
        with Hammer(daemon.port, "/v1/rejects",
                    lambda answer: json_of(answer)["rows"]) as reader:
            with open(self.path("slow.json"), "wb", buffering=0) as file:
                for start in range(0, len(text), step):
                    file.write(text[start:start + step])
                    time.sleep(0.1)  # the writer's slowness, which is what is tested
            wait_for(lambda: daemon.record("slow"), "the slow file to be visible")
        self.assertEqual([rows for rows in reader.seen if rows], [])
        daemon.sync()
        self.assertEqual(daemon.rejects(), {})

    def test_fault_36_slow_rewrite_keeps_the_old_content_until_whole(self):
        self.write("slow.json", {"id": "slow", "v": "old"})
        daemon = self.daemon(config=SLOW_SETTLE)
        text = json.dumps({"id": "slow", "v": "new", "text": "x" * 100}).encode()
        with Hammer(daemon.port, "/v1/videos/slow",
                    lambda answer: (answer.status, json_of(answer)["v"])) as reader:
            with open(self.path("slow.json"), "wb", buffering=0) as file:
                for start in range(0, len(text), 20):
                    file.write(text[start:start + 20])
                    time.sleep(0.1)  # the writer's slowness, which is what is tested
            wait_for(lambda: daemon.record("slow")["v"] == "new", "the new content")
        self.assertEqual(set(reader.seen) - {(200, "new")}, {(200, "old")})

    def test_fault_36_writer_that_dies_leaves_a_reject(self):
        daemon = self.daemon()
        self.drop("was.json", {"id": "was", "n": 1})
        daemon.sync()
        for name in ("was", "new"):
            code = ("import os,sys,signal\n"
                    f"f=open(sys.argv[1],'wb',buffering=0); f.write(b'{{\"id\":\"{name}\",\"n\"')\n"
                    "os.kill(os.getpid(),signal.SIGKILL)")
            done = subprocess.run([sys.executable, "-c", code, self.path(f"{name}.json")],
                                  check=False)
            self.assertEqual(done.returncode, -signal.SIGKILL)
        daemon.sync()
        rejects = daemon.rejects()
        self.assertEqual({path: (row["code"], row["serving"] == "last-good")
                          for path, row in rejects.items()},
                         {"was.json": ("unexpected_end", True),
                          "new.json": ("unexpected_end", False)})
        self.assertEqual(daemon.record("was"), {"id": "was", "n": 1})
        self.assertIsNone(daemon.record("new"))

    def test_fault_37_two_writers_final_bytes_win(self):
        daemon = self.daemon()

        def rewrite(who):
            for turn in range(200):
                self.write("a.json", {"id": "a", "who": who, "pad": "x" * (turn * 7 % 100)})

        writers = [threading.Thread(target=rewrite, args=(who,)) for who in range(2)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        daemon.sync()
        with open(self.path("a.json"), "rb") as file:
            final = file.read()
        try:
            self.assertEqual(daemon.record("a"), json.loads(final))
        except ValueError:  # the writers may have left bytes mixed
            self.assertIn("a.json", daemon.rejects())
        self.assert_converged(daemon)


class Barrier(JcnCase):
    def test_everything_dropped_before_is_visible(self):
        daemon = self.daemon()
        for turn in range(20):
            for number in range(50):
                self.drop(f"t{turn}/{number}.json", {"id": f"{turn}.{number}"})
            daemon.sync()
            self.assertEqual(daemon.status()["kinds"], {"videos": (turn + 1) * 50})
            self.assertIsNotNone(daemon.record(f"{turn}.49"))

    def test_from_many_threads(self):
        daemon = self.daemon()
        failures = []

        def work(who):
            for turn in range(25):
                self.write(os.path.join(self.root, f"w{who}", f"{turn}.json"),
                           {"id": f"{who}.{turn}"})
                daemon.sync()
                if daemon.record(f"{who}.{turn}") is None:
                    failures.append((who, turn))

        threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len(daemon.ids()), 100)

    def test_durable_waits_for_the_fold(self):
        daemon = self.daemon()
        for number in range(100):
            self.drop(f"{number}.json", {"n": number})
        answer = daemon.sync(durable=True)
        status = daemon.status()
        self.assertEqual(status["fresh"], 0)
        self.assertEqual(status["seq"], answer["seq"])
        self.assertEqual(answer["unsettled"], [])
        seq = answer["seq"]
        daemon.kill9()
        daemon.start()
        self.assertEqual(len(daemon.ids()), 100)
        again = daemon.status()["seq"]
        self.assertEqual(again.rpartition("-")[0], seq.rpartition("-")[0])
        self.assertGreaterEqual(int(again.rpartition("-")[2]), int(seq.rpartition("-")[2]))

    def test_timeout_is_told(self):
        daemon = self.daemon(config="[settle]\nfirst_ms = 2000\nsecond_ms = 4000\n")
        self.drop("torn.json", b"{")
        self.assert_problem(daemon.request("POST", "/v1/sync?timeout_ms=50", b""),
                            503, "sync_timeout")


if __name__ == "__main__":
    unittest.main()
