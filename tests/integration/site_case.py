"""The real site for tests: jcn, and a private Apache in front of it, with mod_wsgi or jcn.cgi; and
pages, parsed."""

import html.parser
import json
import os
import pwd
import re
import sys
import tempfile
import unittest
import unittest.mock
import urllib.parse
import uuid

from harness import (JCN_CGI, PROJECT, SANITIZER_REPORT, TIME_FACTOR, Client, JcnCase,
                     write_whole)

sys.path.insert(0, str(PROJECT / "apache"))
import private_apache
try:
    import jcn_site
except ImportError:  # without python3-flask
    jcn_site = None

VOID = {"meta", "link", "input", "img", "source", "track", "br", "hr"}
# All that templates may write: of each element the attributes that it may have, besides those of
# every one.
EVERYWHERE = {"id", "class", "role", "aria-label", "aria-labelledby", "aria-current", "aria-hidden",
              "tabindex", "hidden", "data-live", "data-events", "data-every", "data-upload",
              "data-progress", "data-limit", "data-reload"}
ELEMENTS = {
    "html": {"lang"}, "head": set(), "body": set(), "title": set(), "header": set(), "main": set(),
    "meta": {"charset", "name", "content"}, "link": {"rel", "href", "type", "title"},
    "script": {"src", "defer"}, "noscript": set(), "a": {"href", "rel", "target"}, "nav": set(),
    "p": set(),
    "form": {"action", "method", "enctype"}, "label": {"for"}, "button": {"type"}, "fieldset": set(),
    "legend": set(), "input": {"type", "name", "value", "placeholder", "maxlength", "required",
                               "checked",
                               "accept"}, "textarea": {"name", "rows", "maxlength"},
    "section": set(), "article": set(), "aside": set(), "div": set(), "span": set(),
    "strong": set(),
    "h1": set(), "h2": set(), "ul": set(), "li": set(), "code": set(), "pre": set(), "mark": set(),
    "time": {"datetime"}, "img": {"src", "alt", "loading"}, "details": set(), "summary": set(),
    "video": {"controls", "preload", "playsinline", "poster", "width", "height"},
    "source": {"src", "type"}, "track": {"src", "kind", "srclang", "label"},
    "progress": {"max", "value"}, "table": set(), "thead": set(), "tbody": set(), "tr": set(),
    "th": {"scope"}, "td": set(), "svg": {"viewbox", "preserveaspectratio"}, "polygon": {"points"},
    "polyline": {"points"}, "rect": {"x", "y", "width", "height"},
}
ADDRESSES = {"href", "src", "action", "poster", "data-events"}


class Page(html.parser.HTMLParser):
    """A page: its elements, and the text of each. Fails on what no template writes."""

    def __init__(self, answer):
        super().__init__(convert_charrefs=True)
        self.elements = []  # (name, attributes, texts)
        self._open = []
        self.feed(answer.body.decode())
        self.close()
        assert not self._open, f"never closed: {[name for name, _, _ in self._open]}"

    def handle_starttag(self, name, attributes):
        assert name in ELEMENTS, f"an element <{name}>"
        names = [attribute for attribute, _ in attributes]
        assert len(names) == len(set(names)), f"an attribute twice: <{name} {names}>"
        for attribute, value in attributes:
            assert attribute in EVERYWHERE | ELEMENTS[name], f"<{name} {attribute}={value!r}>"
            if attribute in ADDRESSES:
                assert re.match(r"/(?!/)|[#?]|https?://", value), f"<{name} {attribute}={value!r}>"
        element = (name, dict(attributes), [])
        self.elements.append(element)
        if name not in VOID:
            self._open.append(element)

    def handle_startendtag(self, name, attributes):
        self.handle_starttag(name, attributes)
        if name not in VOID:
            self._open.pop()

    def handle_endtag(self, name):
        assert self._open and self._open[-1][0] == name, f"</{name}> closes {self._open[-1:]}"
        self._open.pop()

    def handle_data(self, data):
        for _, _, texts in self._open:
            texts.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data!r}")

    def handle_decl(self, decl):
        assert decl == "DOCTYPE html", decl

    def all(self, element, **wanted):
        """Elements of this name whose attributes are these: [(attributes, text)]."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in wanted.items()}
        return [(attributes, "".join(texts)) for name, attributes, texts in self.elements
                if name == element and all(attributes.get(key) == value
                                           for key, value in wanted.items())]

    def one(self, element, **wanted):
        found = self.all(element, **wanted)
        assert len(found) == 1, f"{len(found)} of <{element} {wanted}>"
        return found[0]

    def titles(self):
        return [text for _, text in self.all("span", class_="title")]

    def inputs(self):
        return {attributes["name"]: attributes.get("value", "") for attributes, _
                in self.all("input") if attributes.get("type") != "radio" and "name" in attributes}


def site_config(folder, schema=True):
    """apache/jcn.conf with `folder` as its root, and the schema by its full path, or without one.
    Whether jcn writes, and with which token, tests say on the command line."""
    text = (PROJECT / "apache/jcn.conf").read_text()
    path = json.dumps(str(PROJECT / "jcn/schemas/video.schema.json"))
    for line, other in [('path = "/srv/videos"', f"path = {json.dumps(folder)}"),
                        ('schema = "../jcn/schemas/video.schema.json"',
                         f"schema = {path}" if schema else ""),
                        ("writable = true", ""), ('token_file = "/etc/jcn/jcn.token"', "")]:
        assert line in text, line
        text = text.replace(line, other)
    return text


def site_in_process(folder, **answers):
    """The Python site as a program of this process; what it asks the client of jcn for, `answers`
    say."""
    if jcn_site is None:
        raise unittest.SkipTest("needs python3-flask")
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as settings, \
            tempfile.NamedTemporaryFile("w") as token:
        token.write("a token")
        token.flush()
        settings.write(f'folder = {json.dumps(folder)}\nroot = "videos"\n'
                       f"token_file = {json.dumps(token.name)}\n")
        settings.flush()
        site = jcn_site.create_app(settings.name)
    site.extensions["jcn"] = unittest.mock.Mock(**answers)
    return site


@unittest.skipUnless(os.access(private_apache.APACHE, os.X_OK)
                     and os.path.exists(private_apache.MODULES + "/mod_wsgi.so"),
                     "needs apache2 and libapache2-mod-wsgi-py3")
class SiteCase(JcnCase):
    """self.root is the folder of the videos. start_site() brings up jcn and Apache."""

    FRONT = "python"  # what makes the pages; the other ones have none for editors
    PROCESSES = 1  # of the site; each takes half a second to start
    TOKEN = "a-token-of-the-tests-0123456789"

    def setUp(self):
        super().setUp()
        self.token_file = os.path.join(self.tmp, "token")
        write_whole(self.token_file, self.TOKEN.encode())
        os.chmod(self.token_file, 0o600)
        if os.geteuid() == 0:  # the site runs as the folder's owner, and never as root
            os.chown(self.root, pwd.getpwnam("www-data").pw_uid, pwd.getpwnam("www-data").pw_gid)

    def start_site(self, config=None, settings=None, more="", writable=False, **apache):
        arguments = ["--token-file", self.token_file, *(["--writable"] if writable else [])]
        self.live = self.daemon(f"videos={self.root}", config=config or site_config(self.root),
                                arguments=arguments)
        self.start_apache(settings, more, **apache)

    def start_apache(self, settings=None, more="", jcn_port=None, before=(), front=None,
                     cgi_before=(), defines=""):
        front = front or self.FRONT
        own = self.folder("apache-" + front)
        os.chmod(own, 0o755)
        self.apache = private_apache.PrivateApache(
            own, f"http://127.0.0.1:{jcn_port or self.live.port}", self.root, "videos",
            self.token_file, settings=settings, more=more, defines=defines, before=before,
            processes=self.PROCESSES, front=front, cgi_program=JCN_CGI,
            cgi_before=cgi_before)
        self.addCleanup(self.stop_apache, self.apache)
        self.apache.start(20 * TIME_FACTOR)
        self.web = Client(self.apache.port)
        self.addCleanup(self.web.close)

    def stop_apache(self, apache):
        apache.stop()
        self.assertNotIn("Traceback", apache.log())
        self.assertNotRegex(apache.log(), SANITIZER_REPORT)

    # Asking.

    def get(self, target, **headers):
        answer = self.web.get(target, **headers)
        self.assert_guarded(answer)
        return answer

    def page(self, target, status=200, **headers):
        answer = self.get(target, **headers)
        self.assertEqual(answer.status, status, answer.body[-3000:])
        self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8")
        return Page(answer)

    def assert_guarded(self, answer):
        """What every answer of the site brings, whoever gave it."""
        self.assertRegex(answer.headers["content-security-policy"], "^default-src 'none';")
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")

    def post(self, target, fields, file=None, **headers):
        """A form as browsers send it; file: (name, bytes)."""
        if file is None:
            body = urllib.parse.urlencode(fields).encode()
            kind = "application/x-www-form-urlencoded"
        else:
            body, kind = multipart(fields, file)
        answer = self.web.request("POST", target, body, {
            "Content-Type": kind, "Origin": self.apache.address, "Sec-Fetch-Site": "same-origin",
            **{name.replace("_", "-"): value for name, value in headers.items()
               if value is not None}})
        self.assert_guarded(answer)
        return answer

    def token(self, target="/upload"):
        return self.page(target).all("input", name="token")[0][0]["value"]


def multipart(fields, *files):
    boundary = uuid.uuid4().hex
    opening = f"--{boundary}\r\nContent-Disposition: form-data; name="
    parts = [f'{opening}"{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    for name, data in files:
        quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        parts.append(f'{opening}"file"; filename="{quoted}"\r\n'
                     "Content-Type: application/octet-stream\r\n\r\n".encode() + data + b"\r\n")
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
