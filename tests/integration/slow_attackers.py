"""Clients that send or read as slowly as they can, and one that is measured beside them."""

import selectors
import socket
import threading
import time

from harness import QuickClient, TIME_FACTOR, wait_for


class SlowClients:
    """`count` connections of one kind, on a thread of their own; those that are cut come back.

    kind: "heads" never end theirs, "bodies" announce 4096 bytes and send one now and then, "readers"
    ask for `target` and take a few bytes now and then.
    """

    INTERVAL = 0.25       # seconds between two bytes of one connection
    PER_SECOND = 200      # connections opened at most, as slowhttptest -r 200 does
    AGAIN_PER_SECOND = 50  # once `count` were there

    def __init__(self, port, kind, count, target="/"):
        self._port, self._kind, self._count, self._target = port, kind, count, target
        self._over = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._open = {}  # socket: when to send or take the next byte
        self.opened = self.cut = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def held(self):
        return len(self._open)

    def wait_until_held(self, count):
        wait_for(lambda: self.held() >= count, f"{count} slow connections to be held", 30)

    def _first_bytes(self):
        host = f"Host: 127.0.0.1:{self._port}\r\n"
        if self._kind == "heads":
            return f"GET {self._target} HTTP/1.1\r\n{host}"
        if self._kind == "bodies":
            return f"POST /v1/check HTTP/1.1\r\n{host}Content-Length: 4096\r\n\r\n"
        return f"GET {self._target} HTTP/1.1\r\n{host}\r\n"

    def _connect(self):
        connection = socket.socket()
        if self._kind == "readers":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.settimeout(5 * TIME_FACTOR)
        try:
            connection.connect(("127.0.0.1", self._port))
            connection.sendall(self._first_bytes().encode())
        except OSError:
            connection.close()
            return
        connection.setblocking(False)
        self.opened += 1
        self._open[connection] = time.monotonic() + self.INTERVAL
        if self._kind != "readers":  # theirs are readable all the time
            self._selector.register(connection, selectors.EVENT_READ)

    def _drop(self, connection):
        self.cut += 1
        del self._open[connection]
        if self._kind != "readers":
            self._selector.unregister(connection)
        connection.close()

    def _step(self, connection):
        """A byte more of one connection; False: it was cut."""
        try:
            if self._kind == "readers":
                return bool(connection.recv(16))
            connection.send(b"X-a: b\r\n" if self._kind == "heads" else b" ")
            return True
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _run(self):
        next_open = time.monotonic()
        while not self._over.is_set():
            now = time.monotonic()
            while len(self._open) < self._count and next_open <= now:
                self._connect()
                rate = self.PER_SECOND if self.opened < self._count else self.AGAIN_PER_SECOND
                next_open = max(next_open + 1 / rate, now - 0.1)
            for key, _ in self._selector.select(0.005):
                self._drop(key.fileobj)  # answered or closed: it does not matter which
            if self._kind == "readers":
                time.sleep(0.005)
            for connection in [c for c, due in self._open.items() if due <= now]:
                if self._step(connection):
                    self._open[connection] = now + self.INTERVAL
                else:
                    self._drop(connection)
        for connection in self._open:
            connection.close()


def measure(port, target, number=300):
    """Seconds that each of so many GETs takes, connection included, sorted; all must be 200."""
    taken = []
    for _ in range(number):
        begin = time.perf_counter()
        client = QuickClient(port)
        status, _, _ = client.ask(client.prepare(target))
        taken.append(time.perf_counter() - begin)
        client.close()
        if status != 200:
            raise AssertionError(f"{target}: {status}")
        time.sleep(0.002)  # a client, not a second attack
    return sorted(taken)
