"""Chromium without a head, driven through chromedriver's HTTP (https://www.w3.org/TR/webdriver2/):
the few commands that the tests need."""

import base64
import json
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

CHROMEDRIVER, CHROMIUM = "/usr/bin/chromedriver", "/usr/bin/chromium"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio",
         "--autoplay-policy=no-user-gesture-required"]


class WebDriverError(Exception):
    """What chromedriver says: "no such element: ...", "javascript error: ..."."""


class Browser:
    """with Browser(1280, 900) as browser: ... Pages see exactly this size, also one that is less than
    Chromium's windows can be; `phone`: they are shown as phones do it."""

    def __init__(self, width, height, dark=False, phone=False, scripts=True, patience=20.0):
        self._size, self._dark, self._phone, self._scripts = (width, height), dark, phone, scripts
        self._patience = patience

    def __enter__(self):
        self._profile = tempfile.mkdtemp(prefix="chromium-")
        self._process = subprocess.Popen([CHROMEDRIVER, "--port=0"], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                         env={**os.environ, "HOME": self._profile})
        try:
            self._address = f"http://127.0.0.1:{self._port()}"
            options = {"binary": CHROMIUM,
                       "args": [*FLAGS, f"--user-data-dir={self._profile}",
                                "--window-size={},{}".format(*self._size)],
                       "prefs": {} if self._scripts else
                                {"profile.managed_default_content_settings.javascript": 2}}
            opened = self._send("POST", "/session", {"capabilities": {"alwaysMatch": {
                "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
            self._address += "/session/" + opened["sessionId"]
            self.command("Emulation.setDeviceMetricsOverride", width=self._size[0],
                         height=self._size[1], deviceScaleFactor=1, mobile=self._phone)
            self.command("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme", "value": "dark" if self._dark else "light"}])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if "/session/" in self._address:
                self._send("DELETE", "")
        except (OSError, WebDriverError):
            pass
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _port(self):
        """"ChromeDriver was started successfully on port 41234." """
        self._address, said = "", b""
        deadline = time.monotonic() + self._patience
        out = self._process.stdout.fileno()
        while select.select([out], [], [], max(deadline - time.monotonic(), 0))[0]:
            if not (more := os.read(out, 4096)):
                break
            said += more
            if port := re.search(rb"successfully on port (\d+)\b.*\n", said):
                return int(port.group(1))
        raise WebDriverError(f"chromedriver does not start: {said!r}")

    def _send(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self._address + path, data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                    request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            said = json.load(error)["value"]
            raise WebDriverError(f"{said['error']}: {said['message']}") from None

    def command(self, name, **parameters):
        """One of Chromium's own (https://chromedevtools.github.io/devtools-protocol/)."""
        return self._send("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    # What a person does.

    def open(self, address):
        self._send("POST", "/url", {"url": address})

    def address(self):
        return self._send("GET", "/url")

    def find(self, selector):
        return Element(self, self._send("POST", "/element", {"using": "css selector",
                                                             "value": selector})[ELEMENT])

    def link(self, text):
        return Element(self, self._send("POST", "/element", {"using": "link text",
                                                             "value": text})[ELEMENT])

    def press(self, *keys):
        """Keys one after another, wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._send("POST", "/actions",
                   {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def follow(self, element):
        """Clicks what leads to another page, and waits for that."""
        self.run("window.left = true")
        element.click()
        self.wait("return !window.left && document.readyState === 'complete'", "the next page")

    def slow_uploads(self, bytes_per_second):
        self._send("POST", "/chromium/network_conditions", {"network_conditions": {
            "offline": False, "latency": 0, "download_throughput": 1 << 30,
            "upload_throughput": bytes_per_second}})

    # What a test sees.

    def run(self, script, *arguments):
        """The value that a function body returns."""
        return self._send("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, what, seconds=None):
        """Until a function body returns something true: that."""
        deadline = time.monotonic() + (seconds or self._patience)
        while time.monotonic() < deadline:
            try:
                if value := self.run(script):
                    return value
            except WebDriverError as error:  # the page went away under the script
                if "javascript error" in str(error):
                    raise
            time.sleep(0.05)
        raise AssertionError(f"not in time: {what}\n{self.text()}")

    def windows(self):
        """How many are open."""
        return len(self._send("GET", "/window/handles"))

    def text(self):
        return self.run("return document.body.innerText")

    def complaints(self):
        """What stands on the console: errors of scripts, breaches of the policy, failed
        requests."""
        return [entry["message"] for entry in self._send("POST", "/se/log", {"type": "browser"})]

    def screenshot(self, file):
        with open(file, "wb") as picture:
            picture.write(base64.b64decode(self._send("GET", "/screenshot")))


class Element:
    def __init__(self, browser, name):
        self._browser, self._path = browser, f"/element/{name}"

    def click(self):
        self._browser._send("POST", self._path + "/click")

    def clear(self):
        self._browser._send("POST", self._path + "/clear")

    def type(self, text):
        """Text; into a file chooser, the path of a file."""
        self._browser._send("POST", self._path + "/value", {"text": text})

    def text(self):
        return self._browser._send("GET", self._path + "/text")
