"""Power loss: of what jcn writes, the disk has only what was synced. power_loss.cc is preloaded and
keeps that; just before the N-th sync jcn is killed, and its index, and the folder that it writes to
for others, are made what the disk had. From there it must start, converge, and have every file that
was answered as written. A sample in the usual run, every N with JCN_FULL=1; JCN_POWER_AT=N takes one."""

import collections
import os
import random
import shutil
import unittest

from harness import FULL, Daemon, JcnCase, rebuild_dump
from preloaded import built_library
from sweep_workload import CONFIG, Hook, Live

SAMPLE = 12
AT = os.environ.get("JCN_POWER_AT")


def identity_of(path):
    """As power_loss.cc has it; Python knows no time of birth."""
    found = os.stat(path, follow_symlinks=False)
    return found.st_ino


class Disk:
    """What power_loss.cc has kept."""

    def __init__(self, folder):
        self.folder = folder
        self.names = collections.defaultdict(dict)  # folder → name → file, or "folder"
        try:
            with open(os.path.join(folder, "names"), encoding="utf-8") as lines:
                for line in lines:
                    path, name, *rest = line.rstrip("\n").split("\t")
                    if rest:
                        self.names[path][name] = rest[0]
                    else:
                        self.names[path] = {}
        except FileNotFoundError:
            pass

    def bytes_of(self, file):
        try:
            with open(os.path.join(self.folder, file), "rb") as kept:
                return kept.read()
        except FileNotFoundError:
            return b""  # its name was synced, and nothing of what is in it

    def restore(self, path):
        """Makes the folder what the disk had. Files that are the same keep their inodes."""
        names = self.names.get(path, {})
        for name in os.listdir(path):
            each = os.path.join(path, name)
            if os.path.isdir(each):
                if names.get(name) != "folder":
                    shutil.rmtree(each)
            elif not names.get(name, "").startswith(f"{identity_of(each)}-"):
                os.unlink(each)
        for name, file in names.items():
            each = os.path.join(path, name)
            if file == "folder":
                os.makedirs(each, exist_ok=True)
                self.restore(each)
            else:
                with open(each, "r+b" if os.path.exists(each) else "wb") as out:
                    out.write(self.bytes_of(file))
                    out.truncate()


class PowerLoss(JcnCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.library = built_library(cls, "power_loss.cc")

    def setUp(self):
        super().setUp()
        self.random = random.Random(4711)

    def workload(self, live, root, answered, tried):
        """Files that users drop, and files that jcn writes for them: what was answered as done (None:
        removed), and what was asked after that."""
        tags = {}

        def ask(method, name, body, headers):
            tried[name].append(body)
            answer = live.ask(method, f"/v1/fragments/api/{name}", body, headers)
            if answer is not None and answer.status in (200, 201, 204):
                answered[name], tried[name] = body, []
                tags[name] = answer.headers.get("etag")
        for step in range(60):
            self.write(os.path.join(root, f"d{step % 3}/{self.random.randrange(9)}.json"),
                       {"id": f"v{self.random.randrange(20)}", "step": step})
            name = f"f{self.random.randrange(3)}/{self.random.randrange(3)}.json"
            body = b'{"id":"a%d","step":%d}' % (self.random.randrange(9), step)
            if answered.get(name) is None:
                ask("PUT", name, body, {"If-None-Match": "*"})
            elif step % 4 == 3:
                ask("DELETE", name, None, {"If-Match": tags[name]})
            else:
                ask("PUT", name, body, {"If-Match": tags[name]})
            if step in (20, 40):
                live.written_anew("compact" if step == 20 else "reindex")
            if step % 6 == 5:
                live.sync(True)

    def loss(self, number):
        """How many syncs there were, when none is the number; else whether it was met."""
        folder = self.folder(f"loss{number}")
        disk, notes, api = (os.path.join(folder, name) for name in ("disk", "notes", "api"))
        for path in (disk, notes, api):
            os.makedirs(path)
        answered, tried = {}, collections.defaultdict(list)
        with Hook(folder) as hook:
            daemon = Daemon([notes, api], os.path.join(folder, "index"), CONFIG + hook.config,
                            arguments=["--writable"],
                            environment={"LD_PRELOAD": self.library, "POWER_DISK": disk,
                                         "POWER_AT": str(number)})
            try:
                try:
                    daemon.start()
                except AssertionError:
                    self.assertFalse(daemon.alive())
                live = Live(daemon)
                self.workload(live, notes, answered, tried)
                met = live.ask("GET", "/v1/status") is None  # alive() may lag behind
                daemon.kill9()
                kept = Disk(disk)
                for path in (daemon.index, api):
                    if os.path.isdir(path):
                        kept.restore(path)
                for name, body in answered.items():
                    path = os.path.join(api, name)
                    there = None
                    if os.path.exists(path):
                        with open(path, "rb") as file:
                            there = file.read()
                    self.assertIn(there, [body, *tried[name]], f"{name}: answered as written, and lost")
                daemon.environment = None
                daemon.start()
                self.assertEqual(daemon.sync(durable=True)["unsettled"], [])
                self.assertEqual(daemon.dump(), rebuild_dump(daemon.folders, CONFIG, self.tmp))
                self.assertEqual(daemon.rejects(), {}, "half a file stands under a name")
                self.assertEqual(hook.waited_for(daemon), [], "the webhook has not heard of them")
                if number == 0:
                    self.assertEqual(daemon.stderr_text().count("damaged"), 0, daemon.stderr_tail())
                daemon.stop()
                return met
            except AssertionError as failure:
                raise AssertionError(f"JCN_POWER_AT={number}: {failure}\n{daemon.stderr_tail()}") from None
            finally:
                daemon.kill9()
                shutil.rmtree(folder)

    def test_webhook_that_was_told_of_what_is_lost_begins_anew(self):
        """Its receiver would have that record for ever: jcn knows nothing of it, nor of its end."""
        folder = self.folder("told")
        disk, notes = os.path.join(folder, "disk"), os.path.join(folder, "notes")
        for path in (disk, notes):
            os.makedirs(path)
        seldom = CONFIG.replace("quiet_ms = 20", "quiet_ms = 60000").replace("interval_ms = 200",
                                                                         "interval_ms = 60000")
        with Hook(folder) as hook:
            receiver = hook.receiver
            daemon = Daemon([notes], os.path.join(folder, "index"), seldom + hook.config,
                            arguments=["--writable"],  # or it could not write to `disk`
                            environment={"LD_PRELOAD": self.library, "POWER_DISK": disk,
                                         "POWER_AT": "0"})
            self.addCleanup(daemon.kill9)
            daemon.start()
            receiver.wait_fresh()
            daemon.sync(durable=True)
            gone = os.path.join(notes, "gone.json")
            self.write(gone, {"id": "gone"})
            receiver.wait_for(lambda each: "gone" in each.latest(), "to be told")
            daemon.kill9()
            Disk(disk).restore(daemon.index)
            os.unlink(gone)
            daemon.environment = None
            daemon.start()
            receiver.wait_for(lambda each: each.fresh_events() == 2, "to be told to begin anew")
            self.assertIsNone(daemon.record("gone"))
            daemon.stop()

    def test_what_was_not_synced_is_lost_and_nothing_else(self):
        if AT:
            self.assertTrue(self.loss(int(AT)), "there were not so many syncs")
            return
        self.loss(0)
        number, met, step = 1, 0, 1
        while self.loss(number):
            self.got_on()
            met += 1
            step = 1 if FULL else self.random.randrange(1, 2 * 130 // SAMPLE)
            number += step
        print(f"{met} losses of power before the syncs 1 to {number - step}", flush=True)
        self.assertGreater(met, SAMPLE // 2)


if __name__ == "__main__":
    unittest.main()
