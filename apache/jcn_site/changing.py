"""Upload, edit, delete. What people say goes into notes, through jcn's write API, which checks it
first."""

import json
import os

import flask
from flask import redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound, ServiceUnavailable

from jcn_client import Conflict, JcnDown, Problem
from jcn_client import NotFound as NothingThere

from . import guard, marks, pages, text, uploads, videos, worker
from .settings import current, jcn

blueprint = flask.Blueprint("changing", __name__)

TITLE, DESCRIPTION, TAG, TAGS = 500, 20000, 60, 30  # the longest that forms take


# ---- upload

@blueprint.get("/upload")
@guard.restricted
def upload_form():
    return render_template("upload.html", said={"visibility": "public"}, complaints=[])


@blueprint.post("/upload")
@guard.restricted
def upload():
    if not jcn().ready()["ready"]:  # before the body is read: it may take an hour
        raise ServiceUnavailable("The list of videos is being made. Try again in a moment.")
    try:
        uploads.ensure_room(request.content_length)
        return take_upload()
    except OSError as error:
        if error.errno in uploads.NO_ROOM:
            raise uploads.DiskFull() from error
        raise
    finally:
        if request.upload is not None:
            request.upload.discard()


def take_upload():
    guard.check_token()  # reads the whole form, and writes the file to the disk meanwhile
    file, part = request.files.get("file"), request.upload
    said, complaints = read_form()
    extension = uploads.known_extension(file.filename if file else None)
    if part is None or not part.size:
        complaints.append("Choose a file.")
    elif extension is None:
        complaints.append("This is no kind of video that is taken here: "
                          + ", ".join(sorted(videos.VIDEO_TYPES)) + ".")
    if not said["title"] and file:
        said["title"] = text.plain(os.path.splitext(file.filename)[0], TITLE).strip() or "Untitled"
    if complaints:
        return render_template("upload.html", said=said, complaints=complaints), 422
    path = part.keep(extension)
    if said["visibility"] == "private":
        marks.put(part.id)
    note = {"id": part.id, "title": said["title"], "description": said["description"],
            "tags": said["tags"], "uploaded_at": text.now(),
            "uploader": text.plain(guard.user() or "local", 200), "visibility": said["visibility"],
            "source": {"path": path, "type": videos.VIDEO_TYPES[extension], "size": part.size},
            "transcode": {"state": "queued", "updated_at": text.now()}}
    if complaint := publish(part.id, note):
        return render_template("upload.html", said=said, complaints=[complaint]), 422
    worker.send(part.id, path)
    return redirect(address_of(part.id, said["visibility"]), 303)


def publish(video_id, note):
    """Writes the note of a new video; what jcn has against it. Without the note the file goes,
    too."""
    path = f"{video_id[:2]}/{video_id}.json"
    try:
        jcn().put(current().root, path, note)
        return None
    except JcnDown:
        # Written or not? What jcn was asked to write, it may have written before it went.
        if os.path.exists(os.path.join(current().folder, path)):
            return None
        uploads.remove_files(video_id)
        raise
    except Problem as problem:
        uploads.remove_files(video_id)
        if problem.status == uploads.DiskFull.code:
            raise uploads.DiskFull() from problem
        if problem.status >= 500 or problem.status in (401, 403):
            raise
        return f"jcn refused it: {problem.detail}"


def address_of(video_id, visibility):
    return url_for("changing.edit_form" if visibility == "private" else "pages.watch", v=video_id)


# ---- edit

@blueprint.get("/edit")
@guard.restricted
def edit_form():
    if "v" not in request.args:
        return pages.listing("all_videos.html", [])
    video = video_or_404(request.args["v"])
    root, path = edits_of(video.id)
    said = {"title": video.title, "description": video.description, "tags": video.tags,
            "visibility": video.visibility}
    return render_template("edit.html", video=video, said=said, complaints=[],
                           version=version_of(root, path), events=pages.events_of(video))


@blueprint.post("/edit")
@guard.restricted
def edit():
    guard.check_token()
    video = video_or_404(request.args.get("v", ""))
    root, path = edits_of(video.id)
    said, complaints = read_form()
    status = 422
    if not said["title"]:
        complaints.append("A video needs a title.")
    if not complaints:
        try:
            save(root, path, video, said, request.form.get("version", ""))
            return redirect(address_of(video.id, said["visibility"]), 303)
        except Conflict:
            status = 409
            complaints.append(f"Somebody else has changed this video meanwhile: its title is "
                              f"“{video.title}” now. Send yours again to replace what they wrote.")
        except Problem as problem:
            if problem.status >= 500 or problem.status in (401, 403):
                raise
            complaints.append(f"jcn refused it: {problem.detail}")
    return render_template("edit.html", video=video, said=said, complaints=complaints,
                           version=version_of(root, path), events=pages.events_of(video)), status


def save(root, path, video, said, version):
    """Saves a form. Its files are hidden before the video is, and shown after it."""
    if said["visibility"] == "private" and uploads.files_of(video.id):
        marks.put(video.id)
    try:
        save_note(root, path, video, said, version)
    finally:
        marks.follow(video.id)


def save_note(root, path, video, said, version):
    """Puts what was changed into the note of edits, beside what was changed before. Conflict,
    unless that note is still as it was when the form was made: `version`, "" for none."""
    note = {"id": video.id}
    if version:
        note = json.loads(jcn().fragment(root, path).body)
    for member in ("title", "description", "tags", "visibility"):
        if said[member] != getattr(video, member):
            note[member] = said[member]
    if said["description"] == "" and "description" in note:
        note["description"] = None  # takes away what others say
    jcn().put(root, path, note, if_match=version or None)


def edits_of(video_id):
    """(root, path) of the note with people's changes: where it is, or would be, beside the first
    note."""
    notes = jcn().record_with(video_id, "fragments")["fragments"]
    for note in notes:
        if note["path"].endswith(".edit.json"):
            return note["root"], note["path"]
    first = notes[0]
    return first["root"], first["path"].removesuffix(".json") + ".edit.json"


def version_of(root, path):
    try:
        return jcn().fragment(root, path).etag
    except NothingThere:
        return ""


# ---- delete

@blueprint.post("/delete")
@guard.restricted
def delete():
    guard.check_token()
    video_id = request.args.get("v", "")
    notes, files = notes_of(video_id), uploads.files_of(video_id)
    if not notes and not files:
        raise NotFound("There is no such video.")
    if files:
        hide(video_id)
    for root, path in notes:
        forget(root, path)
    uploads.remove_files(video_id)
    return redirect(url_for("pages.home"), 303)


def notes_of(video_id):
    """[(root, path)] of its notes, that of the upload first: without it there is no video. Behind
    those that jcn knows as parts of it, whatever else lies there in its name: leases, and what is
    left where a deletion broke off."""
    found = []
    if videos.find(video_id) is not None:
        try:
            said = jcn().record_with(video_id, "fragments")["fragments"]
            found = [(each["root"], each["path"]) for each in said]
        except NothingThere:
            pass  # deleted by somebody else, this very moment
    lying = [(current().root, f"{video_id[:2]}/{name}") for name in uploads.notes_of(video_id)]
    return list(dict.fromkeys([*found, *lying]))


def hide(video_id):
    """Files of which a deletion may leave some behind, if it breaks off, are for editors."""
    try:
        marks.put(video_id)
    except OSError as error:
        if error.errno not in uploads.NO_ROOM:  # that is what people delete for
            raise


def forget(root, path):
    try:
        jcn().delete(root, path)
    except NothingThere:
        pass


# ---- forms

def read_form():
    """What a form says, in the types of a note, and what is wrong with it, for people."""
    form, complaints = request.form, []
    said = {"title": text.plain(form.get("title", ""), TITLE + 1).replace("\n", " ").strip(),
            "description": text.plain(form.get("description", "").replace("\r\n", "\n"),
                                      DESCRIPTION + 1).strip(),
            "tags": list(dict.fromkeys(tag for each in form.get("tags", "").split(",")
                                       if (tag := text.plain(each, TAG + 1).strip()))),
            "visibility": form.get("visibility", "private")}
    if len(said["title"]) > TITLE:
        complaints.append(f"The title has more than {TITLE} characters.")
    if len(said["description"]) > DESCRIPTION:
        complaints.append(f"The description has more than {DESCRIPTION} characters.")
    if len(said["tags"]) > TAGS or any(len(tag) > TAG for tag in said["tags"]):
        complaints.append(f"At most {TAGS} tags of {TAG} characters each.")
    if said["visibility"] not in videos.VISIBILITIES:
        complaints.append("The visibility is none that is known.")
        said["visibility"] = "private"
    return said, complaints


def video_or_404(video_id):
    video = videos.find(video_id)
    if video is None:
        raise NotFound("There is no such video.")
    return video
