"""Numbers as shapes, in the units of an SVG of WIDTH x HEIGHT; pictures.html draws them."""

import math

WIDTH, HEIGHT = 600, 160
MARGIN = 8  # above the highest value
SLOTS = 60  # columns of a picture, rows of its table


def slots(minutes):
    """Rows of jcn's history, at most SLOTS of them: where there are more, several minutes stand in
    one. Of these, notes and rejects are those at the end, files and changes are added up; half of
    the changes took the middle minute's time, each minute weighing as much as it had changes; and
    99 of 100 took no longer than in the worst one."""
    size = math.ceil(len(minutes) / SLOTS) or 1
    return [_slot(minutes[begin:begin + size]) for begin in range(0, len(minutes), size)]


def _slot(minutes):
    changed = [row["visible"] for row in minutes if row["visible"]["count"]]
    count = sum(each["count"] for each in changed)
    return {"since": minutes[0]["since"], "minutes": len(minutes),
            "fragments": minutes[-1]["fragments"], "rejects": minutes[-1]["rejects"],
            "read": sum(row["read"] for row in minutes), "visible": count,
            "half": _middle(changed, count),
            "most": max((each["p99_ms"] for each in changed), default=None)}


def _middle(changed, count):
    passed = 0
    for each in sorted(changed, key=lambda each: each["p50_ms"]):
        passed += each["count"]
        if 2 * passed >= count:
            return each["p50_ms"]
    return None


def curve(values):
    """{"line", "area"} of numbers, from 0 up; None if there are none."""
    if not values:
        return None
    highest = max(values) or 1
    if len(values) == 1:
        values = 2 * values
    step = WIDTH / (len(values) - 1)
    line = " ".join(f"{n * step:.1f},{HEIGHT - (HEIGHT - MARGIN) * value / highest:.1f}"
                    for n, value in enumerate(values))
    return {"line": line, "area": f"0,{HEIGHT} {line} {WIDTH},{HEIGHT}"}


def ranges(pairs):
    """{"bars": [{x, y, width, height}], "lines": [y], "bottom", "top"} of (low, high), a bar each,
    none of (None, None): each power of ten is as high as the next one, with a line between them;
    `bottom` and `top` are the values at the edges. None if there are none."""
    found = [value for pair in pairs for value in pair if value is not None]
    if not found:
        return None
    lowest = math.floor(math.log10(max(min(found), 0.001)))
    highest = max(math.ceil(math.log10(max(*found, 0.001))), lowest + 1)

    def at(value):
        share = (math.log10(max(value, 10 ** lowest)) - lowest) / (highest - lowest)
        return HEIGHT - HEIGHT * share

    width = WIDTH / len(pairs)
    bars = []
    for n, (low, high) in enumerate(pairs):
        if low is not None:
            height = max(at(low) - at(high), 3)
            bars.append({"x": round(n * width + width / 10, 1), "width": round(width * 0.8, 1),
                         "y": round(min(at(high), HEIGHT - height), 1), "height": round(height, 1)})
    return {"bars": bars, "bottom": 10 ** lowest, "top": 10 ** highest,
            "lines": [round(at(10 ** power), 1) for power in range(lowest + 1, highest)]}


def bars(counts):
    """[{"name", "count", "width"}] of (name, count): a bar each, the longest WIDTH wide."""
    counts = list(counts)
    highest = max((count for _, count in counts), default=0) or 1
    return [{"name": name, "count": count, "width": round(WIDTH * count / highest, 1)}
            for name, count in counts]
