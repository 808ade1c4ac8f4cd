"""What people see: headless Chromium on the real site, with films that ffmpeg makes.

Pictures of the pages are kept where JCN_SCREENSHOTS says, if it does.
"""

import json
import os
import random
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../integration"))

from between_jcn import Between
from harness import TIME_FACTOR, wait_for
from site_case import SiteCase
from transcode_case import TranscodeCase
import webdriver

PICTURES = os.environ.get("JCN_SCREENSHOTS")
PHONE = (360, 740)
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
        return self.enterContext(webdriver.Browser(width, height, patience=20 * TIME_FACTOR,
                                                   **options))

    def film(self, path):
        """Three seconds of one colour, and a still."""
        target = self.path(path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        colour = "0x{:02x}{:02x}{:02x}".format(*self.colour)
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
                        f"color={colour}:size=320x180:rate=10:duration=3", "-c:v", "libvpx",
                        "-deadline", "realtime", target], check=True, stdin=subprocess.DEVNULL)

    def phone(self, **options):
        """A browser as wide as a phone is, which prefers the dark."""
        return self.browser(*PHONE, dark=True, phone=True, **options)

    def assert_fits_a_phone(self, browser, page):
        """Nothing is cut off, and nothing has to be scrolled sideways."""
        seen = browser.run("""return [innerWidth, visualViewport.width,
          document.documentElement.scrollWidth, matchMedia("(prefers-color-scheme: dark)").matches]""")
        self.assertEqual(seen, [PHONE[0], PHONE[0], PHONE[0], True], page)

    def picture(self, browser, name):
        if PICTURES:
            os.makedirs(PICTURES, exist_ok=True)
            browser.screenshot(os.path.join(PICTURES, f"{self.FRONT}-{name}.png"
                                            if self.FRONT != "python" else f"{name}.png"))

    def note(self, video, state, **more):
        return {"id": video, "title": f"Film {video}", "tags": ["colour"], "visibility": "public",
                "uploaded_at": "2026-03-01T12:00:00Z", "uploader": "ada",
                "transcode": {"state": state}, **more}

    def rendition(self, path):
        return {"renditions": [{"path": path, "type": "video/webm", "width": 320, "height": 180}],
                "duration": 3, "width": 320, "height": 180, "transcode": {"state": "done"}}

    def for_editors(self, *pages):
        """Those, where the site has them."""
        return pages if self.FRONT == "python" else ()

    def assert_plays(self, browser):
        browser.run("document.querySelector('video').play()")
        browser.wait("return document.querySelector('video').currentTime > 0.3",
                     "the video to play")
        for seen, made in zip(browser.run(COLOUR), self.colour):
            self.assertLess(abs(seen - made), 16, (browser.run(COLOUR), self.colour))


class Watching(WatchingCase):
    def test_found_by_search_and_facet_and_played(self):
        self.film("fi/film.webm")
        self.drop("fi/film.json", {**self.note("film", "done"), **self.rendition("fi/film.webm")})
        for n in range(12):
            self.drop(f"other{n}.json",
                      {"title": f"Other {n}", "tags": ["other"], "visibility": "public"})
        self.start_site()
        browser = self.browser()
        browser.open(self.apache.address)
        self.picture(browser, "home")
        browser.find("#q").type("film\n")
        browser.wait("return document.querySelector('h1').innerText.startsWith('1 for')",
                     "one result")
        browser.open(self.apache.address)
        browser.follow(browser.link("colour"))
        browser.follow(browser.find(".cards a"))
        self.assertEqual(browser.find("h1").text(), "Film film")
        self.assert_plays(browser)
        self.picture(browser, "watch")
        for page in ("/", "/embed?v=film", *self.for_editors("/edit", "/rejects", "/status",
                                                             "/upload", "/edit?v=film")):
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

    def test_who_does_not_see_the_page_is_told_of_quarters(self):
        self.drop("fi/film.json", self.note("film", "queued"))
        self.start_site()
        browser = self.browser()
        browser.open(self.apache.address + "/watch?v=film")
        browser.wait("return document.querySelector('[role=status]').innerText", "the beginning")
        browser.run("""
          const status = document.querySelector("[role=status]");
          window.heard = [status.innerText];
          new MutationObserver(() => heard.push(status.innerText)).observe(status, {childList: true});""")
        for percent in (0, 1, 24, 25, 27, 60, 61, 75, 99):
            self.drop("fi/film.transcode.json",
                      {"transcode": {"state": "running", "percent": percent}})
            browser.wait(f"return document.querySelector('progress')?.value === {percent}",
                         f"{percent} %")
        self.film("fi/film.webm")
        self.drop("fi/film.transcode.json", self.rendition("fi/film.webm"))
        browser.wait("return document.querySelector('video') && heard.length > 5", "the end")
        self.assertEqual(browser.run("return heard"), [
            "Processing. The video will be shown here.", *(f"Processing: {n} %" for n in (0, 25, 50, 75)),
            "The video is ready."])
        self.assertEqual(browser.complaints(), [])

    def test_a_page_that_was_left_holds_no_connection(self):
        """Browsers have six for a site, and keep pages that were left."""
        self.drop("film.json", self.note("film", "running"))
        self.start_site()
        browser = self.browser()
        for n in range(8):
            browser.open(f"{self.apache.address}/watch?v=film&n={n}")
        browser.run("history.back()")
        browser.wait("return location.search.endsWith('6') && document.readyState === 'complete'",
                     "the page before")
        self.drop("film.json", self.note("film", "failed"))
        browser.wait("return document.querySelector('.work.bad')", "the end of the work")
        self.live.stop()  # which ends what was followed: Apache would wait for it

    def test_the_last_look_is_taken_again_if_it_failed(self):
        """After the event that tells the end there is none that would make the page look."""
        self.film("fi/film.webm")
        self.drop("fi/film.json", self.note("film", "running"))
        self.start_site()
        browser = self.browser()
        browser.open(self.apache.address + "/watch?v=film")
        browser.run("""
          window.failed = [];
          const ask = window.fetch;
          window.asked = 0;
          window.fetch = async (...what) => {
            asked += 1;
            if (!window.broken) return ask(...what);
            const kind = failed.length % 2;
            failed.push(kind);
            window.broken = failed.length < 2;
            if (kind) throw new TypeError("the network is away");
            return new Response("<p>Service Unavailable", {status: 503});
          };""")
        self.drop("fi/film.transcode.json", {"transcode": {"state": "running", "percent": 42}})
        browser.wait("return document.querySelector('progress')?.value === 42", "42 %")
        browser.run("window.broken = true")
        self.drop("fi/film.transcode.json", self.rendition("fi/film.webm"))
        browser.wait("return document.querySelector('video')", "the video")
        self.assertEqual(browser.run("return failed"), [0, 1])
        self.assertEqual(browser.complaints(), [])

    def test_a_failure_and_a_deletion_are_told_as_well(self):
        self.drop("bad.json", self.note("bad", "running"))
        self.drop("gone.json", self.note("gone", "running"))
        self.start_site()
        browser = self.browser()
        browser.open(self.apache.address + "/watch?v=bad")
        self.drop("bad.transcode.json",
                  {"transcode": {"state": "failed", "error": "<b>moov</b> not found"}})
        browser.wait("return document.querySelector('pre')?.innerText === '<b>moov</b> not found'",
                     "the reason")
        self.picture(browser, "failed")
        browser.open(self.apache.address + "/watch?v=gone")
        os.unlink(self.path("gone.json"))
        browser.wait("return document.querySelector('h1').innerText === 'Not here'",
                     "it to be gone")

    def test_without_scripts_on_a_phone_with_the_keyboard(self):
        self.film("fi/film.webm")
        long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft "
        self.drop("fi/film.json", {
            **self.note("film", "done"), **self.rendition("fi/film.webm"),
            "description": f"https://example.org/{'long' * 30}\n{long * 5}"})
        self.drop("long.json", {**self.note("long", "failed"), "title": long.strip(),
                                "tags": ["x" * 200, long], "uploader": long, "transcode": {
                                    "state": "failed", "error": "x" * 2000}})
        self.drop("busy.json", {**self.note("busy", "running")})
        self.drop("broken.json", b'{"title": "A", "title": "B"}')
        self.drop("x" * 200 + ".json", b'{"id": "' + b"x" * 500 + b"}")
        self.start_site(writable=True)
        browser = self.phone(scripts=False)
        pages = ["/", "/?q=film", "/?q=%22", "/nowhere",
                 *(f"/{page}?v={video}" for page in ("watch", "embed")
                   for video in ("film", "long", "busy", "none")),
                 *self.for_editors("/edit", "/edit?v=film", "/edit?v=long", "/upload", "/rejects",
                                   "/status")]
        for page in pages:
            browser.open(self.apache.address + page)
            self.picture(browser, "phone-" + (re.sub(r"\W+", "-", page).strip("-") or "home"))
            self.assert_fits_a_phone(browser, page)
        browser.open(self.apache.address)
        browser.press("\ue004", "\ue007")  # Tab: to the skip link; Enter
        self.assertEqual(browser.run("return document.activeElement.id"), "main")
        # And it would be seen.
        browser.run("""const wide = document.createElement("p");
          wide.append("x".repeat(400));
          document.querySelector("main").prepend(wide);
          wide.style.whiteSpace = "nowrap"; wide.style.overflowWrap = "normal";""")
        with self.assertRaises(AssertionError):
            self.assert_fits_a_phone(browser, "a wide one")


class LiveStatus(WatchingCase):
    def start_apache(self, *given, **options):
        self.between = Between(self.live.port)
        self.addCleanup(self.between.close)
        super().start_apache(*given, jcn_port=self.between.port, **options)

    def test_while_jcn_is_away_nobody_says_that_all_is_well(self):
        self.start_site(writable=True)
        browser = self.browser()
        browser.open(self.apache.address + "/status")
        self.assertIn("All is well", browser.find("#state").text())
        self.between.lost = lambda method, target: True
        browser.wait("return document.querySelector('#state .bad')"
                     "?.textContent.startsWith('The list of videos can\\'t be reached')", "it to be said")
        self.assertEqual(browser.run("return document.querySelector('[role=status]').textContent"),
                         browser.find("#state").text())
        self.between.lost = lambda method, target: False
        browser.wait("return document.querySelector('#state').innerText.startsWith('All is well')"
                     " && !document.querySelector('#state .bad')", "it to be well again")


class WatchingByCgi(Watching):
    """The same by jcn.cgi."""
    FRONT = "fastcgi"


class Journey(WatchingCase, TranscodeCase):
    """From a person's file to the video that is found, edited and deleted; jcn-transcode is the
    worker."""

    def clip(self):
        """As a phone makes it, and so large that its upload takes a while: what is behind the film
        is for nobody."""
        path = os.path.join(self.tmp, "clip.mp4")
        colour = "0x{:02x}{:02x}{:02x}".format(*self.colour)
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i",
                        f"color={colour}:size=320x180:rate=10:duration=3", "-pix_fmt", "yuv420p",
                        path], check=True, stdin=subprocess.DEVNULL)
        with open(path, "ab") as file:
            file.write((3_000_008).to_bytes(4, "big") + b"free" + b"\0" * 3_000_000)
        return path

    def test_upload_watch_find_edit_delete(self):
        self.start_site(writable=True)
        clip = self.clip()
        browser = self.browser()
        browser.slow_uploads(2_000_000)  # for the progress bar to move
        browser.open(self.apache.address + "/upload")
        browser.find("#file").type(clip)
        browser.find("#title").type("Ferry </script> in fog")
        browser.find("#tags").type("sea, fog")
        browser.run("""
          const seen = [], bar = document.querySelector("[data-progress] progress");
          new MutationObserver(() => {
            seen.push(bar.value);
            sessionStorage.seen = JSON.stringify(seen);
          }).observe(bar, {attributes: true});""")
        browser.find("form[data-upload] button").click()
        browser.wait("return location.pathname === '/watch'", "the video's page")
        seen = json.loads(browser.run("return sessionStorage.seen"))
        self.assertEqual(seen, sorted(seen))
        self.assertGreater(len(set(seen)), 1, "the progress bar did not move")
        browser.run("window.marker = 'still here'")
        self.assertIn("Processing", browser.find("#player").text())
        self.picture(browser, "processing")
        self.worker("--token-file", self.token_file)
        browser.wait("return document.querySelector('video')", "the video")
        self.assert_plays(browser)
        self.picture(browser, "played")
        self.assertEqual(browser.run("return window.marker"), "still here")

        browser.find("#q").type("ferry\n")
        browser.wait("return document.querySelector('h1').innerText.startsWith('1 for')",
                     "one result")
        browser.follow(browser.link("fog"))
        browser.follow(browser.find(".cards a"))
        browser.follow(browser.link("Edit"))
        browser.find("#title").clear()
        browser.find("#title").type("Ferry in sun\n")
        browser.wait("return document.querySelector('h1').innerText === 'Ferry in sun'",
                     "the new title")
        browser.follow(browser.link("Edit"))
        browser.find(".danger summary").click()
        browser.follow(browser.find(".danger button"))
        browser.wait("return document.querySelector('h1').innerText === '0 videos'",
                     "an empty list")
        wait_for(lambda: not [names for _, _, names in os.walk(self.root) if names],
                 "all of the video to be gone")
        self.assertEqual(browser.complaints(), [])

    def test_what_is_wrong_with_an_upload_is_said_beside_it(self):
        self.start_site(writable=True, settings={"max_upload_bytes": 1000})
        browser = self.browser()
        for name, size, said in [("big.mp4", 2000, "too large"), ("x.php", 10, "no kind of video")]:
            file = os.path.join(self.tmp, name)
            with open(file, "wb") as content:
                content.write(b"x" * size)
            browser.open(self.apache.address + "/upload")
            browser.find("#file").type(file)
            browser.find("#title").type("Kept")
            browser.find("form[data-upload] button").click()
            browser.wait("return document.querySelector('[data-progress]').innerText"
                         f".includes('{said}')", said)
            self.assertEqual(browser.run("return document.querySelector('#title').value"), "Kept")


if __name__ == "__main__":
    unittest.main()
