"""The records that a folder's files are, worked out without jcn: found, parsed and composed as
DESIGN.md §2 has it, by the default rule.
"""

import collections
import datetime
import decimal
import json
import os

Record = collections.namedtuple("Record", "id document created updated paths")  # in their order


def parse(text):
    """JSON with exact numbers: each becomes a Decimal, which holds all of its digits."""
    return json.loads(text, parse_int=decimal.Decimal, parse_float=decimal.Decimal)


def merge_patch(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def time_text(nanoseconds):
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:09d}Z"


def files(root):
    """The paths of the notes beneath root, relative to it."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.endswith(".json") and not name.startswith("."):
                yield os.path.relpath(os.path.join(folder, name), root)


def fragments(root, read=parse):
    """(path without .json, document, mtime in ns) of each file beneath root. `read` may give None:
    the file is no fragment."""
    for path in files(root):
        with open(os.path.join(root, path), "rb") as file:
            document = read(file.read().decode())
            modified = os.fstat(file.fileno()).st_mtime_ns
        if document is not None:
            yield path[:-len(".json")], document, modified


def id_of(path, document):
    """The default rule: /id, a non-empty string or an integer, else the path."""
    given = document.get("id")
    if isinstance(given, decimal.Decimal) and given.as_tuple().exponent == 0:
        return str(given)
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    return given if isinstance(given, str) and given else path


def read_folder(root, read=parse):
    """The records of the files beneath root, by id."""
    by_id = collections.defaultdict(list)
    for path, document, modified in fragments(root, read):
        by_id[id_of(path, document)].append((path.encode(), document, modified))
    records = []
    for record_id, parts in sorted(by_id.items(), key=lambda item: item[0].encode()):
        parts.sort(key=lambda part: part[0])
        document = parts[0][1]
        for _, patch, _ in parts[1:]:
            document = merge_patch(document, patch)
        times = [modified for _, _, modified in parts]
        records.append(Record(record_id, document, time_text(min(times)), time_text(max(times)),
                              [f"{path.decode()}.json" for path, _, _ in parts]))
    return records


def strings_of(value):
    """Every string in it, in document order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from strings_of(member)
    elif isinstance(value, list):
        for element in value:
            yield from strings_of(element)
