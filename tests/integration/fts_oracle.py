"""What jcn must find by words, worked out without jcn: SQLite's FTS5, filled from the files."""

import re
import sqlite3
import unicodedata

from composed_records import strings_of

# Each Han, Kana and Hangul character.
SINGLE = re.compile("([\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b"
                    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3131-\u318e\u31f0-\u31ff"
                    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7fb\uf900-\ufaff\uff66-\uff9f"
                    "\uffa0-\uffdc\U00020000-\U0003ffff])")


def same_words(text):
    """The text as FTS5's unicode61 has to see it to find the words that jcn finds, by a newer
    Unicode than unicode61 knows: each of SINGLE is a word, marks belong to the word they stand in, what
    can't be seen (a soft hyphen, joiners) is not there, letters are folded (ß is ss, ﬁ is fi)."""
    if text.isascii():
        return text.replace("\0", " ")
    folded = []
    for c in unicodedata.normalize("NFC", text):
        kind = unicodedata.category(c)
        if c.isascii() or kind == "Co":
            folded.append(c)
        elif kind[0] in "LN":
            form = "NFKD" if ord(c) < 0x530 or 0x1e00 <= ord(c) < 0x2000 else "NFKC"  # й is и
            folded += [d for d in unicodedata.normalize(form, c).casefold().replace("\u2044", " ")
                       if unicodedata.category(d)[0] != "M"]
        elif kind[0] != "M" and (kind != "Cf" or c == "\u200b"):
            folded.append(" ")
    return SINGLE.sub(r" \1 ", "".join(folded)).replace("\0", " ")


class Words:
    """FTS5 over every string of every record. Each string has a column of its own, for phrases
    don't cross strings; those of `named` come first, so that they can be searched alone."""

    def __init__(self, records, named=(), columns=80):
        self.named = list(named)
        self.columns = columns
        names = self.named + [f"s{number}" for number in range(columns)]
        self.db = sqlite3.connect(":memory:")
        self.db.execute(f"CREATE VIRTUAL TABLE words USING fts5({', '.join(names)}, "
                        "tokenize = \"unicode61 remove_diacritics 2\")")
        self._insert = (f"INSERT INTO words (rowid, {', '.join(names)}) "
                        f"VALUES (?{', ?' * len(names)})")
        self.ids = {}  # rowid → id
        self._rows = {}
        for record in records:
            self.put(record.id, record.document)

    def put(self, record_id, document):
        self.remove(record_id)
        row = len(self.ids) + 1
        first, rest = {}, []
        for name, member in document.items():
            if name in self.named and isinstance(member, str):
                first[name] = member
            else:
                rest += strings_of(member)
        if len(rest) > self.columns:  # their order may make phrases of the last ones: not drawn
            rest[self.columns - 1:] = ["\n".join(rest[self.columns - 1:])]
        rest += [None] * (self.columns - len(rest))
        texts = [first.get(name) for name in self.named] + rest
        self.db.execute(self._insert, [row] + [
            text if text is None else same_words(text) for text in texts])
        self.ids[row] = record_id
        self._rows[record_id] = row

    def remove(self, record_id):
        row = self._rows.pop(record_id, None)
        if row is not None:
            self.db.execute("DELETE FROM words WHERE rowid = ?", (row,))

    def search(self, match):
        """All (id, score) best first. match: in the words of FTS5; lower scores are better."""
        return [(self.ids[row], score) for row, score in self.db.execute(
            "SELECT rowid, bm25(words) AS score FROM words WHERE words MATCH ? "
            "ORDER BY score, rowid", (same_words(match),))]

    def found(self, match):
        """The ids alone."""
        return {self.ids[row] for row, in self.db.execute(
            "SELECT rowid FROM words WHERE words MATCH ?", (same_words(match),))}
