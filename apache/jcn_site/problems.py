"""Pages for what goes wrong. They say what happened and what to do, and never how the site is
made."""

from flask import render_template
from werkzeug.exceptions import HTTPException

from jcn_client import RETRY_SECONDS, JcnDown, NotFound, Problem, retry_seconds

from .uploads import NO_ROOM, DiskFull

TITLES = {400: "That can't be answered", 403: "Not for you", 404: "Not here", 405: "Not like this",
          413: "Too large", 421: "Wrong address", 501: "Not spoken here", 503: "Back in a moment",
          507: "No room left"}


def register(site):
    @site.errorhandler(JcnDown)
    def jcn_down(error):
        site.logger.warning("%s", error)
        return page(503, "The list of videos can't be reached right now.",
                    after=retry_seconds(error))

    @site.errorhandler(NotFound)
    def gone(_):
        return page(404, "There is no such thing, or not any more.")

    @site.errorhandler(Problem)
    def refused(error):
        if error.status == 400:
            return page(400, error.detail)
        if error.status == DiskFull.code:
            return disk_full()
        site.logger.error("jcn refused: %s", error)
        return page(502, "The list of videos does not take this. The administrator's log says why.")

    @site.errorhandler(OSError)
    def disk(error):
        if error.errno is None:  # mod_wsgi's, of a body that stops before its end
            return page(400, "The connection broke.")
        if error.errno in NO_ROOM:
            return disk_full()
        site.logger.error("%s", error, exc_info=error)
        return page(500, "The videos' folder can't be used. The administrator's log says why.")

    @site.errorhandler(HTTPException)
    def http(error):
        if error.code is None or error.code < 400:
            return error.get_response()
        text, status, headers = page(error.code, error.description,
                                     after=RETRY_SECONDS if error.code == 503 else None)
        if error.code == 405 and error.get_response().headers.get("Allow"):
            headers["Allow"] = error.get_response().headers["Allow"]
        return text, status, headers


def disk_full():
    return page(DiskFull.code, "There is no room left on the disk. What you sent was not kept.")


def page(status, detail, after=None):
    """Without asking jcn for anything."""
    headers = {"Cache-Control": "no-store"}
    if after:
        headers["Retry-After"] = str(after)
    return (render_template("problem.html", title=TITLES.get(status, "That did not work"),
                            detail=detail, status=status, after=after), status, headers)
