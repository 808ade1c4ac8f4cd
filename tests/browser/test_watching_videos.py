"""What people see: headless Chromium on the real site, with films that ffmpeg makes.

Pictures of the pages are kept where JCN_SCREENSHOTS says, if it does.
"""

import os
import random
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../integration"))

from harness import TIME_FACTOR
from site_case import SiteCase
import webdriver

PICTURES = os.environ.get("JCN_SCREENSHOTS")
# The colour in the middle of what the video shows.
COLOUR = """
  const video = document.querySelector("video"), canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d");
  context.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);"""


@unittest.skipUnless(all(os.access(program, os.X_OK) for program in
                         (webdriver.CHROMEDRIVER, webdriver.CHROMIUM, "/usr/bin/ffmpeg")),
                     "needs chromium, chromium-driver and ffmpeg")
class WatchingCase(SiteCase):
    def setUp(self):
        super().setUp()
        self.colour = [random.randrange(40, 216) for _ in range(3)]

    def browser(self, width=1280, height=900, **options):
        return self.enterContext(webdriver.Browser(width, height, patience=20 * TIME_FACTOR, **options))

    def film(self, path):
        """Three seconds of one colour, and a still."""
        target = self.path(path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        colour = "0x{:02x}{:02x}{:02x}".format(*self.colour)
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
                        f"color={colour}:size=320x180:rate=10:duration=3", "-c:v", "libvpx",
                        "-deadline", "realtime", target], check=True, stdin=subprocess.DEVNULL)

    def picture(self, browser, name):
        if PICTURES:
            os.makedirs(PICTURES, exist_ok=True)
            browser.screenshot(os.path.join(PICTURES, name + ".png"))

    def note(self, video, state, **more):
        return {"id": video, "title": f"Film {video}", "tags": ["colour"], "visibility": "public",
                "uploaded_at": "2026-03-01T12:00:00Z", "uploader": "ada",
                "transcode": {"state": state}, **more}

    def rendition(self, path):
        return {"renditions": [{"path": path, "type": "video/webm", "width": 320, "height": 180}],
                "duration": 3, "width": 320, "height": 180, "transcode": {"state": "done"}}

    def assert_plays(self, browser):
        browser.run("document.querySelector('video').play()")
        browser.wait("return document.querySelector('video').currentTime > 0.3", "the video to play")
        for seen, made in zip(browser.run(COLOUR), self.colour):
            self.assertLess(abs(seen - made), 16, (browser.run(COLOUR), self.colour))


class Watching(WatchingCase):
    def test_found_by_search_and_facet_and_played(self):
        self.film("fi/film.webm")
        self.drop("fi/film.json", {**self.note("film", "done"), **self.rendition("fi/film.webm")})
        for n in range(12):
            self.drop(f"other{n}.json", {"title": f"Other {n}", "tags": ["other"], "visibility": "public"})
        self.start_site()
        browser = self.browser()
        browser.open(self.apache.address)
        self.picture(browser, "home")
        browser.find("#q").type("film\n")
        browser.wait("return document.querySelector('h1').innerText.startsWith('1 for')", "one result")
        browser.open(self.apache.address)
        browser.link("colour").click()
        browser.find(".cards a").click()
        self.assertEqual(browser.find("h1").text(), "Film film")
        self.assert_plays(browser)
        self.picture(browser, "watch")
        for page in ("/", "/edit", "/rejects", "/status", "/upload", "/edit?v=film", "/embed?v=film"):
            browser.open(self.apache.address + page)
            self.picture(browser, page.strip("/").replace("?v=", "-") or "home")
        self.assertEqual(browser.complaints(), [])

    def test_a_page_that_waits_turns_into_the_video_without_a_reload(self):
        self.drop("fi/film.json", self.note("film", "queued"))
        self.start_site()
        browser = self.browser()
        browser.open(self.apache.address + "/watch?v=film")
        browser.run("window.marker = 'still here'")
        self.assertIn("Processing", browser.find("#player").text())
        self.drop("fi/film.transcode.json", {"transcode": {"state": "running", "percent": 42}})
        browser.wait("return document.querySelector('progress')?.value === 42", "42 %")
        self.picture(browser, "processing")
        self.film("fi/film.webm")
        self.drop("fi/film.transcode.json", self.rendition("fi/film.webm"))
        browser.wait("return document.querySelector('video')", "the video")
        self.assert_plays(browser)
        self.assertEqual(browser.run("return window.marker"), "still here")
        self.assertEqual(browser.run("return document.querySelectorAll('[data-events]').length"), 0)
        self.assertEqual(browser.complaints(), [])

    def test_a_failure_and_a_deletion_are_told_as_well(self):
        self.drop("bad.json", self.note("bad", "running"))
        self.drop("gone.json", self.note("gone", "running"))
        self.start_site()
        browser = self.browser()
        browser.open(self.apache.address + "/watch?v=bad")
        self.drop("bad.transcode.json", {"transcode": {"state": "failed", "error": "<b>moov</b> not found"}})
        browser.wait("return document.querySelector('pre')?.innerText === '<b>moov</b> not found'",
                     "the reason")
        self.picture(browser, "failed")
        browser.open(self.apache.address + "/watch?v=gone")
        os.unlink(self.path("gone.json"))
        browser.wait("return document.querySelector('h1').innerText === 'Not here'", "it to be gone")

    def test_without_scripts_on_a_phone_with_the_keyboard(self):
        self.film("fi/film.webm")
        self.drop("fi/film.json", {**self.note("film", "done"), **self.rendition("fi/film.webm")})
        self.drop("broken.json", b'{"title": "A", "title": "B"}')
        self.start_site()
        browser = self.browser(500, 900, dark=True, scripts=False)
        for page in ("/", "/watch?v=film", "/edit", "/edit?v=film", "/upload", "/rejects", "/status"):
            browser.open(self.apache.address + page)
            self.picture(browser, "phone-" + (page.strip("/").replace("?v=", "-") or "home"))
            wide = browser.run("return document.documentElement.scrollWidth - innerWidth")
            self.assertLessEqual(wide, 0, page)
        browser.open(self.apache.address)
        browser.press("\ue004", "\ue007")  # Tab: to the skip link; Enter
        self.assertEqual(browser.run("return document.activeElement.id"), "main")


if __name__ == "__main__":
    unittest.main()
