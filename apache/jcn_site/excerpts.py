"""The place in a note at which something is wrong, as text for people."""

import os
import stat

AROUND = 70  # bytes before and behind the place
READ_AT_MOST = 1 << 20


def excerpt(folder, path, offset):
    """{"before", "at", "behind"} of the line around a byte of a file beneath `folder`; None if it
    can't be shown. The file is read as it is now: it may have changed since it was judged."""
    if offset is None or "\\" in path or ".." in path.split("/"):
        return None
    try:
        data = read_beneath(folder, path, offset)
    except OSError:
        return None
    if data is None or offset > len(data):
        return None
    start = max(data.rfind(b"\n", 0, offset) + 1, offset - AROUND)
    end = data.find(b"\n", offset)
    end = min(len(data) if end < 0 else end, offset + AROUND)
    line = data[offset:end].decode("utf-8", "replace")
    return {"before": data[start:offset].decode("utf-8", "replace"), "at": line[:1] or "⏎",
            "behind": line[1:]}


def read_beneath(folder, path, offset):
    """The file's bytes up to a bit behind `offset`; no name on the way may be a symbolic link."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        *folders, name = path.split("/")
        for each in folders:
            inner = os.open(each, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            os.close(directory)
            directory = inner
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    finally:
        os.close(directory)
    with open(file, "rb") as source:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode) or offset > READ_AT_MOST:
            return None
        return source.read(offset + 4 * AROUND)
