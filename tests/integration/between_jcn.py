"""A go-between in front of jcn: a test can hold answers back, lose requests and wait with them."""

import http.client
import http.server
import threading

HELD_SECONDS = 300  # at most: of a test that has failed


class Between:
    """Hands requests on to jcn at `port`. `lost(method, target)` true: the connection breaks
    instead; `answered(method, target)` is called when jcn has answered, before who asked hears of it;
    `unheard(method, target)` true: who asked never does."""

    def __init__(self, port):
        between = self
        self.lost = lambda method, target: False
        self.answered = lambda method, target: None
        self.unheard = lambda method, target: False

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def hand_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if between.lost(self.command, self.path):
                    self.close_connection = True
                    return
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                headers = {name: value for name, value in self.headers.items()
                           if name.lower() not in ("host", "content-length", "connection")}
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                data = answer.read()
                connection.close()
                between.answered(self.command, self.path)
                if between.unheard(self.command, self.path):
                    self.close_connection = True
                    return
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                try:
                    self.end_headers()
                    self.wfile.write(data)
                except ConnectionError:
                    self.close_connection = True  # who asked does not wait any longer

            do_GET = do_POST = do_PUT = do_DELETE = hand_on

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def hold(self, method, ending):
        """The next request of this kind waits before jcn gets it: two events, that it has come and
        that it may go on."""
        come, go_on = threading.Event(), threading.Event()

        def lost(asked, target):
            if asked == method and target.endswith(ending) and not come.is_set():
                come.set()
                go_on.wait(HELD_SECONDS)
            return False

        self.lost = lost
        return come, go_on

    def close(self):
        self._server.shutdown()
        self._server.server_close()
