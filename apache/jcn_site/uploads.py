"""A file on its way to the disk.

While the body of POST /upload arrives it is written to incoming/ID.part beneath the root, which jcn
ignores and Apache does not serve; memory does not grow with it. Whole and synced, it gets its name:
ID.mp4, in a folder of the ID's first two letters. Names are made here, of letters and digits; of
the uploader's name nothing stays but which of the known extensions it has. Whatever goes wrong,
nothing is left.
"""

import errno
import os
import re
import secrets
import shutil
import time

import flask
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge

from . import videos
from .settings import current

ID_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"  # none that look like another
ID = re.compile(f"[{ID_LETTERS}]{{12}}")
FORM_BYTES = 512 << 10  # of a form without its file
SYNC_BYTES = 64 << 20  # as they arrive: at the end a disk takes no longer than Apache waits
STALE_SECONDS = 24 * 3600
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class DiskFull(HTTPException):
    code = 507
    name = "Insufficient Storage"
    description = "There is no room left for this video. Nothing of it was kept."


class Request(flask.Request):
    """Writes the file of an upload to the disk of its destination; nobody else may send files."""

    max_form_memory_size = FORM_BYTES
    max_form_parts = 20
    upload = None  # the Part, once the body is being read

    def _get_file_stream(self, total_content_length, content_type, filename=None,
                         content_length=None):  # Werkzeug's hook
        if self.endpoint != "changing.upload" or self.upload is not None:
            raise BadRequest("One file is expected, and only where videos are uploaded.")
        self.upload = Part(current().folder, current().max_upload_bytes)
        return self.upload


class Part:
    """A new video's file: write, then keep, or discard. Discarding what is kept does nothing."""

    def __init__(self, folder, limit):
        self.id = "".join(secrets.choice(ID_LETTERS) for _ in range(12))
        self.size = 0
        self._synced = 0  # of these bytes
        self._folder = folder
        self._limit = limit
        self._path = None
        incoming = os.path.join(folder, "incoming")
        os.makedirs(incoming, mode=0o775, exist_ok=True)
        remove_stale(incoming)
        path = os.path.join(incoming, self.id + ".part")
        self._file = open(path, "xb")
        self._path = path

    def write(self, data):
        self.size += len(data)
        if self.size > self._limit:
            raise RequestEntityTooLarge()
        self._file.write(data)
        if self.size - self._synced >= SYNC_BYTES:
            self._file.flush()
            os.fdatasync(self._file.fileno())
            self._synced = self.size

    def seek(self, *_):
        """Werkzeug goes back to the beginning of what it has written, for readers; there are
        none."""

    def keep(self, extension, before=lambda: None):
        """Gives the file its name; returns its path beneath the root. `before`: called when its
        folder is there, and the name is not; perhaps again."""
        relative = f"{self.id[:2]}/{self.id}.{extension}"
        target = os.path.join(self._folder, relative)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        def move():
            before()
            os.rename(self._path, target)

        into_folder(target, move)
        self._path = None
        return relative

    def discard(self):
        if self._path is not None:
            try:
                self._file.close()
            except OSError:
                pass  # what was still in memory did not fit on the disk
            os.unlink(self._path)
            self._path = None


def into_folder(target, move):
    """Calls move(), perhaps again, when there is a folder for `target`; on disk when this
    returns."""
    folder = os.path.dirname(target)
    for attempts_left in reversed(range(5)):
        os.makedirs(folder, mode=0o775, exist_ok=True)
        try:
            move()
            break
        except FileNotFoundError:  # the last other video in the folder was deleted, and it too
            if not attempts_left:
                raise
    sync_folder(folder)


def ensure_room(length):
    """Refuses at once what can't fit, before a byte of it is read."""
    if length and length > shutil.disk_usage(current().folder).free:
        raise DiskFull()


def known_extension(filename):
    """That of the uploader's file, in small letters; None if it is not one of videos."""
    extension = videos.extension(filename or "")
    return extension if extension in videos.VIDEO_TYPES else None


def files_of(video_id):
    """Names of the files of a video that was uploaded here, without its notes, which are jcn's; the
    mark that keeps the others private (marks.py) is the last of them."""
    return sorted((name for name in _names(video_id) if not name.endswith(".json")),
                  key=lambda name: (name.endswith(".private"), name))


def notes_of(video_id):
    """Names of the notes beside them, that of the upload first."""
    return sorted((name for name in _names(video_id) if name.endswith(".json")),
                  key=lambda name: (name != video_id + ".json", name))


def _names(video_id):
    if not ID.fullmatch(video_id):
        return []
    try:
        names = os.listdir(os.path.join(current().folder, video_id[:2]))
    except FileNotFoundError:
        return []
    return [name for name in names if name.startswith(video_id + ".")]


def remove_files(video_id):
    """All of files_of, and those that come meanwhile, and the folder if it is empty then."""
    if not ID.fullmatch(video_id):
        return
    folder = os.path.join(current().folder, video_id[:2])
    while names := files_of(video_id):
        for name in names:
            try:
                os.unlink(os.path.join(folder, name))
            except FileNotFoundError:
                pass
    try:
        os.rmdir(folder)
    except OSError:
        pass  # other videos are in it, or it was never made


def remove_stale(incoming):
    """What uploads left that were killed."""
    for entry in os.scandir(incoming):
        try:
            if entry.name.endswith(".part") \
                    and time.time() - entry.stat(follow_symlinks=False).st_mtime > STALE_SECONDS:
                os.unlink(entry.path)
        except FileNotFoundError:
            pass


def sync_folder(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
