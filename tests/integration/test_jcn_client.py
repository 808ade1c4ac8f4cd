"""apache/jcn_client.py: what programs that copy it rely on."""

import json
import multiprocessing
import os
import socket
import sys
import threading
import unittest
import wsgiref.util
import wsgiref.validate

from harness import PROJECT, TIME_FACTOR, JcnCase, wait_for, write_whole

sys.path.insert(0, str(PROJECT / "apache"))
from jcn_client import Client, Conflict, JcnDown, NotFound, Problem, unavailable, when_down

TOKEN = "a-token-of-the-tests-0123456789"


def count_up(url, times):
    client = Client(url, TOKEN, timeout=30 * TIME_FACTOR)
    for _ in range(times):
        client.update("notes", "counter.json",
                      lambda note: {**note, "count": note.get("count", 0) + 1},
                      attempts=10_000)
    client.close()


class Asking(JcnCase):
    def setUp(self):
        super().setUp()
        for n in range(5):
            self.drop(f"{n}.json", {"title": f"Title {n}", "tags": ["a", f"t{n % 2}"], "n": n})
        self.live = self.daemon()
        self.jcn = Client(f"http://127.0.0.1:{self.live.port}", timeout=10 * TIME_FACTOR)
        self.addCleanup(self.jcn.close)

    def test_records_listings_facets(self):
        self.assertEqual(self.jcn.record("3")["title"], "Title 3")
        self.assertEqual(self.jcn.record_with("3", "fragments")["fragments"][0]["path"], "3.json")
        page = self.jcn.listing({"n__gte": 3, "_sort_desc": "n"}, facets=["tags", "n"])
        self.assertEqual([row["_id"] for row in page["rows"]], ["4", "3"])
        self.assertEqual(page["facet_results"]["tags"]["results"][0], {"value": "a", "count": 2})
        self.assertEqual(self.jcn.facets(["tags"], [("n__gt", 0), ("n__lt", 4)]),
                         {"tags": [("a", 3), ("t1", 2), ("t0", 1)]})
        self.assertEqual([row["n"] for row in self.jcn.walk({"_sort": "n", "_size": 2})],
                         list(range(5)))
        found = self.jcn.records(["1", "none", *map(str, range(10, 1500)), "4"])
        self.assertEqual(sorted(found), ["1", "4"])
        self.assertEqual(self.jcn.status()["fragments"], 5)
        self.assertTrue(self.jcn.ready()["ready"])
        self.assertEqual(self.jcn.explain("notes", "1.json")["status"], "indexed")

    def test_changes_and_what_is_wrong(self):
        since = self.jcn.changes()["last_seq"]
        self.assertEqual(self.jcn.changes(since)["results"], [])
        waiting = threading.Timer(0.2, self.drop, ("1.json", b'{"title": "One"}'))
        waiting.start()
        page = self.jcn.changes(since, {"include_docs": 1}, wait=30)
        waiting.join()
        self.assertEqual([(row["id"], row["doc"]) for row in page["results"]],
                         [("1", {"title": "One"})])
        self.drop("bad.json", b"{")
        self.jcn.sync()
        self.assertEqual([row["path"] for row in self.jcn.rejects()["rows"]], ["bad.json"])
        self.assertEqual(self.jcn.check(b'{"a":1,"a":2}')["reject"]["code"], "duplicate_member")

    def test_what_jcn_refuses(self):
        with self.assertRaises(NotFound) as caught:
            self.jcn.record("none")
        self.assertEqual((caught.exception.status, caught.exception.code), (404, "no_such_record"))
        with self.assertRaises(Problem) as caught:
            self.jcn.listing({"_colour": "red"})
        self.assertEqual((caught.exception.status, caught.exception.code),
                         (400, "unknown_parameter"))
        with self.assertRaises(Problem) as caught:
            self.jcn.ask("POST", "/v1/videos/_bulk_get", b'{"ids":[null]}')
        self.assertEqual(caught.exception.pointer, "/ids/0")
        for url in ("https://127.0.0.1", "127.0.0.1:8640", "http://"):
            with self.assertRaises(ValueError):
                Client(url)

    def test_down_slow_and_back_again(self):
        port = self.live.port
        self.jcn.record("1")
        self.live.listen = f"127.0.0.1:{port}"
        self.live.restart()
        self.assertEqual(self.jcn.record("1")["n"], 1)  # its connection was closed meanwhile
        impatient = Client(f"http://127.0.0.1:{port}", timeout=0.2)
        self.live.pause()
        with self.assertRaises(JcnDown):
            impatient.record("1")
        self.live.cont()
        wait_for(lambda: self.jcn.record("1"), "an answer")
        self.live.stop()
        with self.assertRaises(JcnDown):
            self.jcn.record("1")
        self.live.start()
        self.assertEqual(self.jcn.record("1")["n"], 1)

    def test_connections_are_kept_and_never_shared(self):
        def requests():
            for line in self.live.get("/metrics").body.decode().splitlines():
                if line.startswith("jcn_http_requests_total "):
                    return int(line.split()[1])
        sockets = set()
        for _ in range(5):
            self.jcn.record("1")
            sockets.add(self.jcn._mine.connection.sock.getsockname())
        self.assertEqual(len(sockets), 1)
        answers = []

        def ask(n):
            answers.extend(self.jcn.record(str(n))["n"] == n for _ in range(50))
            self.jcn.close()
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [True] * 250)
        child = os.fork()  # its parent's connection is not its own
        if child == 0:
            os._exit(0 if all(self.jcn.record("2")["n"] == 2 for _ in range(20)) else 1)
        right = all(self.jcn.record("3")["n"] == 3 for _ in range(20))
        self.assertEqual((os.waitpid(child, 0)[1], right), (0, True))
        self.assertGreater(requests(), 250)


class Broken(unittest.TestCase):
    """A server that breaks off: what is asked is asked again, once; what writes is not."""

    def setUp(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.seen = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        self.jcn = Client(f"http://127.0.0.1:{self.server.getsockname()[1]}",
                          timeout=10 * TIME_FACTOR)

    def serve(self):
        """Breaks each connection off after its request, but the second of a GET /good."""
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection:
                data = b""
                while b"\r\n\r\n" not in data:
                    data += connection.recv(65536)
                self.seen.append(data.split(b" HTTP")[0].decode())
                if self.seen == ["GET /good"] * 2:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                       b"Content-Length: 2\r\n\r\n{}")

    def test_questions_twice_writing_once(self):
        self.assertEqual(self.jcn.ask("GET", "/good"), {})
        with self.assertRaises(JcnDown):
            self.jcn.ask("GET", "/bad")
        with self.assertRaises(JcnDown):
            self.jcn.put("notes", "a.json", {})
        with self.assertRaises(JcnDown):
            self.jcn.delete("notes", "a.json")
        self.assertEqual(self.seen, ["GET /good", "GET /good", "GET /bad", "GET /bad",
                                     "PUT /v1/fragments/notes/a.json",
                                     "DELETE /v1/fragments/notes/a.json"])

    def test_what_is_no_jcn(self):
        self.server.close()
        other = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(other.close)

        def serve():
            for body in (b"<html>", b"[]", b'"x"'):
                connection, _ = other.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body)
        threading.Thread(target=serve, daemon=True).start()
        jcn = Client(f"http://127.0.0.1:{other.getsockname()[1]}")
        for _ in range(3):
            with self.assertRaises(JcnDown):
                jcn.record("1")


class Down(unittest.TestCase):
    """What WSGI programs answer when jcn is down."""

    def ask(self, application):
        """(status, headers, body), checked as a server would."""
        said, environ = [], {}
        wsgiref.util.setup_testing_defaults(environ)

        def start_response(status, headers, exc_info=None):
            if said and not exc_info:
                raise AssertionError("begun twice")
            said[:] = [status, headers]
            return lambda data: None

        result = wsgiref.validate.validator(application)(environ, start_response)
        body = b"".join(result)
        result.close()
        return said[0], dict(said[1]), body

    def test_a_friendly_page(self):
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}"

        def application(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])  # too early
            return [Client(url).record("1")["title"].encode()]

        status, headers, body = self.ask(when_down(application))
        self.assertEqual((status, headers["Retry-After"], headers["Content-Length"]),
                         ("503 Service Unavailable", "5", str(len(body))))
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertIn(b"<h1>Back in a moment</h1>", body)
        self.assertNotIn(b"127.0.0.1", body)  # how the site is made is for logs

    def test_in_words_of_one_s_own(self):
        def application(environ, start_response):
            return unavailable(start_response, JcnDown("not ready", 7), "<Soon>", "a & b")

        status, headers, body = self.ask(application)
        self.assertEqual((status[:3], headers["Retry-After"]), ("503", "7"))
        self.assertIn(b"<h1>&lt;Soon&gt;</h1>\n<p>a &amp; b</p>", body)

    def test_what_goes_well_passes(self):
        def application(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"well"]

        self.assertEqual(self.ask(when_down(application))[2], b"well")


class Writing(JcnCase):
    def setUp(self):
        super().setUp()
        token = os.path.join(self.tmp, "token")
        write_whole(token, TOKEN.encode())
        os.chmod(token, 0o600)
        self.live = self.daemon(f"notes={self.root}",
                                arguments=["--token-file", token, "--writable"])
        self.url = f"http://127.0.0.1:{self.live.port}"
        self.jcn = Client(self.url, TOKEN, timeout=20 * TIME_FACTOR)
        self.addCleanup(self.jcn.close)

    def test_put_and_delete_with_tags(self):
        first = self.jcn.put("notes", "a.json", {"id": "a", "title": "One"})
        self.assertEqual(self.jcn.record("a"), {"id": "a", "title": "One"})  # visible at once
        with self.assertRaises(Conflict):
            self.jcn.put("notes", "a.json", {"id": "a"})  # there is one already
        second = self.jcn.put("notes", "a.json", b'{"id":"a","title":"Two"}', if_match=first.etag)
        self.assertEqual(self.jcn.fragment("notes", "a.json"),
                         (b'{"id":"a","title":"Two"}', second.etag))
        with self.assertRaises(Conflict):
            self.jcn.put("notes", "a.json", {"id": "a"}, if_match=first.etag)
        with self.assertRaises(Conflict):
            self.jcn.delete("notes", "a.json", if_match=first.etag)
        self.drop("a.json", {"id": "a", "title": "From outside"})
        with self.assertRaises(Conflict):
            self.jcn.put("notes", "a.json", {"id": "a"}, if_match=second.etag)
        self.jcn.delete("notes", "a.json")
        with self.assertRaises(NotFound):
            self.jcn.delete("notes", "a.json")
        with self.assertRaises(NotFound):
            self.jcn.record("a")
        with self.assertRaises(Problem) as caught:
            self.jcn.put("notes", "bad.json", b'{"id":"x","id":"y"}')
        self.assertEqual((caught.exception.status, caught.exception.code, caught.exception.pointer),
                         (422, "duplicate_member", "/id"))

    def test_writing_may_take_longer_than_asking(self):
        impatient = Client(f"http://127.0.0.1:{self.live.port}", TOKEN, timeout=0.2)
        self.addCleanup(impatient.close)
        self.live.pause()
        with self.assertRaises(JcnDown):
            impatient.fragment("notes", "slow.json")
        goes_on = threading.Timer(1, self.live.cont)
        goes_on.start()
        impatient.put("notes", "slow.json", {"id": "slow"})
        goes_on.join()
        self.assertEqual(self.jcn.record("slow"), {"id": "slow"})

    def test_update_says_what_stands_there_in_the_end(self):
        self.assertEqual(self.jcn.update("notes", "a.json", lambda note: {**note, "n": 1}),
                         {"n": 1})
        self.assertEqual(self.jcn.update("notes", "a.json", lambda note: None), {"n": 1})
        rival = Client(self.url, TOKEN)
        self.addCleanup(rival.close)

        def slow(note):
            if note["n"] == 1:
                rival.update("notes", "a.json", lambda same: {"n": 5})
            return {"n": note["n"] + 1}
        self.assertEqual(self.jcn.update("notes", "a.json", slow), {"n": 6})
        with self.assertRaises(Conflict):
            self.jcn.update("notes", "a.json", lambda note: rival.update(
                "notes", "a.json", lambda same: {"n": same["n"] + 1}), attempts=2)

    def test_many_processes_count_in_one_note(self):
        processes, times = 4, 25
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=count_up, args=(self.url, times))
                   for _ in range(processes)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.assertEqual([worker.exitcode for worker in workers], [0] * processes)
        self.assertEqual(json.loads(self.jcn.fragment("notes", "counter.json").body),
                         {"count": processes * times})


if __name__ == "__main__":
    unittest.main()
