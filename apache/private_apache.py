#!/usr/bin/python3
"""An Apache of its own for the site: its configuration, log and pid lie in a folder of its own, and
no service of the system is touched. tools/run and the tests use it.

usage: private_apache.py FOLDER-OF-ITS-OWN --jcn http://127.0.0.1:8640 --folder FOLDER --root NAME
                         [--token-file FILE] [--port 8080]
Prints the site's address when it answers, and runs until SIGTERM or SIGINT. Port 0 picks a free
one.
"""

import argparse
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
APACHE = "/usr/sbin/apache2"
MODULES = "/usr/lib/apache2/modules"
LOADED = ("mpm_event alias allowmethods auth_basic authn_core authn_file authz_core authz_host "
          "authz_user env headers mime proxy proxy_http reqtimeout rewrite wsgi")
CONFIGURATION = """
ServerRoot "{own}"
ServerName 127.0.0.1:{port}
Listen 127.0.0.1:{port}
PidFile "{own}/apache.pid"
DefaultRuntimeDir "{own}"
Mutex "default:{own}"
ErrorLog "{own}/error.log"
LogLevel warn
ServerTokens Prod
ScoreBoardFile "{own}/scoreboard"
{modules}
WSGISocketPrefix "{own}/wsgi"
TypesConfig /dev/null
AddType text/css .css
AddType text/javascript .js
AddType image/svg+xml .svg
{users}
StartServers 1
ServerLimit 8
ThreadsPerChild 32
MaxRequestWorkers 256
AcceptFilter http none

<Directory "/">
  AllowOverride None
  Require all denied
</Directory>

Define JCN_SITE "{site}"
Define JCN_FOLDER "{folder}"
Define JCN_SETTINGS "{own}/site.toml"
Define JCN_ADDRESS {jcn}
Define JCN_USER {user}
Define JCN_PROCESSES {processes}
Include "{site}/site.conf"
{more}
"""


class PrivateApache:
    """`own`: a folder that exists. `settings`: values of site.toml besides the ones that are given
    here; `more`: lines of configuration behind site.conf; `before`: what stands before Apache's
    command line."""

    def __init__(self, own, jcn, folder, root, token_file="", port=0, settings=None, more="",
                 before=(), processes=2):
        self.own = os.path.abspath(own)
        self.folder = os.path.abspath(folder)
        self.port = port or free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._process = None
        self._values = {"jcn": jcn, "folder": self.folder, "root": root, "token_file": token_file,
                        **(settings or {})}
        self._more = more
        self._before = list(before)
        self._processes = processes

    def start(self, seconds=20.0):
        """Returns once the site answers."""
        self._write_configuration()
        self._process = subprocess.Popen(
            [*self._before, APACHE, "-D", "FOREGROUND", "-f", f"{self.own}/apache.conf"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        deadline = time.monotonic() + seconds
        while not self._answers():
            if self._process.poll() is not None:
                said = self._process.stderr.read().decode("utf-8", "replace")
                raise RuntimeError(f"Apache ended at once: {said}{self.log()}")
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the site does not answer\n{self.log()}")
            time.sleep(0.02)
        return self

    def stop(self):
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stderr.close()
        self._process = None

    @property
    def pid(self):
        return self._process.pid

    def wait(self):
        """Until it ends by itself."""
        self._process.wait()

    def log(self):
        try:
            with open(f"{self.own}/error.log", encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def _copy_for(self, user, file):
        """A file that `user`, and nobody else, may read."""
        copy = f"{self.own}/token"
        with open(file, "rb") as source, \
                open(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
            target.write(source.read())
        if os.geteuid() == 0:
            os.chown(copy, pwd.getpwnam(user).pw_uid, -1)
        return copy

    def _answers(self):
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                    self.address + "/static/site.css", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def _write_configuration(self):
        user, lines = account(self.folder)
        values = dict(self._values)
        if values["token_file"]:
            values["token_file"] = self._copy_for(user, values["token_file"])
        with open(f"{self.own}/site.toml", "w", encoding="utf-8") as settings:
            for name, value in values.items():  # JSON's texts, numbers and arrays are TOML's, too
                settings.write(f"{name} = {json.dumps(value)}\n")
        modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so"
                            for name in LOADED.split())
        with open(f"{self.own}/apache.conf", "w", encoding="utf-8") as configuration:
            configuration.write(CONFIGURATION.format(
                own=told(self.own), site=told(HERE), folder=told(self.folder), modules=modules,
                port=self.port, jcn=self._values["jcn"].removeprefix("http://").rstrip("/"),
                user=user, users=lines, more=self._more, processes=self._processes))


def account(folder):
    """(whom the site runs as, Apache's lines about it). Only root can choose: Apache's servers are
    www-data then, and the site is the owner of the folder, to write in it. mod_wsgi refuses to be
    root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name, ""
    owner = os.stat(folder).st_uid
    return pwd.getpwuid(owner).pw_name if owner else "www-data", "User www-data\nGroup www-data"


def told(path):
    """The path, if it can stand between quotes in Apache's configuration."""
    if any(character in path for character in '"\\\n$%'):
        raise ValueError(f"Apache can't be told of such a path: {path!r}")
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("own", metavar="FOLDER-OF-ITS-OWN")
    parser.add_argument("--jcn", default="http://127.0.0.1:8640")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--root", required=True)
    parser.add_argument("--token-file", default="")
    parser.add_argument("--port", type=int, default=8080)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    apache = PrivateApache(given.own, given.jcn, given.folder, given.root, given.token_file,
                           given.port)
    try:
        apache.start()
        if os.geteuid() == 0 and os.stat(given.folder).st_uid == 0:
            print(f"site: {given.folder} belongs to root: nothing can be uploaded into it",
                  file=sys.stderr)
        print(f"site: ready {apache.address}/", flush=True)
        apache.wait()
    except KeyboardInterrupt:
        pass
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"site: {error}")
    finally:
        apache.stop()


if __name__ == "__main__":
    main()
