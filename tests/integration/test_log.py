"""The log: on standard error, in the journal, in a storm, and of requests."""

import os
import re
import struct
import subprocess
import sys
import time
import unittest

from harness import JCN, TIME_FACTOR, JcnCase, wait_for

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) "
                  r"(.*?) event=([a-z_]+)((?: [a-z]+=(?:\"(?:[^\"\\]|\\.)*\"|\S+))*)$")


class LogCase(JcnCase):
    def log(self, daemon):
        """(level, message, event, fields) of each line; all lines have that form."""
        lines = []
        for line in daemon.stderr_text().splitlines():
            found = LINE.match(line)
            self.assertTrue(found, line)
            lines.append(found.groups())
        return lines

    def events(self, daemon, name):
        return [line for line in self.log(daemon) if line[2] == name]


class StandardError(LogCase):
    def test_a_line_names_its_event_and_what_it_is_about(self):
        other = self.folder("two words")
        live = self.daemon(self.root, f"other={other}")
        os.rename(other, other + ".away")
        wait_for(lambda: self.events(live, "root_offline"), "an offline root", 20)
        level, message, _, fields = self.events(live, "root_offline")[0]
        self.assertEqual(level, "warning")
        self.assertIn("root other is offline", message)
        self.assertEqual(fields, " root=other")

    def test_what_is_less_than_the_level_is_left_out(self):
        live = self.daemon(arguments=["--log-level", "error"])
        live.hang_up()
        live.sync()
        live.stop()
        self.assertEqual(self.log(live), [])

    def test_a_storm_is_cut_short_and_counted(self):
        live = self.daemon()
        began = time.monotonic()
        for _ in range(60):
            live.hang_up()
            live.sync()
        seconds = time.monotonic() - began
        live.stop()
        written = self.events(live, "reload")
        self.assertTrue(20 <= len(written) <= 21 + seconds / 3, len(written))
        (level, _, _, fields), = self.events(live, "left_out")
        self.assertEqual(level, "warning")
        told = re.fullmatch(r" of=reload lines=(\d+)", fields)
        # Two signals may have been one.
        self.assertTrue(40 <= len(written) + int(told.group(1)) <= 60, fields)

    def test_requests_are_logged_where_that_is_wanted_each_of_them(self):
        live = self.daemon(config="[http]\nlog_requests = true\n")
        for number in range(50):
            live.get(f"/v1/videos?_size={number}")
        live.get("/nowhere")
        live.stop()
        requests = self.events(live, "request")
        asked = [line for line in requests if "/v1/videos?_size=" in line[1]]
        self.assertEqual(len(asked), 50)
        self.assertRegex(asked[7][3], r'^ method=GET target="/v1/videos\?_size=7" status=200 ms=\d+\.\d{3}$')
        self.assertEqual([line[1] for line in requests if "nowhere" in line[1]], ["GET /nowhere 404"])

    def test_and_not_otherwise(self):
        live = self.daemon()
        live.get("/nowhere")
        live.stop()
        self.assertEqual(self.events(live, "request"), [])


def fields_of(datagram):
    """The journal's native protocol: NAME=VALUE lines; NAME, a length and the value where it has lines
    of its own. systemd.io/JOURNAL_NATIVE_PROTOCOL."""
    fields = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size, = struct.unpack("<Q", datagram[:8])
            value, datagram = datagram[8:8 + size], datagram[8 + size + 1:]
        fields[name.decode()] = value.decode()
    return fields


# In namespaces of its own: a journal's socket where systemd's would be, and jcn beside it.
IN_NAMESPACES = """
import os, socket, subprocess, sys
os.makedirs("/run/systemd/journal")
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")
journal.settimeout(20)
jcn, root, index = sys.argv[1:]
there = os.fstat(2)
environment = {**os.environ, "JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}
child = subprocess.Popen([jcn, "--index", index, "--listen", "127.0.0.1:0", "--log-level", "debug",
                          f"notes={root}"], env=environment, stdout=subprocess.PIPE)
child.stdout.readline()
os.rename(root, root + ".away")
try:
    while True:
        datagram = journal.recv(65536)
        print(datagram.hex(), flush=True)
        if b"JCN_EVENT=root_offline" in datagram:
            break
finally:
    child.terminate()
    child.wait()
"""


@unittest.skipIf(os.geteuid() != 0 or subprocess.run(
    ["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0,
                 "needs root and mount namespaces")
class Journal(JcnCase):
    def test_lines_have_fields_there(self):
        with open(os.path.join(self.tmp, "stderr"), "w+b") as errors:
            done = subprocess.run(
                ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh",
                 sys.executable, "-c", IN_NAMESPACES, JCN, self.root, os.path.join(self.tmp, "index")],
                stdout=subprocess.PIPE, stderr=errors, check=False, timeout=60 * TIME_FACTOR)
            errors.seek(0)
            said = errors.read().decode()
        self.assertEqual(done.returncode, 0, said)
        lines = [fields_of(bytes.fromhex(line)) for line in done.stdout.decode().split()]
        offline = lines[-1]
        self.assertEqual((offline["JCN_EVENT"], offline["JCN_ROOT"], offline["PRIORITY"]),
                         ("root_offline", "notes", "4"))
        self.assertIn("root notes is offline", offline["MESSAGE"])
        for line in lines:
            self.assertEqual(line["SYSLOG_IDENTIFIER"], "jcn")
            self.assertNotIn("CODE_FILE", line)
        self.assertNotIn("event=", said, "not on standard error, too")


if __name__ == "__main__":
    unittest.main()
