"""The site's pages: the real Apache with mod_wsgi, the real jcn."""

import json
import os
import re
import socket
import unittest
import urllib.parse

from harness import TIME_FACTOR, json_of, wait_for, write_whole
from site_case import SiteCase, private_apache, site_config

FULL_VIDEO = {
    "id": "ferry", "title": "Ferry in fog",
    "description": "See https://example.org/fog, or javascript:alert(1)",
    "tags": ["sea", "fog"], "uploader": "sigridur", "uploaded_at": "2026-03-01T12:00:00Z",
    "visibility": "public", "duration": 73.24, "width": 1920, "height": 1080,
    "poster": "fe/ferry.poster.jpg",
    "renditions": [{"path": "fe/ferry.720p.webm", "type": "video/webm", "height": 720},
                   {"path": "fe/ferry.480p.webm", "type": "video/webm", "height": 480}],
    "tracks": [{"path": "fe/ferry.en.vtt", "kind": "captions", "language": "en",
                "label": "English"}],
    "transcode": {"state": "done", "percent": 100},
}


class Pages(SiteCase):
    def test_lists_show_public_videos_only_each_once_page_after_page(self):
        for n in range(60):
            note = {"title": f"Video {n}", "uploaded_at": f"2026-01-01T00:00:{n:02}Z"}
            if n % 4 != 3:
                note["visibility"] = ("public", "unlisted", "private")[n % 4]
            self.drop(f"{n}.json", note)
        self.start_site(settings={"page_size": 4})
        target, seen = "/", []
        while target:
            page = self.page(target)
            self.assertEqual(page.one("h1")[1].strip(), "15 videos")
            seen += page.titles()
            target = next((attributes["href"] for attributes, _ in page.all("a", rel="next")), None)
        self.assertEqual(seen, [f"Video {n}" for n in range(56, -1, -4)])
        target, seen = "/edit" if self.FRONT == "python" else None, []
        while target:
            page = self.page(target)
            seen += page.titles()
            target = next((attributes["href"] for attributes, _ in page.all("a", rel="next")), None)
        self.assertEqual(len(seen), 60 if self.FRONT == "python" else 0)
        self.page("/?page=nonsense", 400)
        self.page("/?page=" + "x" * 3000, 400)

    def test_search_facets_and_order(self):
        for n, (tags, uploader) in enumerate([(["sea", "fog"], "ada"), (["sea"], "bo"),
                                              (["fog"], "ada")]):
            self.drop(f"{n}.json", {"title": f"Title {n}", "tags": tags, "uploader": uploader,
                                    "duration": n * 100, "visibility": "public"})
        self.drop("hidden.json",
                  {"title": "Hidden", "tags": ["sea", "secret"], "visibility": "private"})
        self.start_site()
        page = self.page("/")
        counts = [text for _, text in page.all("span", class_="count")]
        self.assertEqual(counts, ["2", "2", "2", "1"])  # of what is private nothing is counted
        self.assertNotIn("secret", "".join(text for _, text in page.all("a")))
        narrowed = {text: attributes["href"] for attributes, text in page.all("a")}
        page = self.page(narrowed["sea"])
        self.assertEqual(sorted(page.titles()), ["Title 0", "Title 1"])
        chosen = page.one("a", aria_current="true", href="/")  # leads back
        self.assertEqual(chosen[1], "sea")
        both = {text: attributes["href"] for attributes, text in page.all("a")}["ada"]
        self.assertEqual(self.page(both).titles(), ["Title 0"])
        self.assertEqual(self.page("/?q=title+1").titles(), ["Title 1"])
        self.assertEqual(self.page("/?q=hidden").titles(), [])
        self.assertEqual(self.page("/?order=longest").titles(), ["Title 2", "Title 1", "Title 0"])
        self.assertEqual(self.page("/?order=nonsense&tag=none").titles(), [])
        self.assertEqual(self.page("/?tag=").titles(), [])
        self.page("/?q=%22", 400)
        self.page("/?q=" + "word+" * 99)
        self.page("/?q=%FF%00%0D%0A", 400)

    def test_who_may_see_what(self):
        for visibility in ("public", "unlisted", "private", "nonsense"):
            self.drop(f"{visibility}.json", {"title": visibility, "visibility": visibility})
        self.drop("silent.json", {"title": "silent"})
        self.drop("null.json", {"title": "null", "visibility": None})
        self.start_site(config=site_config(self.root, schema=False))
        for video, status in [("public", 200), ("unlisted", 200), ("private", 404),
                              ("nonsense", 404), ("silent", 404), ("null", 404), ("none", 404),
                              ("", 404), ("%2e%2e%2f", 404),
                              ("a%00b", 404), ("%FF", 404), ("x" * 2000, 404)]:
            with self.subTest(video=video[:20]):
                self.page(f"/watch?v={video}", status)
                self.page(f"/embed?v={video}", status)
                address = urllib.parse.quote(f"{self.apache.address}/watch?v={video}", safe="")
                self.assertEqual(self.get(f"/oembed?url={address}").status, status)
        self.page("/watch", 404)
        self.assertEqual(self.page("/").titles(), ["public"])
        robots = [len(self.page(f"/watch?v={video}").all("meta", name="robots"))
                  for video in ("public", "unlisted")]
        self.assertEqual(robots, [0, 1])

    def test_a_video_with_everything(self):
        self.drop("fe/ferry.json", FULL_VIDEO)
        self.drop("fe/ferry.more.json", {"id": "ferry", "title": "Ferry in the fog"})
        self.start_site(more='SetEnvIf X-Forwarded-Proto "^https$" HTTPS=on')  # as README.md says
        page = self.page("/watch?v=ferry")
        self.assertEqual([one["src"] for one, _ in page.all("source")],
                         ["/media/fe/ferry.720p.webm", "/media/fe/ferry.480p.webm"])
        self.assertEqual(page.one("video")[0]["poster"], "/media/fe/ferry.poster.jpg")
        self.assertEqual(page.one("track")[0], {"src": "/media/fe/ferry.en.vtt", "kind": "captions",
                                                "srclang": "en", "label": "English"})
        self.assertEqual(page.one("h1")[1], "Ferry in the fog")
        self.assertEqual(page.all("a", rel="nofollow ugc noopener")[0][1],
                         "https://example.org/fog")
        self.assertEqual(page.all("div", data_events="/events?v=ferry"), [])  # nothing to wait for
        rows = [text.split() for _, text in page.all("tr")][1:]
        self.assertIn("titlefe/ferry.more.jsonfe/ferry.json", ["".join(row) for row in rows])
        self.assertIn("renditionsfe/ferry.json", ["".join(row) for row in rows])

        self.assertEqual(len(self.page("/embed?v=ferry").all("source")), 2)
        policy = self.get("/embed?v=ferry").headers["content-security-policy"]
        self.assertIn("frame-ancestors *", policy)
        self.assertIn("frame-ancestors 'none'",
                      self.get("/watch?v=ferry").headers["content-security-policy"])

        watch = self.apache.address + "/watch?v=ferry"
        discovered = page.one("link", type="application/json+oembed")[0]["href"]
        self.assertEqual(discovered, self.apache.address + "/oembed?"
                         + urllib.parse.urlencode({"url": watch, "format": "json"}))
        self.assertEqual(json_of(self.get(discovered.removeprefix(self.apache.address)))["title"],
                         "Ferry in the fog")
        told = json_of(self.get("/oembed?" + urllib.parse.urlencode({"url": watch})))
        self.assertEqual((told["type"], told["version"], told["title"], told["author_name"]),
                         ("video", "1.0", "Ferry in the fog", "sigridur"))
        self.assertEqual((told["width"], told["height"]), (640, 360))
        behind = json_of(self.get("/oembed?" + urllib.parse.urlencode({"url": watch}),
                                  X_Forwarded_Proto="https"))
        self.assertEqual(behind["provider_url"], self.apache.address.replace("http", "https") + "/")
        self.assertIn(f'src="{self.apache.address}/embed?v=ferry"', told["html"])
        small = {"url": watch, "maxheight": 90}
        small = json_of(self.get("/oembed?" + urllib.parse.urlencode(small)))
        self.assertEqual((small["width"], small["height"]), (160, 90))
        for wrong, status in [({"url": watch, "format": "xml"}, 501), ({}, 404),
                              ({"url": "x"}, 404),
                              ({"url": "http://evil.example/watch?v=ferry"}, 404),
                              ({"url": watch, "maxwidth": "0"}, 400), ({"url": "http://["}, 404)]:
            self.page("/oembed?" + urllib.parse.urlencode(wrong), status)

    def test_pages_follow_events_while_there_is_work(self):
        states = {"queued": {"state": "queued"}, "running": {"state": "running", "percent": 41.5},
                  "failed": {"state": "failed", "error": "moov atom not found"}}
        for state, job in states.items():
            self.drop(f"{state}.json", {"title": state, "visibility": "public", "transcode": job})
        self.start_site()
        for state in states:
            page = self.page(f"/watch?v={state}")
            self.assertEqual(len(page.all("div", data_events=f"/events?v={state}")),
                             state != "failed")
            self.assertEqual(len(page.all("noscript")), state != "failed")
            self.assertEqual(page.all("div", role="status"), [])  # it would tell each percent
        self.assertEqual(self.page("/watch?v=running").one("progress")[0]["value"], "42")
        self.assertIn("moov atom not found", self.page("/watch?v=failed").one("pre")[1])

    def test_events_are_those_of_one_video_and_say_nothing_else(self):
        self.drop("one.json", {"title": "One"})
        self.drop("two.json", {"title": "Two"})
        self.start_site()
        with socket.create_connection(("127.0.0.1", self.apache.port), 20 * TIME_FACTOR) as stream:
            stream.sendall(b"GET /events?v=one HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                           b"Authorization: Basic eDp5\r\n\r\n")
            data = b""
            while b"id: " not in data:
                data += stream.recv(4096)
            self.assertIn(b"Content-Type: text/event-stream", data)
            self.drop("two.json", {"title": "Two again"})
            self.drop("one.json", {"title": "A secret"})
            while not (told := re.search(rb"\nid: [^\n]*\ndata: (.*)\n\n", data)):
                data += stream.recv(4096)
        change = json.loads(told.group(1))
        self.assertEqual((change["kind"], change["id"]), ("videos", "one"))
        self.assertNotIn(b"secret", data)
        for target in ("/events", "/events?v=", "/events?v=one&include_docs=1", "/events?v=a&v=b",
                       "/events?v=%00", "/events?v=%0d%0a", "/events?since=0", "/events/?v=one",
                       "/events?v=one;x", "/events?v=o+ne", "/eventsource?v=one", "/v1/videos/one"):
            with self.subTest(target):
                self.assertEqual(self.get(target).status, 404)

    def follow(self):
        """Events of a video, on a connection of their own, when they have begun."""
        stream = socket.create_connection(("127.0.0.1", self.apache.port), 20 * TIME_FACTOR)
        self.addCleanup(stream.close)
        stream.sendall(b"GET /events?v=one HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        data = b""
        while b"id: " not in data:
            data += stream.recv(4096)
        self.heard = data
        return stream

    def feeds(self):
        metrics = self.live.get("/metrics").body.decode()
        return int(re.search(r"^jcn_feeds (\d+)$", metrics, re.MULTILINE).group(1))

    def test_events_that_say_nothing_end_and_leave_their_place_to_others(self):
        self.start_site(defines="Define JCN_EVENTS_MS 300")
        stream = self.follow()
        while not self.heard.endswith(b"\r\n0\r\n\r\n"):
            more = stream.recv(4096)
            self.assertTrue(more, "cut off, and not ended")
            self.heard += more
        wait_for(lambda: self.feeds() == 0, "its place to be free")

    def test_who_went_away_leaves_the_feed(self):
        self.start_site()
        stream = self.follow()
        wait_for(lambda: self.feeds() == 1, "the feed to wait")
        stream.close()
        wait_for(lambda: self.feeds() == 0, "the feed to end")

    def test_apache_stops_while_events_are_followed(self):
        self.start_site()
        for _ in range(3):
            self.follow()
        self.apache.stop()
        self.assertIn("SIGTERM", self.apache.log())
        self.assertNotIn("SIGKILL", self.apache.log())

    def test_rejects_say_what_is_wrong_and_where(self):
        self.drop("a/broken.json", b'{"id": "x",\n "title": "A" "tags": []}')
        self.drop("twice.json", b'{"title": 1, "title": 2}')
        self.start_site()
        page = self.page("/rejects")
        self.assertEqual(page.one("h1")[1], "2 notes are rejected")
        self.assertEqual([text for _, text in page.all("h2")],
                         ["videos/a/broken.json", "videos/twice.json"])
        text = "".join(text for _, text in page.all("p"))
        self.assertIn("Line 2, column 15", text)
        self.assertIn("duplicate member", text)
        self.assertEqual([text for _, text in page.all("pre")],
                         [' "title": "A" "tags": []}', '{"title": 1, "title": 2}'])
        self.assertEqual([text for _, text in page.all("mark")], ['"', '"'])
        self.drop("a/broken.json", {"id": "x"})
        os.unlink(self.path("twice.json"))
        self.live.sync()
        self.assertEqual(self.page("/rejects").one("h1")[1], "No note is rejected")

    def test_status_draws_what_it_says(self):
        for n in range(5):
            self.drop(f"{n}.json", {"title": str(n)})
        self.drop("bad.json", b"{")
        self.start_site()
        self.drop("more.json", {"title": "More"})
        self.live.sync()

        def shown_and_known():
            """The page, and what jcn said before and behind it: no minute may begin between."""
            target = "/v1/status/history?minutes=1440"
            before, page = json_of(self.live.get(target)), self.page("/status")
            return (page, before["rows"]) if json_of(self.live.get(target)) == before else None

        page, minutes = wait_for(shown_and_known, "a minute")
        self.assertEqual(len(page.all("polyline", class_="line")), 1)
        self.assertEqual(len(page.all("rect", class_="bar bad")), 1)
        self.assertIn("7 notes in 1 folder", page.all("p", class_="work")[0][1])
        self.assertEqual([text for _, text in page.all("td", class_="count")], ["6", "6", "1"])
        self.assertEqual([row["visible"]["count"] for row in minutes][-1:], [1])
        rows = [(each["datetime"]) for each, _ in page.all("time")]
        self.assertEqual(rows, [row["since"] for row in minutes])
        self.assertTrue(any("ms for the one change of" in text for _, text in page.all("p")))
        self.assertEqual(len(page.all("svg", role="img")), 2)

    def test_without_jcn_every_page_says_so_and_comes_back(self):
        self.drop("ferry.json", FULL_VIDEO)
        self.start_site()
        port, pages = self.live.port, ["/", "/?q=x", "/watch?v=ferry", "/embed?v=ferry"]
        if self.FRONT == "python":
            pages += ["/edit", "/edit?v=ferry", "/rejects", "/status"]
        for target in pages:
            self.page(target)
        self.live.stop()
        for target in pages:
            page = self.page(target, 503)
            self.assertIn("can't be reached right now", page.one("p", id="complaints")[1])
            self.assertEqual(page.one("a", data_reload="5")[0]["href"],
                             "?" + target.partition("?")[2])
        answer = self.get("/")
        self.assertEqual(answer.headers["retry-after"], "5")
        self.assertNotIn(str(port).encode(), answer.body)
        self.assertIn(self.get("/events?v=ferry").status, (502, 503))
        self.assertEqual(self.get("/static/site.css").status, 200)
        self.page("/nowhere", 404)
        self.live.listen = f"127.0.0.1:{port}"
        self.live.start()
        for target in pages:
            self.page(target)

    def test_a_slow_jcn_is_not_waited_for(self):
        self.start_site(settings={"timeout": 0.3 * TIME_FACTOR})
        wait_for(lambda: self.get("/").status == 200, "the site to begin")
        self.live.pause()
        self.page("/", 503)
        self.live.cont()
        wait_for(lambda: self.get("/").status == 200, "the site to go on")


class Media(SiteCase):
    """What lies in the folder of the videos: media files as what they are, and nothing else."""

    def test_only_media_files_and_only_as_what_they_are(self):
        served = {"a.mp4": "video/mp4", "a.webm": "video/webm", "A.WEBM": "video/webm",
                  "a.jpg": "image/jpeg", "a.jpeg": "image/jpeg", "a.png": "image/png",
                  "a.webp": "image/webp", "a.vtt": "text/vtt",
                  "a.mkv": "video/x-matroska", "a.mov": "video/quicktime", "a.ogv": "video/ogg",
                  "x.php.mp4": "video/mp4", "x.html.webm": "video/webm", "x.cgi.jpg": "image/jpeg",
                  "deep/er/ä b.webm": "video/webm"}
        refused = ["x.php", "x.html", ".htaccess", "x.htm", "x.svg", "x.json", "x.cgi", "x.py",
                   "x.wsgi", "x.mp4.php", "x.mp4.html", "x.shtml", "x.var", "x.js", "x", "mp4",
                   ".mp4", "a.part", ".hidden/a.mp4", "incoming/x.part", "x.mp4~", "x.phtml",
                   "x.xml", "x.pdf", "x.asis"]
        body = b"<?php echo 'run'; ?><script>alert(1)</script>\n"
        for name in [*served, *refused]:
            path = self.path(name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(body)
            os.chmod(path, 0o755)
        with open(self.path(".htaccess"), "w", encoding="ascii") as file:
            file.write("SetHandler application/x-httpd-php\nRequire all granted\n"
                       "Options +Indexes +ExecCGI\n")
        os.symlink("/etc/passwd", self.path("link.mp4"))
        os.symlink("/", self.path("rootlink"))
        self.start_site()
        for name, kind in served.items():
            with self.subTest(name):
                answer = self.get("/media/" + urllib.parse.quote(name))
                self.assertEqual((answer.status, answer.body), (200, body))
                self.assertEqual(answer.headers["content-type"], kind)
                self.assertIn("sandbox", answer.headers["content-security-policy"])
        for name in [*refused, "", "deep", "deep/", "link.mp4", "rootlink/etc/passwd",
                     "rootlink/etc/a.mp4", "x.php/a.mp4"]:
            with self.subTest(name):
                answer = self.get("/media/" + urllib.parse.quote(name))
                self.assertIn(answer.status, (403, 404))
                self.assertNotIn(b"run", answer.body)

    def test_nothing_runs_where_the_server_runs_programs(self):
        """A server that runs files of these names, and believes .htaccess: elsewhere they run, and
        among the videos they don't."""
        elsewhere = self.folder("elsewhere")
        program = ("#!/bin/sh\ntouch \"$0.ran\"\n"
                   "printf 'Content-Type: text/html\\n\\nran <!--#echo var=\"DATE_GMT\" -->'\n").encode()
        handled = ("php", "html", "cgi", "shtml", "asis", "var")
        for folder in (self.root, elsewhere):
            os.chmod(folder, 0o777)
            for ending in handled:
                for name in (f"x.{ending}", f"x.{ending}.mp4"):
                    write_whole(os.path.join(folder, name), program)
                    os.chmod(os.path.join(folder, name), 0o755)
            write_whole(os.path.join(folder, ".htaccess"),
                        b"Options +ExecCGI +Includes +Indexes\nSetHandler cgi-script\n"
                        b"SetOutputFilter INCLUDES\nRequire all granted\n")
        modules = "".join(f"<IfModule !{name}_module>\n"
                          f"  LoadModule {name}_module {private_apache.MODULES}/mod_{name}.so\n"
                          "</IfModule>\n" for name in ("cgid", "include", "asis", "negotiation"))
        self.start_site(more=f"""{modules}
ScriptSock "{self.tmp}/cgid.sock"
AddHandler cgi-script .php .html .cgi
AddHandler send-as-is .asis
AddHandler type-map .var
AddOutputFilter INCLUDES .shtml
Alias "/elsewhere/" "{elsewhere}/"
<Directory "/">
  AllowOverride All
  Options +ExecCGI +Includes +MultiViews
</Directory>
<Directory "{elsewhere}">
  Require all granted
</Directory>
""")
        # Beside jcn.cgi all addresses are its own; what is around it is the same.
        for name in ("x.php", "x.html.mp4", "x.var.mp4") if self.FRONT == "python" else ():
            answer = self.get("/elsewhere/" + name)
            self.assertEqual((answer.status, answer.body[:4]), (200, b"ran "), name)
            self.assertNotIn(b"#echo", answer.body)
            self.assertTrue(os.path.exists(os.path.join(elsewhere, name + ".ran")))
        for ending in handled:
            with self.subTest(ending):
                answer = self.get(f"/media/x.{ending}")
                self.assertEqual(answer.status, 403)
                self.assertNotIn(b"ran", answer.body)
                answer = self.get(f"/media/x.{ending}.mp4")
                self.assertEqual((answer.status, answer.body), (200, program))
                self.assertEqual(answer.headers["content-type"], "video/mp4")
        self.assertEqual([name for name in os.listdir(self.root) if name.endswith(".ran")], [])

    def test_pieces_of_a_file(self):
        with open(self.path("a.webm"), "wb") as file:
            file.write(bytes(range(256)) * 4)
        self.start_site()
        answer = self.get("/media/a.webm", Range="bytes=255-257")
        self.assertEqual((answer.status, answer.body), (206, b"\xff\x00\x01"))
        self.assertEqual(answer.headers["content-range"], "bytes 255-257/1024")
        self.assertEqual(self.get("/media/a.webm", Range="bytes=2000-").status, 416)

    def test_no_path_leads_out(self):
        secret = os.path.join(self.tmp, "secret.mp4")
        with open(secret, "wb") as file:
            file.write(b"secret")
        self.start_site()
        out = "../secret.mp4"
        for path in (out, "a/../" + out, "..%2fsecret.mp4", "%2e%2e/secret.mp4",
                     "%2e%2e%2fsecret.mp4",
                     ".%2e/secret.mp4", "..%5csecret.mp4", "%252e%252e/secret.mp4",
                     "..;/secret.mp4",
                     "..%c0%afsecret.mp4", "/../secret.mp4", "..%00/secret.mp4", "a.mp4%00.html"):
            with self.subTest(path):
                self.assertRefused("/media/" + path)
        for path in ("/static/../site.wsgi", "/static/%2e%2e/__init__.py",
                     "/static/..%2f__init__.py",
                     "/static/", "/site.wsgi", "/jcn_client.py", "/site.toml"):
            with self.subTest(path):
                self.assertRefused(path)

    def assertRefused(self, target):
        with socket.create_connection(("127.0.0.1", self.apache.port), 20 * TIME_FACTOR) as raw:
            raw.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n"
                        "Connection: close\r\n\r\n".encode())
            data = b""
            while more := raw.recv(65536):
                data += more
        self.assertRegex(data.split(b"\r\n")[0], rb"^HTTP/1.1 (400|403|404) ")
        self.assertNotIn(b"secret", data)
        self.assertNotIn(b"import ", data)

    def test_methods_and_sizes(self):
        self.start_site()
        for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "TRACE"):
            with self.subTest(method):
                self.assertEqual(self.web.request(method, "/").status, 405)
        self.assertEqual(self.web.request("POST", "/").status, 405)
        self.assertEqual(self.web.request("HEAD", "/").status, 200)
        self.assertEqual(self.web.request("POST", "/edit?v=x", b"x" * 2_000_000).status, 413)
        self.assertEqual(self.get("/?q=" + "x" * 9000).status, 414)
        self.assertEqual(self.web.request("GET", "/",
                                          headers={f"X-{n}": "1" for n in range(70)}).status, 400)


if __name__ == "__main__":
    unittest.main()
