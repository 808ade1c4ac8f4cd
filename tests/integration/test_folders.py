"""FAULTS 42, 43, 46: folders that come, go and move in storms, and very many of them.

JCN_FULL=1 takes a million files in one folder and 100,000 folders (minutes)."""

import os
import random
import re
import shutil
import threading
import time
import unittest

from harness import FULL, TIME_FACTOR, JcnCase, exchange, json_of, wait_for

SEED = int(os.environ.get("JCN_SEED") or 4711)
MOST_ANONYMOUS = 512 << 10  # KiB, while crawling


class Storms(JcnCase):
    def test_fault_42_filled_as_they_are_made(self):
        daemon = self.daemon()
        expected = []
        for number in range(300):
            path = "/".join(f"n{number >> shift & 3}" for shift in (6, 4, 2, 0)) + f"/m{number}/z"
            self.write(f"{path}/{number}.json", {"id": f"v{number:03}"})
            expected.append(f"v{number:03}")
        daemon.sync()
        self.assertEqual(daemon.ids(), expected)
        self.assert_converged(daemon)

    def test_fault_43_folders_moved_in_a_storm(self):
        """In, out, across, over one another and exchanged, faster than it is looked at."""
        print(f"JCN_SEED={SEED}")
        draw = random.Random(SEED)
        outside = self.folder("outside")
        for number in range(60):
            self.write(f"d{number % 10}/s{number % 3}/{number}.json", {"id": f"v{number:02}"})
        daemon = self.daemon()
        fresh = 0
        for step in range(600):
            places = [os.path.join(top, name) for top in (self.root, outside)
                      for name in os.listdir(top)]
            places += [os.path.join(place, name) for place in places if os.path.isdir(place)
                       for name in os.listdir(place)]
            folders = [place for place in places if os.path.isdir(place)]
            source = draw.choice(folders)
            choice = draw.randrange(8)
            if choice < 5:
                target = os.path.join(draw.choice([self.root, outside, *folders]), f"m{step}")
                if not target.startswith(source + "/"):
                    os.rename(source, target)
            elif choice < 7:
                other = draw.choice(folders)
                if not (other + "/").startswith(source + "/") \
                        and not (source + "/").startswith(other + "/"):
                    exchange(source, other)
            else:
                fresh += 1
                self.write(os.path.join(source, f"f{step}.json"), {"id": f"f{step}"})
            if step % 100 == 99:
                daemon.sync()
        self.assertGreater(fresh, 20)
        daemon.sync()
        self.assert_converged(daemon)


class Many(JcnCase):
    def watched(self, daemon):
        """A thread that notes the most anonymous memory; ends with the daemon's process."""
        most = [0]
        pid = daemon.process.pid

        def watch():
            while True:
                try:
                    with open(f"/proc/{pid}/status", encoding="ascii") as status:
                        most[0] = max(most[0],
                                      int(re.search(r"RssAnon:\s+(\d+)", status.read()).group(1)))
                except (OSError, AttributeError):
                    return
                time.sleep(0.05)
        threading.Thread(target=watch, daemon=True).start()
        return most

    def crawled(self, count):
        daemon = self.new_daemon().launch()
        most = self.watched(daemon)
        daemon.wait_ready(600)
        self.assertEqual(daemon.ready_records, count)
        daemon.sync()
        print(f"{count} files: ready after {daemon.ready_seconds:.1f} s, "
              f"anonymous memory {most[0] >> 10} MiB at most")
        self.assertLess(most[0], MOST_ANONYMOUS * TIME_FACTOR)  # sanitizers keep shadows
        begin = time.monotonic()
        self.drop("late.json", {"id": "late"})
        wait_for(lambda: daemon.record("late"), "a drop", 30)
        print(f"a drop was answered after {(time.monotonic() - begin) * 1000:.1f} ms")
        return daemon

    def test_fault_46_very_many_files_in_one_folder(self):
        count = 1_000_000 if FULL else 20_000
        root = os.open(self.root, os.O_RDONLY)
        for number in range(count):
            fd = os.open(f"{number}.json", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=root)
            os.write(fd, b'{"id":"v%d","n":%d}' % (number, number % 97))
            os.close(fd)
        os.close(root)
        daemon = self.crawled(count)
        found = json_of(daemon.get("/v1/videos?n=13&_extra=count&_size=0"))
        self.assertEqual(found["count"], len(range(13, count, 97)))

    def test_fault_46_very_many_folders(self):
        count = 100_000 if FULL else 3_000
        with open("/proc/sys/fs/inotify/max_user_watches", encoding="ascii") as limit:
            watches = int(limit.read())
        for number in range(count):
            self.write(f"d{number // 300}/e{number}/x.json", {"id": f"v{number}"})
        daemon = self.crawled(count)
        reasons = set(daemon.reasons())
        if count + count // 300 + 10 < watches:
            self.assertEqual(reasons, set())
            self.assertEqual(daemon.status()["roots"][0]["state"], "watching")
        else:
            self.assertEqual(reasons, {"watch_limit"})
        os.unlink(self.path(f"d0/e{5}/x.json"))
        shutil.rmtree(self.path(f"d{(count - 1) // 300}"))
        daemon.sync()
        gone = 1 + len(range((count - 1) // 300 * 300, count))
        self.assertEqual(daemon.status()["kinds"], {"videos": count + 1 - gone})


if __name__ == "__main__":
    unittest.main()
