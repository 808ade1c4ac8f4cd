"""Which file says what of a video: for the table beneath it."""

from jcn_client import NotFound

from . import text
from .settings import jcn

SHOWN = ("title", "description", "tags", "uploader", "uploaded_at", "visibility", "duration",
         "width", "height", "source", "poster", "renditions", "tracks", "transcode")


def of(video_id):
    """[{"member", "said_by": [paths], "shadowed": [paths]}] of the members that pages show;
    shadowed are the files that said something else, and lost."""
    try:
        origins = jcn().record_with(video_id, "provenance")["provenance"]
    except NotFound:  # deleted a moment ago
        return []
    rows = []
    for member in SHOWN:
        said_by, shadowed = {}, {}
        for pointer, origin in origins.items():
            if pointer == f"/{member}" or pointer.startswith(f"/{member}/"):
                said_by[text.plain(origin["path"], 300)] = True
                shadowed.update((text.plain(each["path"], 300), True)
                                for each in origin["shadowed"])
        if said_by:
            rows.append({"member": member, "said_by": list(said_by),
                         "shadowed": [path for path in shadowed if path not in said_by]})
    return rows
