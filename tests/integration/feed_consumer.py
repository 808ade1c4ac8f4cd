"""A consumer of the change feed that may be killed at any moment; for test_feed.

    feed_consumer.py ADDRESS-FILE LOG SEED

Follows the feed of the jcn whose URL stands in ADDRESS-FILE, in a mode drawn anew for every request,
and writes what it is told to LOG, one line by one write(2): what stands there survives its own
SIGKILL. A new consumer goes on from the last line. Lines of LOG:

    {"seq", "id", "doc"}   a change; doc null: deleted
    {"last_seq"}           nothing else up to here
    {"fresh", "until"}     forget everything above
"""

import http.client
import json
import os
import random
import sys
import time


def whole_lines(path):
    """The log's lines; without what a kill has left unfinished."""
    with open(path, "rb") as log:
        data = log.read()
    return [json.loads(line) for line in data[:data.rfind(b"\n") + 1].splitlines()]


def cut_torn_line(log):
    data = b""
    while more := os.read(log, 1 << 20):
        data += more
    os.ftruncate(log, data.rfind(b"\n") + 1)


def last_place(lines):
    """Where a consumer goes on. If all it knows is that it has to begin anew, it asks again from the
    place that it was told so for."""
    for line in reversed(lines):
        if "fresh" not in line:
            return line.get("seq") or line["last_seq"]
    return "0"


class Consumer:
    def __init__(self, address_file, log, seed):
        self.address_file = address_file
        self.random = random.Random(seed)
        self.log = os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        cut_torn_line(self.log)
        self.since = last_place(whole_lines(log))
        self.idle = False

    def keep(self, line):
        os.write(self.log, json.dumps(line).encode() + b"\n")

    def take(self, row):
        if "fresh" in row:
            self.keep({"fresh": True, "until": row["until"]})
        elif "last_seq" in row:
            self.keep({"last_seq": row["last_seq"]})
            self.since = row["last_seq"]
        else:
            self.keep({"seq": row["seq"], "id": row["id"], "doc": row.get("doc")})
            self.since = row["seq"]

    def take_page(self, page):
        if page.get("fresh"):
            self.take({"fresh": True, "until": page["until"]})
        for row in page["results"]:
            self.take(row)
        if page["last_seq"] != self.since:
            self.take({"last_seq": page["last_seq"]})
        self.idle = not page["results"]

    def follow(self):
        """One request, in one mode."""
        with open(self.address_file, encoding="utf-8") as file:
            host = file.read().strip().rstrip("/").rpartition("/")[2]
        mode = self.random.choice(["longpoll", "continuous", "eventsource"] +
                                  ([] if self.idle else ["normal"]))
        self.idle = False
        target = (f"/v1/changes?feed={mode}&include_docs=1&timeout={self.random.randint(50, 500)}"
                  f"&heartbeat={self.random.randint(20, 200)}")
        headers = {}
        if mode == "eventsource" and self.since != "0":
            headers["Last-Event-ID"] = self.since
        else:
            target += f"&since={self.since}"
        if self.random.random() < 0.5:
            target += f"&limit={self.random.randint(1, 40)}"
        connection = http.client.HTTPConnection(host, timeout=10)
        try:
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            if response.status != 200:
                raise http.client.HTTPException(f"{target}: {response.status} {response.read()!r}")
            if mode in ("normal", "longpoll"):
                self.take_page(json.loads(response.read()))
            elif mode == "continuous":
                for line in response:
                    if line.endswith(b"\n") and line != b"\n":
                        self.take(json.loads(line))
            else:
                for line in response:
                    if line.startswith(b"data: ") and line.endswith(b"\n"):
                        self.take(json.loads(line[6:]))
        finally:
            connection.close()


def main():
    parent = os.getppid()
    consumer = Consumer(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    while os.getppid() == parent:  # else the test was killed, and nobody would end this one
        try:
            consumer.follow()
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            time.sleep(0.005)  # jcn is down: tried again


if __name__ == "__main__":
    main()
