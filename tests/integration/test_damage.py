"""Damage to the index, found and repaired: FAULTS 5, 6, 18, 22 to 25. Random damage, in numbers, is
test_damage_trials.py. JCN_SEED repeats a run."""

import collections
import os
import random
import shutil
import signal
import subprocess
import tarfile
import threading
import time
import unittest

from attached_strace import attached_strace
from damaged_index import (FOLDED_ON_DEMAND, LAST_GOOD, SCRUB_MS, DamageCase, ask, copy_index, data_file,
                           fill, note, replace_everywhere, targets, truth)
from harness import (PROJECT, TIME_FACTOR, Client, Hammer, json_of, provokes, rebuild_dump, wait_for,
                     write_whole)
from test_restart import strace_works


class Fault22(DamageCase):
    """Flipped bits, each where it matters, under a running daemon and at rest."""

    def damage_values(self, daemon, dictionary=False):
        """Flips a bit in every large block of segments, or in the dictionary."""
        path = data_file(daemon.index)
        with open(path, "rb") as file:
            data = file.read()
        # An overflow page (flag 4), of at least four pages, begins a block or a dictionary.
        pages = [at for at in range(8192, len(data), 4096)
                 if data[at + 10:at + 12] == b"\x04\0"
                 and int.from_bytes(data[at:at + 8], "little") == at // 4096
                 and int.from_bytes(data[at + 12:at + 16], "little") >= 4
                 and (b"\x37\xa4\x30\xec" in data[at + 16:at + 48]) == dictionary]
        self.assertTrue(pages)
        with open(path, "r+b") as file:
            for at in pages:
                file.seek(at + 9000)
                file.write(bytes([data[at + 9000] ^ 1]))

    def test_fault_22_damaged_blocks_are_errors_at_once_and_repaired_beside(self):
        daemon = self.filled(config="[storage]\nscrub_interval_ms = 0\n")
        right, before = truth(daemon), daemon.dump()
        status = daemon.status()
        wrong, over = [], threading.Event()

        def read():
            client = Client(daemon.port)
            while not over.is_set():
                for target, (_, value) in right.items():
                    answer = client.get(target)
                    if answer.status == 503 and json_of(answer)["code"] == "index_damaged":
                        continue
                    if answer.status != 200 and answer.status != 404:
                        wrong.append((target, answer))
            client.close()

        reader = threading.Thread(target=read)
        reader.start()
        try:
            self.damage_values(daemon)
            wait_for(lambda: self.upkeep(daemon)["rewrites"] == 1, "the repair", 20)
            self.wait_healthy(daemon)
        finally:
            over.set()
            reader.join()
        self.assertEqual(wrong, [], "an answer that is neither right nor an error")
        self.assertEqual(self.upkeep(daemon)["damage_found"], 1)
        self.assertEqual(daemon.status()["seq"], status["seq"], "nothing is new")
        self.assert_right(daemon, right)
        self.assertEqual(ask(daemon, f"/v1/videos/{LAST_GOOD}")[0], 200, "last good content stays")
        self.assert_dump(daemon, before)
        self.assertTrue(any(name.endswith(".damaged") for name in os.listdir(daemon.index)))
        metrics = daemon.get("/metrics").body.decode()
        self.assertIn("\njcn_damage_found_total 1\n", metrics)
        self.assertIn("\njcn_index_rewrites_total 1\n", metrics)
        daemon.restart()
        self.assert_right(daemon, right)

    def test_fault_22_damaged_rows_end_answers_until_they_are_right(self):
        """Rows have no checksum: what is asked meanwhile is right or 503."""
        daemon = self.filled()
        right, before = truth(daemon), daemon.dump()
        uuid = daemon.status()["uuid"]
        count = replace_everywhere(data_file(daemon.index), b"videos\0v150", b"videos\0v15z")
        self.assertGreater(count, 0)
        wait_for(lambda: self.upkeep(daemon)["damage_found"] == 1, "the damage to be found", 20)
        seen = collections.Counter()
        while True:
            for target, answer in right.items():
                got = ask(daemon, target)
                self.assert_answer(got, (answer, (503, "not_ready")), target)
                seen[got[0]] += 1
            if daemon.get("/readyz").status == 200:
                break
        self.wait_healthy(daemon)
        self.assert_right(daemon, right)
        self.assert_dump(daemon, before)
        self.assertEqual(daemon.status()["uuid"], uuid, "ids are made again from segments")
        self.assertEqual(ask(daemon, f"/v1/videos/{LAST_GOOD}")[0], 200)
        self.drop("new.json", {"id": "new"})
        daemon.sync()
        self.assertEqual(daemon.record("new"), {"id": "new"})
        self.assert_converged(daemon)

    def test_fault_22_at_rest_numbers_stay(self):
        daemon = self.filled()
        right, before = truth(daemon), daemon.dump()
        status = daemon.sync(durable=True)["seq"]
        daemon.stop()
        self.damage_values(daemon)
        daemon.start()
        self.assert_right(daemon, right)
        self.assert_dump(daemon, before)
        self.assertEqual(daemon.status()["uuid"], status.rpartition("-")[0])
        # A consumer that knows everything is told nothing twice.
        changes = json_of(daemon.get(f"/v1/changes?since={status}"))
        self.assertNotIn("fresh", changes)
        self.assertEqual(changes["results"], [])
        self.assertEqual(ask(daemon, f"/v1/videos/{LAST_GOOD}")[0], 200)
        self.assertIn("index repaired", daemon.stderr_text())

    def test_fault_22_without_the_dictionary_documents_come_from_their_files(self):
        daemon = self.filled()
        right, before = truth(daemon), daemon.dump()
        status = daemon.sync(durable=True)["seq"]
        daemon.stop()
        self.damage_values(daemon, dictionary=True)
        daemon.start()
        self.assert_right(daemon, right)
        self.assert_dump(daemon, before)
        # What no file says any more is gone, and only that is told.
        changes = json_of(daemon.get(f"/v1/changes?since={status}"))
        self.assertEqual([(row["id"], row.get("deleted")) for row in changes["results"]],
                         [(LAST_GOOD, True)])
        self.assertEqual(daemon.record(LAST_GOOD), None)
        self.assertIn("index repaired", daemon.stderr_text())

    def test_fault_22_at_rest_after_kill_9(self):
        daemon = self.filled()
        right = truth(daemon)
        daemon.kill9()
        replace_everywhere(data_file(daemon.index), b"videos\0v150", b"videos\0v15z")
        daemon.start()
        self.assert_right(daemon, right)
        self.assertIn("index repaired", daemon.stderr_text())

    def test_fault_22_a_crash_is_looked_into(self):
        daemon = self.filled()
        right = truth(daemon)
        daemon.process.send_signal(signal.SIGSEGV)
        daemon.process.wait(10 * TIME_FACTOR)
        daemon.close_process()
        mark = os.path.join(daemon.index, "crashed")
        self.assertTrue(os.path.exists(mark))
        daemon.start()
        self.assertIn("looked through before it is used", daemon.stderr_text())
        self.assertFalse(os.path.exists(mark))
        self.assert_right(daemon, right)
        before = daemon.stderr_text().count("looked through")
        daemon.kill9()
        daemon.start()
        self.assertEqual(daemon.stderr_text().count("looked through"), before,
                         "kill -9 is no evidence")

    def test_fault_22_all_of_it_overwritten_while_running(self):
        """LMDB may die of this; then it is started again, as a service manager would."""
        for fill_byte in (b"\0", b"\xff"):
            with self.subTest(fill_byte=fill_byte):
                daemon = self.filled(index=f"index{fill_byte[0]}")
                right, before = truth(daemon), daemon.dump()
                path = data_file(daemon.index)
                with open(path, "r+b") as file:
                    file.seek(8192)
                    file.write(fill_byte * (os.path.getsize(path) - 8192))
                deadline = time.monotonic() + 20 * TIME_FACTOR
                while time.monotonic() < deadline:
                    try:
                        if daemon.alive() and self.upkeep(daemon)["rewrites"] == 1 \
                                and daemon.get("/readyz").status == 200:
                            break
                        if daemon.alive():
                            ask(daemon, "/v1/videos?_size=1000")
                    except OSError:
                        pass
                    if not daemon.alive():
                        daemon.close_process()
                        daemon.start()
                        break
                self.assert_right(daemon, right)
                self.assert_dump(daemon, before)
                daemon.stop()

    def test_fault_22_found_by_the_scrub(self):
        """The file's own times tell nothing here: statx(2) says the same for ever (strace)."""
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")
        daemon = self.new_daemon(config=FOLDED_ON_DEMAND + f"[storage]\nscrub_interval_ms = {SCRUB_MS}\n")
        daemon.before = ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f", "-o", "/dev/null",
                         "-e", "trace=statx", "-e", "inject=statx:retval=0"]
        daemon.start()
        fill(self, daemon, self.random)
        before = daemon.dump()
        wait_for(lambda: self.upkeep(daemon)["scrubs"] >= 2, "two scrubs", 20)
        self.assertEqual(self.upkeep(daemon)["damage_found"], 0)
        replace_everywhere(data_file(daemon.index), b"videos\0v150", b"videos\0v15z")
        begun = time.monotonic()
        wait_for(lambda: self.upkeep(daemon)["damage_found"] == 1, "the scrub", 20)
        took = time.monotonic() - begun
        self.assertNotIn("changed by somebody else", daemon.stderr_text())
        self.wait_healthy(daemon)
        self.assert_dump(daemon, before)
        self.assertLess(took, (SCRUB_MS / 1000 + 5) * TIME_FACTOR)


class Fault23(DamageCase):
    """A truncated, garbage or missing index: DESIGN's files are the truth."""

    def rebuilt_after(self, damage, keeps_uuid=False):
        daemon = self.filled()
        right, before, uuid = truth(daemon), daemon.dump(), daemon.status()["uuid"]
        daemon.stop()
        damage(daemon)
        daemon.start()
        self.assert_right(daemon, right)
        self.assert_dump(daemon, before)
        self.assertEqual(daemon.status()["uuid"] == uuid, keeps_uuid)
        self.drop("new.json", {"id": "new"})
        daemon.sync()
        self.assertIsNotNone(daemon.record("new"))
        daemon.restart()
        self.assert_converged(daemon)

    def current(self, daemon, content):
        write_whole(os.path.join(daemon.index, "CURRENT"), content)

    def test_fault_23_garbage_in_current(self):
        self.rebuilt_after(lambda d: self.current(d, b"\xff\0../..\n"), keeps_uuid=True)

    def test_fault_23_empty_current(self):
        self.rebuilt_after(lambda d: self.current(d, b""), keeps_uuid=True)

    def test_fault_23_current_names_nothing(self):
        self.rebuilt_after(lambda d: self.current(d, b"gen-777777\n"), keeps_uuid=True)

    def test_fault_23_missing_current(self):
        self.rebuilt_after(lambda d: os.unlink(os.path.join(d.index, "CURRENT")), keeps_uuid=True)

    def test_fault_23_garbage_data(self):
        self.rebuilt_after(lambda d: write_whole(
            data_file(d.index), random.Random(1).randbytes(os.path.getsize(data_file(d.index)))))

    def test_fault_23_garbage_behind_the_meta_pages(self):
        def damage(daemon):
            path = data_file(daemon.index)
            with open(path, "r+b") as file:
                file.seek(8192)
                file.write(random.Random(2).randbytes(os.path.getsize(path) - 8192))
        self.rebuilt_after(damage)

    def test_fault_23_truncated_data(self):
        self.rebuilt_after(lambda d: os.truncate(data_file(d.index), 8192))

    def test_fault_23_empty_data(self):
        self.rebuilt_after(lambda d: os.truncate(data_file(d.index), 0))

    def test_fault_23_missing_data(self):
        self.rebuilt_after(lambda d: os.unlink(data_file(d.index)))

    def test_fault_23_index_removed_while_stopped(self):
        self.rebuilt_after(lambda d: shutil.rmtree(d.index))

    def test_fault_23_truncated_while_running(self):
        """Reading behind the end is SIGBUS: jcn may die of it, and is started again."""
        daemon = self.filled()
        right, before = truth(daemon), daemon.dump()
        path = data_file(daemon.index)
        os.truncate(path, os.path.getsize(path) // 8192 * 4096)
        deadline = time.monotonic() + 20 * TIME_FACTOR
        while time.monotonic() < deadline and daemon.alive():
            try:
                for target in targets():
                    daemon.get(target)
                if self.upkeep(daemon)["rewrites"] == 1 and daemon.get("/readyz").status == 200:
                    break
            except OSError:
                wait_for(lambda: not daemon.alive(), "the end of the process", 10)
        if not daemon.alive():
            self.assertTrue(os.path.exists(os.path.join(daemon.index, "crashed")))
            daemon.close_process()
            daemon.start()
        self.assert_right(daemon, right)
        self.assert_dump(daemon, before)


class Fault24(DamageCase):
    """Two daemons on one index; copies, restored ones, clones."""

    @provokes("index_in_use")
    def test_fault_24_second_daemon_is_refused(self):
        daemon = self.daemon()
        second = self.new_daemon(self.folder("other"), index="index")
        second.config_file = os.path.join(self.tmp, "second.toml")
        for _ in range(2):
            code, _, errors = second.start_refused()
            self.assertEqual(code, 1)
            self.assertIn("index_in_use", errors)
            # LMDB's own lock file is not what keeps it out.
            for folder, _, names in os.walk(daemon.index):
                if "lock.mdb" in names:
                    os.unlink(os.path.join(folder, "lock.mdb"))
        self.drop("a.json", {"id": "a"})
        daemon.sync()
        self.assertEqual(daemon.record("a"), {"id": "a"})

    def test_fault_24_copied_index_gets_a_new_uuid(self):
        daemon = self.filled()
        before, uuid = daemon.dump(), daemon.status()["uuid"]
        daemon.restart()
        self.assertEqual(daemon.status()["uuid"], uuid)
        daemon.stop()
        copy_index(daemon.index, os.path.join(self.tmp, "copy"))
        copied = self.daemon(index="copy")
        self.assertNotEqual(copied.status()["uuid"], uuid)
        self.assertEqual(copied.dump(), before)

    def test_fault_24_restored_index_gets_a_new_uuid(self):
        for killed in (False, True):
            with self.subTest(killed=killed):
                daemon = self.daemon(index=f"index{killed}")
                self.drop("a.json", {"id": "a", "n": 1})
                daemon.sync(durable=True)
                uuid = daemon.status()["uuid"]
                path, backup = data_file(daemon.index), os.path.join(self.tmp, "backup")
                shutil.copyfile(path, backup)
                self.drop("a.json", {"id": "a", "n": 2})
                daemon.sync(durable=True)
                if killed:
                    daemon.kill9()
                else:
                    daemon.stop()
                shutil.copyfile(backup, path)  # into the same inode
                daemon.start()
                self.assertNotEqual(daemon.status()["uuid"], uuid)
                self.assertEqual(daemon.record("a"), {"id": "a", "n": 2})
                daemon.stop()


class Fault24Cloned(DamageCase):
    def test_fault_24_cloned_to_another_machine(self):
        """The same disk in a machine with another /etc/machine-id."""
        probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
        if os.geteuid() != 0 or probe.returncode != 0:
            self.skipTest("needs root and mount namespaces")
        daemon = self.filled()
        right, uuid = truth(daemon), daemon.status()["uuid"]
        daemon.stop()
        other = os.path.join(self.tmp, "machine-id")
        with open(other, "w", encoding="ascii") as file:
            file.write("0123456789abcdef0123456789abcdef\n")
        daemon.before = ["unshare", "-m", "sh", "-c",
                         f"mount --bind '{other}' /etc/machine-id && exec \"$@\"", "sh"]
        daemon.start()
        cloned = daemon.status()["uuid"]
        self.assertNotEqual(cloned, uuid)
        self.assertEqual(truth(daemon), right)
        daemon.restart()
        self.assertEqual(daemon.status()["uuid"], cloned, "a machine that stays the same")
        daemon.before = []
        daemon.restart()
        self.assertNotIn(daemon.status()["uuid"], (uuid, cloned))


class Fault25(DamageCase):
    """An index of an older format is written anew, with all that the files cannot tell."""

    # notes/ and index/ as jcn 0.1.0 left them at an orderly end: `torn` broken after it was whole,
    # `gone` removed after a fold, `lighthouse` in ten texts, bad.json.
    SAMPLE = PROJECT / "tests/data/index-format-1.tar.xz"

    def test_fault_25_format_1_is_upgraded(self):
        with tarfile.open(self.SAMPLE) as sample:
            sample.extractall(self.tmp)
        probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
        if os.geteuid() != 0 or probe.returncode != 0:
            self.skipTest("needs root and mount namespaces")
        # Its root was /mnt/notes: elsewhere every file would be judged anew.
        daemon = self.daemon("/mnt/notes", before=[
            "unshare", "-m", "sh", "-c", f"mount --bind '{self.tmp}' /mnt && exec \"$@\"", "sh"])
        self.assertIn("index upgraded", daemon.stderr_text())
        self.assertEqual(daemon.record("torn"), {"id": "torn", "n": 1}, "last good content")
        self.assertEqual(daemon.rejects()["torn.json"]["serving"], "last-good")
        self.assertEqual(daemon.record("two"), {"id": "two", "n": 1, "views": 7})
        changes = {row["id"]: row for row in json_of(daemon.get("/v1/changes"))["results"]}
        self.assertTrue(changes["gone"]["deleted"], "tombstones come along")
        self.assertEqual(len(daemon.rows(parameters="&_search=lighthouse")), 10)
        self.assert_dump(daemon, rebuild_dump([self.root], scratch=self.tmp))
        generations = [name for name in os.listdir(daemon.index) if name.startswith("gen-")]
        self.assertEqual(len(generations), 1, generations)
        daemon.restart()
        self.assertEqual(daemon.stderr_text().count("index upgraded"), 1)

    def test_fault_25_a_later_format_is_built_anew(self):
        daemon = self.filled()
        right, uuid = truth(daemon), daemon.status()["uuid"]
        daemon.stop()
        path = data_file(daemon.index)
        with open(path, "rb") as file:
            data = bytearray(file.read())
        # The meta row: key, then the format in front of its sealed value (doc/format.md).
        at, found = -1, 0
        while (at := data.find(b"identity\x03\0\0\0", at + 1)) >= 0:
            data[at + 8] = 99
            found += 1
        self.assertGreater(found, 0)
        write_whole(path, bytes(data))
        daemon.start()
        self.assert_right(daemon, right)
        self.assertNotEqual(daemon.status()["uuid"], uuid)
        self.assertTrue(any(name.endswith(".damaged") for name in os.listdir(daemon.index)))


class Fault18(DamageCase):
    def test_fault_18_a_full_map_grows_and_nobody_notices(self):
        daemon = self.daemon(config="[storage]\nmap_bytes = 1048576\n[fold]\nquiet_ms = 5\n")
        self.drop("first.json", {"id": "first"})
        daemon.sync(durable=True)
        with Hammer(daemon.port, "/v1/videos/first") as hammer, \
                Hammer(daemon.port, "/v1/videos?_size=20&n__gte=0&_sort=n") as listing:
            for number in range(1500):
                self.drop(f"{number % 9}/{number}.json", note(self.random, number))
                if number % 100 == 99:
                    daemon.sync(durable=True)
        self.assertEqual(set(hammer.seen), {200})
        self.assertEqual(set(listing.seen), {200})
        self.assertGreater(daemon.status()["index_bytes"], 1 << 20)
        self.assertNotIn("index_full", daemon.stderr_text())
        self.assertEqual(len(daemon.ids()), 1501)
        daemon.restart()
        self.assertEqual(len(daemon.ids()), 1501)
        self.drop("later.json", {"id": "later"})
        daemon.sync(durable=True)
        self.assert_converged(daemon)


class Faults5And6(DamageCase):
    """Killed while an environment is made, or a generation is switched to (strace)."""

    def setUp(self):
        super().setUp()
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")

    @staticmethod
    def killing(call, number, *paths):
        return ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f", "-o", "/dev/null",
                *(word for path in paths for word in ("-P", path)),
                "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]

    def test_fault_5_killed_while_the_first_generation_is_made(self):
        for number in range(20):
            self.write(f"{number}.json", {"id": f"v{number}"})
        wanted = rebuild_dump([self.root], scratch=self.tmp)
        died = 0
        for call, most in (("pwrite64", 4), ("fdatasync", 3), ("fsync", 3), ("ftruncate", 2),
                           ("rename", 3), ("mkdir", 2)):
            for number in range(1, most + 1):
                with self.subTest(call=call, number=number):
                    daemon = self.new_daemon(index=f"index-{call}-{number}")
                    daemon.before = self.killing(call, number)
                    try:
                        daemon.start(20)
                    except AssertionError:
                        died += 1
                    daemon.kill9()
                    daemon.before = []
                    daemon.start()
                    self.assert_dump(daemon, wanted)
                    daemon.stop()
        self.assertGreater(died, 6)

    def test_fault_6_killed_at_every_step_of_the_switch(self):
        sample = self.filled()
        right, status = truth(sample), sample.sync(durable=True)["seq"]
        uuid = status.rpartition("-")[0]
        daemon = sample
        died = 0
        # While it is written; while it is named; after that.
        for call, paths, most in (("pwrite64", (), 6), ("rename", ("CURRENT",), 1),
                                  ("rename", ("history",), 1), ("fsync", (), 5),
                                  ("openat", ("gen-NEXT/committed",), 1)):
            for number in range(1, most + 1):
                with self.subTest(call=call, paths=paths, number=number):
                    daemon.stop()
                    daemon.start()
                    following = f"gen-{int(data_file(daemon.index).split('gen-')[1][:6]) + 1:06}"
                    paths_now = [os.path.join(daemon.index, path.replace("gen-NEXT", following))
                                 for path in paths]
                    with attached_strace(
                            daemon.process.pid, "-o", os.devnull,
                            *(word for path in paths_now for word in ("-P", path)), "-e",
                            f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"):
                        try:
                            daemon.request("POST", "/v1/status/compact", body=b"")
                            wait_for(lambda: not daemon.alive() or self.upkeep_or_none(daemon) == 1,
                                     "the kill, or the end of the rewrite", 20)
                        except OSError:
                            wait_for(lambda: not daemon.alive(), "the end of the process", 10)
                    died += 0 if daemon.alive() else 1
                    daemon.kill9()
                    daemon.start()
                    self.assert_right(daemon, right)
                    self.assertEqual(daemon.status()["uuid"], uuid)
                    self.assertEqual(
                        len([n for n in os.listdir(daemon.index) if n.startswith("gen-")]), 1)
        self.assertGreater(died, 8)

    def upkeep_or_none(self, daemon):
        try:
            return self.upkeep(daemon)["finished"]
        except OSError:
            return None


if __name__ == "__main__":
    unittest.main()
