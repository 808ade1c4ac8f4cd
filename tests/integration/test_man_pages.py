"""Man pages say what the programs do, neither less nor more: options by --help, exit statuses by its
table, variables by the sources, and a page for each program that is installed.

The keys of jcn.conf(5) are compared with the parser's table by unit/config_table_test.
"""

import os
import re
import subprocess
import sys
import unittest

from harness import JCN, JCN_EXPORT, JCNCTL, PROJECT
from transcode_case import TRANSCODE

PRIVATE_MARKS = PROJECT / "apache/private_marks.py"

# Page → the program, and what asks for the variables of its environment.
PROGRAMS = {
    "jcn/doc/jcn.8": ([JCN], "jcn/*.cc indexer/*.cc"),
    "jcn/doc/jcnctl.1": ([JCNCTL], "tools/jcnctl*.cc tools/http_client.cc"),
    "export/doc/jcn-export.1": ([JCN_EXPORT], "export/*.cc tools/http_client.cc"),
    "jcn/doc/jcn-transcode.1": ([TRANSCODE],
                                "tools/jcn_transcode.cc tools/transcode*.cc tools/child_process.cc"),
    "jcn/doc/jcn-private-marks.8": ([sys.executable, "-B", PRIVATE_MARKS], None),
    "jcn/doc/jcn.cgi.8": (None, "cgi-frontend/site_settings.cc"),
}
# Where a program's own name is not that of its page.
PAGE_OF = {"private_marks.py": "jcn-private-marks"}
# Read by libsystemd, on behalf of the daemon.
SYSTEMD = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}
# The request's, of which CGI has more.
OF_REQUESTS = {"REQUEST_METHOD", "CONTENT_LENGTH"}


def lines_of(page):
    return (PROJECT / page).read_text(encoding="utf-8").splitlines()


def section(page, title):
    """The lines of one .Sh."""
    lines = lines_of(page)
    first = lines.index(f".Sh {title}") + 1
    return lines[first:next((n for n in range(first, len(lines)) if lines[n].startswith(".Sh ")),
                            len(lines))]


def options_of_page(page):
    """Command ("" for the program) → the options that have an entry in a list."""
    found, command, depth, commands_from = {"": set()}, "", 0, None
    for line in section(page, "DESCRIPTION"):
        depth += line.startswith(".Bl ") - (line == ".El")
        if line == "Commands:":  # a list of its own; theirs are within it
            commands_from = depth + 1
        named = re.match(r"\.It Cm ([a-z]+)", line)
        if named and depth == commands_from:
            command = named[1]
        if line.startswith(".It "):
            found.setdefault(command, set()).update(re.findall(r"Fl Fl ([a-z][a-z-]*)", line))
    return found


def printed(command, *words):
    done = subprocess.run([*map(str, command), *words], capture_output=True, text=True, check=True,
                          timeout=60)
    return done.stdout


def options_of_help(text):
    """Options at the beginning of a line; mentions of others stand further right."""
    return {name for line in text.splitlines()
            for begun in [re.match(r" +(?:-\w, ?)?--([a-z][a-z-]*)", line)] if begun
            for name in [begun[1]]}


def commands_of_help(text):
    _, _, listed = text.partition("Subcommands:\n")
    return re.findall(r"^  ([a-z]+) ", listed.partition("\n\n")[0], re.M)


def variables_of_page(page):
    return {name for line in section(page, "ENVIRONMENT") if line.startswith(".It Ev ")
            for name in re.findall(r"[A-Z_]{2,}", line)}


def variables_of_sources(patterns):
    found = set()
    for pattern in patterns.split():
        paths = sorted(PROJECT.glob(pattern))
        assert paths, pattern
        for path in paths:
            found |= set(re.findall(r'\b(?:getenv|environment|text|read_number)\((?:environment, )?'
                                    r'"([A-Z][A-Z_]+)"', path.read_text(encoding="utf-8")))
    return found


def statuses_of_page(page):
    """Number → what the page says of it."""
    found, number = {}, None
    for line in section(page, "EXIT STATUS"):
        if line.startswith(".It "):
            number = line[4:]
            found[number] = ""
        elif number is not None and not line.startswith("."):
            found[number] += " " + line
    return {number: text.strip().rstrip(".").lower() for number, text in found.items()}


class Options(unittest.TestCase):
    def test_are_those_of_help(self):
        for page, (program, _) in PROGRAMS.items():
            if program is None:
                continue
            with self.subTest(page):
                text = printed(program, "--help")
                told = {"": options_of_help(text)}
                self.assertGreater(len(told[""]), 1)
                for command in commands_of_help(text):
                    # Each has --help, as the page says of all of them.
                    told[command] = options_of_help(printed(program, command, "--help")) - {"help"}
                self.assertEqual(options_of_page(page), told)

    def test_of_the_synopsis_are_explained(self):
        for page, (program, _) in PROGRAMS.items():
            if program is not None:
                with self.subTest(page):
                    short = set(re.findall(r"Fl Fl ([a-z-]+)", "\n".join(section(page, "SYNOPSIS"))))
                    self.assertEqual(short - options_of_page(page)[""], set())

    def test_are_completed(self):
        """bash offers each of them, and each command."""
        script = PROJECT / "tools/packaging/completion.bash"
        completed = re.search(r"^complete .* -F _jcn_complete (.*)$",
                              script.read_text(encoding="utf-8"), re.M)[1].split()
        programs = {os.path.basename(program[0]): program for program, _ in PROGRAMS.values()
                    if program and program[0] != sys.executable}
        self.assertEqual(set(completed), set(programs))
        for name, program in programs.items():
            text = printed(program, "--help")
            self.assertEqual(self.offered(script, program, "--"),
                             {"--" + option for option in options_of_help(text)}, name)
            for command in commands_of_help(text):
                self.assertIn(command, self.offered(script, program, command[:3]))
                options = options_of_help(printed(program, command, "--help"))
                self.assertEqual(self.offered(script, program, command, "--"),
                                 {"--" + option for option in options}, command)

    def offered(self, script, program, *words):
        typed = [str(program[0]), *words]
        done = subprocess.run(
            ["bash", "-c", 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _jcn_complete; '
                           'printf "%s\\n" "${COMPREPLY[@]}"', str(script), *typed],
            capture_output=True, text=True, check=True, cwd="/", timeout=60)
        return set(done.stdout.split())


class Statuses(unittest.TestCase):
    def test_are_those_of_the_programs(self):
        for page in ("jcn/doc/jcnctl.1", "export/doc/jcn-export.1", "jcn/doc/jcn-transcode.1"):
            with self.subTest(page):
                table = printed(PROGRAMS[page][0], "--help").partition("Exit status:\n")[2]
                told = {number: text.lower() for number, text in
                        re.findall(r"^  (\d+)  (.*)$", table, re.M)}
                self.assertGreater(len(told), 2)
                self.assertEqual(statuses_of_page(page), told)

    def test_are_those_of_the_daemon(self):
        text = (PROJECT / "jcn/main.cc").read_text(encoding="utf-8")
        self.assertEqual(set(statuses_of_page("jcn/doc/jcn.8")),
                         set(re.findall(r"constexpr int exit_\w+ = (\d+);", text)))


class Variables(unittest.TestCase):
    def test_are_those_of_the_sources(self):
        for page, (_, patterns) in PROGRAMS.items():
            if patterns is None:
                self.assertNotIn(".Sh ENVIRONMENT", lines_of(page))
                continue
            with self.subTest(page):
                asked = variables_of_sources(patterns)
                if page == "jcn/doc/jcn.8":
                    asked |= SYSTEMD
                if page == "jcn/doc/jcn.cgi.8":
                    asked |= OF_REQUESTS
                self.assertEqual(variables_of_page(page), asked)

    def test_of_the_cgi_stand_in_its_readme(self):
        readme = (PROJECT / "cgi-frontend/README.md").read_text(encoding="utf-8")
        table = readme[readme.index("| variable |"):]
        self.assertEqual(set(re.findall(r"^\| `(JCN_\w+)` \|", table, re.M)) | OF_REQUESTS,
                         variables_of_page("jcn/doc/jcn.cgi.8"))


class Pages(unittest.TestCase):
    def test_there_is_one_for_each_program(self):
        """Whatever is installed as a program, is run by a unit of ours, or is run by a web server."""
        cmake = (PROJECT / "tools/packaging/CMakeLists.txt").read_text(encoding="utf-8")
        programs = {name for names in re.findall(r"install\(TARGETS ([^)]*?) DESTINATION", cmake)
                    for name in names.split()}
        programs |= {os.path.basename(path) for path, where in
                     re.findall(r"install\(PROGRAMS (\S+)\s+DESTINATION (\S+)", cmake)
                     if not where.endswith("/examples")}
        self.assertGreater(len(programs), 5)
        installed = {os.path.basename(page) for pages in re.findall(r"^manual\(\w+ ([^)]*)\)", cmake, re.M)
                     for page in pages.split()}
        named = {PAGE_OF.get(name, name) for name in programs}
        self.assertEqual({page.rpartition(".")[0] for page in installed} - {"jcn.conf"}, named)
        self.assertIn("jcn.conf.5", installed)
        self.assertEqual({os.path.basename(page) for page in PROGRAMS} | {"jcn.conf.5"}, installed)

    def test_references_lead_somewhere(self):
        """.Xr of our own names a page that is there."""
        ours = {tuple(os.path.basename(page).rsplit(".", 1)) for page in [*PROGRAMS, "jcn/doc/jcn.conf.5"]}
        names = {name for name, _ in ours}
        for page in [*PROGRAMS, "jcn/doc/jcn.conf.5"]:
            for name, number in re.findall(r"^\.Xr (\S+) (\d)", "\n".join(lines_of(page)), re.M):
                if name in names or name.startswith("jcn"):
                    self.assertIn((name, number), ours, page)


if __name__ == "__main__":
    unittest.main()
