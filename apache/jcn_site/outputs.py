"""Files that a worker elsewhere has made.

Beside the video, with its ID as the first word of their names, the video's mark hides them (marks.py)
and its deletion removes them. A worker may have names of its own; from its report on its file has
one of ours, of what the worker called it: whoever reports twice, because the first answer was lost,
means the same file.

Only what was made for the job is renamed: not what was there before, nor another video's file, nor
what a link leads to.
"""

import contextlib
import hashlib
import os
import re
import stat

from . import uploads, videos
from .settings import current

IN_A_NAME = re.compile(rf"[{uploads.ID_LETTERS}]{{2}}/({uploads.ID.pattern})\.")


class Unusable(Exception):
    """Why a file can't be taken, for people; it stays where it is."""


def taken_in(video_id, path, since):
    """The path, beneath the root, of the file that a worker calls `path`, which is one of a media
    file. On disk when this returns. `since`: when the video's own file was there, as the disk's
    clock has it. Unusable, or OSError if there is no room."""
    if path.startswith(f"{video_id[:2]}/{video_id}.") and path.count("/") == 1:
        return path
    if IN_A_NAME.match(path):
        raise Unusable("The worker's file has another video's name.")
    named = hashlib.sha256(path.encode()).hexdigest()[:12]
    relative = f"{video_id[:2]}/{video_id}.worker-{named}.{videos.extension(path)}"
    target = os.path.join(current().folder, relative)
    try:
        with _folder_of(path) as (folder, name):
            _check(os.stat(name, dir_fd=folder, follow_symlinks=False), since)
            uploads.into_folder(target, lambda: os.rename(name, target, src_dir_fd=folder))
            os.fsync(folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        if not os.path.exists(target):
            raise Unusable("The worker's file is not there.") from error
    except OSError as error:
        if error.errno in uploads.NO_ROOM:
            raise
        raise Unusable("The worker's file can't be put beside the video: "
                       f"{os.strerror(error.errno)}.") from error
    return relative


def _check(file, since):
    if not stat.S_ISREG(file.st_mode) or file.st_nlink != 1:
        raise Unusable("The worker's file is a link, or no file.")
    if file.st_ctime < since:
        raise Unusable("The worker's file was there before the video.")


@contextlib.contextmanager
def _folder_of(path):
    """Its folder's descriptor, and its name in it. No part of the way is a link."""
    *folders, name = path.split("/")
    folder = os.open(current().folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for each in folders:
            inner = os.open(each, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder, name
    finally:
        os.close(folder)


def forget(video_id):
    """Of a report that came when the video was gone, nothing stays."""
    if not os.path.exists(os.path.join(current().folder, videos.note_of_upload(video_id))):
        uploads.remove_files(video_id)
