#!/usr/bin/python3
"""An Apache of its own for the site: its configuration, log and pid lie in a folder of its own, and
no service of the system is touched. tools/run and the tests use it.

usage: private_apache.py FOLDER-OF-ITS-OWN --jcn http://127.0.0.1:8640 --folder FOLDER --root NAME
                         [--token-file FILE] [--port 8080]
                         [--front python|cgi|fastcgi] [--cgi-program FILE]
--front: what makes the pages: the Python site, or jcn.cgi, which --cgi-program names.
Prints the site's address when it answers, and runs until SIGTERM or SIGINT, with private_marks.py
beside it. Port 0 picks a free one.
"""

import argparse
import http.client
import json
import os
import pwd
import secrets
import shutil
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
          "authz_user env headers mime proxy proxy_http reqtimeout rewrite setenvif")
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
Define JCN_ADDRESS {jcn}
{defines}
{front}
{more}
"""

# What makes the pages: the modules that it takes besides, and its lines of configuration.
FRONTS = {
    "python": ("wsgi", """
WSGISocketPrefix "{own}/wsgi"
Define JCN_SETTINGS "{own}/site.toml"
Define JCN_USER {user}
Define JCN_PROCESSES {processes}
Include "{site}/site.conf"
"""),
    "cgi": ("cgid", """
ScriptSock "{own}/cgid.sock"
Define JCN_BY_CGI
Define JCN_CGI_FOLDER "{own}/cgi-bin"
Include "{site}/cgi.conf"
{environment}
"""),
    "fastcgi": ("proxy_fcgi", """
Define JCN_FASTCGI "{own}/jcn-cgi.sock"
Include "{site}/cgi.conf"
"""),
}


class PrivateApache:
    """`own`: a folder that exists. `settings`: values of site.toml besides the ones that are given
    here; `more`: lines of configuration behind site.conf, `defines` before it; `before`: what
    stands before Apache's command line. `front`: one of FRONTS; jcn.cgi is `cgi_program`, and
    `cgi_before` what stands before it where it runs by itself, and sees to its user."""

    def __init__(self, own, jcn, folder, root, token_file="", port=0, settings=None, more="",
                 defines="", before=(), processes=2, front="python", cgi_program="", cgi_before=()):
        self.own = os.path.abspath(own)
        self.folder = os.path.abspath(folder)
        self.port = port or free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._process = None
        self._token_file = token_file
        self._values = {"jcn": jcn, "folder": self.folder, "root": root, "token_file": token_file,
                        **(settings or {})}
        self._more, self._defines = more, defines
        self._before = list(before)
        self._processes = processes
        self.front = front
        self._cgi_program, self._cgi_before = cgi_program, list(cgi_before)
        self._fastcgi = self._listening = None  # jcn.cgi, where it runs by itself, and its socket
        self._marks = None  # private_marks.py
        self._user = None  # whom the site runs as

    def start(self, seconds=20.0):
        """Returns once the site answers."""
        self._write_configuration()
        if self.front == "fastcgi":
            self.start_fastcgi()
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
        end(self._process)
        self._process.stderr.close()
        self._process = None
        if self._marks is not None:
            end(self._marks)
            self._marks = None
        if self._fastcgi is not None:
            self.stop_fastcgi()
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def start_fastcgi(self):
        """As systemd does with jcn-cgi.socket: jcn.cgi finds the socket at its standard input, and
        the next one finds the same."""
        if self._listening is None:
            self._listening = socket.socket(socket.AF_UNIX)
            path = f"{self.own}/jcn-cgi.sock"
            if os.path.exists(path):
                os.unlink(path)
            self._listening.bind(path)
            if os.geteuid() == 0:
                shutil.chown(path, "www-data")
            self._listening.listen(512)
        with open(f"{self.own}/jcn-cgi.log", "ab") as log:
            self._fastcgi = subprocess.Popen(
                [*self._cgi_before, f"{self.own}/cgi-bin/jcn.cgi"], stdin=self._listening,
                stdout=subprocess.DEVNULL, stderr=log, env={**os.environ, **self._environment()},
                **({} if self._cgi_before else self._as_user()))

    def stop_fastcgi(self, by=signal.SIGTERM):
        """Returns its exit status."""
        status = end(self._fastcgi, by)
        self._fastcgi = None
        return status

    def start_marks(self):
        """Files of videos that others than the site make private are hidden at once."""
        with open(f"{self.own}/private-marks.log", "ab") as log:
            self._marks = subprocess.Popen(
                [sys.executable, "-B", f"{HERE}/private_marks.py", f"{self.own}/site.toml"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                **self._as_user())

    def _as_user(self):
        """How a child of root's becomes the site's user."""
        if os.geteuid() != 0:
            return {}
        return {"user": self._user, "group": pwd.getpwnam(self._user).pw_gid, "extra_groups": []}

    @property
    def pid(self):
        return self._process.pid

    @property
    def fastcgi_pid(self):
        return self._fastcgi.pid

    def wait(self):
        """Until it ends by itself."""
        self._process.wait()

    def log(self):
        said = ""
        for name in ("error.log", "jcn-cgi.log", "private-marks.log"):
            try:
                with open(f"{self.own}/{name}", encoding="utf-8", errors="replace") as log:
                    said += log.read()
            except FileNotFoundError:
                pass
        return said

    def _kept_for(self, user, token):
        """A file with it that `user`, and nobody else, may read."""
        copy = f"{self.own}/token"
        with open(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
            target.write(token)
        if os.geteuid() == 0:
            os.chown(copy, pwd.getpwnam(user).pw_uid, -1)
        return copy

    def _answers(self):
        """Whether the program does: Apache by itself has files, and pages for what goes wrong. This
        one is of the program's, and of no question to jcn; only the program's let scripts run."""
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                    self.address + "/oembed", timeout=5) as answer:
                headers = answer.headers
        except urllib.error.HTTPError as error:
            with error:
                headers = error.headers
        except (urllib.error.URLError, OSError, http.client.HTTPException):
            return False
        return "script-src" in headers.get("Content-Security-Policy", "")

    def _write_configuration(self):
        self._user, lines = account(self.folder)
        if self._token_file:
            with open(self._token_file, "rb") as source:
                token = source.read()
        else:  # jcn asks for none, and the site's processes need one secret
            token = secrets.token_hex(24).encode()
        if self._token_file or self.front == "python":
            self._values["token_file"] = self._kept_for(self._user, token)
        module, front = FRONTS[self.front]
        with open(f"{self.own}/site.toml", "w", encoding="utf-8") as settings:
            os.fchmod(settings.fileno(), 0o644)
            for name, value in self._values.items():  # JSON's texts, numbers, arrays are TOML's
                settings.write(f"{name} = {json.dumps(value)}\n")
        if self.front != "python":
            os.makedirs(f"{self.own}/cgi-bin", exist_ok=True)
            shutil.copy(self._cgi_program, f"{self.own}/cgi-bin/jcn.cgi")
        values = {"own": told(self.own), "site": told(HERE), "user": self._user,
                  "processes": self._processes,
                  "environment": "\n".join(f'SetEnv {name} "{value}"' for name, value
                                           in self._environment().items())}
        modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so"
                            for name in [*LOADED.split(), module])
        with open(f"{self.own}/apache.conf", "w", encoding="utf-8") as configuration:
            configuration.write(CONFIGURATION.format(
                own=values["own"], site=values["site"], folder=told(self.folder), modules=modules,
                port=self.port, jcn=self._values["jcn"].removeprefix("http://").rstrip("/"),
                users=lines, front=front.format(**values), more=self._more,
                defines=self._defines))

    def _environment(self):
        """The values as jcn.cgi reads them."""
        told_to = {"jcn": "JCN_URL", "token_file": "JCN_TOKEN_FILE", "name": "JCN_SITE_NAME",
                   "hosts": "JCN_SITE_HOSTS", "page_size": "JCN_PAGE_SIZE",
                   "timeout": "JCN_TIMEOUT_MS", "threads": "JCN_THREADS"}
        found = {told_to[name]: value for name, value in self._values.items() if name in told_to}
        if "JCN_TIMEOUT_MS" in found:
            found["JCN_TIMEOUT_MS"] = int(1000 * found["JCN_TIMEOUT_MS"])
        return {name: " ".join(value) if isinstance(value, list) else str(value)
                for name, value in found.items()}


def end(process, by=signal.SIGTERM):
    """Its exit status, when it has ended."""
    process.send_signal(by)
    try:
        return process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def account(folder):
    """(whom the site runs as, Apache's lines about it). Only root can choose: Apache's servers are
    www-data then, and the site is the owner of the folder, to write in it. mod_wsgi refuses to be
    root, or somebody without a name."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name, ""
    return name_of_owner(folder) or "www-data", "User www-data\nGroup www-data"


def name_of_owner(folder):
    """"" of root, and of a number that has none: a folder from outside of a container, for one."""
    owner = os.stat(folder).st_uid
    try:
        return pwd.getpwuid(owner).pw_name if owner else ""
    except KeyError:
        return ""


def why_not_into(folder):
    """Why the site can't write in it; "" if it can."""
    owner = os.stat(folder).st_uid
    if os.geteuid() == 0:
        return "" if name_of_owner(folder) else "belongs to root" if not owner \
            else f"belongs to {owner}, who has no name here"
    return "" if os.access(folder, os.W_OK) else "is not yours to write in"


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
    parser.add_argument("--front", choices=FRONTS, default="python")
    parser.add_argument("--cgi-program", default="")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    apache = PrivateApache(given.own, given.jcn, given.folder, given.root, given.token_file,
                           given.port, front=given.front, cgi_program=given.cgi_program)
    try:
        apache.start()
        apache.start_marks()
        if (why := why_not_into(given.folder)):
            print(f"site: {given.folder} {why}: nothing can be uploaded into it", file=sys.stderr)
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
