"""jcn.cgi: the same pages as the Python site's, through the real Apache as FastCGI and CGI, and
from an environment alone."""

import collections
import contextlib
import http.server
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

import service_sandbox
import test_site
import test_site_hostile
from harness import (JCN_CGI, PROJECT, SANITIZER_REPORT, TIME_FACTOR, Client, JcnCase, json_of,
                     wait_for, write_whole)
from site_case import Page, SiteCase, site_config
from test_site import FULL_VIDEO
from test_site_hostile import TEXTS, WRONG_TYPES, everywhere


# ---- the tests of the Python site's pages, with jcn.cgi in its place

class FastCgiPages(test_site.Pages):
    FRONT = "fastcgi"
    test_rejects_say_what_is_wrong_and_where = None
    test_status_draws_what_it_says = None
    test_who_went_away_leaves_the_feed = test_apache_stops_while_events_are_followed = None


class CgiMedia(test_site.Media):
    FRONT = "cgi"


class FastCgiMedia(test_site.Media):
    FRONT = "fastcgi"
    test_methods_and_sizes = test_pieces_of_a_file = None


class FastCgiHostileText(test_site_hostile.HostileText):
    FRONT = "fastcgi"


# ---- beside the Python site

def same_address(address):
    """An address, however its parameters are encoded."""
    parts = urllib.parse.urlsplit(address)
    parameters = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    return (parts.scheme, parts.netloc, parts.path, sorted(parameters))


def substance(answer):
    """A page's elements, their attributes and texts, without what is for editors."""
    body = answer.body.decode()
    for editors in (r'<nav aria-label="For editors">.*?</nav>',
                    r'<p><a class="button" href="[^"]*">Edit</a></p>',
                    r'<div id="again" data-live>.*?</div>'):
        body = re.sub(editors, "", body, flags=re.DOTALL)
    found = []
    for name, attributes, texts in Page(answer._replace(body=body.encode())).elements:
        known = {each: same_address(value) if each in ("href", "action") and value else value
                 for each, value in attributes.items()}
        found.append((name, known, " ".join("".join(texts).split())))
    return found


class Same(SiteCase):
    maxDiff = None

    def start(self, **settings):
        self.live = self.daemon(f"videos={self.root}", arguments=["--token-file", self.token_file],
                                config=site_config(self.root, schema=False)
                                + "[limits]\nmax_bytes = 4194304\n")
        self.webs = {}
        for front in ("python", "fastcgi", "cgi"):
            self.start_apache(settings, front=front)
            self.webs[front] = Client(self.apache.port)
            self.addCleanup(self.webs[front].close)

    def ask_all(self, target, fronts=("python", "fastcgi")):
        # One name for all, as if they stood behind one address.
        return {front: self.webs[front].get(target, Host="localhost") for front in fronts}

    def assert_same(self, target, fronts=("python", "fastcgi")):
        answers = self.ask_all(target, fronts)
        first = answers["python"]
        for front, answer in answers.items():
            self.assertEqual(answer.status, first.status, (target, front))
            for name in ("content-type", "content-security-policy", "x-content-type-options",
                         "referrer-policy", "cross-origin-opener-policy"):
                self.assertEqual(answer.headers.get(name), first.headers.get(name), (front, name))
            if "json" in first.headers["content-type"]:
                self.assertEqual(json_of(answer), json_of(first), (target, front))
            else:
                for ours, theirs in zip(substance(answer), substance(first)):
                    self.assertEqual(ours, theirs, (target, front))
                self.assertEqual(len(substance(answer)), len(substance(first)), (target, front))
        return first

    def test_pages_are_the_python_sites(self):
        self.drop("fe/ferry.json", FULL_VIDEO)
        self.drop("fe/ferry.more.json", {"id": "ferry", "title": "Ferry in the fog"})
        for n in range(7):
            self.drop(f"{n}.json", {
                "title": f"Title {n} sea " + "long " * 40 * (n % 2), "tags": ["sea", f"t{n % 3}"],
                "uploader": ["ada", "bo"][n % 2] + "x" * 60 * (n % 2), "duration": n * 1234.56,
                "language": [5, True, 1.10, "en", None, "x" * 300, "is"][n],
                "uploaded_at": f"2026-0{n + 1}-0{n + 1}T12:00" + ["", "Z", ":30", "+01:00", ":7",
                                                                  ":00.5-0130", " "][n],
                "visibility": "public"})
        jobs = [{"state": "queued"}, {"state": "running", "percent": 41.5},
                {"state": "running", "percent": 42.5}, {"state": "failed", "error": "<moov>"},
                {"state": "running"}, {"state": "failed"}]
        for n, job in enumerate(jobs):
            self.drop(f"jobs/{n} of.json", {"title": "Job", "visibility": "unlisted",
                                            "source": {"path": "a.mp4"}, "transcode": job})
        self.drop("raw.json", {"visibility": "public", "source": {"path": "dir/ä b.MP4"},
                               "summary": "See (https://example.org/a_(b)). http:// https://…\n",
                               "tracks": [{"path": "a.vtt", "kind": "subtitles"},
                                          {"path": "b.vtt", "kind": "chapters"}]})
        self.start(page_size=4, name="Films & <more>")
        targets = ["/", "/?q=sea", "/?q=sea&order=title", "/?order=longest&tag=t1",
                   "/?tag=&tag=sea", "/?uploader=ada&tag=sea&tag=t2", "/?language=5", "/?language=en", "/?q=%22",
                   "/?q=++title++3+", "/?page=nonsense", "/?q=%FF%00%0D%0A", "/watch?v=ferry",
                   "/embed?v=ferry", "/watch?v=raw", "/embed?v=raw", "/watch", "/watch?v=none",
                   "/watch?x=1&v=ferry&v=raw", "/embed?v=%FF", "/watch?v=a%00b"]
        targets += [f"/watch?v=videos%2F{n}" for n in range(7)]
        targets += [f"/watch?v=videos%2Fjobs%2F{n}%20of" for n in range(len(jobs))]
        watch = urllib.parse.quote("http://localhost/watch?v=ferry", safe="")
        targets += [f"/oembed?url={watch}{more}" for more in
                    ("", "&maxwidth=200", "&maxheight=90&format=json", "&maxwidth=0", "&format=xml",
                     "&maxwidth=%2B5", "&maxheight=99999999999")]
        page = self.assert_same("/", ("python", "fastcgi", "cgi"))
        while more := re.search(rb'href="([^"]*)" rel="next"', page.body):
            targets.append(more.group(1).decode().replace("&amp;", "&"))
            page = self.assert_same(targets[-1])
        self.assertGreater(len(targets), 40)
        for target in targets:
            self.assert_same(target)
        self.assert_same("/watch?v=ferry", ("python", "fastcgi", "cgi"))
        self.live.stop()
        for target in ("/", "/watch?v=ferry", "/embed?v=ferry"):
            self.assertEqual(self.assert_same(target, ("python", "fastcgi", "cgi")).status, 503)

    def test_odd_records_are_shown_as_the_python_site_shows_them(self):
        members = [name for name in test_site_hostile.MEMBERS if name != "visibility"]
        notes = [everywhere(text) for text in TEXTS]
        notes += [{name: value for name in members} for value in WRONG_TYPES]
        notes += [{"renditions": [value], "tracks": [value], "transcode": value, "source": value,
                   "tags": value} for value in WRONG_TYPES]
        paths = ["a.m\u212av", "a.webm", "../a.webm", "a//b.webm", ".a.webm", "a/.b.webm",
                 "/a.webm", "a\\b.webm", "a\x7f.webm", "a\u0085.webm", "x" * 1000 + ".webm",
                 "ä" * 995 + ".webm", "a.WebM", "a.webm/", "a.webm ", "a.php", "a.webm.php", "a%2fb.webm", "a b?#&.webm"]
        notes += [{"renditions": [{"path": path, "height": 5}], "poster": path + ".jpg",
                   "tracks": [{"path": path + ".vtt", "kind": "metadata"}]} for path in paths]
        numbers = ["-0", "0", "1e400", "1e-400", "5.0", "99999", "100000", "1e15",
                   "999999999999999", "3599.9", "3600", "-1", "1E2", "9" * 300, "0." + "0" * 400 + "1"]
        raw = [b'{"visibility":"public","duration":%b,"width":%b,"height":%b,"transcode":'
               b'{"state":"running","percent":%b}}' % ((number.encode(),) * 4)
               for number in numbers]
        for n, note in enumerate(notes):
            self.drop(f"{n}.json", {**note, "visibility": "public", "title": f"t{n}"}
                      if n % 2 else {**note, "visibility": "public"})
        for n, text in enumerate(raw):
            self.drop(f"raw{n}.json", text)
        self.drop("large.json", {"visibility": "public", "title": "\u3000\u0085<b>é" * 150_000,
                                 "description": "https://e.example/é&" * 5000 + "\x00\x9f"})
        self.start(page_size=1000)
        ids = self.live.ids()
        self.assertGreater(len(ids), len(notes))
        self.assert_same("/")
        for each in ids:
            self.assert_same("/watch?v=" + urllib.parse.quote(each, safe=""))


# ---- without a web server: an environment, and what comes out

class Environment(JcnCase):
    def run_cgi(self, target="/", method="GET", arguments=(), **variables):
        """(header lines as a dict, body) of one run. Variables are those of a web server."""
        path, _, query = target.partition("?")
        environment = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path,
                       "QUERY_STRING": query, "HTTP_HOST": "localhost", **variables}
        done = subprocess.run([JCN_CGI, *arguments], stdin=subprocess.DEVNULL, env=environment,
                              capture_output=True, timeout=30 * TIME_FACTOR, check=False)
        self.stderr = done.stderr.decode()
        self.assertNotRegex(self.stderr, SANITIZER_REPORT)
        self.assertEqual(done.returncode, 0, self.stderr)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode("ascii").split("\r\n")]
        headers = {name.lower(): value for name, value in lines}
        self.assertEqual(len(headers), len(lines))
        self.assertLessEqual(set(headers), test_site_hostile.HEADERS | {"status", "allow"})
        return headers, body

    def status(self, *arguments, **variables):
        return int(self.run_cgi(*arguments, **variables)[0]["status"][:3])

    def start(self):
        self.drop("one.json", {"id": "one", "title": "One", "visibility": "public"})
        self.live = self.daemon(f"videos={self.root}")
        return {"JCN_URL": f"http://127.0.0.1:{self.live.port}"}

    def test_methods_conditions_and_hosts(self):
        jcn = self.start()
        headers, body = self.run_cgi("/watch?v=one", **jcn)
        self.assertEqual(headers["status"], "200 OK")
        self.assertEqual(int(headers["content-length"]), len(body))
        self.assertIn(b"<h1>One</h1>", body)
        # The same page again, and another one.
        etag = headers["etag"]
        for known in (etag, "*", f'"x", W/{etag}'):
            again, nothing = self.run_cgi("/watch?v=one", HTTP_IF_NONE_MATCH=known, **jcn)
            self.assertEqual((again["status"], again["etag"], nothing),
                             ("304 Not Modified", etag, b""))
        self.assertEqual(self.status("/", HTTP_IF_NONE_MATCH=etag, **jcn), 200)
        head, nothing = self.run_cgi("/watch?v=one", "HEAD", **jcn)
        self.assertEqual((head, nothing), (headers, b""))
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "get", "", "BREW"):
            refused, _ = self.run_cgi("/", method, CONTENT_LENGTH="5", **jcn)
            self.assertEqual((refused["status"][:3], refused["allow"]), ("405", "GET, HEAD"))
        hosts = {"localhost": 200, "LOCALHOST:80": 200, "[::1]:8080": 200, "127.0.0.1": 200,
                 "videos.example": 200, "videos.example:443": 200, "evil.example": 421,
                 "localhost.evil.example": 421, "localhost:80x": 421, "localhost:": 421,
                 "localhost\r\nX: y": 421, "localhost/x": 421, "a@localhost": 421, "[::1": 421,
                 "]": 421, ":80": 421}
        for host, status in hosts.items():
            with self.subTest(host=host):
                self.assertEqual(self.status("/", HTTP_HOST=host,
                                             JCN_SITE_HOSTS="x.example videos.example", **jcn),
                                 status)
        # Behind TLS addresses say so; a port of its own is left out.
        origins = [({"HTTPS": "on", "HTTP_HOST": "localhost:443"}, "https://localhost"),
                   ({"HTTP_HOST": "localhost:443"}, "http://localhost:443"),
                   ({"HTTP_HOST": "", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "81"},
                    "http://127.0.0.1:81")]
        for variables, origin in origins:
            page = self.run_cgi("/watch?v=one", **jcn, **variables)[1].decode()
            self.assertIn(urllib.parse.quote(origin + "/watch", safe=""), page)

    def test_only_the_web_server_says_where_jcn_is(self):
        jcn = self.start()
        contacted = []

        class Proxy(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                contacted.append(self.path)
                self.send_error(404)

            do_CONNECT = do_GET

            def log_message(self, *_):
                pass

        with listening(Proxy) as port:
            evil = f"http://127.0.0.1:{port}"
            names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy",
                     "CGI_PROXY", "HTTP_JCN_URL", "HTTP_JCN_TOKEN_FILE", "HTTP_X_FORWARDED_HOST", "NO_PROXY"]
            self.assertEqual(self.status("/watch?v=one", **jcn, **{name: evil for name in names}),
                             200)
            for target in ("/?JCN_URL=" + evil, "/watch?v=one&url=" + evil, "/?http_proxy=" + evil):
                self.assertEqual(self.status(target, **jcn), 200)
            # Web servers put a query string without '=' on the command line.
            arguments = ["-s", "--url", evil]
            self.assertEqual(self.status("/?-s+--url+x", arguments=arguments, **jcn), 200)
        self.assertEqual(contacted, [])

    def test_odd_requests(self):
        jcn = self.start()
        for path in ("/nowhere", "/watch/", "//watch", "/../watch", "/watch\n", "/.git/config",
                     "/static/site.css", "/media/a.webm", "/upload", "/v1/videos"):
            self.assertEqual(self.status(path, **jcn), 404, path)
        for bad in ("../one", "..", ".", "one/../one", "%2e%2e%2fone", "one%00",
                    "one%0d%0aX-Y:%20z", "/one", "one/", "?_shape=array", "one%3F_extra=x", "_bulk_get", "one#x"):
            self.assertEqual(self.status("/watch?v=" + bad, **jcn), 404, bad)
        self.assertEqual(self.status("/?q=" + "x" * 8188, **jcn), 200)
        self.assertEqual(self.status("/?q=" + "x" * 8189, **jcn), 414)
        self.assertEqual(self.status("/?" + "&" * 5000 + "q=a" + "&tag=" * 500, **jcn), 200)
        self.assertEqual(self.status("/?q=%zz%&%=%&=&&q", **jcn), 200)
        self.assertEqual(self.status("/?q=\udcff\udcfe\x01a", **jcn), 200)
        again = self.run_cgi("/?q=x%22%3E<script>'\"\x01", JCN_URL="http://127.0.0.1:9")[1]
        self.assertNotIn(b"<script>", again)
        self.assertIn(b'<a href="?q=x%22%3E%3Cscript%3E&#39;%22%01"', again)

    def test_settings_that_are_wrong_are_said_to_the_administrator_only(self):
        for name, value in [("JCN_URL", "ftp://x"), ("JCN_KIND", "../x"), ("JCN_PAGE_SIZE", "0"),
                            ("JCN_PAGE_SIZE", "2x"), ("JCN_THREADS", "1000"),
                            ("JCN_TIMEOUT_MS", "-1"), ("JCN_TOKEN_FILE", "/nonexistent/token")]:
            headers, body = self.run_cgi("/", **{name: value})
            self.assertEqual(headers["status"], "500 Internal Server Error")
            self.assertNotIn(name.encode(), body)
            self.assertIn(name, self.stderr)
        alone = subprocess.run([JCN_CGI], stdin=subprocess.DEVNULL, env={}, capture_output=True,
                               check=False)
        self.assertEqual((alone.returncode, alone.stdout), (2, b""))

    def test_a_jcn_that_is_away_slow_or_another_program(self):
        release = threading.Event()

        class Slow(http.server.BaseHTTPRequestHandler):
            """Never done, but never silent for long."""
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                with contextlib.suppress(OSError):
                    while not release.wait(0.05):
                        self.wfile.write(b" ")

            def log_message(self, *_):
                pass

        class Other(Slow):
            code, said = 200, b"[]"

            def do_GET(self):
                self.send_response(self.code)
                self.send_header("Content-Length", str(len(self.said)))
                self.end_headers()
                self.wfile.write(self.said)

        with listening(Slow) as port:
            start = time.monotonic()
            headers, body = self.run_cgi("/", JCN_URL=f"http://127.0.0.1:{port}")
            release.set()
            self.assertEqual((headers["status"], headers["retry-after"], headers["cache-control"]),
                             ("503 Service Unavailable", "5", "no-store"))
            self.assertIn(b"can't be reached right now", body.replace(b"&#39;", b"'"))
            self.assertNotIn(str(port).encode(), body)
            self.assertIn(str(port), self.stderr)
            self.assertGreater(time.monotonic() - start, 1.9)
            self.assertLess(time.monotonic() - start, 8 * TIME_FACTOR)
        self.assertEqual(self.status("/", JCN_URL="http://127.0.0.1:9"), 503)
        with listening(Other) as port:
            for said in (b"", b"[]", b"<html>", b'{"rows"', b"{}", b'{"record":5}', b'"x"', b"null",
                         b'{"rows":5,"next":[],"count":"x","facet_results":[{}]}',
                         b'{"rows":[5,{}]}'):
                for Other.code, targets in [(200, ("/", "/watch?v=x", "/embed?v=x")), (404, ("/",)),
                                            (301, ("/",))]:
                    Other.said = said
                    for target in targets:
                        self.assertIn(self.status(target, JCN_URL=f"http://127.0.0.1:{port}"),
                                      (200, 404, 502, 503))


@contextlib.contextmanager
def listening(handler):
    """The port of a server of its own."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ---- the FastCGI process

class FastCgiProcess(SiteCase):
    FRONT = "fastcgi"

    def test_thousands_of_pages_leave_nothing_behind(self):
        self.drop("fe/ferry.json", FULL_VIDEO)
        self.start_site(settings={"threads": 4})
        pid = self.apache.fastcgi_pid
        targets = ["/", "/watch?v=ferry", "/?q=fog&tag=sea", "/embed?v=ferry", "/watch?v=none",
                   "/nowhere", "/?q=%22"]
        bodies = {target: self.get(target).body for target in targets}

        def ask(count, wrong):
            web = Client(self.apache.port)
            for n in range(count):
                target = targets[n % len(targets)]
                if web.get(target).body != bodies[target]:
                    wrong.append(target)
            web.close()

        def ask_by_many(count):
            wrong = []
            threads = [threading.Thread(target=ask, args=(count // 4, wrong)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for n in range(20):  # and some who do not wait for the answer
                with socket.create_connection(("127.0.0.1", self.apache.port)) as hasty:
                    hasty.sendall(b"GET /watch?v=ferry HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])

        ask_by_many(600)
        before, files = rss_kib(pid), open_files(pid)
        ask_by_many(2400)
        self.assertEqual(self.apache.fastcgi_pid, pid)
        if TIME_FACTOR == 1:  # sanitizers keep what is freed for a while, and tell of leaks themselves
            self.assertLess(rss_kib(pid) - before, 1024)
        self.assertLessEqual(open_files(pid), files + 4)
        self.assertEqual(self.apache.stop_fastcgi(), 0)

    def test_asked_to_end_it_finishes_what_it_has_begun(self):
        self.drop("fe/ferry.json", FULL_VIDEO)
        self.start_site(settings={"timeout": 9})
        self.get("/")
        for ending in (signal.SIGTERM, signal.SIGUSR1):
            pid = self.apache.fastcgi_pid
            self.live.pause()
            answers = []
            asking = threading.Thread(target=lambda: answers.append(self.get("/watch?v=ferry")))
            asking.start()
            wait_for(lambda: connections_to(pid, self.live.port), "the page to ask jcn")
            os.kill(pid, ending)
            wait_for(lambda: not pending_signals(pid), "the signal to be taken")
            self.live.cont()
            asking.join()
            self.assertEqual(answers[0].status, 200)
            self.assertEqual(self.apache.stop_fastcgi(), 0)
            self.apache.start_fastcgi()
        self.assertEqual(self.get("/watch?v=ferry").status, 200)

    def test_no_page_is_lost_while_one_process_follows_another(self):
        self.drop("fe/ferry.json", FULL_VIDEO)
        self.start_site()
        ending, seen = threading.Event(), collections.Counter()

        def ask():
            web = Client(self.apache.port)
            while not ending.is_set():
                seen[web.get("/watch?v=ferry").status] += 1
            web.close()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        self.addCleanup(ending.set)
        for thread in threads:
            thread.start()
        wait_for(lambda: seen[200] > 20, "pages of the first process")
        for by in [signal.SIGTERM, signal.SIGUSR1] * 5:
            self.assertEqual(self.apache.stop_fastcgi(by), 0)
            before = seen[200]
            self.apache.start_fastcgi()
            wait_for(lambda: seen[200] > before + 20, "pages of the next process")
        ending.set()
        for thread in threads:
            thread.join()
        self.assertEqual(list(seen), [200])

    def test_a_post_with_a_body_is_refused_whole(self):
        self.drop("fe/ferry.json", FULL_VIDEO)
        self.start_site()
        for front in ("fastcgi", "cgi"):
            if front == "cgi":
                self.start_apache(front="cgi")
            for size in (0, 10, 60_000) * 5:
                answer = self.web.request("POST", "/", b"x" * size)
                self.assertEqual(answer.status, 405, (front, size))
                self.assertEqual(Page(answer).one("h1")[1], "Not like this")
                self.assertEqual(answer.headers["allow"], "GET, HEAD")
            self.assertIn(self.web.request("POST", "/", b"x" * 900_000).status, (405, 413))
            self.assertEqual(self.get("/").status, 200)

    def test_a_jcn_that_stands_still_makes_way_for_a_page(self):
        self.start_site()
        self.get("/")
        self.live.pause()
        start = time.monotonic()
        answer = self.get("/")
        self.live.cont()
        self.assertEqual((answer.status, answer.headers["retry-after"]), (503, "5"))
        self.assertGreater(time.monotonic() - start, 1.9)
        self.assertLess(time.monotonic() - start, 8 * TIME_FACTOR)


UNITS = [PROJECT / "cgi-frontend" / name for name in ("jcn-cgi.socket", "jcn-cgi.service")]


@unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze (package systemd)")
class Units(SiteCase):
    FRONT = "fastcgi"

    def test_they_are_well_formed(self):
        folder = self.folder("units")
        for unit in UNITS:
            text = unit.read_text(encoding="utf-8").replace("/usr/lib/jcn/cgi-bin/jcn.cgi", JCN_CGI)
            write_whole(os.path.join(folder, unit.name), text.encode())
        done = subprocess.run(["systemd-analyze", "verify", "--man=no",
                               *(os.path.join(folder, unit.name) for unit in UNITS)],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_what_the_service_may_do_is_enough(self):
        with open(JCN_CGI, "rb") as program:
            if b"__asan_init" in (text := program.read()) or b"__tsan_init" in text:
                self.skipTest("sanitizers make system calls of their own")
        self.drop("fe/ferry.json", FULL_VIDEO)
        self.live = self.daemon(f"videos={self.root}", config=site_config(self.root))
        user = ["--user", str(os.stat(self.root).st_uid)] if os.geteuid() == 0 else []
        self.start_apache(cgi_before=[sys.executable, "-B", service_sandbox.__file__, *user,
                                      str(UNITS[1])])
        for target, status in [("/", 200), ("/watch?v=ferry", 200), ("/watch?v=none", 404)]:
            self.page(target, status)
        self.live.stop()
        self.page("/", 503)
        self.assertEqual(self.apache.stop_fastcgi(), 0)


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def pending_signals(pid):
    """Of the process; none of one that has ended."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return any(int(line.split()[1], 16) for line in status if line.startswith("ShdPnd"))


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def connections_to(pid, port):
    """Whether the process has said something to that port that was not read there yet."""
    inodes = {os.readlink(f"/proc/{pid}/fd/{each}") for each in os.listdir(f"/proc/{pid}/fd")}
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    ours = {row[1] for row in rows
            if f"socket:[{row[9]}]" in inodes and row[2].endswith(f":{port:04X}")}
    return any(row[2] in ours and int(row[4].partition(":")[2], 16) for row in rows)


if __name__ == "__main__":
    unittest.main()
