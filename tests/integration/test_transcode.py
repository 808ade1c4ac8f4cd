"""jcn-transcode with the real jcn and the real ffmpeg: tiny films, one to eight seconds long."""

import ctypes
import itertools
import json
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

import service_sandbox
from harness import JCNCTL, PROJECT, TIME_FACTOR, Client, JcnCase, json_of, wait_for, write_whole
from site_case import site_config

TRANSCODE = os.path.abspath(os.environ.get("JCN_TRANSCODE_BIN")
                            or os.path.join(os.path.dirname(JCNCTL), "jcn-transcode"))
FFMPEG = shutil.which("ffmpeg")
SHOW = {"ffprobe": ["-of", "json", "-show_streams", "-show_format"],
        FFMPEG: ["-f", "null", "-"]}
TOKEN = "a-token-of-the-tests-0123456789"
ONE_ROOT = "another-token-of-tests-012345678"


def make_film(path, seconds=1, size="320x240", sound=True, more=()):
    """A film as a phone would make it; colour bars that move, and a tone."""
    inputs = ["-f", "lavfi", "-i", f"testsrc=size={size}:rate=10:duration={seconds}"]
    if sound:
        inputs += ["-f", "lavfi", "-i", f"sine=duration={seconds}"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    subprocess.run([FFMPEG, "-v", "error", "-y", *inputs, "-pix_fmt", "yuv420p", *more, path],
                   check=True, timeout=120 * TIME_FACTOR)


def probe(path):
    """What a player finds in a file: streams by type, and the duration of what can be decoded."""
    def run(*command):  # by descriptor, because names may be odd
        with open(path, "rb") as film:
            return subprocess.run([*command, "-v", "error", "-i", "/dev/stdin", *SHOW[command[0]]],
                                  stdin=film, check=True, capture_output=True,
                                  timeout=120 * TIME_FACTOR)

    said = json.loads(run("ffprobe").stdout)
    decoded = run(FFMPEG)
    assert decoded.stderr == b"", decoded.stderr
    streams = {stream["codec_type"]: stream for stream in said["streams"]}
    return streams, float(said["format"].get("duration", 0))


class Transcoder:
    """A running jcn-transcode."""

    def __init__(self, case, daemon, *options, environment=None, before=()):
        self.log = os.path.join(case.tmp, f"worker{len(case.workers)}.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*before, TRANSCODE, "--url", f"http://127.0.0.1:{daemon.port}", *options],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                env={**os.environ, **(environment or {})})

    def said(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def stop(self):
        """SIGTERM: how many seconds it took; it must exit 0."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20 * TIME_FACTOR)
        assert code == 0, f"exit {code}\n{self.said()}"
        return time.monotonic() - begun

    def kill9(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@unittest.skipUnless(FFMPEG, "needs ffmpeg")
class TranscodeCase(JcnCase):
    def setUp(self):
        super().setUp()
        self.workers = []
        self.addCleanup(lambda: [worker.kill9() for worker in self.workers])

    def start(self, config=None):
        self.live = self.daemon(f"videos={self.root}", config=config or site_config(self.root),
                                arguments=["--writable"])
        return self.live

    def worker(self, *options, **more):
        self.workers.append(Transcoder(self, self.live, *options, **more))
        return self.workers[-1]

    def slow_ffmpeg(self):
        """ffmpeg that reads films as fast as they are played, for as long as the file `slow` is
        there; of posters and ffprobe nothing is slower."""
        program, slow = os.path.join(self.tmp, "slow-ffmpeg"), os.path.join(self.tmp, "slow")
        write_whole(program, f"""#!/bin/sh
case " $* " in
  *" -progress "*) [ -e {slow} ] && exec {FFMPEG} -re "$@" ;;
esac
exec {FFMPEG} "$@"
""".encode())
        os.chmod(program, 0o755)
        write_whole(slow, b"")
        return program

    def upload(self, video_id, film=None, extension="mp4", **more):
        """As the site does it: the file, and then the note of it."""
        relative = f"{video_id[:2]}/{video_id}.{extension}"
        path = self.path(relative)
        if isinstance(film, bytes):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_whole(path, film)
        elif film:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy(film, path)
        else:
            make_film(path, **more)
        self.drop(f"{video_id[:2]}/{video_id}.json", {
            "id": video_id, "title": video_id, "visibility": "public",
            "source": {"path": relative, "type": "video/mp4", "size": max(os.path.getsize(path), 1)},
            "transcode": {"state": "queued"}})

    def job(self, video_id):
        return (self.live.record(video_id) or {}).get("transcode", {})

    def ended(self, video_id, state="done", seconds=60):
        try:
            wait_for(lambda: self.job(video_id).get("state") in ("done", "failed"),
                     f"{video_id}: an end", seconds, pause=0.05)
        except AssertionError as error:
            said = "\n".join(worker.said() for worker in self.workers)
            raise AssertionError(f"{error}\n{self.live.record(video_id)}\n{said}") from None
        record = self.live.record(video_id)
        self.assertEqual(record["transcode"]["state"], state, record)
        return record

    def names(self, video_id):
        """The files of a video, without its folder and id."""
        return sorted(name[len(video_id) + 1:] for name in os.listdir(self.path(video_id[:2]))
                      if name.startswith(video_id + "."))

    def assert_no_claims(self):
        wait_for(lambda: self.live.ids("leases") == [], "the claims to be gone")

    def assert_playable(self, video_id, sizes, duration, sound=True):
        """Files as the note says them: VP9 and Opus, of these sizes, and of this length."""
        record = self.live.record(video_id)
        found = [(each["width"], each["height"]) for each in record["renditions"]]
        self.assertEqual(found, sizes)
        self.assertAlmostEqual(record["duration"], duration, delta=0.15)
        for rendition in record["renditions"]:
            streams, seconds = probe(self.path(rendition["path"]))
            self.assertEqual(rendition["type"], "video/webm")
            self.assertEqual(streams["video"]["codec_name"], "vp9")
            self.assertEqual((streams["video"]["width"], streams["video"]["height"]),
                             (rendition["width"], rendition["height"]))
            self.assertEqual("audio" in streams, sound)
            if sound:
                self.assertEqual(streams["audio"]["codec_name"], "opus")
            self.assertAlmostEqual(seconds, duration, delta=0.15)
        streams, _ = probe(self.path(record["poster"]))
        self.assertEqual((streams["video"]["codec_name"], streams["video"]["width"],
                          streams["video"]["height"]), ("mjpeg", *sizes[0]))


class Journey(TranscodeCase):
    def test_a_small_film_is_made_once_in_its_own_size(self):
        self.start()
        self.worker()
        self.upload("k7small")
        record = self.ended("k7small")
        self.assert_playable("k7small", [(320, 240)], 1)
        self.assertEqual((record["width"], record["height"], record["transcode"]["percent"]),
                         (320, 240, 100))
        self.assertEqual(record["renditions"][0]["path"], "k7/k7small.240p.webm")
        self.assertEqual(self.names("k7small"),
                         ["240p.webm", "json", "mp4", "poster.jpg", "transcode.json"])
        self.assert_no_claims()
        self.assertEqual(self.live.rejects(), {})
        self.assertLess(self.workers[0].stop(), 5 * TIME_FACTOR)

    def test_both_sizes_of_a_large_one_that_was_there_before(self):
        self.upload("k7large", size="1366x768")
        self.upload("k7lying", size="640x360", sound=False)
        self.start()
        self.worker("--speed", "8")
        self.ended("k7large")
        self.assert_playable("k7large", [(1280, 720), (854, 480)], 1)
        self.ended("k7lying")
        self.assert_playable("k7lying", [(640, 360)], 1, sound=False)

    def test_shapes(self):
        """Lying on its side, with oblong pixels, with odd sides, tiny, without a length."""
        turned = self.path("k7/k7turned.mp4")
        make_film(turned + ".mp4")
        subprocess.run([FFMPEG, "-v", "error", "-i", turned + ".mp4", "-c", "copy",
                        "-metadata:s:v", "rotate=90", turned], check=True)
        os.unlink(turned + ".mp4")
        with open(turned, "rb") as film:
            self.upload("k7turned", film.read())
        self.upload("k7oblong", size="160x120", more=["-vf", "setsar=2/1"])
        self.upload("k7odd", size="321x241", extension="mkv", more=["-c:v", "ffv1"])
        self.upload("k7tiny", size="1x1", extension="mkv", sound=False, more=["-c:v", "ffv1"])
        piped = subprocess.run([FFMPEG, "-v", "error", "-i", self.path("k7/k7oblong.mp4"),
                                "-f", "matroska", "-live", "1", "-c", "copy", "pipe:1"],
                               check=True, capture_output=True).stdout
        self.upload("k7nolength", piped, extension="webm")
        self.start()
        self.worker("--speed", "8")
        for video_id, size, sound in [("k7turned", (240, 320), True),
                                      ("k7oblong", (320, 120), True),
                                      ("k7odd", (320, 240), True), ("k7tiny", (2, 2), False),
                                      ("k7nolength", (320, 120), True)]:
            with self.subTest(video_id):
                self.ended(video_id)
                self.assert_playable(video_id, [size], 1, sound)

    def test_names_that_a_shell_or_ffmpeg_would_read_otherwise(self):
        self.start()
        self.worker("--speed", "8")
        make_film(self.path("film.mp4"))
        for name in ["-y", "concat:a|b", "file:x %03d", "$(touch owned) 'it\"s'", "\u00fc\u2028z"]:
            os.makedirs(self.path("odd"), exist_ok=True)
            shutil.copy(self.path("film.mp4"), self.path(f"odd/{name}.mp4"))
            self.drop(f"odd/{name}.json", {
                "id": name, "source": {"path": f"odd/{name}.mp4"}, "transcode": {"state": "queued"}})
            with self.subTest(name):
                self.assertEqual(self.ended(name)["renditions"][0]["path"], f"odd/{name}.240p.webm")
                self.assert_playable(name, [(320, 240)], 1)


class Failures(TranscodeCase):
    def test_what_is_no_film_fails_with_the_reason(self):
        make_film(self.path("film.mp4"))
        with open(self.path("film.mp4"), "rb") as film:
            whole = film.read()
        sound = self.path("sound.mp4")
        subprocess.run([FFMPEG, "-v", "error", "-i", self.path("film.mp4"), "-vn", sound], check=True)
        self.upload("k7noise", os.urandom(20_000))
        self.upload("k7half", whole[:len(whole) // 2])  # its index stood at the end
        self.upload("k7empty", b"")
        self.upload("k7sound", sound)
        secret = self.path("secret.mp4")
        shutil.copy(self.path("film.mp4"), secret)
        self.upload("k7list", f"ffconcat version 1.0\nfile {secret}\n".encode())
        self.upload("k7hls", f"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n".encode())
        self.upload("k7link", b"-")
        os.unlink(self.path("k7/k7link.mp4"))
        os.symlink(secret, self.path("k7/k7link.mp4"))
        self.upload("k7gone", b"-")
        os.unlink(self.path("k7/k7gone.mp4"))
        self.start()
        self.worker()
        invalid = "Invalid data found when processing input"
        for video_id, why in [("k7noise", invalid), ("k7half", invalid), ("k7empty", invalid),
                              ("k7sound", "There is only sound in this file, and no picture."),
                              ("k7list", "Files of this format are not taken."), ("k7hls", invalid),
                              ("k7link", "The uploaded file is not there."),
                              ("k7gone", "The uploaded file is not there.")]:
            with self.subTest(video_id):
                record = self.ended(video_id, "failed")
                self.assertEqual(record["transcode"]["error"], why)
                self.assertNotIn("renditions", record)
                self.assertLessEqual(set(self.names(video_id)), {"json", "mp4", "transcode.json"})
        self.assert_no_claims()
        self.upload("k7good", whole)
        self.ended("k7good")

    def test_the_name_of_what_is_to_be_made_is_not_written_over(self):
        film = self.path("k7/k7own.240p.webm")
        make_film(film, more=["-c:v", "libvpx"])
        with open(film, "rb") as file:
            before = file.read()
        self.drop("k7/k7own.json", {"id": "k7own", "source": {"path": "k7/k7own.240p.webm"},
                                    "transcode": {"state": "queued"}})
        self.start()
        self.worker()
        self.assertIn("has the name", self.ended("k7own", "failed")["transcode"]["error"])
        with open(film, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_says_at_once_what_can_not_work(self):
        self.start()
        for options, words in [(["--ffmpeg", "/nonexistent/ffmpeg"], "install ffmpeg"),
                               (["--ffprobe", "false"], "install ffmpeg"),
                               (["--root", "other"], "no root other"),
                               (["--folder", "/nonexistent"], "/nonexistent")]:
            worker = self.worker(*options)
            self.assertEqual(worker.process.wait(30 * TIME_FACTOR), 4, options)
            self.assertIn(words, worker.said())
        worker = self.worker("--speed", "9")
        self.assertEqual(worker.process.wait(30 * TIME_FACTOR), 2)

    def test_an_ffmpeg_that_gets_no_further_is_ended(self):
        stuck = os.path.join(self.tmp, "stuck")
        write_whole(stuck, f"""#!/bin/sh
case " $* " in *" -progress "*) exec sleep 1000 ;; esac
exec {FFMPEG} "$@"
""".encode())
        os.chmod(stuck, 0o755)
        self.upload("k7stuck")
        self.start()
        self.worker("--ffmpeg", stuck, "--patience", "1")
        self.assertEqual(self.ended("k7stuck", "failed")["transcode"]["error"],
                         "ffmpeg got no further for 1 seconds.")
        self.assertEqual(self.names("k7stuck"), ["json", "mp4", "transcode.json"])

    def test_a_full_disk_is_told_and_leaves_nothing(self):
        full = os.path.join(self.tmp, "full")
        write_whole(full, f"""#!/bin/sh
case " $* " in *" -progress "*) exec 4>/dev/full ;; esac
exec {FFMPEG} "$@"
""".encode())
        os.chmod(full, 0o755)
        self.upload("k7full")
        self.start()
        self.worker("--ffmpeg", full)
        self.assertRegex(self.ended("k7full", "failed")["transcode"]["error"],
                         "^[^/]*: No space left on device$")
        self.assertEqual(self.names("k7full"), ["json", "mp4", "transcode.json"])


class History(threading.Thread):
    """Every state of claims and jobs, as the feed tells: [(kind, id, document or None)]."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.rows = []
        self._client = Client(port)
        self._over = threading.Event()
        self._since = json_of(self._client.get("/v1/changes?since=now"))["last_seq"]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()
        self._client.close()

    def run(self):
        while not self._over.is_set():
            page = json_of(self._client.get("/v1/changes?feed=longpoll&include_docs=1&timeout=200"
                                            f"&kind=videos,leases&since={self._since}"))
            self.rows += [(row["kind"], row["id"], row.get("doc")) for row in page["results"]]
            self._since = page["last_seq"]

    def attempts(self, video_id):
        """Who held its claim, in turn: [(holder, attempt)]."""
        held = [(doc["holder"], doc["attempt"]) for kind, name, doc in self.rows
                if kind == "leases" and name == video_id and doc]
        return list(dict.fromkeys(held))

    def states(self, video_id):
        found = [doc["transcode"]["state"] for kind, name, doc in self.rows
                 if kind == "videos" and name == video_id and doc]
        return [state for state, _ in itertools.groupby(found)]


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []


def runs(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except FileNotFoundError:
        return False


class Workers(TranscodeCase):
    SIZE = {"size": "160x120"}

    def being_made(self, video_id):
        """Whether its renditions are in the making, by a child of a worker's."""
        return (any(name.endswith(".part") and "webm" in name for name in self.names(video_id))
                and any(children(worker.process.pid) for worker in self.workers))

    def test_two_uploads_and_three_workers_one_of_which_is_killed(self):
        self.start()
        with History(self.live.port) as history:
            slow = self.slow_ffmpeg()
            for _ in range(3):
                self.worker("--ffmpeg", slow, "--lease", "5")
            make_film(self.path("film.mp4"), seconds=12, **self.SIZE)
            for video_id in ("k7one", "k7two"):
                self.upload(video_id, self.path("film.mp4"))

            def half_done():
                for video_id in ("k7one", "k7two"):
                    if 10 < self.job(video_id).get("percent", 0) < 90:
                        return video_id
                return None
            killed = wait_for(half_done, "a video between 10 and 90 %", 60, pause=0.02)
            other = "k7two" if killed == "k7one" else "k7one"
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
            self.assertEqual(history.states(video_id), ["queued", "running", "done"])
        self.assertEqual(history.attempts(other)[0][1], 1)
        self.assertEqual(len(history.attempts(other)), 1, history.attempts(other))
        (first, one), (second, two) = history.attempts(killed)
        self.assertEqual((first, one, two), (holder, 1, 2))
        self.assertNotEqual(first, second)
        self.assertEqual(self.live.rejects(), {})

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
            self.assertEqual(len(history.attempts(video_id)), 1)
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
        second = self.worker("--ffmpeg", slow)  # whose term is 30 s: it need not wait for it
        self.ended("k7back", seconds=25)
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


class Papers(TranscodeCase):
    def test_the_manual_names_every_option_and_exit_code(self):
        said = subprocess.run([TRANSCODE, "--help"], check=True, capture_output=True, text=True,
                              timeout=30 * TIME_FACTOR).stdout
        page = (PROJECT / "jcn/doc/jcn-transcode.1").read_text()
        options = set(re.findall(r"--([a-z][a-z-]+)", said)) - {"help", "version"}
        shown = set(re.findall(r"^\.It Fl Fl ([a-z-]+)", page, re.M))
        shown |= set(re.findall(r"^\.It .* , Fl Fl ([a-z-]+)", page, re.M))
        self.assertEqual(shown, options)
        statuses = page[page.index(".Sh EXIT STATUS"):page.index(".Sh SECURITY")]
        self.assertEqual(re.findall(r"^\.It (\d)\n(.*)\.$", statuses, re.M),
                         [(status, f"{text[0].upper()}{text[1:]}" if text[:6] != "ffmpeg" else text)
                          for status, text in re.findall(r"^  (\d)  (.*)$", said, re.M)])

    @unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
    def test_the_service_is_well_formed(self):
        unit = os.path.join(self.tmp, "jcn-transcode.service")
        text = (PROJECT / "tools/jcn-transcode.service").read_text()
        write_whole(unit, text.replace("/usr/bin/jcn-transcode ", f"{TRANSCODE} ").encode())
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_films_are_made_under_the_restrictions_of_the_service(self):
        try:
            ctypes.CDLL("libseccomp.so.2")
        except OSError:
            self.skipTest("no libseccomp.so.2 here (package libseccomp2)")
        with open(TRANSCODE, "rb") as program:
            if b"__asan_init" in (text := program.read()) or b"__tsan_init" in text:
                self.skipTest("sanitizers make system calls of their own")
        self.start()
        self.upload("k7boxed")
        self.workers.append(Transcoder(self, self.live, before=[
            sys.executable, "-B", service_sandbox.__file__,
            str(PROJECT / "tools/jcn-transcode.service")]))
        self.ended("k7boxed")
        self.assert_playable("k7boxed", [(320, 240)], 1)


if __name__ == "__main__":
    unittest.main()
