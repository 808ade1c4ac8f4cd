"""The vocabulary of a video: the examples of jcn/doc/video.md, under the rules of apache/jcn.conf.

Each example fits video.schema.json, by jcn's verdict and by that of python3-jsonschema; dropped as
the files that the page names, they compose to the record that it shows.
"""

import json
import re
import unittest

from harness import PROJECT, JcnCase, json_of
from site_case import site_config
import jsonschema

PAGE = (PROJECT / "jcn/doc/video.md").read_text()
SCHEMA = PROJECT / "jcn/schemas/video.schema.json"


def examples():
    """Of each section: (the file that it names, its examples)."""
    for section in PAGE.split("\n## ")[1:]:
        name = re.search(r"`([^` ]+\.json)`", section)
        yield name and name.group(1), [json.loads(text) for text
                                       in re.findall(r"```json\n(.*?)```", section, re.DOTALL)]


class Vocabulary(JcnCase):
    WRONG = [
        ({"title": ""}, "/title"),
        ({"visibility": "everybody"}, "/visibility"),
        ({"uploaded_at": "yesterday"}, "/uploaded_at"),
        ({"tags": ["sea", "sea"]}, "/tags/1"),
        ({"source": {"type": "video/mp4"}}, "/source"),
        ({"source": {"path": "../etc/passwd"}}, "/source/path"),
        ({"poster": "/etc/passwd"}, "/poster"),
        ({"poster": "a/.htaccess"}, "/poster"),
        ({"poster": "a\\b.jpg"}, "/poster"),
        ({"poster": "a\r\nb.jpg"}, "/poster"),
        ({"poster": "a//b.jpg"}, "/poster"),
        ({"renditions": [{"path": "a.webm", "type": "video webm"}]}, "/renditions/0/type"),
        ({"width": 0}, "/width"),
        ({"tracks": [{"path": "a.vtt", "kind": "script"}]}, "/tracks/0/kind"),
        ({"transcode": {"state": "paused"}}, "/transcode/state"),
        ({"transcode": {"state": "running", "percent": 101}}, "/transcode/percent"),
    ]

    def setUp(self):
        super().setUp()
        self.live = self.daemon(config=site_config(self.root))
        self.validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text()))

    def verdict(self, document):
        return json_of(self.live.request("POST", "/v1/check?kind=videos",
                                         json.dumps(document).encode()))

    def test_every_example_fits_the_schema(self):
        count = 0
        for _, documents in examples():
            for document in documents:
                self.validator.validate(document)
                self.assertTrue(self.verdict(document)["ok"], document)
                count += 1
        self.assertEqual(count, 6)

    def test_what_is_no_video_is_told_apart(self):
        for document, pointer in self.WRONG:
            with self.subTest(document):
                reject = self.verdict({"id": "x", **document})["reject"]
                self.assertEqual((reject["code"], reject["pointer"]), ("schema_violation", pointer))
                if "uploaded_at" not in document:  # jsonschema takes any text for a date
                    self.assertFalse(self.validator.is_valid({"id": "x", **document}))

    def test_the_examples_compose_to_the_record_that_is_shown(self):
        shown = None
        for name, documents in examples():
            if name is None:
                shown = documents[-1]
            else:
                self.drop(name, documents[-1])
        self.live.sync()
        self.assertEqual(self.live.record("k7m2xw9qhd4t"), shown)

    def test_without_the_upload_s_note_there_is_no_video(self):
        self.drop("k7/k7m2xw9qhd4t.transcode.json", {"transcode": {"state": "done"}})
        self.drop("k7/k7m2xw9qhd4t.claim.json", {"worker": "one"})
        self.live.sync()
        self.assertIsNone(self.live.record("k7m2xw9qhd4t"))
        self.assertEqual(self.live.record("k7m2xw9qhd4t", "leases"), {"worker": "one"})


if __name__ == "__main__":
    unittest.main()
