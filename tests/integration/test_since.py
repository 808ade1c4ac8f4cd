"""`_since`: since when records have been in their state, beside what the files say, worked out here."""

import datetime
import json
import os
import random
import unittest
import urllib.parse

from harness import JcnCase, json_of, wait_for

CONFIG = """
[[rule]]
match = "**/*.work.json"
id = ["stem"]
rank = 10
[[rule]]
match = "**/*.edit.json"
id = ["stem"]
rank = 20
[[rule]]
id = ["stem"]
"""
TRACKS_REVIEW = '[[kind]]\nname = "videos"\ntrack = "/review"\n'
STATES = ("queued", "running", "done", "failed")
SECOND = 1_000_000_000
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def text(ns):
    moment = EPOCH + datetime.timedelta(seconds=ns // SECOND)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns % SECOND:09}Z"


class Since(JcnCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(11)
        self.files = {}  # path → (body, mtime)

    def put(self, path, body, mtime_ns):
        target = self.drop(path, body)
        os.utime(target, ns=(mtime_ns, mtime_ns))
        self.files[path] = (body, mtime_ns)

    def change_something(self):
        path = f"v{self.random.randrange(40)}{self.random.choice(('', '.work', '.edit'))}.json"
        if path in self.files and self.random.random() < 0.2:
            os.unlink(self.path(path))
            del self.files[path]
            return
        body = {"n": self.random.randrange(9)}
        if self.random.random() < 0.3:
            body["review"] = self.random.choice(("open", "closed"))
        if self.random.random() < 0.7:
            body["transcode"] = transcode = {"percent": self.random.randrange(100)}
            if self.random.random() < 0.8:
                transcode["state"] = self.random.choice(STATES + (None,))
            if self.random.random() < 0.3:
                told = self.random.randrange(10**9) * SECOND
                transcode["since"] = self.random.choice((text(told), "soon", 5))
        elif self.random.random() < 0.2:
            body["transcode"] = None
        mtime_ns = self.random.randrange(10**9) * SECOND + self.random.randrange(SECOND)
        self.put(path, body, mtime_ns)

    def wanted(self, member="transcode"):
        """Id → the text of its _since, or None."""
        parts = {}
        for path, (body, mtime_ns) in self.files.items():
            stem, _, kind = path[:-5].partition(".")
            parts.setdefault(stem, []).append((("", "work", "edit").index(kind), body, mtime_ns))
        wanted = {}
        for id_, fragments in parts.items():
            state = found = None
            for count, (_, body, mtime_ns) in enumerate(sorted(fragments, key=lambda each: each[0])):
                if member not in body:
                    continue
                if body[member] is None:  # a patch takes all of it away
                    state = found = None
                    continue
                holder = body if member == "review" else body[member]
                name = "review" if member == "review" else "state"
                if name not in holder:
                    continue
                state = holder[name]
                found = None
                if state is not None:
                    told = holder.get("since")
                    found = told if isinstance(told, str) and told != "soon" else text(mtime_ns)
            wanted[id_] = found
        return wanted

    def shown(self, daemon, parameters=""):
        rows = daemon.rows(parameters="&_col=_since" + parameters)
        return {row["_id"]: row.get("_since") for row in rows}

    def assert_right(self, daemon, member="transcode"):
        daemon.sync()
        wanted = self.wanted(member)
        self.assertEqual(self.shown(daemon), wanted)
        times = sorted(each for each in wanted.values() if each)
        middle = times[len(times) // 2]
        for parameters, keep in (
                (f"&_since__lt={middle}", lambda each: each and each < middle),
                (f"&_since__gte={middle[:10]}", lambda each: each and each >= middle[:10]),
                (f"&_since__exact={middle}", lambda each: each == middle),
                ("&_since__isnull=1", lambda each: each is None),
                ("&_since__notnull=1", lambda each: each is not None)):
            self.assertEqual(self.shown(daemon, parameters),
                             {id_: each for id_, each in wanted.items() if keep(each)}, parameters)
        for sort, reverse in (("_sort", False), ("_sort_desc", True)):
            rows = daemon.rows(size=7, parameters=f"&_col=_since&{sort}=_since")
            self.assertEqual([row.get("_since") or "" for row in rows],
                             sorted((each or "" for each in wanted.values()), reverse=reverse))
        facet = json_of(daemon.get("/v1/videos?_size=0&_facet=_since&_facet_size=1000"))
        self.assertEqual(sum(each["count"] for each in
                             facet["facet_results"]["_since"]["results"]), len(times))

    def test_what_is_shown_is_what_the_files_say(self):
        for _ in range(120):
            self.change_something()
        daemon = self.daemon(config=CONFIG)
        self.assert_right(daemon)
        for round_ in range(6):
            for _ in range(15):
                self.change_something()
            if round_ % 2:
                daemon.sync(durable=True)
            self.assert_right(daemon)
        daemon.restart()
        self.assert_right(daemon)
        daemon.kill9()
        daemon.start()
        self.assert_right(daemon)
        for what in ("compact", "reindex"):
            asked = json_of(daemon.request("POST", f"/v1/status/{what}", b""))["asked"]
            wait_for(lambda n=asked: daemon.status()["upkeep"]["finished"] >= n, what)
            self.assert_right(daemon)
        daemon.ctl("verify")
        self.assert_converged(daemon)
        live = self.shown(daemon)
        fresh = self.daemon(index="another", config=CONFIG)
        self.assertEqual(self.shown(fresh), live, "an index from scratch says the same")

    def test_other_places_can_be_tracked(self):
        for _ in range(80):
            self.change_something()
        daemon = self.daemon(config=CONFIG)
        daemon.config = CONFIG + TRACKS_REVIEW
        daemon.command()  # writes the file
        daemon.hang_up()
        wait_for(lambda: "reload: rules changed" in daemon.stderr_text(), "the reload")
        wait_for(lambda: daemon.status()["crawl"]["state"] == "done", "the crawl")
        self.assert_right(daemon, "review")
        daemon.config = CONFIG
        daemon.restart()
        self.assert_right(daemon)

    def test_touching_the_file_of_the_state_is_enough(self):
        self.put("a.json", {"title": "t", "transcode": {"state": "queued"}}, 5 * SECOND)
        self.put("a.work.json", {"transcode": {"state": "running"}}, 7 * SECOND)
        daemon = self.daemon(config=CONFIG)
        self.assertEqual(self.shown(daemon), {"a": text(7 * SECOND)})
        stuck = "&transcode.state=running&_since__lt=" + urllib.parse.quote(text(8 * SECOND))
        self.assertEqual(list(self.shown(daemon, stuck)), ["a"])
        os.utime(self.path("a.work.json"), ns=(9 * SECOND, 9 * SECOND))
        daemon.sync()
        self.assertEqual(self.shown(daemon, stuck), {})
        self.put("a.edit.json", {"title": "edited"}, 99 * SECOND)
        daemon.sync()
        self.assertEqual(self.shown(daemon), {"a": text(9 * SECOND)}, "an edit is no other state")
        rows = json_of(daemon.get("/v1/changes?since=0&transcode.state=running&_since__gte=1970"))
        self.assertEqual([row.get("match", True) for row in rows["results"]], [True])
        self.assertEqual(json.loads(daemon.get("/v1/videos/a").body)["title"], "edited")


if __name__ == "__main__":
    unittest.main(verbosity=2)
