"""The rows of what is answered: a drop, one record, and how both grow with the number of records."""

import gc
import json
import os
import random
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.parse

from ground import BUILT, Ground, Row, median, say, share
from harness import QuickClient, json_of

KNOWN = 8_000  # records that are asked for; nginx holds a descriptor of each


class BareServer:
    """limits/bare_server: an inotify wake-up, a read, a parse; CivetWeb with one handler."""

    def __init__(self, folder, records=None):
        self.folder = folder
        arguments = [BUILT / "bare_server", folder] + ([records] if records else [])
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Watchman:
    """Facebook's watchman: tells of a file, and knows nothing of what is in it."""

    def __init__(self, scratch, folder):
        state = tempfile.mkdtemp(dir=scratch)
        self.address = os.path.join(state, "sock")
        with open(os.path.join(folder, ".watchmanconfig"), "w", encoding="utf-8") as file:
            json.dump({"settle": 1}, file)
        staged(folder, "first", 0)()  # of an empty folder nothing is told
        self.process = subprocess.Popen(
            ["watchman", "--foreground", f"--sockname={self.address}", f"--logfile={state}/log",
             f"--statefile={state}/state", f"--pidfile={state}/pid"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while not os.path.exists(self.address):
            if time.monotonic() > until or self.process.poll() is not None:
                raise SystemExit("watchman does not start")
            time.sleep(0.01)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(self.address)
        self.lines = self.socket.makefile("rb")
        self.ask(["watch", folder])
        self.ask(["subscribe", folder, "bench", {"fields": ["name"], "expression": ["suffix", "json"]}])
        self.wait_for("first")

    def ask(self, command):
        self.socket.sendall(json.dumps(command).encode() + b"\n")
        answer = json.loads(self.lines.readline())
        if "error" in answer:
            raise SystemExit(f"watchman: {answer['error']}")

    def wait_for(self, name):
        while name not in self.lines.readline().decode():
            pass

    def close(self):
        self.lines.close()
        self.socket.close()
        self.process.terminate()
        self.process.wait(10)


def until_answered(client, target, put):
    """Milliseconds from a rename to the first answer that has the file."""
    request = client.prepare(target)
    begun = time.perf_counter()
    put()
    while client.ask(request)[0] != 200:
        if time.perf_counter() - begun > 10:
            raise SystemExit(f"{target} is not answered")
    return (time.perf_counter() - begun) * 1000


def drops(ground, count, others=()):
    """Milliseconds of `count` drops; `others` are measured in turn with them: {name: times}."""
    client = QuickClient(ground.need().port)
    ground.settle()
    time.sleep(2.1)  # files younger than 2 s would be read once more meanwhile
    noise, times = random.Random(ground.seed), {"jcn": []}
    made = []
    gc.disable()  # Python's pauses are nobody's
    try:
        for number in range(count):
            name = f"bench-{noise.getrandbits(64):016x}"
            put = ground.drop(name + ".json", {"id": name, "title": f"drop {number}"})
            made.append(name)
            times["jcn"].append(until_answered(client, f"/v1/videos/{name}", put))
            for other, measure in others:
                times.setdefault(other, []).append(measure(name, number))
            time.sleep(0.005)
    finally:
        gc.enable()
        client.close()
        for name in made:
            os.unlink(os.path.join(ground.notes, name + ".json"))
    return times


def staged(folder, name, number):
    """A file that is put beneath `folder` by one rename."""
    aside = os.path.join(folder, ".staged")
    with open(aside, "w", encoding="utf-8") as file:
        json.dump({"id": name, "title": f"drop {number}"}, file)
    return lambda: os.rename(aside, os.path.join(folder, name + ".json"))


def drop(ground, options):
    """A file dropped by rename, asked for over HTTP until it is answered."""
    say("drop")
    folders = [tempfile.mkdtemp(dir=ground.scratch) for _ in range(2)]
    bare, watchman = BareServer(folders[0]), Watchman(ground.scratch, folders[1])
    client = QuickClient(bare.port)

    def with_bare(name, number):
        return until_answered(client, f"/v1/videos/{name}", staged(folders[0], name, number))

    def with_watchman(name, number):
        put, begun = staged(folders[1], name, number), time.perf_counter()
        put()
        watchman.wait_for(name)
        return (time.perf_counter() - begun) * 1000
    try:
        times = drops(ground, 200 if options.quick else 1000,
                      [("bare", with_bare), ("watchman", with_watchman)])
    finally:
        client.close()
        bare.close()
        watchman.close()
    p50 = {name: median(values) for name, values in times.items()}
    p99 = {name: share(values, 0.99) for name, values in times.items()}
    what = f"drop → answered, {ground.records:,} records"
    return [
        Row(f"{what}, p50", f"{p50['jcn']:.2f} ms", "≤ 0.5 ms", p50["jcn"] <= 0.5,
            "bare wake-up, read, parse, handler", f"{p50['bare']:.2f} ms", p50["bare"] / p50["jcn"]),
        Row(f"{what}, p99", f"{p99['jcn']:.2f} ms", "≤ 3 ms", p99["jcn"] <= 3,
            "the same", f"{p99['bare']:.2f} ms", p99["bare"] / p99["jcn"]),
        Row("drop → known, p50", f"{p50['jcn']:.2f} ms", "", None,
            "watchman, settle 1 ms, only notifies", f"{p50['watchman']:.2f} ms",
            p50["watchman"] / p50["jcn"])]


def known_records(ground):
    """(path of the request, document) of records drawn from all."""
    daemon, noise, found = ground.need(), random.Random(ground.seed), {}
    ids = []
    token = ""
    while token is not None:
        page = json_of(daemon.get("/v1/videos?_size=1000&_col=_id"
                                  + (f"&_next={urllib.parse.quote(token)}" if token else "")))
        ids += [row["_id"] for row in page["rows"]]
        token = page["next"]
    client = QuickClient(daemon.port)
    # As a file beneath a web server's root: no name that a folder could have, too.
    plain = [each for each in ids if not any(part in ("", ".", "..") for part in each.split("/"))]
    for each in noise.sample(plain, min(KNOWN, len(plain))):
        path = "/v1/videos/" + urllib.parse.quote(each)
        status, _, found[path] = client.ask(client.prepare(path))
        if status != 200:
            raise SystemExit(f"{path}: {status}")
    client.close()
    return found


WRK = """
local paths, at = {}, 0
init = function(arguments)  -- not before: only now wrk knows the Host
  for line in io.lines("%s") do paths[#paths + 1] = wrk.format("GET", line) end
end
request = function()
  at = at %% #paths + 1
  return paths[at]
end
done = function(summary)
  local errors = summary.errors
  io.write(string.format("JSON {\\"requests\\":%%d,\\"microseconds\\":%%d,\\"errors\\":%%d}\\n",
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
NGINX = """
daemon off; worker_processes 2; pid %(folder)s/pid; error_log %(folder)s/error.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000000;
  types { } default_type application/json;
  open_file_cache max=10000 inactive=1h; open_file_cache_valid 1h;
  client_body_temp_path %(folder)s/a; proxy_temp_path %(folder)s/b; fastcgi_temp_path %(folder)s/c;
  uwsgi_temp_path %(folder)s/d; scgi_temp_path %(folder)s/e;
  server { listen 127.0.0.1:%(port)d; root %(folder)s/root; }
}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """The same bytes as files, every one of them in its cache of open files."""

    def __init__(self, scratch, records):
        folder = tempfile.mkdtemp(dir=scratch)
        os.chmod(folder, 0o755)
        for path, body in records.items():
            file = os.path.join(folder, "root", urllib.parse.unquote(path).lstrip("/") + ".record")
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "wb") as out:
                out.write(body)
        os.chmod(scratch, 0o755)
        self.port = free_port()
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w", encoding="ascii") as out:
            out.write(NGINX % {"folder": folder, "port": self.port})
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-c", config, "-p", folder],
                                        stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise SystemExit(f"nginx does not start: see {folder}/error.log") from None
                time.sleep(0.01)

    def close(self):
        self.process.terminate()
        self.process.wait(10)


def wrk(scratch, port, paths, connections, seconds):
    """Requests per second."""
    with tempfile.NamedTemporaryFile("w", dir=scratch, suffix=".paths") as list_of, \
            tempfile.NamedTemporaryFile("w", dir=scratch, suffix=".lua") as script:
        list_of.write("\n".join(paths) + "\n")
        list_of.flush()
        script.write(WRK % list_of.name)
        script.flush()
        done = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script.name,
             f"http://127.0.0.1:{port}/"], check=True, capture_output=True, text=True)
    seen = json.loads(done.stdout.partition("JSON ")[2])
    if seen["errors"]:
        raise SystemExit(f"wrk: {seen['errors']} errors of {seen['requests']}\n{done.stdout}")
    return seen["requests"] * 1e6 / seen["microseconds"]


def same_bytes(records, sides):
    """The paths that are answered with the record on every side; sides: {port: suffix}."""
    asked = []
    clients = {QuickClient(port): suffix for port, suffix in sides.items()}
    for path, body in records.items():
        answers = [client.ask(client.prepare(path + suffix)) for client, suffix in clients.items()]
        if all(status == 200 and answer == body for status, _, answer in answers):
            asked.append(path)
        else:
            say(f"  left out: {path}: {[status for status, _, _ in answers]}")
    for client in clients:
        client.close()
    if len(asked) < len(records) * 0.99:
        raise SystemExit("get: the sides answer differently")
    return asked


def get(ground, options):
    """One record, kept-alive connections, beside nginx with the same bytes as files."""
    say("get")
    records = known_records(ground)
    empty = tempfile.mkdtemp(dir=ground.scratch)
    listed = os.path.join(ground.scratch, "records.tsv")
    with open(listed, "wb") as out:
        for path, body in records.items():
            out.write(path.removeprefix("/v1/videos/").encode() + b"\t" + body + b"\n")
    nginx, bare = Nginx(ground.scratch, records), BareServer(empty, listed)
    rows = []
    try:
        asked = same_bytes(records, {bare.port: "", nginx.port: ".record"})
        sides = {"jcn": (ground.daemon.port, asked), "bare": (bare.port, asked),
                 "nginx": (nginx.port, [path + ".record" for path in asked])}
        for connections in (8, 32):
            seen = {name: [] for name in sides}
            for _ in range(3 if options.quick else 7):
                for name, (port, paths) in sides.items():
                    seen[name].append(wrk(ground.scratch, port, paths, connections,
                                          2 if options.quick else 4))
            rate = {name: statistics.median(values) for name, values in seen.items()}
            what = f"GET one record, {connections} connections"
            rows.append(Row(what, f"{rate['jcn']:,.0f}/s", "≥ nginx", rate["jcn"] >= rate["nginx"],
                            "nginx, the same bytes as files", f"{rate['nginx']:,.0f}/s",
                            rate["jcn"] / rate["nginx"]))
            rows.append(Row(what, f"{rate['jcn']:,.0f}/s", "", None, "bare CivetWeb handler",
                            f"{rate['bare']:,.0f}/s", rate["jcn"] / rate["bare"]))
    finally:
        nginx.close()
        bare.close()
    return rows


def reads(ground, count):
    """Milliseconds of `count` reads of one record each, on one connection."""
    records = list(known_records(ground))
    client, noise, times = QuickClient(ground.daemon.port), random.Random(ground.seed), []
    for _ in range(count):
        request = client.prepare(noise.choice(records))
        begun = time.perf_counter()
        client.ask(request)
        times.append((time.perf_counter() - begun) * 1000)
    client.close()
    return times


def growth(ground, options):
    """Drop and point read, with few records and with many."""
    say(f"growth: {', '.join(f'{count:,}' for count in options.growth)} records")
    seen = []
    for count in options.growth:
        one = ground if count == ground.records else Ground(options.data, ground.scratch, count,
                                                            ground.seed)
        one.need()
        seen.append((median(drops(one, 200 if options.quick else 500)["jcn"]),
                     median(reads(one, 5_000 if options.quick else 20_000)), one.index_bytes(),
                     one.anonymous()))
        if one is not ground:
            one.close()
    rows = []
    first, last = seen[0], seen[-1]
    span = f"{options.growth[0]:,} → {options.growth[-1]:,}"
    for at, what in ((0, "drop → answered"), (1, "GET one record, one connection")):
        times = last[at] / first[at]
        rows.append(Row(f"growth {span}: {what}", f"{times:.2f}×", "≤ 1.3×", times <= 1.3, "",
                        " → ".join(f"{each[at]:.3f}" for each in seen) + " ms"))
    rows.append(Row(f"growth {span}: index", f"{last[2] >> 20} MiB", "", None, "",
                    " → ".join(f"{each[2] >> 20}" for each in seen) + " MiB"))
    rows.append(Row(f"growth {span}: anonymous memory, idle", f"{last[3] >> 20} MiB", "", None, "",
                    " → ".join(f"{each[3] >> 20}" for each in seen) + " MiB"))
    return rows


ROWS = {"drop": drop, "get": get, "growth": growth}
