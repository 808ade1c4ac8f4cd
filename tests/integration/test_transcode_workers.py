"""Several jcn-transcode at once, killed and ended ones, videos that are deleted or replaced meanwhile,
a jcn that is away; and the whole way from an upload on the site to a page that plays."""

import contextlib
import http.client
import itertools
import json
import os
import re
import socket
import threading
import unittest

from between_jcn import Between
from harness import PROJECT, TIME_FACTOR, write_whole, wait_for
from site_case import SiteCase, multipart, site_config
from transcode_case import FFMPEG, History, TranscodeCase, children, make_film, runs

TOKEN = "a-token-of-the-tests-0123456789"
ONE_ROOT = "another-token-of-tests-012345678"


class Workers(TranscodeCase):
    SIZE = {"size": "160x120"}

    def being_made(self, video_id):
        """Whether its renditions are in the making, by a child of a worker's."""
        return (any(name.endswith(".part") and "webm" in name for name in self.names(video_id))
                and any(children(worker.process.pid) for worker in self.workers))

    def test_each_of_many_jobs_is_done_once(self):
        self.start()
        make_film(self.path("film.mp4"), seconds=0.3, **self.SIZE)
        with History(self.live.port) as history:
            for _ in range(4):
                self.worker("--speed", "8")
            ids = [f"k7m{number}" for number in range(6)]
            for video_id in ids:
                self.upload(video_id, self.path("film.mp4"))
            for video_id in ids:
                self.ended(video_id)
            self.assert_no_claims()
            wait_for(lambda: all(history.states(video_id)[-1:] == ["done"] for video_id in ids),
                     "the history to be told")
        for video_id in ids:
            self.assertLessEqual(len(history.attempts(video_id)), 1)
            self.assertEqual(sum(worker.said().count(f"{video_id}: begun") for worker
                                 in self.workers), 1)
        for worker in self.workers:
            worker.stop()
            self.assertNotIn(" error ", worker.said())

    def test_who_is_ended_gives_its_video_back(self):
        self.start()
        slow = self.slow_ffmpeg()
        first = self.worker("--ffmpeg", slow)
        self.upload("k7back", seconds=8, **self.SIZE)
        wait_for(lambda: self.being_made("k7back"), "ffmpeg to write", 30, pause=0.02)
        ffmpeg = children(first.process.pid)
        self.assertLess(first.stop(), 5 * TIME_FACTOR)
        self.assertFalse(any(map(runs, ffmpeg)))
        self.assertEqual(self.job("k7back")["state"], "queued")
        self.assertEqual(self.live.ids("leases"), [])
        self.assertEqual(self.names("k7back"), ["json", "mp4", "transcode.json"])
        os.unlink(os.path.join(self.tmp, "slow"))
        second = self.worker("--ffmpeg", slow)  # need not wait until a claim is out of date
        self.ended("k7back")
        self.assert_playable("k7back", [(160, 120)], 8)
        self.assertIn("attempt 1", second.said())

    def test_what_is_deleted_or_replaced_meanwhile(self):
        """Under the rules of tools/run, which have no anchors: its own note must not stand for a
        video that was deleted."""
        self.start((PROJECT / "apache/run.conf").read_text())
        slow = self.slow_ffmpeg()
        for _ in range(2):
            self.worker("--ffmpeg", slow)
        make_film(self.path("film.mp4"), seconds=20, **self.SIZE)
        self.upload("k7gone", self.path("film.mp4"))
        self.upload("k7anew", self.path("film.mp4"))
        for video_id in ("k7gone", "k7anew"):
            wait_for(lambda name=video_id: self.being_made(name), "ffmpeg to write", 30, pause=0.02)
        os.unlink(os.path.join(self.tmp, "slow"))
        os.unlink(self.path("k7/k7gone.json"))  # no file of its claim and its job
        make_film(self.path("k7/k7other.mp4"), seconds=1, size="320x240")
        note = {"id": "k7anew", "source": {"path": "k7/k7other.mp4", "type": "video/mp4"},
                "transcode": {"state": "queued"}}
        self.drop("k7/k7anew.json", note)
        self.ended("k7anew")
        self.assert_playable("k7anew", [(320, 240)], 1)
        wait_for(lambda: self.names("k7gone") == ["mp4"], "nothing of it to be left", 30)
        self.assertEqual(self.live.ids(), ["k7anew"])
        self.assert_no_claims()

    def arrives_late(self, video_id, ending):
        """A worker, whose note of this name arrives when the video is gone."""
        between = Between(self.live.port)
        self.addCleanup(between.close)
        come, go_on = between.hold("PUT", ending)
        self.addCleanup(go_on.set)
        worker = self.worker(daemon=between)
        self.upload(video_id, b"no film")
        self.assertTrue(come.wait(60 * TIME_FACTOR))
        os.unlink(self.path(f"k7/{video_id}.json"))
        self.live.sync()
        answered = threading.Event()
        between.answered = lambda method, _: method == "PUT" and answered.set()
        go_on.set()
        self.assertTrue(answered.wait(60 * TIME_FACTOR))
        return worker

    def test_a_claim_that_arrives_when_the_video_is_gone(self):
        self.start()
        worker = self.arrives_late("k7gone", ".claim.json")
        self.assertEqual(self.names("k7gone"), ["mp4"])
        self.upload("k7next", b"no film")
        self.ended("k7next", "failed")
        self.assertNotIn("k7gone: begun", worker.said())

    def test_a_note_that_arrives_when_the_video_is_gone(self):
        self.start((PROJECT / "apache/run.conf").read_text())  # without anchors
        self.arrives_late("k7gone", ".transcode.json")
        self.assertNotIn("transcode.json", self.names("k7gone"))
        wait_for(lambda: self.names("k7gone") == ["mp4"], "the claim to be gone")
        self.assertEqual(self.live.ids(), [])

    def test_goes_on_when_jcn_is_away(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.live = self.new_daemon(f"videos={self.root}", config=site_config(self.root),
                                    arguments=["--writable"], listen=f"127.0.0.1:{port}")
        self.live.port = port
        worker = self.worker("--ffmpeg", self.slow_ffmpeg())
        wait_for(lambda: "waiting for jcn" in worker.said(), "the worker to wait", 30)
        self.live.start()
        self.upload("k7away", seconds=5, **self.SIZE)
        wait_for(lambda: self.being_made("k7away"), "ffmpeg to write", 30, pause=0.02)
        self.live.kill9()
        os.unlink(os.path.join(self.tmp, "slow"))
        pid = worker.process.pid
        wait_for(lambda: not children(pid), "ffmpeg to come to its end without jcn", 30)
        self.live.start()
        self.ended("k7away")
        self.assert_playable("k7away", [(160, 120)], 5)
        self.assertEqual(worker.said().count("begun"), 1)
        self.assert_no_claims()

    def test_a_video_that_its_workers_die_of_is_given_up(self):
        left = "k7deadly.480p.webm.0123456789abcdef.part"
        self.upload("k7deadly", size="160x120")
        write_whole(self.path(f"k7/{left}"), b"half of it")
        self.drop("k7/k7deadly.claim.json", {"video": "k7deadly", "holder": "host:1:0", "attempt": 3,
                                             "renewal": 7, "term": 1})
        self.upload("k7silent", size="160x120")
        self.drop("k7/k7silent.claim.json", {"holder": "host:1:0", "attempt": 2, "term": 1})
        write_whole(self.path(f"k7/{left.replace('deadly', 'silent')}"), b"half of it")
        self.start()
        self.worker("--speed", "8")
        self.assertRegex(self.ended("k7deadly", "failed")["transcode"]["error"], "^Given up: 3 times")
        self.ended("k7silent")
        self.assert_playable("k7silent", [(160, 120)], 1)
        self.assertEqual(self.names("k7silent"),
                         ["120p.webm", "json", "mp4", "poster.jpg", "transcode.json"])
        self.assertEqual(self.names("k7deadly"), ["json", "mp4", "transcode.json"])
        self.assert_no_claims()

    def test_a_note_of_higher_rank_does_not_make_it_work_for_ever(self):
        self.start()
        self.upload("k7edited", size="160x120")
        self.drop("k7/k7edited.edit.json", {"id": "k7edited", "transcode": {"state": "queued"},
                                            "poster": "k7/mine.jpg"})
        worker = self.worker("--speed", "8")
        wait_for(lambda: "k7edited: done" in worker.said(), "the first time", 60)
        self.drop("k7/k7edited.views.json", {"id": "k7edited", "views": 7})
        wait_for(lambda: "nothing to do" in worker.said(), "the change to be seen", 30)
        self.assertEqual(worker.said().count("k7edited: done"), 1)
        self.assertEqual(self.live.record("k7edited")["poster"], "k7/mine.jpg")
        self.assertNotIn("poster.jpg", self.names("k7edited"))
        self.assert_no_claims()

    def test_one_that_failed_is_made_again_when_a_person_says_so(self):
        """By their word in the worker's own note; or by removing it, where the upload's says queued."""
        self.start()
        worker = self.worker("--speed", "8")
        self.upload("k7again", b"this is no film")
        target = "/v1/fragments/videos/k7/k7again.transcode.json"
        for count in range(1, 4):  # as often as they like
            self.ended("k7again", "failed")
            wait_for(lambda n=count: worker.said().count("k7again: failed") == n, "the worker's word", 30)
            if count == 3:
                make_film(self.path("k7/k7again.mp4"), size="160x120")
            there = self.live.get(target)
            self.assertEqual(there.status, 200, there.body)
            queued = {"id": "k7again", "transcode": {"state": "queued",
                                                     "updated_at": "2026-03-01T12:00:00Z"}}
            said = self.live.request("PUT", target, json.dumps(queued).encode(),
                                     {"If-Match": there.headers["etag"]})
            self.assertEqual(said.status, 200, said.body)
        self.ended("k7again")
        self.assert_playable("k7again", [(160, 120)], 1)
        self.assertEqual(worker.said().count("begun, attempt 1"), 4, "and counted anew each time")
        os.unlink(self.path("k7/k7again.transcode.json"))
        wait_for(lambda: worker.said().count("k7again: done") == 2, "it to be made once more", 60)
        self.ended("k7again")
        self.assert_no_claims()

    def test_claim_goes_although_the_answer_to_its_renewal_was_lost(self):
        self.start()
        between = Between(self.live.port)
        self.addCleanup(between.close)
        breaks = os.path.join(self.tmp, "breaks")
        program = os.path.join(self.tmp, "breaking-ffmpeg")
        write_whole(program, f"""#!/bin/sh
case " $* " in
  *" -progress "*) until [ -e {breaks} ]; do sleep 0.02; done; exit 1 ;;
esac
exec {FFMPEG} "$@"
""".encode())
        os.chmod(program, 0o755)
        lost = []

        def unheard(method, target):
            if method != "PUT" or "k7lost.claim.json" not in target or self.job("k7lost").get(
                    "state") != "running":
                return False
            lost.append(target)
            write_whole(breaks, b"")  # before the worker asks for the claim again
            return True
        self.upload("k7lost", size="160x120")
        between.unheard = unheard
        worker = self.worker("--ffmpeg", program, "--lease", "3", daemon=between)
        self.ended("k7lost", "failed")
        self.assertTrue(lost)
        wait_for(lambda: "k7lost: failed" in worker.said(), "the worker's word", 30)
        self.assert_no_claims()

    def test_feeds_that_fill_all_places_stop_no_worker(self):
        """Anybody may follow the site's events, and so take every place in which feeds wait."""
        self.start(site_config(self.root) + "\n[feed]\nwaiting = 4\n")
        slow = self.slow_ffmpeg()
        victim = self.worker("--ffmpeg", slow, "--lease", "3")
        self.upload("k7left", seconds=8, **self.SIZE)
        wait_for(lambda: self.being_made("k7left"), "ffmpeg to write", 30, pause=0.02)
        for _ in range(4):
            self.follow_events()
        self.assertEqual(self.feeds_waiting(), 4)
        second = self.worker("--lease", "3")
        wait_for(lambda: b"\njcn_feeds_refused_total 0\n" not in self.live.get("/metrics").body,
                 "the second worker to find no place", 30)
        victim.kill9()
        self.ended("k7left", seconds=40)
        self.assertIn("k7left: taken over", second.said())
        self.upload("k7new", **self.SIZE)
        self.ended("k7new")
        self.assertEqual(self.feeds_waiting(), 4)
        self.assertNotIn("waiting for jcn", second.said(), "jcn was there all the time")
        self.assertLess(second.stop(), 5 * TIME_FACTOR)

    def feeds_waiting(self):
        return int(re.search(rb"^jcn_feeds (\d+)$", self.live.get("/metrics").body, re.M).group(1))

    def follow_events(self):
        stream = socket.create_connection(("127.0.0.1", self.live.port), 20 * TIME_FACTOR)
        self.addCleanup(stream.close)
        stream.sendall(b"GET /v1/changes?feed=eventsource&since=now&kind=videos&_id=x HTTP/1.1\r\n"
                       b"Host: 127.0.0.1\r\n\r\n")
        answer = b""
        while b"id: " not in answer:
            data = stream.recv(4096)
            self.assertTrue(data, answer)
            answer += data

    def test_tokens_of_one_root(self):
        tokens = ""
        for name, token, access, root in [("worker", ONE_ROOT, "write", "videos"),
                                          ("reader", TOKEN, "read", "videos"),
                                          ("other", TOKEN[::-1], "write", "other")]:
            file = os.path.join(self.tmp, name)
            write_whole(file, token.encode())
            os.chmod(file, 0o600)
            tokens += (f"\n[[token]]\nfile = {json.dumps(file)}\n"
                       f"access = \"{access}\"\nroots = [\"{root}\"]\n")
        config = site_config(self.root) + tokens
        config += f"\n[[root]]\nname = \"other\"\npath = {json.dumps(self.folder('more'))}\n"
        self.live = self.new_daemon(config=config, arguments=["--writable"])
        self.live.folders = []
        self.live.start()
        self.upload("k7token", size="160x120")
        for name in ("reader", "other"):
            worker = self.worker("--root", "videos", "--token-file", os.path.join(self.tmp, name))
            self.assertEqual(worker.process.wait(30 * TIME_FACTOR), 4)
            self.assertIn("forbidden", worker.said())
        self.assertIn("--root", self.said_without_root())
        self.worker("--root", "videos", environment={
            "JCN_TOKEN_FILE": os.path.join(self.tmp, "worker")})
        self.ended("k7token")

    def said_without_root(self):
        worker = self.worker()
        self.assertEqual(worker.process.wait(30 * TIME_FACTOR), 2)
        return worker.said()


class OnTheSite(TranscodeCase, SiteCase):
    PROCESSES = 2

    def upload_at_once(self, count, film):
        """Ids of so many videos, each of which began to arrive before another one was whole."""
        with open(film, "rb") as file, contextlib.ExitStack() as connections:
            body, kind = multipart({"token": self.token(), "title": "Ferry", "tags": "",
                                    "description": "", "visibility": "public"},
                                   ("ferry.mp4", file.read()))
            head = (f"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode()
            uploads = [connections.enter_context(socket.create_connection(
                ("127.0.0.1", self.apache.port), 60 * TIME_FACTOR)) for _ in range(count)]
            for each in uploads:
                each.sendall(head + body[:-1000])
            wait_for(lambda: os.path.isdir(self.path("incoming"))
                     and len(os.listdir(self.path("incoming"))) == count, "all to arrive", 30)
            for each in uploads:
                each.sendall(body[-1000:])
            answers = [http.client.HTTPResponse(each) for each in uploads]
            for answer in answers:
                answer.begin()
                self.assertEqual(answer.status, 303, answer.read())
            return [answer.headers["Location"].rpartition("=")[2] for answer in answers]

    def assert_told_seldom(self, reports):
        """Each worker tells every 5 s how far it is; times are whole seconds, and what a busy machine
        told late may have the next one sooner behind it."""
        for _, told in itertools.groupby(reports, lambda report: report[0]):
            percents, moments = zip(*[(percent, moment) for _, percent, moment in told])
            self.assertEqual(list(percents), sorted(percents))
            seconds = [(moment - moments[0]).total_seconds() for moment in moments]
            self.assertGreaterEqual(seconds[-1], 5 * (len(seconds) - 1) - 2, reports)
            for one, following in itertools.pairwise(seconds):
                self.assertGreaterEqual(following - one, 3, reports)

    def test_one_that_failed_is_tried_again(self):
        self.start_site(writable=True)
        self.worker("--ffmpeg", self.odd_ffmpeg("broken", "exit 1"),
                    "--token-file", self.token_file)
        film = os.path.join(self.tmp, "film.mp4")
        make_film(film, size="160x120")
        with open(film, "rb") as file:
            answer = self.post("/upload", {"token": self.token(), "visibility": "public"},
                               ("ferry.mp4", file.read()))
        video = answer.headers["location"].rpartition("=")[2]
        self.ended(video, "failed")
        os.unlink(os.path.join(self.tmp, "broken"))
        answer = self.post(f"/edit/again?v={video}", {"token": self.token()})
        self.assertEqual(answer.status, 303)
        wait_for(lambda: self.job(video)["state"] == "done", "the second try", 60)
        self.assert_playable(video, [(160, 120)], 1)

    def test_two_uploads_at_once_and_three_workers_one_of_which_is_killed(self):
        self.start_site(writable=True)
        with History(self.live.port) as history:
            slow = self.slow_ffmpeg()
            for _ in range(3):
                self.worker("--ffmpeg", slow, "--lease", "8", "--token-file", self.token_file)
            film = os.path.join(self.tmp, "film.mp4")
            make_film(film, seconds=12, size="160x120")
            videos = self.upload_at_once(2, film)

            def half_done():
                percents = [self.job(video_id).get("percent", 0) for video_id in videos]
                return min(percents) > 10 and next(
                    (video_id for video_id, percent in zip(videos, percents) if percent < 90), None)

            killed = wait_for(half_done, "both to be made, and one below 90 %", 60, pause=0.02)
            other = videos[1 - videos.index(killed)]
            holder = self.job(killed)["worker"]
            victim = next(worker for worker in self.workers
                          if worker.process.pid == int(holder.split(":")[1]))
            ffmpeg = children(victim.process.pid)
            self.assertTrue(ffmpeg)
            victim.kill9()
            os.unlink(os.path.join(self.tmp, "slow"))
            wait_for(lambda: not any(map(runs, ffmpeg)), "the victim's ffmpeg to be gone")
            self.assertTrue([name for name in self.names(killed) if name.endswith(".part")])
            for video_id in (killed, other):
                self.ended(video_id)
            self.assert_no_claims()
            wait_for(lambda: history.states(killed)[-1:] == ["done"], "the history to be told")
        for video_id in (killed, other):
            self.assert_playable(video_id, [(160, 120)], 12)
            self.assertEqual(self.names(video_id),
                             ["120p.webm", "json", "mp4", "poster.jpg", "transcode.json"])
            self.assertEqual(history.states(video_id)[-2:], ["running", "done"])
            self.assertEqual(history.states(video_id).count("done"), 1)
        self.assertGreaterEqual(len(history.reports(other)), 3, history.reports(other))
        for video_id in videos:
            self.assert_told_seldom(history.reports(video_id))
        self.assertEqual(history.attempts(other)[0][1], 1)
        self.assertEqual(len(history.attempts(other)), 1, history.attempts(other))
        (first, one), (second, two) = history.attempts(killed)
        self.assertEqual((first, one, two), (holder, 1, 2))
        self.assertNotEqual(first, second)
        self.assertEqual(self.live.rejects(), {})

    def test_what_is_uploaded_is_played(self):
        self.start_site(writable=True)
        slow = self.slow_ffmpeg()
        self.worker("--ffmpeg", slow, "--token-file", self.token_file)
        film = os.path.join(self.tmp, "film.mp4")
        make_film(film, seconds=10, size="160x120")
        with open(film, "rb") as file:
            answer = self.post("/upload", {"token": self.token(), "title": "Ferry", "tags": "sea",
                                           "description": "", "visibility": "public"},
                               ("ferry.mp4", file.read()))
        self.assertEqual(answer.status, 303, answer.body)
        video_id = answer.headers["location"].rpartition("=")[2]
        made = wait_for(lambda: [name for name in self.names(video_id) if "webm" in name],
                        "ffmpeg to begin", 30, pause=0.02)
        # What is in the making, and who makes it, is nobody's to see.
        for name in [*made, "claim.json", "transcode.json", "json"]:
            self.assertIn(self.get(f"/media/{video_id[:2]}/{video_id}.{name}").status, (403, 404))
        for page in ("/", f"/watch?v={video_id}", "/edit"):
            self.assertNotIn(b"claim", self.get(page).body)
        self.assertEqual(self.page(f"/watch?v={video_id}").all("video"), [])
        os.unlink(os.path.join(self.tmp, "slow"))
        self.ended(video_id)
        self.assert_playable(video_id, [(160, 120)], 10)
        page = self.page(f"/watch?v={video_id}")
        self.assertEqual(page.one("video")[0]["poster"],
                         f"/media/{video_id[:2]}/{video_id}.poster.jpg")
        source = page.one("source")[0]
        self.assertEqual(source["type"], "video/webm")
        media = self.get(source["src"], Range="bytes=0-3")
        self.assertEqual((media.status, media.headers["content-type"], media.body),
                         (206, "video/webm", b"\x1a\x45\xdf\xa3"))
        self.assertEqual(self.post(f"/delete?v={video_id}", {"token": self.token()}).status, 303)
        self.assertFalse(os.path.exists(self.path(video_id[:2])))
        self.assertEqual(self.live.status()["kinds"], {})


if __name__ == "__main__":
    unittest.main()
