"""The daemon itself: roots, configuration, rules, signals, what it refuses."""

import os
import subprocess
import threading
import unittest

from harness import (JCN, TIME_FACTOR, JcnCase, json_of, rebuild_dump, wait_for, write_whole)


class Roots(JcnCase):
    def test_several_roots(self):
        one, two = self.folder("one"), self.folder("two")
        self.write(os.path.join(one, "x.json"), {"t": 1})
        self.write(os.path.join(two, "x.json"), {"t": 2})
        self.write(os.path.join(two, "j.json"), {"id": "joined", "from": "two"})
        self.write(os.path.join(one, "j.json"), {"id": "joined", "from": "one", "only": 1})
        daemon = self.daemon(one, "zwei=" + two)
        self.assertEqual(daemon.ids(), ["joined", "one/x", "zwei/x"])
        self.assertEqual(daemon.record("joined"), {"id": "joined", "from": "two",
                                                   "only": 1}, "equal paths: by the root's name")
        self.assertEqual([(r["name"], r["path"], r["state"]) for r in daemon.status()["roots"]],
                         [("one", one, "watching"), ("zwei", two, "watching")])
        os.rename(os.path.join(one, "x.json"), os.path.join(two, "moved.json"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["joined", "zwei/moved", "zwei/x"])
        self.assertEqual(daemon.explain(os.path.join(two, "x.json"))["id"], "zwei/x")
        self.assert_converged(daemon)

    def test_one_root_with_a_given_name_prefixes(self):
        self.write("x.json", {})
        daemon = self.daemon("n=" + self.root)
        self.assertEqual(daemon.ids(), ["n/x"])

    def test_roots_from_the_configuration(self):
        two = self.folder("two")
        self.write("x.json", {"id": "a"})
        self.write(os.path.join(two, "p.json"), {"id": "p"})
        config = (f'listen = "127.0.0.1:0"\n[[root]]\nname = "uploads"\npath = "{self.root}"\n'
                  f'[[root]]\nname = "staff"\npath = "{two}"\n'
                  '[[rule]]\nkind = "people"\nroot = "staff"\nmatch = "*.json"\nid = ["/id"]\n'
                  '[[rule]]\nkind = "videos"\nmatch = "**/*.json"\nid = ["/id", "stem"]\n')
        daemon = self.new_daemon(config=config)
        daemon.folders = []
        daemon.start()
        self.assertEqual(daemon.record("a"), {"id": "a"})
        self.assertEqual(daemon.record("p", "people"), {"id": "p"})
        self.assertEqual(daemon.status()["kinds"], {"people": 1, "videos": 1})

    def test_no_roots(self):
        """As installed: the service runs, and says what is missing."""
        self.write("a.json", {"id": "a"})
        daemon = self.new_daemon(config='listen = "127.0.0.1:0"\n')
        daemon.folders = []
        daemon.start()
        answer = daemon.get("/readyz")
        self.assertEqual(answer.status, 503)
        ready = json_of(answer)
        self.assertFalse(ready["ready"])
        self.assertEqual([reason["code"] for reason in ready["reasons"]], ["no_roots"])
        self.assertIn("[[root]]", ready["reasons"][0]["detail"])
        self.assertEqual(daemon.get("/healthz").status, 200)
        self.assertEqual((daemon.status()["roots"], daemon.status()["fragments"]), ([], 0))
        daemon.sync()
        daemon.stop()
        daemon.folders = [self.root]
        daemon.start()
        self.assertEqual(daemon.ids(), ["a"])
        self.assertEqual(daemon.get("/readyz").status, 200)

    def refused(self, daemon, *words):
        code, out, errors = daemon.start_refused()
        self.assertNotEqual(code, 0)
        self.assertEqual(out, "")
        for word in words:
            self.assertIn(word, errors)

    def test_second_daemon_on_one_index_is_refused(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "a"})
        daemon.sync()
        other = self.new_daemon(self.folder("other"))
        self.refused(other, daemon.index)
        self.assertEqual(daemon.record("a"), {"id": "a"}, "the first one goes on")
        self.drop("b.json", {"id": "b"})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a", "b"])

    def test_index_inside_a_root_is_refused(self):
        self.refused(self.new_daemon(index="notes/index"), self.root)
        self.refused(self.new_daemon(index="notes/deep/.index"), self.root)
        self.assertEqual([n for n in os.listdir(self.root) if not n.startswith("index.")], [])

    def test_roots_that_cannot_be(self):
        inner = self.folder("notes/inner")
        self.refused(self.new_daemon(self.root, inner), "inner")
        self.refused(self.new_daemon(self.root, self.root))
        self.refused(self.new_daemon("same=" + self.root, "same=" + self.folder("two")), "same")
        self.write("file", b"x")
        self.refused(self.new_daemon(self.path("file")), "file")

    def test_unknown_keys_are_errors_with_line_numbers(self):
        self.refused(self.new_daemon(config='log_level = "info"\n\nnonsense = 1\n'),
                     "nonsense", "3")
        self.refused(self.new_daemon(config="[limits]\nmax_bites = 1\n"), "max_bites", "2")
        self.refused(self.new_daemon(config='[[rule]]\nkind = "Videos"\n'), "Videos")
        self.refused(self.new_daemon(config="[settle\n"), "1")


class Daemonhood(JcnCase):
    def test_front_door(self):
        self.write("a.json", {"id": "a"})
        daemon = self.daemon()
        front = daemon.get("/")
        self.assertEqual(front.status, 200)
        self.assertIn(b"videos", front.body)
        self.assertEqual(daemon.get("/healthz").status, 200)
        self.assertEqual(daemon.get("/readyz").status, 200)
        status = daemon.status()
        self.assertLessEqual({"version", "uuid", "seq", "index", "kinds", "fragments", "rejects",
                              "roots", "crawl", "recrawls", "fragments_read", "fresh", "queue",
                              "index_bytes"}, set(status))
        self.assertEqual(status["crawl"]["state"], "done")
        self.assertEqual(status["index"], daemon.index)

    def test_listens_on_the_loopback_only(self):
        daemon = self.daemon()
        with open("/proc/net/tcp", encoding="ascii") as table:
            listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
        mine = [entry for entry in listening if int(entry.split(":")[1], 16) == daemon.port]
        self.assertEqual([entry.split(":")[0] for entry in mine], ["0100007F"])

    def test_explain(self):
        daemon = self.daemon()
        self.drop("sub/a.json", {"id": "a"})
        self.drop("sub/bad.json", b"{]")
        daemon.sync()
        by_path = daemon.explain(self.path("sub/a.json"))
        self.assertEqual((by_path["root"], by_path["path"], by_path["status"], by_path["kind"],
                          by_path["id"], by_path["reject"]),
                         ("notes", "sub/a.json", "indexed", "videos", "a", None))
        self.assertEqual(json_of(daemon.get("/v1/explain?root=notes&path=sub/a.json")), by_path)
        bad = daemon.explain(self.path("sub/bad.json"))
        self.assertEqual(bad["reject"]["code"], "syntax_error")
        self.assertEqual(daemon.explain(self.path("x.txt"))["status"], "ignored")
        self.assertEqual(daemon.get("/v1/explain?path=/etc/passwd").status, 404)
        self.assertEqual(daemon.get("/v1/explain?root=none&path=x.json").status, 404)
        self.assertEqual(daemon.get("/v1/explain").status, 400)

    def test_fault_53_terminate_while_writing(self):
        daemon = self.daemon()
        for number in range(500):
            self.drop(f"{number}.json", {"n": number})
        daemon.stop()
        daemon.start()
        self.assertEqual(len(daemon.ids()), 500)
        self.assert_converged(daemon)

    def test_hang_up_reloads_rules(self):
        self.write("a.json", {"id": "inner", "key": "outer"})
        daemon = self.daemon(config='[[rule]]\nmatch = "**/*.json"\nid = ["/id"]\n')
        self.assertEqual(daemon.ids(), ["inner"])
        new = '[[rule]]\nkind = "notes"\nmatch = "**/*.json"\nid = ["/key"]\n'
        with open(daemon.config_file, "w", encoding="utf-8") as file:
            file.write(new)
        daemon.hang_up()
        wait_for(lambda: daemon.ids("notes") == ["outer"], "the new rule to judge")
        self.assertIsNone(daemon.record("inner"))
        daemon.config = new
        self.assert_converged(daemon)
        with open(daemon.config_file, "w", encoding="utf-8") as file:
            file.write("nonsense = 1\n")
        errors_before = len(daemon.stderr_text())
        daemon.hang_up()
        wait_for(lambda: "nonsense" in daemon.stderr_text()[errors_before:],
                 "the refusal of a bad configuration to be logged")
        self.drop("b.json", {"key": "later"})
        daemon.sync()
        self.assertEqual(daemon.ids("notes"), ["later", "outer"], "the old rules go on")

    def test_hang_up_loses_no_event(self):
        """Reloads without end, with and without other rules, while files come, change and go."""
        rules = ['[[rule]]\nid = ["/id"]\n', '[[rule]]\nid = ["/id"]\nrank = 1\n']
        daemon = self.daemon(config="[audit]\ninterval_ms = 0\n" + rules[0])
        expected, over = {}, threading.Event()

        def drop():
            for number in range(1200):
                key = number % 400
                self.drop(f"d{key % 9}/{key}.json", {"id": f"v{key}", "n": number})
                expected[key] = number
                gone = (number + 200) % 400
                if number % 7 == 0 and expected.pop(gone, None) is not None:
                    os.unlink(self.path(f"d{gone % 9}/{gone}.json"))
            over.set()

        writer = threading.Thread(target=drop)
        writer.start()
        reloads = 0
        while not over.is_set():
            reloads += 1
            write_whole(daemon.config_file + ".new",
                        ("[audit]\ninterval_ms = 0\n" + rules[reloads % 2]).encode())
            os.rename(daemon.config_file + ".new", daemon.config_file)
            daemon.hang_up()
            over.wait(0.02)
        writer.join()
        self.assertGreater(reloads, 3)
        daemon.sync()
        seen = {row["_id"]: row["n"] for row in daemon.rows()}
        self.assertEqual(seen, {f"v{key}": number for key, number in expected.items()})
        # It still hears of things by itself.
        self.drop("after.json", {"id": "after"})
        daemon.sync()
        self.assertEqual(daemon.record("after"), {"id": "after"})
        with open(daemon.config_file, encoding="utf-8") as file:
            daemon.config = file.read()
        self.assert_converged(daemon)

    def test_print_config_is_a_configuration(self):
        self.write("a.json", {"id": "a"})
        daemon = self.daemon(config='[limits]\nmax_depth = 9\n')
        done = subprocess.run([*daemon.command(), "--print-config"], capture_output=True, text=True,
                              check=True, timeout=30 * TIME_FACTOR)
        self.assertIn(f"max_depth = 9  # {daemon.config_file}:2\n", done.stdout)
        self.assertIn(f'index = "{daemon.index}"  # --index\n', done.stdout)
        again = os.path.join(self.tmp, "printed.conf")
        write_whole(again, done.stdout.encode())
        second = subprocess.run([JCN, "--config", again, "--print-config"], capture_output=True,
                                text=True, check=True, timeout=30 * TIME_FACTOR)

        def values(text):
            return [line.partition("  # ")[0] for line in text.splitlines()]

        self.assertEqual(values(second.stdout), values(done.stdout))

    def test_users_files_are_never_touched(self):
        self.write("a.json", {"id": "a"})
        self.write("bad.json", b"{")
        before = {name: os.stat(self.path(name)) for name in ("a.json", "bad.json")}
        daemon = self.daemon()
        daemon.sync(durable=True)
        daemon.restart()
        for name, info in before.items():
            now = os.stat(self.path(name))
            self.assertEqual((now.st_mtime_ns, now.st_ctime_ns, now.st_ino, now.st_size),
                             (info.st_mtime_ns, info.st_ctime_ns, info.st_ino, info.st_size))
        self.assertEqual(sorted(os.listdir(self.root)), ["a.json", "bad.json"])

    def test_rebuild_leaves_a_live_daemon_alone(self):
        self.write("a.json", {"id": "a"})
        daemon = self.daemon()
        self.assertEqual(rebuild_dump(daemon.folders, scratch=self.tmp), daemon.dump())
        self.assertTrue(daemon.alive())


class Rules(JcnCase):
    CONFIG = """
[[rule]]
kind = "videos"
match = "**/*.views.json"
id = ["stem"]
rank = 2
null = "ignore"
union = ["/tags"]
max = ["/views"]
min = ["/first"]

[[rule]]
kind = "videos"
match = "main/*.json"
id = ["stem"]
rank = 1
anchor = true

[[rule]]
kind = "videos"
match = "late/*.json"
id = ["stem"]
rank = 3
order_by = "/n"
"""

    def test_ranks_strategies_anchor(self):
        daemon = self.daemon(config=self.CONFIG)
        self.drop("a.views.json", {"tags": ["x", "y"], "views": 9, "first": 3, "title": None})
        daemon.sync()
        self.assertIsNone(daemon.record("a"))
        self.assertEqual(daemon.explain(self.path("a.views.json"))["status"], "orphan")
        self.drop("main/a.json", {"title": "T", "tags": ["z", "x"], "views": 10, "first": 2.5})
        daemon.sync()
        record = daemon.record("a")
        self.assertEqual((record["title"], record["views"], record["first"]), ("T", 10, 2.5))
        self.assertEqual(sorted(record["tags"]), ["x", "y", "z"])
        self.drop("late/a.json", {"n": 2, "who": "second"})
        self.drop("late/a.z.json", {"n": 1, "who": "first"})
        daemon.sync()
        self.assertEqual(daemon.record("a")["who"], "second")
        self.drop("other/a.json", {"title": "no rule matches"})
        daemon.sync()
        self.assertEqual(daemon.record("a")["title"], "T")
        self.assertEqual(daemon.explain(self.path("other/a.json"))["status"], "ignored")
        self.assert_converged(daemon)
        os.unlink(self.path("main/a.json"))
        daemon.sync()
        self.assertIsNone(daemon.record("a"))
        self.assert_converged(daemon)


if __name__ == "__main__":
    unittest.main()
