"""Marks of private videos. Apache shows the files of a video to editors only while a file
ID.private stands beside them (surroundings.conf). Videos that were not uploaded here have none.

A mark is made before its video becomes private, and again after it; it goes when the video is
shown. Whoever takes one away asks jcn once more, and puts it back unless the video still is one to
be shown: so it does not matter in which order two who see it change have their turns.

A deletion removes the files, and their mark behind them, until there are none. Whoever marks files
looks again whether there are some, and else takes the mark away: so none is left.

What others than the site change is seen by private_marks.py, which follows jcn, and by each page
that shows the video.
"""

import os

import flask

from . import uploads, videos
from .settings import current

ENDING = ".private"


def put(video_id):
    """On disk when this returns. The video's folder is there, and no file in it yet."""
    path = _path(video_id)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    uploads.sync_folder(os.path.dirname(path))


def hide(video_id):
    """Marks the files of a video, if there are some. On disk when this returns."""
    if not uploads.files_of(video_id):
        return
    try:
        put(video_id)
    except FileNotFoundError:  # the folder went with the last of them
        return
    if uploads.files_of(video_id) == [video_id + ENDING]:
        remove(video_id)


def remove(video_id):
    """False: there was none."""
    try:
        os.unlink(_path(video_id))
    except FileNotFoundError:
        return False
    return True


def follow(video_id):
    """Makes the mark what jcn says of the video now. One whose record is gone keeps its mark, if
    files of it are left."""
    if not uploads.ID.fullmatch(video_id):
        return
    if not _is_shown(video_id):
        hide(video_id)
        return
    if not remove(video_id):
        return
    still_shown = False
    try:
        still_shown = _is_shown(video_id)
    finally:
        if not still_shown:
            hide(video_id)


def agree(video):
    """Follows, where the mark is not what a record says that was read a moment ago: somebody may
    have changed it without the site."""
    if not uploads.ID.fullmatch(video.id):
        return
    if os.path.exists(_path(video.id)) != (video.visibility == "private"):
        follow(video.id)


def agree_if_possible(found):
    """The same of several, where a page is to be shown whatever the disk says."""
    for video in found:
        try:
            agree(video)
        except OSError as error:
            flask.current_app.logger.error("the mark of %s: %s", video.id, error)


def _is_shown(video_id):
    return videos.find_shown(video_id) is not None


def _path(video_id):
    return os.path.join(current().folder, video_id[:2], video_id + ENDING)
