"""GET /metrics: each counter moves by exactly what it should; the page that tells of them is complete;
and what /v1/status/history says of the last minutes.
"""

import pathlib
import re
import shutil
import subprocess
import unittest

from harness import PROJECT, JcnCase, json_of, wait_for
from webhook_receiver import SECRET, Receiver

METRICS = (PROJECT / "jcn/doc/metrics.md").read_text(encoding="utf-8")
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')

# A fold comes when it is asked for, and nothing else moves by itself.
CONFIG = """
[fold]
quiet_ms = 600000
interval_ms = 600000
[storage]
scrub_interval_ms = 0
"""

# What a script of actions can't tell beforehand, and why.
SIZES = {"jcn_index_bytes", "jcn_fresh_bytes"}
MOMENTS = {"jcn_queue", "jcn_index_readers", "jcn_index_oldest_reader_commits", "jcn_memory_waits_total"}


class Metrics:
    """One answer: the value of each sample, by name and labels; type and help of each metric."""

    def __init__(self, text):
        self.values, self.types, self.helps = {}, {}, {}
        under = None
        for line in text.splitlines():
            if line.startswith("# "):
                _, what, name, rest = line.split(" ", 3)
                (self.helps if what == "HELP" else self.types)[name] = rest
                under = name
                continue
            name, labels, value = SAMPLE.match(line).groups()
            assert name.startswith(under), line
            labels = tuple(LABEL.findall(labels or ""))
            assert (name, labels) not in self.values, line
            self.values[name, labels] = float(value)

    def get(self, name, **labels):
        return self.values.get((name, tuple(labels.items())), 0)

    def moved(self, before):
        """Without the buckets and sums of histograms."""
        return {(name, labels): value - before.get(name, **dict(labels))
                for (name, labels), value in self.values.items()
                if not re.search("_(bucket|sum)$", name)
                and value != before.get(name, **dict(labels))}


class MetricsCase(JcnCase):
    def metrics(self, daemon):
        answer = daemon.get("/metrics")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        return Metrics(answer.body.decode())


class Moves(MetricsCase):
    def test_each_by_exactly_what_a_script_of_actions_should_move_it(self):
        for name in ("a", "b"):
            self.drop(name + ".json", {"id": name})
        self.drop("bad.json", b'{"id":".."}')
        live = self.daemon(config=CONFIG, arguments=["--writable"])
        live.sync(durable=True)
        before = self.metrics(live)
        self.assertEqual(before.get("jcn_rejected_total", code="invalid_id"), 1)
        self.assertEqual(before.get("jcn_visible_seconds_count"), 0, "no event told of these")
        self.assertEqual(before.get("jcn_folders_watched"), 1)

        def sync(durable=False):
            self.assertEqual(live.sync(durable=durable)["unsettled"], [])

        # Files: two new ones, one of them bad; one changed; one mended; one that goes.
        self.drop("c.json", {"id": "c"})
        self.drop("bad2.json", b'{"id":"."}')
        sync()
        self.drop("a.json", {"id": "a", "title": "new"})
        self.drop("bad.json", {"id": "mended"})
        pathlib.Path(self.path("b.json")).unlink()
        sync()
        pathlib.Path(self.path("deep")).mkdir()
        sync(durable=True)
        # The API: one written, one refused, one removed.
        put = live.request("PUT", "/v1/fragments/notes/d.json", b'{"id":"d"}', {"If-None-Match": "*"})
        self.assertEqual(put.status, 201)
        again = live.request("PUT", "/v1/fragments/notes/d.json", b"{}", {"If-None-Match": "*"})
        self.assertEqual(again.status, 412)
        gone = live.request("DELETE", "/v1/fragments/notes/d.json", headers={"If-Match": "*"})
        self.assertEqual(gone.status, 200)
        # Questions.
        for _ in range(3):
            self.assertEqual(live.get("/v1/videos/a").status, 200)
        self.assertEqual(live.get("/v1/videos/nobody").status, 404)
        self.assertEqual(live.get("/v1/videos?title=new").status, 200)
        self.assertEqual(live.get("/v1/videos?_no=1").status, 400)
        self.assertEqual(live.get("/nowhere").status, 404)
        self.assertEqual(live.get("/healthz", Host="evil.example").status, 421)
        sync(durable=True)
        wait_for(lambda: self.metrics(live).get("jcn_queue") == 0, "an empty queue")
        polls = self.metrics(live).get("jcn_http_answers_total", method="GET", route="/metrics",
                                       status="200")
        after = self.metrics(live)

        moved = after.moved(before)
        answers = {labels: moved.pop((name, labels)) for name, labels in list(moved)
                   if name == "jcn_http_answers_total"}
        timed = {labels: moved.pop((name, labels)) for name, labels in list(moved)
                 if name == "jcn_http_answer_seconds_count"}
        expected = {
            ("GET", "/v1/{kind}/{id}", "200"): 3, ("GET", "/v1/{kind}/{id}", "404"): 1,
            ("GET", "/v1/{kind}", "200"): 1, ("GET", "/v1/{kind}", "400"): 1, ("", "", "404"): 1,
            ("POST", "/v1/sync", "200"): 4,
            ("PUT", "/v1/fragments/{root}/{path}", "201"): 1,
            ("PUT", "/v1/fragments/{root}/{path}", "412"): 1,
            ("DELETE", "/v1/fragments/{root}/{path}", "200"): 1}
        metrics_route = ("GET", "/metrics", "200")
        seen = {tuple(value for _, value in labels): count for labels, count in answers.items()}
        asked = seen.pop(metrics_route)  # as often as was waited; the answer itself is not in it
        self.assertEqual(seen, expected)
        by_route = {}
        for (method, route, _), count in {**expected, metrics_route: asked}.items():
            by_route[method, route] = by_route.get((method, route), 0) + count
        self.assertEqual({tuple(value for _, value in labels): count
                          for labels, count in timed.items()}, by_route)
        self.assertGreaterEqual(polls, 1)
        requests = moved.pop(("jcn_http_requests_total", ()))
        # Besides the refused one: an answer has its own request, and is not among the answers yet.
        self.assertEqual(requests, sum(by_route.values()) + 1)

        # c, bad2, a, bad, d; and what was read within two seconds of its change again later.
        reads = moved.pop(("jcn_fragments_read_total", ()))
        self.assertTrue(5 <= reads <= 5 + 2 * 8, reads)
        for name in SIZES | MOMENTS:
            moved.pop((name, ()), None)
        self.assertEqual(moved, {
            ("jcn_records", (("kind", "videos"),)): 1,         # a, c, mended; b has gone
            ("jcn_fragments", ()): 1,                          # a, c, bad, bad2
            ("jcn_sequence", ()): 6,                           # c, a, mended, b gone, d, d gone
            ("jcn_visible_seconds_count", ()): 7,              # these, and the verdict on bad2
            ("jcn_rejected_total", (("code", "invalid_id"),)): 1,
            ("jcn_folders_watched", ()): 1,
            ("jcn_fold_seconds_count", ()): 2,
            ("jcn_http_refused_total", ()): 1,
            ("jcn_fragments_written_total", ()): 1,
            ("jcn_fragments_removed_total", ()): 1,
            ("jcn_preconditions_failed_total", ()): 1,
        })


    def test_webhooks(self):
        receiver = Receiver(self)
        pathlib.Path(self.tmp, "secret").write_text(SECRET + "\n", encoding="ascii")
        pathlib.Path(self.tmp, "secret").chmod(0o600)
        self.drop("a.json", {"id": "a"})
        live = self.daemon(config=CONFIG + f"""
[[webhook]]
name = "site"
url = "{receiver.url}"
secret_file = "{self.tmp}/secret"
""")
        receiver.wait_fresh()
        self.drop("b.json", {"id": "b"})
        live.sync()
        wait_for(lambda: self.metrics(live).get("jcn_webhook_delivered_total", webhook="site") == 1,
                 "a delivery", 20)
        now = self.metrics(live)
        self.assertEqual(now.get("jcn_webhook_behind", webhook="site"), 0)
        self.assertEqual(now.get("jcn_webhook_failures", webhook="site"), 0)
        self.assertEqual(now.get("jcn_webhook_failed_posts_total", webhook="site"), 0)


class Told(MetricsCase):
    """jcn/doc/metrics.md, a daemon's answer and Prometheus' own tool."""

    def setUp(self):
        super().setUp()
        self.drop("a.json", {"id": "a"})
        self.live = self.daemon(config=CONFIG)
        self.live.sync(durable=True)
        self.live.get("/metrics")

    def test_the_page_has_each_metric_with_its_type_labels_and_meaning(self):
        told = {}
        for name, kind, labels, meaning in re.findall(
                r"^\| `(jcn_\w+)` \| (\w+) \| (.*?) ?\| (.*) \|$", METRICS, re.M):
            self.assertNotIn(name, told)
            told[name] = kind, re.findall(r"`(\w+)`", labels), meaning
        table = (PROJECT / "jcn/metric_table.h").read_text(encoding="utf-8")
        rows = re.findall(r'MetricRow\{"(\w+)", MetricType::(\w+),\s*"([^"]*)"(?:,\s*"([^"]*)")?\}',
                          table)
        self.assertGreater(len(rows), 40)
        self.assertEqual(told, {name: (kind, labels.split(), meaning)
                                for name, kind, meaning, labels in rows})
        for expression in re.findall(r"\bjcn_\w+", METRICS):
            self.assertIn(re.sub("_(bucket|count|sum)$", "", expression), told)

        now = self.metrics(self.live)
        webhooks = {name for name in told if name.startswith("jcn_webhook_")}  # none is configured
        self.assertEqual(set(now.types), set(told) - webhooks)
        for name in now.types:
            self.assertEqual((now.types[name], now.helps[name]), (told[name][0], told[name][2]))
        for name, labels in now.values:
            metric = re.sub("_(bucket|count|sum)$", "", name)
            metric = metric if metric in told else name
            self.assertEqual([label for label, _ in labels if label != "le"], told[metric][1], name)

    def test_buckets_of_histograms_add_up(self):
        now = self.metrics(self.live)
        histograms = [name for name, kind in now.types.items() if kind == "histogram"]
        self.assertEqual(len(histograms), 3)
        for name in histograms:
            series = {}
            for (sample, labels), value in now.values.items():
                if sample == name + "_bucket":
                    series.setdefault(labels[:-1], []).append((labels[-1][1], value))
            self.assertTrue(series, name)
            for labels, buckets in series.items():
                bounds = [float(bound) for bound, _ in buckets]
                self.assertEqual(bounds, sorted(bounds))
                self.assertEqual(buckets[-1][0], "+Inf")
                counts = [count for _, count in buckets]
                self.assertEqual(counts, sorted(counts))
                self.assertEqual(counts[-1], now.get(name + "_count", **dict(labels)))

    def test_promtool_has_nothing_to_say(self):
        promtool = shutil.which("promtool") or PROJECT / "build/promtool"
        if not pathlib.Path(promtool).exists():
            self.skipTest("promtool (of the package prometheus) is not there")
        checked = subprocess.run([promtool, "check", "metrics"], input=self.live.get("/metrics").body,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual((checked.returncode, checked.stdout.decode()), (0, ""))


class History(MetricsCase):
    def test_what_was_dropped_is_in_the_minute_under_way(self):
        self.drop("a.json", {"id": "a"})
        live = self.daemon(config=CONFIG)
        rows = json_of(live.get("/v1/status/history"))["rows"]
        self.assertEqual([row["visible"] for row in rows], [{"count": 0, "p50_ms": None, "p99_ms": None}])
        self.assertEqual((rows[0]["fragments"], rows[0]["rejects"]), (1, 0))
        for number in range(20):
            self.drop(f"{number}.json", {"id": str(number)})
        self.drop("bad.json", b"{")
        live.sync()
        rows = json_of(live.get("/v1/status/history?minutes=2"))["rows"]
        self.assertEqual((rows[-1]["fragments"], rows[-1]["rejects"]), (22, 1))
        self.assertEqual(sum(row["visible"]["count"] for row in rows), 21)
        for row in rows:
            if row["visible"]["count"]:
                self.assertTrue(0 < row["visible"]["p50_ms"] <= row["visible"]["p99_ms"] <= 10_000)


if __name__ == "__main__":
    unittest.main()
