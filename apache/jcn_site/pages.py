"""What everybody may see: the list, one video, the same for other sites to embed."""

import json
import urllib.parse

import flask
import markupsafe
from flask import render_template, request
from werkzeug.exceptions import BadRequest, NotFound, NotImplemented

from jcn_client import Problem

from . import marks, provenance, text, videos
from .settings import current

blueprint = flask.Blueprint("pages", __name__)

FRAME = markupsafe.Markup('<iframe src="{}" width="{}" height="{}" title="{}" allowfullscreen>'
                          "</iframe>")
FACETS = {"tag": "tags", "uploader": "uploader", "language": "language"}  # parameter: member
ORDERS = {"": ("Newest first", ("_sort_desc", "uploaded_at")),
          "title": ("By title", ("_sort", "title")),
          "longest": ("Longest first", ("_sort_desc", "duration"))}


@blueprint.get("/")
def home():
    return listing("home.html", [("visibility__exact", "public")])


def listing(template, parameters):
    """A page of what fulfils `parameters` and the reader's own search, choice of facets and
    order."""
    asked = {"q": request.args.get("q", "").strip()[:500],
             "order": request.args.get("order", "") if request.args.get("order") in ORDERS else "",
             **{name: request.args.getlist(name)[:10] for name in FACETS}}
    parameters = [*parameters, ("_size", current().page_size), ("_facet_size", 20)]
    for name, member in FACETS.items():
        parameters += [(f"{member}__exact", value) for value in asked[name]]
    if asked["q"]:
        parameters.append(("_search", asked["q"]))
    if not asked["q"] or asked["order"]:
        parameters.append(ORDERS[asked["order"]][1])
    if after := request.args.get("page"):
        parameters.append(("_next", after))
    try:
        found, said = videos.page(parameters, facets=list(FACETS.values()))
    except Problem as problem:
        if problem.status != 400:
            raise
        # Words that nothing can be searched by, or the page of a list that is no more.
        return render_template(template, asked=asked, orders=ORDERS, found=[], count=0, facets=[],
                               more=None, complaint=problem.detail), 400
    marks.agree_if_possible(found)
    return render_template(template, asked=asked, orders=ORDERS, found=found, count=said["count"],
                           facets=facet_links(asked, said), more=said["next"], complaint=None)


def facet_links(asked, said):
    """Of each facet: its name, and per value how many there are and where a click leads: to the
    same list with that value, or without it where it is chosen already."""
    facets = []
    for name, member in FACETS.items():
        values = []
        for each in said["facet_results"][member]["results"]:
            value = each["value"]
            if not isinstance(value, str):
                value = json.dumps(value)  # so that jcn finds it again: true, not True
            if len(value) > 200:
                continue  # not to be put into an address
            chosen = value in asked[name]
            values_then = [other for other in asked[name] if other != value]
            if not chosen:
                values_then = [*asked[name], value]
            values.append({"value": text.plain(value, 60), "count": each["count"], "chosen": chosen,
                           "address": text.query(request.path, **{**asked, name: values_then})})
        if values:
            facets.append({"name": name, "values": values})
    return facets


@blueprint.get("/watch")
def watch():
    video = shown_or_404()
    return render_template("watch.html", video=video, origins=provenance.of(video.id),
                           events=events_of(video))


@blueprint.get("/embed")
def embed():
    return render_template("embed.html", video=shown_or_404())


@blueprint.get("/oembed")
def oembed():
    """https://oembed.com, section 2.3.4.4: the rich description of a video by its address."""
    if request.args.get("format", "json") != "json":
        raise NotImplemented("Only JSON is spoken here.")
    try:
        parts = urllib.parse.urlsplit(request.args.get("url", ""))
    except ValueError:
        parts = urllib.parse.urlsplit("")
    if parts.scheme not in ("http", "https") or parts.netloc != request.host \
            or parts.path != flask.url_for("pages.watch"):
        raise NotFound("This is no address of a video here.")
    video = shown_or_404(dict(urllib.parse.parse_qsl(parts.query)).get("v"))
    width, height = fitted(video, limit("maxwidth"), limit("maxheight"))
    answer = {"version": "1.0", "type": "video", "title": video.title, "width": width,
              "height": height, "provider_name": current().name, "provider_url": request.host_url,
              "html": FRAME.format(flask.url_for("pages.embed", v=video.id, _external=True),
                                   width, height, video.title)}
    if video.uploader:
        answer["author_name"] = video.uploader
    if video.poster:
        answer.update(thumbnail_url=urllib.parse.urljoin(request.host_url, video.poster),
                      thumbnail_width=width, thumbnail_height=height)
    return answer


def shown_or_404(video_id=None):
    video = videos.find(video_id or request.args.get("v", ""))
    if video is not None:
        marks.agree_if_possible([video])
    if video is None or video.visibility == "private":
        raise NotFound("There is no such video.")
    return video


def events_of(video):
    """Where changes of a video are told, while somebody is about to make some."""
    return text.query("/events", v=video.id) if video.in_work else None


def limit(name):
    value = request.args.get(name, "4096")
    if not value.isascii() or not value.isdecimal() or not 0 < int(value[:9]):
        raise BadRequest(f"{name} is no number.")
    return int(value[:9])


def fitted(video, max_width, max_height):
    """Width and height of the frame: 640 wide by itself, within the limits, in the video's
    shape."""
    shape = (video.height or 9) / (video.width or 16) if video.width and video.height else 9 / 16
    width = min(640, max_width, int(max_height / shape))
    return max(width, 1), max(round(width * shape), 1)
