"""Uploads of gigabytes, and forms that are as large: no process of the site grows with them."""

import http.client
import os
import select
import socket
import unittest
import uuid

from harness import FULL, TIME_FACTOR, wait_for
from site_case import SiteCase
from transcode_case import TRANSCODE, Onlooker, TranscodeCase

MIB = 1 << 20
FILE = 3 << 30 if FULL else 200 * MIB
FORM = 1 << 30 if FULL else 50 * MIB  # each of them
LIMIT_KIB = 200 * 1024  # of each process


class Memory(Onlooker):
    """The most memory that processes, and all who descend from them, have ever had in use (VmHWM of
    proc(5)): looked at ten times a second, so that what ends meanwhile counts as well.
    peaks: {"PID program": KiB}."""

    def __init__(self, *pids):
        super().__init__()
        self._ancestors, self.peaks = pids, {}

    def run(self):
        while not self.over.wait(0.1):
            self._look()
        self._look()

    def _look(self):
        parents, peaks = {}, {}
        for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
            lines = dict(line.split(":\t", 1) for line in said_of(pid, "status").splitlines()
                         if ":\t" in line)
            if "VmHWM" in lines:  # kernel threads and zombies have no memory
                parents[pid], peaks[pid] = int(lines["PPid"]), int(lines["VmHWM"].split()[0])
        for pid, peak in peaks.items():
            ancestor = pid
            while ancestor in parents and ancestor not in self._ancestors:
                ancestor = parents[ancestor]
            if ancestor in self._ancestors:
                program = said_of(pid, "cmdline").partition("\0")[0].split(" ")[0]
                name = f"{pid} {os.path.basename(program)}"
                self.peaks[name] = max(peak, self.peaks.get(name, 0))


def said_of(pid, file):
    """A text in /proc, "" if the process has ended."""
    try:
        with open(f"/proc/{pid}/{file}", encoding="ascii", errors="replace") as text:
            return text.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def multipart_around(fields, last):
    """What stands before and behind the content of the last part, whose head is given."""
    boundary = uuid.uuid4().hex
    before = "".join(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
                     f"{value}\r\n" for name, value in fields.items())
    return (f"{before}--{boundary}\r\n{last}".encode(), f"\r\n--{boundary}--\r\n".encode(),
            f"multipart/form-data; boundary={boundary}")


class Large(TranscodeCase, SiteCase):
    PROCESSES = 2

    def setUp(self):
        super().setUp()
        self.start_site(writable=True)

    def send(self, kind, before, behind, size, chunked=False):
        """POST /upload with so many zero bytes between the two: (answer, its body). It may come
        before all is sent."""
        path = os.path.join(self.tmp, "source")
        with open(path, "wb") as file:
            file.truncate(size)  # sparse: it takes no room
        length = len(before) + size + len(behind)
        how_long = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
        head = (f"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
                f"{how_long}\r\nConnection: close\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self.apache.port), 300 * TIME_FACTOR) as to, \
                open(path, "rb") as source:
            to.sendall(head.encode())
            for piece in self.pieces(before, source, behind):
                if select.select([to], [], [], 0)[0]:
                    break
                to.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            answer = http.client.HTTPResponse(to)
            answer.begin()
            return answer, answer.read()

    @staticmethod
    def pieces(before, source, behind):
        yield before
        while piece := source.read(MIB):
            yield piece
        yield behind

    def measured(self, *more):
        return Memory(self.apache.pid, self.live.process.pid, *more)

    def assert_small(self, memory, *names):
        told = {name: f"{peak / 1024:.0f} MiB" for name, peak in sorted(memory.peaks.items())}
        self.assertLessEqual(set(names), {name.partition(" ")[2] for name in told}, told)
        self.assertEqual([name for name, peak in memory.peaks.items() if peak > LIMIT_KIB], [], told)
        if FULL:
            print(f"{self.id()}: {told}")

    @unittest.skipUnless(os.access(TRANSCODE, os.X_OK), "needs jcn-transcode")
    def test_uploads_of_gigabytes(self):
        worker = self.worker("--token-file", self.token_file)
        fields = {"token": self.token(), "title": "Large", "description": "", "tags": "",
                  "visibility": "public"}
        before, behind, kind = multipart_around(
            fields, 'Content-Disposition: form-data; name="file"; filename="large.mp4"\r\n\r\n')
        with self.measured(worker.process.pid) as memory:
            answer, body = self.send(kind, before, behind, FILE)
            self.assertEqual(answer.status, 303, body)
            video = answer.headers["Location"].rpartition("=")[2]
            self.ended(video, "failed")  # there is no film in it
            self.page(f"/watch?v={video}")
        self.assertEqual(os.path.getsize(self.path(f"{video[:2]}/{video}.mp4")), FILE)
        self.assertEqual(self.live.record(video)["source"]["size"], FILE)
        self.assertEqual(os.listdir(self.path("incoming")), [])
        self.assert_small(memory, "apache2", "(wsgi:jcn-site)", "jcn", "jcn-transcode")

    def test_forms_of_gigabytes_are_refused(self):
        fields = {"token": self.token(), "visibility": "public"}
        field = 'Content-Disposition: form-data; name="description"\r\n\r\n'
        shapes = [("a field", *multipart_around(fields, field)),
                  ("the head of a part", *multipart_around(fields, "X-Long: ")),
                  ("a field's name", *multipart_around(
                      fields, 'Content-Disposition: form-data; name="')),
                  ("what stands before the first part", b"",
                   *multipart_around(fields, field)[1:]),
                  ("a simple form", b"title=", b"", "application/x-www-form-urlencoded")]
        with self.measured() as memory:
            for what, before, behind, kind in shapes:
                for chunked in (False, True):
                    with self.subTest(what, chunked=chunked):
                        answer, body = self.send(kind, before, behind, FORM, chunked)
                        self.assertIn(answer.status, (411,) if chunked else (400, 413), body)
        self.assert_small(memory, "apache2", "(wsgi:jcn-site)", "jcn")
        self.assertEqual([name for _, _, names in os.walk(self.root) for name in names], [])
        wait_for(lambda: self.get("/").status == 200, "the site to go on")


if __name__ == "__main__":
    unittest.main()
