"""For the tests of jcn-transcode: films made by ffmpeg, workers, and what becomes of uploads.
JCN_TRANSCODE_BIN is the program (default: beside jcnctl)."""

import datetime
import itertools
import json
import os
import shutil
import signal
import subprocess
import threading
import time
import unittest

from harness import (JCNCTL, SANITIZER_REPORT, TIME_FACTOR, Client, JcnCase, json_of, wait_for,
                     write_whole)
from site_case import site_config

TRANSCODE = os.path.abspath(os.environ.get("JCN_TRANSCODE_BIN")
                            or os.path.join(os.path.dirname(JCNCTL), "jcn-transcode"))
FFMPEG = shutil.which("ffmpeg")
SHOW = {"ffprobe": ["-of", "json", "-show_streams", "-show_format"],
        FFMPEG: ["-f", "null", "-"]}


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

    def start(self, config=None):
        self.live = self.daemon(f"videos={self.root}", config=config or site_config(self.root),
                                arguments=["--writable"])
        return self.live

    def worker(self, *options, daemon=None, **more):
        worker = Transcoder(self, daemon or self.live, *options, **more)
        self.workers.append(worker)
        self.addCleanup(self._finish_worker, worker)  # before jcn is ended
        return worker

    def _finish_worker(self, worker):
        worker.kill9()
        if SANITIZER_REPORT.search(worker.said()):
            self.fail(f"sanitizer report\n{worker.said()[:6000]}")

    def slow_ffmpeg(self):
        """ffmpeg that reads films as fast as they are played, for as long as the file `slow` is
        there; of posters and ffprobe nothing is slower."""
        return self.odd_ffmpeg("slow", f'exec {FFMPEG} -re "$@"')

    def odd_ffmpeg(self, name, command):
        """ffmpeg that does this instead of encoding, for as long as a file of this name is
        there."""
        program, odd = os.path.join(self.tmp, name + "-ffmpeg"), os.path.join(self.tmp, name)
        write_whole(program, f"""#!/bin/sh
case " $* " in
  *" -progress "*) [ -e {odd} ] && {command} ;;
esac
exec {FFMPEG} "$@"
""".encode())
        os.chmod(program, 0o755)
        write_whole(odd, b"")
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
            "source": {"path": relative, "type": "video/mp4",
                       "size": max(os.path.getsize(path), 1)},
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


class Onlooker(threading.Thread):
    """Looks on during a with statement: its run() is over soon after self.over is set."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


class History(Onlooker):
    """States of claims and jobs, as the feed tells them: [(kind, id, document or None)]. One that is
    followed by another at once may be missing."""

    def __init__(self, port):
        super().__init__()
        self.rows = []
        self._client = Client(port)
        self._since = json_of(self._client.get("/v1/changes?since=now"))["last_seq"]

    def __exit__(self, *_):
        super().__exit__()
        self._client.close()

    def run(self):
        while not self.over.is_set():
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

    def reports(self, video_id):
        """How far its workers said to be: [(worker, percent, when)]."""
        jobs = [doc["transcode"] for kind, name, doc in self.rows
                if kind == "videos" and name == video_id and doc]
        found = [(job["worker"], job["percent"], datetime.datetime.fromisoformat(job["updated_at"]))
                 for job in jobs if job["state"] == "running"]
        return list(dict.fromkeys(found))


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
