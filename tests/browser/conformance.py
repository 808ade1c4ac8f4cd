"""Pages of the site before html-validate and axe-core; `conform` installs those and runs this.

Every page of both front ends, with records of all states and hostile texts, in light and dark and on
a phone's width. html-validate with its recommended rules, but for two of style."""

import html
import json
import os
import re
import subprocess
import unittest

from test_watching_videos import WatchingCase

MODULES = os.path.join(os.environ.get("JCN_NPM", ""), "node_modules")
RULES = {"extends": ["html-validate:recommended"],
         # Empty attributes, and elements that need no end tag, are written as HTML allows.
         "rules": {"no-trailing-whitespace": "off", "attribute-boolean-style": "off",
                   "void-style": "off", "long-title": "off"}}
AXE = """
  axe.run(document, {resultTypes: ["violations"]}).then(
    found => { window.found = found.violations.map(one => [one.impact, one.id, one.help,
      one.nodes.slice(0, 3).map(node => node.html.slice(0, 200))]); });
  return true;"""


@unittest.skipUnless(os.path.isdir(MODULES), "run tests/browser/conform")
class Conformance(WatchingCase):
    def setUp(self):
        super().setUp()
        self.film("fi/film.webm")
        self.drop("fi/film.json", {**self.note("film", "done"), **self.rendition("fi/film.webm"),
                                   "description": "One.\n\nTwo: https://example.org/?a=1&b=2"})
        for state in ("queued", "running", "failed"):
            self.drop(f"{state[:2]}/{state}.json", {**self.note(state, state), "transcode": {
                "state": state, "percent": 40, "error": "no <film>"}})
        self.drop("ho/hostile.json", {**self.note("hostile", "done"),
                                      "title": "</script><b>&quot;\u202e " + "x" * 300,
                                      "tags": ["<i>", "\"'>", "ü" * 80]})
        self.drop("broken.json", b'{"id": "broken",,}')
        for n in range(60):
            self.drop(f"other{n}.json", {"title": f"Other {n}", "tags": [f"tag {n % 30}"],
                                         "visibility": "public"})
        self.start_site(writable=True)

    def pages(self):
        home = self.get("/").body.decode()
        following = html.unescape(re.search(r'href="([^"]*)" rel="next"', home)[1])
        return ["/", following, "/?q=film", "/?order=title", "/?tag=colour", "/?q=%22",
                "/?q=nothing+at+all", "/?page=none",
                *(f"/watch?v={name}" for name in ("film", "queued", "running", "failed", "hostile",
                                                  "missing")),
                *(f"/embed?v={name}" for name in ("film", "queued", "failed", "hostile", "missing")),
                "/nowhere", "/oembed?url=x",
                *self.for_editors("/upload", "/edit", "/edit?v=film", "/edit?v=hostile",
                                  "/edit?v=failed", "/rejects", "/status")]

    def answers(self):
        """Of forms that are not taken: {what was sent: the page}."""
        if self.FRONT != "python":
            return {}
        form = {**self.page("/edit?v=film").inputs(), "visibility": "public", "description": ""}
        token = {"token": form["token"]}
        taken = self.post("/edit?v=film", {**form, "title": "Another"})
        self.assertEqual(taken.status, 303)
        sent = {"an upload of nothing": (422, "/upload", {**token, "title": "x" * 501}),
                "an edit without a title": (422, "/edit?v=film", {**form, "title": ""}),
                "an edit too late": (409, "/edit?v=film", {**form, "title": "Mine"}),
                "a form of nobody": (403, "/delete?v=film", {"token": "x"})}
        found = {}
        for name, (status, target, fields) in sent.items():
            answer = self.post(target, fields)
            self.assertEqual(answer.status, status, name)
            found[name] = answer.body
        return found

    def test_html(self):
        rules = os.path.join(self.tmp, "rules.json")
        with open(rules, "w", encoding="utf-8") as file:
            json.dump(RULES, file)
        folder = self.folder("pages")
        bodies = {page: self.get(page).body for page in self.pages()} | self.answers()
        self.live.stop()
        bodies |= {f"{page} without jcn": self.get(page).body for page in ("/", "/watch?v=film")}
        for number, body in enumerate(bodies.values()):
            with open(os.path.join(folder, f"{number:02}.html"), "wb") as file:
                file.write(body)
        pages = dict(enumerate(bodies)) | {99: "a bad one"}
        with open(os.path.join(folder, "99.html"), "w", encoding="utf-8") as file:
            file.write("<!DOCTYPE html><title>Bad</title><p><button></p>")
        done = subprocess.run(["node", os.path.join(MODULES, ".bin/html-validate"), "--config",
                               rules, "--formatter", "json", folder + "/*.html"],
                              capture_output=True, text=True, check=False)
        found = [(pages[int(os.path.basename(one["filePath"])[:2])], message["ruleId"],
                  message["message"], message["line"])
                 for one in json.loads(done.stdout or "[]") for message in one["messages"]]
        self.assertIn(("a bad one", "close-order"), [one[:2] for one in found])
        self.assertEqual(([one for one in found if one[0] != "a bad one"], done.stderr), ([], ""))
        print(f"{len(bodies)} pages: no findings")

    def serious(self, browser):
        browser.run(AXE)
        found = browser.wait("return window.found && {all: window.found}", "axe-core")["all"]
        browser.run("window.found = null")
        return [one for one in found if one[0] in ("serious", "critical")]

    def test_axe(self):
        with open(os.path.join(MODULES, "axe-core/axe.min.js"), encoding="utf-8") as file:
            axe = file.read()
        looked = 0
        for options, browser in (("", self.browser()), ("dark", self.browser(dark=True)),
                                 ("phone", self.phone())):
            for page in self.pages():
                browser.open(self.apache.address + page)
                if options == "phone":
                    self.assert_fits_a_phone(browser, page)
                browser.run(axe + ";window.axe = axe")
                self.assertEqual(self.serious(browser), [], (page, options))
                looked += 1
            browser.run("document.body.append(document.createElement('button'))")
            self.assertEqual([one[1] for one in self.serious(browser)], ["button-name"])
        print(f"{looked} pages: no serious findings")


class ConformanceByCgi(Conformance):
    FRONT = "fastcgi"


if __name__ == "__main__":
    unittest.main()
