"""Upload, edit, try again, delete. What people say goes into notes, through jcn's write API, which
checks it first."""

import json
import os

import flask
from flask import redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound, ServiceUnavailable

from jcn_client import JcnDown, Problem
from jcn_client import NotFound as NothingThere

from . import edits, guard, marks, pages, text, uploads, videos, worker
from .edits import DESCRIPTION, TAG, TITLE
from .settings import current, jcn

blueprint = flask.Blueprint("changing", __name__)

TAGS = 30  # the most that forms take


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
    complaint, path = store(part, extension, said)
    if complaint:
        return render_template("upload.html", said=said, complaints=[complaint]), 422
    worker.send(part.id, path)
    return redirect(address_of(part.id, said["visibility"]), 303)


def store(part, extension, said):
    """Gives the file its name, and writes its note: (what jcn has against that, the file's path).
    Whatever goes wrong before the note is there, nothing is left."""
    try:
        path = part.keep(extension, before=lambda: said["visibility"] == "private"
                         and marks.put(part.id))
        note = {"id": part.id, "title": said["title"], "description": said["description"],
                "tags": said["tags"], "uploaded_at": text.now(),
                "uploader": text.plain(guard.user() or "local", 200),
                "visibility": said["visibility"],
                "source": {"path": path, "type": videos.VIDEO_TYPES[extension], "size": part.size},
                "transcode": {"state": "queued", "updated_at": text.now()}}
        complaint = publish(part.id, note)
    except BaseException:
        uploads.remove_files(part.id)
        raise
    if complaint:
        uploads.remove_files(part.id)
    return complaint, path


def publish(video_id, note):
    """Writes the note of a new video; what jcn has against it."""
    path = videos.note_of_upload(video_id)
    try:
        jcn().put(current().root, path, note)
        return None
    except JcnDown:
        # Written or not? What jcn was asked to write, it may have written before it went.
        if os.path.exists(os.path.join(current().folder, path)):
            return None
        raise
    except Problem as problem:
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
    marks.agree_if_possible([video])
    said = edits.shown(video)
    return edit_page(video, said, [], edits.seen(said), edits.version_of(video.id))


@blueprint.post("/edit")
@guard.restricted
def edit():
    guard.check_token()
    video = video_or_404(request.args.get("v", ""))
    said, complaints = read_form()
    seen, version = request.form.get("seen", ""), request.form.get("version", "")
    if not said["title"]:
        complaints.append("A video needs a title.")
    if not complaints:
        try:
            edits.save(video.id, said, seen, version)
            return redirect(address_of(video.id, video_or_404(video.id).visibility), 303)
        except edits.Overtaken as overtaken:
            return overtaken_page(video.id, overtaken)
        except Problem as problem:
            if problem.status >= 500 or problem.status in (401, 403, 404):
                raise
            complaints.append(f"jcn refused it: {problem.detail}")
    return edit_page(video, said, complaints, seen, version), 422


def overtaken_page(video_id, overtaken):
    video = video_or_404(video_id)
    theirs = {name: value for name, value in overtaken.contested.items() if name != "description"}
    facts = [f"its {name} is “{', '.join(value) if name == 'tags' else value}” now"
             for name, value in theirs.items()]
    if "description" in overtaken.contested:
        facts.append("its description is another one now")
    complaint = ("Somebody else has changed this video meanwhile"
                 + (f": {', '.join(facts)}" if facts else "")
                 + ". Send yours again to replace what they wrote.")
    return edit_page(video, overtaken.said, [complaint], edits.seen(edits.shown(video)),
                     edits.version_of(video_id)), 409


def edit_page(video, said, complaints, seen, version):
    return render_template("edit.html", video=video, said=said, complaints=complaints, seen=seen,
                           version=version, events=pages.events_of(video))


# ---- try again

@blueprint.post("/edit/again")
@guard.restricted
def again():
    guard.check_token()
    video = video_or_404(request.args.get("v", ""))
    if worker.may_try_again(video):
        worker.try_again(video)
    return redirect(address_of(video.id, video.visibility), 303)


# ---- delete

@blueprint.post("/delete")
@guard.restricted
def delete():
    guard.check_token()
    video_id = request.args.get("v", "")
    notes = notes_of(video_id)
    if not notes and not uploads.files_of(video_id):
        raise NotFound("There is no such video.")
    hide(video_id)
    for n, (root, path) in enumerate(notes):
        forget(root, path)
        if n == 0:
            hide(video_id)  # again: while the note was there, a page may have shown them
    # What was created while the first note was there; nobody creates any more without it.
    for root, path in dict.fromkeys([*created_beside(notes[:1], video_id), *lying(video_id)]):
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
            found = videos.notes_of(video_id)
        except NothingThere:
            pass  # deleted by somebody else, this very moment
    return list(dict.fromkeys([*found, *lying(video_id)]))


def lying(video_id):
    """[(root, path)] of all notes in the name of a video that was uploaded here."""
    return [(current().root, f"{video_id[:2]}/{name}") for name in uploads.notes_of(video_id)]


def created_beside(notes, video_id):
    """[(root, path)] of what the site and the workers have created beside these: by their names,
    and by what they say that they are about."""
    places = [(root, videos.beside(path, author)) for root, path in notes
              for author in ("edit", "transcode", "claim")]
    return [place for place in places if is_about(*place, video_id)]


def is_about(root, path, video_id):
    try:
        note = json.loads(jcn().fragment(root, path).body)
    except ValueError:
        return False
    except Problem as problem:
        if problem.status not in (404, 422):  # nothing, or nothing that could be read
            raise
        return False
    return isinstance(note, dict) and video_id in (note.get("id"), note.get("video"))


def hide(video_id):
    """Files of which a deletion may leave some behind, if it breaks off, are for editors."""
    try:
        marks.hide(video_id)
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
    said = edits.fields(form.get("title", ""), form.get("description", ""), form.get("tags", ""),
                        form.get("visibility", "private"))
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
