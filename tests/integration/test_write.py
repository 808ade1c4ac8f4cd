"""The write API: files of fragments read, written and removed through HTTP, from outside."""

import concurrent.futures
import json
import multiprocessing
import os
import threading
import unittest
import urllib.parse

from harness import TIME_FACTOR, Client, JcnCase, json_of, wait_for, write_whole

SEQ = r"^[0-9a-f-]{36}-\d+$"
OLD, NEW = b'{"id":"a","n":1}', b'{"id":"a","n":2}'


def target_of(path, root="notes"):
    return f"/v1/fragments/{root}/" + urllib.parse.quote(path)


def number_of(answer):
    return int(answer.headers["jcn-seq"].rpartition("-")[2])


def increment(port, times, start):
    """In a process of its own: how many conditional PUTs it took."""
    client = Client(port)
    start.wait()
    tries = 0
    for _ in range(times):
        while True:
            now = client.get(target_of("counter.json"))
            assert now.status == 200, now
            count = {"id": "counter", "n": json.loads(now.body)["n"] + 1}
            put = client.request("PUT", target_of("counter.json"), json.dumps(count).encode(),
                                 {"If-Match": now.headers["etag"]})
            tries += 1
            if put.status == 200:
                break
            assert put.status == 412, put
    client.close()
    return tries


class WriteCase(JcnCase):
    def writable(self, *folders, arguments=(), **options):
        return self.daemon(*folders, arguments=["--writable", *arguments], **options)

    def put(self, live, path, body, if_match=None, if_none_match=None, token=None, root="notes"):
        headers = {"If-Match": if_match, "If-None-Match": if_none_match,
                   "Authorization": token and f"Bearer {token}"}
        return live.request("PUT", target_of(path, root), body,
                            {name: value for name, value in headers.items() if value})

    def delete(self, live, path, if_match=None):
        return live.request("DELETE", target_of(path), headers=if_match and {"If-Match": if_match})

    def bulk(self, live, *operations, **headers):
        return live.request("POST", "/v1/fragments/_bulk",
                            json.dumps({"operations": operations}).encode(), headers)

    def bytes_at(self, path):
        with open(self.path(path), "rb") as file:
            return file.read()

    def all_names(self):
        return sorted(os.path.relpath(os.path.join(folder, name), self.root)
                      for folder, folders, files in os.walk(self.root) for name in folders + files)

    def assert_nothing_else(self, *names):
        self.assertEqual(self.all_names(), sorted(names))

    def token_file(self, name, token):
        path = os.path.join(self.tmp, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
        return path


class Writing(WriteCase):
    def test_what_is_answered_is_visible(self):
        live = self.writable()
        made = self.put(live, "talks/2026/a.json", OLD)
        self.assertEqual(made.status, 201, made.body)
        self.assertEqual(live.record("a"), {"id": "a", "n": 1}, "without a barrier")
        self.assertRegex(made.headers["etag"], r'^"[0-9a-f]{32}"$')
        self.assertRegex(made.headers["jcn-seq"], SEQ)
        self.assertEqual(json_of(made), {
            "ok": True, "root": "notes", "path": "talks/2026/a.json",
            "etag": made.headers["etag"], "seq": made.headers["jcn-seq"]})
        self.assertEqual(self.bytes_at("talks/2026/a.json"), OLD)

        replaced = self.put(live, "talks/2026/a.json", NEW, if_match=made.headers["etag"])
        self.assertEqual(replaced.status, 200, replaced.body)
        self.assertEqual(live.record("a"), {"id": "a", "n": 2})
        self.assertGreater(number_of(replaced), number_of(made))
        changes = json_of(live.get(f"/v1/changes?since={made.headers['jcn-seq']}"))["results"]
        self.assertEqual([row["id"] for row in changes], ["a"])
        self.assertLessEqual(int(changes[0]["seq"].rpartition("-")[2]), number_of(replaced))

        gone = self.delete(live, "talks/2026/a.json", if_match=replaced.headers["etag"])
        self.assertEqual(gone.status, 200, gone.body)
        self.assertIsNone(live.record("a"))
        self.assertEqual(json_of(gone)["etag"], None)
        self.assertGreater(number_of(gone), number_of(replaced))
        self.assert_nothing_else("talks", "talks/2026")
        self.assertEqual(os.listdir(os.path.join(live.index, "writes")), [])
        self.assert_converged(live)

    def test_reading_needs_no_leave_to_write(self):
        live = self.daemon()
        body = b'\xef\xbb\xbf{ "no": json }\n'
        self.drop("odd name.json", body)
        answer = live.get(target_of("odd name.json"))
        self.assertEqual((answer.status, answer.body), (200, body), "bytes as they stand, bad ones too")
        self.assertIn("GMT", answer.headers["last-modified"])
        same = live.get(target_of("odd name.json"), If_None_Match=answer.headers["etag"])
        self.assertEqual((same.status, same.body), (304, b""))
        head = live.request("HEAD", target_of("odd name.json"))
        self.assertEqual((head.status, head.headers["etag"]), (200, answer.headers["etag"]))
        self.assert_problem(live.get(target_of("none.json")), 404, "no_such_fragment")
        self.assert_problem(live.get(target_of("a.json", "other")), 404, "no_such_root")
        self.assert_problem(live.get(target_of("a.json") + "?version=1"), 400, "bad_parameter")
        self.assert_problem(self.put(live, "a.json", OLD), 403, "writing_off")
        self.assert_problem(self.delete(live, "a.json", "*"), 403, "writing_off")
        self.assert_problem(self.bulk(live), 403, "writing_off")
        self.assert_nothing_else("odd name.json")

    def test_the_last_good_version(self):
        live = self.writable()
        self.put(live, "a.json", b'{ "id": "a", "n": 1.50 }')
        self.put(live, "a.more.json", b'{ "id": "a", "more": true }')
        for path in ("a.json", "a.more.json"):
            write_whole(self.path(path), b'{ "id": ')
        wait_for(lambda: len(live.rejects()) == 2, "both rejects")
        self.assertEqual(live.get(target_of("a.json")).body, b'{ "id": ')
        good = live.get(target_of("a.json") + "?version=last-good")
        self.assertEqual((good.status, good.body), (200, b'{"id":"a","n":1.50}'))
        self.assertEqual(live.get(target_of("a.more.json") + "?version=last-good").body,
                         b'{"id":"a","more":true}')
        os.remove(self.path("a.more.json"))
        live.sync()
        self.assertEqual(live.get(target_of("a.json") + "?version=last-good").body, good.body)
        self.assert_problem(live.get(target_of("a.more.json") + "?version=last-good"), 404,
                            "no_such_fragment")
        # Mended by a writer who has seen the bad bytes.
        seen = live.get(target_of("a.json")).headers["etag"]
        self.assertEqual(self.put(live, "a.json", NEW, if_match=seen).status, 200)
        self.assertEqual(live.rejects(), {})

    def test_what_would_be_rejected_is_not_written(self):
        schema = os.path.join(self.tmp, "schema.json")
        write_whole(schema, b'{"properties":{"n":{"maximum":5}}}')
        live = self.writable(config=f'[limits]\nmax_bytes = 300\n[[kind]]\nname = "videos"\n'
                                    f'schema = "{schema}"\n')
        self.assertEqual(self.put(live, "a.json", OLD).status, 201)
        for body, code, line, column in (
                (b'', "empty_file", None, None), (b'{\n"id": }', "syntax_error", 2, 7),
                (b'[]', "not_an_object", 1, 1), (b'{"id":".."}', "invalid_id", None, None),
                (b'{"a":1,"a":2}', "duplicate_member", 1, 8), (b'{"n":\n 6}', "schema_violation", 2, 2),
                (b'{"s":"' + b'x' * 300 + b'"}', "too_large", None, None)):
            for path in ("a.json", "new/b.json"):
                answer = self.put(live, path, body, if_match="*" if path == "a.json" else None)
                self.assert_problem(answer, 422, code)
                problem = json_of(answer)
                self.assertEqual((problem["line"], problem["column"]), (line, column), problem)
                verdict = json_of(live.request("POST", f"/v1/check?path={path}", body))["reject"]
                self.assertEqual({name: problem[name] for name in
                                  ("code", "line", "column", "offset", "pointer")},
                                 {name: verdict[name] for name in
                                  ("code", "line", "column", "offset", "pointer")})
                self.assertEqual(problem["detail"], verdict["message"])
        self.assertEqual(self.bytes_at("a.json"), OLD)
        self.assert_nothing_else("a.json")
        self.assert_problem(self.put(live, "a.json", b" " * (2 << 20), "*"), 413, "body_too_large")

    def test_names(self):
        live = self.writable()
        outside = self.folder("outside")
        os.symlink(outside, self.path("out"))
        os.symlink(os.path.join(outside, "x.json"), self.path("link.json"))
        write_whole(os.path.join(outside, "secret.json"), OLD)
        os.mkdir(self.path("folder.json"))
        write_whole(self.path("plain.txt"), b"")
        before = self.all_names()
        for raw, status, code in (
                ("../outside/x.json", 400, "bad_path"), ("%2e%2e/outside/x.json", 400, "bad_path"),
                ("a/..%2f..%2foutside/x.json", 400, "bad_path"), ("a//b.json", 400, "bad_path"),
                ("/etc/x.json", 400, "bad_path"), ("%2Fetc/x.json", 400, "bad_path"),
                ("a/./b.json", 400, "bad_path"), ("", 400, "bad_path"), ("a/", 400, "bad_path"),
                ("a%00.json", 400, "bad_target"), ("a%0A.json", 400, "bad_target"),
                ("a%zz.json", 400, "bad_target"), ("a%ff.json", 400, "bad_target"),
                (".hidden.json", 400, "ignored_name"), (".git/a.json", 400, "ignored_name"),
                ("a.json.part", 400, "ignored_name"), ("plain.txt", 400, "no_rule"),
                ("x.php", 400, "no_rule"), (".htaccess", 400, "ignored_name"),
                ("n" * 251 + ".json", 422, "path_too_long"),
                ("f/" * 2100 + "a.json", 422, "path_too_long"),
                ("out/x.json", 422, "symlink"), ("out/secret.json", 422, "symlink"),
                ("link.json", 422, "symlink"), ("folder.json", 400, "bad_path"),
                ("plain.txt/a.json", 400, "bad_path")):
            target = f"/v1/fragments/notes/{raw}"
            for method, headers in (("PUT", {}), ("PUT", {"If-Match": "*"}),
                                    ("DELETE", {"If-Match": "*"}), ("GET", {})):
                answer = live.request(method, target, OLD if method == "PUT" else None, headers)
                with self.subTest(f"{method} {raw[:40]} {headers}"):
                    if answer.status == 404 or answer.status == 412:
                        # Nobody follows a link, or looks for a file beneath one.
                        self.assertIn(code, ("symlink", "bad_path"))
                        self.assertIn(answer.status, (404, 412))
                    else:
                        self.assert_problem(answer, status, code)
        for target in ("/v1/fragments", "/v1/fragments/", "/v1/fragments/notes",
                       "/v1/fragments/_bulk/"):
            self.assertEqual(live.request("GET", target).status,
                             400 if target.endswith("_bulk/") else 404, target)
        self.assertEqual(self.all_names(), before)
        self.assertEqual(os.listdir(outside), ["secret.json"])
        self.assertEqual(self.put(live, "odd ž/100% #1.json", OLD).status, 201)
        live.sync()  # its events are looked into once more
        self.assertEqual(live.explain(self.path("odd ž/100% #1.json"))["status"], "indexed")

    def test_preconditions(self):
        live = self.writable()
        self.assert_problem(self.put(live, "a.json", OLD, if_match="*"), 412, "precondition_failed")
        self.assert_problem(self.delete(live, "a.json", "*"), 404, "no_such_fragment")
        tag = self.put(live, "a.json", OLD, if_none_match="*").headers["etag"]
        self.assert_problem(self.put(live, "a.json", NEW), 428, "precondition_required")
        self.assert_problem(self.delete(live, "a.json"), 428, "precondition_required")
        self.assert_problem(self.put(live, "a.json", NEW, if_none_match="*"), 412,
                            "precondition_failed")
        self.assert_problem(self.put(live, "a.json", NEW, if_match='"0"'), 412,
                            "precondition_failed")
        # An edit from outside, that no index has seen yet, counts.
        live.pause()
        self.drop("a.json", b'{"id":"a","theirs":1}')
        live.cont()
        self.assert_problem(self.put(live, "a.json", NEW, if_match=tag), 412, "precondition_failed")
        self.assert_problem(self.delete(live, "a.json", tag), 412, "precondition_failed")
        self.assertEqual(self.bytes_at("a.json"), b'{"id":"a","theirs":1}')
        now = live.get(target_of("a.json")).headers["etag"]
        self.assertEqual(self.put(live, "a.json", NEW, if_match=f'"0", {now}').status, 200)
        self.assertEqual(self.put(live, "a.json", OLD, if_match="*").status, 200)
        self.assertEqual(self.delete(live, "a.json", "*").status, 200)
        metrics = live.get("/metrics").body.decode()
        for line in ("jcn_fragments_written_total 3", "jcn_fragments_removed_total 1",
                     "jcn_preconditions_failed_total 7"):
            self.assertIn(line + "\n", metrics)

    def test_what_belongs_to_a_file_is_written_only_while_that_is_there(self):
        live = self.writable()

        def put(path, present, **condition):
            headers = {"Jcn-If-Present": present, **condition}
            return live.request("PUT", target_of(path), NEW, headers)

        self.assert_problem(put("c/a.edit.json", "c/a.json"), 404, "no_such_fragment")
        self.assert_nothing_else()
        self.assertEqual(self.put(live, "c/ä b.json", OLD).status, 201)
        self.assertEqual(put("c/a.edit.json", "c/%C3%A4%20b.json").status, 201)
        for wrong, code in (("%", "bad_path"), ("../c/a.json", "bad_path"), ("", "bad_path"),
                            (".a.json", "ignored_name"), ("a.mp4", "no_rule")):
            self.assert_problem(put("c/new.json", wrong), 400, code)
        operations = [{"method": "delete", "root": "notes", "path": "c/ä b.json", "if_match": "*"},
                      {"method": "put", "root": "notes", "path": "c/late.json", "document": {},
                       "if_present": "c/ä b.json"},
                      {"method": "put", "root": "notes", "path": "c/late.json", "document": {},
                       "if_present": "c/a.edit.json"}]
        results = json_of(self.bulk(live, *operations))["results"]
        self.assertEqual([each["status"] for each in results], [200, 404, 201])

    def test_guarded_like_everything_else(self):
        live = self.writable()
        for method in ("PUT", "DELETE"):
            for headers, status in (({"Origin": "http://evil.example"}, 403),
                                    ({"Host": "evil.example"}, 421)):
                answer = live.request(method, target_of("a.json"), headers=headers)
                self.assertEqual(answer.status, status)
        self.assert_problem(live.request("DELETE", target_of("a.json"), b"x"), 400,
                            "unexpected_body")
        self.assert_problem(live.request("POST", target_of("a.json"), OLD), 405,
                            "method_not_allowed")
        self.assert_problem(live.request("PUT", "/v1/fragments/_bulk", OLD), 405,
                            "method_not_allowed")
        self.assert_problem(live.request("PUT", target_of("a.json") + "?x=1", OLD), 400,
                            "unknown_parameter")
        self.assert_nothing_else()

    def test_many_in_one_request(self):
        live = self.writable()
        answer = self.bulk(
            live,
            {"method": "put", "root": "notes", "path": "a.json", "document": {"id": "a", "n": 1}},
            {"method": "put", "root": "notes", "path": "b.json", "document": {"id": "b"},
             "if_none_match": "*"},
            {"method": "put", "root": "notes", "path": "a.json", "document": {"id": "a", "n": 2}},
            {"method": "put", "root": "notes", "path": "a.json", "document": {"id": "a", "n": 3},
             "if_match": "*"},
            {"method": "put", "root": "notes", "path": "c.json", "document": {"id": ".."}},
            {"method": "put", "root": "notes", "path": "d.json", "document": [1]},
            {"method": "delete", "root": "notes", "path": "b.json", "if_match": "*"},
            {"method": "delete", "root": "notes", "path": "b.json", "if_match": "*"},
            {"method": "put", "root": "other", "path": "a.json", "document": {}},
            {"method": "put", "root": "notes", "path": "../a.json", "document": {}})
        self.assertEqual(answer.status, 200, answer.body)
        results = json_of(answer)["results"]
        self.assertEqual([each["status"] for each in results],
                         [201, 201, 428, 200, 422, 422, 200, 404, 404, 400])
        self.assertEqual([each["problem"]["code"] for each in results if "problem" in each],
                         ["precondition_required", "invalid_id", "not_an_object",
                          "no_such_fragment", "no_such_root", "bad_path"])
        self.assertEqual(live.record("a"), {"id": "a", "n": 3})
        self.assertIsNone(live.record("b"))
        self.assertEqual(results[3]["etag"], live.get(target_of("a.json")).headers["etag"])
        for each in results:
            if "problem" not in each:
                self.assertRegex(each["seq"], SEQ)
        self.assertEqual(self.bytes_at("a.json"), b'{"id":"a","n":3}')
        self.assert_nothing_else("a.json")
        good = {"method": "put", "root": "notes", "path": "x.json", "document": {}}
        for body, code, pointer in (
                (b"{", "bad_request", ""), (b"[]", "bad_value", ""),
                (b"{}", "bad_value", "/operations"),
                (b'{"operations":[],"more":1}', "unknown_parameter", "/more"),
                (json.dumps({"operations": [good, 5]}), "bad_value", "/operations/1"),
                (json.dumps({"operations": [good] * 101}), "bad_value", "/operations"),
                (json.dumps({"operations": [{**good, "method": "post"}]}), "bad_value",
                 "/operations/0/method"),
                (json.dumps({"operations": [{**good, "colour": "red"}]}), "unknown_parameter",
                 "/operations/0/colour"),
                (json.dumps({"operations": [{**good, "if_match": 5}]}), "bad_value",
                 "/operations/0/if_match"),
                (json.dumps({"operations": [good, {**good, "method": "delete"}]}), "bad_value",
                 "/operations/1/document")):
            wrong = live.request("POST", "/v1/fragments/_bulk", body)
            self.assert_problem(wrong, 400, code)
            self.assertEqual(json_of(wrong)["errors"][0]["pointer"], pointer)
        self.assert_nothing_else("a.json")
        self.assertEqual(json_of(self.bulk(live))["results"], [])

    def test_polled_folders_answer_at_once(self):
        live = self.writable(config=f'[poll]\ninterval_ms = 600000\n[[root]]\npath = "{self.root}"\n'
                                    'poll = true\n')
        live.folders = []
        self.assertEqual(self.put(live, "new/a.json", OLD).status, 201)
        self.assertEqual(live.record("a"), {"id": "a", "n": 1})

    def test_a_root_that_is_away_takes_nothing(self):
        live = self.writable()
        os.rename(self.root, self.root + ".away")
        self.assert_problem(self.put(live, "a.json", OLD), 503, "root_unavailable")
        self.assertEqual(os.listdir(self.root + ".away"), [])
        os.mkdir(self.root)
        wait_for(lambda: self.put(live, "a.json", OLD).status in (201, 428), "the root to be back")


class Tokens(WriteCase):
    ALL, SITE, READER = "the-token-for-everything", "the-token-of-the-site", "the-token-of-a-reader"

    def setUp(self):
        super().setUp()
        self.second = self.folder("second")
        self.files = {name: self.token_file(name, token) for name, token in
                      (("all", self.ALL), ("site", self.SITE), ("reader", self.READER))}
        self.config = f"""
[[token]]
file = "{self.files['site']}"
roots = ["notes"]
access = "write"
[[token]]
file = "{self.files['reader']}"
roots = ["second"]
"""

    def ask(self, live, method, root, token):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if method == "DELETE":
            headers["If-Match"] = "*"
        return live.request(method, target_of(f"{len(token or '')}.json", root),
                            OLD if method == "PUT" else None, headers)

    def test_each_reaches_its_roots(self):
        live = self.writable(self.root, self.second, config=self.config,
                             arguments=["--token-file", self.files["all"]])
        expected = {  # who: (reading notes, writing notes, reading second, writing second)
            self.ALL: (None, None, None, None), self.SITE: (None, None, 403, 403),
            self.READER: (403, 403, None, 403), None: (None, 401, None, 401),
            "a-token-that-nobody-has": (401, 401, 401, 401)}
        for token, statuses in expected.items():
            for status, (method, root) in zip(statuses, (("GET", "notes"), ("PUT", "notes"),
                                                         ("GET", "second"), ("PUT", "second"))):
                answer = self.ask(live, method, root, token)
                with self.subTest(token=token, method=method, root=root):
                    if status:
                        self.assert_problem(answer, status,
                                            "forbidden" if status == 403 else "unauthorized")
                    else:
                        self.assertIn(answer.status, (404,) if method == "GET" else (201,))
                    if status == 401:
                        self.assertEqual(answer.headers["www-authenticate"], 'Bearer realm="jcn"')
        self.assertEqual(self.ask(live, "DELETE", "notes", self.SITE).status, 200)
        self.assert_problem(self.ask(live, "DELETE", "second", self.READER), 403, "forbidden")
        each = [{"method": "put", "root": root, "path": "bulk.json", "document": {"id": root}}
                for root in ("notes", "second")]
        self.assert_problem(self.bulk(live, *each), 401, "unauthorized")
        answer = self.bulk(live, *each, Authorization=f"Bearer {self.SITE}")
        self.assertEqual([one["status"] for one in json_of(answer)["results"]], [201, 403])
        # What a token for some of it does not reach: the daemon itself.
        for token, status in ((self.SITE, 403), (self.READER, 403), (self.ALL, 202)):
            answer = live.request("POST", "/v1/status/compact",
                                  headers={"Authorization": f"Bearer {token}"})
            self.assertEqual(answer.status, status)

    def test_they_are_read_again(self):
        live = self.writable(self.root, self.second, config=self.config)
        self.assertEqual(self.ask(live, "PUT", "notes", self.SITE).status, 201)
        os.remove(self.files["site"])
        self.token_file("site", "another-token-of-the-site")
        live.hang_up()
        wait_for(lambda: self.ask(live, "GET", "notes", self.SITE).status == 401, "the reload")
        self.assertEqual(self.ask(live, "PUT", "notes", "another-token-of-the-site").status, 201)

    def test_files_that_others_can_read_are_refused(self):
        os.chmod(self.files["reader"], 0o644)
        live = self.new_daemon(self.root, self.second, config=self.config)
        code, _, errors = live.start_refused()
        self.assertEqual(code, 2)
        self.assertIn("others can read it", errors)
        self.assertNotIn(self.READER, errors)


class ManyWriters(WriteCase):
    def test_no_update_is_lost(self):
        processes, times = 8, 200
        live = self.writable()
        self.put(live, "counter.json", b'{"id":"counter","n":0}')
        context = multiprocessing.get_context("fork")
        with context.Manager() as manager:
            start = manager.Event()
            with concurrent.futures.ProcessPoolExecutor(processes, context) as pool:
                work = [pool.submit(increment, live.port, times, start) for _ in range(processes)]
                start.set()
                tries = sum(each.result(200 * TIME_FACTOR) for each in work)
        self.assertEqual(json.loads(self.bytes_at("counter.json"))["n"], processes * times)
        self.assertEqual(live.record("counter")["n"], processes * times)
        self.assertGreater(tries, processes * times, "they met")
        self.assert_nothing_else("counter.json")

    def test_claims_have_one_winner(self):
        live = self.writable()
        for n in range(20):
            barrier = threading.Barrier(6)

            def claim(worker, n=n, barrier=barrier):
                client = Client(live.port)
                barrier.wait()
                body = json.dumps({"id": f"job{n}", "worker": worker}).encode()
                if worker == 5:  # a program that does it by hand
                    try:
                        file = os.open(self.path(f"{n}.claim.json"),
                                       os.O_WRONLY | os.O_CREAT | os.O_EXCL)
                    except FileExistsError:
                        return 412
                    os.write(file, body)
                    os.close(file)
                    return 201
                answer = client.request("PUT", target_of(f"{n}.claim.json"), body,
                                        {"If-None-Match": "*"})
                client.close()
                return answer.status

            with concurrent.futures.ThreadPoolExecutor(6) as pool:
                statuses = list(pool.map(claim, range(6)))
            self.assertEqual(sorted(statuses), [201] + [412] * 5)
            self.assertEqual(json.loads(self.bytes_at(f"{n}.claim.json"))["worker"],
                             statuses.index(201))

    def test_while_others_rename_the_folder(self):
        live = self.writable()
        over = threading.Event()
        bodies, failures = set(), []

        def write(worker):
            client = Client(live.port)
            n = 0
            while not over.is_set():
                n += 1
                body = json.dumps({"id": f"w{worker}", "n": n, "pad": "x" * 2000}).encode()
                bodies.add(body)
                headers = {"If-Match": "*"} if n % 2 else {}
                answer = client.request("PUT", target_of(f"deep/in/w{worker % 2}.json"), body, headers)
                if answer.status not in (200, 201, 202, 412, 428, 503):
                    failures.append(answer)
            client.close()

        threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        moved = 0
        try:
            wait_for(lambda: os.path.isdir(self.path("deep/in")), "the folder")
            outside = self.folder("outside")
            while moved < 60:
                away = (self.path(f"moved{moved}"), os.path.join(outside, str(moved)))[moved % 2]
                try:
                    os.rename(self.path("deep" if moved % 3 else "deep/in"), away)
                    moved += 1
                except FileNotFoundError:
                    continue
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        live.sync()
        found = 0
        for top in (self.root, outside):
            for folder, _, names in os.walk(top):
                for name in names:
                    self.assertTrue(name.endswith(".json") and not name.startswith("."), name)
                    with open(os.path.join(folder, name), "rb") as file:
                        self.assertIn(file.read(), bodies, "whole, and written by somebody")
                    found += 1
        self.assertGreater(found, 0)
        self.assert_converged(live)


if __name__ == "__main__":
    unittest.main()
