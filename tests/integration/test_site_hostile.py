"""FAULTS 54, the site's side: whatever stands in notes or addresses, pages have the elements that
their templates write, and no others; no header is split; every answer has its policy."""

import json
import re
import tarfile
import unittest
import urllib.parse

from harness import CORPORA, json_of
from site_case import Page, SiteCase, site_config

TEXTS = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "</title><h1>x",
    "</textarea><b>x",
    "'\"><img src=x onerror=alert(1)>", "\" onmouseover=\"alert(1)",
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)", "java\tscript:alert(1)", "data:text/html,<script>alert(1)</script>",
    "//evil.example/x", "https://evil.example/\"onclick=\"x", "http://x.example/<b>'`{{7*7}}",
    "vbscript:x",
    "a\r\nSet-Cookie: b=c\r\n\r\n<html>", "%0d%0aSet-Cookie:%20b=c", "\u2028\u2029",
    "\u202e\u2066right",
    "\ufeffbom", "\\", "\"", "'", "<!--", "-->", "]]>", "<![CDATA[", "&lt;script&gt;",
    "&#60;b&#62;",
    "{{7*7}}", "{% raw %}", "${7*7}", "${jndi:ldap://x}", "../../etc/passwd", "/etc/passwd",
    "a/../b.mp4",
    "x.php", "\x00x", "\x7f\x85", "\U0001f4a9" * 50, "\uffff", "<svg/onload=alert(1)>", "", " ",
    "<a href=javascript:alert(1)>", "<style>*{display:none}</style>", "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>", "=cmd|'/c calc'!A1", "<plaintext>",
]
HEADERS = {"date", "server", "content-length", "content-security-policy", "x-content-type-options",
           "referrer-policy", "cross-origin-opener-policy", "cache-control", "content-type",
           "retry-after", "connection", "keep-alive", "vary", "etag"}
WRONG_TYPES = [None, True, 5, -1, 1.5, [], {}, [None, 1, [], {}], {"<b>": "<i>"}, [["<b>"]],
               "x" * 100]
MEMBERS = ("title", "description", "summary", "tags", "uploader", "uploaded_at", "visibility",
           "duration",
           "width", "height", "poster", "source", "renditions", "tracks", "transcode", "language")


def naughty_strings():
    """Those of the corpora, if they are there."""
    folder = CORPORA / "json-conformance/strings/blns.json"
    archive = CORPORA / "json-conformance.tar.xz"
    if folder.is_file():
        return json.loads(folder.read_text())
    if archive.is_file():
        with tarfile.open(archive) as packed:
            for member in packed:
                if member.name.endswith("strings/blns.json"):
                    return json.loads(packed.extractfile(member).read())
    return []


def everywhere(text):
    """A note that has the text in every member that pages show, and in names."""
    return {"title": text, "description": f"{text} https://example.org/{text} {text}",
            "tags": [text, text + "2"],
            "uploader": text, "uploaded_at": text, "language": text, "visibility": "public",
            "duration": text, "width": text, "height": text, "poster": text, text: {text: [text]},
            "source": {"path": text, "type": text, "size": text},
            "renditions": [{"path": text, "type": text, "height": text},
                           {"path": text + ".webm", "type": text},
                           {"path": "a/b.webm", "type": text, "height": text}],
            "tracks": [{"path": "a.vtt", "kind": "captions", "language": text, "label": text},
                       {"path": text + ".vtt", "kind": text}],
            "transcode": {"state": "failed", "error": text, "percent": text, "updated_at": text}}


def can_be_a_name(text):
    return (text.strip() and len(text.encode()) < 200
            and not re.search(r"[\x00-\x1f\x7f-\x9f/]", text))


class HostileText(SiteCase):
    def start(self):
        config = site_config(self.root, schema=False)
        self.start_site(config=config + "[limits]\nmax_bytes = 4194304\n",
                        settings={"page_size": 1000})

    def checked(self, target, statuses=(200,)):
        """The page behind an address, if it is one."""
        answer = self.get(target)
        self.assertIn(answer.status, statuses, (target, answer.body[-500:]))
        self.assertLessEqual(set(answer.headers), HEADERS, target)
        if answer.headers["content-type"].startswith("text/html; charset=utf-8"):
            return Page(answer)
        self.assertEqual(answer.headers["content-type"], "application/json")
        return json_of(answer)

    def checked_by_editors(self, target):
        """The same, of a page that only the Python site has; None elsewhere."""
        return self.checked(target) if self.FRONT == "python" else None

    def test_fault_54_in_every_member_of_notes(self):
        for n, text in enumerate(TEXTS):
            note = {"id": f"v{n}", **everywhere(text)}
            self.drop(f"{n} {text}.json" if can_be_a_name(text) else f"{n}.json", note)
        self.start()
        home = self.checked("/")
        self.assertEqual(len(home.titles()), len(TEXTS))
        for text in TEXTS[:4]:
            self.assertIn(text, home.titles())
        if everything := self.checked_by_editors("/edit"):
            self.assertEqual(len(everything.titles()), len(TEXTS))
        self.checked_by_editors("/status")
        for n, text in enumerate(TEXTS):
            page = self.checked(f"/watch?v=v{n}")
            self.assertIn({"src": "/media/a/b.webm", "type": "video/webm"},
                          [source for source, _ in page.all("source")])
            self.checked(f"/embed?v=v{n}")
            self.checked_by_editors(f"/edit?v=v{n}")
            url = urllib.parse.quote(f"{self.apache.address}/watch?v=v{n}", safe="")
            frame = self.checked(f"/oembed?url={url}")["html"]
            self.assertRegex(frame,
                             r'^<iframe src="[^"<>]*" width="\d+" height="\d+" title="[^"<>]*" '
                                    r'allowfullscreen></iframe>$')

    def test_fault_54_in_ids_and_names_of_files(self):
        names = [text for text in TEXTS if can_be_a_name(text)]
        for text in names:
            self.drop(f"a/{text}.json", {"id": text, "title": "named", "visibility": "public"})
            self.drop(f"b/{text} b.json", b'{"id": "x"' + json.dumps(text).encode())
        self.start()
        home = self.checked("/")
        links = [link["href"] for link, _ in home.all("a") if link["href"].startswith("/watch")]
        self.assertEqual(len(links), len(set(names)))
        for link in links:
            page = self.checked(link)
            self.assertEqual(page.one("h1")[1], "named")
            self.checked_by_editors(link.replace("/watch", "/edit"))
        if rejects := self.checked_by_editors("/rejects"):
            self.assertEqual(len(rejects.all("h2")), len(names))

    def test_fault_54_in_addresses(self):
        self.drop("one.json", {"title": "One", "visibility": "public", "tags": ["a"]})
        self.start()
        for text in TEXTS:
            quoted = urllib.parse.quote(text, safe="")
            for target in (f"/?q={quoted}", f"/?tag={quoted}&uploader={quoted}",
                           f"/?order={quoted}",
                           f"/?page={quoted}", f"/?{quoted}=1", f"/watch?v={quoted}",
                           f"/embed?v={quoted}", f"/oembed?url={quoted}&format={quoted}",
                           f"/oembed?url=x&maxwidth={quoted}", f"/edit?v={quoted}",
                           f"/rejects?page={quoted}"):
                self.checked(target, (200, 400, 404, 501))
        for path in TEXTS:
            answer = self.get("/" + urllib.parse.quote(path, safe=""))
            self.assertIn(answer.status, (200, 400, 403, 404))
            self.assertLessEqual(set(answer.headers), HEADERS)

    def test_fault_54_the_corpora_s_strings(self):
        strings = naughty_strings()
        if not strings:
            self.skipTest("needs json-conformance in the corpora")
        for n, text in enumerate(strings):
            self.drop(f"{n}.json",
                      {"id": f"s{n}", "title": text, "uploader": text, "visibility": "public"})
        for n in range(0, len(strings), 40):
            self.drop(f"many{n}.json",
                      {"title": "many", "visibility": "public", "tags": strings[n:n + 40],
                                        "description": "\n".join(strings[n:n + 40])})
        self.start()
        self.assertEqual(len(self.checked("/").titles()), len(strings) + -(-len(strings) // 40))
        for n in range(0, len(strings), 40):
            self.checked(f"/watch?v=many{n}")
            self.checked_by_editors(f"/edit?v=many{n}")

    def test_fault_54_types_that_nobody_expects_and_a_million_letters(self):
        notes = [{name: value for name in MEMBERS if name != "visibility"} for value in WRONG_TYPES]
        notes += [{"renditions": [value], "tracks": [value], "transcode": value, "source": value}
                  for value in WRONG_TYPES]
        notes += [{"title": "<b>" * 350_000}, {"tags": ["\"'" * 500_000]},
                  {"description": "https://e.example/" + "&" * 1_000_000}]
        for n, note in enumerate(notes):
            self.drop(f"{n}.json", {**note, "visibility": "public"})
        self.drop("digits.json", b'{"visibility":"public","duration":' + b"9" * 300
                  + b',"width":1e308,"height":-0}')
        self.start()
        home = self.get("/")
        self.assertEqual(len(Page(home).titles()), len(notes) + 1)
        self.assertLess(len(home.body), 200_000)
        for video in [*range(len(notes)), "digits"]:
            self.assertLess(len(self.get(f"/watch?v={video}").body), 200_000)
            self.checked(f"/watch?v={video}")
            self.checked(f"/embed?v={video}")
            self.checked_by_editors(f"/edit?v={video}")


if __name__ == "__main__":
    unittest.main()
