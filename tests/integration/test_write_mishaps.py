"""The write API when jcn is killed, and on disks that are full or read-only."""

import http.client
import json
import os
import random
import subprocess
import threading
import unittest

from harness import Client, json_of, provokes, wait_for, write_whole
from test_write import NEW, OLD, WriteCase, target_of


class Killed(WriteCase):
    def test_each_file_is_whole_and_what_was_answered_is_there(self):
        seed = int(os.environ.get("JCN_SEED", "0")) or random.SystemRandom().randrange(1 << 31)
        rng = random.Random(seed)
        with self.subTest(seed=seed):
            live = self.writable()
            paths = [f"f{n}/{n}.json" for n in range(6)]
            sent = {path: set() for path in paths}   # bytes that may stand there
            answered = dict.fromkeys(paths, 0)       # the number that was answered last
            for round_ in range(6):
                asked = [0]

                def write(path, port=live.port, asked=asked):
                    client = Client(port)
                    try:
                        for _ in range(10_000):
                            n = answered[path] + 1
                            body = json.dumps({"id": path, "n": n, "pad": "y" * 3000}).encode()
                            sent[path].add(body)
                            now = client.get(target_of(path))
                            headers = {"If-Match": now.headers["etag"]} if now.status == 200 else {}
                            if now.status == 200 and json.loads(now.body)["n"] > answered[path]:
                                answered[path] = json.loads(now.body)["n"]  # done, but not answered
                                continue
                            answer = client.request("PUT", target_of(path), body, headers)
                            assert answer.status in (200, 201), answer
                            answered[path] = n
                            asked[0] += 1
                    except (http.client.HTTPException, ConnectionError):
                        return  # killed
                    finally:
                        client.close()

                threads = [threading.Thread(target=write, args=(path,)) for path in paths]
                for thread in threads:
                    thread.start()
                wanted = rng.randrange(20, 60)
                wait_for(lambda a=asked, w=wanted: a[0] >= w, "some writes", 60)
                live.kill9()
                for thread in threads:
                    thread.join()
                for path in paths:
                    body = self.bytes_at(path)
                    self.assertIn(body, sent[path], path)
                    self.assertGreaterEqual(json.loads(body)["n"], answered[path], path)
                live.start()
                hidden = [name for name in self.all_names() if "/." in name]
                self.assertEqual(hidden, [], "brought to an end")
                self.assertEqual(os.listdir(os.path.join(live.index, "writes")), [])
                for path in paths:
                    self.assertEqual(live.record(path)["n"], json.loads(self.bytes_at(path))["n"])
            self.assert_converged(live)


class FullDisk(WriteCase):
    """The root lies on a small tmpfs, in a mount namespace of the daemon's own."""

    def setUp(self):
        super().setUp()
        probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
        if os.geteuid() != 0 or probe.returncode != 0:
            self.skipTest("needs root and mount namespaces")
        self.live = self.writable(
            before=["unshare", "-m", "sh", "-c",
                    f"mount -t tmpfs -o size=256k none '{self.root}' && exec \"$@\"", "sh"])

    def seen_by_daemon(self, path=""):
        return f"/proc/{self.live.process.pid}/root{self.path(path)}"

    @provokes("disk_full")
    def test_leaves_nothing_behind(self):
        body = json.dumps({"id": "a", "pad": "x" * 60_000}).encode()
        made = self.put(self.live, "a.json", body)
        self.assertEqual(made.status, 201)
        write_whole(self.seen_by_daemon("fill.bin"), b"z" * (128 << 10))
        for path, condition in (("a.json", made.headers["etag"]), ("new/deep/b.json", None)):
            full = self.put(self.live, path, body.replace(b"x" * 20_000, b"y" * 60_000), condition)
            self.assert_problem(full, 507, "disk_full")
            self.assertIn("room", json_of(full)["hint"])
        self.assertEqual(sorted(os.listdir(self.seen_by_daemon())), ["a.json", "fill.bin"])
        self.assertEqual(self.live.get(target_of("a.json")).body, body)
        os.remove(self.seen_by_daemon("fill.bin"))
        self.assertEqual(self.put(self.live, "new/deep/b.json", NEW).status, 201)

    @provokes("read_only")
    def test_no_leave_to_write(self):
        subprocess.run(["nsenter", f"--mount=/proc/{self.live.process.pid}/ns/mnt", "mount", "-o",
                        "remount,ro", self.root], check=True)
        self.assert_problem(self.put(self.live, "a.json", OLD), 403, "read_only")
        self.assert_problem(self.put(self.live, "new/a.json", OLD), 403, "read_only")


if __name__ == "__main__":
    unittest.main()
