"""Drop a file, ask for it: the straight line through the daemon, from outside."""

import collections
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

from harness import (Hammer, JcnCase, create_unnamed_then_link, exchange, id_target, json_of,
                     rebuild_dump, shown_path, wait_for)

SLOW_SETTLE = "[settle]\nfirst_ms = 300\nsecond_ms = 1500\n"


class DropAndGet(JcnCase):
    def test_record_is_the_files_canonical_text(self):
        daemon = self.daemon()
        self.drop("a.json", b'{ "z": 1.10, "id": "talk",\n "a": null, "n": 64176294690080990,'
                            b' "s": "\\u00e9\\/\\n", "o": {"y": [ 1e2 ], "b": true} }')
        daemon.sync()
        answer = daemon.get("/v1/videos/talk")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body.decode(), '{"z":1.10,"id":"talk","a":null,'
                         '"n":64176294690080990,"s":"é/\\n","o":{"y":[1e2],"b":true}}')
        self.assertTrue(answer.headers["content-type"].startswith("application/json"))

    def test_etag_not_modified_head(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "a", "n": 1})
        daemon.sync()
        first = daemon.get("/v1/videos/a")
        etag = first.headers["etag"]
        self.assertRegex(etag, r'^"[0-9a-f]{32}"$')
        self.assertEqual(first.headers["cache-control"], "no-cache")
        self.assertIn("GMT", first.headers["last-modified"])
        for sent in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            answer = daemon.get("/v1/videos/a", If_None_Match=sent)
            self.assertEqual((answer.status, answer.body), (304, b""), sent)
            self.assertEqual(answer.headers["etag"], etag)
        self.assertEqual(daemon.get("/v1/videos/a", If_None_Match='"other"').status, 200)
        head = daemon.request("HEAD", "/v1/videos/a")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["etag"], etag)
        self.assertEqual(head.headers["content-length"], str(len(first.body)))
        self.assertEqual(daemon.request("HEAD", "/v1/videos/none").status, 404)

        self.drop("a.json", {"id": "a", "n": 2})
        daemon.sync()
        self.assertEqual(daemon.get("/v1/videos/a", If_None_Match=etag).status, 200)
        self.drop("a.json", {"id": "a", "n": 1})
        daemon.sync()
        again = daemon.get("/v1/videos/a", If_None_Match=etag)
        self.assertEqual(again.status, 304, "the rev is a hash of the content: the same again")

    def test_seq_names_history_and_grows_by_record_change(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "a"})
        daemon.sync()
        uuid, _, first = daemon.get("/v1/videos/a").headers["jcn-seq"].rpartition("-")
        self.assertRegex(uuid, r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        self.drop("b.json", {"id": "b"})
        synced = daemon.sync()["seq"]
        second = daemon.get("/v1/videos/a").headers["jcn-seq"]
        self.assertEqual(second, f"{uuid}-{int(first) + 1}")
        self.assertEqual(synced, second)
        self.assertEqual(json_of(daemon.get("/v1/videos"))["seq"], second)
        self.assertEqual(daemon.status()["seq"], second)
        self.assertEqual(daemon.status()["uuid"], uuid)
        daemon.sync()
        self.assertEqual(daemon.get("/v1/videos/a").headers["jcn-seq"], second, "nothing changed")

    def test_problems_are_told_apart(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "a"})
        daemon.sync()
        self.assert_problem(daemon.get("/v1/videos/none"), 404, "no_such_record")
        self.assert_problem(daemon.get("/v1/nokind/none"), 404, "no_such_kind")
        self.assert_problem(daemon.get("/v1/nokind"), 404, "no_such_kind")
        self.assert_problem(daemon.get("/nowhere"), 404, "no_such_route")
        self.assert_problem(daemon.request("DELETE", "/v1/videos/a"), 405, "method_not_allowed")
        self.assert_problem(daemon.get("/v1/sync"), 405, "method_not_allowed")
        self.assert_problem(daemon.get("/v1/videos?_nonsense=1"), 400, "unknown_parameter")
        for size in ("1001", "-1", "x", "1.5"):
            self.assert_problem(daemon.get(f"/v1/videos?_size={size}"), 400, "bad_parameter")
        self.assert_problem(daemon.get("/v1/videos?_next=junk"), 400, "bad_parameter")

    def test_ids_of_every_look(self):
        daemon = self.daemon()
        ids = ["plain", "with space", "a/b/c", "50%", "q?x=1&y", "#frag", "ünï→", "dot.json", "...",
               "+plus+", "%2F", "a\\b", '"quoted"', "'", ";", "a:b@c", "~", "x" * 400]
        for number, record_id in enumerate(ids):
            self.drop(f"f{number}.json", {"id": record_id, "n": number})
        daemon.sync()
        self.assertEqual(daemon.rejects(), {})
        for number, record_id in enumerate(ids):
            with self.subTest(record_id=record_id):
                self.assertEqual(daemon.record(record_id), {"id": record_id, "n": number})
                by_parameter = json_of(daemon.get(
                    "/v1/videos?_id=" + urllib.parse.quote(record_id, safe="")))
                row = by_parameter["rows"][0] if "rows" in by_parameter else by_parameter
                self.assertEqual(row["n"], number)
        self.assertEqual(daemon.get("/v1/videos/a/b/c").status, 200, "slashes may stand as they are")
        self.assertEqual(sorted(daemon.ids(), key=str.encode), sorted(ids, key=str.encode))

    def test_ids_that_are_none(self):
        daemon = self.daemon()
        for name, record_id in {"dot": ".", "dots": "..", "control": "a\nb", "long": "x" * 401,
                                "long8": "ü" * 201}.items():
            self.drop(f"{name}.json", {"id": record_id})
        daemon.sync()
        rejects = daemon.rejects()
        self.assertEqual({path: row["code"] for path, row in rejects.items()},
                         {f"{name}.json": "invalid_id"
                          for name in ("dot", "dots", "control", "long", "long8")})
        self.assertEqual(daemon.ids(), [])

    def test_id_falls_back_to_the_path_and_integers_are_text(self):
        daemon = self.daemon()
        self.drop("sub/x.json", {"title": "no id"})
        self.drop("y.json", {"id": 5, "a": 1})
        self.drop("z.json", {"id": "5", "b": 2})
        self.drop("empty.json", {"id": ""})
        self.drop("float.json", {"id": 1.5})
        daemon.sync()
        self.assertEqual(daemon.record("sub/x"), {"title": "no id"})
        self.assertEqual(daemon.record("5"), {"id": "5", "a": 1, "b": 2})
        self.assertEqual(daemon.record("empty"), {"id": ""})
        self.assertEqual(daemon.record("float"), {"id": 1.5})

    def test_long_path_ids_are_cut_and_hashed(self):
        daemon = self.daemon()
        deep = "/".join([c * 120 for c in "abcd"])
        self.drop(f"{deep}/one.json", {"n": 1})
        self.drop(f"{deep}/two.json", {"n": 2})
        daemon.sync()
        ids = daemon.ids()
        self.assertEqual(len(set(ids)), 2)
        for record_id in ids:
            self.assertTrue(record_id.startswith(f"{deep}/one"[:360] + "~"), record_id)
            self.assertLessEqual(len(record_id), 400)
            self.assertIn(daemon.record(record_id)["n"], (1, 2))

    def test_file_names_of_every_look(self):
        daemon = self.daemon()
        names = [b"bad\xff.json", b"new\nline.json", "ünï.json".encode(), b"a b.json", b"\\.json",
                 b'quote".json', b"-dash.json", b"[x]*?.json", b"n" * 250 + b".json"]
        for number, name in enumerate(names):
            self.drop(name, {"id": f"inner{number}"})
        self.drop(b"path\xff\xfeid.json", {"title": "the path is the id"})
        daemon.sync()
        self.assertEqual(daemon.rejects(), {})
        for number, name in enumerate(names):
            extra = json_of(daemon.get(f"/v1/videos/inner{number}?_extra=fragments"))
            self.assertEqual([f["path"] for f in extra["fragments"]], [shown_path(name)])
        by_path = [i for i in daemon.ids() if not i.startswith("inner")]
        self.assertEqual([i.lower() for i in by_path], ["path%ff%feid"])
        self.assertEqual(daemon.record(by_path[0]), {"title": "the path is the id"})
        self.assert_converged(daemon)

    def test_ignored_names(self):
        daemon = self.daemon()
        for name in (".hid.json", ".dir/a.json", "sub/.deep/a.json", "a.json~", "a.json.part",
                     "a.json.tmp", "a.json.partial", "a.json.crdownload", "a.json.filepart",
                     ".a.json.swp", "#a.json#", "notes.txt", "a.JSON", "json"):
            self.drop(name, {"id": name})
        self.drop("seen.json", {"id": "seen"})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["seen"])
        self.assertEqual(daemon.rejects(), {})
        self.assertEqual(daemon.status()["fragments"], 1)
        self.assertEqual(daemon.explain(self.path(".hid.json"))["status"], "ignored")
        os.rename(self.path(".hid.json"), self.path("hid.json"))
        os.rename(self.path(".dir"), self.path("dir"))
        os.rename(self.path("seen.json"), self.path("seen.json.part"))
        daemon.sync()
        self.assertEqual(sorted(daemon.ids()), [".dir/a.json", ".hid.json"])
        self.assert_converged(daemon)

    def test_delete(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "a"})
        self.drop("keep.json", {"id": "keep"})
        daemon.sync()
        os.unlink(self.path("a.json"))
        daemon.sync()
        self.assertIsNone(daemon.record("a"))
        self.assertEqual(daemon.ids(), ["keep"])
        self.assert_converged(daemon)

    def test_file_there_before_the_start(self):
        for number in range(50):
            self.write(f"d{number % 5}/f{number}.json", {"id": f"v{number:02}"})
        self.write("bad.json", b"{")
        daemon = self.daemon()
        self.assertEqual((daemon.ready_records, daemon.ready_rejects), (50, 1))
        self.assertEqual(len(daemon.ids()), 50)
        self.assert_converged(daemon)


class Listing(JcnCase):
    def test_pages(self):
        ids = [f"v{number:03}" for number in range(25)]
        for record_id in ids:
            self.write(f"{record_id}.json", {"id": record_id, "t": "x", "_id": "inner", "m": {"k": 1}})
        daemon = self.daemon()
        page = json_of(daemon.get("/v1/videos?_size=10"))
        self.assertTrue(page["ok"])
        self.assertEqual([row["_id"] for row in page["rows"]], ids[:10])
        self.assertEqual(list(page["rows"][0])[0], "_id")
        self.assertEqual(page["unknown_fields"], [])
        self.assertFalse(page["next_url"].startswith("http"))
        by_token = json_of(daemon.get(
            "/v1/videos?_size=10&_next=" + urllib.parse.quote(page["next"], safe="")))
        by_url = json_of(daemon.get(page["next_url"]))
        self.assertEqual(by_token["rows"], by_url["rows"])
        self.assertEqual([row["_id"] for row in by_url["rows"]], ids[10:20])
        last = json_of(daemon.get(by_url["next_url"]))
        self.assertEqual([row["_id"] for row in last["rows"]], ids[20:])
        self.assertIsNone(last["next"])
        self.assertIsNone(last["next_url"])
        for size in (1, 7, 24, 25, 26, 1000):
            self.assertEqual([row["_id"] for row in daemon.rows(size=size)], ids, size)
        self.assertEqual(len(json_of(daemon.get("/v1/videos"))["rows"]), 25)
        empty = json_of(daemon.get("/v1/videos?_size=0"))
        self.assertEqual(empty["rows"], [])

    def test_default_size_and_link(self):
        for number in range(101):
            self.write(f"{number:03}.json", {"n": number})
        daemon = self.daemon()
        answer = daemon.get("/v1/videos")
        self.assertEqual(len(json_of(answer)["rows"]), 100)
        self.assertRegex(answer.headers["link"], r'^<[^>]*_next=[^>]*>; *rel="next"')

    def test_projection(self):
        self.write("a.json", {"id": "a", "t": "x", "m": {"k": 1, "l": 2}, "u": None})
        daemon = self.daemon()
        self.assertEqual(json_of(daemon.get("/v1/videos?_col=t"))["rows"], [{"_id": "a", "t": "x"}])
        row = json_of(daemon.get("/v1/videos?_col=u,t"))["rows"][0]
        self.assertEqual(row, {"_id": "a", "t": "x", "u": None})
        self.assertEqual(json_of(daemon.get("/v1/videos?_col=m.k"))["rows"][0].get("_id"), "a")

    def test_a_walk_yields_unchanged_records_once_while_others_come_and_go(self):
        stay = [f"s{number:04}" for number in range(400)]
        for record_id in stay:
            self.write(f"stay/{record_id}.json", {"id": record_id})
        daemon = self.daemon()
        over = threading.Event()

        def churn():
            turn = 0
            while not over.is_set():
                turn += 1
                path = self.drop(f"churn/{turn % 7}.json", {"id": f"s{turn * 37 % 400:04}x"})
                if turn % 3 == 0:
                    os.unlink(path)

        writer = threading.Thread(target=churn)
        writer.start()
        try:
            for _ in range(20):
                walked = [row["_id"] for row in daemon.rows(size=17)]
                self.assertEqual([i for i in walked if not i.endswith("x")], stay)
                self.assertEqual(walked, sorted(walked))
                self.assertEqual(len(walked), len(set(walked)))
        finally:
            over.set()
            writer.join()
        daemon.sync()
        self.assert_converged(daemon)

    def test_one_seq_has_one_content(self):
        for number in range(20):
            self.write(f"{number}.json", {"id": f"v{number}", "n": 0})
        daemon = self.daemon()
        target = "/v1/videos?_size=1000"
        with Hammer(daemon.port, target,
                    lambda a: (a.headers["jcn-seq"], hashlib.sha256(a.body).digest())) as reader:
            for turn in range(300):
                self.drop(f"{turn % 20}.json", {"id": f"v{turn % 20}", "n": turn})
            daemon.sync()
        contents = {}
        for seq, content in reader.seen:
            self.assertEqual(contents.setdefault(seq, content), content, seq)
        numbers = [int(seq.rpartition("-")[2]) for seq, _ in reader.seen]
        self.assertEqual(numbers, sorted(numbers), "sequence numbers only grow")


class Fragments(JcnCase):
    def test_two_fragments_one_record(self):
        daemon = self.daemon()
        self.drop("abc.json", {"id": "abc", "t": "A", "keep": None, "m": {"x": 1, "y": 2}})
        self.drop("abc.views.json", {"id": "abc", "views": 7, "m": {"y": None, "z": 3}, "t": "B"})
        daemon.sync()
        answer = daemon.get("/v1/videos/abc")
        self.assertEqual(answer.body.decode(), '{"id":"abc","t":"B","keep":null,'
                         '"m":{"x":1,"z":3},"views":7}')
        extra = json_of(daemon.get("/v1/videos/abc?_extra=fragments,provenance"))
        self.assertEqual(extra["record"], json_of(answer))
        self.assertEqual([(f["root"], f["path"], f["status"]) for f in extra["fragments"]],
                         [("notes", "abc.json", "indexed"), ("notes", "abc.views.json", "indexed")])
        for fragment in extra["fragments"]:
            info = os.stat(self.path(fragment["path"]))
            self.assertEqual(fragment["size"], info.st_size)
            self.assertRegex(fragment["mtime"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        self.assertEqual(extra["provenance"]["/t"]["path"], "abc.views.json")
        self.assertEqual([s["path"] for s in extra["provenance"]["/t"]["shadowed"]], ["abc.json"])
        self.assertEqual(extra["provenance"]["/m/x"]["path"], "abc.json")
        os.unlink(self.path("abc.json"))
        daemon.sync()
        self.assertEqual(daemon.get("/v1/videos/abc").body.decode(),
                         '{"id":"abc","views":7,"m":{"y":null,"z":3},"t":"B"}',
                         "the first fragment is the document, verbatim")
        self.assert_converged(daemon)

    def test_order_is_by_path_whatever_came_first(self):
        daemon = self.daemon()
        for name in ("b.json", "c.json", "a.json"):
            self.drop(name, {"id": "one", "from": name, name: 1})
            daemon.sync()
        self.assertEqual(daemon.record("one"), {"id": "one", "from": "c.json", "a.json": 1,
                                                "b.json": 1, "c.json": 1})
        self.assert_converged(daemon)

    def test_id_that_changes_moves_the_fragment(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "one", "x": 1})
        self.drop("b.json", {"id": "one", "y": 2})
        daemon.sync()
        self.drop("b.json", {"id": "two", "y": 3})
        daemon.sync()
        self.assertEqual(daemon.record("one"), {"id": "one", "x": 1})
        self.assertEqual(daemon.record("two"), {"id": "two", "y": 3})
        self.assert_converged(daemon)

    def test_last_good_serves_until_fixed(self):
        daemon = self.daemon()
        good = {"id": "a", "title": "good"}
        self.drop("a.json", good)
        daemon.sync()
        self.drop("a.json", b'{\n  "id" "a"}')
        daemon.sync()
        self.assertEqual(daemon.record("a"), good)
        row = daemon.rejects()["a.json"]
        self.assertEqual((row["root"], row["code"], row["line"], row["column"], row["offset"]),
                         ("notes", "syntax_error", 2, 8, 9), row)
        self.assertEqual(row["serving"], "last-good")
        self.assertRegex(row["since"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        explained = daemon.explain(self.path("a.json"))
        self.assertEqual((explained["status"], explained["reject"]["code"]),
                         ("rejected", "syntax_error"))
        fragments = json_of(daemon.get("/v1/videos/a?_extra=fragments"))["fragments"]
        self.assertEqual([f["status"] for f in fragments], ["last-good"])
        self.assertNotIn(b"good", self.assert_converged(daemon), "the dump knows files only")
        self.assertIn(b'"title":"good"', daemon.dump("--served"))

        daemon.restart()
        self.assertEqual(daemon.record("a"), good, "last-good content outlives a restart")

        self.drop("a.json", {"id": "a", "title": "fixed"})
        daemon.sync()
        self.assertEqual(daemon.record("a"), {"id": "a", "title": "fixed"})
        self.assertEqual(daemon.rejects(), {})
        self.assert_converged(daemon)

    def test_last_good_ends_with_its_file(self):
        daemon = self.daemon()
        for ending in ("unlink", "folder", "symlink", "rename"):
            with self.subTest(ending=ending):
                self.drop("a.json", {"id": "a"})
                daemon.sync()
                self.drop("a.json", b"{")
                daemon.sync()
                self.assertIsNotNone(daemon.record("a"))
                path = self.path("a.json")
                if ending == "rename":
                    os.rename(path, self.path("moved.json"))
                else:
                    os.unlink(path)
                if ending == "folder":
                    os.mkdir(path)
                elif ending == "symlink":
                    os.symlink("nowhere", path)
                daemon.sync()
                if ending == "rename":  # the bytes are bad wherever they lie
                    self.assertIn("moved.json", daemon.rejects())
                    os.unlink(self.path("moved.json"))
                else:
                    self.assertIsNone(daemon.record("a"))
                    self.assertNotIn("last-good",
                                     [row["serving"] for row in daemon.rejects().values()])
                if ending == "folder":
                    os.rmdir(path)
                daemon.sync()
        if os.path.lexists(self.path("a.json")):
            os.unlink(self.path("a.json"))
        self.assert_converged(daemon)

    def test_reject_of_a_file_that_was_never_good(self):
        daemon = self.daemon()
        self.drop("bad.json", b'{"id":"a","id":"b"}')
        self.drop("good.json", {"id": "good"})
        daemon.sync()
        row = daemon.rejects()["bad.json"]
        self.assertEqual((row["code"], row["line"]), ("duplicate_member", 1))
        self.assertNotEqual(row["serving"], "last-good")
        self.assertEqual(daemon.ids(), ["good"])
        self.assertEqual(daemon.status()["rejects"], 1)
        self.assertEqual(daemon.status()["kinds"], {"videos": 1})
        self.assertEqual(daemon.status()["fragments"], 2)


class Renames(JcnCase):
    def hammer_renames(self, places, sync_each):
        """200 renames around `places`, while a reader asks for the record all the time."""
        for place in places:
            os.makedirs(os.path.dirname(self.path(place)), exist_ok=True)
        self.drop(places[0], {"id": "inner", "n": 1})
        daemon = self.daemon()
        renames = 0
        with Hammer(daemon.port, "/v1/videos/inner") as reader:
            while renames < 200 or len(reader.seen) < 200:
                os.rename(self.path(places[renames % len(places)]),
                          self.path(places[(renames + 1) % len(places)]))
                renames += 1
                if sync_each:
                    daemon.sync()
            daemon.sync()
        self.assertEqual(collections.Counter(reader.seen), {200: len(reader.seen)},
                         f"a rename is one change ({renames} renames)")
        self.assert_converged(daemon)

    def test_rename_within_a_folder_is_one_change(self):
        self.hammer_renames(["x.json", "y.json"], True)

    def test_rename_across_folders_is_one_change(self):
        self.hammer_renames(["one/x.json", "two/deep/x.json", "x.json"], True)

    def test_renames_in_a_burst_within_a_folder_show_no_gap(self):
        self.hammer_renames(["x.json", "y.json"], False)

    def test_renames_in_a_burst_across_folders_show_no_gap(self):
        self.hammer_renames(["one/x.json", "two/deep/x.json", "x.json"], False)

    def test_rename_over_another(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "a"})
        self.drop("b.json", {"id": "b"})
        daemon.sync()
        os.rename(self.path("a.json"), self.path("b.json"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a"])
        self.assert_converged(daemon)

    def test_rename_in_out_and_to_ignored(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "a"})
        daemon.sync()
        outside = os.path.join(self.tmp, "outside.json")
        os.rename(self.path("a.json"), outside)
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        os.rename(outside, self.path("b.json"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a"])
        os.rename(self.path("b.json"), self.path("b.json.tmp"))
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        os.rename(self.path("b.json.tmp"), self.path("c.json"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a"])

    def test_hard_link_is_a_drop(self):
        daemon = self.daemon()
        outside = os.path.join(self.tmp, "outside.json")
        self.write(outside, {"id": "linked"})
        os.link(outside, self.path("in.json"))
        daemon.sync()
        self.assertEqual(daemon.record("linked"), {"id": "linked"})
        os.unlink(self.path("in.json"))
        daemon.sync()
        self.assertIsNone(daemon.record("linked"))

    def test_unnamed_file_linked_in(self):
        daemon = self.daemon()
        create_unnamed_then_link(self.root, "t.json", b'{"id":"unnamed"}')
        daemon.sync()
        self.assertEqual(daemon.record("unnamed"), {"id": "unnamed"})

    def test_exchange_of_files(self):
        daemon = self.daemon()
        self.drop("one/a.json", {"who": "a"})
        self.drop("two/b.json", {"who": "b"})
        daemon.sync()
        exchange(self.path("one/a.json"), self.path("two/b.json"))
        daemon.sync()
        self.assertEqual(daemon.record("one/a"), {"who": "b"})
        self.assertEqual(daemon.record("two/b"), {"who": "a"})
        self.assert_converged(daemon)

    def test_exchange_of_folders(self):
        daemon = self.daemon()
        self.drop("one/x/a.json", {"who": "a"})
        self.drop("two/b.json", {"who": "b"})
        daemon.sync()
        exchange(self.path("one"), self.path("two"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["one/b", "two/x/a"])
        self.drop("one/later.json", {})
        self.drop("two/x/later.json", {})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["one/b", "one/later", "two/x/a", "two/x/later"])
        self.assert_converged(daemon)

    def test_exchange_of_a_file_and_a_folder(self):
        daemon = self.daemon()
        self.drop("a.json", {"who": "a"})
        self.drop("b.json/inside.json", {"who": "inside"})
        daemon.sync()
        exchange(self.path("a.json"), self.path("b.json"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a.json/inside", "b"])
        self.assert_converged(daemon)

    def test_folder_moves(self):
        daemon = self.daemon()
        outside = os.path.join(self.tmp, "outside")
        self.drop("f/g/a.json", {"n": 1})
        self.drop("f/b.json", {"n": 2})
        daemon.sync()
        os.rename(self.path("f"), self.path("renamed"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["renamed/b", "renamed/g/a"])
        self.drop("renamed/g/c.json", {"n": 3})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["renamed/b", "renamed/g/a", "renamed/g/c"])
        os.rename(self.path("renamed"), outside)
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        self.drop(os.path.join(outside, "g/unseen.json"), {"n": 4})
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        os.makedirs(self.path("p/q"))
        os.rename(outside, self.path("p/q/back"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["p/q/back/b", "p/q/back/g/a", "p/q/back/g/c",
                                        "p/q/back/g/unseen"])
        os.rename(self.path("p/q/back/g"), self.path("g"))
        os.rename(self.path("g"), self.path("h"))
        daemon.sync()
        self.assertEqual(daemon.ids(), ["h/a", "h/c", "h/unseen", "p/q/back/b"])
        self.drop("h/last.json", {"n": 5})
        daemon.sync()
        self.assertIn("h/last", daemon.ids())
        self.assert_converged(daemon)

    def test_folders_filled_at_once(self):
        daemon = self.daemon()
        expected = []
        for number in range(60):
            deep = f"n{number}/" + "/".join("abcdef"[:number % 6 + 1])
            os.makedirs(self.path(deep))
            self.write(f"{deep}/x.json", {"n": number})
            self.write(f"n{number}/y.json", {"n": number})
            expected += [f"{deep}/x", f"n{number}/y"]
        daemon.sync()
        self.assertEqual(daemon.ids(), sorted(expected))
        self.assert_converged(daemon)

    def test_folder_removed_with_all_in_it(self):
        daemon = self.daemon()
        for number in range(30):
            self.drop(f"f/{number % 3}/{number}.json", {"n": number})
        daemon.sync()
        subprocess.run(["rm", "-r", self.path("f")], check=True)
        daemon.sync()
        self.assertEqual(daemon.ids(), [])
        self.drop("f/0/new.json", {"n": 1})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["f/0/new"])
        self.assert_converged(daemon)


class Writers(JcnCase):
    def test_truncate_and_regrow(self):
        daemon = self.daemon()
        self.drop("a.json", b'{"id":"a"}          ')
        daemon.sync()
        os.truncate(self.path("a.json"), 10)
        daemon.sync()
        self.assertEqual(daemon.record("a"), {"id": "a"})
        os.truncate(self.path("a.json"), 5)
        daemon.sync()
        self.assertEqual(daemon.rejects()["a.json"]["code"], "unexpected_end")
        os.truncate(self.path("a.json"), 0)
        daemon.sync()
        self.assertEqual(daemon.rejects()["a.json"]["code"], "empty_file")
        self.assert_converged(daemon)

    def test_same_size_same_mtime_is_read_again(self):
        daemon = self.daemon()
        path = self.drop("a.json", {"id": "a", "n": 1})
        daemon.sync()
        info = os.stat(path)
        self.write("a.json", {"id": "a", "n": 2})
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
        daemon.sync()
        self.assertEqual(daemon.record("a")["n"], 2)

    def test_editor_patterns(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "a", "n": 0})
        daemon.sync()
        # temp file beside, renamed over (most editors)
        self.write(".a.json.swp", b"junk")
        self.write("a.json.tmp", {"id": "a", "n": 1})
        os.rename(self.path("a.json.tmp"), self.path("a.json"))
        daemon.sync()
        self.assertEqual(daemon.record("a")["n"], 1)
        # backup by rename, then the name anew (vim with backupcopy=no)
        os.rename(self.path("a.json"), self.path("a.json~"))
        self.write("a.json", {"id": "a", "n": 2})
        os.unlink(self.path("a.json~"))
        daemon.sync()
        self.assertEqual(daemon.record("a")["n"], 2)
        # truncate and write in place
        self.write("a.json", {"id": "a", "n": 3})
        daemon.sync()
        self.assertEqual(daemon.record("a")["n"], 3)
        # append a byte that is fine
        with open(self.path("a.json"), "ab") as file:
            file.write(b"\n")
        daemon.sync()
        self.assertEqual(daemon.record("a")["n"], 3)
        self.assertEqual(daemon.rejects(), {})
        self.assert_converged(daemon)

    def test_slow_writer_is_never_called_a_reject(self):
        daemon = self.daemon(config=SLOW_SETTLE)
        text = json.dumps({"id": "slow", "text": "x" * 200}).encode()
        step = len(text) // 20 + 1
        with Hammer(daemon.port, "/v1/rejects",
                    lambda answer: json_of(answer)["rows"]) as reader:
            with open(self.path("slow.json"), "wb", buffering=0) as file:
                for start in range(0, len(text), step):
                    file.write(text[start:start + step])
                    time.sleep(0.1)  # the writer's slowness, which is what is tested
            wait_for(lambda: daemon.record("slow"), "the slow file to be visible")
        self.assertEqual([rows for rows in reader.seen if rows], [])
        daemon.sync()
        self.assertEqual(daemon.rejects(), {})

    def test_slow_rewrite_keeps_the_old_content_until_whole(self):
        self.write("slow.json", {"id": "slow", "v": "old"})
        daemon = self.daemon(config=SLOW_SETTLE)
        text = json.dumps({"id": "slow", "v": "new", "text": "x" * 100}).encode()
        with Hammer(daemon.port, "/v1/videos/slow",
                    lambda answer: (answer.status, json_of(answer)["v"])) as reader:
            with open(self.path("slow.json"), "wb", buffering=0) as file:
                for start in range(0, len(text), 20):
                    file.write(text[start:start + 20])
                    time.sleep(0.1)  # the writer's slowness, which is what is tested
            wait_for(lambda: daemon.record("slow")["v"] == "new", "the new content")
        self.assertEqual(set(reader.seen) - {(200, "new")}, {(200, "old")})

    def test_writer_that_dies_leaves_a_reject(self):
        daemon = self.daemon()
        self.drop("was.json", {"id": "was", "n": 1})
        daemon.sync()
        for name in ("was", "new"):
            code = ("import os,sys,signal\n"
                    f"f=open(sys.argv[1],'wb',buffering=0); f.write(b'{{\"id\":\"{name}\",\"n\"')\n"
                    "os.kill(os.getpid(),signal.SIGKILL)")
            done = subprocess.run([sys.executable, "-c", code, self.path(f"{name}.json")],
                                  check=False)
            self.assertEqual(done.returncode, -signal.SIGKILL)
        daemon.sync()
        rejects = daemon.rejects()
        self.assertEqual({path: (row["code"], row["serving"] == "last-good")
                          for path, row in rejects.items()},
                         {"was.json": ("unexpected_end", True),
                          "new.json": ("unexpected_end", False)})
        self.assertEqual(daemon.record("was"), {"id": "was", "n": 1})
        self.assertIsNone(daemon.record("new"))

    def test_two_writers_final_bytes_win(self):
        daemon = self.daemon()

        def rewrite(who):
            for turn in range(200):
                self.write("a.json", {"id": "a", "who": who, "pad": "x" * (turn * 7 % 100)})

        writers = [threading.Thread(target=rewrite, args=(who,)) for who in range(2)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        daemon.sync()
        with open(self.path("a.json"), "rb") as file:
            final = file.read()
        try:
            self.assertEqual(daemon.record("a"), json.loads(final))
        except ValueError:  # the writers may have left bytes mixed
            self.assertIn("a.json", daemon.rejects())
        self.assert_converged(daemon)


class Barrier(JcnCase):
    def test_everything_dropped_before_is_visible(self):
        daemon = self.daemon()
        for turn in range(20):
            for number in range(50):
                self.drop(f"t{turn}/{number}.json", {"id": f"{turn}.{number}"})
            daemon.sync()
            self.assertEqual(daemon.status()["kinds"], {"videos": (turn + 1) * 50})
            self.assertIsNotNone(daemon.record(f"{turn}.49"))

    def test_from_many_threads(self):
        daemon = self.daemon()
        failures = []

        def work(who):
            for turn in range(25):
                self.write(os.path.join(self.root, f"w{who}", f"{turn}.json"),
                           {"id": f"{who}.{turn}"})
                daemon.sync()
                if daemon.record(f"{who}.{turn}") is None:
                    failures.append((who, turn))

        threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len(daemon.ids()), 100)

    def test_durable_waits_for_the_fold(self):
        daemon = self.daemon()
        for number in range(100):
            self.drop(f"{number}.json", {"n": number})
        answer = daemon.sync(durable=True)
        status = daemon.status()
        self.assertEqual(status["fresh"], 0)
        self.assertEqual(status["seq"], answer["seq"])
        self.assertEqual(answer["unsettled"], [])
        seq = answer["seq"]
        daemon.kill9()
        daemon.start()
        self.assertEqual(len(daemon.ids()), 100)
        again = daemon.status()["seq"]
        self.assertEqual(again.rpartition("-")[0], seq.rpartition("-")[0])
        self.assertGreaterEqual(int(again.rpartition("-")[2]), int(seq.rpartition("-")[2]))

    def test_timeout_is_told(self):
        daemon = self.daemon(config="[settle]\nfirst_ms = 2000\nsecond_ms = 4000\n")
        self.drop("torn.json", b"{")
        self.assert_problem(daemon.request("POST", "/v1/sync?timeout_ms=50", b""),
                            503, "sync_timeout")


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
        self.refused(self.new_daemon(config='log_level = "info"\n\nnonsense = 1\n'), "nonsense", "3")
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
        self.assertEqual(daemon.explain(self.path("sub/bad.json"))["reject"]["code"], "syntax_error")
        self.assertEqual(daemon.explain(self.path("x.txt"))["status"], "ignored")
        self.assertEqual(daemon.get("/v1/explain?path=/etc/passwd").status, 404)
        self.assertEqual(daemon.get("/v1/explain?root=none&path=x.json").status, 404)
        self.assertEqual(daemon.get("/v1/explain").status, 400)

    def test_terminate_while_writing(self):
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
        self.assertEqual((record["title"], record["views"], record["first"], sorted(record["tags"])),
                         ("T", 10, 2.5, ["x", "y", "z"]))
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
