"""FAULTS 2, 3, 8, 10, 11 for the file that keeps a webhook's place: a disk that is full, that fails,
and kill -9 in the middle of saving. Each change is still delivered at least once, in order per
record."""

import json
import os
import shutil
import unittest

from attached_strace import attached_strace
from harness import json_of, wait_for
from test_restart import strace_works
from test_webhooks import WebhookCase
from webhook_receiver import Receiver

BOUND = 1000  # changes that may be delivered and not kept: jcn/webhook_keeping.h
NOT_KEPT, NOT_READ = "how far it is could not be kept", "how far it is could not be read"
KEPT_AGAIN = "how far it is is kept again"


class Disk(WebhookCase):
    def places(self, daemon, name=""):
        return os.path.join(daemon.index, "webhooks", name)

    def failing(self, daemon):
        return daemon.reasons().get("webhook_place_failing")

    def metric(self, daemon, name):
        lines = daemon.get("/metrics").body.decode().splitlines()
        return next(int(line.split()[1]) for line in lines
                    if line.startswith(name + '{webhook="site"}'))

    def kept(self, daemon):
        """The number up to which the file says that all was delivered."""
        with open(self.places(daemon, "site.state"), encoding="utf-8") as file:
            place = json.loads(file.readline())["place"]
        return int(place.rpartition("-")[2])

    def drop_many(self, daemon, first, count):
        for n in range(first, first + count):
            self.drop(f"{n // 200}/{n}.json", {"id": f"r{n}"})
        daemon.sync()

    def assert_has(self, daemon, receiver, id_, seconds=30):
        daemon.sync()
        receiver.wait_for(lambda each: id_ in each.latest(), f"to have {id_}", seconds)


class Writing(Disk):
    def test_while_nothing_can_be_kept_so_much_is_sent_and_no_more(self):
        receiver = Receiver(self)
        daemon = self.told(receiver)
        self.drop("before.json", {"id": "before"})
        self.assert_has(daemon, receiver, "before")
        wait_for(lambda: self.kept(daemon) == self.feed(daemon)["before"], "its place")
        # The name that every saving needs is taken, by what unlink(2) does not remove.
        obstacle = self.places(daemon, "site.state.new")
        os.makedirs(os.path.join(obstacle, "in/the/way"))
        self.drop("a.json", {"id": "a"})
        self.assert_has(daemon, receiver, "a")
        reason = wait_for(lambda: self.failing(daemon), "the reason in /readyz")
        self.assertIn("webhook site: ", reason)
        self.assertIn("File exists", reason)
        self.assertEqual(daemon.get("/readyz").status, 200, "answers are right all the same")
        row = self.state(daemon)
        self.assertEqual((row["state"], row["failures"]), ("delivering", 0))
        self.assertIn("File exists", row["place_error"])
        self.assertGreaterEqual(self.metric(daemon, "jcn_webhook_place_failures_total"), 1)
        sent = 1
        while self.state(daemon)["state"] != "held":
            self.assertLess(sent, 5 * BOUND, "it goes on and on")
            self.drop_many(daemon, sent, 200)
            sent += 200
            receiver.wait_for(lambda each: len(each.rows()) >= sent
                              or self.state(daemon)["state"] == "held", "what is sent at all")
        delivered = len(receiver.rows())
        self.assertGreaterEqual(delivered, BOUND)
        self.assertLess(delivered, BOUND + 200)
        self.drop("z.json", {"id": "z"})
        daemon.sync()
        self.assertIn("nothing is sent until then", self.failing(daemon))
        said = daemon.stderr_text()
        self.assertEqual(said.count(NOT_KEPT), 1, "once, not for each attempt")
        self.assertNotIn(KEPT_AGAIN, said)
        # What comes again after a crash is bounded, too; and it is no new beginning.
        daemon.kill9()
        daemon.start()
        receiver.wait_for(lambda each: len(each.rows()) > delivered, "some of it again")
        shutil.rmtree(obstacle)
        self.assert_complete(daemon, receiver)
        wait_for(lambda: not self.failing(daemon) and self.state(daemon)["place_error"] is None,
                 "the reason to go", 70)
        self.assertEqual(receiver.fresh_events(), 1)
        records = len(self.feed(daemon))
        self.assertLessEqual(len(receiver.rows()), records + delivered)
        self.assertEqual(daemon.stderr_text().count(NOT_KEPT), 2, "once in each process")
        self.assertEqual(daemon.stderr_text().count(KEPT_AGAIN), 1)

    def test_replay_and_discard_say_that_they_are_not_kept(self):
        receiver = Receiver(self)
        daemon = self.told(receiver, retry_first_ms=600_000, retry_longest_ms=600_000)
        receiver.behave = lambda handler, post: post.rows and handler.answer(422) is None
        self.drop("a.json", {"id": "a"})
        row, = wait_for(lambda: self.failures(daemon), "a change that is refused")
        obstacle = self.places(daemon, "site.state.new")
        os.makedirs(os.path.join(obstacle, "in/the/way"))
        for what in ("replay", f"discard?seq={row['seq']}"):
            self.assert_problem(daemon.request("POST", "/v1/webhooks/site/" + what, b""), 500,
                                "write_error")
        shutil.rmtree(obstacle)
        answer = daemon.request("POST", "/v1/webhooks/site/discard", b"")
        self.assertEqual(answer.status, 200, answer.body)
        wait_for(lambda: not self.failing(daemon), "the reason to go")
        daemon.sync(durable=True)  # what is not would be announced anew
        daemon.kill9()
        receiver.behave = None
        daemon.start()
        self.drop("b.json", {"id": "b"})
        self.assert_has(daemon, receiver, "b")
        self.assertEqual(self.failures(daemon), [])
        self.assertNotIn("a", receiver.latest(), "it was discarded")
        receiver.behave = lambda handler, post: post.rows and handler.answer(422) is None
        self.drop("c.json", {"id": "c"})
        row, = wait_for(lambda: self.failures(daemon), "another one that is refused")
        answer = json.loads(daemon.ctl("discard", "site"))
        self.assertEqual(answer["discarded"], 0, "none was given up")
        self.assertIn(row["seq"].encode(), daemon.ctl("webhooks", "site"))
        answer = json.loads(daemon.ctl("discard", "site", "--seq", row["seq"]))
        self.assertEqual(answer, {"ok": True, "name": "site", "discarded": 1})
        self.assertEqual(self.failures(daemon), [])


class Calls(Disk):
    def setUp(self):
        super().setUp()
        if not strace_works(self.tmp):
            self.skipTest("strace cannot trace here")

    def at_saving(self, daemon, call, what):
        """strace at one call of a saving: of the file in the making, or of its folder."""
        of_file = call in ("write", "fsync")
        path = self.places(daemon, "site.state.new") if of_file else self.places(daemon).rstrip("/")
        name = "fsync" if call == "fsync of the folder" else call
        return attached_strace(daemon.process.pid, "-o", os.devnull, "-P", path,
                               "-e", f"trace={name}", "-e", f"inject={name}:{what}")

    def test_errors_at_each_call(self):
        receiver = Receiver(self)
        daemon = self.told(receiver)
        for number, (call, error, said) in enumerate([
                ("openat", "EROFS", "Read-only file system"),
                ("write", "ENOSPC", "No space left on device"),
                ("fsync", "EIO", "Input/output error"),
                ("renameat", "EIO", "Input/output error"),
                ("fsync of the folder", "EIO", "Input/output error")]):
            with self.subTest(call=call):
                with self.at_saving(daemon, call, f"error={error}"):
                    self.drop(f"{number}.json", {"id": f"r{number}"})
                    self.assert_has(daemon, receiver, f"r{number}")
                    wait_for(lambda want=said: want in (self.failing(daemon) or ""), "the reason")
                wait_for(lambda: not self.failing(daemon), "it to be over", 30)
                head = max(self.feed(daemon).values())
                wait_for(lambda want=head: self.kept(daemon) == want, "the place to be kept")
                self.assertFalse(os.path.exists(self.places(daemon, "site.state.new")))
        self.assertEqual(daemon.stderr_text().count(NOT_KEPT), 5)
        self.assertEqual(daemon.stderr_text().count(KEPT_AGAIN), 5)
        self.assertEqual(len(receiver.rows()), 5, "nothing came twice")

    def test_killed_at_each_call(self):
        receiver = Receiver(self)
        daemon = self.told(receiver)
        for number, call in enumerate(("unlinkat", "openat", "write", "fsync", "renameat",
                                       "fsync of the folder")):
            with self.subTest(call=call):
                with self.at_saving(daemon, call, "signal=KILL"):
                    for n in range(5):
                        self.drop(f"{number}-{n}.json", {"id": f"r{n}", "number": number})
                    wait_for(lambda: not daemon.alive(), "the kill in the saving", 30)
                daemon.kill9()  # what is left of it
                daemon.start()
                self.assert_complete(daemon, receiver)
        self.assertEqual(receiver.fresh_events(), 1, "its place was never lost")
        self.assertFalse(os.path.exists(self.places(daemon, "site.state.damaged")))

    def test_file_that_cannot_be_read_at_start_is_read_later(self):
        receiver = Receiver(self)
        daemon = self.told(receiver)
        self.drop("a.json", {"id": "a"})
        self.assert_has(daemon, receiver, "a")
        wait_for(lambda: self.state(daemon)["behind"] == 0, "the last answer")
        daemon.stop()
        self.drop("b.json", {"id": "b"})
        for call in ("read", "openat"):
            daemon.before = ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-f",
                             "-o", os.devnull, "-P", self.places(daemon, "site.state"),
                             "-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when=1..2"]
            daemon.start()
            row = self.state(daemon)
            if row["state"] == "held":  # three seconds at least, but for a machine that is busy
                self.assertIn("Input/output error", row["place_error"])
                self.assertIn("nothing is sent until then", self.failing(daemon))
            wait_for(lambda: self.state(daemon)["state"] == "delivering", "it to be read", 30)
            self.assert_has(daemon, receiver, "b")
            self.assertEqual(self.failing(daemon), None)
            daemon.stop()
        said = daemon.stderr_text()
        self.assertEqual((said.count(NOT_READ), said.count(KEPT_AGAIN)), (2, 2), said)
        self.assertEqual(receiver.fresh_events(), 1, "an error is no damage")
        self.assertEqual([row["id"] for row in receiver.rows()], ["a", "b"])


class Damage(Disk):
    def test_damaged_file_is_kept_beside(self):
        receiver = Receiver(self)
        daemon = self.told(receiver)
        wait_for(lambda: os.path.exists(self.places(daemon, "site.state")), "its place")
        daemon.stop()
        with open(self.places(daemon, "site.state"), "r+b") as file:
            file.truncate(10)
        daemon.start()
        receiver.wait_for(lambda each: each.fresh_events() == 2, "the second beginning")
        self.assertEqual(os.path.getsize(self.places(daemon, "site.state.damaged")), 10)
        self.assertIn("site.state.damaged now; its receiver is told to begin anew",
                      daemon.stderr_text())
        self.assertEqual(json_of(daemon.get("/readyz"))["reasons"], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
