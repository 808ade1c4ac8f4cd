"""A receiver of webhooks that can be told to misbehave, for tests."""

import base64
import http.server
import json
import re
import socket
import threading

from harness import PROJECT, wait_for

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()

# What http-api.md shows receivers for checking a signature is what the tests check it with.
_EXAMPLE = re.search(r"^```python\n(.*?def verified\(.*?)^```$",
                     (PROJECT / "jcn/doc/http-api.md").read_text(encoding="utf-8"), re.M | re.S)
_documented = {}
exec(_EXAMPLE.group(1), _documented)  # pylint: disable=exec-used
verified = _documented["verified"]


class Post:
    """One request that came: its headers by lower-case name, its body, and whether its signature fits."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body
        self.signed = verified(headers, body, SECRET)
        self.json = json.loads(body)
        self.rows = self.json.get("results", [])

    @property
    def fresh(self):
        return self.json["type"] == "fresh"


class Receiver:
    """behave(handler, post): answers instead of 200, if it returns true. What was answered with 200
    is in `taken`, everything that came in `came`."""

    def __init__(self, test, context=None):
        self.came, self.taken = [], []
        self.behave = None
        self._context = context  # of TLS
        self._server = None
        self.port = 0
        self._lock = threading.Lock()
        test.addCleanup(self.stop)
        self.start()

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                post = Post(self.path, {name.lower(): value
                                        for name, value in self.headers.items()}, body)
                with receiver._lock:
                    receiver.came.append(post)
                if receiver.behave is not None and receiver.behave(self, post):
                    return
                with receiver._lock:
                    receiver.taken.append(post)
                self.answer(200)

            def answer(self, status, headers=(), body=b""):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 64
            connections = set()

            def get_request(self):
                connection, address = super().get_request()
                self.connections.add(connection)
                return connection, address

            def shutdown_request(self, request):
                self.connections.discard(request)
                super().shutdown_request(request)

            def handle_error(self, *_):  # jcn hangs up on who is late
                pass

        self._server = Server(("127.0.0.1", self.port), Handler)
        Server.connections = set()
        self.port = self._server.server_address[1]
        if self._context is not None:
            self._server.socket = self._context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """Nothing listens on the port any more, and connections are cut."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._server = None

    @property
    def url(self):
        scheme = "https" if self._context is not None else "http"
        return f"{scheme}://127.0.0.1:{self.port}/hook"

    def rows(self):
        """All rows that were taken, in their order."""
        with self._lock:
            return [row for post in self.taken for row in post.rows]

    def fresh_events(self):
        with self._lock:
            return sum(post.fresh for post in self.taken)

    def begun(self):
        """The number at which it was told to begin, the last time."""
        with self._lock:
            told = [int(post.json["last_seq"].rpartition("-")[2]) for post in self.taken
                    if post.fresh]
        return told[-1] if told else 0

    def latest(self):
        """Id → its last row."""
        return {row["id"]: row for row in self.rows()}

    def wait_for(self, condition, what, seconds=30):
        return wait_for(lambda: condition(self), f"the receiver: {what}", seconds, pause=0.01)

    def wait_fresh(self, seconds=30):
        self.wait_for(lambda each: each.fresh_events() == 1, "to be told to begin", seconds)


def number(row):
    return int(row["seq"].rpartition("-")[2])
