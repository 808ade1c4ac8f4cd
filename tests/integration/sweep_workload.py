"""What the sweep drives jcn through: files that come and go, writes through HTTP, a webhook, and the
index written anew. The files that it ends in are the same in every run, whatever fails: what jcn
refuses to write, or may not have written, the workload writes itself."""

import contextlib
import os
import random
import time
import urllib.parse

from harness import TIME_FACTOR, encode, json_of, write_whole
from webhook_receiver import SECRET, Receiver, number

OPERATIONS = 200
SCRUB_MS = 100
# Small, so that the workload waits for nothing but jcn's work, and strace not for threads.
CONFIG = f"""
[http]
threads = 16
[settle]
first_ms = 5
second_ms = 10
[fold]
quiet_ms = 20
interval_ms = 200
[storage]
scrub_interval_ms = {SCRUB_MS}
"""
WEBHOOK = """
[[webhook]]
name = "site"
url = "{url}"
secret_file = "{secret}"
retry_first_ms = 20
retry_longest_ms = 100
timeout_ms = 2000
"""


class Hook(contextlib.ExitStack):
    """A webhook's receiver, and the configuration that names it."""

    addCleanup = contextlib.ExitStack.callback

    def __init__(self, folder):
        super().__init__()
        self.receiver = Receiver(self)
        secret = os.path.join(folder, "secret")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(SECRET + "\n")
        self.config = WEBHOOK.format(url=self.receiver.url, secret=secret)

    def waited_for(self, daemon, seconds=10):
        """What is missing still after so long."""
        until = time.monotonic() + seconds * TIME_FACTOR
        while (missing := self.missing(daemon)) and time.monotonic() < until:
            time.sleep(0.01)
        return missing

    def missing(self, daemon):
        """Of the records that changed since it was told to begin: those whose latest change has not
        come, or an earlier one after it."""
        changes = json_of(daemon.get("/v1/changes?limit=1000"))["results"]
        begun, latest = self.receiver.begun(), self.receiver.latest()
        return [change["id"] for change in changes if number(change) > begun and
                (change["id"] not in latest or number(latest[change["id"]]) != number(change))]


class Workload:
    """The same operations on the same files in every run. `live` is the daemon, which may be dead: what
    its ask() and sync() give is None then."""

    def __init__(self, root):
        self.root = root
        self.random = random.Random(4711)
        self.files = {}  # path → its bytes
        self.tags = {}  # of what was written through HTTP, as it was answered
        self.numbers = {}  # uuid → the highest number that was answered
        self.answered = self.not_answered = 0  # writes through HTTP

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, body):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        self.files[name] = encode(body)
        write_whole(self.path(name), self.files[name])

    def before(self):
        for count in range(40):
            self.write(f"old/{count}.json", {"id": f"v{count}", "n": count, "title": "old " * 20})

    def note(self, step):
        return {"id": f"v{self.random.randrange(60)}", "step": step,
                "text": "word " * self.random.randrange(200)}

    def run(self, live):
        for step in range(OPERATIONS):
            name = f"d{self.random.randrange(5)}/{self.random.randrange(30)}.json"
            written = f"api/{self.random.randrange(8)}.json"
            choice = self.random.randrange(14)
            if choice < 5:
                self.write(name, self.note(step))
            elif choice < 6:
                self.write(name, b'{"id":"torn')
            elif choice < 8:
                self.unlink(name)
            elif choice < 10:
                self.rename(name, f"moved/{step}.json")
            elif choice < 13:
                self.put(live, written if step % 3 else f"api/new{step}/a.json", self.note(step))
            else:
                self.delete(live, written)
            if step in (70, 130):
                live.written_anew("compact" if step == 70 else "reindex")
            if step % 10 == 9:
                live.sync(step % 20 == 19)

    def unlink(self, name):
        if self.files.pop(name, None) is not None:
            os.unlink(self.path(name))

    def rename(self, name, to):
        if name in self.files:
            os.makedirs(os.path.dirname(self.path(to)), exist_ok=True)
            os.rename(self.path(name), self.path(to))
            self.files[to] = self.files.pop(name)

    # Through HTTP. What is answered as done is done; everything else the workload does.

    def put(self, live, name, body):
        condition = {"If-Match": self.tags.get(name, "*")} if name in self.files else {"If-None-Match": "*"}
        self.files[name] = encode(body)
        answer = self.asked(live, "PUT", name, self.files[name], condition)
        if answer is None:
            self.write(name, self.files[name])
            return
        self.tags[name] = answer.headers["etag"]
        with open(self.path(name), "rb") as file:
            assert file.read() == self.files[name], f"answered as written, and is not: {name}"

    def delete(self, live, name):
        if name not in self.files:
            return
        tag = self.tags.pop(name, "*")
        del self.files[name]
        if self.asked(live, "DELETE", name, None, {"If-Match": tag}) is not None:
            assert not os.path.exists(self.path(name)), f"answered as removed, and is not: {name}"
        elif os.path.exists(self.path(name)):
            os.unlink(self.path(name))

    def asked(self, live, method, name, body, headers):
        """The answer, if it says that it is done."""
        target = "/v1/fragments/notes/" + urllib.parse.quote(name)
        answer = live.ask(method, target, body, headers)
        if answer is None or answer.status not in (200, 201, 204):
            self.not_answered += 1
            self.tags.pop(name, None)
            return None
        self.answered += 1
        uuid, _, count = answer.headers["jcn-seq"].rpartition("-")
        self.numbers[uuid] = max(self.numbers.get(uuid, 0), int(count))
        return answer

    def differences(self, daemon):
        """Between what is there, or is answered, and what must be, when all is over."""
        last = daemon.sync()["seq"]
        uuid, _, count = last.rpartition("-")
        lost = self.numbers.get(uuid, 0) > int(count)
        found = self.found()
        return ([f"{last} after {self.numbers[uuid]} was answered"] if lost else []) + [
            name for name in sorted({*found, *self.files}) if found.get(name) != self.files.get(name)]

    def found(self):
        """Path → bytes of everything that stands in the folder."""
        found = {}
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, self.root)] = file.read()
        return found


class Live:
    """A daemon that may end at any moment."""

    def __init__(self, daemon):
        self.daemon = daemon

    def there(self):
        return self.daemon.alive() and self.daemon.port is not None

    def ask(self, method, target, body=None, headers=None):
        if not self.there():
            return None
        try:
            return self.daemon.request(method, target, body, headers)
        except OSError:
            return None

    def sync(self, durable):
        answer = self.ask("POST", "/v1/sync?timeout_ms=10000" + ("&durable=1" if durable else ""), b"")
        return json_of(answer) if answer is not None and answer.status == 200 else None

    def upkeep(self):
        answer = self.ask("GET", "/v1/status")
        return json_of(answer)["upkeep"] if answer is not None and answer.status == 200 else None

    def written_anew(self, how):
        """Asks for it, as soon as nothing else is done to the index, and waits until it is over, and
        until a scrub has gone through all of it."""
        until = time.monotonic() + 5 * TIME_FACTOR
        while (answer := self.ask("POST", f"/v1/status/{how}", b"")) is not None:
            if answer.status != 503 or time.monotonic() > until:
                break
            time.sleep(0.01)
        if answer is None or answer.status not in (200, 202):
            return
        self.poll(lambda now: now["finished"] >= json_of(answer)["asked"])
        scrubs = (self.upkeep() or {"scrubs": 0})["scrubs"]
        self.poll(lambda now: now["scrubs"] > scrubs)

    def poll(self, over, seconds=5):
        until = time.monotonic() + seconds * TIME_FACTOR
        while (now := self.upkeep()) is not None and not over(now) and time.monotonic() < until:
            time.sleep(0.02)


class NotThere:
    """Of nothing: the files alone."""

    @staticmethod
    def ask(*_):
        return None

    sync = written_anew = ask
