"""FAULTS 54 in a real browser: whatever stands in notes or addresses, nothing of it runs, opens or
loads anything, and pages have the elements of their templates alone.

An ordinary run takes some of the texts by themselves, drawn anew each time, and all of them joined;
JCN_FULL=1 takes each on pages of its own."""

import json
import random
import re
import unittest
import urllib.parse

import webdriver
from test_watching_videos import WatchingCase  # which knows where the other tests are
from harness import FULL
from site_case import ELEMENTS, EVERYWHERE, site_config
from test_site_hostile import TEXTS, can_be_a_name, everywhere, naughty_strings

OWN = ["<script>canary()</script>", "'\"><svg onload=canary()>", "javascript:canary()",
       "\"><iframe srcdoc='<script>parent.canary()</script>'>", "</title></textarea><script>canary()//",
       "\" autofocus onfocus=canary() x=\"", "<img src=/canary onerror=canary()>",
       "</pre></p></a><form action=//evil.example><button formaction=javascript:canary()>x",
       "<object data=javascript:canary()>", "<math><a xlink:href=javascript:canary()>x"]
# What is in place before anything of a page runs: the page's scripts find these functions.
WATCH = """
  window.seen = [];
  for (const name of ["alert", "confirm", "prompt", "print", "open", "eval", "Function", "canary"])
    window[name] = function() { window.seen.push("called: " + name); };
  document.write = document.writeln = () => window.seen.push("called: document.write");
  addEventListener("securitypolicyviolation", (event) =>
    window.seen.push(`against the policy: ${event.violatedDirective} ${event.blockedURI}`), true);"""
# Elements with their attributes, and what leads elsewhere.
LOOK = """
  const elements = [...document.querySelectorAll("*")];
  return {seen: window.seen, address: location.href, elements: elements.map(one =>
            [one.localName, one.getAttributeNames().map(name => name.toLowerCase())]),
          scripts: [...document.scripts].map(one => [one.src, one.text]),
          pictures: [...document.images].map(one => one.src),
          addresses: elements.flatMap(one => ["href", "src", "action", "poster", "data", "formaction"]
            .filter(name => one.hasAttribute(name) && one.namespaceURI.endsWith("xhtml"))
            .map(name => new URL(one.getAttribute(name), document.baseURI).protocol))};"""
# Films and pictures that hostile paths name are not there, and pages of problems are what was asked.
MISSING = re.compile(r"^http://127\.0\.0\.1:\d+/(?:media/)?\S* - Failed to load resource: "
                     r"the server responded with a status of 4\d\d ")


class HostilePages(WatchingCase):
    def setUp(self):
        super().setUp()
        self.texts = [*TEXTS, *OWN]
        self.open_pages = 0

    def watching(self):
        browser = self.browser()
        browser.command("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        return browser

    def findings(self, browser, address):
        """What is wrong with the page that is open."""
        # Not by chromedriver's way of running scripts, which takes Function from the page.
        try:
            page = browser.command("Runtime.evaluate", expression=f"(() => {{{LOOK}}})()",
                                   returnByValue=True)["result"]["value"]
        except webdriver.WebDriverError as error:  # an open dialog
            return [str(error)]
        found = list(page["seen"])
        found += [f"an element: {name} {sorted(set(given) - EVERYWHERE - ELEMENTS.get(name, set()))}"
                  for name, given in page["elements"]
                  if not set(given) <= EVERYWHERE | ELEMENTS.get(name, set())
                  or name not in ELEMENTS]
        found += [f"a script: {script}" for script in page["scripts"]
                  if script != [self.apache.address + "/static/site.js", ""]]
        found += [f"{len(page['scripts'])} scripts"] * (len(page["scripts"]) > 1)
        found += [f"a picture: {picture}" for picture in page["pictures"]
                  if not picture.startswith(self.apache.address + "/media/")]
        found += [f"an address: {scheme}" for scheme in page["addresses"]
                  if scheme not in ("http:", "https:")]
        if page["address"] != address:
            found.append(f"elsewhere: {page['address']}")
        found += [line for line in browser.complaints() if not MISSING.match(line)]
        return found

    def assert_harmless(self, browser, *targets):
        for target in targets:
            address = self.apache.address + target
            browser.open(address)
            self.assertEqual(self.findings(browser, address), [], target)
            self.open_pages += 1
        self.assertEqual(browser.windows(), 1)

    def assert_would_be_seen(self, browser):
        """Each of these pages does something that the tests say never happens."""
        for page, said in [
                ("<script>alert(1)</script>", "called: alert"),
                ("<script>canary()</script>", "called: canary"),
                ("<script>window.eval('1')</script>", "called: eval"),
                ("<script>new Function('1')</script>", "called: Function"),
                ("<img src=x: onerror=canary()>", "called: canary"),
                ("<p onclick=x>", "an element: p ['onclick']"),
                ("<iframe></iframe>", "an element: iframe []"),
                ("<script></script>", "a script: ['', '']"),
                ("<img src=data:,>", "a picture: data:,"),
                ("<a href=javascript:x>x</a>", "an address: javascript:"),
                ("<script>location = 'about:blank'</script>", "elsewhere: about:blank"),
                ("<script>console.error('x')</script>", '"x"'),
                ('<meta http-equiv=Content-Security-Policy content="script-src \'none\'">'
                 "<script>1</script>", "against the policy: script-src-elem inline")]:
            address = "data:text/html," + urllib.parse.quote(page)
            browser.open(address)
            found = self.findings(browser, address)
            self.assertTrue([one for one in found if said in one], (page, found))

    def drop_all(self, texts):
        """Of each text the notes and names in which it can be; names that are no JSON are rejects."""
        for n, text in enumerate(texts):
            name = text if can_be_a_name(text) else "x"
            self.drop(f"{n} {name}.json", {"id": f"v{n}", **everywhere(text)})
            self.drop(f"{n} {name}.bad.json", b'{"id": "x"' + json.dumps(text).encode())
            if can_be_a_name(text):
                self.drop(f"named/{text}.json", {"id": text, "title": "x", "visibility": "public"})
            self.drop(f"{n}.work.json", {"id": f"w{n}", "title": text, "visibility": "unlisted",
                                         "transcode": {"state": "running", "percent": text}})

    def joined(self, strings):
        """Notes that have twenty at once where there is room for them."""
        for n in range(0, len(strings), 20):
            some = strings[n:n + 20]
            self.drop(f"joined{n}.json", {
                **everywhere(" ".join(some)), "id": f"j{n}", "tags": some, "uploader": some[0],
                "description": "\n".join(some), "transcode": {
                    "state": "failed", "error": "\n".join(some)},
                "renditions": [{"path": f"{one}.webm"} for one in some],
                "tracks": [{"path": f"{one}.vtt", "kind": "captions", "label": one} for one in some]})
            yield f"j{n}"

    def test_fault_54_nothing_of_notes_and_addresses_runs(self):
        self.film("a/b.webm")
        self.drop_all(self.texts)
        strings = naughty_strings()
        videos = list(self.joined(self.texts + (strings if FULL else
                                                random.sample(strings, min(len(strings), 60)))))
        some = range(len(self.texts)) if FULL else random.sample(range(len(self.texts)), 4)
        videos += [f"v{n}" for n in some]
        self.start_site(config=site_config(self.root, schema=False), settings={"page_size": 1000})
        browser = self.watching()
        self.assert_would_be_seen(browser)
        self.assert_harmless(browser, "/", *self.for_editors("/edit", "/rejects", "/status",
                                                             "/upload"))
        for video in videos:
            self.assert_harmless(browser, f"/watch?v={video}", *self.for_editors(f"/edit?v={video}"))
        self.assert_harmless(browser, *(f"/embed?v={video}" for video in videos[::1 if FULL else 4]),
                             *(f"/watch?v=w{n}" for n in random.sample(some, 2)))
        for n in some:
            quoted = urllib.parse.quote(self.texts[n], safe="")
            self.assert_harmless(
                browser, f"/?q={quoted}", f"/?tag={quoted}&uploader={quoted}&order={quoted}",
                *self.for_editors(f"/edit?v={quoted}"), f"/watch?v={quoted}", f"/embed?v={quoted}",
                f"/?page={quoted}", f"/nowhere/{quoted.replace('%2F', '')}")
        if FULL:
            print(f"{self.FRONT}: {self.open_pages} pages")


class HostilePagesByCgi(HostilePages):
    """The same by jcn.cgi."""
    FRONT = "fastcgi"

if __name__ == "__main__":
    unittest.main()
