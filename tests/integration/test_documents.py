"""Documents say what the programs do: tables compared with the sources."""

import re
import unittest

from harness import PROJECT

OPERATING = (PROJECT / "jcn/doc/operating.md").read_text(encoding="utf-8")
API = (PROJECT / "jcn/doc/http-api.md").read_text(encoding="utf-8")


class Reasons(unittest.TestCase):
    def test_every_reason_of_readyz_is_told_and_no_other(self):
        said = set()
        for source in sorted((PROJECT / "jcn").glob("*.cc")):
            text = source.read_text(encoding="utf-8")
            if "reason" in text:
                said |= set(re.findall(r'(?:reason|all\.push)[^;]{0,120}?[(,]\s*\{"([a-z_]+)",\s', text))
            said |= {"webhook_" + state for state in re.findall(r'each\.state != "(\w+)"', text)}
        self.assertGreater(len(said), 8)
        table = OPERATING[OPERATING.index("| reason |"):]
        told = {code for row in re.findall(r"^\| (`.*?) \|", table, re.M)
                for code in re.findall(r"`([a-z_]+)`", row)}
        self.assertEqual(told, said)
        for reason in told:
            self.assertIn(f"`{reason}`", API)


if __name__ == "__main__":
    unittest.main()
