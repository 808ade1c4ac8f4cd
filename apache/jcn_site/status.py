"""How jcn is: counts, and pictures of them."""

import threading
import time

import flask
from flask import render_template

from jcn_client import JcnDown, NotFound

from . import guard, pictures
from .settings import jcn

blueprint = flask.Blueprint("status", __name__)

MOMENTS = 24  # points of the curve of records over time
DROPS = 20  # measurements of the latency
DROPS_SECONDS = 0.5  # how long they may take altogether
KEPT_SECONDS = 10  # for which all pages of a process show what was measured for one of them


@blueprint.get("/status")
@guard.restricted
def status():
    said, ready = jcn().status(), jcn().ready()
    points, taken = kept.measured() if ready["ready"] else ([], [])
    return render_template(
        "status.html", said=said, ready=ready, kept_seconds=KEPT_SECONDS,
        growth=pictures.curve(points), latency=pictures.columns(taken),
        kinds=pictures.bars(said["kinds"].items()),
        files=pictures.bars([("good", said["fragments"] - said["rejects"]),
                             ("rejected", said["rejects"])]))


def records_over_time():
    """[(RFC 3339 time, videos whose first note is not younger)], from the first one's until now."""
    try:
        first = jcn().listing({"_sort": "_created", "_size": 1, "_col": "_created"})["rows"]
    except NotFound:
        return []
    if not first:
        return []
    moments = pictures.moments(first[0]["_created"], MOMENTS)
    return [(moment, count_until(moment)) for moment in moments]


def count_until(moment):
    return jcn().listing({"_created__lte": moment, "_size": 0, "_extra": "count"})["count"]


def latencies():
    """Milliseconds that jcn's barrier takes: the way of a dropped file through the kernel's events
    to what readers see, without a file being read."""
    taken, end = [], time.monotonic() + DROPS_SECONDS
    while len(taken) < DROPS and time.monotonic() < end:
        begin = time.perf_counter()
        try:
            jcn().sync(timeout=DROPS_SECONDS)
        except JcnDown:
            break  # files are being written all the time: nothing to be shown
        taken.append(1000 * (time.perf_counter() - begin))
    return taken


class Kept:
    """What was measured last; one thread measures, and others wait for it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._found = ([], [])  # with the lock
        self._until = 0.0  # with the lock

    def measured(self):
        """(records_over_time(), latencies()), of a moment ago."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = (records_over_time(), latencies())
                # No measurement is none to be kept: the next page tries again.
                self._until = time.monotonic() + (KEPT_SECONDS if self._found[1] else 0)
            return self._found


kept = Kept()
