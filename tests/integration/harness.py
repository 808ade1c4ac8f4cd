"""Runs the real jcn on temporary folders, for the integration tests.

Everything is asked from outside: HTTP, jcnctl, signals, the file system. Waiting is always waiting
for something (the ready line, a barrier, a polled condition) with a deadline.

Environment:
  JCN_BIN, JCNCTL_BIN, JCN_EXPORT_BIN, JCN_CGI_BIN
                        the programs (default: build/release/jcn/jcn, …/tools/jcnctl, …/export/jcn-export,
                        …/cgi-frontend/jcn.cgi)
  JCN_CORPORA           folder of the corpora (default: ../shared/corpora beside the project)
  JCN_FULL=1            asserts the issue's time limits, too
  JCN_TIME_FACTOR=N     stretches every deadline, for sanitizer builds (default 1)
  JCN_TEST_TMP          where temporary folders are made (default: the system's)
"""

import collections
import ctypes
import functools
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

from watchdog import WATCHDOG

PROJECT = pathlib.Path(__file__).resolve().parents[2]
JCN = os.path.abspath(os.environ.get("JCN_BIN") or PROJECT / "build/release/jcn/jcn")
JCN_EXPORT = os.path.abspath(os.environ.get("JCN_EXPORT_BIN")
                             or PROJECT / "build/release/export/jcn-export")
JCNCTL = os.path.abspath(os.environ.get("JCNCTL_BIN") or PROJECT / "build/release/tools/jcnctl")
JCN_CGI = os.path.abspath(os.environ.get("JCN_CGI_BIN")
                          or PROJECT / "build/release/cgi-frontend/jcn.cgi")
CORPORA = pathlib.Path(os.environ.get("JCN_CORPORA") or PROJECT.parent / "shared/corpora")
FULL = os.environ.get("JCN_FULL") == "1"
TIME_FACTOR = float(os.environ.get("JCN_TIME_FACTOR") or 1)
HANGS_AFTER = (3600 if FULL else 300) * TIME_FACTOR  # seconds of one test

READY_LINE = re.compile(rb"^jcn: ready http://127\.0\.0\.1:(\d+)/ records=(\d+) rejects=(\d+)\n$")
SANITIZER_REPORT = re.compile(
    r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|LeakSanitizer")

# Installed, jcn-export lies beside jcn; where it was built, jcn finds it by PATH.
WITH_EXPORT = {**os.environ, "PATH": f"{os.path.dirname(JCN_EXPORT)}:{os.environ.get('PATH', '')}"}

Answer = collections.namedtuple("Answer", "status headers body")


def json_of(answer):
    return json.loads(answer.body)


def wait_for(condition, what, seconds=10.0, pause=0.002):
    """Polls until condition() is true, and returns its value; fails after the deadline."""
    deadline = time.monotonic() + seconds * TIME_FACTOR
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds * TIME_FACTOR:g} s: {what}; last: {value!r}")
        time.sleep(pause)


def write_whole(path, data):
    with open(path, "wb") as file:
        file.write(data)


def encode(body):
    """bytes stay, everything else becomes JSON text."""
    return body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()


# ---- codes --------------------------------------------------------------------------------------

# Every code (indexer/codes.cc) that jcn has shown to the test that runs.
codes_seen = set()
SHOWS_CODES = re.compile(r"/v1/(?:rejects|explain|check|fragments/_bulk|[a-z0-9_-]+/_bulk_get)(?:\?|$)")


def note_codes(text):
    """Of JSON, and of what programs end with: "jcn: code: message"."""
    codes_seen.update(re.findall(r'"code":"([a-z0-9_]+)"', text))
    codes_seen.update(re.findall(r"^jcn[a-z-]*: ([a-z0-9_]+): ", text, re.M))


def provokes(*codes):
    """Of a test: jcn shows these codes while it runs, or it fails. test_codes.py sees to it that each
    code has such a test."""
    def decorated(test):
        @functools.wraps(test)
        def run(self):
            codes_seen.clear()
            test(self)
            self.assertEqual(set(codes) - codes_seen, set(), "codes that were not shown")
        run.provokes = frozenset(codes)
        return run
    return decorated


def shown_path(path):
    """A path's bytes as jcn's JSON shows them: what is no UTF-8 as \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


# ---- system calls that Python has no name for ---------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_AT_SYMLINK_FOLLOW = 0x400


def _check_call(result, name):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def exchange(a, b):
    """renameat2(2) with RENAME_EXCHANGE."""
    _check_call(_libc.renameat2(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b),
                                ctypes.c_uint(_RENAME_EXCHANGE)), "renameat2")


def create_unnamed_then_link(folder, name, data):
    """O_TMPFILE, write, linkat(2): the file appears whole, by one CREATE without a CLOSE_WRITE."""
    fd = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o644)
    try:
        os.write(fd, data)
        target = os.fsencode(os.path.join(folder, name))
        _check_call(_libc.linkat(_AT_FDCWD, f"/proc/self/fd/{fd}".encode(), _AT_FDCWD, target,
                                 _AT_SYMLINK_FOLLOW), "linkat")
    finally:
        os.close(fd)


# ---- HTTP ---------------------------------------------------------------------------------------

class Client:
    """One kept-alive connection (http.client sets TCP_NODELAY); not thread-safe."""

    def __init__(self, port, timeout=60.0):
        self.port = port
        self.timeout = timeout * TIME_FACTOR
        self._connection = None

    def request(self, method, target, body=None, headers=None):
        for attempt in (0, 1):
            fresh = self._connection is None
            if fresh:
                self._connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                              timeout=self.timeout)
            try:
                self._connection.request(method, target, body=body, headers=headers or {})
                response = self._connection.getresponse()
                data = response.read()
                names = {name.lower(): value for name, value in response.getheaders()}
                if response.will_close:
                    self.close()
                if names.get("content-type", "").startswith("application/problem+json") or \
                        SHOWS_CODES.match(target):
                    note_codes(data.decode("utf-8", "replace"))
                return Answer(response.status, names, data)
            except (http.client.RemoteDisconnected, ConnectionError):
                self.close()
                if fresh or attempt:  # an idle connection may be closed by the server: once more
                    raise
            except (OSError, http.client.HTTPException):
                self.close()  # an answer that is late may not be taken for the next one
                raise
        raise AssertionError("unreachable")

    def get(self, target, **headers):
        return self.request("GET", target, headers={k.replace("_", "-"): v
                                                    for k, v in headers.items()})

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class QuickClient:
    """The least that can ask on one kept-alive connection: for measuring the daemon, not Python."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30 * TIME_FACTOR)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = f"127.0.0.1:{port}"

    def prepare(self, target):
        return f"GET {target} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode()

    def ask(self, prepared):
        """Sends a prepared request; (status, head bytes, body bytes)."""
        self._socket.sendall(prepared)
        data = b""
        while b"\r\n\r\n" not in data:
            more = self._socket.recv(65536)
            if not more:
                raise ConnectionError("closed by the daemon")
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head).group(1))
        while len(body) < length:
            more = self._socket.recv(65536)
            if not more:
                raise ConnectionError("closed by the daemon")
            body += more
        return int(head[9:12]), head, body

    def close(self):
        self._socket.close()


def id_target(record_id, kind="videos"):
    return f"/v1/{kind}/{urllib.parse.quote(record_id, safe='')}"


# ---- the daemon ---------------------------------------------------------------------------------

class Daemon:
    """jcn as a child process. folders: paths or "name=path". config: TOML text or None."""

    def __init__(self, folders, index, config=None, user=None, before=(), programs=(JCN, JCNCTL),
                 arguments=(), listen="127.0.0.1:0", environment=None):
        self.folders = [os.fsencode(folder) for folder in folders]
        self.index = str(index)
        self.user = user
        self.before = list(before)  # e.g. strace and its options
        self.jcn, self.jcnctl = programs
        self.arguments = list(arguments)
        self.listen = listen
        self.environment = environment  # besides that of the tests
        self.config_file = self.index + ".toml"
        self.stderr_file = self.index + ".stderr"
        self.config = config
        self.process = None
        self.port = None
        self.ready_line = None
        self.ready_seconds = None  # from the start of the process to its ready line
        self._clients = threading.local()
        self._opened = []  # every thread's client, to be closed with the process

    # Life.

    def command(self):
        options = ["--index", self.index, "--listen", self.listen]
        if self.config is not None:
            write_whole(self.config_file, self.config.encode())
            os.chmod(self.config_file, 0o644)
            options += ["--config", self.config_file]
        return self.before + [self.jcn] + options + self.arguments + self.folders

    def _as_user(self):
        if self.user is None:
            return {}
        return {"user": self.user, "group": self.user, "extra_groups": []}

    def launch(self):
        """Starts the process without waiting for anything."""
        assert self.process is None or self.process.poll() is not None, "already running"
        self.close_process()
        self.port = None
        with open(self.stderr_file, "ab") as errors:
            self.launched_at = time.monotonic()
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=errors,
                                            env={**WITH_EXPORT, **(self.environment or {})},
                                            **self._as_user())
        return self

    def wait_ready(self, seconds=60.0):
        deadline = time.monotonic() + seconds * TIME_FACTOR
        line = b""
        out = self.process.stdout
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([out], [], [], left)[0]:
                raise AssertionError(f"no ready line within {seconds} s\n{self.stderr_tail()}")
            more = os.read(out.fileno(), 4096)
            if not more:
                raise AssertionError(
                    f"jcn ended (exit {self.process.wait()}) before its ready line; "
                    f"stdout {line!r}\n{self.stderr_tail()}")
            line += more
        self.ready_seconds = time.monotonic() - self.launched_at
        match = READY_LINE.match(line)
        if not match:
            raise AssertionError(f"not a ready line: {line!r}\n{self.stderr_tail()}")
        self.ready_line = line.decode()
        self.port = int(match.group(1))
        self.ready_records, self.ready_rejects = int(match.group(2)), int(match.group(3))
        return self

    def start(self, seconds=60.0):
        return self.launch().wait_ready(seconds)

    def start_refused(self, seconds=15.0):
        """Starts where jcn must refuse: (exit code, stdout, stderr)."""
        done = subprocess.run(self.command(), stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=seconds * TIME_FACTOR, check=False, **self._as_user())
        errors = done.stderr.decode("utf-8", "replace")
        note_codes(errors)
        return done.returncode, done.stdout.decode(), errors

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """SIGTERM; must exit 0 within 5 s."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(5 * TIME_FACTOR)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"no exit within 5 s of SIGTERM\n{self.stderr_tail()}") from None
        if code != 0:
            raise AssertionError(f"exit {code} after SIGTERM\n{self.stderr_tail()}")
        self.close_process()

    def kill9(self):
        if self.alive():
            self.process.kill()
            self.process.wait()
        self.close_process()

    def close_process(self):
        if self.process is not None and self.process.stdout:
            self.process.stdout.close()
        self._clients = threading.local()
        for client in self._opened:
            client.close()
        self._opened.clear()

    def restart(self):
        self.stop()
        return self.start()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: self._process_state() == "T", "the daemon to be stopped by SIGSTOP")

    def cont(self):
        self.process.send_signal(signal.SIGCONT)

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def _process_state(self):
        with open(f"/proc/{self.process.pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0].decode()

    def stderr_text(self):
        try:
            with open(self.stderr_file, "rb") as errors:
                return errors.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def stderr_tail(self, lines=40):
        return "stderr:\n" + "\n".join(self.stderr_text().splitlines()[-lines:])

    # Asking.

    def client(self):
        """This thread's kept-alive connection."""
        if getattr(self._clients, "client", None) is None:
            self._clients.client = Client(self.port)
            self._opened.append(self._clients.client)
        return self._clients.client

    def get(self, target, **headers):
        return self.client().get(target, **headers)

    def request(self, method, target, body=None, headers=None):
        return self.client().request(method, target, body, headers)

    def sync(self, durable=False, timeout_ms=30000):
        """The barrier; its answer. Fails unless it is 200."""
        timeout = min(int(timeout_ms * TIME_FACTOR), 600_000)  # the longest that jcn takes
        answer = self.request("POST", f"/v1/sync?timeout_ms={timeout}"
                              + ("&durable=1" if durable else ""), body=b"")
        if answer.status != 200:
            raise AssertionError(f"sync: {answer.status} {answer.body!r}\n{self.stderr_tail()}")
        return json_of(answer)

    def record(self, record_id, kind="videos"):
        """The record as parsed JSON, or None when there is none."""
        answer = self.get(id_target(record_id, kind))
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise AssertionError(f"{record_id!r}: {answer.status} {answer.body!r}")
        return json_of(answer)

    def rows(self, kind="videos", size=1000, parameters=""):
        """All rows of a listing, page after page. A kind without records has none."""
        target = f"/v1/{kind}?_size={size}{parameters}"
        rows = []
        while target:
            answer = self.get(target)
            if answer.status == 404 and json_of(answer).get("code") == "no_such_kind":
                return rows
            if answer.status != 200:
                raise AssertionError(f"{target}: {answer.status} {answer.body!r}")
            page = json_of(answer)
            rows += page["rows"]
            target = page["next_url"]
        return rows

    def ids(self, kind="videos"):
        return [row["_id"] for row in self.rows(kind)]

    def rejects(self):
        """Path → row of /v1/rejects."""
        rows, target = {}, "/v1/rejects"
        while target:
            page = json_of(self.get(target))
            for row in page["rows"]:
                assert row["path"] not in rows or len(self.folders) > 1, f"twice: {row}"
                rows[row["path"]] = row
            target = page["next"] and "/v1/rejects?_next=" + urllib.parse.quote(page["next"],
                                                                              safe="")
        return rows

    def explain(self, path):
        answer = self.get("/v1/explain?path=" + urllib.parse.quote(os.fsencode(path), safe="/"))
        if answer.status != 200:
            raise AssertionError(f"explain {path!r}: {answer.status} {answer.body!r}")
        return json_of(answer)

    def status(self):
        return json_of(self.get("/v1/status"))

    def reasons(self):
        """Code → detail of what /readyz tells."""
        return {each["code"]: each["detail"] for each in json_of(self.get("/readyz"))["reasons"]}

    # jcnctl.

    def run_ctl(self, *arguments, stdin=None):
        done = subprocess.run([self.jcnctl, *arguments], capture_output=True, input=stdin,
                              timeout=120 * TIME_FACTOR, check=False, **self._as_user())
        note_codes(done.stderr.decode("utf-8", "replace"))
        return done

    def ctl(self, *arguments):
        """jcnctl --index … ARGUMENTS: its stdout; fails unless it exits 0."""
        done = self.run_ctl("--index", self.index, *arguments)
        if done.returncode != 0:
            raise AssertionError(f"jcnctl {arguments}: exit {done.returncode}\n"
                                 f"{done.stderr.decode('utf-8', 'replace')}\n{self.stderr_tail()}")
        return done.stdout

    def dump(self, *options):
        return self.ctl("dump", *options)


def rebuild_dump(folders, config=None, scratch=None, **options):
    """The dump of a fresh index over the same folders: what convergence is measured against."""
    with tempfile.TemporaryDirectory(prefix="rebuild-", dir=scratch) as folder:
        if options.get("user") is not None:
            os.chown(folder, options["user"], options["user"])
        daemon = Daemon(folders, os.path.join(folder, "index"), config, **options)
        try:
            return daemon.start().dump()
        finally:
            daemon.kill9()


# ---- test cases ---------------------------------------------------------------------------------

class JcnCase(unittest.TestCase):
    """A temporary folder with one root, `notes`; its daemons must stop well at the end."""

    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        for program in (JCN, JCNCTL):
            if not os.access(program, os.X_OK):
                raise AssertionError(f"{program} is not built; set JCN_BIN and JCNCTL_BIN")

    def setUp(self):
        WATCHDOG.watch(self.id(), HANGS_AFTER)
        self.addCleanup(WATCHDOG.over)
        self.tmp = tempfile.mkdtemp(prefix="jcn-test-", dir=os.environ.get("JCN_TEST_TMP"))
        self.addCleanup(shutil.rmtree, self.tmp, ignore_errors=True)
        os.chmod(self.tmp, 0o755)
        self.root = self.folder("notes")
        self.staging = self.folder("staging")
        self._drops = 0

    def got_on(self):
        """Of a test that takes as long as it is asked to: from here on it is given its time anew."""
        WATCHDOG.watch(self.id(), HANGS_AFTER)

    def folder(self, name):
        path = os.path.join(self.tmp, name)
        os.makedirs(path, exist_ok=True)
        return path

    def new_daemon(self, *folders, index="index", config=None, **options):
        """Not started yet; stopped at the end of the test, with exit 0, if it runs then."""
        daemon = Daemon(folders or [self.root], os.path.join(self.tmp, index), config, **options)
        self.addCleanup(self._finish, daemon)
        return daemon

    def daemon(self, *folders, **options):
        return self.new_daemon(*folders, **options).start()

    def _finish(self, daemon):
        try:
            if daemon.alive():
                daemon.cont()
                daemon.stop()
        finally:
            daemon.kill9()
            report = SANITIZER_REPORT.search(daemon.stderr_text())
            if report:
                self.fail(f"sanitizer report\n{daemon.stderr_text()[report.start():][:6000]}")

    def drop(self, path, body):
        """A complete file, renamed into place. path: relative to the root, or absolute."""
        self._drops += 1
        staged = os.path.join(self.staging, f"drop{self._drops}")
        write_whole(staged, encode(body))
        target = os.path.join(os.fsencode(self.root), os.fsencode(path))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.rename(staged, target)
        return target

    def write(self, path, body):
        """Written in place. path: relative to the root, or absolute."""
        target = os.path.join(os.fsencode(self.root), os.fsencode(path))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        write_whole(target, encode(body))
        return target

    def path(self, relative):
        return os.path.join(self.root, relative)

    def assert_converged(self, daemon):
        """Convergence: the live dump equals, byte for byte, that of an index made from scratch."""
        live = daemon.dump()
        rebuilt = rebuild_dump(daemon.folders, daemon.config, self.tmp, user=daemon.user,
                               programs=(daemon.jcn, daemon.jcnctl))
        self.assertEqual(live.decode().splitlines(), rebuilt.decode().splitlines())
        return live

    def assert_problem(self, answer, status, code):
        self.assertEqual(answer.status, status, answer.body)
        self.assertTrue(answer.headers["content-type"].startswith("application/problem+json"))
        self.assertEqual(json_of(answer)["code"], code)


class Hammer:
    """A thread that asks for one target over and over, until it is stopped."""

    def __init__(self, port, target, keep=lambda answer: answer.status):
        self.seen = []
        self._port, self._target, self._keep = port, target, keep
        self._over = threading.Event()
        self._error = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        wait_for(lambda: self.seen or self._error, "the reader's first answer")
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        if self._error:
            raise self._error

    def _run(self):
        client = Client(self._port)
        try:
            while not self._over.is_set():
                self.seen.append(self._keep(client.get(self._target)))
        except Exception as error:  # handed to the test's thread by __exit__
            self._error = error
        finally:
            client.close()
