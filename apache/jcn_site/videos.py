"""A record of jcn's as pages may show it: each value has its type and a limit, whatever the notes
say, and every path leads to a media file beneath the root."""

import re
import urllib.parse

from jcn_client import NotFound, Problem

from . import text
from .settings import jcn

# What Apache serves beneath /media/ (see site.conf), by the last part of its name.
VIDEO_TYPES = {"mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm", "ogv": "video/ogg",
               "mov": "video/quicktime", "mkv": "video/x-matroska"}
PLAYED_UNPROCESSED = ("mp4", "m4v", "webm", "ogv")
PICTURES = ("jpg", "jpeg", "png", "webp", "avif")
NAME = r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*"
PATH = re.compile(rf"{NAME}(?:/{NAME})*")

VISIBILITIES = ("public", "unlisted", "private")
STATES = ("queued", "running", "done", "failed")
SHOWN_IN_LISTS = "title,duration,poster,uploaded_at,uploader,tags,visibility,transcode.state"


class Video:
    def __init__(self, video_id, document):
        self.id = video_id
        self._document = document

    def _text(self, name, limit):
        return text.plain(self._document.get(name), limit)

    @property
    def title(self):
        return self._text("title", 500).strip() or text.plain(self.id, 100)

    @property
    def description(self):
        return self._text("description", 20000) or self._text("summary", 20000)

    @property
    def tags(self):
        return [tag for tag in (text.plain(each, 60)
                                for each in listed(self._document, "tags")[:50])
                if tag]

    @property
    def uploader(self):
        return self._text("uploader", 200)

    @property
    def uploaded_at(self):
        moment = self._text("uploaded_at", 40)
        return moment if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", moment) else ""

    @property
    def visibility(self):
        """Who does not say may not be shown."""
        said = self._document.get("visibility")
        return said if said in VISIBILITIES else "private"

    @property
    def duration(self):
        seconds = text.number(self._document.get("duration"))
        return seconds if seconds is not None and seconds >= 0 else None

    @property
    def width(self):
        return pixels(self._document.get("width"))

    @property
    def height(self):
        return pixels(self._document.get("height"))

    @property
    def poster(self):
        return media_address(self._document.get("poster"), PICTURES)

    @property
    def sources(self):
        """What <video> may play: [{"src", "type", "label"}]. The uploaded file itself only if
        nobody is about to make something better of it."""
        found = []
        for each in listed(self._document, "renditions")[:20]:
            if isinstance(each, dict) and (src := media_address(each.get("path"), VIDEO_TYPES)):
                sides = [side for name in ("width", "height") if (side := pixels(each.get(name)))]
                found.append({"src": src, "type": VIDEO_TYPES[extension(src)],
                              "label": f"{min(sides)}p" if sides else ""})
        if not found and not self.state:
            if src := media_address(self._object("source").get("path"), PLAYED_UNPROCESSED):
                found.append({"src": src, "type": VIDEO_TYPES[extension(src)], "label": ""})
        return found

    @property
    def tracks(self):
        found = []
        for each in listed(self._document, "tracks")[:50]:
            if not isinstance(each, dict):
                continue
            src, kind = media_address(each.get("path"), ("vtt",)), each.get("kind")
            language = text.plain(each.get("language"), 20)
            if src and kind in ("subtitles", "captions", "descriptions", "chapters", "metadata"):
                if kind == "subtitles" and not language:
                    continue  # HTML wants to know which
                found.append({"src": src, "kind": kind, "language": language,
                              "label": text.plain(each.get("label"), 100)})
        return found

    @property
    def source_path(self):
        """Of the uploaded file, as a worker is told of it; "" if there is none."""
        path = self._object("source").get("path")
        return path if isinstance(path, str) else ""

    @property
    def state(self):
        """One of STATES, or "" if nothing is to be made of it."""
        said = self._object("transcode").get("state")
        return said if said in STATES else ""

    @property
    def in_work(self):
        return self.state in ("queued", "running")

    @property
    def updated_at(self):
        """When its state was said, "" if nobody says that."""
        moment = self._object("transcode").get("updated_at")
        return moment if isinstance(moment, str) else ""

    @property
    def percent(self):
        said = text.number(self._object("transcode").get("percent"))
        return min(max(round(said), 0), 100) if said is not None else None

    @property
    def error(self):
        return text.plain(self._object("transcode").get("error"), 2000)

    def _object(self, name):
        value = self._document.get(name)
        return value if isinstance(value, dict) else {}


def listed(document, name):
    value = document.get(name)
    return value if isinstance(value, list) else []


def pixels(value):
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value < 100000 else None


def extension(path):
    """webm of a.b.WEBM; "" of what has none, or one that is not ASCII (some letters become ASCII
    ones when they are made small)."""
    last = path.rpartition(".")[2]
    return last.lower() if "." in path and last.isascii() else ""


def media_address(path, extensions):
    """The address of a file beneath the root, or "" for what is no path to such a file."""
    if not isinstance(path, str) or len(path) > 1000 or not PATH.fullmatch(path):
        return ""
    if extension(path) not in extensions:
        return ""
    try:
        return "/media/" + urllib.parse.quote(path)
    except UnicodeEncodeError:  # half a pair of surrogates
        return ""


# ---- the notes of a video (jcn/doc/video.md)

def note_of_upload(video_id):
    """Its path beneath the root."""
    return f"{video_id[:2]}/{video_id}.json"


def beside(note, author):
    """The path of the note that another author has beside the first one: edit, transcode, claim."""
    return f"{note.removesuffix('.json')}.{author}.json"


def notes_of(video_id):
    """[(root, path)] of the notes that make up the video, the first one first. NotFound, if there
    is no such video."""
    notes = jcn().record_with(video_id, "fragments")["fragments"]
    return [(note["root"], note["path"]) for note in notes]


# ---- asking jcn

def find(video_id):
    """The video, whatever its visibility; None if there is none."""
    try:
        return Video(video_id, jcn().record(video_id)) if video_id else None
    except NotFound:
        return None
    except Problem as problem:
        if problem.status == 400:  # no id could be like this
            return None
        raise


def find_shown(video_id):
    """The video, if anybody with its address may see it."""
    video = find(video_id)
    return video if video and video.visibility != "private" else None


def page(parameters, facets=()):
    """A page of a listing: (videos, what jcn said)."""
    said = jcn().listing([("_col", SHOWN_IN_LISTS), ("_extra", "count"), *parameters],
                         facets=facets)
    return [Video(row["_id"], row) for row in said["rows"]], said
