"""How jcn is: counts, and pictures of them."""

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


@blueprint.get("/status")
@guard.restricted
def status():
    said, ready = jcn().status(), jcn().ready()
    return render_template(
        "status.html", said=said, ready=ready,
        growth=pictures.curve(records_over_time() if ready["ready"] else []),
        latency=pictures.columns(latencies() if ready["ready"] else []),
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
    """Milliseconds that a file dropped now takes to be visible. It is measured by jcn's barrier,
    which goes the way of a dropped file: through the kernel's events, reading and publishing."""
    taken, end = [], time.monotonic() + DROPS_SECONDS
    while len(taken) < DROPS and time.monotonic() < end:
        begin = time.perf_counter()
        try:
            jcn().sync(timeout=DROPS_SECONDS)
        except JcnDown:
            break  # files are being written all the time: nothing to be shown
        taken.append(1000 * (time.perf_counter() - begin))
    return taken
