// A webhook's courier over a small index, with a clock of its own.
#pragma once

#include "webhook_courier.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "index_model.h"
#include "jcn/canonical.h"
#include "temporary_folder.h"

namespace jcn {

inline const WebhookOutcome fine{200, "", {}};
inline const WebhookOutcome away{0, "refused", {}};
inline const WebhookOutcome wrong{500, "", {}};

class WebhookCourierTest : public ::testing::Test {
 protected:
  void SetUp() override { open("index"); }
  void open(const std::string& name, std::uint64_t tombstones_kept = 1'000'000) {
    writer_.reset();
    WriterOptions options = small_index();
    options.tombstones_kept = tombstones_kept;
    writer_ = must(IndexWriter::open(folder_ / name, options));
  }
  void put(const std::string& id, const std::string& document = "{}") {
    Batch batch;
    batch.records[{"videos", id}] = record_of("videos", id, document);
    must(writer_->publish(std::move(batch)));
    ++news_;
  }
  void remove(const std::string& id) {
    Batch batch;
    batch.records[{"videos", id}] = std::nullopt;
    must(writer_->publish(std::move(batch)));
    ++news_;
  }
  static WebhookConfig config() {
    WebhookConfig config;
    config.name = "site";
    config.url = "http://127.0.0.1/hook?key=hidden";
    config.retry_first = std::chrono::seconds(1);
    config.retry_longest = std::chrono::seconds(60);
    return config;
  }
  // One that has been told of the beginning already, unless it is given a state.
  WebhookCourier courier(WebhookConfig config, std::optional<WebhookState> state = {}) {
    if (!state) state = WebhookState{FeedSeq{uuid(), {head(), 0}}, false, false, {}};
    FeedRequest asked = must(webhook_feed(config));
    return {std::move(config), std::move(asked), std::move(*state), 1};
  }
  // The state of one that did not take so many changes: what waits first, then what was given up.
  WebhookState parked(std::size_t waiting, std::size_t given_up) {
    Batch batch;
    for (std::size_t i = 0; i < waiting + given_up; ++i) {
      const std::string id = "r" + std::to_string(1000 + i);
      batch.records[{"videos", id}] = record_of("videos", id, "{}");
    }
    must(writer_->publish(std::move(batch)));
    WebhookState state{FeedSeq{uuid(), {head(), 0}}, false, false, {}};
    for (std::size_t seq = 1; seq <= waiting + given_up; ++seq) {
      state.parked[seq] = {{"videos", "r" + std::to_string(999 + seq)},
                           1,
                           now().wall_ns,
                           now().wall_ns,
                           500,
                           "",
                           seq > waiting};
    }
    return state;
  }
  std::string uuid() { return must(writer_->snapshot()).uuid(); }
  std::uint64_t head() { return must(writer_->snapshot()).seq(); }
  Moment now() const { return {now_, 1'700'000'000'000'000'000 + passed_.count() * 1'000'000}; }
  void pass(std::chrono::milliseconds time) {
    now_ += time;
    passed_ += time;
  }
  std::optional<WebhookPost> next(WebhookCourier& courier) {
    return must(courier.next(must(writer_->snapshot()), now(), news_));
  }
  // "fresh", or what is told of: ids, with - before deleted ones and ? before those that don't
  // match.
  static std::string told(const std::optional<WebhookPost>& post) {
    if (!post) return "nothing";
    if (json_unquote(*json_member(post->body, "type")) == "fresh") return "fresh";
    std::string ids;
    for (JsonCursor row(*json_member(post->body, "results")); row.next();) {
      if (!ids.empty()) ids += ' ';
      if (json_member(row.value(), "deleted")) ids += '-';
      if (json_member(row.value(), "match")) ids += '?';
      ids += json_unquote(*json_member(row.value(), "id"));
    }
    return ids;
  }
  std::string send(WebhookCourier& courier, const WebhookOutcome& outcome) {
    const auto post = next(courier);
    if (post) courier.answered(outcome, now());
    return told(post);
  }

  TemporaryFolder folder_;
  std::unique_ptr<IndexWriter> writer_;
  std::uint64_t news_ = 1;
  WebhookCourier::Time now_{std::chrono::hours(1000)};
  std::chrono::milliseconds passed_{0};
};

}  // namespace jcn
