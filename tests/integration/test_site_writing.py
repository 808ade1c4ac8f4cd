"""The site's forms: upload, edit, delete, and who may send them."""

import errno
import http.client
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest

from harness import TIME_FACTOR, Answer, wait_for
from site_case import Page, SiteCase, jcn_site, multipart, site_config

VIDEO = b"\x1a\x45\xdf\xa3" + os.urandom(200_000)
FIELDS = {"title": "Ferry", "description": "In\r\nfog", "tags": "sea, fog,sea",
          "visibility": "public"}


# Who comes from elsewhere: a test can't, so Apache is told to believe a header.
ELSEWHERE = ("LoadModule remoteip_module /usr/lib/apache2/modules/mod_remoteip.so\n"
             "RemoteIPHeader X-From\nRemoteIPInternalProxy 127.0.0.1\n")


class WritingCase(SiteCase):
    SETTINGS = {}

    def setUp(self):
        super().setUp()
        self.start_site(writable=True, more=ELSEWHERE,
                        settings={"max_upload_bytes": 1_000_000, **self.SETTINGS})

    def files(self):
        """Paths of all files beneath the root."""
        return sorted(os.path.relpath(os.path.join(folder, name), self.root)
                      for folder, _, names in os.walk(self.root) for name in names)

    def upload(self, file=("clip.webm", VIDEO), target="/upload", headers=None, **fields):
        fields = {"token": self.token(), **FIELDS, **fields}
        return self.post(target, fields, file, **(headers or {}))

    def uploaded(self, **options):
        """The id of a new video."""
        answer = self.upload(**options)
        self.assertEqual(answer.status, 303, answer.body[-2000:])
        return re.fullmatch(r"/(?:watch|edit)\?v=([a-z2-9]{12})",
                            answer.headers["location"]).group(1)


class Uploads(WritingCase):
    def test_an_upload_is_stored_and_visible(self):
        video = self.uploaded()
        path = f"{video[:2]}/{video}.webm"
        record = self.live.record(video)
        moment = record.pop("uploaded_at")
        self.assertRegex(moment, r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertRegex(record["transcode"].pop("updated_at"), "Z$")
        self.assertEqual(record, {
            "id": video, "title": "Ferry", "description": "In\nfog", "tags": ["sea", "fog"],
            "uploader": "local", "visibility": "public", "transcode": {"state": "queued"},
            "source": {"path": path, "type": "video/webm", "size": len(VIDEO)}})
        self.assertEqual(self.files(), [f"{video[:2]}/{video}.json", path])
        self.assertEqual(self.get("/media/" + path).body, VIDEO)
        self.assertEqual(self.page("/").titles(), ["Ferry"])
        page = self.page(f"/watch?v={video}")
        self.assertEqual(page.one("div", id="player")[0]["data-events"], f"/events?v={video}")
        self.assertEqual(self.live.rejects(), {})

    def test_names_of_uploaders_lead_nowhere(self):
        for name in ("../../x.mp4", "/etc/x.mp4", "..\\x.mp4", "x.php.mp4", ".mp4", "a\r\nb.mp4",
                     "\x00.mp4", "x" * 5000 + ".mp4", "<script>.MP4", "ü.mp4"):
            with self.subTest(name[:20]):
                video = self.uploaded(file=(name, b"x"), title="")
                self.assertTrue(os.path.exists(self.path(f"{video[:2]}/{video}.mp4")))
                self.page(f"/watch?v={video}")
        before = self.files()
        for name in ("x.php", ".htaccess", "x.html", "x.mp4.php", "mp4", "x.", "x.svg", "x.mp4/",
                     ""):
            with self.subTest(name):
                answer = self.upload(file=(name, b"x"))
                self.assertEqual(answer.status, 422)
                self.assertEqual(Page(answer).one("input", id="title")[0]["value"], "Ferry")
        self.assertEqual(self.files(), before)

    def test_what_is_wrong_is_said_and_nothing_is_left(self):
        for fields in ({"title": "x" * 501}, {"description": "x" * 20001}, {"tags": "x" * 61},
                       {"tags": ",".join(str(n) for n in range(31))}, {"visibility": "all"}):
            with self.subTest(fields=str(fields)[:40]):
                answer = self.upload(**fields)
                self.assertEqual(answer.status, 422)
                self.assertEqual(len(Page(answer).all("div", id="complaints")), 1)
        self.assertEqual(self.upload(file=("x.mp4", b"")).status, 422)
        self.assertEqual(self.post("/upload", {"token": self.token(), **FIELDS}).status, 422)
        self.assertEqual(self.files(), [])

    def test_too_large_is_413(self):
        self.assertEqual(self.upload(file=("x.mp4", b"x" * 1_000_001)).status, 413)
        self.assertEqual(self.upload(file=("x.mp4", b"x" * 1_700_000)).status, 413)
        self.assertEqual(self.files(), [])
        self.uploaded(file=("x.mp4", b"x" * 1_000_000))

    def test_an_upload_that_breaks_off_leaves_nothing(self):
        body, kind = multipart({"token": self.token(), **FIELDS}, ("x.mp4", VIDEO))
        with socket.create_connection(("127.0.0.1", self.apache.port)) as broken:
            broken.sendall((f"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
                            f"Content-Length: {len(body)}\r\n\r\n").encode() + body[:150_000])
            wait_for(self.files, "the part that has arrived")
            self.assertRegex(self.files()[0], r"^incoming/[a-z2-9]{12}\.part$")
            self.assertEqual(self.get("/media/" + self.files()[0]).status, 403)
        wait_for(lambda: not self.files(), "the part to be removed")
        self.assertEqual(self.live.rejects(), {})

    def test_parts_of_uploads_that_were_killed_go_after_a_day(self):
        os.makedirs(self.path("incoming"))
        for name, age in (("old.part", 25 * 3600), ("new.part", 3600)):
            with open(self.path("incoming/" + name), "wb"):
                pass
            os.utime(self.path("incoming/" + name), (time.time() - age,) * 2)
        if os.geteuid() == 0:
            os.chown(self.path("incoming"), os.stat(self.root).st_uid, -1)
        self.uploaded()
        self.assertEqual([path for path in self.files() if path.startswith("incoming")],
                         ["incoming/new.part"])

    def test_without_jcn_nothing_is_taken(self):
        token = self.token()
        self.live.stop()
        answer = self.post("/upload", {"token": token, **FIELDS}, ("x.mp4", VIDEO))
        self.assertEqual(answer.status, 503)
        self.assertEqual(self.files(), [])
        self.live.start()

    def test_two_files_or_a_file_elsewhere_are_refused(self):
        video = self.uploaded()
        answer = self.post(f"/edit?v={video}", {"token": self.token(), **FIELDS}, ("x.mp4", b"x"))
        self.assertEqual(answer.status, 400)
        twice, kind = multipart({"token": self.token(), **FIELDS}, ("x.mp4", b"x"), ("y.mp4", b"y"))
        answer = self.web.request("POST", "/upload", twice, {"Content-Type": kind})
        self.assertEqual(answer.status, 400)
        self.assertEqual(len(self.files()), 2)


class FullDisk(SiteCase):
    """The site's folder is a file system of 2 MB, in a mount namespace of its own."""

    SMALL = ["unshare", "--mount", "sh", "-c",
             'mount -t tmpfs -o size=2m,nr_inodes=20,mode=777 tmpfs "$0" && exec "$@"']

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0 or subprocess.run([*self.SMALL, self.root, "true"], check=False,
                                               capture_output=True).returncode != 0:
            self.skipTest("needs root and mount namespaces")
        self.live = self.daemon(f"videos={self.root}")
        self.start_apache(before=[*self.SMALL, self.root])
        self.inside = f"/proc/{self.apache.pid}/root{self.root}"

    def files(self):
        return [name for _, _, names in os.walk(self.inside) for name in names]

    def assert_507(self, answer):
        self.assertEqual(answer.status, 507)
        self.assertIn("no room", Page(answer).one("p", id="complaints")[1])
        self.assertEqual([name for name in self.files() if name != "filler"], [])

    def test_what_can_t_fit_is_refused_before_it_is_read(self):
        self.assert_507(self.post("/upload", {"token": self.token(), **FIELDS},
                                  ("x.mp4", b"x" * 3_000_000)))

    def test_a_disk_that_fills_up_meanwhile(self):
        body, kind = multipart({"token": self.token(), **FIELDS}, ("x.mp4", os.urandom(1_500_000)))
        with socket.create_connection(("127.0.0.1", self.apache.port), 30 * TIME_FACTOR) as slow:
            slow.sendall((f"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
                          f"Content-Length: {len(body)}\r\n\r\n").encode() + body[:300_000])
            wait_for(self.files, "the part that has arrived")
            with open(self.inside + "/filler", "wb", buffering=0) as filler:
                while True:
                    try:
                        filler.write(b"x" * 4096)
                    except OSError as error:
                        self.assertEqual(error.errno, errno.ENOSPC)
                        break
            slow.sendall(body[300_000:])
            answer = http.client.HTTPResponse(slow)
            answer.begin()
            self.assert_507(Answer(answer.status, {}, answer.read()))

    def use_up_names(self):
        """Of 20 inodes, 30 folders take all."""
        for n in range(30):
            try:
                os.mkdir(f"{self.inside}/folder{n}")
            except OSError as error:
                self.assertEqual(error.errno, errno.ENOSPC)
                return
        self.fail("there is always room")

    def test_no_place_for_one_more_name(self):
        token = self.token()
        self.use_up_names()
        self.assert_507(self.post("/upload", {"token": token, **FIELDS}, ("x.mp4", b"x")))

    def test_no_place_for_the_mark_of_a_video_that_becomes_private(self):
        video = "k7m2xw9qhd4t"
        self.drop(f"k7/{video}.json", {"id": video, "title": "One", "visibility": "public"})
        self.live.sync()
        os.mkdir(self.inside + "/k7")
        os.chmod(self.inside + "/k7", 0o777)
        with open(f"{self.inside}/k7/{video}.mp4", "wb"):
            pass
        form = self.page(f"/edit?v={video}").inputs()
        self.use_up_names()
        answer = self.post(f"/edit?v={video}", {**form, "title": "One", "visibility": "private"})
        self.assertEqual(answer.status, 507)
        self.assertIn("no room", Page(answer).one("p", id="complaints")[1])
        self.assertEqual(self.live.record(video)["visibility"], "public")

    def test_no_place_for_the_mark_of_a_private_video(self):
        """The file has its place already, and what keeps it private has none: one name is left
        besides the two folders and the part."""
        token = self.token()
        self.use_up_names()
        for free in range(3):
            os.rmdir(f"{self.inside}/folder{free}")
        self.assert_507(self.post("/upload", {"token": token, **FIELDS, "visibility": "private"},
                                  ("x.mp4", b"x")))
        self.assertEqual(os.listdir(f"{self.inside}/incoming"), [])
        left = [name for name in os.listdir(self.inside) if not name.startswith("folder")]
        self.assertEqual(left, ["incoming"])


class Edits(WritingCase):
    def edit(self, video, fields, form=None):
        form = form or self.page(f"/edit?v={video}").inputs()
        return self.post(f"/edit?v={video}", {**form, **FIELDS, **fields})

    def test_people_have_the_last_word_and_the_upload_stays_as_it_was(self):
        video = self.uploaded()
        self.assertEqual(self.edit(video,
                                   {"title": "Ferry in fog", "visibility": "unlisted"}).status, 303)
        with open(self.path(f"{video[:2]}/{video}.json"), encoding="utf-8") as file:
            self.assertIn('"title": "Ferry"', file.read())
        self.drop(f"{video[:2]}/{video}.transcode.json", {"title": "A worker's", "width": 640})
        self.live.sync()
        record = self.live.record(video)
        self.assertEqual((record["title"], record["visibility"], record["width"]),
                         ("Ferry in fog", "unlisted", 640))
        self.assertEqual(self.page("/").titles(), [])
        page = self.page(f"/watch?v={video}")
        self.assertEqual(page.one("h1")[1], "Ferry in fog")
        rows = ["".join(text.split()) for _, text in page.all("tr")]
        said = f"{video[:2]}/{video}"
        self.assertIn(f"title{said}.edit.json{said}.json,{said}.transcode.json", rows)
        self.assertEqual(self.edit(video, {"title": "Third", "description": ""}).status, 303)
        record = self.live.record(video)
        self.assertEqual((record["title"], record["visibility"]), ("Third", "public"))
        self.assertNotIn("description", record)

    def test_nobody_s_change_is_lost(self):
        video = self.uploaded()
        form = self.page(f"/edit?v={video}").inputs()
        self.assertEqual(self.edit(video, {"title": "First"}, form).status, 303)
        answer = self.edit(video, {"title": "Second"}, form)
        self.assertEqual(answer.status, 409)
        page = Page(answer)
        self.assertIn("“First”", page.one("div", id="complaints")[1])
        self.assertEqual(page.one("input", id="title")[0]["value"], "Second")
        self.assertEqual(self.live.record(video)["title"], "First")
        self.assertEqual(self.edit(video, {"title": "Second"}, page.inputs()).status, 303)
        self.assertEqual(self.live.record(video)["title"], "Second")
        # An edit of the file from outside counts, too.
        form = self.page(f"/edit?v={video}").inputs()
        self.drop(f"{video[:2]}/{video}.edit.json", {"id": video, "title": "From outside"})
        self.live.sync()
        self.assertEqual(self.edit(video, {"title": "Fourth"}, form).status, 409)

    def test_a_note_that_was_dropped_by_hand_can_be_edited(self):
        self.drop("talks/slow.json", {"id": "slow-data", "title": "Slow", "visibility": "public"})
        self.live.sync()
        self.assertEqual(self.edit("slow-data", {"title": "Slower"}).status, 303)
        self.assertEqual(self.live.record("slow-data")["title"], "Slower")
        self.assertIn("talks/slow.edit.json", self.files())

    def test_private_videos_are_shown_to_editors_only(self):
        answer = self.upload(visibility="private")
        video = answer.headers["location"].partition("=")[2]
        self.assertEqual(answer.headers["location"], f"/edit?v={video}")
        self.page(f"/watch?v={video}", 404)
        self.assertEqual(len(self.page(f"/edit?v={video}").all("div", id="player")), 1)
        self.assertEqual(self.get(f"/edit?v={video}").headers["cache-control"], "private, no-cache")

    def test_files_of_private_videos_are_for_editors_only(self):
        def seen_from_elsewhere():
            address = f"/media/{video[:2]}/{video}.webm"
            mine, theirs = self.get(address), self.get(address, X_From="192.0.2.7")
            self.assertEqual(mine.status, 200)
            # What only some may see is not for caches that several share.
            self.assertEqual(mine.headers["cache-control"],
                             "no-cache" if theirs.status == 200 else "private, no-cache")
            return theirs.status

        video = self.uploaded(visibility="private")
        self.assertEqual(seen_from_elsewhere(), 403)
        file = f"{video[:2]}/{video}.webm"
        for name in ("X-Forwarded-For", "Forwarded", "Via"):  # a proxy here speaks for others
            self.assertEqual(self.get(f"/media/{file}", **{name: "1.1 proxy"}).status, 403)
        for other in (f"/media//{file}", f"/media/x/../{file}", f"/media/./{file}",
                      f"/%6dedia/{file}", f"//media/{file}", f"/media/{file}?v=1",
                      f"/media/%2e/{file}", f"/media/{video[:2]}//{video}.webm",
                      f"/media/{video[:2]}%2f{video}.webm"):
            self.assertIn(self.get(other, X_From="192.0.2.7").status, (403, 404), other)
        self.assertEqual(self.edit(video, {"visibility": "unlisted"}).status, 303)
        self.assertEqual(seen_from_elsewhere(), 200)
        form = self.page(f"/edit?v={video}").inputs()
        self.assertEqual(self.edit(video, {"visibility": "public"}).status, 303)
        self.assertEqual(self.edit(video, {"visibility": "private"}, form).status, 409)
        self.assertEqual(seen_from_elsewhere(), 200)  # as the video is
        self.assertEqual(self.edit(video, {"visibility": "private"}).status, 303)
        self.assertEqual(seen_from_elsewhere(), 403)
        self.assertEqual(self.edit(video, {}).status, 303)
        self.assertEqual(seen_from_elsewhere(), 200)
        self.assertEqual(self.get(f"/media/{video[:2]}/{video}.private").status, 403)
        self.edit(video, {"visibility": "private"})
        self.post(f"/delete?v={video}", {"token": self.token()})
        self.assertEqual(self.files(), [])

    def test_deleted_with_all_its_files(self):
        video, other = self.uploaded(), self.uploaded(title="Other")
        folder = video[:2]
        for name in (f"{video}.480p.webm", f"{video}.poster.jpg"):
            self.write(f"{folder}/{name}", b"x")
        self.drop(f"{folder}/{video}.transcode.json", {"id": video, "duration": 3})
        self.drop(f"{folder}/{video}.claim.json", {"worker": "one"})
        self.live.sync()
        self.edit(video, {"title": "Edited"})
        token = self.token()
        self.assertEqual(self.post(f"/delete?v={video}", {"token": "wrong"}).status, 403)
        self.assertEqual(self.post(f"/delete?v={video}", {"token": token}).status, 303)
        self.assertEqual(self.files(), [f"{other[:2]}/{other}.json", f"{other[:2]}/{other}.webm"])
        self.page(f"/watch?v={video}", 404)
        self.assertEqual(self.page("/").titles(), ["Other"])
        self.assertEqual(self.post(f"/delete?v={video}", {"token": token}).status, 404)
        self.assertEqual(self.post("/delete?v=..%2F..", {"token": token}).status, 404)

    def test_what_has_failed_can_be_tried_again(self):
        video = self.uploaded()
        transcode = f"{video[:2]}/{video}.transcode.json"
        address, token = f"/edit/again?v={video}", self.token()

        def offered():
            return [len(self.page(f"/{page}?v={video}").all("form", action=address))
                    for page in ("watch", "edit")]

        self.assertEqual(offered(), [0, 0])
        self.assertEqual(self.post(address, {"token": token}).status, 303)  # there is no need
        self.assertFalse(os.path.exists(self.path(transcode)))
        self.drop(transcode, {"id": video, "duration": 3, "transcode": {"state": "failed"}})
        self.live.sync()
        self.assertEqual(offered(), [1, 1])
        page = self.page(f"/watch?v={video}", X_From="192.0.2.7")
        self.assertEqual(page.all("button", class_="button"), [])
        self.assertEqual(self.post(address, {"token": token}, X_From="192.0.2.7").status, 403)
        self.assertEqual(self.post(address, {"token": "x"}).status, 403)
        for _ in range(2):
            self.assertEqual(self.post(address, {"token": token}).status, 303)
            record = self.live.record(video)
            self.assertRegex(record["transcode"].pop("updated_at"), "Z$")
            self.assertEqual((record["transcode"], record["duration"]), ({"state": "queued"}, 3))
        self.assertEqual(offered(), [0, 0])
        self.drop(transcode, b"[")
        self.drop(f"{video[:2]}/{video}.edit.json", {"id": video, "transcode": {"state": "failed"}})
        self.live.sync()
        self.assertEqual(self.post(address, {"token": token}).status, 409)
        self.drop(transcode, {"id": video})
        self.live.sync()
        self.assertEqual(self.post(address, {"token": token}).status, 409)
        self.post(f"/delete?v={video}", {"token": token})
        self.assertEqual(self.post(address, {"token": token}).status, 404)

    def test_what_can_t_be_saved_is_said(self):
        video = self.uploaded()
        self.assertEqual(self.edit(video, {"title": " "}).status, 422)
        self.assertEqual(self.edit(video, {"title": "x" * 501}).status, 422)
        self.page("/edit?v=none", 404)
        self.assertEqual(self.live.record(video)["title"], "Ferry")


@unittest.skipIf(jcn_site is None, "needs python3-flask")
class SettingsFiles(unittest.TestCase):
    def test_what_can_t_work_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("token", "abc\n"), ("empty", "\n")):
                with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                    file.write(text)

            def read(**values):
                path = os.path.join(folder, "site.toml")
                with open(path, "w", encoding="utf-8") as file:
                    file.writelines(f"{name} = {json.dumps(value)}\n"
                                    for name, value in values.items())
                return jcn_site.settings.read(path)

            good = {"folder": "videos", "root": "videos", "token_file": "token"}
            self.assertEqual(read(**good).token, "abc")
            self.assertEqual(read(**good, address="https://a.example/").address, "https://a.example")
            for wrong, said in (({"token_file": ""}, "token_file is missing"),
                                ({"token_file": "empty"}, "no token"),
                                ({"root": ""}, "root is missing"),
                                ({"address": "videos.example"}, "address is none"),
                                ({"address": "http://a.example/x"}, "address is none"),
                                ({"other": 1}, "no setting 'other'")):
                with self.subTest(wrong), self.assertRaisesRegex(ValueError, said):
                    read(**{**good, **wrong})
            del good["token_file"]
            with self.assertRaisesRegex(ValueError, "token_file is missing"):
                read(**good)


class Access(SiteCase):
    """Forms of other sites, of other users and of other machines are refused."""

    PROCESSES = 2  # which know each other's tokens

    RESTRICTED = ("/upload", "/edit", "/edit?v=one", "/rejects", "/status")

    def test_editors_pages_are_for_this_machine(self):
        self.drop("one.json", {"title": "One", "visibility": "public"})
        self.start_site(more=ELSEWHERE)
        for target in self.RESTRICTED:
            self.page(target)
            self.assertEqual(self.get(target, X_From="192.0.2.7").status, 403)
            self.page(target, 403, X_Forwarded_For="192.0.2.7")
        for target in ("/upload", "/edit?v=one", "/delete?v=one"):
            self.assertEqual(self.post(target, {"token": self.token()}, X_From="192.0.2.7").status,
                             403)
        page = self.page("/", X_From="192.0.2.7")
        self.assertEqual((page.titles(), page.all("nav")), (["One"], []))
        self.assertEqual(self.page("/watch?v=one", X_From="192.0.2.7").all("a", class_="button"),
                         [])

    def test_or_for_users_who_become_the_uploader(self):
        users = os.path.join(self.tmp, "users")
        with open(users, "w", encoding="ascii") as file:
            for name in ("ada", "bo"):  # of "password"
                file.write(name + ":{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n")
        self.start_site(writable=True, defines="Define JCN_EDITORS valid-user", more=ELSEWHERE + (
            '<Location "/">\n  AuthType Basic\n  AuthName "Videos"\n'
            f'  AuthUserFile "{users}"\n</Location>\n'))
        ada, bo = ({"Authorization": "Basic " + text, "X-From": "192.0.2.7"}
                   for text in ("YWRhOnBhc3N3b3Jk", "Ym86cGFzc3dvcmQ="))
        for who in ({}, {"X-From": "192.0.2.7"}, ada):  # Apache tells a name only where it asks
            links = [link["href"] for link, _ in self.page("/", **who).all("a")]
            self.assertLessEqual({"/upload", "/edit", "/rejects", "/status"}, set(links))
        for target in self.RESTRICTED[:2]:
            self.assertEqual(self.get(target).status, 401)
            self.page(target, **ada)
        tokens = [self.page("/upload", **who).one("input", name="token")[0]["value"]
                  for who in (ada, bo)]
        answer = self.post("/upload", {**FIELDS, "token": tokens[1]}, ("x.mp4", b"x"), **ada)
        self.assertEqual(answer.status, 403)  # a token is its user's
        answer = self.post("/upload", {**FIELDS, "token": tokens[0]}, ("x.mp4", b"x"), **ada)
        self.assertEqual(answer.status, 303)
        self.assertEqual([row["uploader"] for row in self.live.rows()], ["ada"])
        video = self.live.ids()[0]
        self.drop(f"{video[:2]}/{video}.transcode.json", {"transcode": {"state": "failed"}})
        self.live.sync()
        for who in ({}, ada):  # a form for nobody would not be taken of somebody
            page = self.page(f"/watch?v={video}", **who)
            self.assertEqual(page.one("a", class_="button")[0]["href"], f"/edit?v={video}")
            self.assertEqual(page.all("form", method="post"), [])
        token = {"token": self.page(f"/edit?v={video}", **ada).all("input", name="token")[0][0]["value"]}
        self.assertEqual(self.post(f"/edit/again?v={video}", token, **ada).status, 303)
        media = f"/media/{video[:2]}/{video}.mp4"
        self.assertEqual(self.get(media).status, 200)
        self.drop(f"{video[:2]}/{video}.edit.json", {"id": video, "visibility": "private"})
        self.live.sync()
        self.page(f"/watch?v={video}", 404)  # which marks it
        self.assertEqual(self.get(media).status, 401)
        self.assertEqual(self.get(media, **bo, X_Forwarded_For="192.0.2.8").status, 200)
        self.assertEqual(self.get(f"/media/{video[:2]}/{video}.json", **bo).status, 403)

    def test_forms_of_other_sites_are_refused(self):
        self.drop("one.json", {"title": "One", "visibility": "public"})
        self.start_site(writable=True)
        good = {"token": self.token(), "title": "Changed", "visibility": "public", "version": ""}
        until, proof = good["token"].split(".")
        for headers, fields in [
                ({"Origin": "http://evil.example"}, {}), ({"Origin": "null"}, {}),
                ({"Origin": ""}, {}), ({"Origin": "http://["}, {}),
                ({"Origin": f"http://127.0.0.1:{self.live.port}"}, {}),
                ({"Sec-Fetch-Site": "cross-site"}, {}), ({"Sec-Fetch-Site": "same-site"}, {}),
                ({"Sec-Fetch-Site": "none"}, {}), ({}, {"token": ""}), ({}, {"token": "."}),
                ({}, {"token": "x.y"}), ({}, {"token": f"{int(until) + 1}.{proof}"}),
                ({}, {"token": f"{until}.{proof[:-1]}"}), ({}, {"token": "ü.ü"})]:
            with self.subTest(headers=headers, fields=fields):
                for target in ("/edit?v=one", "/delete?v=one"):
                    self.assertEqual(self.post(target, {**good, **fields}, **headers).status, 403)
                answer = self.post("/upload", {**good, **fields}, ("x.mp4", b"x"), **headers)
                self.assertEqual(answer.status, 403)
        self.assertEqual(os.listdir(self.root), [name for name in os.listdir(self.root)
                                                 if name in ("one.json", "incoming")])
        self.assertEqual(self.live.record("one")["title"], "One")
        self.assertEqual(self.post("/edit?v=one", good, Origin=None, Sec_Fetch_Site=None).status,
                         303)

    def test_forms_hold_in_all_processes_though_jcn_asks_for_no_token(self):
        self.drop("one.json", {"title": "One", "visibility": "public"})
        self.live = self.daemon(f"videos={self.root}", config=site_config(self.root))
        self.token_file = ""
        self.start_apache()
        token = self.token("/edit?v=one")
        said = [self.post("/edit?v=one", {"token": token, "title": ""}).status for _ in range(16)]
        self.assertEqual(set(said), {422})

    def test_other_names_are_refused(self):
        self.start_site(settings={"hosts": ["Videos.example"], "address": "https://out.example:444"})
        for host, status in [("videos.example", 200), ("out.example:444", 200), ("localhost:80", 200), ("[::1]:8080", 200),
                             ("evil.example", 421), ("127.0.0.1.evil.example", 421)]:
            with self.subTest(host):
                self.page("/", status, Host=host)


if __name__ == "__main__":
    unittest.main()
