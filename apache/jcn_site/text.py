"""Values of records as text for people. They may be anything: whoever drops a note chooses them."""

import datetime
import math
import re
import urllib.parse

import markupsafe

LINK = re.compile(r"https?://[^\s<>\"'`\\^{}|\x00-\x1f\x7f]{1,2000}")
ANCHOR = markupsafe.Markup('<a href="{0}" rel="nofollow ugc noopener">{0}</a>')
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")


def plain(value, limit):
    """A string without control characters, cut at `limit` characters; "" for anything else."""
    if not isinstance(value, str):
        return ""
    cut = CONTROL.sub("", value[:limit + 1]).encode("utf-8", "replace").decode()
    return cut if len(cut) <= limit else cut[:limit - 1] + "…"


def number(value):
    """A number that can be shown, or None; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) < 1e15 else None


def linked(text):
    """Text in which what begins with http:// or https:// is a link, and nothing else is markup."""
    out, at = markupsafe.Markup(), 0
    for match in LINK.finditer(text):
        address = match.group().rstrip(".,;:!?)")
        out += text[at:match.start()]
        out += ANCHOR.format(address)
        at = match.start() + len(address)
    return out + text[at:]


def length(seconds):
    """1:05, 1:01:05"""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def spoken_length(seconds):
    """PT1H1M5S, for the datetime attribute."""
    minutes, seconds = divmod(int(seconds), 60)
    return f"PT{minutes // 60}H{minutes % 60}M{seconds}S"


def size(count):
    """18.2 MB"""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError("unreachable")


def grouped(count):
    """22,255"""
    return f"{count:,}"


def day(moment):
    """1 March 2026, of an RFC 3339 time; what is none stays."""
    try:
        when = datetime.datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{when.day} {when:%B %Y}"


def clock(moment):
    """14:05, of an RFC 3339 time of this or the last day."""
    return moment[11:16]


def milliseconds(value):
    """0.42 ms, 12 ms, 1,200 ms: two digits at least."""
    digits = 0 if value >= 10 else 1 if value >= 1 else 2 if value >= 0.1 else 3
    return f"{value:,.{digits}f} ms"


def now():
    """RFC 3339, seconds, UTC."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_since(moment):
    """Since a time as notes have it; for ever, if it is none."""
    try:
        then = datetime.datetime.fromisoformat(moment)
    except ValueError:
        return math.inf
    if then.tzinfo is None:
        then = then.replace(tzinfo=datetime.timezone.utc)
    return (datetime.datetime.now(datetime.timezone.utc) - then).total_seconds()


def query(address, **values):
    """The address with these parameters; a list repeats its name; empty ones are left out. A space
    is %20: that is one for everybody who reads an address."""
    pairs = [(name, each) for name, value in values.items()
             for each in (value if isinstance(value, (list, tuple)) else [value]) if each]
    encoded = urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote)
    return f"{address}?{encoded}" if pairs else address


FILTERS = {"linked": linked, "length": length, "spoken_length": spoken_length, "size": size,
           "grouped": grouped, "day": day, "clock": clock, "milliseconds": milliseconds,
           "query": query}
