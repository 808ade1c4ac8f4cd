"""The site and a worker elsewhere, to whom it posts uploads and who reports back."""

import http.server
import json
import os
import threading
import time
import unittest

from test_site_writing import ELSEWHERE, VIDEO, WritingCase


class WorkerCase(WritingCase):
    """self.jobs: what a worker elsewhere was sent."""

    def setUp(self):
        self.jobs = jobs = []

        class Worker(http.server.BaseHTTPRequestHandler):
            status = 200

            def do_POST(self):
                jobs.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(self.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.worker = Worker
        server = http.server.HTTPServer(("127.0.0.1", 0), Worker)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.SETTINGS = {"worker": f"http://127.0.0.1:{server.server_port}/videos"}
        super().setUp()

    def report(self, webhook, said):
        target = webhook.removeprefix(self.apache.address)
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return self.web.request("POST", target, body, {"Content-Type": "application/json"}).status


class WorkerElsewhere(WorkerCase):
    """The site gives videos to a worker, and takes its reports."""

    def test_success_with_or_without_a_picture(self):
        video = self.uploaded()
        job = self.jobs.pop()
        self.assertEqual(job["inputObject"], f"{video[:2]}/{video}.webm")
        output, picture = f"{video[:2]}/{video}.small.mp4", f"{video[:2]}/{video}.jpg"
        said = {"status": "success", "inputObject": job["inputObject"], "outputObject": output}
        self.assertEqual(self.report(job["webhook"], said), 200)
        page = self.page(f"/watch?v={video}")
        self.assertEqual(page.one("source")[0], {"src": "/media/" + output, "type": "video/mp4"})
        self.assertEqual(page.all("div", data_events=f"/events?v={video}"), [])
        self.assertEqual(self.report(job["webhook"], {**said, "thumbnail": picture}), 200)
        self.assertEqual(self.page(f"/watch?v={video}").one("video")[0]["poster"],
                         "/media/" + picture)

    def made(self, name, data=b"made"):
        """A worker's file."""
        self.write(name, data)
        self.give_away(os.path.dirname(name))
        return name

    def give_away(self, name):
        if os.geteuid() == 0:
            os.chown(self.path(name), os.stat(self.root).st_uid, -1)

    def seen_from_elsewhere(self, path):
        return self.get("/media/" + path, X_From="192.0.2.7").status

    def test_files_that_have_the_worker_s_own_names(self):
        """They are the video's: private with it, and deleted with it."""
        video = self.uploaded(visibility="private")
        webhook = self.jobs.pop()["webhook"]
        film, still = self.made("out/42 ü.webm"), self.made("out/42.jpg", b"still")
        said = {"status": "success", "outputObject": film, "thumbnail": still}
        for _ in range(2):  # the answer to the first was lost
            self.assertEqual(self.report(webhook, said), 200)
            record = self.live.record(video)
            self.assertEqual(record["transcode"]["state"], "done")
            files = [record["renditions"][0]["path"], record["poster"]]
            for path in files:
                self.assertRegex(path, f"^{video[:2]}/{video}\\.")
                self.assertEqual((self.get("/media/" + path).status, self.seen_from_elsewhere(path)),
                                 (200, 403))
        self.assertEqual(self.get("/media/" + files[0]).body, b"made")
        self.assertEqual(self.get("/media/" + files[1]).body, b"still")
        self.assertEqual([path for path in self.files() if path.startswith("out")], [])
        self.made("out/42.jpg", b"better")
        self.assertEqual(self.report(webhook, said), 200)
        self.assertEqual(self.get("/media/" + files[1]).body, b"better")
        self.assertEqual(self.post(f"/delete?v={video}", {"token": self.token()}).status, 303)
        self.assertEqual(self.files(), [])

    def test_a_report_after_the_deletion_leaves_no_file(self):
        video = self.uploaded(visibility="private")
        webhook = self.jobs.pop()["webhook"]
        self.post(f"/delete?v={video}", {"token": self.token()})
        said = {"status": "success", "outputObject": self.made("out/42.webm")}
        self.assertEqual(self.report(webhook, said), 404)
        self.assertEqual((self.files(), os.path.exists(self.path(video[:2]))), ([], False))

    def test_files_that_are_not_the_worker_s_stay_where_they_are(self):
        other = self.uploaded(visibility="private")
        video = self.uploaded()
        webhook = self.jobs.pop()["webhook"]
        self.write("out/new.webm", b"x")
        os.symlink("new.webm", self.path("out/link.webm"))
        os.symlink("out", self.path("way"))
        os.link(self.path("out/new.webm"), self.path("out/twice.webm"))
        os.makedirs(self.path("out/folder.webm"))
        os.mkfifo(self.path("out/pipe.webm"))
        self.give_away("out")
        theirs = f"{other[:2]}/{other}"
        before = self.files()
        for path in (f"{theirs}.webm", f"{theirs}.out/x.webm", "out/link.webm", "way/new.webm",
                     "out/twice.webm", "out/folder.webm", "out/pipe.webm", "out/none.webm",
                     "none/new.webm", "out/new.webm/x.webm", "out/../out/new.webm",
                     "/etc/x.webm"):
            with self.subTest(path):
                said = {"status": "success", "outputObject": path}
                self.assertEqual(self.report(webhook, said), 200)
                self.assertEqual(self.live.record(video)["transcode"]["state"], "failed")
                self.assertEqual([each for each in self.files()
                                  if not each.endswith(".transcode.json")], before)
        self.assertEqual(self.report(webhook, {
            "status": "success", "outputObject": f"{video[:2]}/{video}.webm",
            "thumbnail": f"{theirs}.jpg"}), 200)
        self.assertNotIn("poster", self.live.record(video))

    def test_a_person_s_file_that_was_there_before_stays(self):
        old = self.made("talks/slow.webm", b"a person's")
        self.worker.status = 500
        video = self.uploaded()
        self.worker.status = 200
        later = time.time() + 60
        os.utime(self.path(f"{video[:2]}/{video}.webm"), (later, later))
        self.post(f"/edit/again?v={video}", {"token": self.token()})
        said = {"status": "success", "outputObject": old}
        self.assertEqual(self.report(self.jobs.pop()["webhook"], said), 200)
        self.assertIn("before", self.live.record(video)["transcode"]["error"])
        self.assertIn(old, self.files())

    @unittest.skipUnless(os.geteuid() == 0, "root makes files that the site can't move")
    def test_a_file_that_can_t_be_moved_is_not_taken(self):
        video = self.uploaded()
        self.write("out/new.webm", b"x")
        os.chmod(self.path("out"), 0o755)
        said = {"status": "success", "outputObject": "out/new.webm"}
        self.assertEqual(self.report(self.jobs.pop()["webhook"], said), 200)
        self.assertIn("Permission denied", self.live.record(video)["transcode"]["error"])

    def test_whatever_else_is_a_failure_that_the_page_tells(self):
        for said in ({"status": "failure"}, {"status": "failure", "inputObject": "x"}, {},
                     {"status": 5},
                     {"status": "success"}, {"status": "success", "outputObject": "../x.mp4"},
                     {"status": "success", "outputObject": "x.php"},
                     {"status": "success", "outputObject": 5}):
            with self.subTest(said):
                video = self.uploaded()
                self.assertEqual(self.report(self.jobs.pop()["webhook"], said), 200)
                self.assertEqual(self.live.record(video)["transcode"]["state"], "failed")
                self.assertEqual(
                    len(self.page(f"/watch?v={video}").all("div", class_="work bad")), 1)

    def test_a_worker_that_is_away(self):
        self.worker.status = 500
        video = self.uploaded()
        self.assertEqual(self.live.record(video)["transcode"]["state"], "failed")
        self.assertEqual(self.get(f"/media/{video[:2]}/{video}.webm").body, VIDEO)

    def test_it_reports_where_the_administrator_says(self):
        self.stop_apache(self.apache)
        self.start_apache(more=ELSEWHERE, settings={**self.SETTINGS, "address": "https://in.example/"})
        video = self.uploaded()
        webhook = self.jobs.pop()["webhook"]
        self.assertTrue(webhook.startswith(f"https://in.example/webhook?v={video}&"), webhook)
        answer = self.web.request("POST", webhook.removeprefix("https://in.example"),
                                  b'{"status": "failure"}', {"Host": "in.example"})
        self.assertEqual(answer.status, 200)

    def test_it_is_asked_again(self):
        self.worker.status = 500
        video = self.uploaded()
        self.worker.status = 200
        answer = self.post(f"/edit/again?v={video}", {"token": self.token()})
        self.assertEqual(answer.headers["location"], f"/watch?v={video}")
        self.assertEqual(self.live.record(video)["transcode"]["state"], "queued")
        first, second = self.jobs
        self.assertEqual(first, second)
        self.drop("slow.json", {"id": "slow", "source": {"path": "slow.mp4"},
                                "transcode": {"state": "failed"}})
        self.live.sync()  # of which it could not report
        self.assertEqual(self.page("/edit?v=slow").all("form", action="/edit/again?v=slow"), [])

    def test_it_is_asked_again_if_it_says_nothing(self):
        """It may have ended, or it was told of an address where it reaches nobody."""
        video = self.uploaded()
        address, token = f"/edit/again?v={video}", self.token()

        def offered():
            return len(self.page(f"/watch?v={video}").all("form", action=address))

        self.assertEqual((offered(), self.post(address, {"token": token}).status), (0, 303))
        self.assertEqual(len(self.jobs), 1)
        for note in (f"{video[:2]}/{video}.json", f"{video[:2]}/{video}.transcode.json"):
            with self.subTest(note):
                with open(self.path(note), encoding="utf-8") as file:
                    said = json.load(file)
                for moment in ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00+05:00"):
                    self.drop(note, {**said, "transcode": {"state": "running", "updated_at": moment}})
                    self.live.sync()
                    self.assertEqual(offered(), 1, moment)
                self.jobs.clear()
                for _ in range(2):
                    self.assertEqual(self.post(address, {"token": token}).status, 303)
                self.assertEqual((len(self.jobs), offered()), (1, 0))
                self.assertEqual(self.live.record(video)["transcode"]["state"], "queued")

    def test_reports_of_others_are_refused(self):
        video, other = self.uploaded(), self.uploaded()
        webhook = self.jobs[0]["webhook"]
        for wrong in (webhook[:-1], webhook.replace(video, other), webhook.partition("&")[0],
                      self.apache.address + "/webhook"):
            self.assertEqual(self.report(wrong, {"status": "failure"}), 403)
        for nothing in (b"", b"{", b"[]", b'"x"'):
            self.assertEqual(self.report(webhook, nothing), 400)
        self.post(f"/delete?v={video}", {"token": self.token()})
        self.assertEqual(self.report(webhook, {"status": "failure"}), 404)
        self.assertEqual(self.live.record(other)["transcode"]["state"], "queued")


if __name__ == "__main__":
    unittest.main()
