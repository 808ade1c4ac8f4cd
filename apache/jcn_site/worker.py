"""Videos that a worker elsewhere processes, one that takes jobs by HTTP.

After an upload it is sent {"inputObject": path, "webhook": address}; when it is done it posts there
{"status": "success", "inputObject", "outputObject", "thumbnail"?} or {"status": "failure",
"inputObject"}. Paths are beneath the root, on a disk that both see; a file that the worker has named
otherwise than the video is renamed (outputs.py). What came of it goes into ID.transcode.json, as
that of any other worker would. Each webhook's address has a proof in it that this site made it.
"""

import hmac
import json
import os
import time
import urllib.request

import flask
from flask import request, url_for
from werkzeug.exceptions import BadRequest, Conflict, Forbidden, NotFound

from jcn_client import JcnError
from jcn_client import NotFound as NothingThere

from . import guard, marks, outputs, text, uploads, videos
from .settings import current, jcn

blueprint = flask.Blueprint("worker", __name__)

SECONDS = 5  # that a worker may take to accept a job
OVERDUE = 3600  # seconds after which a worker that says nothing may be asked once more
UNREADABLE = "What workers say of this video can't be read. Whoever wrote it has to mend it first."


def send(video_id, path):
    """Gives the worker a new video, if there is a worker; if it does not take it, the video says
    so."""
    if not current().worker:
        return
    since = made_at(path)
    webhook = (current().address or request.host_url.rstrip("/")) + url_for(
        "worker.webhook", v=video_id, since=since, proof=proof(video_id, since))
    job = json.dumps({"inputObject": path, "webhook": webhook}).encode()
    try:
        asked = urllib.request.Request(current().worker, job, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirects())
        with opener.open(asked, timeout=SECONDS):
            pass
    except (OSError, ValueError) as error:
        flask.current_app.logger.error("the worker did not take %s: %s", path, error)
        try:
            finish(video_id, failed("The worker could not be reached."))
        except JcnError as also:
            flask.current_app.logger.error("and jcn: %s", also)


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def made_at(path):
    """When a file beneath the root was, in seconds, as its disk's clock has it; what is made of it
    is no older."""
    try:
        return int(os.stat(os.path.join(current().folder, path)).st_mtime)
    except (OSError, ValueError):
        return int(time.time())


@blueprint.post("/webhook")
def webhook():
    video_id, since = request.args.get("v", ""), request.args.get("since", "")
    given = request.args.get("proof", "").encode()
    if not uploads.ID.fullmatch(video_id) or not hmac.compare_digest(
            given, proof(video_id, since).encode()):
        raise Forbidden("Nobody was asked to report here.")
    said = request.get_json(force=True, silent=True)
    if not isinstance(said, dict):
        raise BadRequest("A JSON object is expected.")
    try:
        finish(video_id, outcome(video_id, said, int(since)))
    except NothingThere:
        outputs.forget(video_id)
        raise NotFound("There is no such video any more.") from None
    marks.follow(video_id)
    return {"ok": True}


def outcome(video_id, said, since):
    """The members that a report stands for. What it names lies beside the video then."""
    if said.get("status") != "success":
        return failed(text.plain(said.get("error"),
                                 2000) or "The worker could not process this video.")
    path, picture = said.get("outputObject"), said.get("thumbnail")
    if not videos.media_address(path, videos.VIDEO_TYPES):
        return failed("The worker did not name a video that can be shown.")
    try:
        path = outputs.taken_in(video_id, path, since)
    except outputs.Unusable as why:
        return failed(str(why))
    members = {"renditions": [{"path": path, "type": videos.VIDEO_TYPES[videos.extension(path)]}],
               "transcode": {"state": "done", "percent": 100, "updated_at": text.now()}}
    if videos.media_address(picture, videos.PICTURES):
        try:
            members["poster"] = outputs.taken_in(video_id, picture, since)
        except outputs.Unusable as why:
            flask.current_app.logger.error("the picture %s of %s: %s", picture, video_id, why)
    return members


def failed(why):
    return {"transcode": {"state": "failed", "error": why, "updated_at": text.now()}}


def finish(video_id, members):
    """Puts them into the note of who makes renditions, whatever else stands there. NotFound, and
    nothing is written, if the video is gone by now."""
    change(current().root, videos.note_of_upload(video_id),
           lambda note: {**note, "id": video_id, **members})


def change(root, first, function):
    """Puts function(note) in the place of the note that workers have beside the first one, as
    jcn_client's update does; whether it was changed. Conflict, if it can't be read."""
    changed = None

    def checked(note):
        nonlocal changed
        if not isinstance(note, dict):
            raise Conflict(UNREADABLE)
        changed = function(note)
        return changed

    try:
        jcn().update(root, videos.beside(first, "transcode"), checked, if_present=first)
    except ValueError as error:
        raise Conflict(UNREADABLE) from error
    return changed is not None


# ---- once more

def may_try_again(video):
    """Whether there is something to be tried, and somebody who might."""
    is_ours = not current().worker or uploads.ID.fullmatch(video.id)
    return bool((video.state == "failed" or is_overdue(video)) and video.source_path and is_ours)


def is_overdue(video):
    """A worker elsewhere was given it long ago, and has said nothing since: it may have ended, or
    its report may have been lost. jcn's own workers take over from each other."""
    return bool(current().worker and video.in_work
                and text.seconds_since(video.updated_at) > OVERDUE)


def try_again(video):
    """Queues a video whose job has failed or is overdue, unless somebody else was quicker.
    Conflict, if another note insists that it has failed."""
    def queued(note):
        there = videos.Video(video.id, note)
        if there.in_work and not is_overdue(there):
            return None
        return {**note, "id": video.id, "transcode": {"state": "queued", "updated_at": text.now()}}

    is_new = change(*videos.notes_of(video.id)[0], queued)
    now = videos.find(video.id)
    if now is not None and now.state == "failed":
        raise Conflict("Another note says that this video has failed. "
                       "Whoever wrote it has to take that back first.")
    if is_new:
        send(video.id, video.source_path)


def proof(video_id, since):
    return guard.signature(f"webhook\0{video_id}\0{since}")
