#include <gtest/gtest.h>

#include <thread>

#include "routes_fixture.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class RouteChanges : public RoutesFixture {
 protected:
  void put(const std::string& id, const std::string& document = "{}") {
    RoutesFixture::put("videos", id, document);
    service_->gate.announce(writer_->seq());
  }
  std::string seq(std::uint64_t number) { return uuid() + '-' + std::to_string(number); }
  static std::vector<std::string> ids(const Response& response) {
    std::vector<std::string> found;
    for (const std::string& row : elements(member(response, "results")))
      found.push_back(json_unquote(*json_member(row, "id")));
    return found;
  }

  // Reads an answer that goes on, piece by piece, until `on_piece` has enough.
  static bool read(const Response& response,
                   const std::function<bool(std::string_view)>& on_piece) {
    EXPECT_TRUE(response.stream);
    return response.stream(on_piece);
  }
  static std::string whole(const Response& response) {
    std::string text;
    EXPECT_TRUE(read(response, [&](std::string_view piece) {
      text += piece;
      return true;
    }));
    return text;
  }

  using Ids = std::vector<std::string>;
};

TEST_F(RouteChanges, NormalAnswersAtOnce) {
  put("a");
  put("b");
  const Response all = get("/v1/changes");
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(all.content_type, "application/json");
  EXPECT_EQ(all.header("Cache-Control"), "no-store");
  EXPECT_EQ(ids(all), (Ids{"a", "b"}));
  EXPECT_EQ(member(all, "last_seq"), '"' + seq(2) + '"');
  EXPECT_EQ(member(all, "fresh"), "(absent)");
  EXPECT_EQ(member(all, "more"), "(absent)");
  const Response first = get("/v1/changes?limit=1");
  EXPECT_EQ(ids(first), Ids{"a"});
  EXPECT_EQ(member(first, "more"), "true");
  EXPECT_EQ(ids(get("/v1/changes?since=" + json_unquote(member(first, "last_seq")))), Ids{"b"});
  EXPECT_EQ(ids(get("/v1/changes?since=now")), Ids{});
  EXPECT_EQ(service_->gate.taken(), 0U);
}

TEST_F(RouteChanges, AnotherHistoryBeginsAnew) {
  put("a");
  const Response fresh = get("/v1/changes?since=00000000-0000-4000-8000-000000000000-1");
  EXPECT_EQ(member(fresh, "fresh"), "true");
  EXPECT_EQ(member(fresh, "until"), '"' + seq(1) + '"');
}

TEST_F(RouteChanges, WhatIsWrongIsSaidBeforeAnythingIsSent) {
  for (const char* query : {"feed=quick", "since=7", "_colour=red", "n__about=1"}) {
    const Response refused = get(std::string("/v1/changes?feed=continuous&") + query);
    EXPECT_EQ(refused.status, 400) << query;
    EXPECT_FALSE(refused.stream);
  }
  EXPECT_EQ(ask("POST", "/v1/changes").status, 405);
  service_->snapshot_error = Error{Code::readers_exhausted, "all taken"};
  EXPECT_EQ(get("/v1/changes").status, 503);
  EXPECT_EQ(get("/v1/changes?feed=longpoll").status, 503);
}

TEST_F(RouteChanges, LongpollWithChangesDoesNotWait) {
  put("a");
  const Response response = get("/v1/changes?feed=longpoll");
  EXPECT_FALSE(response.stream);
  EXPECT_EQ(ids(response), Ids{"a"});
  const Response fresh =
      get("/v1/changes?feed=longpoll&kind=none&since=00000000-0000-4000-8000-000000000000-1");
  EXPECT_FALSE(fresh.stream) << "to begin anew is news";
  EXPECT_EQ(member(fresh, "fresh"), "true");
}

TEST_F(RouteChanges, LongpollWaitsForAChangeThatItWants) {
  const Response response = get("/v1/changes?feed=longpoll&kind=videos&heartbeat=10");
  std::string text;
  int beats = 0;
  EXPECT_TRUE(read(response, [&](std::string_view piece) {
    text += piece;
    if (piece == "\n" && ++beats == 2) {
      RoutesFixture::put("people", "p", "{}");
      service_->gate.announce(1);
    }
    if (piece == "\n" && beats == 4) put("a");
    return true;
  }));
  Response answer;
  answer.body = text.substr(text.find('{'));
  EXPECT_EQ(text.find_first_not_of('\n'), text.find('{')) << "heartbeats are spaces of JSON";
  EXPECT_GE(beats, 4) << "another kind is no news";
  EXPECT_EQ(ids(answer), Ids{"a"});
  EXPECT_EQ(member(answer, "last_seq"), '"' + seq(2) + '"');
}

TEST_F(RouteChanges, LongpollGivesUpInTheEnd) {
  put("a");
  const auto before = steady_clock::now();
  const std::string text = whole(get("/v1/changes?feed=longpoll&since=now&timeout=30"));
  EXPECT_GE(steady_clock::now() - before, milliseconds(30));
  EXPECT_EQ(text, "{\"results\":[],\"last_seq\":\"" + seq(1) + "\"}");
}

TEST_F(RouteChanges, ContinuousGoesOnLineByLine) {
  put("a");
  const Response response = get("/v1/changes?feed=continuous&heartbeat=10&limit=3");
  EXPECT_EQ(response.content_type, "application/x-ndjson");
  EXPECT_TRUE(response.close);
  EXPECT_EQ(service_->gate.taken(), 1U);
  std::vector<std::string> pieces;
  int beats = 0;
  EXPECT_TRUE(read(response, [&](std::string_view piece) {
    if (piece == "\n") {
      if (++beats == 1) put("b");
      if (beats == 2) put("a", "{\"n\":1}");
    } else {
      pieces.emplace_back(piece);
    }
    return true;
  }));
  ASSERT_EQ(pieces.size(), 4U);
  for (int i = 0; i < 3; ++i) {
    const std::string& line = pieces[static_cast<std::size_t>(i)];
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_EQ(json_unquote(*json_member(line, "id")), i == 1 ? "b" : "a");
  }
  EXPECT_EQ(pieces[3], "{\"last_seq\":\"" + seq(3) + "\"}\n") << "it says where it ends";
}

TEST_F(RouteChanges, NarrowedFeedsTellHowFarTheyAre) {
  put("a");
  std::vector<std::string> pieces;
  EXPECT_FALSE(read(get("/v1/changes?feed=continuous&kind=people&heartbeat=10"),
                    [&](std::string_view piece) {
                      pieces.emplace_back(piece);
                      put("a");
                      return pieces.size() < 3;
                    }));
  EXPECT_EQ(pieces,
            (Ids{"{\"last_seq\":\"" + seq(1) + "\"}\n", "{\"last_seq\":\"" + seq(2) + "\"}\n",
                 "{\"last_seq\":\"" + seq(3) + "\"}\n"}));
}

TEST_F(RouteChanges, StreamsEndAfterATimeWithoutChanges) {
  put("a");
  EXPECT_EQ(whole(get("/v1/changes?feed=continuous&since=now&timeout=20")),
            "{\"last_seq\":\"" + seq(1) + "\"}\n");
}

TEST_F(RouteChanges, WhoHasTheHeadIsToldWhatComesAfter) {
  put("a");
  for (const std::string mode : {"continuous", "eventsource", "longpoll"}) {
    const Response response = get("/v1/changes?since=now&limit=1&timeout=1000&feed=" + mode);
    put(mode);
    const std::string text = whole(response);
    EXPECT_NE(text.find("\"id\":\"" + mode + '"'), std::string::npos) << text;
  }
}

TEST_F(RouteChanges, EventStreams) {
  put("a");
  const Response response =
      get("/v1/changes?feed=eventsource&since=0&heartbeat=10", {{"Last-Event-ID", seq(1)}});
  EXPECT_EQ(response.content_type, "text/event-stream");
  std::vector<std::string> pieces;
  EXPECT_FALSE(read(response, [&](std::string_view piece) {
    pieces.emplace_back(piece);
    if (pieces.size() == 3) put("b");
    return pieces.size() < 4;
  }));
  ASSERT_EQ(pieces.size(), 4U);
  EXPECT_TRUE(pieces[0].starts_with("retry: ") && pieces[0].ends_with("\n\n")) << pieces[0];
  EXPECT_EQ(pieces[1], "id: " + seq(1) + "\n\n") << "the header beats since: nothing is told again";
  EXPECT_EQ(pieces[2], ":\n\n");
  EXPECT_TRUE(pieces[3].starts_with("id: " + seq(2) + "\ndata: {")) << pieces[3];
}

TEST_F(RouteChanges, BeyondTheirNumberFeedsAreSentAway) {
  const Response one = get("/v1/changes?feed=continuous"), two = get("/v1/changes?feed=longpoll");
  ASSERT_TRUE(one.stream && two.stream);
  for (const char* mode : {"continuous", "longpoll"}) {
    const Response refused = get(std::string("/v1/changes?feed=") + mode);
    EXPECT_EQ(refused.status, 503) << mode;
    EXPECT_EQ(code(refused), "overloaded");
    EXPECT_TRUE(refused.header("Retry-After"));
  }
  const Response events = get("/v1/changes?feed=eventsource");
  EXPECT_EQ(events.status, 200) << "after an error a browser would not come back";
  EXPECT_FALSE(events.stream);
  EXPECT_TRUE(events.close);
  EXPECT_TRUE(events.body.starts_with("retry: ")) << events.body;
  EXPECT_EQ(get("/v1/changes").status, 200) << "who does not wait is served";
  EXPECT_EQ(service_->gate.refused(), 3U);
}

TEST_F(RouteChanges, PlacesAreFreeOnceTheAnswerIsOver) {
  { const Response response = get("/v1/changes?feed=continuous"); }
  EXPECT_EQ(service_->gate.taken(), 0U);
  EXPECT_TRUE(ask("HEAD", "/v1/changes?feed=continuous").stream);
  EXPECT_EQ(service_->gate.taken(), 0U) << "HEAD waits for nothing";
}

TEST_F(RouteChanges, AllEndWhenTheGateIsClosed) {
  put("a");
  const Response lines = get("/v1/changes?feed=continuous&since=now");
  const Response poll = get("/v1/changes?feed=longpoll&since=now");
  std::thread closing([this] { service_->gate.close(); });
  EXPECT_EQ(whole(lines), "{\"last_seq\":\"" + seq(1) + "\"}\n");
  EXPECT_EQ(whole(poll), "{\"results\":[],\"last_seq\":\"" + seq(1) + "\"}");
  closing.join();
}

// With a single reader of LMDB there is, whoever holds it is found out.
TEST_F(RouteChanges, NoSnapshotIsHeldWhileAClientReadsOrAFeedWaits) {
  writer_.reset();
  auto opened = IndexWriter::open((folder_ / "one reader").string(),
                                  WriterOptions{.map_bytes = 64 << 20, .max_readers = 1});
  ASSERT_TRUE(opened);
  writer_ = std::move(*opened);
  service_.emplace(*writer_);
  put("a");
  for (const char* mode : {"continuous", "eventsource"}) {
    int pieces = 0;
    EXPECT_FALSE(
        read(get(std::string("/v1/changes?heartbeat=10&feed=") + mode), [&](std::string_view) {
          EXPECT_TRUE(writer_->snapshot()) << "while a client reads";
          return ++pieces < 4;
        }));
  }
  const Response poll = get("/v1/changes?feed=longpoll&since=now&timeout=1000");
  EXPECT_TRUE(writer_->snapshot());
  std::thread changing([this] { put("b"); });  // publishing reads, too
  whole(poll);
  changing.join();
}

TEST_F(RouteChanges, AFeedThatCannotReadIsCutOff) {
  const Response lines = get("/v1/changes?feed=continuous&heartbeat=10");
  const Response poll = get("/v1/changes?feed=longpoll&since=now&heartbeat=10");
  service_->snapshot_error = Error{Code::index_damaged, "broken"};
  const auto any = [](std::string_view) { return true; };
  EXPECT_FALSE(read(lines, any));
  EXPECT_FALSE(read(poll, any));
}

TEST_F(RouteChanges, AFeedThatCannotBeginIsRefused) {
  service_->snapshot_error = Error{Code::index_damaged, "broken"};
  EXPECT_EQ(code(get("/v1/changes?feed=continuous")), "index_damaged");
  EXPECT_EQ(code(get("/v1/changes?feed=longpoll")), "index_damaged");
  const Response events = get("/v1/changes?feed=eventsource");
  EXPECT_EQ(events.status, 200) << "after an error a browser would not come back";
  EXPECT_TRUE(events.body.starts_with("retry: ")) << events.body;
  EXPECT_EQ(service_->gate.taken(), 0U);
}

}  // namespace
}  // namespace jcn
