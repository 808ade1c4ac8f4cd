"""The row of the site: a video's page by jcn.cgi as FastCGI, beside Apache's static file of the
same bytes, mod_wsgi and CGI; see web/README.md."""

import json
import os
import statistics
import sys
import tempfile

from ground import Row, say
from harness import JCN_CGI, PROJECT, Daemon, QuickClient
from rows_answers import wrk

sys.path.insert(0, str(PROJECT / "apache"))

from private_apache import PrivateApache  # noqa: E402

GOAL = 0.25
VIDEOS = 1_000
CONNECTIONS = 8
FRONTS = ("fastcgi", "python", "cgi")
NAMES = {"static": "Apache, the same bytes as files", "python": "the Python site, mod_wsgi",
         "cgi": "jcn.cgi as CGI"}
# Besides site.conf or cgi.conf; a connection may ask as often as it likes.
MORE = """
MaxKeepAliveRequests 0
Alias "/bench/" "%(pages)s/"
<Directory "%(pages)s">
  Require all granted
</Directory>
"""


def note(number):
    """A video with all that a page shows."""
    return {"id": f"v{number}", "title": f"The ferry in fog, part {number}", "visibility": "public",
            "description": "What the harbour looks like when nobody sees it. " * 8
                           + "More at https://example.org/fog",
            "tags": ["sea", "fog", f"part{number % 50}"], "uploader": f"user{number % 20}",
            "uploaded_at": "2026-03-01T12:00:00Z", "duration": 60 + number, "width": 1920,
            "height": 1080, "poster": f"v/v{number}.poster.jpg",
            "renditions": [{"path": f"v/v{number}.{height}p.webm", "type": "video/webm",
                            "height": height} for height in (720, 480)],
            "tracks": [{"path": f"v/v{number}.en.vtt", "kind": "captions", "language": "en",
                        "label": "English"}],
            "transcode": {"state": "done", "percent": 100}}


class Sites:
    """jcn over some videos, an Apache for each front, and the pages as files, too."""

    def __init__(self, scratch):
        self.folder = tempfile.mkdtemp(prefix="web-", dir=scratch)
        for path in (scratch, self.folder):
            os.chmod(path, 0o755)  # Apache is somebody else
        videos, self.pages = self.own("videos"), self.own("pages")
        for number in range(VIDEOS):
            with open(f"{videos}/v{number}.json", "w", encoding="utf-8") as file:
                json.dump(note(number), file)
        self.daemon = Daemon([f"videos={videos}"], os.path.join(self.folder, "index"))
        self.apaches = {}
        try:
            self.daemon.start(seconds=60)
            for front in FRONTS:
                self.apaches[front] = PrivateApache(
                    self.own(front), f"http://127.0.0.1:{self.daemon.port}", videos, "videos",
                    more=MORE % {"pages": self.pages}, front=front, cgi_program=JCN_CGI).start()
            self.keep_pages()
        except BaseException:
            self.close()
            raise

    def own(self, name):
        path = os.path.join(self.folder, name)
        os.mkdir(path)
        os.chmod(path, 0o755)
        return path

    def keep_pages(self):
        """As files, which the Apache of the Python site serves: mod_wsgi leaves them to it."""
        client = QuickClient(self.apaches["fastcgi"].port)
        for number in range(VIDEOS):
            status, _, page = client.ask(client.prepare(f"/watch?v=v{number}"))
            if status != 200 or f"part {number}".encode() not in page:
                raise SystemExit(f"web: page {number} is {status}")
            path = f"{self.pages}/v{number}.html"
            with open(path, "wb") as file:
                file.write(page)
            os.chmod(path, 0o644)
            self.bytes = len(page)
        client.close()

    def sides(self):
        """Of each side its port and paths."""
        watch = [f"/watch?v=v{number}" for number in range(VIDEOS)]
        found = {front: (apache.port, watch) for front, apache in self.apaches.items()}
        found["static"] = (self.apaches["python"].port,
                           [f"/bench/v{number}.html" for number in range(VIDEOS)])
        return found

    def close(self):
        for apache in self.apaches.values():
            apache.stop()
        self.daemon.stop()


def web(ground, options):
    """A video's page."""
    say("web")
    ground.close()
    sites = Sites(ground.scratch)
    try:
        seen = {name: [] for name in sites.sides()}
        for counts in [False] + [True] * (2 if options.quick else 5):
            for name, (port, paths) in sites.sides().items():
                rate = wrk(ground.scratch, port, paths, CONNECTIONS,
                           3 if counts and not options.quick else 1)
                if counts:
                    seen[name].append(rate)
        rate = {name: statistics.median(values) for name, values in seen.items()}
    finally:
        sites.close()
    what, ours = f"a video's page ({sites.bytes:,} bytes), FastCGI", f"{rate['fastcgi']:,.0f}/s"
    rows = []
    for name, told in NAMES.items():
        ratio = rate["fastcgi"] / rate[name]
        row = Row(what, ours, peer=told, peer_seen=f"{rate[name]:,.0f}/s", times=ratio)
        if name == "static":
            row.target, row.good = f"≥ {GOAL} × a static file", ratio >= GOAL
        rows.append(row)
    return rows


ROWS = {"web": web}
