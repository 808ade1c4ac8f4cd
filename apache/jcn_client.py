"""Asks jcn, and writes through it. One file, standard library only: copy it beside any WSGI app or
script.

    from jcn_client import Client

    jcn = Client("http://127.0.0.1:8640", token="...")
    jcn.record("moth")["title"]
    page = jcn.listing({"tags": "sea", "_sort_desc": "views", "_size": 10}, facets=["language"])
    jcn.update("videos", "moth.views.json", lambda note: {"views": note.get("views", 0) + 1})

A Client may be shared by threads, and by processes that fork: each thread has a connection of its
own, which is kept alive. What goes wrong is an exception: JcnDown when there is no answer, Problem
when jcn says no; of these NotFound (404) and Conflict (412: somebody else was quicker) have classes
of their own.

A WSGI program that does not catch JcnDown itself has a page for it: `application =
when_down(application)`; or one handler of its calls `return unavailable(start_response, error)`.

Questions are asked a second time, once, when the connection breaks under them. What writes is
repeated only if it can't have reached jcn: otherwise one change might be made twice.
"""

import collections
import html
import http.client
import json
import os
import sys
import threading
import time
import urllib.parse

IDLE_LIMIT = 5.0  # seconds; jcn closes a connection that has been idle for 15
RETRY_SECONDS = 5  # where jcn does not say when to ask again
WRITE_SECONDS = 15.0  # at least, for what writes: jcn takes up to 10 until it is visible

Answer = collections.namedtuple("Answer", "status headers body")  # headers: small letters
Fragment = collections.namedtuple("Fragment", "body etag")  # body: bytes, exactly as in the file
Written = collections.namedtuple("Written", "etag seq")


class JcnError(Exception):
    """Everything that this module raises."""


class JcnDown(JcnError):
    """jcn could not be asked: not running, too slow, or not ready yet. Later it may be."""

    def __init__(self, message, retry_after=None):
        super().__init__(message)
        self.retry_after = retry_after  # seconds, if jcn said so


class Problem(JcnError):
    """jcn refused (RFC 9457). `code` is for programs, `detail` and `hint` are for people; `pointer`
    leads to the value at fault, and `errors` lists all such places. `document` is all that jcn
    said."""

    def __init__(self, status, document):
        self.status = status
        self.document = document
        self.code = document.get("code", "")
        self.detail = document.get("detail", "")
        self.hint = document.get("hint", "")
        self.errors = document.get("errors") or []
        self.pointer = next((each.get("pointer") for each in self.errors), document.get("pointer"))
        super().__init__(f"{status} {self.code}: {self.detail}")


class NotFound(Problem):
    """404: no such record, kind, root or file."""


class Conflict(Problem):
    """412: the file is not, or not any more, what the writer thinks it is."""


class Client:
    """`url` of jcn, its bearer `token` if it wants one, and how many seconds an answer may take; to
    what is written, WRITE_SECONDS if that is more."""

    def __init__(self, url="http://127.0.0.1:8640", token=None, timeout=5.0):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"not an http address: {url!r}")
        self._host, self._port = parts.hostname, parts.port or 80
        self._timeout = timeout
        self._token = token
        self._mine = threading.local()  # connection, the process that made it, when it was used

    # ---- records

    def record(self, record_id, kind="videos"):
        """The record, parsed."""
        return self.ask("GET", record_target(kind, record_id))

    def record_with(self, record_id, *extras, kind="videos"):
        """{"record", "fragments"?, "provenance"?}: extras are the latter two."""
        query = urllib.parse.urlencode({"_extra": ",".join(extras)})
        return self.ask("GET", f"{record_target(kind, record_id)}?{query}")

    def records(self, ids, kind="videos"):
        """A dict of those of these ids that exist."""
        found, ids = {}, list(ids)
        while ids:
            body = json.dumps({"ids": ids[:1000]}).encode()
            results = self.ask("POST", f"/v1/{kind}/_bulk_get", body, repeatable=True)["results"]
            full = [each["id"] for each in results
                    if each.get("error", {}).get("code") == "answer_full"]
            found.update((each["id"], each["record"]) for each in results if "record" in each)
            ids = full + ids[1000:]
        return found

    def listing(self, parameters=(), kind="videos", facets=()):
        """One page: {"rows", "next", "facet_results"?, "count"?, ...}. `parameters` are those of
        `GET /v1/{kind}`, as a dict or, where names come again, as pairs."""
        return self.ask("GET", f"/v1/{kind}?{encoded(parameters, _facet=facets)}")

    def walk(self, parameters=(), kind="videos"):
        """Every row of a listing, page after page."""
        target = f"/v1/{kind}?{encoded(parameters)}"
        while target:
            page = self.ask("GET", target)
            yield from page["rows"]
            target = page["next_url"]

    def facets(self, fields, parameters=(), kind="videos"):
        """Of each field: [(value, count), ...], the most frequent first."""
        page = self.listing([*pairs(parameters), ("_size", 0)], kind, fields)
        return {field: [(each["value"], each["count"]) for each in result["results"]]
                for field, result in page["facet_results"].items()}

    def changes(self, since="now", parameters=(), wait=None):
        """One page of the change feed: {"results", "last_seq", "fresh"?, "until"?, "more"?}; go on
        with its last_seq. `wait`: seconds to wait for a change, if there is none yet."""
        query = {"since": since}
        if wait is not None:
            query.update(feed="longpoll", timeout=int(wait * 1000))
        return self.ask("GET", f"/v1/changes?{encoded(parameters, **query)}", patience=wait or 0)

    # ---- files

    def rejects(self, parameters=()):
        return self.ask("GET", f"/v1/rejects?{encoded(parameters)}")

    def explain(self, root, path):
        return self.ask("GET", f"/v1/explain?{encoded((), root=root, path=path)}")

    def check(self, document, kind="videos"):
        """The verdict that a file with this document would get: {"ok", "status", "reject", ...}."""
        return self.ask("POST", f"/v1/check?{encoded((), kind=kind)}", body_of(document),
                        repeatable=True)

    def sync(self, timeout=30.0):
        """Returns once everything that was dropped before is visible."""
        return self.ask("POST", f"/v1/sync?timeout_ms={int(timeout * 1000)}", b"",
                        repeatable=True, patience=timeout)

    def status(self):
        return self.ask("GET", "/v1/status")

    def history(self, minutes=60):
        """The last minutes one by one, oldest first: [{"since", "fragments", "rejects", "read",
        "visible": {"count", "p50_ms", "p99_ms"}}]."""
        return self.ask("GET", f"/v1/status/history?minutes={minutes}")["rows"]

    def ready(self):
        """{"ready", "degraded", "reasons"}, also when it is not ready."""
        return parsed(self.request("GET", "/readyz"))

    def fragment(self, root, path):
        """The file as it is: a Fragment. NotFound if there is none."""
        answer = self.request("GET", fragment_target(root, path))
        if answer.status != 200:
            raise problem(answer)
        return Fragment(answer.body, answer.headers["etag"])

    # ---- writing

    def put(self, root, path, document, if_match=None, if_present=None):
        """Writes a file, which is visible when this returns. Without `if_match` the file must be
        new; with the etag of what it replaces it must still be that; "*" replaces whatever is
        there, if anything is. Otherwise it is a Conflict, and nothing was written. `if_present`:
        the path of another file of the root, without which nothing is written either: NotFound.
        `document`: what json.dumps takes, or bytes."""
        condition = {"If-Match": if_match} if if_match else {"If-None-Match": "*"}
        if if_present is not None:
            condition["Jcn-If-Present"] = urllib.parse.quote(if_present)
        answer = self._write("PUT", root, path, body_of(document), condition)
        return Written(answer.headers.get("etag"), self._visible(answer))

    def delete(self, root, path, if_match="*"):
        """Deletes a file; one that is not there is NotFound."""
        self._visible(self._write("DELETE", root, path, None, {"If-Match": if_match}))

    def _write(self, method, root, path, body, condition):
        return self.request(method, fragment_target(root, path), body, condition,
                            patience=max(WRITE_SECONDS - self._timeout, 0.0))

    def _visible(self, answer):
        """The sequence number at which what was written is visible."""
        if answer.status == 202:  # written, but jcn had no time yet to look at it
            return self.sync()["seq"]
        if answer.status not in (200, 201):
            raise problem(answer)
        return parsed(answer).get("seq")

    def update(self, root, path, function, attempts=100, if_present=None):
        """Puts function(document) in the place of the document, {} if there is none; again when
        somebody else was quicker, so that no change is lost. None from `function`: leave it as it
        is. Returns the document that stands there in the end. `if_present`: as put()'s."""
        for attempt in range(attempts):
            try:
                before = self.fragment(root, path)
                document, etag = json.loads(before.body), before.etag
            except NotFound:
                document, etag = {}, None
            changed = function(document)
            if changed is None:
                return document
            try:
                self.put(root, path, changed, etag, if_present)
                return changed
            except Conflict:
                if attempt + 1 == attempts:
                    raise
        raise AssertionError("unreachable")

    # ---- HTTP

    def ask(self, method, target, body=None, repeatable=None, patience=0.0):
        """The parsed answer of a request that must succeed."""
        answer = self.request(method, target, body, {}, repeatable, patience)
        if answer.status != 200:
            raise problem(answer)
        return parsed(answer)

    def request(self, method, target, body=None, headers=None, repeatable=None, patience=0.0):
        """Any request: an Answer, whatever its status. `patience`: seconds beyond the client's
        own."""
        if repeatable is None:
            repeatable = method in ("GET", "HEAD")
        headers = dict(headers or {})
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        for again in (False, True):
            sent = False
            try:
                connection = self._connection(patience)
                sent = True
                connection.request(method, target, body=body, headers=headers)
                response = connection.getresponse()
                answer = Answer(response.status, lower(response.getheaders()), response.read())
            except (OSError, http.client.HTTPException) as error:
                self.close()
                broken = isinstance(error, (ConnectionError, http.client.HTTPException))
                if again or not broken or (sent and not repeatable):
                    raise JcnDown(f"jcn at {self._host}:{self._port} does not answer: "
                                  f"{error or type(error).__name__}") from error
                continue
            except BaseException:
                self.close()  # half an answer may not be taken for the next one
                raise
            self._mine.used = time.monotonic()
            if response.will_close:
                self.close()
            return answer
        raise AssertionError("unreachable")

    def close(self):
        """Closes this thread's connection; the next request opens another."""
        connection = getattr(self._mine, "connection", None)
        self._mine.connection = None
        if connection is not None:
            connection.close()

    def _connection(self, patience):
        """This thread's connection, open. One that was idle for long is not trusted: a server may
        close it at the very moment of the next request, and nobody could tell whether that was
        read."""
        mine, now = self._mine, time.monotonic()
        if getattr(mine, "connection", None) is not None:
            if mine.process != os.getpid() or now - mine.used > IDLE_LIMIT:
                self.close()
        timeout = self._timeout + patience
        if getattr(mine, "connection", None) is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout)
            connection.connect()
            mine.connection, mine.process, mine.used = connection, os.getpid(), now
        mine.connection.sock.settimeout(timeout)
        return mine.connection


# ---- for WSGI programs: a page for when jcn is down

def unavailable(start_response, error=None, title="Back in a moment",
                detail="What is shown here can't be reached right now. Try again in a moment."):
    """The answer of a WSGI program: 503 with a small page, which loads and runs nothing, and when
    to try again. `error`: the JcnDown; what it says is for logs, not for readers. `title`,
    `detail`: plain text."""
    title, detail = html.escape(title), html.escape(detail)
    body = (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n'
            f"</head>\n<body>\n<h1>{title}</h1>\n<p>{detail}</p>\n</body>\n</html>\n").encode()
    exception = sys.exc_info() if error is not None else (None, None, None)
    start_response("503 Service Unavailable",
                   [("Content-Type", "text/html; charset=utf-8"),
                    ("Content-Length", str(len(body))), ("Cache-Control", "no-store"),
                    ("Retry-After", str(retry_seconds(error))),
                    ("X-Content-Type-Options", "nosniff"),
                    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")],
                   *([exception] if exception[0] else []))
    return [body]


def when_down(application):
    """The same WSGI program, which answers so when it raises JcnDown before it has returned."""
    def guarded(environ, start_response):
        try:
            return application(environ, start_response)
        except JcnDown as error:
            return unavailable(start_response, error)
    return guarded


def retry_seconds(error=None):
    """After how many seconds to try again."""
    return getattr(error, "retry_after", None) or RETRY_SECONDS


# ---- text that goes out, and comes back

def record_target(kind, record_id):
    return f"/v1/{kind}/{urllib.parse.quote(record_id, safe='')}"


def fragment_target(root, path):
    return f"/v1/fragments/{urllib.parse.quote(root, safe='')}/{urllib.parse.quote(path)}"


def pairs(parameters):
    return list(parameters.items() if hasattr(parameters, "items") else parameters)


def encoded(parameters, **more):
    """A query string; a list in `more` repeats its name."""
    return urllib.parse.urlencode(pairs(parameters)
                                  + [(name, each) for name, value in more.items()
                                     for each in (value if isinstance(value, (list, tuple))
                                                  else [value])])


def body_of(document):
    if isinstance(document, bytes):
        return document
    return json.dumps(document, ensure_ascii=False).encode()


def lower(headers):
    return {name.lower(): value for name, value in headers}


def parsed(answer):
    try:
        document = json.loads(answer.body)
    except ValueError as error:
        raise JcnDown(f"this is not jcn's answer: {answer.body[:80]!r}") from error
    if not isinstance(document, dict):
        raise JcnDown(f"this is not jcn's answer: {answer.body[:80]!r}")
    return document


def problem(answer):
    """The exception that an answer stands for."""
    if answer.status == 503:
        try:
            detail = parsed(answer).get("detail", "not ready")
        except JcnDown:
            detail = "not ready"
        after = answer.headers.get("retry-after", "")
        return JcnDown(f"jcn can't answer now: {detail}", int(after) if after.isdecimal() else None)
    kind = {404: NotFound, 412: Conflict}.get(answer.status, Problem)
    try:
        return kind(answer.status, parsed(answer))
    except JcnDown:
        return kind(answer.status, {"detail": f"HTTP {answer.status}"})
