"""The peer: SQLite as somebody who knows it sets it up for these queries. Filled from the files."""

import json
import os
import re
import sqlite3

from composed_records import id_of, parse, strings_of
from fts_oracle import same_words

TEXT = ("title", "language", "recorded", "copyright_text", "thumbnail_url")


class Peer:
    """One table of talks with an index on each field that is asked for, tags and speakers in tables
    of their own (both ways around), FTS5 merged into one segment, statistics, all of it in memory."""

    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA page_size = 8192")
        self.db.execute("PRAGMA journal_mode = OFF")
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute("PRAGMA cache_size = -2000000")
        self.db.execute("PRAGMA mmap_size = 8589934592")
        self.db.execute("PRAGMA temp_store = MEMORY")

    def fill(self, root):
        db = self.db
        db.executescript(f"""
          CREATE TABLE talk (rid INTEGER PRIMARY KEY, id TEXT NOT NULL, {' TEXT, '.join(TEXT)} TEXT,
                             duration NUMERIC, document TEXT NOT NULL);
          CREATE TABLE tag (value TEXT, rid INT, PRIMARY KEY (value, rid)) WITHOUT ROWID;
          CREATE TABLE speaker (value TEXT, rid INT, PRIMARY KEY (value, rid)) WITHOUT ROWID;
          CREATE VIRTUAL TABLE words USING fts5(text, content = '',
                                                tokenize = "unicode61 remove_diacritics 2");""")
        db.execute("BEGIN")
        rid = 0
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if name.endswith(".json") and not name.startswith("."):
                    rid += 1
                    with open(os.path.join(folder, name), "rb") as file:
                        text = file.read().decode()
                    self.insert(rid, os.path.relpath(os.path.join(folder, name), root), text)
        db.execute("COMMIT")
        db.executescript("""
          CREATE UNIQUE INDEX talk_by_id ON talk (id);
          CREATE INDEX talk_by_language ON talk (language);
          CREATE INDEX talk_by_recorded ON talk (recorded);
          CREATE INDEX talk_by_duration ON talk (duration);
          CREATE INDEX talk_by_title ON talk (title);
          CREATE INDEX talk_by_thumbnail ON talk (thumbnail_url);
          CREATE INDEX tag_by_record ON tag (rid, value);
          CREATE INDEX speaker_by_record ON speaker (rid, value);
          INSERT INTO words (words) VALUES ('optimize');
          ANALYZE;""")
        return rid

    def tune(self):
        """Indexes for single queries of the bench, which then need no sorting, or touch no row."""
        self.db.executescript("""
          CREATE INDEX talk_page ON talk (language, recorded DESC, id);
          CREATE INDEX talk_facet ON talk (language, rid);
          CREATE INDEX talk_range ON talk (duration, id);
          CREATE INDEX talk_prefix ON talk (title, recorded, id);
          CREATE INDEX talk_count ON talk (language, recorded, duration);
          ANALYZE;""")

    def insert(self, rid, path, text):
        talk = json.loads(text)
        minified = json.dumps(talk, ensure_ascii=False, separators=(",", ":"))
        record_id = id_of(path.removesuffix(".json"), parse(text) if "id" in talk else talk)
        values = [talk.get(name) for name in TEXT]
        self.db.execute("INSERT OR REPLACE INTO talk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (rid, record_id, *values, talk.get("duration"), minified))
        for table, name in (("tag", "tags"), ("speaker", "speakers")):
            values = [value for value in talk.get(name) or () if isinstance(value, str)]
            self.db.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)",
                                ((value, rid) for value in values))
        self.db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (rid, self.text(talk)))

    @staticmethod
    def text(talk):
        return same_words("\n".join(strings_of(talk)))

    def replace(self, path, old_text, new_text):
        """What an update of the file means here."""
        old = json.loads(old_text)
        record_id = id_of(path.removesuffix(".json"), parse(old_text) if "id" in old else old)
        rid, = self.db.execute("SELECT rid FROM talk WHERE id = ?", (record_id,)).fetchone()
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)",
                        (rid, self.text(old)))
        for table in ("tag", "speaker"):
            self.db.execute(f"DELETE FROM {table} WHERE rid = ?", (rid,))
        self.insert(rid, path, new_text)
        self.db.execute("COMMIT")


def common_words(peer, low, high):
    """Words that between `low` and `high` of all records have (shares)."""
    peer.db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary "
                    "USING fts5vocab(main, words, row)")
    count, = peer.db.execute("SELECT count(*) FROM talk").fetchone()
    found = peer.db.execute(
        "SELECT term FROM temp.vocabulary WHERE doc BETWEEN ? AND ? ORDER BY term",
        (int(low * count), int(high * count))).fetchall()
    return [term for term, in found if re.fullmatch(r"[a-z]{2,}", term)]
