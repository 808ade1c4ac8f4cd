"""Drop a file, ask for it: records, listings, fragments, from outside."""

import hashlib
import json
import os
import threading
import unittest
import urllib.parse

from harness import Hammer, JcnCase, json_of, shown_path


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
        ids = ["plain", "with space", "a/b/c", "50%", "q?x=1&y", "#frag", "ünï→", "dot.json",
               "...", "+plus+", "%2F", "a\\b", '"quoted"', "'", ";", "a:b@c", "~", "x" * 400]
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
        self.assertEqual(daemon.get("/v1/videos/a/b/c").status, 200, "slashes may stand")
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

    def test_fault_26_paths_longer_than_a_key_of_lmdb(self):
        daemon = self.daemon()
        folders = ["/".join([c * 250] * depth) for c, depth in (("a", 2), ("b", 3), ("c", 15))]
        for number, folder in enumerate(folders):
            self.drop(f"{folder}/x.json", {"id": f"v{number}", "n": 1})
            self.drop(f"{folder}/{'y' * 245}.json", {"id": f"v{number}", "m": 1})
            self.drop(f"{folder}/bad.json", b"{")
        daemon.sync(durable=True)
        wanted = [{"id": f"v{number}", "n": 1, "m": 1} for number in range(3)]
        self.assertEqual([daemon.record(f"v{number}") for number in range(3)], wanted)
        self.assertEqual(set(daemon.rejects()), {f"{folder}/bad.json" for folder in folders})
        daemon.restart()
        self.assertEqual(daemon.explain(self.path(f"{folders[2]}/x.json"))["id"], "v2")
        self.drop(f"{folders[2]}/x.json", {"id": "v2", "n": 2})
        os.unlink(self.path(f"{folders[1]}/x.json"))
        os.rename(self.path("a" * 250), self.path("d" * 250))
        daemon.sync()
        self.assertEqual([daemon.record(f"v{number}") for number in range(3)],
                         [wanted[0], {"id": "v1", "m": 1}, {"id": "v2", "n": 2, "m": 1}])
        self.assert_converged(daemon)

    def test_fault_39_file_names_of_every_look(self):
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
            self.write(f"{record_id}.json",
                       {"id": record_id, "t": "x", "_id": "inner", "m": {"k": 1}})
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


if __name__ == "__main__":
    unittest.main()
