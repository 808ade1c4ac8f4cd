"""What is wrong with which note, and where."""

import flask
from flask import render_template, request

from . import guard, text
from .excerpts import excerpt
from .settings import current, jcn

blueprint = flask.Blueprint("rejects", __name__)


@blueprint.get("/rejects")
@guard.restricted
def rejects():
    parameters = {"_size": 50}
    if after := request.args.get("page"):
        parameters["_next"] = after
    said = jcn().rejects(parameters)
    rows = [{**row, "path": text.plain(row["path"], 500),
             "message": text.plain(row["message"], 1000),
             "pointer": text.plain(row["pointer"], 500), "excerpt": excerpt_of(row)}
            for row in said["rows"]]
    return render_template("rejects.html", rows=rows, more=said["next"],
                           count=jcn().status()["rejects"])


def excerpt_of(row):
    if row["root"] != current().root:
        return None
    return excerpt(current().folder, row["path"], row["offset"])
