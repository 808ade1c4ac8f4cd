"""Convergence under random operations: after each sequence, a barrier; then the dump of the live
index must equal, byte for byte, that of an index rebuilt from scratch from the same files.

A trial is a fresh folder and index with up to TRIAL sequences on it; its course follows from
(JCN_SEED, trial number) alone. A failure prints both, the operations and a diff.

  JCN_SEED=N        the seed (printed; default: the clock)
  JCN_SEQUENCES=N   how many sequences (default 300)
  JCN_OPERATIONS=N  how many operations each has (default 30)
  JCN_TRIAL=N       runs only this trial
"""

import difflib
import errno
import os
import random
import shutil
import stat
import time
import unittest

from harness import JcnCase, create_unnamed_then_link, exchange, rebuild_dump, write_whole

SEQUENCES = int(os.environ.get("JCN_SEQUENCES") or 300)
OPERATIONS = int(os.environ.get("JCN_OPERATIONS") or 30)  # of each sequence
TRIAL = 10  # sequences on one index

SETTLE = "[settle]\nfirst_ms = 5\nsecond_ms = 15\n"

CONFIGURATIONS = {
    "default": SETTLE,
    "unions": SETTLE + """
[[rule]]
match = "**/*.views.json"
id = ["/id", "stem"]
rank = 5
null = "ignore"
union = ["/tags"]
max = ["/n"]
min = ["/m/x"]
[[rule]]
match = "**/*.json"
id = ["/id", "stem"]
order_by = "/n"
""",
    "anchors": SETTLE + """
[[rule]]
kind = "videos"
root = "one"
match = "**/a*.json"
id = ["/id", "stem"]
anchor = true
rank = -1
[[rule]]
kind = "people"
match = "d/**/*.json"
id = ["path"]
[[rule]]
kind = "videos"
match = "**/*.json"
id = ["/id", "stem"]
union = ["/tags"]
""",
    "strict": 'ignore = ["e", "b*"]\n' + SETTLE + """
[fold]
quiet_ms = 10
[[rule]]
match = "**/*.json"
id = ["/id"]
[limits]
max_bytes = 120
max_depth = 3
max_members = 6
""",
}

ROOTS = ("one", "two")
FOLDERS = (b"", b"d", b"e", b"d/e", b"d/e/d", b"x.json", b".hid", "ü".encode(), b"f\xff", b"d.tmp")
NAMES = (b"a.json", b"b.json", b"a.views.json", b"b.views.json", b"abc.json", "ü.json".encode(),
         b"\xff.json", b"n\nl.json", b"x.json", b"a.json.part", b".a.json", b"notes.txt")
GOOD = (
    b'{"id":"a","n":1,"tags":["x","y"]}',
    b'{"id":"a","n":2.50,"tags":["y","z"],"m":{"x":1,"y":null}}',
    b'{"id":"a","n":null,"m":{"x":0.5}}',
    b'{"id":"b","title":"\\u00fc","m":{"x":{"deep":[1,2]}}}',
    b'{"id":"b","m":null}',
    b'{"id":5}', b'{"id":"5","n":1e2}', b'{"id":64176294690080990,"n":-0}',
    b'{"title":"no id"}', b'{"n":3,"tags":"scalar"}', b'{}', b' {\r\n"n": 7 }\n',
    b'{"id":"","n":9}', b'{"id":"c/d","tags":[{"a":1},[2],null,2.0,2]}',
    b'{"id":"big","text":"' + b"word " * 60 + b'"}',
    b'{"id":"wide","a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7}',
)
BAD = (
    b'{"id":"a","n":', b"", b"[1]", b'{"id":"a","id":"b"}', b'{"id":"\xff"}', b"\xef\xbb\xbf{}",
    b'{"id":"a"}x', b'{"a":01}', b'{"id":"."}', b'{"id":"a\\ud800"}', b'{"n":1e400}', b"nul\0",
    b'{"a":' + b"[" * 80 + b"]" * 80 + b"}",
)
# What an operation may meet, since it is drawn without knowing what is there.
EXPECTED = {errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.EINVAL,
            errno.ELOOP, errno.EXDEV, errno.EPERM, errno.EACCES}


class Trial:
    """One folder, one index, one course of operations."""

    def __init__(self, case, seed):
        self.case = case
        self.random = random.Random(seed)
        self.log = []
        self.base = case.folder("trial")
        for root in ROOTS + ("outside",):
            case.folder(f"trial/{root}")
        self.roots = [os.fsencode(os.path.join(self.base, root)) for root in ROOTS]
        self.outside = os.fsencode(os.path.join(self.base, "outside"))
        folders = [f"{root}={os.path.join(self.base, root)}" for root in ROOTS]
        self.rules = self.random.choice(sorted(CONFIGURATIONS))
        self.daemon = case.new_daemon(*folders, index="trial/index",
                                      config=CONFIGURATIONS[self.rules])
        self.restarts = 0
        self.paused = False
        self.note("start", self.rules)
        self.daemon.start()

    def note(self, *what):
        self.log.append(" ".join(repr(part) if isinstance(part, bytes) else str(part)
                                 for part in what))

    # Drawing.

    def any_folder(self):
        root, folder = self.random.choice(self.roots), self.random.choice(FOLDERS)
        return os.path.join(root, folder).rstrip(b"/")

    def any_subfolder(self):
        """Never a root itself: roots that vanish have their own tests (and rules)."""
        return os.path.join(self.random.choice(self.roots), self.random.choice(FOLDERS[1:]))

    def any_path(self):
        return os.path.join(self.any_folder(), self.random.choice(NAMES))

    def entries(self, wanted):
        found = []
        for root in self.roots:
            for folder, folders, names in os.walk(root):
                links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
                real = [name for name in folders if name not in links]
                found += [os.path.join(folder, name)
                          for name in (real if wanted == "folders" else names + links)]
        return sorted(found)

    def some_file(self):
        files = self.entries("files")
        return self.random.choice(files) if files else self.any_path()

    def some_folder(self):
        folders = self.entries("folders")
        return self.random.choice(folders) if folders else self.any_subfolder()

    def body(self):
        return self.random.choice(BAD if self.random.random() < 0.25 else GOOD)

    def show(self, path):
        return path.replace(os.fsencode(self.base) + b"/", b"")

    @staticmethod
    def lonely(path):
        """Editing through one of several names sends no event for the others: not done here."""
        info = os.lstat(path)
        return stat.S_ISREG(info.st_mode) and info.st_nlink == 1

    # Operations: each returns what it did, for the log.

    def create(self):
        path, body = self.any_path(), self.body()
        if os.path.lexists(path) and not self.lonely(path):
            return "create nothing"
        self.note("create", self.show(path), body)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_whole(path, body)

    def drop(self):
        path, body = self.any_path(), self.body()
        self.note("drop", self.show(path), body)
        staged = os.path.join(self.outside, b"staged")
        if os.path.lexists(staged):
            os.unlink(staged)
        write_whole(staged, body)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.rename(staged, path)

    def append(self):
        path, tail = self.some_file(), self.random.choice((b" ", b"\n", b"}", b"x", b'{"id":'))
        if self.lonely(path):
            self.note("append", self.show(path), tail)
            with open(path, "ab") as file:
                file.write(tail)

    def truncate(self):
        path = self.some_file()
        if self.lonely(path):
            size = self.random.randint(0, os.path.getsize(path))
            self.note("truncate", self.show(path), size)
            os.truncate(path, size)

    def overwrite(self):
        path, body = self.some_file(), self.body()
        if self.lonely(path):
            self.note("overwrite", self.show(path), body)
            write_whole(path, body)

    def overwrite_in_pieces(self):
        path, body = self.some_file(), self.body()
        if self.lonely(path):
            self.note("overwrite in pieces", self.show(path), body)
            with open(path, "r+b", buffering=0) as file:
                for start in range(0, len(body), 7):
                    file.write(body[start:start + 7])
                file.truncate(len(body))

    def same_size_same_mtime(self):
        path = self.some_file()
        if not self.lonely(path):
            return
        info = os.stat(path)
        with open(path, "r+b") as file:
            data = bytearray(file.read())
            digits = [at for at, byte in enumerate(data) if 0x31 <= byte <= 0x39]
            if not digits:
                return
            at = self.random.choice(digits)
            data[at] = 0x31 + (data[at] - 0x31 + 1) % 9
            self.note("same size, same mtime", self.show(path), bytes(data))
            file.seek(0)
            file.write(data)
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))

    def touch(self):
        path, when = self.some_file(), self.random.choice((0, 1, 2_000_000_000))
        self.note("touch", self.show(path), when)
        os.utime(path, (when, when), follow_symlinks=False)

    def rename(self):
        source, target = self.some_file(), self.any_path()
        self.note("rename", self.show(source), self.show(target))
        os.rename(source, target)

    def rename_round(self):
        source, middle = self.some_file(), self.any_path()
        self.note("rename round", self.show(source), self.show(middle))
        os.rename(source, middle)
        os.rename(middle, source)

    def move_out_or_in(self):
        outside = os.path.join(self.outside, self.random.choice((b"f1", b"f2")))
        path = self.some_file() if self.random.random() < 0.5 else self.any_path()
        pair = (outside, path) if os.path.isfile(outside) else (path, outside)
        self.note("move out or in", *map(self.show, pair))
        os.rename(*pair)

    def exchange(self):
        draw = self.random.random()
        a = self.some_file() if draw < 0.6 else self.some_folder()
        b = self.some_file() if draw < 0.3 or draw > 0.8 else self.some_folder()
        self.note("exchange", self.show(a), self.show(b))
        exchange(a, b)

    def link(self):
        source, target = self.some_file(), self.any_path()
        self.note("link", self.show(source), self.show(target))
        os.link(source, target, follow_symlinks=False)

    def unnamed(self):
        path, body = self.any_path(), self.body()
        self.note("unnamed", self.show(path), body)
        create_unnamed_then_link(os.path.dirname(path), os.path.basename(path), body)

    def symlink(self):
        path = self.any_path()
        target = self.random.choice((b"a.json", b"nowhere", b"..", b"../outside", b"/etc/passwd"))
        self.note("symlink", self.show(path), target)
        os.symlink(target, path)

    def fifo(self):
        path = self.any_path()
        self.note("fifo", self.show(path))
        os.mkfifo(path)

    def delete(self):
        path = self.some_file()
        self.note("delete", self.show(path))
        os.unlink(path)

    def mkdir(self):
        path = self.any_subfolder()
        self.note("mkdir", self.show(path))
        os.makedirs(path)

    def mkdir_filled(self):
        path = os.path.join(self.any_folder(), self.random.choice((b"n/m", b"d", b"e/e/e")))
        bodies = [(self.random.choice(NAMES), self.body()) for _ in range(3)]
        self.note("mkdir filled", self.show(path), *[part for pair in bodies for part in pair])
        os.makedirs(path)
        for name, body in bodies:
            write_whole(os.path.join(path, name), body)

    def rmdir(self):
        path = self.some_folder()
        self.note("rmdir", self.show(path))
        os.rmdir(path)

    def remove_tree(self):
        path = self.some_folder()
        self.note("remove tree", self.show(path))
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.rmdir(path)  # fails; rmtree would wait for the other end of a FIFO

    def move_folder(self):
        source = self.some_folder()
        target = self.any_subfolder() if self.random.random() < 0.6 else self.some_folder()
        self.note("move folder", self.show(source), self.show(target))
        os.rename(source, target)

    def move_folder_out_or_in(self):
        outside = os.path.join(self.outside, b"folder")
        pair = ((outside, self.any_subfolder()) if os.path.isdir(outside)
                else (self.some_folder(), outside))
        self.note("move folder out or in", *map(self.show, pair))
        os.rename(*pair)

    def sync(self):
        self.note("sync")
        if not self.paused:
            self.daemon.sync()

    def durable_sync(self):
        self.note("durable sync")
        if not self.paused:
            self.daemon.sync(durable=True)

    def pause(self):
        if self.paused:
            self.note("continue")
            self.daemon.cont()
        else:
            self.note("pause")
            self.daemon.pause()
        self.paused = not self.paused

    def go_on(self):
        if self.paused:
            self.pause()

    # Life of the daemon: a few operations while it is down.

    def while_down(self):
        for _ in range(self.random.choice((0, 0, 1, 3))):
            self.step(PLAIN)

    def restart(self):
        self.go_on()
        self.note("stop")
        self.daemon.stop()
        self.while_down()
        self.note("start")
        self.daemon.start()

    def kill(self):
        self.go_on()
        self.note("kill -9")
        self.daemon.kill9()
        self.while_down()
        self.note("start")
        self.daemon.start()

    def kill_at_start(self):
        self.go_on()
        self.note("kill -9, launch, kill -9 soon")
        self.daemon.kill9()
        self.while_down()
        self.daemon.launch()
        until = time.monotonic() + self.random.uniform(0, 0.03)
        while time.monotonic() < until:
            pass
        self.daemon.kill9()
        self.while_down()
        self.note("start")
        self.daemon.start()

    def configure(self):
        self.go_on()
        self.rules = self.random.choice(sorted(CONFIGURATIONS))
        if self.random.random() < 0.5:
            self.note("kill -9")
            self.daemon.kill9()
        else:
            self.note("stop")
            self.daemon.stop()
        self.while_down()
        self.daemon.config = CONFIGURATIONS[self.rules]
        self.note("start", self.rules)
        self.daemon.start()

    def step(self, operations):
        names, weights = zip(*operations)
        name = self.random.choices(names, weights)[0]
        try:
            getattr(self, name)()
        except (OSError, shutil.Error) as error:
            if getattr(error, "errno", None) not in EXPECTED:
                raise
            self.note("  ", name, os.strerror(error.errno))

    def sequence(self):
        for _ in range(OPERATIONS):
            self.step(ALL)
        self.go_on()

    def clear(self):
        """Empties the roots now and then, so that they stay small."""
        self.note("clear")
        for root in self.roots + [self.outside]:
            for entry in os.scandir(root):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    os.unlink(entry.path)


PLAIN = [("create", 14), ("drop", 12), ("append", 4), ("truncate", 4), ("overwrite", 6),
         ("overwrite_in_pieces", 3), ("same_size_same_mtime", 3), ("touch", 1), ("rename", 8),
         ("rename_round", 2), ("move_out_or_in", 4), ("exchange", 4), ("link", 3), ("unnamed", 2),
         ("symlink", 2), ("fifo", 1), ("delete", 6), ("mkdir", 3), ("mkdir_filled", 4),
         ("rmdir", 2), ("remove_tree", 2), ("move_folder", 5), ("move_folder_out_or_in", 3)]
ALL = PLAIN + [("sync", 12), ("durable_sync", 1.5), ("pause", 3), ("restart", 0.5), ("kill", 0.5),
               ("kill_at_start", 0.3), ("configure", 0.5)]


class Convergence(JcnCase):
    def test_random_sequences(self):
        seed = int(os.environ.get("JCN_SEED") or time.time_ns() % 1_000_000_000)
        only = os.environ.get("JCN_TRIAL")
        trials = [int(only)] if only else range((SEQUENCES + TRIAL - 1) // TRIAL)
        print(f"\n  JCN_SEED={seed} JCN_SEQUENCES={SEQUENCES}", flush=True)
        began, sequences, operations, records, rejects = time.monotonic(), 0, 0, 0, 0
        for number in trials:
            trial = Trial(self, f"{seed}/{number}")
            try:
                for _ in range(min(TRIAL, SEQUENCES - number * TRIAL) if not only else TRIAL):
                    self.got_on()
                    trial.sequence()
                    answer = trial.daemon.sync()
                    self.assertEqual(answer["unsettled"], [])
                    live, rebuilt = self.dumps(trial)
                    if live != rebuilt:
                        self.fail(self.report(seed, number, trial, live, rebuilt))
                    trial.note("-- converged --")
                    sequences += 1
                    lines = live.splitlines()
                    records += sum(line.startswith(b'{"kind"') for line in lines)
                    rejects += sum(line.startswith(b'{"root"') for line in lines)
                    if trial.random.random() < 0.4:
                        trial.clear()
                trial.daemon.stop()
            except (AssertionError, OSError) as error:
                if "JCN_SEED" in str(error):
                    raise
                raise AssertionError(self.report(seed, number, trial, b"", b"")) from error
            operations += sum(not line.startswith((" ", "--")) for line in trial.log)
            shutil.rmtree(trial.base)
        print(f"  {sequences} sequences, {operations} operations, {records} records and {rejects} "
              f"rejects compared in {time.monotonic() - began:.1f} s", flush=True)
        self.assertGreater(records, 0)
        self.assertGreater(rejects, 0)

    def dumps(self, trial):
        daemon = trial.daemon
        return daemon.dump(), rebuild_dump(daemon.folders, daemon.config, self.tmp)

    @staticmethod
    def report(seed, number, trial, live, rebuilt):
        last = max((at for at, line in enumerate(trial.log) if line == "-- converged --"),
                   default=-1)
        diff = difflib.unified_diff(
            rebuilt.decode("utf-8", "replace").splitlines(),
            live.decode("utf-8", "replace").splitlines(), "rebuilt", "live", lineterm="", n=0)
        return "\n".join([f"JCN_SEED={seed} JCN_TRIAL={number}: not converged; "
                          f"rules {trial.rules}; {last + 1} lines of operations before",
                          *trial.log[last + 1:], *[line[:1500] for line in diff][:60],
                          trial.daemon.stderr_tail(20)])


if __name__ == "__main__":
    unittest.main()
