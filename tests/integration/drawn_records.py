"""Records drawn at random.

RecordDraw: everything that queries distinguish, each type of value, mixed types in one field, equal
numbers written differently, long strings with one beginning, nested and odd names. Drawn from
small sets, so that values meet again in other records.
TalkDraw: notes of talks that nobody gave, for where the corpus of real ones is not there.
"""

import itertools
import json

WORDS = ("python", "harbour", "lighthouse", "moth", "Zürich", "naïve", "ÅNGSTRÖM", "straße", "tide",
         "ferry", "bridges", "hum", "sourdough", "entropy", "letters", "to", "a", "compiler", "the",
         "of", "слон", "Ωmega", "日本語", "サクラ", "한국", "node.js", "C++", "x_y", "100", "3.14", "🦀",
         "e\u0301tude", "\"quoted\"", "back\\slash", "tab\tbed", "per%cent", "a+b", "semi;colon",
         "&")
TAGS = [f"tag{number}" for number in range(30)] + [
    "python", "Python", "5", "true", "null", "", "ü", "a,b"]
LANGUAGES = ("eng", "deu", "fra", "spa", "por", "日本語", "ENG", "en")
ONE_HUNDRED = ("100", "1e2", "100.0", "1.00E+2", "1000e-1", "0.1e3", "100.000")
ZERO = ("0", "-0", "0.0", "0e5", "-0.00E-3")
PI = "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899"
HUGE = ("9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
        "18446744073709551616", "64176294690080990", "64176294690080991", "1e300", "1e-300",
        "-1e300", "12345678901234567890123456789012345678901234567890123456789012345678901",
        "12345678901234567890123456789012345678901234567890123456789012345678902",
        "-12345678901234567890123456789012345678901234567890123456789012345678901",
        PI, PI[:-1] + "8", PI[:62], PI[:62] + "0", "0." + "0" * 62 + "1", "1" + "0" * 65, "1e65",
        "99999999999999999999999999999999999999999999999999999999999999999999",
        "4503599627370497.5", "4503599627370497.25", "1.7976931348623157e308", "5e-324", "1e-400")
# Beginnings as long as what an index may keep of a string, and longer.
BEGINNINGS = ("b" * 31, "b" * 32, "the same beginning " * 4, "b" * 95, "b" * 96, "b" * 97,
              "ü" * 48, "w" * 128, "long " * 40, "z" * 1000)
ENDINGS = ("", "a", "b", "ba", "é", "!", "a" * 70, "b" * 70, " and so on")
BEYOND_SORTING = "s" * 4096


class Number(str):
    """A JSON number, as it is to be written."""


def json_text(value, noise):
    """JSON text of a value whose numbers are Number; escapes are drawn, too."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=noise.random() < 0.3)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_text(name, noise)}:{json_text(member, noise)}"
                              for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(json_text(element, noise) for element in value) + "]"
    return json.dumps(value)


class RecordDraw:
    def __init__(self, noise):
        self.noise = noise

    def words(self, low, high):
        return " ".join(self.noise.choices(WORDS, k=self.noise.randint(low, high)))

    def count(self):
        return Number(self.noise.randint(0, 60))

    def ratio(self):
        kind = self.noise.random()
        if kind < 0.15:
            return Number(self.noise.choice(ONE_HUNDRED))
        if kind < 0.25:
            return Number(self.noise.choice(ZERO))
        if kind < 0.4:
            return Number(f"{self.noise.randint(-99, 99)}.{self.noise.randint(0, 9)}e"
                          f"{self.noise.randint(-3, 3)}")
        return Number(f"{self.noise.uniform(-120, 120):.{self.noise.randint(1, 2)}f}")

    def huge(self):
        return Number(self.noise.choice(HUGE))

    def number(self):
        return self.noise.choice((self.count, self.ratio, self.huge))()

    def long(self):
        if self.noise.random() < 0.05:
            return BEYOND_SORTING + self.noise.choice(("a", "b", ""))
        return self.noise.choice(BEGINNINGS) + self.noise.choice(ENDINGS)

    def tags(self):
        kind = self.noise.random()
        if kind < 0.03:
            return self.noise.choice(TAGS)  # no array at all
        tags = self.noise.sample(TAGS[:self.noise.choice((6, len(TAGS)))], self.noise.randint(0, 5))
        if kind < 0.1:
            tags += self.noise.choices((None, True, Number("5"), Number("5.0"), {"tag": "tag1"},
                                        ["tag2"], "tag1"), k=2)
        return tags

    def mixed(self):
        return self.noise.choice((
            lambda: None, lambda: True, lambda: False, lambda: "true", lambda: "null", lambda: "5",
            lambda: Number("5"), lambda: Number("5.0"), lambda: Number("50e-1"), self.count,
            lambda: str(self.count()), self.ratio, self.huge, self.long, lambda: "", lambda: {},
            lambda: [], lambda: {"a": Number("5")}, lambda: [Number("5"), "5", None],
            lambda: [self.count(), str(self.count()), False], lambda: [[Number("5")], {"a": "5"}],
            lambda: self.words(1, 2)))()

    def meta(self):
        kind = self.noise.random()
        if kind < 0.04:
            return self.count()
        meta = {"author": {"name": self.noise.choice(("Ada", "Grace", "ada", "Lin", "Ålan")),
                           "year": Number(self.noise.randint(1980, 2000))},
                "views": self.count(), "author.name": "not walked to by dots",
                "marks": self.noise.choices(("good", "bad", Number("5"), "5", None), k=2)}
        if self.noise.random() < 0.15:
            meta["author"] = self.noise.choice(("Ada", None, [], [{"name": "Ada"}]))
        return [meta] if kind < 0.1 else meta

    def items(self):
        def item():
            return {"k": self.noise.choice(("x", "y", "z", Number("5"), "5", None)),
                    "n": self.count(),
                    "list": [self.count() for _ in range(self.noise.randint(0, 3))]}
        if self.noise.random() < 0.12:
            return {"0": item(), "1": item(), "k": "an object's own"}
        return [self.noise.choice((item, item, item, self.count))()
                for _ in range(self.noise.randint(0, 4))]

    def odd_names(self):
        odd = {"x__y": self.noise.choice((self.count(), [self.count(), "5"])),
               "_type": self.noise.choice(("clip", "talk", "live")),
               "": self.noise.choice(("empty", "name")), "a/b": self.count(), "m~n": self.ratio(),
               "a.b": self.noise.choice(("dotted", "name")), "ü ß": self.noise.choice("äöü"),
               "_id": self.noise.choice(("inner", "id")), "0": self.count(),
               "q?&=#+%": self.noise.choice(("1", "2"))}
        names = self.noise.sample(sorted(odd), self.noise.randint(2, 6))
        return {name: odd[name] for name in names}

    def day(self):
        return (f"20{self.noise.randint(8, 25):02d}-{self.noise.randint(1, 12):02d}-"
                f"{self.noise.randint(1, 28):02d}")

    def members(self):
        """(name, how often, what) of a record's members."""
        return (
            ("title", 0.95, lambda: self.words(1, 6)),
            ("lang", 0.9, lambda: self.noise.choice(LANGUAGES)),
            ("recorded", 0.9, self.day),
            ("count", 0.9, self.count),
            ("ratio", 0.85, self.ratio),
            ("huge", 0.6, self.huge),
            ("flag", 0.8, lambda: self.noise.choice((True, False, False, None))),
            ("maybe", 0.7, lambda: self.noise.choice(
                (None, None, "here", "", "there", self.count(), [], ["here", None]))),
            ("tags", 0.9, self.tags),
            ("nums", 0.6, lambda: [self.number() for _ in range(self.noise.randint(0, 4))]),
            ("mixed", 0.8, self.mixed),
            ("meta", 0.8, self.meta),
            ("items", 0.6, self.items),
            ("deep", 0.3, lambda: {"l": [[self.count(), [self.count()]], [self.words(1, 1)]]}),
            ("long", 0.5, self.long))

    def document(self, record_id=None):
        document = {} if record_id is None else {"id": record_id}
        for name, share, draw in self.members():
            if self.noise.random() < share:
                document[name] = draw()
        if self.noise.random() < 0.4:
            document |= self.odd_names()
        pairs = list(document.items())
        self.noise.shuffle(pairs)
        return dict(pairs)

    def patch(self, record_id):
        """A later fragment of the record."""
        patch = {"id": record_id}
        for name, _, draw in self.noise.sample(self.members(), self.noise.randint(1, 4)):
            patch[name] = None if self.noise.random() < 0.25 else draw()
        if self.noise.random() < 0.4:
            patch["meta"] = {"views": self.count(), "author": self.noise.choice(
                (None, {"name": None}, {"year": Number("1999")}, {"name": "Patched"}))}
        return patch

    def text(self, document):
        return json_text(document, self.noise).encode()


class TalkDraw:
    """Members as in pyvideo.org's notes; words, tags and speakers by Zipf's law."""

    def __init__(self, noise):
        self.noise = noise
        letters = "etaoinshrdlucmfwypvbgkéüøñ"
        self.words = sorted({"".join(noise.choices(letters, k=noise.randint(1, 9)))
                             for _ in range(8000)})
        noise.shuffle(self.words)
        self.words[40:40] = ["日本語", "サクラ前線", "한국어", "Straße", "C++", "node.js", "x_y"]
        self.weights = list(itertools.accumulate(1 / (rank + 3)
                                                 for rank in range(len(self.words))))
        self.days = noise.sample(range(4000), 300)

    def text(self, low, high):
        return " ".join(self.noise.choices(self.words, cum_weights=self.weights,
                                           k=self.noise.randint(low, high)))

    def document(self):
        day = self.noise.choice(self.days)
        token = f"{self.noise.getrandbits(44):011x}"
        document = {
            "copyright_text": self.noise.choice((None, "Creative Commons Attribution", "Standard")),
            "description": self.text(5, 120) + self.noise.choice((".", "!", " (…)")),
            "duration": None if self.noise.random() < 0.16 else self.noise.randint(60, 7200),
            "language": self.noise.choices(("eng", "spa", "por", "deu"), (80, 10, 6, 4))[0],
            "recorded": f"{2008 + day // 336}-{day % 336 // 28 + 1:02d}-{day % 28 + 1:02d}",
            "speakers": [self.text(2, 2).title() for _ in range(self.noise.choice((1, 1, 1, 2)))],
            "tags": sorted({self.text(1, 1) for _ in range(self.noise.randint(0, 5))}),
            "thumbnail_url": f"https://i.ytimg.com/vi/{token}/hqdefault.jpg",
            "title": self.text(2, 8),
            "videos": [{"type": "youtube", "url": f"https://www.youtube.com/watch?v={token}"}]}
        for name, share in (("description", 0.1), ("tags", 0.25), ("copyright_text", 0.3)):
            if self.noise.random() < share:
                del document[name]
        return document
