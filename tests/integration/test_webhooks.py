"""Webhooks: changes reach those who are configured, signed, each at least once, in order per record,
whatever becomes of receivers, networks and jcn."""

import json
import os
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
import unittest

from harness import FULL, TIME_FACTOR, JcnCase, json_of, wait_for
from webhook_receiver import SECRET, Receiver, number

QUICK = {"retry_first_ms": 20, "retry_longest_ms": 300, "timeout_ms": 2000}


class WebhookCase(JcnCase):
    def webhook(self, url, name="site", **options):
        """TOML of one webhook."""
        secret = os.path.join(self.tmp, "secret")
        if not os.path.exists(secret):
            with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(SECRET + "\n")
        lines = [f'[[webhook]]\nname = "{name}"\nurl = "{url}"\nsecret_file = "{secret}"']
        for key, value in {**QUICK, **options}.items():
            lines.append(f"{key} = {json.dumps(value)}")
        return "\n".join(lines) + "\n"

    def told(self, receiver, **options):
        """A daemon whose receiver knows that it has begun."""
        daemon = self.daemon(config=self.webhook(receiver.url, **options))
        receiver.wait_fresh()
        return daemon

    def reload(self, daemon, config):
        daemon.config = config
        daemon.command()  # writes the file
        daemon.hang_up()

    def state(self, daemon, name="site"):
        rows = json_of(daemon.get("/v1/webhooks"))["rows"]
        return next(row for row in rows if row["name"] == name)

    def failures(self, daemon, name="site"):
        return json_of(daemon.get(f"/v1/webhooks/{name}/failures"))["rows"]

    def feed(self, daemon):
        """Id → number of its latest change."""
        page = json_of(daemon.get("/v1/changes"))
        self.assertNotIn("more", page)
        return {row["id"]: number(row) for row in page["results"]}

    def assert_complete(self, daemon, receiver, seconds=30):
        """Of each record that changed since the receiver was told to begin the latest change came,
        never an earlier one after a later one, and every signature was right."""
        daemon.sync()
        begun = receiver.begun()
        wanted = {id_: seq for id_, seq in self.feed(daemon).items() if seq > begun}
        self.assertTrue(wanted)

        def missing(each):
            latest = {row["id"]: number(row) for row in each.rows()}
            return all(latest.get(id_) == seq for id_, seq in wanted.items())
        receiver.wait_for(missing, f"to have all {len(wanted)} records", seconds)
        self.assert_ordered(receiver)

    def assert_ordered(self, receiver):
        before = {}
        for row in receiver.rows():
            self.assertGreaterEqual(number(row), before.get(row["id"], 0), row)
            before[row["id"]] = number(row)
        self.assertTrue(all(post.signed for post in receiver.came))


class Delivery(WebhookCase):
    def test_changes_come_signed_with_what_the_feed_says(self):
        for n in range(30):
            self.drop(f"before{n}.json", {"id": f"before{n}"})
        receiver = Receiver(self)
        daemon = self.told(receiver, include_docs=True)
        self.drop("a.json", {"id": "a", "n": 1})
        daemon.sync()
        receiver.wait_for(lambda each: len(each.rows()) == 1, "the first change")
        os.unlink(self.path("a.json"))
        daemon.sync()
        receiver.wait_for(lambda each: len(each.rows()) == 2, "the deletion")
        changed, deleted = receiver.rows()
        self.assertEqual((changed["kind"], changed["id"], changed["doc"]),
                         ("videos", "a", {"id": "a", "n": 1}))
        self.assertEqual((deleted["id"], deleted["deleted"], deleted["rev"]), ("a", True, None))
        self.assertEqual(receiver.fresh_events(), 1, "what was there before is no storm")
        for post in receiver.came:
            self.assertTrue(post.signed)
            self.assertEqual(post.path, "/hook")
            self.assertEqual(post.headers["content-type"], "application/json")
            self.assertRegex(post.headers["webhook-id"], "^msg_[0-9a-f]{32}$")
            self.assertLess(abs(int(post.headers["webhook-timestamp"]) - time.time()), 60)
            self.assertRegex(post.headers["user-agent"], "^jcn/")
            self.assertNotIn("expect", post.headers)
            self.assertEqual(post.json["webhook"], "site")
        last = json_of(daemon.get("/v1/changes?since=" + deleted["seq"]))["last_seq"]
        self.assertEqual(last, deleted["seq"], "a receiver can go on with the feed from there")
        # The receiver has it before jcn has the answer.
        row = wait_for(lambda: self.state(daemon)["behind"] == 0 and self.state(daemon), "the head")
        self.assertEqual((row["state"], row["failures"]), ("delivering", 0))
        self.assertEqual(row["last_seq"], deleted["seq"])

    def test_receiver_down_and_jcn_killed_meanwhile(self):
        down = 60 if FULL else 1.5
        options = {} if not FULL else {"retry_first_ms": 1000, "retry_longest_ms": 10_000}
        for n in range(20):
            self.drop(f"old{n}.json", {"id": f"old{n}", "n": 0})
        receiver = Receiver(self)
        daemon = self.told(receiver, **options)
        for n in range(20):
            self.drop(f"up{n}.json", {"id": f"up{n}"})
        daemon.sync()
        receiver.wait_for(lambda each: len(each.rows()) >= 10, "some before it goes down")
        receiver.stop()
        over = time.monotonic() + down
        drops = 0
        killed = 0
        while time.monotonic() < over or killed < 3:
            for _ in range(25):
                drops += 1
                self.drop(f"new{drops % 60}.json", {"id": f"new{drops % 60}", "n": drops})
            self.drop(f"old{drops % 20}.json", {"id": f"old{drops % 20}", "n": drops})
            os.unlink(self.path(f"new{drops % 60}.json"))
            if killed < 3 and time.monotonic() > over - down * (3 - killed) / 4:
                killed += 1
                daemon.kill9()
                for n in range(5):
                    self.drop(f"off{killed}-{n}.json", {"id": f"off{killed}-{n}"})
                daemon.start()
            else:
                daemon.sync()
            time.sleep(down / 60)  # so that there are as many drops in a second, however long
        receiver.start()
        self.assert_complete(daemon, receiver, 60)
        self.assertEqual(receiver.fresh_events(), 1, "its place was kept")
        if FULL:
            print(f"\n  down for {down} s: {drops} drops of {len(self.feed(daemon))} records, {killed} "
                  f"kills; {len(receiver.rows())} rows in {len(receiver.taken)} posts",
                  file=sys.stderr)
        wait_for(lambda: self.failures(daemon) == [], "the list of failures to be empty")

    def test_killed_while_delivering(self):
        receiver = Receiver(self)
        daemon = self.told(receiver, batch=3)
        for round_ in range(4):
            for n in range(40):
                self.drop(f"{n}.json", {"id": f"r{n}", "round": round_})
            receiver.wait_for(lambda each: len(each.rows()) > 40 * round_ + 5, "some of them")
            daemon.kill9()
            daemon.start()
        self.assert_complete(daemon, receiver)
        self.assertEqual(receiver.fresh_events(), 1)

    def test_filters_deletions_and_what_does_not_match(self):
        receiver, strict = Receiver(self), Receiver(self)
        config = (self.webhook(receiver.url, filter="state=done&n__gt=1", kind="videos")
                  + self.webhook(strict.url, "strict", filter="state=done&n__gt=1",
                                 only_matching=True, include_docs=True))
        daemon = self.daemon(config=config)
        receiver.wait_fresh()
        strict.wait_fresh()
        steps = [("a", {"state": "queued", "n": 2}), ("b", {"state": "done", "n": 2}),
                 ("b", {"state": "failed", "n": 2}), ("c", {"state": "done", "n": 1}),
                 ("d", {"state": "done", "n": 3}), ("d", None)]
        for count, (id_, body) in enumerate(steps):
            if body is None:
                os.unlink(self.path(id_ + ".json"))
            else:
                self.drop(id_ + ".json", {"id": id_, **body})
            daemon.sync()
            receiver.wait_for(lambda each, n=count: len(each.rows()) == n + 1, f"step {count}")
        told = [(row["id"], "deleted" if row.get("deleted") else row.get("match", True))
                for row in receiver.rows()]
        self.assertEqual(told, [("a", False), ("b", True), ("b", False), ("c", False), ("d", True),
                                ("d", "deleted")])
        strict.wait_for(lambda each: len(each.rows()) == 3, "what matches, and the deletion")
        self.assertEqual([(row["id"], row.get("doc", {}).get("n")) for row in strict.rows()],
                         [("b", 2), ("d", 3), ("d", None)])

    def test_removed_index_is_one_fresh_event(self):
        receiver = Receiver(self)
        for n in range(300):
            self.drop(f"{n}.json", {"id": f"r{n}"})
        daemon = self.told(receiver)
        self.assertEqual(receiver.rows(), [])
        daemon.stop()
        shutil.rmtree(daemon.index)
        daemon.start()
        receiver.wait_for(lambda each: each.fresh_events() == 2, "the second beginning")
        self.drop("x.json", {"id": "x"})
        self.assert_has(daemon, receiver, "x")
        self.assertEqual([row["id"] for row in receiver.rows()], ["x"])
        self.assertEqual(receiver.fresh_events(), 2)

    def assert_has(self, daemon, receiver, id_):
        daemon.sync()
        receiver.wait_for(lambda each: id_ in each.latest(), f"to have {id_}")

    def test_damaged_place_is_one_fresh_event(self):
        receiver = Receiver(self)
        daemon = self.told(receiver)
        self.drop("a.json", {"id": "a"})
        self.assert_has(daemon, receiver, "a")
        daemon.stop()
        with open(os.path.join(daemon.index, "webhooks/site.state"), "r+b") as file:
            file.seek(12)
            file.write(b"???")
        daemon.start()
        receiver.wait_for(lambda each: each.fresh_events() == 2, "the second beginning")
        self.assertIn("webhook site: how far it was is lost", daemon.stderr_text())
        self.drop("b.json", {"id": "b"})
        self.assert_has(daemon, receiver, "b")

    def test_orderly_restart_sends_nothing_twice(self):
        receiver = Receiver(self)
        daemon = self.told(receiver)
        for n in range(10):
            self.drop(f"{n}.json", {"id": f"r{n}"})
        self.assert_complete(daemon, receiver)
        wait_for(lambda: self.state(daemon)["behind"] == 0, "the last answer")
        daemon.restart()
        self.drop("x.json", {"id": "x"})
        self.assert_complete(daemon, receiver)
        self.assertEqual(len(receiver.rows()), 11)
        self.assertEqual(receiver.fresh_events(), 1)

    def test_reload_adds_changes_and_takes_away(self):
        receiver, other = Receiver(self), Receiver(self)
        daemon = self.daemon(config="[limits]\nmax_depth = 60\n")
        self.assertEqual(json_of(daemon.get("/v1/webhooks"))["rows"], [])
        self.drop("a.json", {"id": "a"})
        daemon.sync()
        self.reload(daemon, self.webhook(receiver.url))
        receiver.wait_fresh()
        self.drop("b.json", {"id": "b"})
        self.assert_has(daemon, receiver, "b")
        # Another address of the same webhook goes on where it was.
        self.reload(daemon, self.webhook(other.url, filter="n=1"))
        wait_for(lambda: self.state(daemon)["url"] == other.url, "the reload")
        self.drop("c.json", {"id": "c", "n": 1})
        self.assert_has(daemon, other, "c")
        self.assertEqual([row["id"] for row in other.rows()], ["c"])
        self.assertEqual(other.fresh_events(), 0)
        # One that cannot be right leaves everything as it is.
        self.reload(daemon, self.webhook(other.url, filter="n__nosuch=1"))
        wait_for(lambda: "reload refused" in daemon.stderr_text(), "the refusal")
        self.drop("d.json", {"id": "d", "n": 1})
        self.assert_has(daemon, other, "d")
        self.reload(daemon, "")
        wait_for(lambda: json_of(daemon.get("/v1/webhooks"))["rows"] == [], "the webhook to go")
        self.drop("e.json", {"id": "e", "n": 1})
        daemon.sync()
        self.reload(daemon, self.webhook(other.url))
        self.assert_has(daemon, other, "e")
        self.assertEqual(other.fresh_events(), 0, "it went on where it was taken away")


    def test_what_is_on_its_way_is_cut_off_when_its_webhook_goes(self):
        receiver, other = Receiver(self), Receiver(self)
        daemon = self.told(receiver, timeout_ms=300_000)
        begun, cut = threading.Event(), threading.Event()

        def hangs(handler, _):
            begun.set()
            handler.connection.settimeout(60 * TIME_FACTOR)
            if handler.connection.recv(1) == b"":
                cut.set()
            handler.close_connection = True
            return True
        receiver.behave = hangs
        self.drop("a.json", {"id": "a"})
        self.assertTrue(begun.wait(30 * TIME_FACTOR))
        for config in ("", self.webhook(other.url)):
            self.reload(daemon, config)
            wait_for(lambda want=bool(config): bool(json_of(daemon.get("/v1/webhooks"))["rows"])
                     == want, "the reload")
        self.assertTrue(cut.wait(30 * TIME_FACTOR), "two requests are on their way at once")
        self.assert_has(daemon, other, "a")


class BadReceivers(WebhookCase):
    def test_whatever_a_receiver_does_wrong_is_tried_again(self):
        receiver = Receiver(self)
        elsewhere = Receiver(self)
        daemon = self.told(receiver, timeout_ms=int(400 * TIME_FACTOR))

        def status(code, headers=()):
            return lambda handler, post: handler.answer(code, headers) or True

        def late(handler, post):
            time.sleep(0.7 * TIME_FACTOR)
            return status(200)(handler, post)

        def half(handler, post):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            handler.close_connection = True
            return True

        def nothing(handler, post):
            handler.close_connection = True
            return True

        def garbage(handler, post):
            handler.wfile.write(b"220 smtp.example ready\r\n\r\n")
            handler.close_connection = True
            return True

        def drips(handler, post):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            try:
                for _ in range(100):
                    handler.wfile.write(b"X: y\r\n")
                    time.sleep(0.02 * TIME_FACTOR)
            except OSError:
                pass
            handler.close_connection = True
            return True
        wrongs = [status(500), status(404), status(503), status(429, [("Retry-After", "1")]),
                  status(302, [("Location", elsewhere.url)]),
                  status(307, [("Location", elsewhere.url)]), late, half, nothing, garbage, drips]
        for count, wrong in enumerate(wrongs):
            done = []

            def once(handler, post, do=wrong, done=done):
                if done:
                    return False
                done.append(post)
                return do(handler, post)
            receiver.behave = once
            self.drop(f"{count}.json", {"id": f"r{count}"})
            self.assert_has_and_failed(daemon, receiver, f"r{count}", done)
        self.assertEqual(elsewhere.came, [], "redirects are not followed")
        self.assert_complete(daemon, receiver)
        wait_for(lambda: self.failures(daemon) == [], "the list of failures to be empty")

    def assert_has_and_failed(self, daemon, receiver, id_, done):
        daemon.sync()
        receiver.wait_for(lambda each: id_ in each.latest(), f"to have {id_}")
        again = [post for post in receiver.came if post.rows and post.rows[-1]["id"] == id_]
        self.assertEqual(len(done), 1)
        self.assertGreaterEqual(len(again), 2, id_)
        self.assertEqual(len({post.headers["webhook-id"] for post in again}), 1,
                         "what is sent again has the same id")

    def test_long_answers_are_taken_for_what_they_are(self):
        receiver = Receiver(self)

        def endless(handler, post):
            receiver.taken.append(post)
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            try:
                for _ in range(1000):
                    handler.wfile.write(b"x" * 65536)
            except OSError:
                pass
            handler.close_connection = True
            return True
        daemon = self.told(receiver)
        receiver.behave = endless
        self.drop("a.json", {"id": "a"})
        self.drop("b.json", {"id": "b"})
        self.assert_complete(daemon, receiver)
        wait_for(lambda: self.state(daemon)["behind"] == 0, "the place to move")
        self.assertEqual(self.state(daemon)["failed_posts"], 0)

    def test_poisonous_record_blocks_nobody_else(self):
        receiver = Receiver(self)
        daemon = self.told(receiver)
        receiver.behave = lambda handler, post: any(
            row["id"] == "poison" for row in post.rows) and (handler.answer(422) or True)
        self.drop("poison.json", {"id": "poison"})
        for n in range(30):
            self.drop(f"{n}.json", {"id": f"r{n}"})
        daemon.sync()
        receiver.wait_for(lambda each: len(each.latest()) == 30, "all others")
        wait_for(lambda: self.failures(daemon), "the refused change to be listed")
        row, = self.failures(daemon)
        self.assertEqual((row["kind"], row["id"], row["status"], row["given_up"]),
                         ("videos", "poison", 422, False))
        wait_for(lambda: self.state(daemon)["behind"] == 0, "the others to be behind it")
        # It outlives the process.
        self.saved(daemon, '"poison"')
        daemon.kill9()
        daemon.start()
        wait_for(lambda: [each["id"] for each in self.failures(daemon)] == ["poison"],
                 "the refused change after the kill")
        receiver.behave = None
        self.assert_complete(daemon, receiver)
        wait_for(lambda: self.failures(daemon) == [], "the list to be empty")

    def saved(self, daemon, text):
        def has():
            with open(os.path.join(daemon.index, "webhooks/site.state"), encoding="utf-8") as file:
                return text in file.read()
        return wait_for(has, f"{text} in the file of the place")

    def test_dead_ones_disturb_neither_others_nor_drops(self):
        receiver = Receiver(self)
        hangs = socket.create_server(("127.0.0.1", 0))  # takes connections, and never speaks
        self.addCleanup(hangs.close)
        closed = socket.create_server(("127.0.0.1", 0))
        nobody = closed.getsockname()[1]
        closed.close()

        def drop_times(daemon, name):
            times = []
            for n in range(60):
                begun = time.perf_counter()
                self.drop(f"{name}{n}.json", {"id": f"{name}{n}"})
                while daemon.get(f"/v1/videos/{name}{n}").status != 200:
                    pass
                times.append(time.perf_counter() - begun)
            return statistics.median(times)
        daemon = self.daemon(config=self.webhook(receiver.url))
        receiver.wait_fresh()
        alone = drop_times(daemon, "alone")
        daemon.config += (
            self.webhook(f"http://127.0.0.1:{hangs.getsockname()[1]}/", "hangs", timeout_ms=60_000)
            + self.webhook(f"http://127.0.0.1:{nobody}/", "nobody")
            + self.webhook("http://no-such-host.invalid/", "nowhere"))
        daemon.restart()
        for name in ("nobody", "nowhere"):
            wait_for(lambda each=name: self.state(daemon, each)["state"] == "failing", name)
        beside = drop_times(daemon, "beside")
        self.assert_complete(daemon, receiver)
        self.assertLess(beside, 5 * alone + 0.02 * TIME_FACTOR)
        self.assertEqual(receiver.fresh_events(), 1)
        self.assertEqual(self.state(daemon, "hangs")["posts"], 0)
        begun = time.monotonic()
        daemon.stop()  # a request is on its way
        self.assertLess(time.monotonic() - begun, 4 * TIME_FACTOR)

    def test_gone_ends_it_until_it_is_asked_for(self):
        receiver = Receiver(self)
        daemon = self.told(receiver)
        receiver.behave = lambda handler, post: handler.answer(410) or True
        self.drop("a.json", {"id": "a"})
        wait_for(lambda: self.state(daemon)["state"] == "gone", "410 to be understood")
        came = len(receiver.came)
        self.drop("b.json", {"id": "b"})
        daemon.sync()
        daemon.restart()
        self.drop("c.json", {"id": "c"})
        daemon.sync()
        self.assertEqual(self.state(daemon)["state"], "gone")
        self.assertEqual(len(receiver.came), came)
        receiver.behave = None
        answer = daemon.request("POST", "/v1/webhooks/site/replay", b"")
        self.assertEqual(answer.status, 202, answer.body)
        self.assert_complete(daemon, receiver)


class Replay(WebhookCase):
    def test_replay_from_a_place(self):
        receiver = Receiver(self)
        daemon = self.told(receiver)
        for n in range(5):
            self.drop(f"{n}.json", {"id": f"r{n}"})
            daemon.sync()
        self.assert_complete(daemon, receiver)
        second = next(row for row in receiver.rows() if row["id"] == "r1")["seq"]
        receiver.taken.clear()
        self.assertEqual(daemon.request("POST", f"/v1/webhooks/site/replay?since={second}",
                                        b"").status, 202)
        receiver.wait_for(lambda each: len(each.rows()) == 3, "what follows the place")
        self.assertEqual([row["id"] for row in receiver.rows()], ["r2", "r3", "r4"])
        receiver.taken.clear()
        self.assertEqual(daemon.request("POST", "/v1/webhooks/site/replay?since=0", b"").status, 202)
        receiver.wait_for(lambda each: len(each.rows()) == 5, "everything")
        self.assertEqual(receiver.fresh_events(), 0)
        for bad in ("now", "5", second.replace("-", "_"), "0" * 36 + "-1",
                    second.rpartition("-")[0] + "-999999"):
            self.assert_problem(daemon.request("POST", f"/v1/webhooks/site/replay?since={bad}", b""),
                                400, "bad_parameter")
        row, = map(json.loads, daemon.ctl("webhooks").splitlines())
        self.assertEqual((row["name"], row["state"]), ("site", "delivering"))
        self.assertEqual(daemon.ctl("webhooks", "site"), b"")
        receiver.taken.clear()
        daemon.ctl("replay", "site", "--since", second)
        receiver.wait_for(lambda each: len(each.rows()) == 3, "what follows the place")
        self.assertEqual(daemon.run_ctl("--index", daemon.index, "replay", "other").returncode, 1)
        self.assert_problem(daemon.request("POST", "/v1/webhooks/other/replay", b""), 404,
                            "no_such_webhook")
        self.assert_problem(daemon.get("/v1/webhooks/other/failures"), 404, "no_such_webhook")

    def test_tokens_guard_what_is_told_and_asked(self):
        receiver = Receiver(self)
        for name, text in (("all", "all-" + "x" * 20), ("read", "read-" + "x" * 20)):
            with open(os.open(os.path.join(self.tmp, name), os.O_WRONLY | os.O_CREAT, 0o600),
                      "w") as file:
                file.write(text + "\n")
        config = (f'token_file = "{self.tmp}/all"\n[[token]]\nfile = "{self.tmp}/read"\n'
                  + self.webhook(receiver.url))
        daemon = self.daemon(config=config)
        receiver.wait_fresh()

        def ask(method, target, token=None):
            headers = {"Authorization": f"Bearer {token}-{'x' * 20}"} if token else {}
            return daemon.request(method, target, b"" if method == "POST" else None, headers)
        replay = "/v1/webhooks/site/replay"
        self.assert_problem(ask("POST", replay), 401, "unauthorized")
        self.assert_problem(ask("POST", replay, "read"), 403, "forbidden")
        self.assertEqual(ask("POST", replay, "all").status, 202)
        self.assert_problem(ask("GET", "/v1/webhooks", "read"), 403, "forbidden")
        self.assertEqual(ask("GET", "/v1/webhooks").status, 200)

    def test_secrets_are_nobodys_to_see(self):
        receiver = Receiver(self)
        hidden = "hidden-in-the-query"
        daemon = self.daemon(config='log_level = "debug"\n'
                             + self.webhook(receiver.url + "?key=" + hidden))
        receiver.wait_fresh()
        self.assertEqual(receiver.came[0].path, "/hook?key=" + hidden)
        receiver.behave = lambda handler, post: handler.answer(500) or True
        self.drop("a.json", {"id": "a"})
        wait_for(lambda: self.failures(daemon), "a failure")
        receiver.stop()
        self.drop("b.json", {"id": "b"})
        wait_for(lambda: self.state(daemon)["state"] == "failing", "the webhook to fail")
        shown = b"".join(daemon.get(target).body for target in
                         ("/v1/webhooks", "/v1/webhooks/site/failures", "/v1/status", "/metrics",
                          "/readyz", "/")).decode()
        with open(os.path.join(daemon.index, "webhooks/site.state"), encoding="utf-8") as file:
            shown += file.read()
        shown += daemon.stderr_text()
        self.assertNotIn(hidden, shown)
        self.assertNotIn(SECRET[6:20], shown)
        self.assertIn(receiver.url + "?…", shown)


class Tls(WebhookCase):
    def test_certificates_are_verified(self):
        certificate, key = os.path.join(self.tmp, "cert.pem"), os.path.join(self.tmp, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                        certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        receiver = Receiver(self, context)
        stranger = f"https://localhost:{receiver.port}/hook"  # the certificate names another host
        daemon = self.daemon(config=self.webhook(receiver.url, ca_file=certificate)
                             + self.webhook(receiver.url, "untrusted")
                             + self.webhook(stranger, "misnamed", ca_file=certificate))
        receiver.wait_fresh()
        for name in ("untrusted", "misnamed"):
            row = wait_for(lambda each=name: self.state(daemon, each)["last_error"]
                           and self.state(daemon, each), name)
            self.assertIn("certificate", row["last_error"])
        self.drop("a.json", {"id": "a"})
        self.assert_complete(daemon, receiver)
        self.assertEqual({post.json["webhook"] for post in receiver.came}, {"site"})


class Surroundings(WebhookCase):
    def test_proxies_of_the_environment_are_not_used(self):
        receiver = Receiver(self)
        other = Receiver(self)
        proxy = f"http://127.0.0.1:{other.port}/"
        daemon = self.daemon(config=self.webhook(receiver.url),
                             environment={"http_proxy": proxy, "HTTP_PROXY": proxy,
                                          "ALL_PROXY": proxy})
        receiver.wait_fresh()
        self.assertEqual(other.came, [])
        # One that is configured is.
        self.reload(daemon, self.webhook("http://hooks.example/there", proxy=proxy))
        wait_for(lambda: self.state(daemon)["url"] == "http://hooks.example/there", "the reload")
        self.drop("a.json", {"id": "a"})
        other.wait_for(lambda each: each.rows(), "the change, by the proxy")
        self.assertEqual(other.came[-1].path, "http://hooks.example/there")

    def test_term_while_everything_fails(self):
        """SIGTERM in the middle of attempts, many times: it ends at once, and nothing is lost."""
        receiver = Receiver(self)
        daemon = self.told(receiver)
        receiver.behave = lambda handler, post: handler.answer(503) or True
        for n in range(3):
            self.drop(f"{n}.json", {"id": f"r{n}"})
            daemon.sync()
            daemon.process.send_signal(signal.SIGHUP)
            daemon.restart()
        receiver.behave = None
        self.assert_complete(daemon, receiver)


if __name__ == "__main__":
    unittest.main(verbosity=2)
