"""How jcn is: counts, and pictures of them and of its last day."""

import flask
from flask import render_template

from . import guard, pictures
from .settings import jcn

blueprint = flask.Blueprint("status", __name__)

DAY = 1440  # minutes


@blueprint.get("/status")
@guard.restricted
def status():
    said, ready, minutes = jcn().status(), jcn().ready(), jcn().history(DAY)
    slots = pictures.slots(minutes)
    return render_template(
        "status.html", said=said, ready=ready, slots=slots,
        growth=pictures.curve([each["fragments"] for each in slots]),
        latency=pictures.ranges([(each["half"], each["most"]) for each in slots]),
        last_changed=next((row for row in reversed(minutes) if row["visible"]["count"]), None),
        kinds=pictures.bars(said["kinds"].items()),
        files=pictures.bars([("good", said["fragments"] - said["rejects"]),
                             ("rejected", said["rejects"])]))
