"""Documents say what the programs do: tables compared with the sources."""

import json
import re
import unittest

from harness import PROJECT

OPERATING = (PROJECT / "jcn/doc/operating.md").read_text(encoding="utf-8")
API = (PROJECT / "jcn/doc/http-api.md").read_text(encoding="utf-8")
CODES = (PROJECT / "jcn/doc/codes.md").read_text(encoding="utf-8")


def code_table():
    """Code → (whether it is a verdict on a file, what it means) of indexer/codes.cc."""
    text = (PROJECT / "indexer/codes.cc").read_text(encoding="utf-8")
    return {name: (reject == "true", meaning.replace('\\"', '"')) for name, reject, meaning in
            re.findall(r'\{Code::\w+, "(\w+)", (true|false),\s+"((?:[^"\\]|\\.)*)"\}', text)}


def statuses():
    """Code → status of jcn/problem.cc, of the codes that have one of their own."""
    text = (PROJECT / "jcn/problem.cc").read_text(encoding="utf-8")
    return dict(re.findall(r"StatusRow\{Code::(\w+), (\d+)\}", text))


def rows_below(text, heading):
    """The rows of the tables of one section, as lists of cells."""
    begin = text.index(f"\n{heading}\n")
    end = text.find("\n## ", begin + len(heading))
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
            for row in re.findall(r"^\| .* \|$", text[begin:end if end > 0 else None], re.M)]


class Codes(unittest.TestCase):
    """jcn/doc/codes.md and http-api.md beside the table, which openapi.json is compared with by
    unit/route_openapi_test."""

    def test_of_files(self):
        rows = rows_below(CODES, "## Of files")[1:]
        self.assertEqual({code.strip("`"): meaning for code, meaning, _ in rows},
                         {name: meaning for name, (reject, meaning) in code_table().items() if reject})
        # In the order in which they are checked.
        self.assertEqual([code.strip("`") for code, _, _ in rows],
                         [name for name, (reject, _) in code_table().items() if reject])
        self.assertTrue(all(remedy for _, _, remedy in rows))

    def test_of_all_else(self):
        """No request is answered with a code of programs, each other one has its status."""
        own = statuses()
        rows = rows_below(CODES, "## Of requests")
        problems = {row[0].strip("`"): (row[1], row[2]) for row in rows if len(row) == 3}
        del problems["code"]
        parts = {row[0].strip("`"): row[1] for row in rows if len(row) == 2}
        programs = {row[0].strip("`"): row[1] for row in rows_below(CODES, "## Of programs")}
        table = {name: meaning for name, (reject, meaning) in code_table().items() if not reject}
        del parts["code"], programs["code"]
        self.assertEqual({name: meaning for name, (_, meaning) in problems.items()} | parts | programs,
                         table)
        self.assertEqual({name: status for name, (status, _) in problems.items()},
                         {name: own.get(name, "500") for name in problems})
        listed = set(json.loads((PROJECT / "jcn/openapi.json").read_text(encoding="utf-8"))
                     ["components"]["schemas"]["ProblemCode"]["enum"])
        self.assertEqual(set(problems), listed)

    def test_by_status(self):
        """http-api.md lists the codes of each status."""
        told = {}
        for status, codes in rows_below(API, "## Errors")[1:]:
            for code in re.findall(r"`([a-z_]+)`", codes):
                told[code] = status
        own = statuses()
        listed = json.loads((PROJECT / "jcn/openapi.json").read_text(encoding="utf-8"))[
            "components"]["schemas"]["ProblemCode"]["enum"]
        self.assertEqual(told, {code: own.get(code, "500") for code in listed})


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


class Variables(unittest.TestCase):
    def test_of_the_tests_are_told(self):
        """What tests/README.md says can be set, and what the tests look at."""
        asked = set()
        for folder in ("integration", "browser", "unit"):
            for path in sorted((PROJECT / "tests" / folder).glob("*")):
                if path.is_file():
                    asked |= set(re.findall(r'(?:environ(?:\.get)?[\[(]|getenv\()"(JCN(?:CTL)?_[A-Z_]+)"',
                                            path.read_text(encoding="utf-8")))
        self.assertGreater(len(asked), 12)
        readme = (PROJECT / "tests/README.md").read_text(encoding="utf-8")
        table = readme[readme.index("| variable | meaning"):]
        told = set(re.findall(r"`(JCN(?:CTL)?_[A-Z_]+)(?:=1)?`", table[:table.index("\n\n")]))
        self.assertEqual(told, asked)


if __name__ == "__main__":
    unittest.main()
