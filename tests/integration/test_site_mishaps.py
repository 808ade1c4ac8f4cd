"""The site's forms when something comes between: other writers, an end of jcn, a full disk."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import unittest.mock
import urllib.parse

from between_jcn import Between
from harness import PROJECT, TIME_FACTOR, wait_for, write_whole
from site_case import Page, SiteCase, jcn_site, site_in_process
from test_site_worker import WorkerCase
from test_site_writing import WritingCase
from transcode_case import children, runs

from jcn_client import NotFound, Problem  # found since site_case was loaded

PATIENCE = 60 * TIME_FACTOR  # seconds


class MishapCase(WritingCase):
    """The site asks jcn through self.between."""

    SETTINGS = {}

    def start_apache(self, settings=None, more="", **options):
        self.between = Between(self.live.port)
        self.addCleanup(self.between.close)
        super().start_apache(settings, more, jcn_port=self.between.port, **options)

    def form(self, video):
        return self.form_of(self.page(f"/edit?v={video}"))

    def form_of(self, page):
        """What a browser sends of it."""
        return {**page.inputs(), "description": page.one("textarea")[1].replace("\n", "\r\n"),
                "visibility": next(each["value"] for each, _ in page.all("input", type="radio")
                                   if "checked" in each)}

    def edit(self, video, form, **changes):
        return self.post(f"/edit?v={video}", {**form, **changes})

    def post_elsewhere(self, target, body, kind="application/x-www-form-urlencoded"):
        """By another browser, meanwhile: a thread, and where the answer's status will be."""
        statuses = []

        def send():
            connection = http.client.HTTPConnection("127.0.0.1", self.apache.port, timeout=PATIENCE)
            connection.request("POST", target, body, {"Content-Type": kind})
            statuses.append(connection.getresponse().status)
            connection.close()

        thread = threading.Thread(target=send)
        thread.start()
        return thread, statuses

    def edit_elsewhere(self, video, form, **changes):
        return self.post_elsewhere(f"/edit?v={video}", urllib.parse.urlencode({**form, **changes}))

    def seen_from_elsewhere(self, video):
        return self.get(f"/media/{video[:2]}/{video}.webm", X_From="192.0.2.7").status


class PrivateMarks(MishapCase):
    def test_one_who_shows_while_another_hides(self):
        """The first is told that the video is public, and before it takes away the mark the second
        has made it private."""
        video = self.uploaded()
        form = self.form(video)
        written, told, go_on = (threading.Event() for _ in range(3))

        def answered(method, target):
            if method == "PUT":
                written.set()
            elif written.is_set() and not told.is_set() and target == f"/v1/videos/{video}":
                told.set()
                go_on.wait(PATIENCE)

        self.between.answered = answered
        self.addCleanup(go_on.set)
        first, statuses = self.edit_elsewhere(video, form, title="Shown")
        self.assertTrue(told.wait(PATIENCE))
        self.assertEqual(self.edit(video, self.form(video), visibility="private").status, 303)
        self.assertEqual(self.seen_from_elsewhere(video), 403)
        go_on.set()
        first.join()
        self.assertEqual(statuses, [303])
        self.assertEqual(self.live.record(video)["visibility"], "private")
        self.assertEqual(self.seen_from_elsewhere(video), 403)

    def change_by_hand(self, video, visibility):
        self.drop(f"{video[:2]}/{video}.edit.json", {"id": video, "visibility": visibility})
        self.live.sync()

    def test_others_than_the_site_hide_and_show(self):
        """Without the follower, each page that shows the video, or no longer does, sees to it."""
        video = self.uploaded()
        for target in (f"/watch?v={video}", f"/embed?v={video}", f"/edit?v={video}", "/edit"):
            self.change_by_hand(video, "private")
            self.get(target)
            self.assertEqual(self.seen_from_elsewhere(video), 403, target)
            self.change_by_hand(video, "public")
            self.get(target)
            self.assertEqual(self.seen_from_elsewhere(video), 200, target)

    def test_the_follower_sees_every_change(self):
        early, video = self.uploaded(), self.uploaded()
        self.change_by_hand(early, "private")
        program = [sys.executable, "-B", str(PROJECT / "apache/private_marks.py"),
                   os.path.join(self.apache.own, "site.toml")]
        subprocess.run([*program, "--once"], check=True, timeout=PATIENCE)
        self.assertEqual(self.seen_from_elsewhere(early), 403)
        self.assertEqual(self.seen_from_elsewhere(video), 200)
        self.change_by_hand(early, "public")
        follower = subprocess.Popen(program)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.terminate)
        wait_for(lambda: self.seen_from_elsewhere(early) == 200, "the first look")
        for visibility, status in (("private", 403), ("unlisted", 200), ("private", 403)):
            self.change_by_hand(video, visibility)
            wait_for(lambda: self.seen_from_elsewhere(video) == status, visibility)
        follower.terminate()
        self.assertEqual(follower.wait(PATIENCE), 0)


class Together(SiteCase):
    def test_private_apache_brings_up_who_follows_what_others_make_private(self):
        """As tools/run does it, in a folder without videos yet."""
        self.live = self.daemon(f"videos={self.root}",
                                config=(PROJECT / "apache/run.conf").read_text(),
                                arguments=["--token-file", self.token_file])
        own = self.folder("apache")
        os.chmod(own, 0o755)
        together = subprocess.Popen(
            [PROJECT / "apache/private_apache.py", own, "--jcn", f"http://127.0.0.1:{self.live.port}",
             "--folder", self.root, "--root", "videos", "--token-file", self.token_file,
             "--port", "0"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(together.wait)
        self.addCleanup(together.stdout.close)
        self.addCleanup(together.terminate)
        self.assertRegex(together.stdout.readline(), "^site: ready http://127.0.0.1:[0-9]+/$")
        started = children(together.pid)
        self.assertEqual(len(started), 2)
        video = "k7m2xw9qhd4t"
        self.write(f"k7/{video}.mp4", b"x")
        shutil.chown(self.path("k7"), os.stat(self.root).st_uid)
        mark = self.path(f"k7/{video}.private")
        for visibility, marked in (("private", True), ("public", False), ("private", True)):
            self.drop(f"k7/{video}.json", {"id": video, "visibility": visibility})
            wait_for(lambda marked=marked: os.path.exists(mark) == marked, visibility)
        together.terminate()
        self.assertEqual(together.wait(PATIENCE), 0)
        self.assertFalse(any(map(runs, started)))


class Deletions(MishapCase):
    def delete(self, video):
        return self.post(f"/delete?v={video}", {"token": self.token()}).status

    def test_one_that_broke_off_is_finished_by_the_next(self):
        """Wherever it breaks off, the files are hidden by then, and the same button goes on."""
        for breaks_at in range(4):
            with self.subTest(breaks_at=breaks_at):
                video = self.uploaded()
                self.drop(f"{video[:2]}/{video}.transcode.json", {"id": video, "duration": 3})
                self.drop(f"{video[:2]}/{video}.claim.json", {"worker": "one"})
                self.live.sync()
                self.assertEqual(self.edit(video, self.form(video), title="Edited").status, 303)
                deleted = []

                def lost(method, target):
                    if method != "DELETE":
                        return False
                    deleted.append(target)
                    return len(deleted) > breaks_at

                self.between.lost = lost
                self.assertEqual(self.delete(video), 503)
                self.assertEqual(self.seen_from_elsewhere(video), 403)
                self.between.lost = lambda method, target: False
                self.assertEqual(self.delete(video), 303)
                self.assertEqual(self.files(), [])
                self.live.sync()
                self.assertEqual(self.live.rows(), [])
                self.assertEqual(self.delete(video), 404)


class GhostCase(MishapCase):
    def hold(self, method, ending):
        self.arrived, self.go_on = self.between.hold(method, ending)
        self.addCleanup(self.go_on.set)

    def delete(self, video):
        return self.post(f"/delete?v={video}", {"token": self.token()}).status

    def assert_nothing_is_left(self):
        self.live.sync()
        self.assertEqual((self.files(), self.live.rows()), ([], []))


class GhostReports(GhostCase, WorkerCase):
    def test_a_report_that_arrives_when_the_video_is_gone(self):
        video = self.uploaded()
        webhook = self.jobs.pop()["webhook"].removeprefix(self.apache.address)
        self.hold("PUT", ".transcode.json")
        late, statuses = self.post_elsewhere(webhook, b'{"status": "failure"}', "application/json")
        self.assertTrue(self.arrived.wait(PATIENCE))
        self.assertEqual(self.delete(video), 303)
        self.go_on.set()
        late.join()
        self.assertEqual(statuses, [404])
        self.assert_nothing_is_left()


class TriedAgain(GhostCase, WorkerCase):
    def test_by_two_at_once(self):
        """A worker is sent the job once."""
        self.worker.status = 500
        video = self.uploaded()
        self.worker.status = 200
        self.assertEqual(len(self.jobs), 1)
        self.hold("PUT", ".transcode.json")
        address, token = f"/edit/again?v={video}", self.token()
        other, statuses = self.post_elsewhere(address, f"token={token}")
        self.assertTrue(self.arrived.wait(PATIENCE))
        self.assertEqual(self.post(address, {"token": token}).status, 303)
        self.go_on.set()
        other.join()
        self.assertEqual((statuses, len(self.jobs)), ([303], 2))


class GhostNotes(GhostCase):
    """Who writes a note about a video in the moment in which it is deleted leaves none behind."""

    def test_an_edit_that_arrives_when_the_video_is_gone(self):
        video = self.uploaded()
        self.drop("talks/slow.json", {"id": "slow", "title": "Slow", "visibility": "public"})
        self.live.sync()
        for each in (video, "slow"):
            with self.subTest(each):
                self.hold("PUT", ".edit.json")
                late, statuses = self.edit_elsewhere(each, self.form(each), title="Late")
                self.assertTrue(self.arrived.wait(PATIENCE))
                self.assertEqual(self.delete(each), 303)
                self.go_on.set()
                late.join()
                self.assertEqual(statuses, [404])
        self.assert_nothing_is_left()

    def test_a_note_of_that_name_about_another_video_stays(self):
        self.drop("slow.json", {"id": "slow", "title": "Slow"})
        self.drop("slow.edit.json", {"id": "other", "title": "Other"})
        self.drop("other.json", {"id": "other"})
        self.live.sync()
        self.assertEqual(self.delete("slow"), 303)
        self.assertEqual(self.files(), ["other.json", "slow.edit.json"])

    def test_an_edit_by_one_who_was_killed_meanwhile(self):
        """What he asked jcn for arrives all the same."""
        video = self.uploaded()
        self.hold("PUT", ".edit.json")
        answered = threading.Event()
        self.between.answered = lambda method, _: method == "PUT" and answered.set()
        late, statuses = self.edit_elsewhere(video, self.form(video), title="Late")
        self.assertTrue(self.arrived.wait(PATIENCE))
        sites = [pid for pid in children(self.apache.pid)
                 if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"(wsgi:")]
        self.assertEqual(len(sites), 1)
        os.kill(sites[0], signal.SIGKILL)
        late.join()
        self.assertEqual(statuses, [500])
        wait_for(lambda: self.web.get("/").status == 200, "another process of the site")
        self.assertEqual(self.delete(video), 303)
        self.go_on.set()
        self.assertTrue(answered.wait(PATIENCE))
        self.assert_nothing_is_left()

    def test_an_edit_between_the_deletion_s_look_and_its_first_step(self):
        for video in (self.uploaded(), "slow"):
            with self.subTest(video):
                if video == "slow":
                    self.drop("talks/slow.json", {"id": "slow", "title": "Slow"})
                    self.live.sync()
                token, form = self.token(), self.form(video)
                self.hold("DELETE", ".json")
                deletion, statuses = self.post_elsewhere(f"/delete?v={video}", f"token={token}")
                self.assertTrue(self.arrived.wait(PATIENCE))
                self.assertEqual(self.edit(video, form, title="Just in time").status, 303)
                self.assertEqual(self.live.record(video)["title"], "Just in time")
                self.go_on.set()
                deletion.join()
                self.assertEqual(statuses, [303])
        self.assert_nothing_is_left()


class SameMoment(unittest.TestCase):
    """What is so short that no request can be held within it: the site's own functions, and what
    another process does between two of their steps."""

    VIDEO = "k7m2xw9qhd4t"

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        context = site_in_process(self.folder, record=self.record).app_context()
        context.push()
        self.addCleanup(context.pop)
        self.keep(self.VIDEO + ".mp4")

    def test_a_disk_of_jcn_s_that_is_full_is_told_as_such(self):
        site = site_in_process(self.folder)
        for status, code in ((507, 507), (500, 502)):
            site.extensions["jcn"].listing.side_effect = Problem(status, {"detail": "odd"})
            self.assertEqual(site.test_client().get("/").status_code, code)

    def keep(self, *names):
        folder = os.path.join(self.folder, self.VIDEO[:2])
        os.makedirs(folder, exist_ok=True)
        for name in names:
            write_whole(os.path.join(folder, name), b"x")

    def record(self, _):
        raise NotFound(404, {})

    def left(self):
        return [name for _, folders, names in os.walk(self.folder) for name in folders + names]

    def test_a_mark_that_is_made_while_the_files_go(self):
        files_of = jcn_site.uploads.files_of

        def found_and_gone(video_id):
            found = files_of(video_id)
            with unittest.mock.patch.object(jcn_site.uploads, "files_of", files_of):
                jcn_site.uploads.remove_files(video_id)
            return found

        for others in ([], ["other"]):  # the folder goes, or does not
            self.keep(self.VIDEO + ".mp4", *others)
            looks = iter([found_and_gone])
            with self.subTest(others=others), unittest.mock.patch.object(
                    jcn_site.uploads, "files_of", lambda video_id: next(looks, files_of)(video_id)):
                jcn_site.marks.follow(self.VIDEO)
                self.assertEqual(self.left(), [*(["k7"] if others else []), *others])

    def test_a_mark_that_comes_while_the_files_go(self):
        files_of, listed = jcn_site.uploads.files_of, []

        def marked_meanwhile(video_id):
            found = files_of(video_id)
            if not listed:
                jcn_site.marks.put(video_id)
            listed.append(found)
            return found

        with unittest.mock.patch.object(jcn_site.uploads, "files_of", marked_meanwhile):
            jcn_site.uploads.remove_files(self.VIDEO)
        self.assertEqual(self.left(), [])

    def test_a_file_is_synced_as_it_arrives(self):
        """At its end no more is left than a slow disk takes before Apache gives up."""
        part, sizes = jcn_site.uploads.Part(self.folder, 1 << 30), []
        self.addCleanup(part.discard)
        with unittest.mock.patch.object(jcn_site.uploads, "SYNC_BYTES", 100_000), \
                unittest.mock.patch("os.fdatasync", lambda file: sizes.append(os.fstat(file).st_size)):
            for _ in range(10):
                part.write(b"x" * 30_000)
        self.assertEqual(sizes, [120_000, 240_000])

    def test_a_folder_that_goes_with_its_last_video(self):
        part = jcn_site.uploads.Part(self.folder, 100)
        part.write(b"new")
        gone = []

        def deletion():
            if not gone:
                gone.append(os.rmdir(os.path.join(self.folder, part.id[:2])))

        path = part.keep("mp4", before=deletion)
        with open(os.path.join(self.folder, path), "rb") as file:
            self.assertEqual(file.read(), b"new")


class StaleForms(MishapCase):
    """A form lay open while others wrote, to whichever note."""

    def drop_again(self, video, **changes):
        """The note of the upload, changed by hand."""
        path = f"{video[:2]}/{video}.json"
        with open(self.path(path), encoding="utf-8") as file:
            note = json.load(file)
        self.drop(path, {**note, **changes})
        self.live.sync()

    def edits(self, video):
        with open(self.path(f"{video[:2]}/{video}.edit.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_what_was_not_changed_is_not_written(self):
        video = self.uploaded()
        form = self.form(video)
        self.drop_again(video, visibility="private", title="By hand", tags=["other"])
        self.assertEqual(self.edit(video, form, description="Seen from the pier").status, 303)
        record = self.live.record(video)
        self.assertEqual([record[name] for name in ("visibility", "title", "tags", "description")],
                         ["private", "By hand", ["other"], "Seen from the pier"])
        self.assertEqual(self.edits(video), {"id": video, "description": "Seen from the pier"})

    def test_what_both_changed_is_a_conflict(self):
        video = self.uploaded()
        form = self.form(video)
        self.drop_again(video, title="By hand", visibility="private")
        answer = self.edit(video, form, title="By form")
        self.assertEqual(answer.status, 409)
        page = Page(answer)
        self.assertIn("“By hand”", page.one("div", id="complaints")[1])
        self.assertEqual(self.live.record(video)["title"], "By hand")
        # The page has the reader's change, and of the rest what others wrote; sent again, it is
        # taken.
        form = self.form_of(page)
        self.assertEqual((form["title"], form["visibility"]), ("By form", "private"))
        self.assertEqual(self.edit(video, form).status, 303)
        self.assertEqual(self.edits(video), {"id": video, "title": "By form"})
        self.assertEqual(self.live.record(video)["visibility"], "private")

    def test_two_forms_that_change_different_things(self):
        video = self.uploaded()
        one, other = self.form(video), self.form(video)
        self.assertEqual(self.edit(video, one, title="One's").status, 303)
        self.assertEqual(self.edit(video, other, tags="other's").status, 303)
        self.assertEqual(self.edits(video), {"id": video, "title": "One's", "tags": ["other's"]})

    def test_a_complaint_does_not_refresh_what_was_seen(self):
        video = self.uploaded()
        form = self.form(video)
        self.drop_again(video, title="By hand")
        answer = self.edit(video, form, title="By form", tags="x" * 61)
        self.assertEqual(answer.status, 422)
        again = {**self.form_of(Page(answer)), "tags": form["tags"]}
        self.assertEqual(self.edit(video, again).status, 409)

    def test_white_space_and_commas_are_no_changes(self):
        self.drop("odd.json", {"id": "odd", "title": " Two\nlines ", "visibility": "public",
                               "description": "\r\n a\rb\r\nc \n", "tags": ["x, y", " z "]})
        self.live.sync()
        self.assertEqual(self.edit("odd", self.form("odd")).status, 303)
        self.assertEqual(self.files(), ["odd.json"])
        self.assertEqual(self.edit("odd", self.form("odd"), visibility="unlisted").status, 303)
        with open(self.path("odd.edit.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file), {"id": "odd", "visibility": "unlisted"})

    def test_a_note_of_edits_that_can_t_be_read(self):
        video = self.uploaded()
        self.drop(f"{video[:2]}/{video}.edit.json", b'{"title": ')
        self.live.sync()
        self.assertEqual(self.edit(video, self.form(video), title="By form").status, 409)
        with open(self.path(f"{video[:2]}/{video}.edit.json"), "rb") as file:
            self.assertEqual(file.read(), b'{"title": ')


if __name__ == "__main__":
    unittest.main()
