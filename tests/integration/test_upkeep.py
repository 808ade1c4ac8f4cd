"""jcnctl verify, compact and reindex, with the daemon and without; FAULTS 30 as verify names it."""

import json
import os
import shutil
import unittest

from damaged_index import DamageCase, ask, data_file, replace_everywhere, truth
from harness import Hammer, json_of, wait_for


class UpkeepCase(DamageCase):
    def verify(self, daemon, code):
        """(rows, summary) of jcnctl verify."""
        done = daemon.run_ctl("--index", daemon.index, "verify")
        self.assertEqual(done.returncode, code, (done.stdout[:2000], done.stderr[:2000]))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(lines[-1]["problems"], len(lines) - 1)
        return lines[:-1], lines[-1]

    def problems(self, daemon, code=1):
        rows, summary = self.verify(daemon, code)
        self.assertIs(summary["ok"], False)
        return {(row["problem"], row["path"]) for row in rows}

    def overwrite_unseen(self, path, old, new):
        """Other bytes under the same size and mtime, through a link outside of the root: no event
        tells of it (FAULTS 30)."""
        outside = os.path.join(self.tmp, "outside.json")
        os.link(self.path(path), outside)
        before = os.stat(outside)
        self.assertEqual(replace_everywhere(outside, old, new), 1)
        os.utime(outside, ns=(before.st_atime_ns, before.st_mtime_ns))
        os.unlink(outside)


class Verify(UpkeepCase):
    def test_all_is_as_it_should_be(self):
        daemon = self.filled()
        status = daemon.status()
        for running in (True, False):
            with self.subTest(running=running):
                if not running:
                    daemon.stop()
                rows, summary = self.verify(daemon, 0)
                self.assertEqual(rows, [])
                self.assertIs(summary["ok"], True)
                self.assertEqual(summary["records"], status["kinds"]["videos"])
                self.assertEqual(summary["files"], status["fragments"])
                self.assertGreater(summary["blocks"], 20)

    def test_fault_30_content_under_the_same_size_and_mtime_is_named(self):
        daemon = self.filled()
        self.drop("same.json", {"id": "same", "word": "before"})
        daemon.sync(durable=True)
        self.overwrite_unseen("same.json", b"before", b"behind")
        self.assertEqual(daemon.record("same")["word"], "before", "nothing tells of it")
        self.assertEqual(self.problems(daemon), {("content", "same.json")})
        daemon.ctl("reindex")
        self.assertEqual(daemon.record("same")["word"], "behind")
        self.assertEqual(self.verify(daemon, 0)[0], [])

        daemon.stop()
        self.overwrite_unseen("same.json", b"behind", b"hidden")
        self.assertEqual(self.problems(daemon), {("content", "same.json")})
        daemon.start()
        self.assertEqual(daemon.record("same")["word"], "hidden", "its ctime tells")

    def test_what_came_changed_and_went_unseen(self):
        daemon = self.filled()
        daemon.stop()
        self.write("new/deep.json", {"id": "deep"})
        self.write("new/.hidden.json", {"id": "hidden"})
        self.write("d1/1.json", {"id": "v001", "n": "other"})
        os.utime(self.path("d2/2.json"))  # the same bytes
        os.unlink(self.path("d3/3.json"))
        self.assertEqual(self.problems(daemon), {("unknown", "new/deep.json"), ("changed", "d1/1.json"),
                                                 ("missing", "d3/3.json")})
        os.rename(self.root, self.root + "-away")
        rows, _ = self.verify(daemon, 1)
        self.assertEqual([(row["problem"], row["root"]) for row in rows],
                         [("offline", os.path.basename(self.root))])

    def test_changes_under_way_are_no_problem(self):
        daemon = self.filled()
        with Hammer(daemon.port, "/v1/videos?_size=5", keep=self.drop_another()) as hammer:
            for _ in range(3):
                self.assertEqual(self.verify(daemon, 0)[0], [])
        self.assertGreater(len(hammer.seen), 3)

    def drop_another(self):
        numbers = iter(range(1 << 30))

        def drop(answer):
            number = next(numbers)
            self.drop(f"more/{number % 50}.json", {"id": f"w{number % 50}", "n": number})
            return answer.status
        return drop

    def test_damage_is_told_and_nothing_is_changed(self):
        daemon = self.filled()
        right = truth(daemon)
        daemon.stop()
        path = data_file(daemon.index)
        replace_everywhere(path, b"videos\0v150", b"videos\0v15z")
        with open(path, "rb") as file:
            damaged = file.read()
        rows, summary = self.verify(daemon, 4)
        self.assertIs(summary["ok"], False)
        self.assertEqual({row["problem"] for row in rows}, {"damage"})
        with open(path, "rb") as file:
            self.assertEqual(file.read(), damaged)
        daemon.start()
        self.assert_right(daemon, right)
        self.assertEqual(self.verify(daemon, 0)[0], [])


class WrittenAnew(UpkeepCase):
    def test_compact_while_everybody_goes_on(self):
        daemon = self.filled()
        for _ in range(4):  # garbage, and dead records
            for number in range(0, 320, 2):
                self.drop(f"d{number % 7}/{number}.json", {"id": f"v{number:03}", "n": number})
            daemon.sync(durable=True)
        right, before = truth(daemon), daemon.dump()
        size, seq = daemon.status()["index_bytes"], daemon.sync(durable=True)["seq"]
        generation = data_file(daemon.index)
        with Hammer(daemon.port, "/v1/videos/v101") as record, \
                Hammer(daemon.port, "/v1/videos?_size=1000&_sort=duration") as listing:
            done = json.loads(daemon.ctl("compact"))
            self.drop("after.json", {"id": "after"})
            daemon.sync()
        self.assertEqual(set(record.seen) | set(listing.seen), {200})
        self.assertIs(done["ok"], True)
        self.assertLess(done["index_bytes"], size)
        self.assertNotEqual(data_file(daemon.index), generation)
        self.assertFalse(os.path.exists(generation))
        changes = json_of(daemon.get(f"/v1/changes?since={seq}"))["results"]
        self.assertEqual([row["id"] for row in changes], ["after"], "numbers stay")
        os.unlink(self.path("after.json"))
        daemon.sync()
        self.assert_right(daemon, right)
        self.assert_dump(daemon, before)
        self.assertEqual(self.verify(daemon, 0)[0], [])
        daemon.restart()
        self.assert_right(daemon, right)

    def test_a_worn_index_is_compacted_by_itself(self):
        daemon = self.daemon(config="[fold]\nquiet_ms = 10\ninterval_ms = 50\n")
        kept = {"id": "kept", "n": 1}
        self.drop("kept.json", kept)
        daemon.sync()
        version = 0

        def rewritten():
            nonlocal version
            version += 1
            for number in range(1000):
                self.drop(f"w{number % 9}/{number}.json",
                          {"id": f"w{number}", "version": version, "text": os.urandom(1200).hex()})
            daemon.sync(durable=True)
            return daemon.status()["upkeep"]["rewrites"] >= 1

        with Hammer(daemon.port, "/v1/videos/kept", keep=lambda answer: answer.body) as reader:
            wait_for(rewritten, "a compaction that nobody asked for", 30)
        self.assertGreater(version, 1, "only what was replaced makes it worth it")
        self.assertEqual(len(set(reader.seen)), 1)
        self.assertEqual(daemon.status()["upkeep"]["asked"], 0)
        size = os.path.getsize(data_file(daemon.index))
        daemon.kill9()
        daemon.start()
        self.assert_converged(daemon)
        self.assertEqual(self.verify(daemon, 0)[0], [])
        self.assertLess(size, 3 * json.loads(daemon.ctl("compact"))["index_bytes"])

    def test_reindex_reads_every_file(self):
        daemon = self.filled()
        right, before = truth(daemon), daemon.dump()
        status, seq = daemon.status(), daemon.sync(durable=True)["seq"]
        generation = data_file(daemon.index)
        with Hammer(daemon.port, "/v1/videos/v101") as record:
            self.assertIs(json.loads(daemon.ctl("reindex"))["ok"], True)
        self.assertEqual(set(record.seen), {200})
        after = daemon.status()
        self.assertGreaterEqual(after["fragments_read"] - status["fragments_read"], status["fragments"])
        self.assertNotEqual(data_file(daemon.index), generation)
        self.assertEqual(json_of(daemon.get(f"/v1/changes?since={seq}"))["results"], [])
        self.assertEqual(ask(daemon, "/v1/videos/v900")[0], 200, "last good content stays")
        self.assert_right(daemon, right)
        self.assert_dump(daemon, before)
        self.assertEqual(self.verify(daemon, 0)[0], [])

    def test_they_need_the_daemon(self):
        daemon = self.daemon()
        daemon.stop()
        for command in ("compact", "reindex"):
            self.assertEqual(daemon.run_ctl("--index", daemon.index, command).returncode, 3)
        shutil.rmtree(daemon.index)
        self.assertEqual(daemon.run_ctl("--index", daemon.index, "verify").returncode, 4)


if __name__ == "__main__":
    unittest.main()
