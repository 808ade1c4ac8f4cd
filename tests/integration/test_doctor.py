"""jcnctl doctor: each thing that can be wrong with a machine is found, named, and its cure as well."""

import os
import pathlib
import pty
import subprocess
import unittest

from harness import JCNCTL, PROJECT, TIME_FACTOR, json_of, wait_for
from preloaded import built_library
from test_jcnctl import JcnctlCase, free_port, lines

UNIT = (PROJECT / "jcn/jcn.service").read_text(encoding="utf-8")
NFS, FUSE, TMPFS, EXT4 = "6969", "65735546", "01021994", "ef53"
PLENTY = 10**12


class DoctorCase(JcnctlCase):
    def setUp(self):
        super().setUp()
        self.config = pathlib.Path(self.tmp, "jcn.conf")
        self.configure()
        self.unit = None

    def configure(self, root="", rest=""):
        self.config.write_text(f'index = "{self.tmp}/index"\n{rest}\n[[root]]\nname = "notes"\n'
                               f'path = "{self.root}"\n{root}\n', encoding="utf-8")

    def service(self, **settings):
        """The unit as it is, but for these settings, in a drop-in."""
        self.unit = pathlib.Path(self.tmp, "jcn.service")
        self.unit.write_text(UNIT, encoding="utf-8")
        drop_ins = pathlib.Path(str(self.unit) + ".d")
        drop_ins.mkdir(exist_ok=True)
        text = "[Service]\n" + "".join(f"{name}={value}\n" for name, value in settings.items())
        (drop_ins / "override.conf").write_text(text, encoding="utf-8")

    def findings(self, url=None, code=1, env=None, config=True):
        options = ["--config", str(self.config)] if config else []
        options += ["--unit", str(self.unit)] if self.unit else []
        url = url or f"http://127.0.0.1:{free_port()}"
        rows = lines(self.ctl("doctor", *options, url=url, code=code, env=env).stdout)
        for row in rows:
            self.assertEqual(list(row), ["check", "state", "detail", "fix"])
            self.assertIn(row["state"], ("ok", "warning", "problem"))
            self.assertEqual(row["fix"] is None, row["state"] == "ok", row)
        self.assertEqual(code, int(any(row["state"] == "problem" for row in rows)), rows)
        return rows

    def found(self, rows, check, state="problem"):
        return [row for row in rows if (row["check"], row["state"]) == (check, state)]

    def one(self, rows, check, state="problem"):
        found = self.found(rows, check, state)
        self.assertEqual(len(found), 1, rows)
        return found[0]


class Daemon(DoctorCase):
    def test_all_is_well(self):
        self.drop("deep/a.json", {"id": "a"})
        live = self.daemon(config=self.config.read_text(encoding="utf-8"))
        rows = self.findings(f"http://127.0.0.1:{live.port}", code=0)
        self.assertEqual({row["check"] for row in rows if row["check"] != "clock"},
                         {"config", "daemon", "permission", "filesystem", "limit", "disk"})
        self.assertIn("2 folders and 1 notes", self.one(rows, "permission", "ok")["detail"])
        self.assertIn("2 folders to watch", self.one(rows, "limit", "ok")["detail"])

    def test_nobody_answers(self):
        row = self.one(self.findings(), "daemon")
        self.assertIn("connect", row["detail"])
        self.service()
        self.assertIn("systemctl start jcn", self.one(self.findings(), "daemon")["fix"])

    def test_without_a_configuration_the_daemon_tells_its_folders(self):
        self.drop("a.json", {"id": "a"})
        self.drop("bad.json", b"[1]")
        live = self.daemon()
        rows = self.findings(f"http://127.0.0.1:{live.port}", code=0, config=False)
        self.assertIn(self.root, self.one(rows, "permission", "ok")["detail"])
        self.assertEqual(self.one(rows, "daemon", "warning")["fix"], "jcnctl rejects")

    def test_reasons_of_readyz(self):
        other = self.folder("other")
        live = self.daemon(self.root, other)
        os.rename(other, other + ".away")
        wait_for(lambda: [r["code"] for r in json_of(live.get("/readyz"))["reasons"]] ==
                 ["root_offline"], "an offline root", 20)
        rows = self.findings(f"http://127.0.0.1:{live.port}", config=False)
        self.assertIn("root_offline", self.one(rows, "daemon")["detail"])
        self.assertIn("operating.md", self.one(rows, "daemon")["fix"])
        self.assertIn(other, self.one(rows, "folder")["detail"])

    def test_a_configuration_that_is_wrong(self):
        self.config.write_text("[htpp]\n", encoding="utf-8")
        row = self.one(self.findings(), "config")
        self.assertIn(f"{self.config}:1:", row["detail"])
        self.assertIn("http", row["fix"])

    def test_people_get_lines_with_colours_unless_they_want_none(self):
        shown = {}
        for name, env in (("plain", {"NO_COLOR": "1"}), ("coloured", {"NO_COLOR": ""})):
            primary, secondary = pty.openpty()
            with subprocess.Popen([JCNCTL, "--url", f"http://127.0.0.1:{free_port()}", "doctor",
                                   "--config", str(self.config)], stdout=secondary,
                                  stderr=subprocess.DEVNULL,
                                  env={**os.environ, "TERM": "xterm", **env}) as process:
                process.wait(60 * TIME_FACTOR)
            os.close(secondary)
            shown[name] = os.read(primary, 65536).decode()
            os.close(primary)
        self.assertNotIn("\x1b[3", shown["plain"])
        self.assertIn("\x1b[31mproblem \x1b[0m daemon", shown["coloured"])
        self.assertIn("-> ", shown["plain"])


@unittest.skipIf(os.geteuid() != 0, "looks with another user's eyes only for root")
class Permissions(DoctorCase):
    def setUp(self):
        super().setUp()
        self.service(User="nobody", PrivateTmp="no")

    def test_a_note_and_a_folder_that_the_service_may_not_read(self):
        self.drop("fine.json", {"id": "f"})
        os.chmod(self.drop("secret.json", {"id": "s"}), 0o600)
        self.drop("closed/a.json", {"id": "c"})
        os.chmod(self.path("closed"), 0o700)
        found = self.found(self.findings(), "permission")
        self.assertEqual(len(found), 2, found)
        by_path = {row["detail"].split(" can't")[0]: row for row in found}
        secret, closed = by_path[self.path("secret.json")], by_path[self.path("closed")]
        self.assertIn("mode 0600 of root:", secret["detail"])
        self.assertEqual(closed["fix"], f"setfacl -R -m u:nobody:rX '{self.path('closed')}'")

    def test_a_folder_above_that_may_not_be_passed(self):
        os.chmod(self.tmp, 0o700)
        self.drop("a.json", {"id": "a"})
        row = self.one(self.findings(), "permission")
        self.assertIn(f"{self.tmp} may not be passed (mode 0700 of root:", row["detail"])
        self.assertEqual(row["fix"], f"setfacl -m u:nobody:x '{self.tmp}'")

    def test_many_are_told_in_one(self):
        for number in range(20):
            os.chmod(self.drop(f"{number}.json", {"id": str(number)}), 0o600)
        found = self.found(self.findings(), "permission")
        self.assertEqual(len(found), 6)
        self.assertIn("and 15 more", found[-1]["detail"])

    def test_a_user_who_is_not_there(self):
        self.service(User="no-such-user", PrivateTmp="no")
        self.assertIn("no-such-user", self.one(self.findings(), "permission", "warning")["detail"])


class Sandbox(DoctorCase):
    """File modes and the unit's sandbox are told apart."""

    def unit_findings(self, **settings):
        self.service(**settings)
        return [row for row in self.findings() if row["check"] == "unit"][1:]

    def at(self, path, **settings):
        self.config.write_text(f'index = "{self.tmp}/index"\nwritable = {settings.pop("writes", "false")}\n'
                               f'[[root]]\npath = "{path}"\n', encoding="utf-8")
        return self.unit_findings(**settings)

    def test_what_hides_a_folder(self):
        for path, settings, says, cure in (
                ("/tmp/notes", {}, "PrivateTmp=yes", "BindReadOnlyPaths=/tmp/notes"),
                ("/var/tmp/notes", {}, "PrivateTmp=yes", "BindReadOnlyPaths=/var/tmp/notes"),
                ("/home/ann/notes", {"ProtectHome": "yes"}, "ProtectHome=yes", "ProtectHome=read-only"),
                ("/home/ann/notes", {"ProtectHome": "tmpfs"}, "ProtectHome=tmpfs",
                 "ProtectHome=read-only"),
                ("/srv/a/b", {"InaccessiblePaths": "/srv/a"}, "InaccessiblePaths=",
                 "BindReadOnlyPaths=/srv/a/b"),
                ("/srv/a", {"TemporaryFileSystem": "/srv:ro"}, "TemporaryFileSystem=",
                 "BindReadOnlyPaths=/srv/a")):
            with self.subTest(path=path, **settings):
                (row,) = self.at(path, **settings)
                self.assertEqual(row["state"], "problem")
                self.assertIn(says, row["detail"])
                self.assertTrue(row["fix"].endswith(cure), row)

    def test_what_does_not(self):
        for path, settings in (("/home/ann/notes", {}), ("/srv/notes", {}),
                               ("/tmp/notes", {"BindReadOnlyPaths": "/tmp/notes"}),
                               ("/tmp/notes", {"PrivateTmp": "no"}),
                               ("/srv/ab", {"InaccessiblePaths": "/srv/a"})):
            with self.subTest(path=path, **settings):
                (row,) = self.at(path, **settings)
                self.assertEqual(row["state"], "ok", row)

    def test_what_keeps_it_from_writing(self):
        (row,) = self.at("/srv/notes", writes="true")
        self.assertIn("ProtectSystem=strict", row["detail"])
        self.assertTrue(row["fix"].endswith("ReadWritePaths=/srv/notes"))
        (row,) = self.at("/srv/notes", writes="true", ReadWritePaths="/srv")
        self.assertEqual(row["state"], "ok")
        (row,) = self.at("/home/ann/n", writes="true", ProtectSystem="no")
        self.assertIn("ProtectHome=read-only", row["detail"])
        (row,) = self.at("/var/lib/jcn/notes", writes="true")
        self.assertEqual(row["state"], "ok", "StateDirectory= is the service's own")

    def test_webhooks_that_the_unit_does_not_let_out(self):
        secret = pathlib.Path(self.tmp, "secret")
        secret.write_text("whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n", encoding="ascii")
        secret.chmod(0o600)
        hook = '[[webhook]]\nname = "{0}"\nurl = "{1}"\nsecret_file = "' + str(secret) + '"\n'
        self.configure(root=hook.format("far", "https://example.org:8443/hook") +
                       hook.format("near", "http://127.0.0.1:8000/hook"))
        rows = [row for row in self.unit_findings(PrivateTmp="no") if row["state"] == "problem"]
        self.assertEqual(len(rows), 1, rows)
        self.assertIn("webhook far is sent to example.org, which IPAddressDeny=any", rows[0]["detail"])
        rows = self.unit_findings(PrivateTmp="no", IPAddressAllow="203.0.113.7")
        self.assertEqual({row["state"] for row in rows}, {"ok"})


class Machine(DoctorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.library = built_library(cls, "odd_system.cc")

    def on(self, path, kind, room=PLENTY, code=1, **env):
        return self.findings(code=code, env={"LD_PRELOAD": self.library,
                                             "ODD_DISK": f"{path} {kind} {room}", **env})

    def test_network_file_systems_send_no_events(self):
        row = self.one(self.on(self.root, NFS), "filesystem")
        self.assertIn(f"{self.root} lies on NFS", row["detail"])
        self.assertIn("poll = true", row["fix"])
        self.configure(root="poll = true")
        rows = self.on(self.root, NFS)
        self.assertFalse(self.found(rows, "filesystem"))
        self.assertIn("is polled", self.one(rows, "filesystem", "ok")["detail"])

    def test_file_systems_in_user_space_are_doubtful(self):
        self.assertIn("FUSE", self.one(self.on(self.root, FUSE), "filesystem", "warning")["detail"])

    def test_an_index_on_the_network_or_in_memory(self):
        self.configure(rest="")
        index = os.path.join(self.tmp, "index")
        os.mkdir(index)
        self.assertIn("local disk", self.one(self.on(index, NFS), "filesystem")["fix"])
        self.assertIn("after each boot",
                      self.one(self.on(index, TMPFS), "filesystem", "warning")["detail"])

    def test_room_for_the_index(self):
        self.assertTrue(self.one(self.on(self.tmp, EXT4), "disk", "ok"))
        self.assertIn("102 MB are free",
                      self.one(self.on(self.tmp, EXT4, 102_400_000), "disk", "warning")["detail"])

    def test_notes_of_the_future(self):
        path = self.drop("a.json", {"id": "a"})
        os.utime(path, (4_000_000_000, 4_000_000_000))
        found = self.found(self.on(self.tmp, EXT4), "clock", "warning")
        self.assertTrue(any(os.fsdecode(path) in row["detail"] for row in found), found)

    def test_more_folders_than_watches(self):
        probe = subprocess.run(["unshare", "-U", "-r", "true"], capture_output=True, check=False)
        if probe.returncode != 0:
            self.skipTest("no user namespaces")
        for number in range(20):
            os.mkdir(self.path(f"d{number}"))
        script = ('echo 15 > /proc/sys/user/max_inotify_watches && exec "$@"')
        done = subprocess.run(["unshare", "-U", "-r", "sh", "-c", script, "sh", JCNCTL, "--url",
                               f"http://127.0.0.1:{free_port()}", "doctor", "--config",
                               str(self.config)], capture_output=True, check=False)
        self.assertEqual(done.returncode, 1, done)
        row = self.one(lines(done.stdout), "limit")
        self.assertIn("21 folders to watch, 15 watches allowed", row["detail"])
        self.assertIn("user.max_inotify_watches=", row["fix"])


if __name__ == "__main__":
    unittest.main()
