#!/usr/bin/python3
"""Keeps the files of private videos private, whoever makes them so: the site, jcnctl, a program, a
note that somebody drops. It follows jcn's changes and sets the marks that Apache looks at
(jcn_site/marks.py). Runs as the site's user, until SIGTERM or SIGINT.

usage: private_marks.py SITE.TOML [--once]      --once: makes all marks right, and ends
"""

import argparse
import signal
import sys
import time

from jcn_client import JcnDown, JcnError
from jcn_site import create_app, marks, videos

WAIT = 50  # seconds that jcn holds a question while nothing changes
PAUSE = 1  # seconds until jcn is asked again when it did not answer


def sweep(jcn):
    """Looks at every video; where in the feed to go on."""
    seq = jcn.changes()["last_seq"]
    for row in jcn.walk({"_col": "visibility", "_size": 1000}):
        marks.agree(videos.Video(row["_id"], row))
    return seq


def follow(jcn, seq):
    """Looks at every video that has changed since; where to go on."""
    page = jcn.changes(seq, {"kind": "videos"}, wait=WAIT)
    if page.get("fresh"):  # of a history that was begun anew: what changed before is not in it
        return sweep(jcn)
    for row in page["results"]:
        marks.follow(row["id"])
    return page["last_seq"]


def run(jcn, once):
    seq = None
    while True:
        try:
            seq = follow(jcn, seq) if seq else sweep(jcn)
            if once:
                return
        except JcnDown as error:
            if once:
                raise
            print(f"private_marks: {error}", file=sys.stderr, flush=True)
            time.sleep(PAUSE)
        except OSError as error:  # a full disk, for one: everything is looked at again
            if once:
                raise
            print(f"private_marks: {error}", file=sys.stderr, flush=True)
            seq = None
            time.sleep(PAUSE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("settings", metavar="SITE.TOML")
    parser.add_argument("--once", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        site = create_app(given.settings)
        with site.app_context():
            run(site.extensions["jcn"], given.once)
    except KeyboardInterrupt:
        pass
    except (JcnError, OSError, ValueError) as error:
        sys.exit(f"private_marks: {error}")


if __name__ == "__main__":
    main()
