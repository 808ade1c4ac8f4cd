"""jcnctl: every command, on a live daemon and on an index alone; exit codes as documented."""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import socket
import subprocess
import time
import unittest

from harness import JCNCTL, PROJECT, TIME_FACTOR, JcnCase, wait_for

NOTES = PROJECT / "tests/data/notes"
RECORDS, REJECTS = 26, 2  # in the sample notes


def free_port():
    """A port at which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def lines(output):
    return [json.loads(line) for line in output.splitlines()]


class JcnctlCase(JcnCase):
    def ctl(self, *arguments, stdin=b"", url=None, index=None, env=None, code=0, cwd=None):
        command = [JCNCTL]
        command += ["--url", url] if url else []
        command += ["--index", index] if index else []
        done = subprocess.run([*command, *arguments], input=stdin, capture_output=True, check=False,
                              timeout=60 * TIME_FACTOR, env={**os.environ, **(env or {})}, cwd=cwd)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done

    def samples(self):
        """A daemon on a copy of the sample notes, and its URL."""
        shutil.copytree(NOTES, self.root, dirs_exist_ok=True)
        daemon = self.daemon()
        return daemon, f"http://127.0.0.1:{daemon.port}/"


class Live(JcnctlCase):
    def test_get(self):
        daemon, url = self.samples()
        record = self.ctl("get", "videos", "why-bridges-hum", url=url).stdout
        self.assertEqual(record, daemon.get("/v1/videos/why-bridges-hum").body + b"\n")
        self.assertEqual(json.loads(record)["views"], 48211)
        self.assertEqual(json.loads(self.ctl("get", "videos", "žirgs-un-zvaigznes", url=url).stdout)
                         ["language"], "lv")
        self.assertIn("archive", json.dumps(lines(self.ctl("find", "videos", url=url).stdout)))
        missing = self.ctl("get", "videos", "none", url=url, code=1)
        self.assertIn(b"no_such_record", missing.stderr)
        self.assertIn(b"no_such_kind", self.ctl("get", "nokind", "x", url=url, code=1).stderr)

    def test_url_from_the_environment(self):
        _, url = self.samples()
        self.ctl("get", "videos", "omelette", env={"JCN_URL": url})

    def test_find_walks_pages(self):
        daemon, url = self.samples()
        rows = lines(self.ctl("find", "videos", "--size", "4", url=url).stdout)
        ids = [row["_id"] for row in rows]
        self.assertEqual(ids, sorted(daemon.ids(), key=str.encode))
        self.assertEqual(len(ids), RECORDS)
        self.assertEqual(len(lines(self.ctl("find", "videos", "--limit", "5", "--size", "2",
                                            url=url).stdout)), 5)
        rows = lines(self.ctl("find", "videos", "--col", "title,duration", url=url).stdout)
        self.assertEqual(set(rows[0]), {"_id", "title", "duration"})
        self.ctl("find", "videos", "--size", "1001", url=url, code=2)
        for limit in ("-1", "0", "many"):
            self.ctl("find", "videos", "--limit", limit, url=url, code=2)

    def test_columns_whose_names_have_commas(self):
        self.write("odd.json", {"id": "odd", "a,b": 1, "c": 2, "d": 3})
        _, url = self.samples()
        rows = lines(self.ctl("find", "videos", "_id=odd", "--col", '["a,b","d"]', url=url).stdout)
        self.assertEqual(rows, [{"_id": "odd", "a,b": 1, "d": 3}])
        text = self.on_terminal("--url", url, "find", "videos", "_id=odd", "--col", '["a,b"]',
                                "--col", "d,c")
        self.assertEqual([line.split() for line in text.splitlines()],
                         [["_id", "a,b", "d", "c"], ["odd", "1", "3", "2"]])
        self.assertIn(b"bad_parameter", self.ctl("find", "videos", "--col", "[", url=url, code=2)
                      .stderr)

    def test_changes_are_narrowed(self):
        daemon, url = self.samples()

        def changes(*arguments, index=None):
            asked = {"index": index} if index else {"url": url}
            return [(row["kind"], row["id"], row.get("match")) for row in
                    lines(self.ctl("changes", *arguments, **asked).stdout)]
        for arguments in (["_id=moth"], ["--id", "moth"], ["kind=videos", "--id", "moth"]):
            self.assertEqual(changes(*arguments), [("videos", "moth", None)], arguments)
        self.assertEqual(sorted(changes("--id", "moth", "_id=omelette")),
                         [("videos", "moth", None), ("videos", "omelette", None)])
        self.assertEqual(len(changes("kind=videos")), RECORDS)
        self.assertEqual(changes("kind=films"), [])
        self.assertEqual(changes("_id=moth", "year=1"), [("videos", "moth", False)])
        # Members of these names are asked for by an operator.
        self.assertEqual({match for *_, match in changes("kind__exact=videos")}, {False})
        for arguments in (["kind="], ["_id="]):
            self.assertIn(b"bad_parameter", self.ctl("changes", *arguments, url=url, code=2).stderr)
        daemon.stop()
        self.assertEqual(changes("_id=moth", index=daemon.index), [("videos", "moth", None)])

    def find(self, *arguments, url):
        return [row["_id"] for row in lines(self.ctl("find", "videos", *arguments, url=url).stdout)]

    def test_find_asks_what_http_is_asked(self):
        daemon, url = self.samples()
        for arguments, query in (
                (["tags=sea", "duration__gte=1688"], "tags=sea&duration__gte=1688"),
                (["title__contains=a", "--sort", "duration"], "title__contains=a&_sort=duration"),
                (["--sort-desc", "stats.views", "--size", "3"], "_sort_desc=stats.views"),
                (["--search", "harbour", "--search", "lights"], "_search=harbour&_search=lights"),
                (["_search_title=tide*"], "_search_title=tide*"),
                (['language__in=["de","fr"]'], "language__in=%5B%22de%22,%22fr%22%5D"),
                (["_id=moth"], "_id__exact=moth"), (["/tags/0=short"], "/tags/0=short"),
                (["title=100% + &=?"], "title=100%25+%2B+%26%3D%3F"),
                (["video__isnull="], "video__isnull="),
                (["_id__in=[1041]"], "_id__in=%5B%221041%22%5D")):
            with self.subTest(arguments=arguments):
                ids = self.find(*arguments, url=url)
                self.assertEqual(ids, [row["_id"] for row in daemon.rows(parameters="&" + query)])
        self.assertEqual(self.find("tags=sea", "--sort-desc", "duration", "--limit", "2", url=url),
                         ["the-last-ferry", "at-the-lighthouse"])

    def test_find_counts(self):
        _, url = self.samples()
        self.assertEqual(lines(self.ctl("find", "videos", "tags=sea", "--count", url=url).stdout),
                         [{"count": 4}])
        found = lines(self.ctl("find", "videos", "--facet", "language", "--facet", "tags",
                               "--facet-size", "1", "tags=sea", "--count", url=url).stdout)
        self.assertEqual(found, [{"count": 4}, {"field": "language", "value": "en", "count": 1},
                                 {"field": "tags", "value": "sea", "count": 4}])

    def test_find_says_what_is_wrong(self):
        _, url = self.samples()
        for arguments, code in ((["title__like=a"], b"unknown_operator"), (["title"], b"bad_usage"),
                                (["_size=5"], b"bad_usage"), (["/~=a"], b"bad_field"),
                                (["--search", "!"], b"bad_value"), (["--facet", ""], b"bad_field"),
                                (["a__in=["], b"bad_value")):
            with self.subTest(arguments=arguments):
                self.assertIn(code, self.ctl("find", "videos", *arguments, url=url, code=2).stderr)
        self.ctl("find", "videos", "--sort", "a", "--sort-desc", "b", url=url, code=2)
        self.ctl("find", "films", url=url, code=1)
        self.assertIn(b"no record has the field 'colour'",
                      self.ctl("find", "videos", "colour=red", url=url).stderr)

    def test_rejects_and_check_agree(self):
        _, url = self.samples()
        rejects = {row["path"]: row for row in lines(self.ctl("rejects", url=url).stdout)}
        self.assertEqual({path: row["code"] for path, row in rejects.items()},
                         {"kitchen/twice-salted.json": "duplicate_member",
                          "talks/2026/the-missing-comma.json": "syntax_error"})
        files = sorted(map(str, NOTES.rglob("*.json")))
        done = self.ctl("check", *files, code=1).stdout.decode().splitlines()
        self.assertEqual(len(done), 2)
        for line in done:
            path, number, column, code, message = re.fullmatch(
                r"(.*?):(\d+):(\d+): (\w+): (.*)", line).groups()
            row = rejects[str(pathlib.Path(path).relative_to(NOTES))]
            self.assertEqual((int(number), int(column), code, message),
                             (row["line"], row["column"], row["code"], row["message"]))

    def test_sync_and_status(self):
        daemon, url = self.samples()
        answer = json.loads(self.ctl("sync", "--durable", "--timeout", "20000", url=url).stdout)
        self.assertRegex(answer["seq"], r"^[0-9a-f-]{36}-\d+$")
        status = json.loads(self.ctl("status", url=url).stdout)
        self.assertEqual(status["kinds"], {"videos": RECORDS})
        self.assertEqual(status["seq"], answer["seq"])
        watched = lines(self.ctl("status", "--watch", url=url).stdout)
        self.assertEqual(watched[-1]["crawl"]["state"], "done")
        self.assertEqual(watched[-1]["index"], daemon.index)

    def test_drop(self):
        daemon, url = self.samples()
        target = os.path.join(self.root, "new.json")
        body = b'{ "id": "new", "n": 1.10 }'
        done = json.loads(self.ctl("drop", target, stdin=body, url=url).stdout)
        self.assertEqual((done["status"], done["kind"], done["id"]), ("indexed", "videos", "new"))
        self.assertEqual(pathlib.Path(target).read_bytes(), body)
        self.assertEqual(daemon.get("/v1/videos/new").body, b'{"id":"new","n":1.10}')
        # A replaced file keeps its permissions; the source may be a file.
        os.chmod(target, 0o640)
        source = os.path.join(self.staging, "source")
        pathlib.Path(source).write_bytes(b'{"id":"new","n":2}')
        self.ctl("drop", target, source, url=url)
        self.assertEqual(os.stat(target).st_mode & 0o777, 0o640)
        self.assertEqual(daemon.record("new")["n"], 2)
        # Bad JSON is refused before anything is written.
        bad = self.ctl("drop", target, stdin=b'{"id":\n  "new",}', url=url, code=1)
        self.assertRegex(bad.stderr.decode(), r"stdin:2:\d+: syntax_error: ")
        self.assertEqual(daemon.record("new")["n"], 2)
        self.ctl("drop", os.path.join(self.root, "new.txt"), stdin=body, url=url, code=2)
        self.ctl("drop", os.path.join(self.root, "none/new.json"), stdin=body, url=url, code=4)
        # Right JSON, and yet no fragment: the daemon's verdict is told.
        odd = self.ctl("drop", os.path.join(self.root, "odd.json"), stdin=b'{"id":"."}', url=url,
                       code=1)
        self.assertEqual(json.loads(odd.stdout)["reject"]["code"], "invalid_id")
        self.assertEqual([n for n in os.listdir(self.root) if n.startswith(".")], [])

    def test_drop_elsewhere_and_without_a_daemon(self):
        _, url = self.samples()
        target = os.path.join(self.staging, "x.json")
        self.assertIn(b"watches no folder", self.ctl("drop", target, stdin=b"{}", url=url).stdout)
        nowhere = f"http://127.0.0.1:{free_port()}"
        self.assertIn(b"no daemon", self.ctl("drop", target, stdin=b'{"a":1}', url=nowhere).stdout)
        self.assertEqual(pathlib.Path(target).read_bytes(), b'{"a":1}')

    def test_explain(self):
        _, url = self.samples()
        path = os.path.join(self.root, "kitchen", "omelette.json")
        found = json.loads(self.ctl("explain", path, url=url).stdout)
        self.assertEqual((found["status"], found["id"]), ("indexed", "omelette"))
        found = json.loads(self.ctl("explain", os.path.join(self.root, ".x.json"), url=url).stdout)
        self.assertEqual(found["status"], "ignored")
        self.ctl("explain", "/", url=url, code=1)

    def test_explain_keeps_links_beneath_a_root(self):
        _, url = self.samples()
        outside = os.path.join(self.tmp, "way")
        os.symlink(self.tmp, outside)
        os.symlink(os.path.join(self.root, "kitchen"), self.path("shortcut"))
        notes = os.path.relpath(self.root, self.tmp)

        def explained(*parts):
            return json.loads(self.ctl("explain", os.path.join(*parts), url=url).stdout)
        found = explained(outside, notes, "kitchen", "..", "kitchen", "omelette.json")
        self.assertEqual((found["path"], found["status"]), ("kitchen/omelette.json", "indexed"))
        # What is asked about is the name beneath the link, and jcn has no file of that name.
        for way in (self.root, os.path.join(outside, notes)):
            found = explained(way, "shortcut", "omelette.json")
            self.assertEqual(found["path"], "shortcut/omelette.json")
            self.assertNotEqual(found["status"], "indexed")

    def test_dump_by_url_and_by_index_is_one(self):
        daemon, url = self.samples()
        dump = self.ctl("dump", url=url).stdout
        self.assertEqual(dump, self.ctl("dump", index=daemon.index).stdout)
        self.assertEqual(len(lines(dump)), RECORDS + REJECTS)
        self.assertEqual(self.ctl("dump", "--served", url=url).stdout.count(b"\n"), RECORDS + REJECTS)

    def test_accept(self):
        _, url = self.samples()
        self.ctl("accept", "nowhere", url=url, code=1)

    def test_table_on_a_terminal(self):
        _, url = self.samples()
        text = self.on_terminal("--url", url, "find", "videos", "--col", "title", "--limit", "3")
        self.assertEqual(text.splitlines()[0].split(), ["_id", "title"])
        self.assertIn("archive", text)
        self.assertNotIn("{", text)
        text = self.on_terminal("--url", url, "find", "videos", "--col", "video.width,/tags/0",
                                "tags=engineering")
        self.assertEqual([line.split() for line in text.splitlines()],
                         [["_id", "video.width", "/tags/0"],
                          ["why-bridges-hum", "1920", "engineering"]])
        text = self.on_terminal("--url", url, "find", "videos", "tags=short", "--facet", "tags",
                                "--facet-size", "2")
        self.assertEqual([line.split() for line in text.splitlines()[:2]],
                         [["tags", "records"], ["short", "3"]])
        self.assertEqual(self.on_terminal("--url", url, "find", "videos", "--count").split(), ["26"])
        for arguments in (["find", "videos"], ["conflicts"], ["rejects"]):
            widths = map(len, self.on_terminal("--url", url, *arguments).splitlines())
            self.assertLessEqual(max(widths), 80, arguments)
        self.assertIn("duplicate_member", self.on_terminal("--url", url, "rejects"))
        self.assertIn("done", self.on_terminal("--url", url, "status"))

    def test_status_is_a_screen_on_a_terminal(self):
        away = self.folder("away")
        daemon = self.daemon(self.root, away)
        url = f"http://127.0.0.1:{daemon.port}/"
        text = self.on_terminal("--url", url, "status")
        self.assertIn("visible   nothing changed", text)
        self.assertNotIn("reason", text)
        self.drop("a.json", {"id": "a"})
        daemon.sync()
        os.rename(away, away + ".elsewhere")
        wait_for(lambda: list(daemon.reasons()) == ["root_offline"],
                 "an offline root", 20)
        coloured = self.on_terminal("--url", url, "status")
        self.assertRegex(coloured, r"visible   1 change in a minute, half of them after [\d.]+ ms")
        self.assertRegex(coloured, "\x1b\\[31mroot      away .*offline\x1b\\[0m")
        self.assertIn("\x1b[33mreason    root_offline: ", coloured)
        plain = self.on_terminal("--url", url, "status", env={"NO_COLOR": "1"})
        self.assertNotIn("\x1b", plain)
        self.assertEqual(plain, re.sub("\x1b\\[\\d+m", "", coloured))

    def test_places_of_changes_are_whole_on_a_terminal(self):
        self.drop("long.json", {"id": "x" * 100})
        daemon, url = self.samples()
        text = self.on_terminal("--url", url, "changes")
        places = [line.split()[-1] for line in text.splitlines()[1:]]
        self.assertEqual(len(places), RECORDS + 1)
        self.assertEqual(len(set(places)), RECORDS + 1)
        self.assertEqual(places[-1], daemon.status()["seq"])
        self.assertEqual(self.ctl("changes", "--since", places[-2], url=url).stdout.count(b"\n"), 1)

    def test_conflicts_are_told_apart_on_a_terminal(self):
        self.write("five.json", {"id": 5, "t": "a b"})
        self.write("five.more.json", {"id": "5", "t": "a\u00a0b"})
        _, url = self.samples()
        text = self.on_terminal("--url", url, "conflicts")
        rows = {tuple(line.split()[1:3]): line for line in text.splitlines()}
        self.assertRegex(rows["5", "/id"], r' "5" .* 5 ')
        self.assertIn(r'"a\u00a0b"', rows["5", "/t"])
        self.assertIn('"a b"', rows["5", "/t"])
        self.assertRegex(rows["1041", "/id"], r' 1041 .* "1041" | "1041" .* 1041 ')

    def on_terminal(self, *arguments, env=None):
        leader, follower = pty.openpty()
        child = subprocess.Popen([JCNCTL, *arguments], stdout=follower, stdin=follower,
                                 env={**os.environ, "TERM": "xterm", "NO_COLOR": "", **(env or {})})
        os.close(follower)
        text = b""
        deadline = time.monotonic() + 20 * TIME_FACTOR
        while time.monotonic() < deadline:
            if not select.select([leader], [], [], 1)[0]:
                continue
            try:
                text += os.read(leader, 65536)
            except OSError:  # EIO: the other end is closed
                break
        os.close(leader)
        self.assertEqual(child.wait(timeout=20 * TIME_FACTOR), 0)
        return text.decode()


class Offline(JcnctlCase):
    def test_same_answers_from_the_index_alone(self):
        daemon, _ = self.samples()
        questions = (["get", "videos", "rye-loaf"], ["find", "videos"], ["rejects"], ["dump"],
                     ["find", "videos", "--col", "_updated,title,stats.x"], ["dump", "--served"],
                     ["find", "videos", "tags=sea", "--sort-desc", "duration", "--size", "2"],
                     ["find", "videos", "--search", "harbour night*", "--size", "1"],
                     ["find", "videos", "--search", "harbour", "--col", "title"],
                     ["find", "videos", "--facet", "tags", "--count", "duration__lt=2000"],
                     ["find", "videos", "--sort", "serves", "--limit", "5", "--size", "2"])
        live = [self.ctl(*question, index=daemon.index).stdout for question in questions]
        daemon.stop()
        for question, answer in zip(questions, live):
            with self.subTest(question=question):
                self.assertEqual(self.ctl(*question, index=daemon.index).stdout, answer)
        status = json.loads(self.ctl("status", index=daemon.index).stdout)
        self.assertEqual((status["kinds"], status["rejects"]), ({"videos": RECORDS}, REJECTS))
        self.ctl("get", "videos", "none", index=daemon.index, code=1)
        self.ctl("get", "nokind", "none", index=daemon.index, code=1)
        self.ctl("find", "nokind", index=daemon.index, code=1)
        self.ctl("find", "videos", "title__like=a", index=daemon.index, code=2)
        self.assertIn(b"no record has the field 'colour'",
                      self.ctl("find", "videos", "colour=red", index=daemon.index).stderr)
        for command in (["sync"], ["explain", self.root], ["accept", "notes"]):
            self.ctl(*command, index=daemon.index, code=3)

    def test_an_address_left_behind_is_not_believed(self):
        first, _ = self.samples()
        first.stop()
        other = self.daemon(index="other")
        self.drop("later.json", {"id": "later"})
        other.sync()
        pathlib.Path(first.index, "daemon.addr").write_text(f"http://127.0.0.1:{other.port}/\n")
        self.ctl("get", "videos", "later", index=first.index, code=1)

    def test_no_index_no_daemon(self):
        self.ctl("dump", index=os.path.join(self.tmp, "none"), code=4)
        self.ctl("status", url=f"http://127.0.0.1:{free_port()}", code=3)


class Surface(JcnctlCase):
    def test_man_page_names_every_command_and_exit_code(self):
        help_text = self.ctl("--help").stdout.decode()
        page = (PROJECT / "jcn/doc/jcnctl.1").read_text()
        commands = re.findall(r"^  ([a-z]+) ", help_text.split("Subcommands:")[1], re.M)
        self.assertEqual(sorted(commands), sorted(re.findall(r"^\.It Cm ([a-z]+)", page, re.M)))
        self.assertEqual(len(commands), 19)
        codes = re.findall(r"^  (\d)  (.*)$", help_text, re.M)
        self.assertEqual(codes, re.findall(r"^\.It (\d)\n(.*)$", page, re.M))
        self.assertEqual(len(codes), 5)

    def test_man_page_names_every_option_of_find(self):
        help_text = self.ctl("find", "--help").stdout.decode()
        page = (PROJECT / "jcn/doc/jcnctl.1").read_text()
        options = re.findall(r"^  --([a-z-]+)", help_text, re.M)
        self.assertIn("facet-size", options)
        for option in options:
            self.assertRegex(page, rf"(?m)^\.It.* Fl Fl {option}\b|^\.It Fl Fl {option}\b")

    def test_help_names_the_operators(self):
        page = (PROJECT / "jcn/doc/jcnctl.1").read_text()
        for command in ("find", "changes"):
            help_text = self.ctl(command, "--help").stdout.decode()
            operators = re.search(r"^Operators: (.*)$", help_text, re.M).group(1).split()
            self.assertEqual(len(operators), 14)
            for operator in operators:
                self.assertRegex(page, rf"\b{operator}\b")

    def test_man_page_names_every_option_of_changes(self):
        help_text = self.ctl("changes", "--help").stdout.decode()
        page = (PROJECT / "jcn/doc/jcnctl.1").read_text()
        for option in re.findall(r"^  --([a-z-]+)", help_text, re.M):
            self.assertRegex(page, rf"(?m)^\.It Cm changes .*Fl Fl {option}\b")

    def test_usage(self):
        for arguments in ([], ["nonsense"], ["get", "videos"], ["check"],
                          ["--url", "http://x", "--index", "y", "status"]):
            self.ctl(*arguments, code=2)
        self.assertRegex(self.ctl("--version").stdout, rb"^jcnctl \d+\.\d+\.\d+\n$")

    def test_check_names_of_every_look(self):
        for name in ("[a,b].json", "-dash.json", "a b.json"):
            path = os.path.join(self.staging, name)
            pathlib.Path(path).write_text('{"a":1}')
            self.ctl("check", path)
            self.ctl("--json", "check", "--", name, cwd=self.staging)
        self.ctl("check", "-", stdin=b'{"a":1}')
        self.assertRegex(self.ctl("check", "-", stdin=b'{"a":1,"a":2}', code=1).stdout,
                         rb"^stdin:1:\d+: duplicate_member: ")
        self.assertIn(b"empty_file", self.ctl("check", "-", code=1).stdout)
        self.ctl("check", os.path.join(self.staging, "none.json"), code=1)


if __name__ == "__main__":
    unittest.main()
