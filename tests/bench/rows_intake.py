"""The rows of what takes files in: first crawl, restart, size of the index, memory."""

import json
import os
import random
import time

import talks
from ground import Row, limit, median, say


def crawl(ground, options):
    """First index, beside SQLite filled from memory, and a bare walk that reads every file."""
    rounds = 1 if options.quick else 3
    say("crawl: first indexes")
    bare, filled = [], []
    for _ in range(rounds):
        bare.append(limit("bare_walk", "--threads", "2", ground.notes)["seconds"])
    ground.crawl(rounds)
    for _ in range(rounds):
        filled.append(ground.filled()["seconds"])
    seconds = median(ground.ready)
    rate, peer = ground.records / seconds, ground.records / median(filled)
    walk = ground.records / median(bare)
    return [
        Row("first index, everything searchable", f"{rate:,.0f}/s", "≥ 40,000/s", rate >= 40_000,
            "bare walk, open, read, close (2 threads)", f"{walk:,.0f}/s", rate / walk),
        Row("first index beside SQLite", f"{rate:,.0f}/s", "≥ 3×", rate >= 3 * peer,
            "SQLite + FTS5 + 5 indexes, from memory", f"{peer:,.0f}/s", rate / peer)]


def restart(ground, options):
    """Nothing changed: from the start of the process to its ready line."""
    daemon = ground.need()
    say("restart")
    mine, bare = [], []
    for _ in range(3 if options.quick else 7):
        bare.append(limit("bare_walk", "--stat", ground.notes)["seconds"])
        daemon.stop()
        daemon.start(900)
        mine.append(daemon.ready_seconds)
    times = median(mine) / median(bare)
    return [Row("restart, nothing changed", f"{median(mine):.3f} s", "≤ 1.5× the walk", times <= 1.5,
                "bare walk + statx", f"{median(bare):.3f} s", 1 / times)]


def rewrite(ground, number, seed):
    """Writes so many notes anew, with other content; what undoes it."""
    noise = random.Random(seed)
    copies = talks.Copies(talks.corpus(random.Random(ground.seed)), seed)
    paths = sorted(os.path.join(folder, name) for folder, _, names in os.walk(ground.notes)
                   for name in names if name.endswith(".json"))
    before = {}
    for path in noise.sample(paths, number):
        with open(path, "rb") as file:
            before[path] = file.read()
        talk = json.loads(before[path])
        given = talk.get("id")
        talk = copies.copy(talk, 0)
        if given is not None:
            talk["id"] = given
        ground.drop(os.path.relpath(path, ground.notes), talk)()

    def undo():
        for path, data in before.items():
            with open(ground.staged, "wb") as file:
                file.write(data)
            os.rename(ground.staged, path)
    return undo


def size(ground, options):
    """The whole folder of the index against the notes without white space."""
    daemon = ground.need()
    say("size: churn, compact")
    filled = ground.filled()
    minified = filled["minified"]
    ground.settle()
    first = ground.index_bytes() / minified
    highest, undoing = first, []
    for number in range(4):
        undoing.append(rewrite(ground, ground.records // 20, 100 + number))
        daemon.sync(durable=True, timeout_ms=300_000)
        highest = max(highest, ground.index_bytes() / minified)
    for undo in reversed(undoing):
        undo()
    daemon.sync(durable=True, timeout_ms=300_000)
    highest = max(highest, ground.index_bytes() / minified)
    done = daemon.run_ctl("--index", daemon.index, "compact")
    if done.returncode != 0:
        raise SystemExit(f"compact: {done.stderr}")
    ground.settle()
    compact = ground.index_bytes() / minified
    peer = filled["bytes"] / minified
    of = ("SQLite + FTS5 + 5 indexes", f"{peer:.2f}×")
    return [
        Row("index after compact, to minified JSON", f"{compact:.2f}×", "≤ 0.8×", compact <= 0.8,
            *of, peer / compact),
        Row("index after the first crawl", f"{first:.2f}×", "≤ 1.3×", first <= 1.3, *of, peer / first),
        Row("index while a fifth of the notes changes", f"{highest:.2f}×", "≤ 2×", highest <= 2, *of,
            peer / highest)]


def memory(ground, options):
    """Anonymous memory, as /proc says it."""
    ground.need()
    ground.settle()
    # What LMDB and the allocator hold on to shows a little later.
    lowest, until = ground.anonymous(), time.monotonic() + 5
    while time.monotonic() < until:
        lowest = max(lowest, ground.anonymous())
        time.sleep(0.1)
    mib = 1 << 20
    return [
        Row(f"anonymous memory, idle, {ground.records:,} records", f"{lowest / mib:.0f} MiB",
            "≤ 96 MiB", lowest <= 96 * mib),
        Row("anonymous memory, highest while crawling", f"{ground.highest / mib:.0f} MiB",
            "≤ 512 MiB", ground.highest <= 512 * mib)]


ROWS = {"crawl": crawl, "restart": restart, "size": size, "memory": memory}
