"""Listings over HTTP: what stands around the rows, and what must not break the server. Which rows a
query finds is compared with SQLite in test_query_differential."""

import json
import os
import random
import shutil
import subprocess
import unittest
import urllib.parse

from harness import JCNCTL, PROJECT, JcnCase, json_of, wait_for

NOTES = PROJECT / "tests/data/notes"


def q(**parameters):
    """A query string; a list repeats its parameter."""
    return urllib.parse.urlencode(parameters, doseq=True)


class QueryCase(JcnCase):
    def page(self, query, kind="videos"):
        answer = self.live.get(f"/v1/{kind}?{query}")
        self.assertEqual(answer.status, 200, answer.body)
        return json_of(answer)

    def ids(self, query):
        return [row["_id"] for row in self.page(query)["rows"]]

    def refused(self, query, code, status=400):
        self.assert_problem(self.live.get(f"/v1/videos?{query}"), status, code)


class Samples(QueryCase):
    def setUp(self):
        super().setUp()
        shutil.copytree(NOTES, self.root, dirs_exist_ok=True)
        self.live = self.daemon()

    def test_parts_work_together(self):
        page = self.page(q(duration__gt=600, tags=["sea"], _search="harbour li*",
                           _facet=["tags", "language"], _extra="count", _col="title"))
        self.assertEqual([row["_id"] for row in page["rows"]], ["harbour-lights"])
        self.assertEqual(page["rows"][0], {"_id": "harbour-lights", "title": "Reading harbour lights"})
        self.assertEqual(page["count"], 1)
        self.assertEqual(page["facet_results"]["language"],
                         {"results": [{"value": "en", "count": 1}], "truncated": False})
        self.assertEqual([each["value"] for each in page["facet_results"]["tags"]["results"]],
                         ["navigation", "sea"])

    def test_searches(self):
        self.assertEqual(self.ids(q(_search="zirgs")), ["žirgs-un-zvaigznes"])
        self.assertEqual(self.ids(q(_search="БАБУСІ")), ["borscht"])
        self.assertEqual(self.ids(q(_search="月亮街")), ["paper-moon-street"])
        self.assertEqual(self.ids(q(_search="亮月")), [])
        self.assertEqual(self.ids(q(_search='"last ferry"')), ["the-last-ferry"])
        self.assertEqual(self.ids(q(_search='"ferry last"')), [])
        self.assertEqual(self.ids(q(_search="suspens*")), ["why-bridges-hum"])
        self.assertEqual(self.ids(q(_search="harbour", _search_title="lights")), ["harbour-lights"])
        self.assertEqual(sorted(self.ids(q(_search_title=["harbour", "read*"]))), ["harbour-lights"])
        self.assertEqual(self.ids(q(**{"_search_video.url": "mp4"})), ["why-bridges-hum"])
        self.assertEqual(self.ids(q(**{"_search_/setlist": "stille nacht"})), ["1041"])
        self.assertEqual(self.ids(q(_search_title="nacht", _search_setlist="nacht")), [])
        best_first = self.ids(q(_search="the"))
        self.assertEqual(sorted(best_first), self.ids(q(_search="the", _sort="_id")))
        self.assertNotEqual(best_first, sorted(best_first))

    def test_tags_follow_changes(self):
        target = "/v1/videos?" + q(tags="sea", _sort_desc="duration", _extra="count,plan")
        first = self.live.get(target)
        condition = {"If-None-Match": first.headers["etag"]}
        unchanged = self.live.request("GET", target, headers=condition)
        self.assertEqual((unchanged.status, unchanged.body), (304, b""))
        self.assertEqual(unchanged.headers["jcn-seq"], json_of(first)["seq"])
        self.assertEqual(self.live.request("HEAD", target, headers=condition).status, 304)
        head = self.live.request("HEAD", target)
        self.assertEqual((head.status, head.headers["etag"]), (200, first.headers["etag"]))
        # Another mtime alone is a change: _updated can be asked for.
        os.utime(self.path("films/tide-tables.json"), (1, 1))
        self.live.sync()
        self.assertEqual(self.live.request("GET", target, headers=condition).status, 200)
        self.drop("new.json", {"id": "new", "tags": ["sea"]})
        self.live.sync()
        again = self.live.request("GET", target, headers=condition)
        self.assertEqual((again.status, json_of(again)["count"]), (200, 5))

    def test_ndjson_page_after_page(self):
        lines, target = [], "/v1/videos?_shape=array&_nl=on&_size=7&_sort=duration"
        while target:
            answer = self.live.get(target)
            self.assertEqual(answer.headers["content-type"], "application/x-ndjson")
            self.assertTrue(answer.body.endswith(b"\n"))
            lines += [json.loads(line) for line in answer.body.splitlines()]
            link = answer.headers.get("link", "")
            target = link[1:link.index(">")] if link else None
        self.assertEqual(lines, self.live.rows(parameters="&_sort=duration"))

    def test_many_ids(self):
        ids = self.live.ids()
        wanted = random.Random(7).choices(ids + ["none", "x" * 500], k=1000)
        answer = self.live.request("POST", "/v1/videos/_bulk_get",
                                   json.dumps({"ids": wanted}).encode())
        results = json_of(answer)["results"]
        self.assertEqual([each["id"] for each in results], wanted)
        for each in results:
            if each["id"] in ids:
                record = self.live.get("/v1/videos/" + urllib.parse.quote(each["id"]))
                self.assertEqual(each["rev"], record.headers["etag"].strip('"'))
                self.assertEqual(each["record"], json_of(record))
            else:
                self.assertEqual(each["error"]["code"], "no_such_record")

    def test_refusals(self):
        for query, code in (("_colour=red", "unknown_parameter"), ("a__like=b", "unknown_operator"),
                            ("=x", "bad_field"), ("/~2=x", "bad_field"), ("_search=%22", "bad_value"),
                            ("a__in=[[1]]", "bad_value"), ("a__isnull=perhaps", "bad_value"),
                            ("_size=1001", "bad_parameter"), ("_next=AAAA", "bad_parameter"),
                            ("_sort=a&_sort_desc=a", "bad_parameter"), ("a=%zz", "bad_target"),
                            ("_shape=objects", "bad_parameter"), ("a=%00", "bad_target")):
            with self.subTest(query):
                self.refused(query, code)


class Odd(QueryCase):
    """What is large, deep or strange."""

    def test_long_values_fit_into_tokens(self):
        values = ["a" * 4096 + "b", "a" * 4096 + "a", "\x01" * 5000, "ä" * 3000, "a" * 4095 + "ä",
                  "", "\n\"\\", 1e300, -1.5, True, None, ["z", "\x7f" * 4097], {"o": 1}]
        for n, value in enumerate(values):
            self.write(f"{n:02}.json", {"id": f"{n:02}", "v": value})
        self.live = self.daemon()
        for order in ("_sort", "_sort_desc"):
            whole = self.ids(f"{order}=v")
            self.assertEqual(len(whole), len(values))
            for size in (1, 2, 5):
                rows = self.live.rows(size=size, parameters=f"&{order}=v")
                self.assertEqual([row["_id"] for row in rows], whole)

    def test_deep_and_wide_questions(self):
        # As text: Python's own reader of JSON is recursive.
        deep = '"a":' + '{"a":' * 2000 + "1" + "}" * 2000
        self.write("deep.json", ('{"id":"deep",' + deep + "}").encode())
        self.write("flat.json", {"id": "flat", "a": 1})
        self.live = self.daemon(config="[limits]\nmax_depth = 10000\n")
        path = ".".join("a" * 2001)
        pointer = "/a" * 2001
        ids = lambda query: self.ids(query + "&_col=id")
        self.assertEqual(ids(f"{path}=1"), ["deep"])
        self.assertEqual(ids(f"{pointer}__gte=1&{path}__notnull="), ["deep"])
        self.assertEqual(self.page(f"_facet={path}&_size=0")["facet_results"][path]["results"],
                         [{"value": 1, "count": 1}])
        self.assertEqual(self.live.get(f"/v1/videos?_shape=array&_nl=on&_col={path},{pointer}").body,
                         ('{"_id":"deep",' + deep + '}\n{"_id":"flat"}\n').encode())
        self.assertEqual(ids("_sort=" + ".".join("b" * 4000)), ["deep", "flat"])
        self.assertEqual(ids("_col=" + "/" * 9000), ["deep", "flat"])
        many = "&".join(f"a__not={n}" for n in range(2, 900))
        self.assertEqual(ids(many), ["deep", "flat"])
        wide = ",".join(map(str, range(3000)))
        self.assertEqual(ids(f"a__in={wide}"), ["flat"])
        words = "+".join(f"w{n}" for n in range(256))
        self.assertEqual(ids(f"_search={words}"), [])
        self.refused(f"_search={words}+more", "bad_value")

    def test_names_that_look_like_something_else(self):
        record = {"id": "odd", "_id": "mine", "_type": "t", "a__b": 1, "a.b": 2, "_size": 3, "/": 4,
                  "0": ["x", "y"], "": 5}
        self.write("odd.json", record)
        self.write("other.json", {"id": "other"})
        self.live = self.daemon()
        for query in ("/_id=mine", "_type__exact=t", "a__b__exact=1", "/a.b=2", "_size__gt=2",
                      "/~1=4", "/0/1=y", "0=y", "/=5", "_id__exact=odd", "_id__startswith=od"):
            with self.subTest(query):
                self.assertEqual(self.ids(query), ["odd"])
        self.assertEqual(self.page("_id__exact=odd")["rows"],
                         [{"_id": "odd", **{k: v for k, v in record.items() if k != "_id"}}])
        self.assertEqual(self.ids("a.b=2"), [])
        self.assertEqual(self.ids("0.1=y"), [])

    def test_weights_are_reloaded_and_nothing_is_judged_anew(self):
        self.write("a.json", {"id": "a", "title": "rye", "note": "one two three"})
        self.write("b.json", {"id": "b", "title": "one two three", "note": "rye rye"})
        self.live = self.daemon(config='[[kind]]\nname = "videos"\n')
        self.assertEqual(self.ids("_search=rye"), ["b", "a"])
        first = self.page("_search=rye&_size=1")
        with open(self.live.config_file, "a", encoding="utf-8") as file:
            file.write("search_weights = { title = 5, note = 0.5 }\n")
        self.live.hang_up()
        wait_for(lambda: self.ids("_search=rye") == ["a", "b"], "the weights")
        self.refused("_search=rye&_size=1&_next=" + first["next"], "bad_parameter")
        self.assertNotIn("judged anew", self.live.stderr_text())
        self.live.stop()
        offline = subprocess.run([JCNCTL, "--index", self.live.index, "find", "videos", "--search",
                                  "rye", "--col", "_id"], capture_output=True, check=True)
        self.assertEqual([json.loads(line)["_id"] for line in offline.stdout.splitlines()],
                         ["a", "b"])

    def test_what_a_search_passes_over_is_reloaded_and_the_same_fresh_and_folded(self):
        for n in range(30):
            self.write(f"{n}.json", {
                "id": f"v{n:02}", "title": f"rye loaf {n}", "n": n,
                "thumbnail_url": "http://img.example/rye/crust", "tags": ["rye", f"t{n % 3}"],
                "videos": [{"url": f"http://x.example/crumb{n % 2}", "label": "oat bran"}]})
        fold = "[fold]\nquiet_ms = 600000\ninterval_ms = 600000\n"
        self.live = self.daemon(config=fold + '[[kind]]\nname = "videos"\n')
        everything = [f"v{n:02}" for n in range(30)]
        facets = "_facet=tags&_facet=thumbnail_url&_facet=videos.url&_size=0"
        all_facets = self.page(facets)["facet_results"]
        queries = [  # what; found before; and with the exclusions
            ({"_search": "crust"}, everything, []),
            ({"_search": "crumb1"}, everything[1::2], []),
            ({"_search": '"oat bran"'}, everything, []),
            ({"_search": '"rye crust"'}, everything, []),
            ({"_search": '"rye loaf"'}, everything, everything),
            ({"_search": "crum*"}, everything, []),
            ({"_search": "rye", "n__lt": 3}, everything[:3], everything[:3]),
            ({"_search_thumbnail_url": "crust"}, everything, everything),
            ({"_search": "loaf", "_search_/videos/0/label": "oat"}, everything, everything)]

        def check(which):
            for query, *wanted in queries:
                with self.subTest(query):
                    self.assertEqual(sorted(self.ids(q(**query))), wanted[which])
            self.assertEqual(self.page(facets)["facet_results"], all_facets)
        check(0)
        self.live.config += 'search_exclude = ["thumbnail_url", "/videos"]\n'
        with open(self.live.config_file, "w", encoding="utf-8") as file:
            file.write(self.live.config)
        self.live.hang_up()
        wait_for(lambda: self.ids("_search=crust") == [], "the exclusions")
        self.assertGreater(self.live.status()["fresh"], 0)
        check(1)
        fresh = self.page("_search=rye&_size=30")["rows"]
        self.live.sync(durable=True)
        self.assertEqual(self.live.status()["fresh"], 0)
        check(1)
        self.assertEqual(self.page("_search=rye&_size=30")["rows"], fresh)
        self.assertNotIn("judged anew", self.live.stderr_text())
        self.live.restart()
        check(1)
        self.live.stop()
        offline = subprocess.run([JCNCTL, "--index", self.live.index, "find", "videos", "--search",
                                  "crust"], capture_output=True, check=True)
        self.assertEqual(offline.stdout, b"")

        refused = self.new_daemon(index="other", config=self.live.config + "search_fields = []\n")
        code, _, stderr = refused.start_refused()
        self.assertEqual(code, 2)
        self.assertRegex(stderr, r":7:17: .search_fields. names no field")

    def test_a_record_stays_one_while_it_is_fresh_folded_and_changed(self):
        config = "[fold]\nquiet_ms = 600000\ninterval_ms = 600000\n"
        self.live = self.daemon(config=config)
        for n in range(40):
            self.drop(f"{n}.json", {"id": str(n), "n": n, "text": f"word{n % 4} common"})
        self.live.sync(durable=True)
        for n in range(0, 40, 3):
            self.drop(f"{n}.json", {"id": str(n), "n": n + 100, "text": "fresh common"})
        os.remove(self.path("1.json"))
        self.live.sync()
        self.assertGreater(self.live.status()["fresh"], 0)

        def questions():
            page = self.page("text__contains=common&_facet=text&_extra=count,fields&_sort_desc=n&_size=50")
            return (page["rows"], page["count"], page["facet_results"], page["fields"],
                    self.ids("_search=fresh&_sort=_id"), self.page("_search=word1&_size=50")["rows"],
                    [row["_id"] for row in self.live.rows(size=3, parameters="&_search=common")])
        mixed = questions()
        self.assertEqual(mixed[1], 39)
        self.assertEqual(len(mixed[6]), len(set(mixed[6])))
        self.live.sync(durable=True)
        self.assertEqual(self.live.status()["fresh"], 0)
        self.assertEqual(questions(), mixed)


if __name__ == "__main__":
    unittest.main()
