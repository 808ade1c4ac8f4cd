"""FAULTS 33, 34, 38: how files come into a folder: the temporary names of tools, rsync and vim
themselves, giants, files that change while they are read."""

import glob
import os
import re
import shutil
import signal
import subprocess
import threading
import unittest

from harness import FULL, TIME_FACTOR, Hammer, JcnCase, encode, json_of, wait_for, write_whole
from test_restart import strace_works

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


class RealTools(JcnCase):
    """What stands in the folder is asked for all the time, and no more than that ever was a record: the
    feed remembers the others. strace gives each state that a tool goes through its time."""

    # On a machine that is busy, what a tool writes may be torn for longer than usual.
    CONFIG = "[settle]\nsecond_ms = 2000\n"

    def setUp(self):
        super().setUp()
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")
        self.live = self.daemon(config=self.CONFIG)
        for name in ("talk", "other"):
            self.drop(f"{name}.json", {"turn": 0})
        self.live.sync()

    def run_tool(self, *command):
        """The names in the folder that the tool made, renamed or removed."""
        trace = os.path.join(self.tmp, "trace")
        moves = "rename,renameat,renameat2,link,linkat,unlink,unlinkat"
        done = subprocess.run(
            ["strace", "-f", "-o", trace, "-e", f"trace=openat,mkdir,mkdirat,{moves}",
             "-e", f"inject={moves}:delay_enter=10000:delay_exit=20000", *command],
            cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=60 * TIME_FACTOR, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        with open(trace, encoding="utf-8", errors="replace") as lines:
            return {os.path.basename(name) for line in lines if "O_CREAT" in line or "openat" not in line
                    for name in re.findall(r'"([^"]*)"', line)}

    def meanwhile(self):
        """Asks for rejects while a tool works. No reject is shown for what is not whole yet."""
        return Hammer(self.live.port, "/v1/rejects", lambda answer: json_of(answer)["rows"])

    def assert_only(self, records):
        """Id → record; nothing else is there, and nothing ever was."""
        self.live.sync()
        self.assertEqual({row.pop("_id"): row for row in self.live.rows()}, records)
        changes = json_of(self.live.get("/v1/changes"))["results"]
        self.assertEqual({change["id"] for change in changes}, set(records))
        self.assertEqual(self.live.rejects(), {})
        self.assert_converged(self.live)

    @unittest.skipUnless(shutil.which("rsync"), "rsync is not installed")
    def test_fault_38_rsync(self):
        source = self.folder("source")
        for turn, (options, names) in enumerate((
                ("-a", r"\.talk\.json\.\w{6}"),
                ("-a --inplace", "talk.json"),
                ("-a --delay-updates", r"\.~tmp~"),
                ("-a --partial", r"\.talk\.json\.\w{6}"),
                ("-a --partial-dir=.rsync-partial --delay-updates", r"\.rsync-partial"),
                ("-a --backup", "talk.json~"),
                ("-a --checksum --whole-file --fsync", r"\.talk\.json\.\w{6}")), 1):
            with self.subTest(options), self.meanwhile() as reader:
                # Longer at each other turn, so that writing in place cuts it, too.
                pad = "x" * (300_000 if turn % 2 else 10)
                for name in ("talk", "other"):
                    write_whole(os.path.join(source, f"{name}.json"), encode({"turn": turn, "pad": pad}))
                used = self.run_tool("rsync", *options.split(), source + "/", ".")
                self.assertTrue(any(re.fullmatch(names, name) for name in used), used)
                self.live.sync()
                record = {"turn": turn, "pad": pad}
                self.assertEqual(self.live.record("talk"), record)
            self.assertEqual([rows for rows in reader.seen if rows], [], options)
        self.assert_only({"talk": record, "other": record})

    @unittest.skipUnless(shutil.which("rsync"), "rsync is not installed")
    def test_fault_38_rsync_that_is_interrupted(self):
        source = self.folder("source")
        new = {"turn": 1, "pad": [number * number for number in range(80_000)]}
        write_whole(os.path.join(source, "talk.json"), encode(new))
        for options, kept in (("--partial-dir=.rsync-partial", ".rsync-partial/talk.json"),
                              ("--partial", "talk.json")):
            with self.subTest(options):
                rsync = subprocess.Popen(
                    ["rsync", "-a", "--whole-file", "--bwlimit=200", options, source + "/", "."],
                    cwd=self.root, start_new_session=True, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)
                wait_for(lambda: any(os.path.getsize(path) for path in
                                     glob.glob(self.path(".talk.json.??????"))), "half of it")
                os.killpg(rsync.pid, signal.SIGINT)
                self.assertEqual(rsync.wait(20 * TIME_FACTOR), 20)
                self.assertLess(0, os.path.getsize(self.path(kept)))
                self.assertLess(os.path.getsize(self.path(kept)),
                                os.path.getsize(os.path.join(source, "talk.json")))
                self.live.sync()
                self.assertEqual(self.live.record("talk"), {"turn": 0}, "the last that was whole")
                self.assertEqual(set(self.live.rejects()), {kept} - {".rsync-partial/talk.json"})
        self.run_tool("rsync", "-a", "--partial", source + "/", ".")
        shutil.rmtree(self.path(".rsync-partial"))
        self.assert_only({"talk": new, "other": {"turn": 0}})

    @unittest.skipUnless(shutil.which("vim.tiny"), "vim.tiny is not installed")
    def test_fault_38_vim(self):
        for turn, (options, names) in enumerate((
                ("backup backupcopy=yes", {".talk.json.swp", "talk.json~"}),
                ("backup backupcopy=no", {".talk.json.swp", "talk.json~"}),
                ("backup backupcopy=auto", {".talk.json.swp", "talk.json~", "4913"}),
                ("nobackup writebackup backupcopy=yes", {".talk.json.swp", "talk.json~"}),
                ("nobackup writebackup backupcopy=no", {".talk.json.swp", "talk.json~"}),
                ("backup backupcopy=no backupext=.bak", {"talk.json.bak"}),
                ("nobackup backupcopy=yes patchmode=.orig", {"talk.json~", "talk.json.orig"}),
                ("backup backupcopy=no patchmode=.orig", {"talk.json.orig"}),
                ("nobackup nowritebackup noswapfile", {"talk.json"})), 1):
            with self.subTest(options), self.meanwhile() as reader:
                used = self.vim(f"set {options}", f"%s/{turn - 1}/{turn}/", "wq", "talk.json")
                self.assertLessEqual(names, used)
                self.live.sync()
                self.assertEqual(self.live.record("talk"), {"turn": turn})
            self.assertEqual([rows for rows in reader.seen if rows], [], options)
            # vim keeps the first of all only if there is none.
            for left in glob.glob(self.path("talk.json?*")):
                os.unlink(left)
        self.assert_only({"talk": {"turn": turn}, "other": {"turn": 0}})

    @unittest.skipUnless(shutil.which("vim.tiny"), "vim.tiny is not installed")
    def test_fault_38_vim_makes_another_file_and_writes_one_in_parts(self):
        with self.meanwhile() as reader:
            self.vim("set backup", "%s/0/7/", "w new.json", "%s/7/8/", "w", "w! new.json", "q!",
                     "talk.json")
            self.live.sync()
        self.assertEqual([rows for rows in reader.seen if rows], [])
        # What is no JSON is a reject, as it stands in the file, and its last good content stays.
        self.vim("set nobackup", "%s/}//", "wq", "new.json")
        self.live.sync()
        self.assertEqual(set(self.live.rejects()), {"new.json"})
        self.assertEqual(self.live.record("new"), {"turn": 8})
        self.vim("set backup", "%s/$/}/", "wq", "new.json")
        self.assert_only({"talk": {"turn": 8}, "new": {"turn": 8}, "other": {"turn": 0}})

    def vim(self, *commands):
        """The last is the file. By default nothing below /tmp is kept beside."""
        words = [word for command in ("set backupskip=", *commands[:-1]) for word in ("-c", command)]
        return self.run_tool("vim.tiny", "-u", "NONE", "-es", *words, commands[-1])


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
