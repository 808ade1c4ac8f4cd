"""Why a file is what it is: JSON Schemas and their trial runs, conflicts, explain, check."""

import json
import os
import shutil
import subprocess
import unittest
import urllib.parse

from harness import JCNCTL, PROJECT, JcnCase, json_of, wait_for

SCHEMA = {"$schema": "http://json-schema.org/draft-07/schema#",
          "properties": {"title": {"type": "string", "minLength": 1},
                         "duration": {"type": "number", "minimum": 0}}}


class SchemaCase(JcnCase):
    def schema_file(self):
        return os.path.join(self.tmp, "video.schema.json")

    def set_schema(self, schema):
        text = schema if isinstance(schema, str) else json.dumps(schema)
        with open(self.schema_file() + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.schema_file() + ".new", self.schema_file())

    def config(self):
        return (f'[[kind]]\nname = "videos"\nschema = "{self.schema_file()}"\n'
                '[[kind]]\nname = "people"\n'
                '[[rule]]\nkind = "people"\nmatch = "people/*.json"\n'
                '[[rule]]\nkind = "videos"\nmatch = "**/*.json"\n')

    def schema_daemon(self, schema=None, **options):
        self.set_schema(SCHEMA if schema is None else schema)
        return self.daemon(config=self.config(), **options)

    def dry_run(self, daemon, schema, parameters="", kind="videos"):
        body = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
        return daemon.request("POST", f"/v1/schemas/{kind}?dry_run=1{parameters}", body)


class Schemas(SchemaCase):
    def test_a_violation_is_a_reject_with_its_place(self):
        daemon = self.schema_daemon()
        self.drop("good.json", {"id": "good", "title": "T", "duration": 1.5})
        self.drop("bad.json", b'{\n  "id": "bad",\n  "title": "T",\n  "duration": "long"\n}')
        self.drop("people/p.json", {"id": "p", "title": 5})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["good"])
        self.assertEqual(daemon.ids("people"), ["p"], "the other kind has no schema")
        reject = daemon.rejects()["bad.json"]
        self.assertEqual((reject["code"], reject["pointer"], reject["line"], reject["column"],
                          reject["offset"], reject["serving"]),
                         ("schema_violation", "/duration", 4, 15, 47, None))
        self.assertEqual(reject["message"], "must be a number, not a string "
                         "(/properties/duration/type of the schema)")
        self.drop("bad.json", {"id": "bad", "duration": 3})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["bad", "good"])
        self.assertEqual(daemon.rejects(), {})
        self.assert_converged(daemon)

    def test_a_file_that_stops_being_valid_serves_its_last_good_content(self):
        daemon = self.schema_daemon()
        self.drop("a.json", {"id": "a", "duration": 1})
        daemon.sync()
        self.drop("a.json", {"id": "a", "duration": -1})
        daemon.sync()
        self.assertEqual(daemon.record("a"), {"id": "a", "duration": 1})
        reject = daemon.rejects()["a.json"]
        self.assertEqual((reject["code"], reject["serving"]), ("schema_violation", "last-good"))
        explained = daemon.explain(self.path("a.json"))
        self.assertEqual((explained["status"], explained["serving"], explained["id"]),
                         ("rejected", "last-good", "a"))
        self.assertIn("last good", explained["why"])
        daemon.restart()
        self.assertEqual(daemon.record("a"), {"id": "a", "duration": 1})
        self.assert_converged(daemon)

    def test_a_changed_schema_judges_anew(self):
        daemon = self.schema_daemon()
        self.drop("a.json", {"id": "a", "duration": 1})
        self.drop("b.json", {"id": "b", "duration": -1})
        daemon.sync()
        self.assertEqual(daemon.ids(), ["a"])
        self.set_schema({"properties": {"duration": {"maximum": 0}}})
        daemon.hang_up()
        wait_for(lambda: daemon.ids() == ["b"], "the new schema to judge")
        daemon.sync()
        self.assertEqual(daemon.rejects()["a.json"]["serving"], None, "judged anew, nothing is left")
        self.assert_converged(daemon)
        self.set_schema(True)
        daemon.hang_up()
        wait_for(lambda: daemon.ids() == ["a", "b"], "no schema to speak of")
        self.set_schema(SCHEMA)
        daemon.restart()
        self.assertEqual(daemon.ids(), ["a"], "changed while it was down")
        self.assert_converged(daemon)

    def test_the_same_schema_written_otherwise_reads_no_file(self):
        daemon = self.schema_daemon()
        self.drop("a.json", {"id": "a"})
        daemon.sync(durable=True)
        wait_for(lambda: self.settled(daemon), "the file to be older than two seconds")
        self.set_schema(json.dumps(SCHEMA, indent=4))
        daemon.restart()
        self.assertEqual(daemon.status()["fragments_read"], 0)

    def settled(self, daemon):
        before = daemon.status()["fragments_read"]
        return before >= 2 and daemon.status()["queue"] == 0

    def test_a_bad_schema_is_refused_and_the_old_one_stays(self):
        daemon = self.schema_daemon()
        before = len(daemon.stderr_text())
        self.set_schema('{\n  "properties": {"duration": {"type": "nmber"}}\n}')
        daemon.hang_up()
        wait_for(lambda: "reload refused" in daemon.stderr_text()[before:], "the refusal to be logged")
        log = daemon.stderr_text()[before:]
        self.assertIn("video.schema.json:2:39: /properties/duration/type: ", log)
        self.assertIn(".toml:3:10: ", log)
        self.drop("a.json", {"id": "a", "duration": "x"})
        daemon.sync()
        self.assertEqual(daemon.rejects()["a.json"]["code"], "schema_violation")
        other = self.new_daemon(index="other", config=self.config())
        code, out, errors = other.start_refused()
        self.assertEqual((code, out), (2, ""))
        self.assertIn("video.schema.json:2:39: ", errors)
        os.unlink(self.schema_file())
        self.assertIn("video.schema.json: No such file", other.start_refused()[2])
        checked = subprocess.run([daemon.jcn, "--check-config", "--config", other.config_file,
                                  self.root], capture_output=True, check=False)
        self.assertEqual(checked.returncode, 2)

    def test_the_schema_is_served(self):
        daemon = self.schema_daemon()
        answer = daemon.get("/v1/schemas/videos")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["content-type"], "application/schema+json")
        self.assertEqual(json_of(answer), SCHEMA)
        self.assertEqual(daemon.get("/v1/schemas/videos",
                                    If_None_Match=answer.headers["etag"]).status, 304)
        self.assert_problem(daemon.get("/v1/schemas/people"), 404, "no_schema")
        self.assert_problem(daemon.get("/v1/schemas/none"), 404, "no_such_kind")

    def test_the_sample_schema_takes_the_sample_notes(self):
        shutil.copytree(PROJECT / "tests/data/notes", self.root, dirs_exist_ok=True)
        self.set_schema((PROJECT / "jcn/schemas/video.schema.json").read_text())
        daemon = self.daemon(config=self.config())
        self.assertNotIn("schema_violation", [row["code"] for row in daemon.rejects().values()])
        self.assertEqual(sorted(daemon.rejects()), ["kitchen/twice-salted.json",
                                                    "talks/2026/the-missing-comma.json"])

    def test_hostile_schemas_and_documents_end(self):
        daemon = self.schema_daemon(True)
        self.drop("long.json", {"id": "long", "t": "a" * 900_000})
        self.drop("many.json", {"id": "many", "t": "b", "list": list(range(120_000))})
        daemon.sync()
        doubling = {"definitions": {f"d{n}": {"allOf": [{"$ref": f"#/definitions/d{n + 1}"}] * 2}
                                    for n in range(60)}}
        doubling["definitions"]["d60"] = {}
        doubling["$ref"] = "#/definitions/d0"
        for schema in ({"properties": {"t": {"pattern": "^(a+)+$"}}},
                       {"properties": {"t": {"pattern": "^(a|aa|aaa)*b$"}}},
                       {"properties": {"list": {"uniqueItems": True}}},
                       {"properties": {"list": {"items": {"anyOf": [{"type": "string"}] * 20}}}},
                       doubling):
            answer = self.dry_run(daemon, schema)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(json_of(answer)["checked"] > 0, True)
        for schema in ({"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"pattern": "(?=a)"},
                       {"$ref": "http://127.0.0.1/x"}, {"multipleOf": 0},
                       b'{"not":' * 5000 + b"1" + b"}" * 5000):
            self.assert_problem(self.dry_run(daemon, schema), 400, "bad_schema")
        self.assertTrue(daemon.alive())


class DryRun(SchemaCase):
    def test_it_names_the_files_that_would_fail(self):
        daemon = self.schema_daemon()
        self.drop("a.json", {"id": "a", "title": "T", "duration": 5})
        self.drop("sub/b.json", {"id": "b", "duration": 5000})
        self.drop("sub/c.json", {"id": "a", "extra": 1})
        self.drop("broken.json", b"{")
        daemon.sync()
        stricter = {"properties": {"duration": {"maximum": 100}}, "required": ["title"]}
        trial = json_of(self.dry_run(daemon, stricter))
        self.assertEqual((trial["checked"], trial["truncated"], trial["next"]), (3, False, None))
        self.assertEqual([(f["root"], f["path"], f["id"], f["pointer"]) for f in trial["failures"]],
                         [("notes", "sub/c.json", "a", ""), ("notes", "sub/b.json", "b", "")])
        self.assertEqual(daemon.ids(), ["a", "b"], "nothing changed")
        self.assertEqual(json_of(daemon.get("/v1/schemas/videos")), SCHEMA)
        # What it foretold is what happens.
        self.set_schema(stricter)
        daemon.hang_up()
        wait_for(lambda: sorted(daemon.rejects()) == ["broken.json", "sub/b.json", "sub/c.json"],
                 "the stricter schema to judge")
        self.assertEqual(json_of(self.dry_run(daemon, stricter))["failures"], [],
                         "files that are rejects already are not checked")

    def test_it_goes_on_page_by_page(self):
        daemon = self.schema_daemon()
        for number in range(40):
            self.drop(f"{number}.json", {"id": f"n{number:02}", "duration": number})
        daemon.sync(durable=True)
        for number in range(40, 60):
            self.drop(f"{number}.json", {"id": f"n{number:02}", "duration": number})
        daemon.sync()
        seen, checked, parameters = [], 0, "&_size=7"
        while True:
            page = json_of(self.dry_run(daemon, {"properties": {"duration": {"multipleOf": 2}}},
                                        parameters))
            checked += page["checked"]
            seen += [failure["id"] for failure in page["failures"]]
            self.assertEqual(page["truncated"], page["next"] is not None)
            if not page["truncated"]:
                break
            parameters = "&_size=7&_next=" + page["next"]
        self.assertEqual(checked, 60)
        self.assertEqual(seen, [f"n{number:02}" for number in range(60) if number % 2])

    def test_what_it_refuses(self):
        daemon = self.schema_daemon()
        answer = daemon.request("POST", "/v1/schemas/videos", b"true")
        self.assert_problem(answer, 400, "bad_parameter")
        self.assertIn("configuration", json_of(answer)["hint"])
        answer = self.dry_run(daemon, b'{\n "type": 5}')
        self.assert_problem(answer, 400, "bad_schema")
        self.assertIn("line 2, column 10", json_of(answer)["detail"])
        self.assertEqual(json_of(answer)["errors"][0]["pointer"], "/type")
        self.assert_problem(self.dry_run(daemon, True, kind="none"), 404, "no_such_kind")
        self.assertEqual(daemon.request("PUT", "/v1/schemas/videos", b"true").status, 405)


class Conflicts(SchemaCase):
    def conflicts(self, daemon, parameters=""):
        rows, target = [], "/v1/conflicts" + parameters
        while target:
            page = json_of(daemon.get(target))
            rows += page["rows"]
            target = page["next_url"]
        return rows

    def test_who_won(self):
        daemon = self.daemon(config='[[rule]]\nkind = "people"\nmatch = "people/*.json"\n[[rule]]\n')
        self.drop("a.json", {"id": "x", "title": "one", "tags": ["a"], "same": 1, "gone": 5})
        self.drop("b.json", {"id": "x", "title": "two", "tags": ["b"], "same": 1.0, "gone": None})
        self.drop("alone.json", {"id": "y", "title": "three"})
        self.drop("people/a.json", {"id": "x", "name": "A"})
        self.drop("people/b.json", {"id": "x", "name": "B"})
        daemon.sync()
        rows = self.conflicts(daemon, "?kind=videos")
        self.assertEqual(rows, [
            {"kind": "videos", "id": "x", "pointer": pointer,
             "winner": {"root": "notes", "path": "b.json", "value": stands},
             "shadowed": [{"root": "notes", "path": "a.json", "value": lost}]}
            for pointer, stands, lost in (("/gone", None, 5), ("/tags", ["b"], ["a"]),
                                          ("/title", "two", "one"))])
        self.assertEqual({row["kind"] for row in self.conflicts(daemon)}, {"people", "videos"})
        self.assertEqual(self.conflicts(daemon, "?_size=1"), self.conflicts(daemon))
        daemon.sync(durable=True)
        self.assertEqual(self.conflicts(daemon, "?kind=videos"), rows, "folded")
        provenance = json_of(daemon.get("/v1/videos/x?_extra=provenance"))["provenance"]
        self.assertEqual(provenance["/title"], {"root": "notes", "path": "b.json",
                                                "shadowed": [{"root": "notes", "path": "a.json"}]})
        self.assertEqual(sorted(provenance), ["/id", "/same", "/tags", "/title"])
        os.unlink(self.path("b.json"))
        daemon.sync()
        self.assertEqual(self.conflicts(daemon, "?kind=videos"), [])

    def test_jcnctl_lists_them_with_and_without_a_daemon(self):
        daemon = self.daemon()
        self.drop("a.json", {"id": "x", "title": "one"})
        self.drop("b\xff.json".encode("latin-1"), {"id": "x", "title": "two"})
        daemon.sync(durable=True)

        def listed(*arguments):
            done = subprocess.run([JCNCTL, *arguments], capture_output=True, check=True)
            return [json.loads(line) for line in done.stdout.splitlines()]
        url = f"http://127.0.0.1:{daemon.port}"
        live = listed("--url", url, "conflicts")
        self.assertEqual([(row["pointer"], row["winner"]["path"]) for row in live],
                         [("/title", "b\\xff.json")])
        self.assertEqual(listed("--url", url, "conflicts", "--kind", "videos"), live)
        missing = subprocess.run([JCNCTL, "--url", url, "conflicts", "--kind", "none"],
                                 capture_output=True, check=False)
        self.assertEqual(missing.returncode, 1)
        daemon.stop()
        self.assertEqual(listed("--index", daemon.index, "conflicts"), live)
        self.assertEqual(listed("--index", daemon.index, "conflicts", "--kind", "none"), [])


class Explain(SchemaCase):
    def explain(self, daemon, root, path):
        return json_of(daemon.get(f"/v1/explain?root={root}&path="
                                  + urllib.parse.quote(path, safe="")))

    def test_every_status_and_why(self):
        config = ('ignore = ["*.draft.json"]\n[settle]\nsecond_ms = 600000\n'
                  '[[rule]]\nkind = "talks"\nmatch = "talks/*.json"\nid = ["/id"]\nanchor = true\n'
                  '[[rule]]\nkind = "talks"\nmatch = "views/*.json"\nid = ["/id"]\n'
                  '[[rule]]\nkind = "videos"\nmatch = "v/**/*.json"\n')
        daemon = self.daemon(config=config)
        self.drop("v/a.json", {"id": "a"})
        self.drop("v/b.json", {"id": "a"})
        self.drop("v/alone.json", {})
        self.drop("v/dup.json", b'{"a":1,"a":2}')
        self.drop("v/mine.draft.json", {})
        self.drop("v/.hidden/x.json", {})
        self.drop("elsewhere/x.json", {})
        self.drop("views/x.json", {"id": "x"})
        self.drop("talks/n.json", {"no": "id"})
        # A barrier would wait for v/dup.json, which may be torn. These two were dropped last.
        for path, status in (("views/x.json", "orphan"), ("talks/n.json", "rejected")):
            wait_for(lambda: daemon.explain(self.path(path))["status"] == status, path)
        wait_for(lambda: daemon.explain(self.path("v/alone.json"))["status"] == "indexed",
                 "the crawl of what was dropped")
        said = {path: daemon.explain(self.path(path)) for path in (
            "v/a.json", "v/alone.json", "v/dup.json", "v/mine.draft.json", "v/.hidden/x.json",
            "elsewhere/x.json", "views/x.json", "talks/n.json", "v/none.json")}
        self.assertEqual({path: (one["status"], one["rule"], one["kind"], one["id"])
                          for path, one in said.items()},
                         {"v/a.json": ("indexed", 2, "videos", "a"),
                          "v/alone.json": ("indexed", 2, "videos", "v/alone"),
                          "v/dup.json": ("pending", 2, "videos", None),
                          "v/mine.draft.json": ("ignored", None, None, None),
                          "v/.hidden/x.json": ("ignored", None, None, None),
                          "elsewhere/x.json": ("ignored", None, None, None),
                          "views/x.json": ("orphan", 1, "talks", "x"),
                          "talks/n.json": ("rejected", 0, "talks", None),
                          "v/none.json": ("ignored", 2, "videos", None)})
        for path, words in (("v/a.json", "one of the 2 files"), ("v/alone.json", "it is its record"),
                            ("v/dup.json", "stops changing"),
                            ("v/mine.draft.json", '"mine.draft.json" matches the ignore pattern '
                                                  '"*.draft.json"'),
                            ("v/.hidden/x.json", '".hidden" matches the ignore pattern ".*"'),
                            ("elsewhere/x.json", "no rule matches"), ("views/x.json", "anchor"),
                            ("talks/n.json", "none of the id's sources"),
                            ("v/none.json", "no such file")):
            self.assertIn(words, said[path]["why"], path)
        self.assertEqual(said["talks/n.json"]["reject"]["code"], "no_id")
        self.assertRegex(said["talks/n.json"]["since"], r"^\d{4}-\d\d-\d\dT.*Z$")
        self.assertIsNone(said["v/a.json"]["since"])
        self.drop("v/dup.json", {"id": "dup"})
        wait_for(lambda: daemon.explain(self.path("v/dup.json"))["status"] == "indexed",
                 "the file that was mended")

    def test_paths_as_they_are_shown(self):
        daemon = self.daemon()
        names = [b"odd\xff.json", b"line\nbreak.json", b"back\\xff.json", "ä.json".encode()]
        for number, name in enumerate(names):
            self.drop(name, {"id": str(number)})
        self.drop(b"bad\xfe.json", b"[]")
        daemon.sync()
        for number, shown in enumerate(("odd\\xff.json", "line\\x0abreak.json", "back\\xff.json",
                                        "ä.json")):
            self.assertEqual(self.explain(daemon, "notes", shown)["id"], str(number), shown)
            by_path = json_of(daemon.get("/v1/explain?path=" + urllib.parse.quote(
                os.path.join(self.root, shown), safe="")))
            self.assertEqual(by_path["id"], str(number))
            done = subprocess.run([JCNCTL, "--url", f"http://127.0.0.1:{daemon.port}", "explain",
                                   os.path.join(os.fsencode(self.root), names[number])],
                                  capture_output=True, check=True)
            self.assertEqual(json.loads(done.stdout)["id"], str(number))
        [shown] = daemon.rejects()
        self.assertEqual(shown, "bad\\xfe.json")
        self.assertEqual(self.explain(daemon, "notes", shown)["status"], "rejected",
                         "as /v1/rejects names it")

    def test_an_offline_root_is_told(self):
        away = self.folder("away")
        self.write(os.path.join(away, "x.json"), {"id": "x"})
        daemon = self.daemon(self.root, away)
        os.rename(away, away + ".moved")
        wait_for(lambda: "offline" in [root["state"] for root in daemon.status()["roots"]],
                 "the root to be missed", 30)
        explained = self.explain(daemon, "away", "x.json")
        self.assertEqual((explained["status"], explained["id"]), ("indexed", "x"))
        self.assertIn("offline", explained["why"])


class Check(SchemaCase):
    def test_the_verdict_is_that_of_the_file(self):
        daemon = self.schema_daemon()
        bodies = {"good.json": b'{"id":"g","title":"T"}',
                  "syntax.json": b'{"id":"s",\n "title" "T"}',
                  "torn.json": b'{"id":"s"',
                  "bom.json": b"\xef\xbb\xbf{}",
                  "utf8.json": b'{"id":"\xff"}',
                  "empty.json": b"",
                  "array.json": b"[]",
                  "dup.json": b'{"a":1,\n\n  "a":2}',
                  "number.json": b'{"a":1e400}',
                  "id.json": b'{"id":".."}',
                  "schema.json": '{"id":"ä",\n "title": ""}'.encode()}
        for name, body in bodies.items():
            self.drop(name, body)
        daemon.sync()
        rejects = daemon.rejects()
        for name, body in bodies.items():
            verdict = json_of(daemon.request("POST", f"/v1/check?root=notes&path={name}", body))
            explained = daemon.explain(self.path(name))
            with self.subTest(name):
                self.assertEqual(verdict["status"], explained["status"])
                self.assertEqual(verdict["reject"], explained["reject"])
                self.assertEqual((verdict["kind"], verdict["id"]),
                                 (explained["kind"], explained["id"]))
                self.assertEqual(verdict["ok"], name not in rejects)
        self.assertEqual(rejects["schema.json"]["line"], 2)
        self.assertEqual(rejects["schema.json"]["pointer"], "/title")

    def test_a_kind_picks_its_rule_and_schema(self):
        daemon = self.schema_daemon()
        body = b'{"id":"x","title":5}'
        verdict = json_of(daemon.request("POST", "/v1/check?kind=videos", body))
        self.assertEqual((verdict["status"], verdict["reject"]["code"]),
                         ("rejected", "schema_violation"))
        verdict = json_of(daemon.request("POST", "/v1/check?kind=people", body))
        self.assertEqual((verdict["status"], verdict["kind"], verdict["id"]),
                         ("indexed", "people", "x"))
        self.assertEqual(daemon.status()["fragments"], 0, "nothing is written")

    def test_documents_as_deep_as_they_may_be(self):
        daemon = self.schema_daemon({"properties": {"l": {"uniqueItems": True}}})
        arrays = b'[{"o":' * 30 + b'%d' + b'}]' * 30
        objects = b'{"o":' * 60 + b'%d' + b'}' * 60
        for number in range(2):
            self.drop(f"{number}.json", b'{"id":"x","a":' + arrays % number + b',"o":'
                      + objects % number + b'}')
        daemon.sync()
        self.assertEqual(daemon.rejects(), {})
        rows = json_of(daemon.get("/v1/conflicts"))["rows"]
        self.assertEqual([row["pointer"] for row in rows], ["/a", "/o" + "/o" * 60])
        body = b'{"id":"x","l":[' + arrays % 1 + b',' + arrays % 1 + b']}'
        verdict = json_of(daemon.request("POST", "/v1/check", body))
        self.assertEqual(verdict["reject"]["pointer"], "/l/1")

    def test_deep_documents_where_they_are_allowed(self):
        self.set_schema({"properties": {"list": {"uniqueItems": True}}})
        daemon = self.daemon(config="[limits]\nmax_depth = 10000\n" + self.config())
        deep = b'[' * 9_000 + b']' * 9_000
        body = b'{"id":"deep","list":[' + deep + b',' + deep + b']}'
        verdict = json_of(daemon.request("POST", "/v1/check", body))
        self.assertEqual(verdict["reject"]["pointer"], "/list/1")
        self.drop("a.json", b'{"id":"x","o":' + b'{"o":' * 9_000 + b"1" + b"}" * 9_001)
        self.drop("b.json", b'{"id":"x","o":' + b'{"o":' * 9_000 + b"2" + b"}" * 9_001)
        daemon.sync()
        self.assertEqual(daemon.get("/v1/conflicts").status, 200)
        self.assertEqual(daemon.get("/v1/videos/x?_extra=provenance").status, 200)
        self.assertEqual(self.dry_run(daemon, {"uniqueItems": True}).status, 200)
        self.assertTrue(daemon.alive())


if __name__ == "__main__":
    unittest.main()
