"""The guard before the server: what is ambiguous or foreign gets a 4xx and a closed connection."""

import re
import socket
import unittest

from harness import JcnCase, TIME_FACTOR, json_of

STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class GuardCase(JcnCase):
    def setUp(self):
        super().setUp()
        self.write("a.json", {"id": "a"})
        self.write("percent.json", {"id": "50%"})
        self.live = self.daemon()
        self.host = f"127.0.0.1:{self.live.port}"

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.live.port), 10 * TIME_FACTOR)
        self.addCleanup(connection.close)
        return connection

    def exchange(self, raw, seconds=3):
        """Sends raw bytes; everything that comes until the daemon closes, and whether it did."""
        connection = self.connect()
        try:
            connection.sendall(raw)
        except ConnectionError:
            pass  # refused before all was sent: what was answered can still be read
        data = b""
        connection.settimeout(seconds * TIME_FACTOR)
        while True:
            try:
                more = connection.recv(65536)
            except ConnectionResetError:
                return data, True
            except socket.timeout:
                return data, False
            if not more:
                return data, True
            data += more

    def head(self, line="GET /v1/videos/a HTTP/1.1", *headers, host=...):
        lines = [line]
        if host is ...:
            lines.append(f"Host: {self.host}")
        elif host is not None:
            lines.append(f"Host: {host}")
        return ("\r\n".join(lines + list(headers)) + "\r\n\r\n").encode("latin-1")

    def refused(self, raw, status=None):
        """4xx, closed, and a request smuggled behind it stays unanswered."""
        smuggled = self.head("GET /healthz HTTP/1.1")
        data, closed = self.exchange(raw + smuggled)
        statuses = STATUS_LINE.findall(data)
        self.assertEqual(len(statuses), 1, data)
        self.assertTrue(400 <= int(statuses[0]) < 500, data)
        if status is not None:
            self.assertEqual(int(statuses[0]), status, data)
        self.assertTrue(closed, f"left open after {data!r}")
        self.assertEqual(self.live.get("/healthz").status, 200, "the daemon goes on")


class Refused(GuardCase):
    """FAULTS 51."""

    def check(self, cases, status=None):
        for name, raw in cases.items():
            with self.subTest(name):
                self.refused(raw, status)

    def test_lengths(self):
        post = "POST /v1/sync HTTP/1.1"
        body = b"hello"
        self.check({
            "doubled": self.head(post, "Content-Length: 5", "Content-Length: 6") + body,
            "doubled, equal": self.head(post, "Content-Length: 5", "Content-Length: 5") + body,
            "list": self.head(post, "Content-Length: 5, 5") + body,
            "plus": self.head(post, "Content-Length: +5") + body,
            "minus": self.head(post, "Content-Length: -5") + body,
            "hexadecimal": self.head(post, "Content-Length: 0x5") + body,
            "words": self.head(post, "Content-Length: five") + body,
            "two numbers": self.head(post, "Content-Length: 5 5") + body,
            "empty": self.head(post, "Content-Length:") + body,
            "beyond 64 bits": self.head(post, "Content-Length: 18446744073709551621") + body,
            "space before the colon": self.head(post, "Content-Length : 5") + body,
        })

    def test_transfer_encoding(self):
        post = "POST /v1/sync HTTP/1.1"
        chunked = b"5\r\nhello\r\n0\r\n\r\n"
        self.check({
            "alone": self.head(post, "Transfer-Encoding: chunked") + chunked,
            "with a length": self.head(post, "Transfer-Encoding: chunked",
                                       "Content-Length: 5") + chunked,
            "length first": self.head(post, "Content-Length: 5",
                                      "Transfer-Encoding: chunked") + chunked,
            "odd": self.head(post, "Transfer-Encoding: xchunked", "Content-Length: 5") + b"hello",
            "identity": self.head(post, "Transfer-Encoding: identity",
                                  "Content-Length: 5") + b"hello",
            "other case": self.head(post, "transfer-ENCODING: Chunked",
                                    "Content-Length: 5") + chunked,
            "on GET": self.head("GET /v1/videos/a HTTP/1.1",
                                "Transfer-Encoding: chunked") + chunked,
        })

    def test_bodies_on_get_and_head(self):
        self.check({
            "GET": self.head("GET /v1/videos/a HTTP/1.1", "Content-Length: 5") + b"hello",
            "HEAD": self.head("HEAD /v1/videos/a HTTP/1.1", "Content-Length: 5") + b"hello",
        })

    def test_many_headers(self):
        self.refused(self.head("GET /v1/videos/a HTTP/1.1", *[f"X-{n}: v" for n in range(63)]))
        self.refused(self.head("GET /v1/videos/a HTTP/1.1", *[f"X-{n}: v" for n in range(200)]))

    def test_length_hidden_behind_many_headers(self):
        self.refused(self.head("POST /v1/sync HTTP/1.1", *[f"X-{n}: v" for n in range(70)],
                               "Content-Length: 5") + b"hello")

    def test_targets(self):
        targets = {
            "nul": "/v1/videos/a%00b", "line feed": "/v1/videos/a%0Ab",
            "carriage return": "/v1/videos/a%0d", "half UTF-8": "/v1/videos/%C3",
            "bare byte": "/v1/videos/%ff", "overlong": "/v1/videos/%c0%af",
            "surrogate": "/v1/videos/%ed%a0%80", "cut escape": "/v1/videos/a%4",
            "no escape": "/v1/videos/a%zz", "nul in the query": "/v1/videos?_size=1%00",
            "line feed in the query": "/v1/videos?_next=%0a",
            "bad UTF-8 in the query": "/v1/videos?_next=%ff",
        }
        self.check({name: self.head(f"GET {target} HTTP/1.1") for name, target in targets.items()})

    def test_foreign_hosts(self):
        port = self.live.port
        for host in ("evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}",
                     f"localhost.evil.example:{port}", f"192.168.1.1:{port}", ""):
            with self.subTest(host=host):
                self.refused(self.head(host=host), 421 if host else None)
        self.refused(self.head(host=None))
        self.refused(self.head("GET /v1/videos/a HTTP/1.1", "Host: evil.example"))

    def test_foreign_host_in_an_absolute_target(self):
        data, closed = self.exchange(self.head("GET http://evil.example/v1/videos/a HTTP/1.1"))
        self.assertNotIn(b"200", STATUS_LINE.findall(data))
        self.assertTrue(closed)

    def test_foreign_origins(self):
        for origin in ("http://evil.example", "null", f"http://evil.example:{self.live.port}",
                       "http://127.0.0.1:1", "file://"):
            for method in ("GET", "POST"):
                target = "/v1/videos/a" if method == "GET" else "/v1/sync"
                with self.subTest(origin=origin, method=method):
                    self.refused(self.head(f"{method} {target} HTTP/1.1", f"Origin: {origin}",
                                           *(["Content-Length: 0"] if method == "POST" else [])))

    def test_preflight_is_not_waved_through(self):
        data, _ = self.exchange(self.head("OPTIONS /v1/videos/a HTTP/1.1",
                                          "Origin: http://evil.example",
                                          "Access-Control-Request-Method: PUT"))
        self.assertNotIn(b"access-control-allow-origin", data.lower())
        self.assertTrue(400 <= int(STATUS_LINE.findall(data)[0]) < 500, data)

    def test_broken_requests(self):
        self.check({
            "folded header": self.head("GET /v1/videos/a HTTP/1.1", "X-A: b", " folded"),
            "no colon": self.head("GET /v1/videos/a HTTP/1.1", "nonsense"),
            "junk": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        })

    def test_head_that_never_ends(self):
        data, closed = self.exchange(b"GET /v1/videos/a HTTP/1.1\r\nHost: " +
                                     self.host.encode() + b"\r\nX: " + b"y" * 200_000)
        statuses = STATUS_LINE.findall(data)
        self.assertTrue(closed)
        self.assertTrue(not statuses or 400 <= int(statuses[0]) < 500, data[:300])
        self.assertEqual(self.live.get("/healthz").status, 200)

    def test_large_body(self):
        raw = self.head("POST /v1/sync HTTP/1.1", "Content-Length: 4000000000") + b"x" * 65536
        data, closed = self.exchange(raw, 15)  # what is announced is awaited for a while
        self.assertTrue(closed)
        self.assertTrue(400 <= int(STATUS_LINE.findall(data)[0]) < 500, data[:300])


class Served(GuardCase):
    def answer(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            self.assertTrue(more, f"closed after {data!r}")
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
        while len(body) < length:
            body += connection.recv(65536)
        return int(STATUS_LINE.findall(head)[0]), head, body

    def test_requests_are_kept_alive(self):
        connection = self.connect()
        for turn in range(100):
            line = ("GET /v1/videos/a HTTP/1.1", "GET /v1/videos/none HTTP/1.1",
                    "GET /v1/videos HTTP/1.1", "POST /v1/sync HTTP/1.1")[turn % 4]
            extra = ["Content-Length: 0"] if line.startswith("POST") else []
            connection.sendall(self.head(line, *extra))
            status, head, _ = self.answer(connection)
            self.assertEqual(status, (200, 404, 200, 200)[turn % 4])
            self.assertNotIn(b"connection: close", head.lower())

    def test_pipelined_requests(self):
        connection = self.connect()
        connection.sendall(self.head() * 5)
        data = b""
        while len(STATUS_LINE.findall(data)) < 5 or not data.endswith(b'{"id":"a"}'):
            more = connection.recv(65536)
            self.assertTrue(more, data)
            data += more
        self.assertEqual(STATUS_LINE.findall(data), [b"200"] * 5)

    def test_hosts_and_origins_of_ours(self):
        port = self.live.port
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
            with self.subTest(host=host):
                connection = self.connect()
                connection.sendall(self.head(host=host))
                self.assertEqual(self.answer(connection)[0], 200)
        connection = self.connect()
        connection.sendall(self.head("GET /v1/videos/a HTTP/1.1", f"Origin: http://{self.host}"))
        self.assertEqual(self.answer(connection)[0], 200)

    def test_sixty_headers_are_fine(self):
        connection = self.connect()
        connection.sendall(self.head("GET /v1/videos/a HTTP/1.1",
                                     *[f"X-{n}: v" for n in range(59)]))
        self.assertEqual(self.answer(connection)[0], 200)

    def test_targets_are_decoded_once(self):
        self.assertEqual(self.live.record("50%"), {"id": "50%"})
        self.assertEqual(self.live.get("/v1/videos/50%2525").status, 404)
        self.assertEqual(self.live.get("/v1/videos/%61").status, 200)
        for target in ("/v1/videos/../videos/a", "/v1/videos/%2e%2e/videos/a", "/v1//videos/a",
                       "/v1/./videos/a"):
            with self.subTest(target):
                answer = self.live.get(target)
                self.assertIn(answer.status, (400, 404))

    def test_old_protocol_is_answered_and_closed(self):
        data, closed = self.exchange(f"GET /v1/videos/a HTTP/1.0\r\nHost: {self.host}\r\n\r\n"
                                     .encode())
        self.assertEqual(STATUS_LINE.findall(data), [b"200"])
        self.assertTrue(closed)

    def test_many_idle_connections(self):
        idle = [self.connect() for _ in range(100)]
        for connection in idle:
            connection.sendall(self.head())
            self.assertEqual(self.answer(connection)[0], 200)
        self.assertEqual(json_of(self.live.get("/v1/videos/a")), {"id": "a"})

    def test_slow_head_holds_nobody_up(self):
        slow = [self.connect() for _ in range(50)]
        for connection in slow:
            connection.sendall(b"GET /v1/videos/a HTTP/1.1\r\nHost: ")
        self.assertEqual(self.live.get("/v1/videos/a").status, 200)
        for connection in slow:
            connection.sendall(self.host.encode() + b"\r\n\r\n")
            self.assertEqual(self.answer(connection)[0], 200)


if __name__ == "__main__":
    unittest.main()
