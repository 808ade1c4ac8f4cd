"""FAULTS 33, 34, 38: how files come into a folder: the temporary names of tools, giants, files that
change while they are read."""

import os
import threading
import unittest

from harness import FULL, Hammer, JcnCase, encode, json_of, wait_for, write_whole

# Tool, the names that it writes to before it renames to "talk.json", whether it writes beside the
# file or not. As their sources and documents have it.
TOOLS = [
    ("rsync", [".talk.json.Xq3hZ1"]),
    ("rsync --partial-dir", [".rsync-partial/talk.json"]),
    ("rsync --delay-updates", [".~tmp~/talk.json"]),
    ("rclone", ["talk.json.5f3a9c1e.partial"]),
    ("vim", [".talk.json.swp", "talk.json~"]),
    ("emacs", [".#talk.json", "#talk.json#", "talk.json~"]),
    ("firefox", ["talk.json.part"]),
    ("chromium", ["talk.json.crdownload"]),
    ("nextcloud", ["talk.json.ocTransferId123456.part"]),
    ("syncthing", [".syncthing.talk.json.tmp"]),
    ("lftp, FileZilla", ["talk.json.filepart"]),
    ("scripts", ["talk.json.tmp", ".talk.json"]),
]


class TemporaryNames(JcnCase):
    def test_fault_38_ignored_until_they_are_renamed(self):
        daemon = self.daemon()
        torn = b'{"id":"talk","turn":'
        for turn, (tool, names) in enumerate(TOOLS):
            with self.subTest(tool), Hammer(
                    daemon.port, "/v1/rejects", lambda answer: json_of(answer)["rows"]) as reader:
                for name in names:
                    path = self.write(name, torn)  # half of it is there, for a while
                    daemon.sync()
                    self.assertEqual(daemon.explain(path)["status"], "ignored", name)
                write_whole(path, encode({"id": "talk", "turn": turn}))
                daemon.sync()
                if turn:
                    self.assertEqual(daemon.record("talk")["turn"], turn - 1)
                os.rename(path, self.path("talk.json"))
                daemon.sync()
                self.assertEqual(daemon.record("talk"), {"id": "talk", "turn": turn})
            self.assertEqual([rows for rows in reader.seen if rows], [])
        self.assertEqual(daemon.ids(), ["talk"])
        self.assert_converged(daemon)


class Changing(JcnCase):
    def test_fault_33_giants_are_refused_by_their_size(self):
        daemon = self.daemon()
        for number, size in enumerate((10 << 30, 1 << 40)):
            with open(self.path(f"giant{number}.json"), "wb") as file:
                os.truncate(file.fileno(), size)
        daemon.sync()
        self.assertEqual({path: row["code"] for path, row in daemon.rejects().items()},
                         {"giant0.json": "too_large", "giant1.json": "too_large"})
        self.drop("small.json", {"id": "small"})
        daemon.sync()
        self.assertIsNotNone(daemon.record("small"))
        os.truncate(self.path("giant0.json"), 0)
        self.write("giant0.json", {"id": "no giant"})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["no giant", "small"])
        self.assert_converged(daemon)

    def test_fault_34_replaced_and_growing_while_it_is_read(self):
        """Every answer is one of the whole states; the last one stays."""
        turns = 3000 if FULL else 600
        pad = "x" * 200_000
        self.drop("a.json", {"id": "a", "turn": 0, "text": pad, "last": 0})
        self.drop("grows.json", {"id": "grows", "turn": 0})
        daemon = self.daemon()
        seen = set()

        def keep(answer):
            record = json_of(answer)
            seen.add(record["turn"] == record["last"] and record["text"] == pad)
        with Hammer(daemon.port, "/v1/videos/a", keep):
            replacer = threading.Thread(target=lambda: [
                self.drop("a.json", {"id": "a", "turn": turn, "text": pad, "last": turn})
                for turn in range(1, turns + 1)])
            replacer.start()
            with open(self.path("grows.json"), "ab", buffering=0) as file:
                for turn in range(turns):
                    file.write(b"\n" * 50)  # each state of it is whole
            replacer.join()
            wait_for(lambda: daemon.record("a")["turn"] == turns, "the last state")
        self.assertEqual(seen, {True})
        daemon.sync()
        self.assertEqual(daemon.rejects(), {})
        self.assert_converged(daemon)


if __name__ == "__main__":
    unittest.main()
