#include "feed_walk.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "index_model.h"
#include "jcn/canonical.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

class FeedWalkTest : public ::testing::Test {
 protected:
  void SetUp() override { open(1'000'000); }
  void open(std::uint64_t tombstones_kept, const std::string& name = "index") {
    writer_.reset();
    WriterOptions options = small_index();
    options.tombstones_kept = tombstones_kept;
    writer_ = must(IndexWriter::open(folder_ / name, options));
  }
  void put(const std::string& kind, const std::string& id, const std::string& document) {
    Batch batch;
    batch.records[{kind, id}] = record_of(kind, id, document);
    must(writer_->publish(std::move(batch)));
  }
  void put(const std::string& id, const std::string& document = "{}") {
    put("videos", id, document);
  }
  void remove(const std::string& id) {
    Batch batch;
    batch.records[{"videos", id}] = std::nullopt;
    must(writer_->publish(std::move(batch)));
  }
  std::string uuid() { return must(writer_->snapshot()).uuid(); }
  std::string seq(std::uint64_t number) { return uuid() + '-' + std::to_string(number); }

  static FeedRequest request(std::string_view query) {
    return must(read_feed(must(QueryParameters::read(query)), std::nullopt));
  }
  FeedPage page(const FeedRequest& asked, FeedBounds bounds = {}) {
    return must(FeedWalk(asked).next(must(writer_->snapshot()), bounds));
  }
  FeedPage page(std::string_view query, FeedBounds bounds = {}) {
    return page(request(query), bounds);
  }
  // What stands in place of every hash, and of the uuid.
  std::string plain(std::string text) {
    for (std::size_t at; (at = text.find(uuid())) != std::string::npos;) text.replace(at, 36, "U");
    for (std::size_t at = 0; (at = text.find("\"rev\":\"", at)) != std::string::npos;)
      text.replace(at += 7, 32, "R");
    return text;
  }

  TemporaryFolder folder_;
  std::unique_ptr<IndexWriter> writer_;
};

TEST_F(FeedWalkTest, RowsOfEveryMode) {
  put("a", "{\"n\":1}");
  put("b");
  remove("b");
  const std::string one = R"({"seq":"U-1","kind":"videos","id":"a","rev":"R"})";
  const std::string two = R"({"seq":"U-3","kind":"videos","id":"b","rev":null,"deleted":true})";
  for (int folded = 0; folded < 2; ++folded) {
    for (const char* mode : {"feed=normal", "feed=longpoll"})
      EXPECT_EQ(plain(page(mode).text), one + ',' + two) << mode;
    EXPECT_EQ(plain(page("feed=continuous").text), one + '\n' + two + '\n');
    EXPECT_EQ(plain(page("feed=eventsource").text),
              "id: U-1\ndata: " + one + "\n\nid: U-3\ndata: " + two + "\n\n");
    must(writer_->fold());
  }
  const FeedPage all = page("");
  EXPECT_EQ(all.rows, 2U);
  EXPECT_FALSE(all.more || all.fresh);
  EXPECT_EQ(plain(feed_page_text(all)),
            "{\"results\":[" + one + ',' + two + "],\"last_seq\":\"U-3\"}");
  EXPECT_NE(page("").text.find(must(must(writer_->snapshot()).record({"videos", "a"}))->rev.hex()),
            std::string::npos);
}

TEST_F(FeedWalkTest, DocumentsComeWhenAskedFor) {
  put("a", "{\"n\":1}");
  put("b", "{}");
  remove("b");
  EXPECT_EQ(plain(page("include_docs=1").text),
            R"({"seq":"U-1","kind":"videos","id":"a","rev":"R","doc":{"n":1}},)"
            R"({"seq":"U-3","kind":"videos","id":"b","rev":null,"deleted":true})");
}

TEST_F(FeedWalkTest, FiltersTellWhatMatchesAndLetDeletionsPass) {
  put("a", "{\"n\":1}");
  put("b", "{\"n\":2}");
  put("c", "{\"n\":3}");
  remove("c");
  EXPECT_EQ(plain(page("n__gte=2&include_docs=1").text),
            R"({"seq":"U-1","kind":"videos","id":"a","rev":"R","match":false},)"
            R"({"seq":"U-2","kind":"videos","id":"b","rev":"R","doc":{"n":2}},)"
            R"({"seq":"U-4","kind":"videos","id":"c","rev":null,"deleted":true})");
  put("b", "{\"n\":0}");
  EXPECT_EQ(plain(page("n__gte=2&since=" + seq(4)).text),
            R"({"seq":"U-5","kind":"videos","id":"b","rev":"R","match":false})");
}

TEST_F(FeedWalkTest, KindsAndIdsLeaveOthersOutDeletionsToo) {
  put("videos", "a", "{}");
  put("people", "a", "{}");
  put("videos", "b", "{}");
  remove("b");
  EXPECT_EQ(plain(page("kind=people").text), R"({"seq":"U-2","kind":"people","id":"a","rev":"R"})");
  EXPECT_EQ(plain(page("_id=b&kind=videos").text),
            R"({"seq":"U-4","kind":"videos","id":"b","rev":null,"deleted":true})");
  EXPECT_EQ(page("_id=a").rows, 2U);
  EXPECT_EQ(page("kind=people,videos").rows, 3U);
  const FeedPage none = page("kind=places");
  EXPECT_EQ(none.rows, 0U);
  EXPECT_EQ(none.last_seq, seq(4)) << "nothing of it up to here";
}

TEST_F(FeedWalkTest, BoundsEndAPageAndTheNextGoesOn) {
  for (int i = 1; i <= 9; ++i) put("r" + std::to_string(i), "{\"n\":" + std::to_string(i) + '}');
  const FeedPage three = page("", {3});
  EXPECT_EQ(three.rows, 3U);
  EXPECT_TRUE(three.more);
  EXPECT_EQ(three.last_seq, seq(3));
  EXPECT_EQ(page("", {9}).rows, 9U);
  EXPECT_FALSE(page("", {9}).more) << "it ends at the head";

  FeedBounds one_row;
  one_row.bytes = 1;
  EXPECT_EQ(page("", one_row).rows, 1U);

  FeedBounds late;
  late.until = std::chrono::steady_clock::now();
  std::string since = "0";
  for (std::uint64_t number = 1; number <= 9; ++number) {
    const FeedPage step = page("_id=r9&since=" + since, late);
    EXPECT_EQ(step.last_seq, seq(number)) << "it goes on, if only by one change";
    EXPECT_EQ(step.rows, number == 9 ? 1U : 0U);
    since = step.last_seq;
  }
}

TEST_F(FeedWalkTest, NowIsTheHead) {
  put("a");
  const FeedRequest asked = request("since=now");
  FeedWalk walk(asked);
  EXPECT_EQ(must(walk.next(must(writer_->snapshot()), {})).rows, 0U);
  put("b");
  const FeedPage next = must(walk.next(must(writer_->snapshot()), {}));
  EXPECT_EQ(next.rows, 1U);
  EXPECT_EQ(next.last_seq, seq(2));
}

TEST_F(FeedWalkTest, WhatCannotBeServedExactlyBeginsAnew) {
  put("a");
  put("b");
  const std::string other = "00000000-0000-4000-8000-000000000000-";
  for (const std::string& since : {other + "0", other + "1", seq(3), uuid() + "-3-1"}) {
    const FeedPage fresh = page("since=" + since);
    EXPECT_TRUE(fresh.fresh) << since;
    EXPECT_EQ(fresh.rows, 2U);
    EXPECT_EQ(fresh.until, seq(2));
  }
  for (const std::string& since : {std::string("0"), std::string("now"), seq(0), seq(1), seq(2)})
    EXPECT_FALSE(page("since=" + since).fresh) << since;
  EXPECT_EQ(plain(feed_page_text(page("since=" + other + "7&kind=people"))),
            R"({"results":[],"last_seq":"U-2","fresh":true,"until":"U-2"})");

  const FeedPage first = page("since=" + other + "7", {1});
  EXPECT_TRUE(first.fresh && first.more);
  EXPECT_FALSE(page("since=" + first.last_seq).fresh) << "only the first page says so";
}

// The index was begun anew between two pages of one stream: its numbers go on, and say nothing.
TEST_F(FeedWalkTest, AnotherHistoryBetweenTwoPagesBeginsAnew) {
  for (const char* query : {"feed=continuous&since=now", "feed=continuous&since=0"}) {
    put("a");
    put("b");
    const FeedRequest asked = request(query);
    FeedWalk walk(asked);
    EXPECT_FALSE(must(walk.next(must(writer_->snapshot()), {})).fresh);
    const std::string before = uuid();
    EXPECT_EQ(must(writer_->reopen(broken_health("by order"))), Rebuilt::anew);
    EXPECT_NE(uuid(), before);
    put("c");
    const FeedPage page = must(walk.next(must(writer_->snapshot()), {}));
    EXPECT_TRUE(page.fresh) << query;
    EXPECT_NE(page.text.find("\"id\":\"c\""), std::string::npos);
    EXPECT_NE(page.text.find(uuid()), std::string::npos);
  }
}

TEST_F(FeedWalkTest, StreamsSayItInALineOrAnEventOfItsOwn) {
  put("a");
  const std::string since = "since=00000000-0000-4000-8000-000000000000-1&feed=";
  EXPECT_TRUE(plain(page(since + "continuous").text)
                  .starts_with("{\"fresh\":true,\"until\":\"U-1\"}\n{\"seq\":\"U-1\""));
  EXPECT_TRUE(
      plain(page(since + "eventsource").text)
          .starts_with("event: fresh\ndata: {\"fresh\":true,\"until\":\"U-1\"}\n\nid: U-1\n"))
      << "without an id: a client that ends here hears it again";
}

TEST_F(FeedWalkTest, RecordsThatReadersDoNotSeeAreDeleted) {
  Batch batch;
  batch.records[{"videos", "a"}] = record_of("videos", "a", "");
  batch.records[{"videos", "a"}]->exists = false;
  must(writer_->publish(std::move(batch)));
  EXPECT_EQ(plain(page("include_docs=1&n=1").text),
            R"({"seq":"U-1","kind":"videos","id":"a","rev":null,"deleted":true})");
}

// Old records have numbers below those of tombstones that are gone. A listing comes through there
// all the same, because its places tell that it is one.
TEST_F(FeedWalkTest, ListingsComeThroughWhereTombstonesAreGone) {
  open(0);
  for (const char* id : {"a", "b", "c", "d"}) put(id);
  remove("d");
  must(writer_->fold());
  const FeedPage first = page("", {1});
  EXPECT_EQ(first.last_seq, uuid() + "-5-1");
  EXPECT_EQ(plain(first.text), R"({"seq":"U-5-1","kind":"videos","id":"a","rev":"R"})");
  EXPECT_TRUE(page("since=" + seq(1)).fresh) << "it may have d";
  const FeedPage second = page("since=" + first.last_seq, {1});
  EXPECT_FALSE(second.fresh);
  EXPECT_EQ(second.last_seq, uuid() + "-5-2");
  remove("a");  // which this consumer has
  const FeedPage last = page("since=" + second.last_seq);
  EXPECT_FALSE(last.fresh);
  EXPECT_EQ(plain(last.text),
            R"({"seq":"U-5-3","kind":"videos","id":"c","rev":"R"},)"
            R"({"seq":"U-6","kind":"videos","id":"a","rev":null,"deleted":true})");
  EXPECT_EQ(last.last_seq, seq(6));
  must(writer_->fold());
  EXPECT_TRUE(page("since=" + second.last_seq).fresh) << "now a's tombstone is gone, too";
}

TEST_F(FeedWalkTest, ConsumersThatKeepOnlyTextsEndRight) {
  for (const std::uint64_t kept : {1'000'000U, 3U}) {
    const std::uint32_t seed = std::random_device{}();
    SCOPED_TRACE(std::to_string(kept) + " kept, seed " + std::to_string(seed));
    open(kept, "index" + std::to_string(kept));
    std::mt19937 random(seed);
    RandomBatches batches(seed);
    IndexModel model;
    std::map<std::string, std::string> known;
    std::string since = "0";
    int anew = 0;
    const auto read_page = [&](std::uint64_t rows) {
      const FeedPage got = page("since=" + since, {rows});
      if (got.fresh) {
        ++anew;
        known.clear();
      }
      const std::string rows_text = "[" + got.text + "]";
      for (JsonCursor row(rows_text); row.next();) {
        const std::string key = json_unquote(*json_member(row.value(), "kind")) + '/' +
                                json_unquote(*json_member(row.value(), "id"));
        if (json_member(row.value(), "deleted")) {
          known.erase(key);
        } else {
          known[key] = json_unquote(*json_member(row.value(), "rev"));
        }
        since = json_unquote(*json_member(row.value(), "seq"));
      }
      // Some go on from the last row, some from the page's end.
      if (got.rows == 0 || random() % 2 == 0) since = got.last_seq;
    };
    for (int round = 0; round < 300; ++round) {
      Batch batch = batches.next();
      model.apply(batch);
      must(writer_->publish(std::move(batch)));
      if (random() % 5 == 0) must(writer_->fold());
      if (random() % 2 == 0) read_page(1 + random() % 40);
      if (random() % 40 == 0) read_page(10'000);
    }
    must(writer_->fold());
    read_page(10'000);
    std::map<std::string, std::string> wanted;
    for (const auto& [key, record] : model.records) {
      if (record.exists) wanted[key.kind + '/' + key.id] = record.rev.hex();
    }
    EXPECT_EQ(known, wanted);
    EXPECT_EQ(anew > 0, kept == 3) << anew;
  }
}

TEST(FeedWalk, CheckpointsAreALineOrAnEvent) {
  EXPECT_EQ(checkpoint_text(FeedMode::continuous, "U-7"), "{\"last_seq\":\"U-7\"}\n");
  EXPECT_EQ(checkpoint_text(FeedMode::eventsource, "U-7"),
            "event: checkpoint\nid: U-7\ndata: {\"last_seq\":\"U-7\"}\n\n");
}

}  // namespace
}  // namespace jcn
