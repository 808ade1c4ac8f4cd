"""Videos that a worker elsewhere processes, one that takes jobs by HTTP.

After an upload it is sent {"inputObject": path, "webhook": address}; when it is done it posts there
{"status": "success", "inputObject", "outputObject", "thumbnail"?} or {"status": "failure",
"inputObject"}. Paths are beneath the root, on a disk that both see. What came of it goes into
ID.transcode.json, as that of any other worker would. Each webhook's address has a proof in it that
this site made it.
"""

import hmac
import json
import urllib.request

import flask
from flask import request, url_for
from werkzeug.exceptions import BadRequest, Conflict, Forbidden, NotFound

from jcn_client import JcnError

from . import guard, text, uploads, videos
from .settings import current, jcn

blueprint = flask.Blueprint("worker", __name__)

SECONDS = 5  # that a worker may take to accept a job
UNREADABLE = "What workers say of this video can't be read. Whoever wrote it has to mend it first."


def send(video_id, path):
    """Gives the worker a new video, if there is a worker; if it does not take it, the video says
    so."""
    if not current().worker:
        return
    webhook = url_for("worker.webhook", v=video_id, proof=proof(video_id), _external=True)
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


@blueprint.post("/webhook")
def webhook():
    video_id = request.args.get("v", "")
    given = request.args.get("proof", "").encode()
    if not uploads.ID.fullmatch(video_id) or not hmac.compare_digest(given,
                                                                     proof(video_id).encode()):
        raise Forbidden("Nobody was asked to report here.")
    said = request.get_json(force=True, silent=True)
    if not isinstance(said, dict):
        raise BadRequest("A JSON object is expected.")
    video = videos.find(video_id)
    if video is None:
        raise NotFound("There is no such video any more.")
    finish(video_id, outcome(said))
    return {"ok": True}


def outcome(said):
    """The members that a report stands for."""
    if said.get("status") != "success":
        return failed(text.plain(said.get("error"),
                                 2000) or "The worker could not process this video.")
    path = said.get("outputObject")
    if not videos.media_address(path, videos.VIDEO_TYPES):
        return failed("The worker did not name a video that can be shown.")
    members = {"renditions": [{"path": path, "type": videos.VIDEO_TYPES[videos.extension(path)]}],
               "transcode": {"state": "done", "percent": 100, "updated_at": text.now()}}
    if videos.media_address(said.get("thumbnail"), videos.PICTURES):
        members["poster"] = said["thumbnail"]
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
    return bool(video.state == "failed" and video.source_path and is_ours)


def try_again(video):
    """Queues a video whose job has failed, unless somebody else was quicker. Conflict, if another
    note insists that it has failed."""
    def queued(note):
        if videos.Video(video.id, note).in_work:
            return None
        return {**note, "id": video.id, "transcode": {"state": "queued", "updated_at": text.now()}}

    is_new = change(*videos.notes_of(video.id)[0], queued)
    now = videos.find(video.id)
    if now is not None and now.state == "failed":
        raise Conflict("Another note says that this video has failed. "
                       "Whoever wrote it has to take that back first.")
    if is_new:
        send(video.id, video.source_path)


def proof(video_id):
    return guard.signature(f"webhook\0{video_id}")
