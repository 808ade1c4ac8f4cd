"""openapi.json against the live daemon: every route, every documented status that a client can bring
about, every answer by its schema, every code of a problem.

That the document names exactly the routes of the table is checked by tests/unit/route_openapi_test.
"""

import json
import os
import re
import shutil
import socket
import unittest

import jsonschema

from harness import PROJECT, TIME_FACTOR, JcnCase, json_of, note_codes, provokes, wait_for
from webhook_receiver import SECRET, Receiver

NOTES = PROJECT / "tests/data/notes"
SEQ_HEADER = re.compile(r"^[0-9a-f-]{36}-\d+$")

# Codes that no well-meant setting brings about from outside, or not soon (test_attack.py).
FAILURES = {"internal", "system", "readers_exhausted", "overloaded", "index_full", "index_damaged",
            "root_unavailable", "not_ready", "query_timeout", "request_timeout", "busy", "read_only",
            "disk_full", "write_error"}
PROBLEM_CODES = set(json.loads((PROJECT / "jcn/openapi.json").read_text(encoding="utf-8"))[
    "components"]["schemas"]["ProblemCode"]["enum"])
# Statuses for which it takes more than a request (test_write.py).
RARE = {"503", "507", "202"}


def closed(schema):
    """The schema with no room for members that it doesn't name: answers are documented in full."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: closed(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        result.setdefault("additionalProperties", False)
    return result


def filled(path):
    """The path's template with something that is there."""
    for name, value in (("kind", "videos"), ("id", "abc"), ("root", "notes"), ("path", "abc.json"),
                        ("name", "site")):
        path = path.replace("{" + name + "}", value)
    return path


class Document:
    def __init__(self, text):
        self.raw = json.loads(text)
        self.components = closed(self.raw["components"])
        self.paths = closed(self.raw["paths"])

    def resolve(self, value):
        while "$ref" in value:
            *_, section, name = value["$ref"].split("/")
            value = self.components[section][name]
        return value

    def operations(self):
        for path, item in self.paths.items():
            for method, operation in item.items():
                if method != "parameters":
                    yield method, path, operation

    def response(self, method, path, status):
        responses = self.paths[path][method]["responses"]
        return self.resolve(responses[str(status)]) if str(status) in responses else None

    def validate(self, value, schema):
        jsonschema.Draft202012Validator(
            {**schema, "components": self.components}).validate(value)


class OpenapiCase(JcnCase):
    def setUp(self):
        super().setUp()
        shutil.copytree(NOTES, self.root, dirs_exist_ok=True)
        self.write("abc.json", b'{"id":"abc","n":1,"t":null}')
        self.write("abc.more.json", b'{"id":"abc","n":2}')
        self.write("tmp.json", b'{"id":"tmp"}')
        schema = self.path("schema.txt")
        with open(schema, "w", encoding="utf-8") as file:
            json.dump({"properties": {"duration": {"maximum": 6000}}}, file)
        secret = os.path.join(self.tmp, "secret")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(SECRET)
        refuses = Receiver(self)
        refuses.behave = lambda handler, post: not post.fresh and (handler.answer(422) or True)
        self.live = self.daemon(arguments=["--writable"], config=f"""
[[webhook]]
name = "site"
url = "{refuses.url}"
secret_file = "{secret}"
[[kind]]
name = "videos"
schema = "{schema}"
[[kind]]
name = "plays"
[[rule]]
kind = "plays"
match = "plays/*.json"
[[rule]]
kind = "videos"
""")
        self.document = Document(self.live.get("/openapi.json").body)
        self.seen = set()

    def ask(self, method, path, target, status, schema=None, body=None, headers=None,
            documented=None):
        """Asks; the answer must be of `status`, documented for `path`, and as documented.
        schema: a component that says more than an operation with many shapes does.
        documented: where it stands, if not under its status."""
        answer = self.live.request(method.upper(), target, body, headers)
        documented = str(documented or status)
        with self.subTest(f"{method} {target}"):
            self.assertEqual(answer.status, status, answer.body)
            response = self.document.response(method, path, documented)
            self.assertIsNotNone(response, f"{documented} is not documented for {method} {path}")
            self.seen.add((method, path, documented))
            self.check_headers(response, answer)
            content = response.get("content")
            if content is None:
                self.assertEqual(answer.body, b"")
                return answer
            documented = content.get(answer.headers["content-type"])
            self.assertIsNotNone(documented, f"{answer.headers['content-type']} of {target}")
            if answer.headers["content-type"].split("+")[-1].endswith("json") \
                    and documented["schema"] != {"type": "string"}:
                value = json_of(answer)
                self.document.validate(value, documented["schema"])
                if schema:
                    self.document.validate(value, {"$ref": f"#/components/schemas/{schema}"})
            else:
                self.assertEqual(documented["schema"], {"type": "string"})
        return answer

    def late_sync(self):
        """A barrier without time, asked while files are read: 503 sooner or later."""
        for round_ in range(50):
            for n in range(300):
                self.write(f"many/{n}.json", {"n": n, "round": round_})
            answer = self.live.request("POST", "/v1/sync?timeout_ms=0")
            if answer.status != 200:
                self.assert_problem(answer, 503, "sync_timeout")
                self.document.validate(json_of(answer), {"$ref": "#/components/schemas/Problem"})
                return json_of(answer)
        raise AssertionError("every barrier was reached at once")

    def check_headers(self, response, answer):
        documented = {name.lower() for name in response.get("headers", {})}
        for name in ("etag", "jcn-seq", "last-modified", "link", "retry-after"):
            if name in answer.headers:
                self.assertTrue(name in documented or answer.status == 304, name)
        if "jcn-seq" in documented:
            self.assertRegex(answer.headers["jcn-seq"], SEQ_HEADER)


class Answers(OpenapiCase):
    def test_every_operation_and_status(self):
        get, post = "get", "post"
        listing, one = "/v1/{kind}", "/v1/{kind}/{id}"
        self.ask(get, "/", "/", 200)
        self.ask(get, "/healthz", "/healthz", 200)
        self.ask(get, "/readyz", "/readyz", 200)
        self.ask(get, "/metrics", "/metrics", 200)
        openapi = self.ask(get, "/openapi.json", "/openapi.json", 200)
        self.ask(get, "/openapi.json", "/openapi.json", 304,
                 headers={"If-None-Match": openapi.headers["etag"]})
        self.ask(get, "/v1/status", "/v1/status", 200)
        self.ask(get, "/v1/status/history", "/v1/status/history", 200)
        self.ask(get, "/v1/status/history", "/v1/status/history?minutes=0", 400)
        self.ask(post, "/v1/status/accept", "/v1/status/accept?root=notes", 200)
        self.ask(post, "/v1/status/accept", "/v1/status/accept?root=other", 404)
        for count, what in enumerate(("compact", "reindex"), 1):
            self.ask(post, f"/v1/status/{what}", f"/v1/status/{what}", 202)
            wait_for(lambda n=count: self.live.status()["upkeep"]["finished"] == n, what)
        self.ask(post, "/v1/sync", "/v1/sync?durable=1", 200)
        self.late_sync()
        self.ask(post, "/v1/sync", "/v1/sync", 200)
        failures, replay = "/v1/webhooks/{name}/failures", "/v1/webhooks/{name}/replay"
        wait_for(lambda: json_of(self.live.get("/v1/webhooks/site/failures"))["rows"],
                 "a change that a webhook refuses")
        self.ask(get, "/v1/webhooks", "/v1/webhooks", 200)
        self.ask(get, failures, "/v1/webhooks/site/failures", 200)
        self.ask(get, failures, "/v1/webhooks/other/failures", 404)
        discard = "/v1/webhooks/{name}/discard"
        self.ask(post, discard, "/v1/webhooks/site/discard", 200)
        self.ask(post, discard, "/v1/webhooks/site/discard?seq=7", 400)
        self.ask(post, discard, "/v1/webhooks/other/discard", 404)
        self.ask(post, replay, "/v1/webhooks/site/replay?since=0", 202)
        self.ask(post, replay, "/v1/webhooks/site/replay?since=now", 400)
        self.ask(post, replay, "/v1/webhooks/other/replay", 404)
        self.ask(get, "/v1/rejects", "/v1/rejects?_size=1", 200)
        self.ask(get, "/v1/explain", "/v1/explain?root=notes&path=abc.json", 200)
        self.ask(get, "/v1/explain", "/v1/explain?root=notes&path=kitchen/twice-salted.json", 200)
        self.ask(get, "/v1/explain", "/v1/explain?path=/none", 404)
        self.ask(post, "/v1/check", "/v1/check", 200, body=b'{"id":"x"}')
        self.ask(post, "/v1/check", "/v1/check", 200, body=b'{"id":}')
        self.ask(post, "/v1/check", "/v1/check?path=.x", 200, body=b'{}')
        self.ask(post, "/v1/check", "/v1/check?kind=none", 404, body=b'{}')
        self.ask(post, "/v1/check", "/v1/check", 413, body=b' ' * (1 << 20) + b'{}')

        os.remove(self.path("tmp.json"))
        self.live.sync()
        self.ask(get, "/v1/conflicts", "/v1/conflicts?kind=videos&_size=1", 200)
        self.ask(get, "/v1/conflicts", "/v1/conflicts?kind=none", 404)
        changes = "/v1/changes"
        gone = self.ask(get, changes, "/v1/changes?include_docs=1&tags=sea&since=0", 200)
        rows = json_of(gone)["results"]
        self.assertTrue(any("deleted" in row for row in rows), "a tombstone is among the samples")
        self.assertTrue(any("match" in row for row in rows) and any("doc" in row for row in rows))
        self.ask(get, changes, "/v1/changes?feed=continuous&timeout=0", 200)
        self.ask(get, changes, "/v1/changes?feed=eventsource&limit=1", 200)
        self.ask(get, changes, "/v1/changes?feed=longpoll&since=now&timeout=0", 200)
        self.ask(get, changes, f"/v1/changes?since={'0' * 8}-0000-4000-8000-{'0' * 12}-5&limit=3", 200)

        schemas = "/v1/schemas/{kind}"
        schema = self.ask(get, schemas, "/v1/schemas/videos", 200)
        self.ask(get, schemas, "/v1/schemas/videos", 304,
                 headers={"If-None-Match": schema.headers["etag"]})
        self.ask(get, schemas, "/v1/schemas/none", 404)
        trial = self.ask(post, schemas, "/v1/schemas/videos?dry_run=1&_size=1", 200,
                         body=b'{"required":["language"]}')
        self.assertTrue(json_of(trial)["truncated"])
        self.ask(post, schemas, "/v1/schemas/videos?dry_run=1", 400, body=b'{"type":"objekt"}')
        self.ask(post, schemas, "/v1/schemas/none?dry_run=1", 404, body=b'{}')
        self.ask(post, schemas, "/v1/schemas/videos?dry_run=1", 413, body=b' ' * (1 << 20) + b'{}')

        self.ask(get, "/v1/conflicts", "/v1/conflicts?kind=videos&_size=1", 200)
        self.ask(get, "/v1/conflicts", "/v1/conflicts", 200)
        self.ask(get, "/v1/conflicts", "/v1/conflicts?kind=none", 404)
        schemas = "/v1/schemas/{kind}"
        schema = self.ask(get, schemas, "/v1/schemas/videos", 200)
        self.ask(get, schemas, "/v1/schemas/videos", 304,
                 headers={"If-None-Match": schema.headers["etag"]})
        self.ask(get, schemas, "/v1/schemas/recipes", 404)
        self.ask(get, schemas, "/v1/schemas/none", 404)
        self.ask(post, schemas, "/v1/schemas/videos?dry_run=1&_size=1", 200, body=b'{"required":["x"]}')
        self.ask(post, schemas, "/v1/schemas/videos?dry_run=1", 200, body=b'true')
        self.ask(post, schemas, "/v1/schemas/videos?dry_run=1", 400, body=b'{"type":"text"}')
        self.ask(post, schemas, "/v1/schemas/videos", 400, body=b'true')
        self.ask(post, schemas, "/v1/schemas/none?dry_run=1", 404, body=b'true')
        self.ask(post, schemas, "/v1/schemas/videos?dry_run=1", 413, body=b' ' * (1 << 20) + b'{}')

        page = self.ask(get, listing, "/v1/videos?_size=3", 200, "Listing")
        self.ask(get, listing, json_of(page)["next_url"], 200, "Listing")
        self.ask(get, listing, "/v1/videos?_size=3", 304,
                 headers={"If-None-Match": page.headers["etag"]})
        everything = self.ask(
            get, listing, "/v1/videos?duration__gte=60&tags__notnull=1&_sort_desc=duration&_col=title,nix"
            "&_facet=tags&_facet=nix&_facet_size=2&_extra=count,plan,fields", 200, "Listing")
        self.assertEqual(set(json_of(everything)) - {"facet_results", "count", "plan", "fields",
                                                     "fields_truncated"},
                         {"ok", "rows", "next", "next_url", "seq", "unknown_fields"})
        self.ask(get, listing, "/v1/videos?_search=harbour&_search_title=lights", 200, "Listing")
        self.ask(get, listing, "/v1/videos?_shape=array&_size=2", 200)
        self.ask(get, listing, "/v1/videos?_shape=array&_nl=on&_size=2", 200)
        self.ask(get, listing, "/v1/videos?_id=abc", 200, "Record")
        self.ask(get, listing, "/v1/none", 404)

        snapshot = "/v1/export.sqlite"
        self.snapshot_is_made()
        made = self.ask(get, snapshot, snapshot, 200)
        self.ask(get, snapshot, snapshot, 206, headers={"Range": "bytes=0-9"})
        self.ask(get, snapshot, snapshot, 304, headers={"If-None-Match": made.headers["etag"]})
        self.ask(get, snapshot, snapshot, 416, headers={"Range": f"bytes={len(made.body)}-"})

        bulk = "/v1/{kind}/_bulk_get"
        self.ask(post, bulk, "/v1/videos/_bulk_get", 200, body=b'{"ids":["abc","none",1041]}')
        self.ask(post, bulk, "/v1/videos/_bulk_get", 400, body=b'{"ids":["abc",null]}')
        self.ask(post, bulk, "/v1/none/_bulk_get", 404, body=b'{"ids":[]}')
        self.ask(post, bulk, "/v1/videos/_bulk_get", 413, body=b' ' * (1 << 20) + b'{}')

        record = self.ask(get, one, "/v1/videos/abc", 200, "Record")
        self.ask(get, one, "/v1/videos/abc", 304, headers={"If-None-Match": record.headers["etag"]})
        self.ask(get, one, "/v1/videos/the-last-ferry?_extra=fragments,provenance", 200,
                 "RecordWithExtras")
        self.ask(get, one, "/v1/videos/none", 404)

        self.fragments()
        for method, path, operation in self.document.operations():
            target = filled(path)
            if "400" in operation["responses"] and (method, path, "400") not in self.seen:
                self.ask(method, path, f"{target}?_colour=red", 400)
            if method == "head":
                needed = "?root=notes&path=abc.json" if path == "/v1/explain" else ""
                self.ask(method, path, target + needed, 200)
            self.ask(method, path, target, 421, headers={"Host": "evil.example"},
                     documented="default")
        documented = {(method, path, status) for method, path, operation in self.document.operations()
                      for status in operation["responses"]}
        self.assertEqual({each for each in documented - self.seen if each[2] not in RARE},
                         set())

    def fragments(self):
        get, put, delete, one = "get", "put", "delete", "/v1/fragments/{root}/{path}"
        there, new = "/v1/fragments/notes/abc.json", "/v1/fragments/notes/new/file.json"
        stored = self.ask(get, one, there, 200)
        self.ask(get, one, there, 304, headers={"If-None-Match": stored.headers["etag"]})
        self.ask(get, one, there + "?version=last-good", 200)
        self.ask(get, one, new, 404)
        os.symlink("/etc", self.path("link.json"))
        self.ask(get, one, "/v1/fragments/notes/link.json", 422)
        self.ask(put, one, "/v1/fragments/other/abc.json", 404, body=b"{}")
        self.ask(put, one, new, 422, body=b'{"id":}')
        self.ask(put, one, new, 404, body=b"{}", headers={"Jcn-If-Present": "none.json"})
        self.ask(put, one, new, 413, body=b" " * (2 << 20))
        made = self.ask(put, one, new, 201, body=b'{"id":"new"}')
        self.ask(put, one, new, 428, body=b"{}")
        self.ask(put, one, new, 412, body=b"{}", headers={"If-Match": '"0"'})
        self.ask(put, one, new, 200, body=b"{}", headers={"If-Match": made.headers["etag"]})
        self.ask(delete, one, new, 428)
        self.ask(delete, one, new, 412, headers={"If-Match": '"0"'})
        self.ask(delete, one, "/v1/fragments/notes/link.json", 422, headers={"If-Match": "*"})
        self.ask(delete, one, new, 200, headers={"If-Match": "*"})
        self.ask(delete, one, new, 404, headers={"If-Match": "*"})
        os.remove(self.path("link.json"))
        operation = {"method": "put", "root": "notes", "path": "bulk.json", "document": {"id": "b"}}
        body = json.dumps({"operations": [operation, operation, {**operation, "document": {"id": "."}}, {
            "method": "delete", "root": "notes", "path": "bulk.json", "if_match": "*"}]}).encode()
        bulk = "/v1/fragments/_bulk"
        results = json_of(self.ask("post", bulk, bulk, 200, body=body))["results"]
        self.assertEqual([each["status"] for each in results], [201, 428, 422, 200])
        self.ask("post", bulk, bulk, 413, body=b" " * (2 << 20))

    def test_other_methods_are_refused_as_documented(self):
        for path, item in self.document.paths.items():
            target = filled(path)
            # _bulk_get is an id as well.
            item = set(item) | ({"get", "head"} if path.endswith("_bulk_get") else set())
            expected = [method.upper() for method in ("get", "head", "post", "put", "delete")
                        if method in item]
            answer = self.live.request("PATCH", target)
            self.assert_problem(answer, 405, "method_not_allowed")
            documented = self.document.components["responses"]["MethodNotAllowed"]
            self.document.validate(
                json_of(answer), documented["content"][answer.headers["content-type"]]["schema"])
            self.assertEqual([name.lower() for name in documented["headers"]], ["allow"])
            self.assertEqual(answer.headers["allow"], ", ".join(expected), target)

    def test_parameters_go_with_openapi(self):
        for method, path, operation in self.document.operations():
            given = self.document.paths[path].get("parameters", []) + operation.get("parameters", [])
            names = [self.document.resolve(each)["name"] for each in given]
            with self.subTest(method=method, path=path):
                # Query parameters have no templates; those of a path must all be declared.
                self.assertEqual([name for name in names if "{" in name], [])
                self.assertEqual(len(names), len(set(names)))
                self.assertEqual({self.document.resolve(each)["name"] for each in given
                                  if self.document.resolve(each)["in"] == "path"},
                                 set(re.findall(r"\{(\w+)\}", path)))
        searches, = (each for each in self.document.paths["/v1/{kind}"]["parameters"]
                     if each.get("name") == "searches")
        self.document.validate({"_search_title": "moth", "_search_/a/b": ["x", "y"]},
                               searches["schema"])
        with self.assertRaises(jsonschema.ValidationError):
            self.document.validate({"_search_title": 5}, searches["schema"])

    def snapshot_is_made(self):
        wait_for(lambda: self.live.get("/v1/export.sqlite").status == 200, "the snapshot")

    def test_head_goes_with_get(self):
        self.snapshot_is_made()
        for method, path, _ in self.document.operations():
            if method == "head":
                target = filled(path)
                if path == "/v1/explain":
                    target += "?path=/none"
                self.assertEqual(self.live.request("HEAD", target).status,
                                 self.live.get(target).status, target)

    def test_a_wrong_answer_would_be_noticed(self):
        good = json_of(self.live.get("/v1/videos?_size=1&_facet=tags"))
        listing = {"$ref": "#/components/schemas/Listing"}
        self.document.validate(good, listing)
        for spoil in (lambda v: v.pop("seq"), lambda v: v.update(more=1),
                      lambda v: v.update(next=5), lambda v: v["rows"][0].pop("_id"),
                      lambda v: v["facet_results"]["tags"]["results"][0].update(count="1")):
            value = json.loads(json.dumps(good))
            spoil(value)
            with self.assertRaises(jsonschema.ValidationError):
                self.document.validate(value, listing)


class Problems(OpenapiCase):
    def raw(self, *lines):
        """Sends lines as they are; the answer's body."""
        with socket.create_connection(("127.0.0.1", self.live.port), 10 * TIME_FACTOR) as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            data = b""
            while more := connection.recv(65536):
                data += more
        body = data.partition(b"\r\n\r\n")[2].decode()
        note_codes(body)
        return json.loads(body)

    def with_tokens(self):
        """What a wrong one is told, one for reading, and whoever would write where nobody may."""
        files = {}
        for name in ("sixteen", "eighteen"):
            files[name] = self.path(f"{name}.txt")
            with open(os.open(files[name], os.O_WRONLY | os.O_CREAT, 0o600), "w",
                      encoding="ascii") as token:
                token.write(f"{name}-and-more-characters")
        reader = files["eighteen"]
        guarded = self.daemon(self.folder("guarded"), index="guarded-index",
                              config=f'[[token]]\nfile = "{reader}"\n',
                              arguments=["--token-file", files["sixteen"]])
        return [json_of(guarded.request(method, target, headers={
            "Authorization": f"Bearer {word}-and-more-characters"})) for method, target, word in (
                ("GET", "/healthz", "seventeen"), ("POST", "/v1/status/compact", "eighteen"),
                ("PUT", "/v1/fragments/guarded/a.json", "sixteen"))]

    @provokes(*sorted(PROBLEM_CODES - FAILURES))
    def test_every_code_is_a_documented_problem(self):
        host = f"Host: 127.0.0.1:{self.live.port}"
        line = "GET /healthz HTTP/1.1"
        problems = [
            self.raw(line, host, "Bad Header: x"),
            self.raw(line, "Host: evil.example"),
            self.raw(line, host, "Origin: http://evil.example"),
            self.raw(line, host, "Expect: wonders"),
            self.raw(line, host, "Content-Length: 2", "Connection: close"),
            self.raw("POST /v1/sync HTTP/1.1", host, "Content-Length: 2x"),
            self.raw("POST /v1/sync HTTP/1.1", host, "Transfer-Encoding: chunked"),
            # A client that waits with its body is told at once.
            self.raw("POST /v1/check HTTP/1.1", host, "Expect: 100-continue",
                     "Content-Length: 9999999"),
            self.raw(line, host, *(f"X-{n}: x" for n in range(70))),
            self.raw("GET /a#b HTTP/1.1", host),
        ]
        for method, target in (
                ("GET", "/v1/videos?_colour=red"), ("GET", "/v1/videos?_size=x"),
                ("GET", "/v1/videos?/~=x"), ("GET", "/v1/videos?title__like=x"),
                ("GET", "/v1/videos?title__in=[1"), ("GET", "/v1/claims/x"), ("GET", "/v1/none"),
                ("GET", "/v1/videos/none"), ("GET", "/v1/explain?path=/none"),
                ("PUT", "/v1/videos"), ("GET", "/v1/schemas/plays"),
                ("GET", "/v1/webhooks/none/failures"),
                ("GET", "/v1/fragments/notes/none.json"), ("GET", "/v1/fragments/notes/../a.json"),
                ("GET", "/v1/fragments/notes/.a.json"), ("GET", "/v1/fragments/notes/a.txt"),
                ("DELETE", "/v1/fragments/notes/abc.json")):
            problems.append(json_of(self.live.request(method, target)))
        problems.append(json_of(self.live.request("DELETE", "/v1/fragments/notes/abc.json",
                                                  headers={"If-Match": '"0"'})))
        problems.append(json_of(self.live.request("POST", "/v1/schemas/videos?dry_run=1", b"{")))
        problems.append(self.late_sync())
        problems += self.with_tokens()
        for problem in problems:
            with self.subTest(problem["code"]):
                self.document.validate(problem, {"$ref": "#/components/schemas/Problem"})
        shown = {problem["code"] for problem in problems}
        self.assertEqual(PROBLEM_CODES - FAILURES, shown)

    @provokes("query_timeout")
    def test_a_query_out_of_time_is_a_documented_problem(self):
        folder = self.folder("many")
        for n in range(2000):
            self.write(os.path.join(folder, f"{n}.json"), {"n": n, "text": f"some words, and {n} more"})
        slow = self.daemon(folder, index="slow", arguments=["--http-query-timeout-ms", "1"])
        # All of them hold, and each looks at 2,000 strings.
        common = "some+words,+and+"
        query = "&".join(f"text__contains={common[i:j]}" for i in range(len(common))
                         for j in range(i + 1, len(common) + 1))
        answer = slow.get(f"/v1/videos?{query}&_facet=text&_facet=n&_sort=text")
        self.assert_problem(answer, 503, "query_timeout")
        self.document.validate(json_of(answer), {"$ref": "#/components/schemas/Problem"})
        self.assertEqual(answer.headers["retry-after"], "1")


if __name__ == "__main__":
    unittest.main()
