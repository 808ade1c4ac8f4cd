"""What a person changed in a form, and what others changed meanwhile.

A form carries a hash of each member as its reader saw it. What differs from that is the reader's
change; only changes are written, into the note of edits, so that a form that lay open for long does
not bring back what others have replaced. A member that both changed is a conflict: nothing is
written.
"""

import hashlib
import json

from werkzeug.exceptions import Conflict as Unusable

from jcn_client import Conflict
from jcn_client import NotFound as NothingThere

from . import marks, text, videos
from .settings import jcn

TITLE, DESCRIPTION, TAG = 500, 20000, 60  # the longest that forms take
MEMBERS = ("title", "description", "tags", "visibility")
ATTEMPTS = 20  # when others write at the same time


class Overtaken(Exception):
    """Others have changed what this form would change, too. `said`: the form with what they wrote
    where its reader changed nothing; `contested`: {member: what it is now}."""

    def __init__(self, said, contested):
        super().__init__("somebody else was quicker")
        self.said = said
        self.contested = contested


def fields(title, description, tags, visibility):
    """The fields of a form, in the types of a note: without line breaks of several kinds, or white
    space around. A text that is too long is so by one character at least."""
    lines = description.replace("\r\n", "\n").replace("\r", "\n")
    return {"title": " ".join(text.plain(title, TITLE + 1).splitlines()).strip(),
            "description": text.plain(lines, DESCRIPTION + 1).strip(),
            "tags": list(dict.fromkeys(tag for each in tags.split(",")
                                       if (tag := text.plain(each, TAG + 1).strip()))),
            "visibility": visibility}


def shown(video):
    """What its form shows, and gets back from a reader who changes nothing."""
    return fields(video.title, video.description, ", ".join(video.tags), video.visibility)


def seen(said):
    """The hashes that a form with these fields carries."""
    return ".".join(_hash(said[member]) for member in MEMBERS)


def _hash(value):
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:32]


def place_of(video_id):
    """(root, path, first): of the note with people's changes, where it is, or would be, beside the
    first note; and that one's path, None if it is of another root."""
    notes = videos.notes_of(video_id)
    first_root, first = notes[0]
    root, path = next((note for note in notes if note[1].endswith(".edit.json")),
                      (first_root, videos.beside(first, "edit")))
    return root, path, first if first_root == root else None


def version_of(video_id):
    """The etag of that note, "" if there is none."""
    root, path, _ = place_of(video_id)
    try:
        return jcn().fragment(root, path).etag
    except NothingThere:
        return ""


def save(video_id, said, seen_then, version):
    """Writes what was changed in a form with these fields. `seen_then`, `version`: what seen() and
    version_of() were when it was made. Overtaken, or jcn's Problem, if nothing was written:
    NotFound, if the video is gone by now."""
    for attempt in range(ATTEMPTS):
        root, path, first = place_of(video_id)
        note, etag = _read(root, path)
        changes = _changes(video_id, said, seen_then, note if etag != version else {},
                           etag == version)
        if not changes:
            return
        if changes.get("visibility") == "private":
            marks.hide(video_id)  # before the video is
        if changes.get("description") == "":
            changes["description"] = None  # takes away what others say
        try:
            jcn().put(root, path, {"id": video_id, **note, **changes}, etag or None, first)
            return
        except Conflict:
            if attempt + 1 == ATTEMPTS:
                raise
        finally:
            marks.follow(video_id)


def _read(root, path):
    """The note of edits, to be changed, and its etag; ({}, "") if there is none."""
    try:
        before = jcn().fragment(root, path)
    except NothingThere:
        return {}, ""
    try:
        note = json.loads(before.body)
    except ValueError:
        note = None
    if not isinstance(note, dict):
        raise Unusable(f"The note of this video's changes, {path}, can't be read. "
                       "Whoever wrote it has to mend it first.")
    return note, before.etag


def _changes(video_id, said, seen_then, newer, same_version):
    """Of the fields those that their reader changed. `newer`: the note of edits if it is another
    one than then; jcn may not have read it yet."""
    record = {**jcn().record(video_id), **{name: newer[name] for name in MEMBERS if name in newer}}
    now = shown(videos.Video(video_id, record))
    hashes = seen_then.split(".")
    if len(hashes) != len(MEMBERS):  # no page of this site: all that it says is meant
        if not same_version:
            raise Overtaken(said, {})
        return {name: said[name] for name in MEMBERS if said[name] != now[name]}
    saw = dict(zip(MEMBERS, hashes))
    meant = {name: said[name] for name in MEMBERS if _hash(said[name]) != saw[name]}
    changes = {name: value for name, value in meant.items() if value != now[name]}
    contested = {name: now[name] for name in changes if _hash(now[name]) != saw[name]}
    if contested:
        raise Overtaken({**now, **meant}, contested)
    return changes
