"""JSON Schemas, drawn at random, tried on drawn documents by dry runs: the verdicts are those of
python3-jsonschema.

JCN_SEED=N draws the same again.
"""

import json
import os
import random
import time
import unittest

from jsonschema import Draft7Validator, ValidationError, validators

from harness import JcnCase, json_of

NAMES = ["a", "b", "c", "a/b", "x~y", "", "é"]
PATTERNS = ["^a", "b$", "a+", "^.$", "[^a]", "a|b", "^(a|b)*$", "\\d", "é"]
SCALARS = [None, True, False, 0, 1, 2, -1, 1.5, 2.0, 3, 10, "", "a", "b", "ab", "é", "aaa", "1"]
SIMPLE = [True, False, {}, {"type": "string"}, {"type": "number"}]
TYPES = ["null", "boolean", "integer", "number", "string", "array", "object",
         ["string", "integer"], ["null", "number"]]


class Draw:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self, depth=0):
        kind = self.random.random()
        if depth > 3 or kind < .5:
            return self.random.choice(SCALARS)
        if kind < .75:
            return [self.value(depth + 1) for _ in range(self.random.randint(0, 4))]
        return {self.random.choice(NAMES): self.value(depth + 1)
                for _ in range(self.random.randint(0, 4))}

    def names(self):
        return self.random.sample(NAMES, self.random.randint(0, 2))

    def schema(self, depth=0, refer=True):
        """References only lead to `definitions`, whose own schemas have none: no circles."""
        draw = self.random
        if depth and draw.random() < .06:
            return draw.choice([True, False])
        if depth and refer and draw.random() < .1:
            return {"$ref": draw.choice(["#/definitions/d0", "#/definitions/d1"])}

        def sub():
            return self.schema(depth + 1, refer) if depth < 3 else draw.choice(SIMPLE)

        def some(low):
            return [sub() for _ in range(draw.randint(low, 3))]
        makers = {
            "type": lambda: draw.choice(TYPES), "const": lambda: self.value(2),
            "enum": lambda: [self.value(2) for _ in range(draw.randint(1, 4))],
            "multipleOf": lambda: draw.choice([1, 2, 3, 0.5, 1.0]),
            "pattern": lambda: draw.choice(PATTERNS), "uniqueItems": lambda: draw.random() < .5,
            "required": self.names,
            "dependencies": lambda: {draw.choice(NAMES): self.names() if draw.random() < .5 else sub()
                                     for _ in range(draw.randint(1, 2))},
            "properties": lambda: {draw.choice(NAMES): sub() for _ in range(draw.randint(0, 3))},
            "patternProperties": lambda: {draw.choice(PATTERNS): sub()
                                          for _ in range(draw.randint(0, 2))},
            "items": lambda: sub() if draw.random() < .5 else some(0),
        }
        for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            makers[word] = lambda: draw.choice([0, 1, 2, 1.5, -1, 2.0])
        for word in ("minLength", "maxLength", "minItems", "maxItems", "minProperties",
                     "maxProperties"):
            makers[word] = lambda: draw.choice([0, 1, 2, 3, 2.0])
        for word in ("additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"):
            makers[word] = sub
        for word in ("allOf", "anyOf", "oneOf"):
            makers[word] = lambda: some(1)
        result = {}
        for word in draw.sample(sorted(makers), draw.randint(0, 3)):
            result[word] = makers[word]()
        if isinstance(result.get("items"), list) and draw.random() < .5:
            result["additionalItems"] = sub()
        if depth == 0:
            result["definitions"] = {"d0": self.schema(2, False), "d1": self.schema(3, False)}
        return result


def additional_items(validator, wanted, instance, schema):
    """As the library has it, but that it sorts the items for its message, which can't be for all."""
    items = schema.get("items", [])
    if not validator.is_type(instance, "array") or not isinstance(items, list):
        return
    for index, item in enumerate(instance[len(items):], start=len(items)):
        if wanted is False:
            yield ValidationError("an additional item")
        elif validator.is_type(wanted, "object"):
            yield from validator.descend(item, wanted, path=index)


Oracle = validators.extend(Draft7Validator, {"additionalItems": additional_items})


class Differential(JcnCase):
    def test_dry_runs_agree_with_another_validator(self):
        seed = int(os.environ.get("JCN_SEED") or time.time())
        print(f"JCN_SEED={seed}", flush=True)
        draw = Draw(seed)
        daemon = self.daemon()
        documents = {}
        for number in range(80):
            document = {"id": f"{number}"}
            for name in NAMES:
                if draw.random.random() < .5:
                    document[name] = draw.value()
            documents[document["id"]] = document
            self.drop(f"{number}.json", document)
        daemon.sync()
        failed = passed = 0
        for _ in range(250):
            schema = draw.schema()
            if draw.random.random() < .7:  # most drawn values are no objects: ask about members
                schema = {"definitions": schema.pop("definitions"),
                          "additionalProperties": {"type": ["string", "array", "object", "number",
                                                            "boolean", "null"], **schema}}
            answer = daemon.request("POST", "/v1/schemas/videos?dry_run=1&_size=1000",
                                    json.dumps(schema).encode())
            self.assertEqual(answer.status, 200, answer.body)
            trial = json_of(answer)
            self.assertEqual((trial["checked"], trial["truncated"]), (80, False))
            validator = Oracle(schema)
            wanted = {one for one, document in documents.items() if not validator.is_valid(document)}
            self.assertEqual({failure["id"] for failure in trial["failures"]}, wanted, json.dumps(schema))
            failed += len(wanted)
            passed += 80 - len(wanted)
        print(f"{failed} failures, {passed} passes", flush=True)
        self.assertGreater(min(failed, passed), 2000)


if __name__ == "__main__":
    unittest.main()
