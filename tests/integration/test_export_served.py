"""The snapshot that the daemon serves, and jcn-export --url, which fetches it."""

import http.server
import os
import pathlib
import sqlite3
import threading
import unittest

from exported import ExportCase, check_whole, run_export
from harness import JCN_EXPORT, json_of, provokes, wait_for, write_whole


class Served(ExportCase):
    """GET /v1/export.sqlite."""

    TARGET = "/v1/export.sqlite"

    def made(self, live, tag=None):
        """The snapshot once it is there, and not the one with that tag."""
        def newer():
            answer = live.get(self.TARGET)
            if answer.status == 503:
                self.assert_problem(answer, 503, "not_ready")
                self.assertEqual(answer.headers["retry-after"], "1")
                return None
            self.assertEqual(answer.status, 200, answer.body)
            return answer if answer.headers["etag"] != tag else None
        return wait_for(newer, "the snapshot")

    def rows(self, answer):
        write_whole(self.out, answer.body)
        check_whole(self.out)
        return self.query("SELECT id, n FROM videos ORDER BY id")

    @provokes("not_ready")
    def test_the_first_one_is_waited_for_and_then_kept(self):
        self.drop("a.json", {"n": 1})
        live = self.daemon()
        self.assert_problem(live.get(self.TARGET), 503, "not_ready")
        first = self.made(live)
        self.assertEqual(first.headers["content-type"], "application/vnd.sqlite3")
        self.assertEqual(self.rows(first), [("a", 1)])
        self.drop("a.json", {"n": 2})
        live.sync()
        again = live.get(self.TARGET)
        self.assertEqual((again.headers["etag"], again.body), (first.headers["etag"], first.body))
        tag = first.headers["etag"]
        self.assertEqual(live.get(self.TARGET, If_None_Match=tag).status, 304)
        head = live.request("HEAD", self.TARGET)
        self.assertEqual((head.status, head.headers["content-length"], head.body),
                         (200, str(len(first.body)), b""))

    def test_an_old_one_begins_the_next(self):
        self.drop("a.json", {"n": 1})
        live = self.daemon(config="[export]\nmax_age_ms = 0\n")
        first = self.made(live)
        self.drop("a.json", {"n": 2})
        live.sync()
        answer = first
        while self.rows(answer) != [("a", 2)]:
            answer = self.made(live, answer.headers["etag"])
        # What was made is there at once after a restart.
        live.restart()
        self.assertEqual(live.get(self.TARGET).status, 200)

    def test_ranges(self):
        self.drop("a.json", {"n": 1, "text": "word " * 20_000})
        live = self.daemon()
        whole = self.made(live)
        size, tag = len(whole.body), whole.headers["etag"]
        for asked, first, last in (("0-15", 0, 15), ("70000-140001", 70_000, 140_001),
                                   (f"{size - 5}-", size - 5, size - 1),
                                   ("-100", size - 100, size - 1), (f"5-{size + 9}", 5, size - 1)):
            with self.subTest(asked):
                answer = live.get(self.TARGET, Range=f"bytes={asked}")
                self.assertEqual(answer.status, 206)
                self.assertEqual(answer.headers["content-range"], f"bytes {first}-{last}/{size}")
                self.assertEqual(answer.body, whole.body[first:last + 1])
        answer = live.get(self.TARGET, Range=f"bytes={size}-")
        self.assert_problem(answer, 416, "bad_request")
        self.assertEqual(answer.headers["content-range"], f"bytes */{size}")
        for headers in ({"Range": "lines=1-2"}, {"Range": "bytes=0-1,5-6"}, {"Range": "bytes=9-3"},
                        {"Range": "bytes=0-15", "If_Range": '"other"'}):
            with self.subTest(headers):
                self.assertEqual(live.get(self.TARGET, **headers).body, whole.body)
        self.assertEqual(live.get(self.TARGET, Range="bytes=0-15", If_Range=tag).status, 206)

    def test_a_program_that_fails_or_is_not_there(self):
        for program, word in (("/bin/false", "exit status 1"), ("/none", "posix_spawn /none")):
            with self.subTest(program):
                live = self.daemon(index="index" + os.path.basename(program),
                                   config=f'[export]\nprogram = "{program}"\n')
                answer = wait_for(lambda: next(
                    (each for each in [live.get(self.TARGET)] if each.status != 503), None), "a 500")
                self.assertEqual(answer.status, 500)
                self.assertIn(word, json_of(answer)["detail"])
                live.stop()

    def test_one_that_fails_is_not_made_again_and_again(self):
        self.drop("a.json", {"n": 1})
        program = os.path.join(self.tmp, "program")
        runs = os.path.join(self.tmp, "index/export/runs")  # where children of jcn may write
        write_whole(program, f"""#!/bin/sh
echo run >> '{runs}'
[ "$(wc -l < '{runs}')" = 1 ] && exec '{JCN_EXPORT}' "$@"
exit 4
""".encode())
        os.chmod(program, 0o755)
        live = self.daemon(config=f'[export]\nprogram = "{program}"\nmax_age_ms = 0\n')
        first = self.made(live)
        wait_for(lambda: live.get(self.TARGET).status == 200
                 and "ended with exit status 4" in live.stderr_text(), "the failure in the log")
        for _ in range(50):
            answer = live.get(self.TARGET)
            self.assertEqual((answer.status, answer.body), (200, first.body))
        with open(runs, encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 2)

    def test_the_end_ends_the_child(self):
        child = os.path.join(self.tmp, "slow")
        pid_file = os.path.join(self.tmp, "index/export/pid")  # where children of jcn may write
        write_whole(child, b"#!/bin/sh\necho $$ > '" + os.fsencode(pid_file) + b"'\n"
                           b"exec sleep 1000\n")
        os.chmod(child, 0o755)
        live = self.daemon(config=f'[export]\nprogram = "{child}"\n')
        self.assert_problem(live.get(self.TARGET), 503, "not_ready")
        pid = int(wait_for(lambda: os.path.exists(pid_file)
                           and pathlib.Path(pid_file).read_text(encoding="utf-8"), "the child"))
        live.stop()
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)

    def test_url(self):
        self.drop("a.json", {"n": 1})
        live = self.daemon()
        url = f"http://127.0.0.1:{live.port}"
        done = run_export("--url", url, "--output", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"1 videos; 0 rejects; 7 tables, {os.path.getsize(self.out) / 1000:.1f} kB; "
                      f"state {live.status()['seq']}\nmade at 20", done.stderr)
        check_whole(self.out)
        self.assertEqual(self.query("SELECT id, n FROM videos"), [("a", 1)])
        self.assertEqual(self.left_over(), [])
        for arguments in (["--incremental"], ["--kind", "videos"], ["n=1"], ["--format", "csv"]):
            done = run_export("--url", url, "--output", self.out, *arguments)
            self.assertEqual(done.returncode, 2, done.stderr)
        live.stop()
        done = run_export("--url", url, "--output", self.out)
        self.assertEqual(done.returncode, 3, done.stderr)
        check_whole(self.out)

    def test_a_daemon_that_wants_a_token(self):
        self.drop("a.json", {"n": 1})
        token = os.path.join(self.tmp, "token")
        write_whole(token, b"dHdlbnR5LWFuZC1tb3Jl\n")
        os.chmod(token, 0o600)
        live = self.daemon(listen="0.0.0.0:0", arguments=["--token-file", token])
        self.assert_problem(live.get(self.TARGET), 401, "unauthorized")
        for source in (["--index", live.index], ["--url", f"http://127.0.0.1:{live.port}"]):
            with self.subTest(source):
                done = run_export(*source, "--output", self.out)
                self.assertEqual(done.returncode, 4, done.stderr)
                self.assertIn("--token-file", done.stderr)
                self.assertEqual(os.listdir(os.path.dirname(self.out)), [])
                # The daemon's child is told where the token is, too.
                for given, options in ((["--token-file", token], {}),
                                       ([], {"env": {**os.environ, "JCN_TOKEN_FILE": token}})):
                    done = run_export(*source, "--output", self.out, *given, **options)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(self.query("SELECT id, n FROM videos"), [("a", 1)])
                    os.unlink(self.out)

    def test_url_that_gives_something_else(self):
        """What was fetched before stays."""
        self.drop("a.json", {"n": 1, "text": "word " * 20_000})
        live = self.daemon()
        whole = self.made(live).body
        write_whole(self.out, whole)
        other = os.path.join(self.tmp, "other")
        db = sqlite3.connect(other)
        db.execute("CREATE TABLE t(n)")
        db.close()

        class Server(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(self.server.body)))
                self.end_headers()
                self.wfile.write(self.server.body)

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Server)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            for name, body in (("nothing", b""), ("a page", b"<html>"), ("a part", whole[:40_960]),
                               ("another's", pathlib.Path(other).read_bytes())):
                with self.subTest(name):
                    server.body = body
                    done = run_export("--url", f"http://127.0.0.1:{server.server_port}", "--output",
                                      self.out)
                    self.assertEqual(done.returncode, 4, done.stderr)
                    self.assertIn("no whole snapshot", done.stderr)
                    self.assertIn("hint: ", done.stderr)
                    self.assertEqual(pathlib.Path(self.out).read_bytes(), whole)
                    self.assertEqual(self.left_over(), [])
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


if __name__ == "__main__":
    unittest.main()
