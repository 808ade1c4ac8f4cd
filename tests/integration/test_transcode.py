"""jcn-transcode with the real jcn and the real ffmpeg: what is made of films of every shape, and of
what is none."""

import ctypes
import os
import shutil
import subprocess
import sys
import unittest

import service_sandbox
from harness import PROJECT, TIME_FACTOR, wait_for, write_whole
from transcode_case import FFMPEG, TRANSCODE, TranscodeCase, make_film


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
                "id": name, "source": {"path": f"odd/{name}.mp4"},
                "transcode": {"state": "queued"}})
            with self.subTest(name):
                self.assertEqual(self.ended(name)["renditions"][0]["path"], f"odd/{name}.240p.webm")
                self.assert_playable(name, [(320, 240)], 1)


class Failures(TranscodeCase):
    def test_what_is_no_film_fails_with_the_reason(self):
        make_film(self.path("film.mp4"))
        with open(self.path("film.mp4"), "rb") as film:
            whole = film.read()
        sound = self.path("sound.mp4")
        subprocess.run([FFMPEG, "-v", "error", "-i", self.path("film.mp4"), "-vn", sound],
                       check=True)
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
                wait_for(lambda video=video_id: set(self.names(video))
                         <= {"json", "mp4", "transcode.json"}, f"{video_id}: no claim")
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


class Papers(TranscodeCase):
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
        self.worker(before=[sys.executable, "-B", service_sandbox.__file__,
                            str(PROJECT / "tools/jcn-transcode.service")])
        self.ended("k7boxed")
        self.assert_playable("k7boxed", [(320, 240)], 1)


if __name__ == "__main__":
    unittest.main()
