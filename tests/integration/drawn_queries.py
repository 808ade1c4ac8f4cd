"""Queries drawn from what the records hold, so that most of them find something.

A query is drawn around a witness: a record that has the field, and that its filters shall find.
"""

import collections
import decimal
import json
import re

from composed_records import strings_of
from sql_oracle import OPERATORS, Filter

Query = collections.namedtuple("Query", "cell filters sort descending facets facet_size search")

# The kinds of fields that answers may depend on. The first seven name what most of the values are.
FIELDS = {
    "string": ("title", "lang", "recorded", "language", "copyright_text", "slug"),
    "long string": ("long", "description", "thumbnail_url"),
    "int": ("count", "duration", "id"),
    "float": ("ratio", "duration"),
    "big number": ("huge",),
    "bool": ("flag",),
    "null": ("maybe", "summary", "quality_notes"),
    "array": ("tags", "speakers"),
    "number array": ("nums",),
    "mixed types": ("mixed",),
    "nested": ("meta.author.name", "meta.views", "meta.author.year", "meta.author",
               "meta.marks"),
    "pointer": ("/title", "/meta/author/name", "/meta/views", "/tags", "/mixed",
                "/meta/author.name", "/meta/marks"),
    "pointer, index": ("/tags/0", "/tags/2", "/items/0/k", "/items/1/n", "/items/0/list", "/nums/0",
                       "/deep/l/0/1", "/items/0/list/0", "/videos/0/type", "/speakers/0",
                       "/meta/0/views"),
    "odd name": ("_type", "x__y", "/a~1b", "/m~0n", "/", "/_id", "/a.b", "ü ß", "0", "q?&=#+%"),
    "_id": ("_id",),
    "_created": ("_created",),
    "_updated": ("_updated",),
}
# What can't find anything where each value is of that type, and is asked for less often.
NEVER = {
    "contains": ("int", "float", "big number", "bool", "number array"),
    "arraycontains": ("string", "long string", "int", "float", "big number", "bool", "_id",
                      "_created", "_updated"),
}
NEVER["startswith"] = NEVER["endswith"] = NEVER["contains"]
NEVER["arraynotcontains"] = NEVER["arraycontains"]

OTHER_BOUND = {"gt": ("lt", "lte"), "gte": ("lt", "lte"), "lt": ("gt", "gte"), "lte": ("gt", "gte")}

SORTABLE = [field for fields in FIELDS.values() for field in fields] + ["meta", "items", "deep.l"]
LONGEST_OPERAND = 1200  # characters; targets have a longest length, too
# Beyond what records may hold, and beyond what a double can.
FAR_NUMBERS = ("1e400", "-1e400", "1e-400", "-1e-400", "0e999", "1e100000", "-1e100000")
UNASKABLE = set("\0\r\n")  # targets can't have them; the JSON of `in` can, escaped


class QueryDraw:
    def __init__(self, noise, fields, words=None):
        self.noise = noise
        self.fields = fields
        self.words = words
        self._holders = {}
        self._values = {}

    # What records hold.

    def holders(self, field):
        if field not in self._holders:
            self._holders[field] = self.fields.holders(field)
        return self._holders[field]

    def scalars(self, rid, field):
        """The member's scalar, or those directly in it if it is an array; numbers as Decimal."""
        record = self.fields.records[rid]
        if field in ("_id", "_created", "_updated"):
            return [getattr(record, field[1:])]
        value = record.document
        dotted = not field.startswith("/")
        steps = field.split(".") if dotted else [
            step.replace("~1", "/").replace("~0", "~") for step in field.split("/")[1:]]
        for step in steps:
            if isinstance(value, dict) and step in value:
                value = value[step]
            elif (isinstance(value, list) and not dotted and step.isdigit()
                  and int(step) < len(value)):
                value = value[int(step)]
            else:
                return []
        return [scalar for scalar in (value if isinstance(value, list) else [value])
                if not isinstance(scalar, (dict, list))]

    def any_scalar(self, field, like=None):
        """Of any record; of the same type, if there is luck."""
        for _ in range(8):
            holders = self.holders(field)
            if not holders:
                break
            found = self.scalars(self.noise.choice(holders), field)
            if found:
                value = self.noise.choice(found)
                if like is None or type(value) is type(like):
                    return value
        return like if like is not None else "nowhere"

    # Operands.

    def number_text(self, number):
        """The number, in one of the ways to write it."""
        text = str(number)
        way = self.noise.random()
        if way < 0.1 and "E" not in text:
            text += "e0"
        elif way < 0.2 and "." in text and "E" not in text:
            text += "00"
        elif way < 0.3 and "." not in text and "E" not in text:
            text += ".0"
        elif way < 0.35:
            text = text.replace("E", "e")
        return text

    def text(self, scalar):
        if isinstance(scalar, decimal.Decimal):
            return self.number_text(scalar)
        if isinstance(scalar, str):
            return scalar
        return {True: "true", False: "false", None: "null"}[scalar]

    def json_element(self, scalar):
        if isinstance(scalar, decimal.Decimal):
            return self.number_text(scalar)
        return json.dumps(scalar, ensure_ascii=self.noise.random() < 0.5)

    def below_or_above(self, scalar, field, below):
        """Another value of the field, on the wanted side of this one, or one between values."""
        other = self.any_scalar(field, scalar)
        if isinstance(scalar, decimal.Decimal):
            with decimal.localcontext() as context:
                context.prec = 2000
                if self.noise.random() < 0.2:
                    other = scalar + decimal.Decimal(-1 if below else 1) / 8
                elif self.noise.random() < 0.05:
                    other = decimal.Decimal(self.noise.choice(FAR_NUMBERS))
                return min(scalar, other) if below else max(scalar, other)
        if isinstance(scalar, str) and isinstance(other, str):
            if below and self.noise.random() < 0.25:
                return scalar[:self.noise.randint(0, len(scalar))]
            if not below and self.noise.random() < 0.25:
                return scalar + self.noise.choice(("a", "!", " ", "ü"))
            return (min if below else max)(scalar, other, key=lambda text: text.encode())
        if isinstance(scalar, bool) and isinstance(other, bool):
            return (min if below else max)(scalar, other)
        return scalar

    def piece(self, text, operator):
        length = self.noise.choice((1, 2, 3, 8, 33, 97, 130, 700))
        if operator == "startswith":
            return text[:length]
        if operator == "endswith":
            return text[-length:]
        start = self.noise.randint(0, max(0, len(text) - length))
        return text[start:start + length]

    def in_list(self, scalar, field):
        if self.noise.random() < 0.02:
            return self.noise.choice(("", "[]", ",", "[null]"))
        values = [scalar] + [self.any_scalar(field) for _ in range(self.noise.randint(0, 4))]
        self.noise.shuffle(values)
        texts = [self.text(value) for value in values]
        if self.noise.random() < 0.5 and not any(
                value is None or "," in text for value, text in zip(values, texts)) and (
                not texts[0].startswith("[")):
            return ",".join(texts)
        if self.noise.random() < 0.15:
            values.append(None)
        return "[" + self.noise.choice((",", ", ")).join(map(self.json_element, values)) + "]"

    def operand(self, field, operator, rid):
        found = self.scalars(rid, field)
        if self.noise.random() < 0.9:  # a null is no reading of any text
            found = [value for value in found if value is not None]
        scalar = self.noise.choice(found) if found else self.any_scalar(field)
        if operator in ("isnull", "notnull"):
            holds = self.fields.member_type(rid, field) not in (None, "null")
            if self.noise.random() < 0.1:
                holds = not holds
            return self.noise.choice(("1", "true", "on", "") if holds == (operator == "notnull")
                                     else ("0", "false", "off"))
        if operator == "in":
            return self.in_list(scalar, field)
        if operator in ("not", "arraynotcontains"):
            return self.text(self.any_scalar(field))
        if operator in ("contains", "startswith", "endswith"):
            texts = [value for value in found if isinstance(value, str)]
            return self.piece(self.noise.choice(texts) if texts else self.text(scalar), operator)
        if operator in ("gt", "lt"):
            return self.text(self.below_or_above(scalar, field, operator == "gt"))
        if operator in ("gte", "lte") and self.noise.random() < 0.5:
            return self.text(self.below_or_above(scalar, field, operator == "gte"))
        return self.text(scalar)

    def filter(self, field, operator, rid):
        for _ in range(20):
            value = self.operand(field, operator, rid)
            if len(value) <= LONGEST_OPERAND and not UNASKABLE & set(value):
                return Filter(field, operator, value)
        return Filter(field, operator, "1")

    # Whole queries.

    def known(self, category):
        """Its fields that some record has; several records may lack the corpus's."""
        return [field for field in FIELDS[category] if self.holders(field)]

    def suits(self, operator, field, rid):
        """Whether the operator could find the record by its value there."""
        if operator in ("contains", "startswith", "endswith"):
            return any(isinstance(value, str) for value in self.scalars(rid, field))
        if operator == "arraycontains":
            return self.fields.member_type(rid, field) == "array" and self.scalars(rid, field)
        if operator == "arraynotcontains":
            return self.fields.member_type(rid, field) == "array"
        return operator in ("not", "isnull", "notnull") or any(
            value is not None for value in self.scalars(rid, field))

    def query(self, operator, category):
        for _ in range(30):
            field = self.noise.choice(self.known(category))
            rid = self.noise.choice(self.holders(field))
            if self.suits(operator, field, rid):
                break
        if operator in ("isnull", "notnull") and self.noise.random() < 0.3:
            rid = self.noise.randrange(len(self.fields.records))  # which may lack it
        filters = [self.filter(field, operator, rid)]
        if operator in OTHER_BOUND and self.noise.random() < 0.3:
            # Of an array each bound may be held by another element.
            filters.append(self.filter(field, self.noise.choice(OTHER_BOUND[operator]), rid))
        for _ in range(self.noise.choice((0, 0, 0, 1, 1, 2))):
            more = self.noise.choice(self.known(self.noise.choice(list(FIELDS))))
            scalars = self.scalars(rid, more)
            operators = ("exact", "in", "gte", "lte", "gt", "lt", "not", "notnull") if any(
                value is not None for value in scalars) else ("isnull",)
            if any(isinstance(value, str) for value in scalars):
                operators += ("contains", "startswith", "endswith")
            filters.append(self.filter(more, self.noise.choice(operators), rid))
        self.noise.shuffle(filters)
        return Query((operator, category), tuple(filters), *self.order(), *self.facet_fields(),
                     self.search(rid))

    def order(self):
        if self.noise.random() < 0.35:
            return None, False
        return self.noise.choice(SORTABLE), self.noise.random() < 0.5

    def facet_fields(self):
        if self.noise.random() < 0.65:
            return (), None
        fields = tuple(self.noise.sample(SORTABLE, self.noise.choice((1, 1, 2))))
        return fields, self.noise.choice((None, None, 1, 3, 7, 50, 1000))

    def search(self, rid):
        """A word of the witness, now and then."""
        if self.words is None or self.noise.random() > 0.06:
            return None
        found = [word for text in strings_of(self.fields.records[rid].document)
                 for word in re.findall(r"\b[A-Za-z]{2,12}\b", text)]
        if not found:
            return None
        word = self.noise.choice(found)
        return word if self.noise.random() < 0.7 else word[:2] + "*"

    def queries(self, often):
        """Every operator with every kind of field, `often` times each; less where nothing can be
        found."""
        drawn = [self.query(operator, category)
                 for operator in OPERATORS for category in FIELDS if self.known(category)
                 for _ in range(1 if category in NEVER.get(operator, ()) else often)]
        self.noise.shuffle(drawn)
        return drawn


def table(cells):
    """The coverage as text, by operator and kind of field: with results/queries.
    cells: (operator, category) → [queries, with results]."""
    categories = [category for category in FIELDS
                  if any((operator, category) in cells for operator in OPERATORS)]
    heads = [category.split(", ")[-1].split(" ")[0] if len(category) > 9 else category
             for category in categories]
    lines = ["".ljust(17) + "".join(head.rjust(10) for head in heads)]
    for operator in OPERATORS:
        lines.append(operator.ljust(17) + "".join(
            "{}/{}".format(*reversed(cells.get((operator, category), (0, 0)))).rjust(10)
            for category in categories))
    return "\n".join(lines)
