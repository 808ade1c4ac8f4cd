"""The pictures of /status: what jcn's history says, as shapes and as a table."""

import datetime
import math
import types
import unittest

from site_case import Page, site_in_process

STATUS = {"version": "1", "kinds": {"videos": 5}, "fragments": 6, "rejects": 1, "roots": [],
          "crawl": {"state": "done", "done": 6, "total": 6}, "fragments_read": 6, "queue": 0,
          "fresh": 0, "index_bytes": 1000, "seq": "x-1"}
BEGIN = datetime.datetime(2026, 3, 1, 9, 0, tzinfo=datetime.timezone.utc)


def minute(n, fragments=6, rejects=1, read=0, count=0, p50=None, p99=None):
    since = (BEGIN + datetime.timedelta(minutes=n)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"since": since, "fragments": fragments, "rejects": rejects, "read": read,
            "visible": {"count": count, "p50_ms": p50, "p99_ms": p99}}


class Pictures(unittest.TestCase):
    def page(self, *minutes):
        site = site_in_process(
            "/", status=lambda: STATUS, history=lambda minutes_wanted: list(minutes),
            ready=lambda: {"ready": True, "degraded": False, "reasons": []})
        answer = site.test_client().get("/status")
        self.assertEqual(answer.status_code, 200)
        return Page(types.SimpleNamespace(body=answer.data))

    def table(self, page):
        """Its rows of minutes."""
        cells = [text.strip() for _, text in page.all("td")]
        begins = [text for _, text in page.all("time")]
        end = len(cells) - 5  # the table of numbers stands behind it
        first = end - 7 * len(begins)
        return [(begin, *cells[first + 7 * n:first + 7 * n + 7]) for n, begin in enumerate(begins)]

    def heights(self, page):
        """Of the curve, above its ground; bars of time as (middle, bottom, top)."""
        points = [point.split(",") for line, _ in page.all("polyline", class_="line")
                  for point in line["points"].split()]
        bars = [{name: float(value) for name, value in bar.items() if name != "class"}
                for bar, _ in page.all("rect", class_="bar") if "x" in bar]
        return ([(float(x), 160 - float(y)) for x, y in points],
                [(bar["x"] + bar["width"] / 2, 160 - bar["y"] - bar["height"], 160 - bar["y"])
                 for bar in bars])

    def said(self, page):
        return " ".join("".join(text for _, text in page.all("p")).split())

    def test_nothing_yet(self):
        page = self.page()
        self.assertEqual((self.heights(page), self.table(page)), (([], []), []))
        self.assertEqual(page.all("svg", role="img"), [])
        self.assertIn("Nothing has been recorded yet", self.said(page))
        self.assertIn("No note has changed", self.said(page))

    def test_a_minute_without_a_note(self):
        page = self.page(minute(0, fragments=0, rejects=0))
        self.assertEqual(self.heights(page), ([(0, 0), (600, 0)], []))
        self.assertEqual(self.table(page), [("09:00", "1", "0", "0", "0", "0", "", "")])
        self.assertIn("No note has changed", self.said(page))

    def test_three_minutes(self):
        page = self.page(minute(0, fragments=10, read=10, count=1000, p50=1, p99=100),
                         minute(1, fragments=10, count=0),
                         minute(2, fragments=20, rejects=2, read=11, count=12, p50=0.1, p99=0.42))
        curve, bars = self.heights(page)
        self.assertEqual(curve, [(0, 76), (300, 76), (600, 152)])
        # From 0.1 to 100 ms: three powers of ten.
        third = 160 / 3
        expected = [(100, third, 160), (500, 0, third * math.log10(4.2))]
        self.assertEqual(len(bars), 2)
        for found, wanted in zip(bars, expected):
            for one, other in zip(found, wanted):
                self.assertAlmostEqual(one, other, delta=0.2)
        self.assertEqual(len(page.all("polyline", class_="grid")), 2)
        self.assertEqual(self.table(page), [
            ("09:00", "1", "10", "1", "10", "1,000", "1.0 ms", "100 ms"),
            ("09:01", "1", "10", "1", "0", "0", "", ""),
            ("09:02", "1", "20", "2", "11", "12", "0.10 ms", "0.42 ms")])
        self.assertIn("0.10 ms for half of the 12 changes of 09:02 UTC, 0.42 ms for 99 of 100",
                      self.said(page))
        labels = [svg["aria-label"] for svg, _ in page.all("svg", role="img")]
        self.assertIn("from 09:00 until now: 10 at first, 20 now, 20 at most", labels[0])
        self.assertIn("from 0.10 ms at the bottom to 100 ms at the top", labels[1])

    def test_a_day(self):
        """24 minutes in a column: as many notes as at its end, the time that most changes took in
        the middle, and the longest one."""
        def changes(n):
            return {0: {"count": 1, "p50": 90, "p99": 900}, 5: {"count": 5, "p50": 2, "p99": 3},
                    7: {"count": 2, "p50": 1, "p99": 4}}.get(n % 24, {})

        page = self.page(*(minute(n, fragments=n + 1, read=2, **changes(n)) for n in range(1440)))
        curve, bars = self.heights(page)
        self.assertEqual((len(curve), len(bars)), (60, 60))
        self.assertEqual(curve[-1], (600, 152))
        rows = self.table(page)
        self.assertEqual(rows[0], ("09:00", "24", "24", "1", "48", "8", "2.0 ms", "900 ms"))
        self.assertEqual([row[2] for row in rows], [f"{n:,}" for n in range(24, 1441, 24)])
        self.assertIn("for half of the 2 changes of 08:43", self.said(page))

    def test_all_took_the_same_time(self):
        _, bars = self.heights(self.page(minute(0, count=3, p50=1, p99=1)))
        ((_, bottom, top),) = bars
        self.assertEqual((bottom, top), (0, 3))  # it can be seen
        self.assertEqual(len(self.page(minute(0, count=3, p50=0, p99=0)).all("rect", class_="bar")),
                         3)  # two of them of kinds and notes


if __name__ == "__main__":
    unittest.main()
