"""Numbers as shapes, in the units of an SVG of WIDTH x HEIGHT; pictures.html draws them."""

import datetime
import statistics

WIDTH, HEIGHT = 600, 160


def moments(first, count):
    """`count` times from `first` until now, evenly, as RFC 3339."""
    now = datetime.datetime.now(datetime.timezone.utc)
    try:
        begin = datetime.datetime.fromisoformat(first[:19] + "+00:00")
    except ValueError:  # before the year 1
        begin = now
    step = (now - min(begin, now)) / (count - 1)
    return [f"{now - step * (count - 1 - n):%Y-%m-%dT%H:%M:%S}.999999999Z" for n in range(count)]


def curve(points):
    """{"line", "area", "first", "last", "highest"} of [(time, count)]; None if there are none."""
    if not points:
        return None
    highest = max(count for _, count in points) or 1
    step = WIDTH / max(len(points) - 1, 1)
    line = " ".join(f"{n * step:.1f},{HEIGHT - (HEIGHT - 8) * count / highest:.1f}"
                    for n, (_, count) in enumerate(points))
    return {"line": line, "area": f"0,{HEIGHT} {line} {WIDTH},{HEIGHT}", "first": points[0][0],
            "last": points[-1][0], "highest": points[-1][1]}


def columns(values):
    """{"columns": [{x, y, width, height, value}], "median", "highest"}; None if there are none."""
    if not values:
        return None
    highest, width = max(values), WIDTH / len(values)
    return {"median": statistics.median(values), "highest": highest,
            "columns": [{"x": round(n * width + 2, 1), "width": round(width - 4, 1), "value": value,
                         "height": round(max((HEIGHT - 8) * value / highest, 1), 1),
                         "y": round(HEIGHT - max((HEIGHT - 8) * value / highest, 1), 1)}
                        for n, value in enumerate(values)]}


def bars(counts):
    """[{"name", "count", "width"}] of (name, count): a bar each, the longest WIDTH wide."""
    counts = list(counts)
    highest = max((count for _, count in counts), default=0) or 1
    return [{"name": name, "count": count, "width": round(WIDTH * count / highest, 1)}
            for name, count in counts]
