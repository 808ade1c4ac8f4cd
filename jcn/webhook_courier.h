// What is sent to one webhook, and when: the feed, made into requests. A state machine without
// sockets and files of its own; its time is the caller's, but for how long a page is read.
//
// Invariants:
//  1. Of each record its latest change is sent, and never an earlier one after a later one: what is
//     sent is read from the feed just before, and one request is on its way at a time.
//  2. A change leaves `place` behind only when it was delivered, or is parked; it is parked until
//  it
//     is delivered, the feed has a later one of its record, or somebody discards it. Parked ones
//     are bounded, those that are tried again and all of them; where there are as many as may be,
//     the webhook stands still until there is one less.
//  3. A receiver that is away holds up everything. One that answers, but not what it should, or
//  that
//     fails with the same change again and again, holds up that change alone.
//  4. Where the feed cannot go on from `place` (another history), or what was told behind it may
//  have
//     been taken back (`told`), one `fresh` takes the place of everything that is to be told: all
//     is forgotten, changes follow from the head on.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "jcn/snapshot.h"
#include "webhook_config.h"
#include "webhook_state.h"

namespace jcn {

struct Moment {
  std::chrono::steady_clock::time_point steady;
  std::int64_t wall_ns = 0;
};

struct WebhookPost {
  std::string id;  // of the body: the same each time it is sent
  std::string body;
};

// What became of a post.
struct WebhookOutcome {
  int status = 0;     // of an answer whose head came; 0: there was none
  std::string error;  // why there is no whole answer; empty: there is one
  std::optional<std::chrono::seconds> retry_after;

  bool delivered() const { return status >= 200 && status < 300 && error.empty(); }
};

struct WebhookStatus {
  std::string name, url;  // without its query, which may hold secrets
  // waiting: nothing was sent yet, the first crawl is not done. delivering, failing, gone (410),
  // stalled (as many changes are parked as may be), held (WebhookKeeping does not let it send).
  std::string state;
  std::string place;         // "<uuid>-<n>", or empty
  std::uint64_t behind = 0;  // sequence numbers between it and the head
  std::uint64_t parked = 0, given_up = 0;
  std::uint64_t delivered = 0, posts = 0, failed_posts = 0;  // since start; changes, requests
  std::optional<std::int64_t> delivered_ns, failing_since_ns;
  std::optional<std::string> last_error;
  // Of the file of its place: why it can't be read or written now, and how often that was so.
  std::optional<std::string> place_error;
  std::uint64_t place_failures = 0;
};

struct WebhookFailure {
  std::string seq;
  ParkedChange change;
};

// The back-off before attempt number `attempts` + 1: doubles from `first`, `longest` at most;
// between half of that and the whole, as `random` (from 0 to 1) says.
std::chrono::milliseconds webhook_pause(std::uint64_t attempts, std::chrono::milliseconds first,
                                        std::chrono::milliseconds longest, double random);

// Of changes that are tried again, and of all that are parked: those that were given up, too.
inline constexpr std::size_t most_waiting = 1000, most_parked = 5000;

// One thread.
class WebhookCourier {
 public:
  using Time = std::chrono::steady_clock::time_point;

  WebhookCourier(WebhookConfig config, FeedRequest asked, WebhookState state, std::uint32_t seed);
  const WebhookConfig& config() const { return config_; }
  // What is on its way stays so.
  void reconfigure(WebhookConfig config, FeedRequest asked);
  // Before anything was sent: it goes on from another state than it was made with.
  void go_on_from(WebhookState state);

  // What to send now, if anything; then answered() has to be called. `news`: a number that is
  // another one whenever the feed may have changed, taken before the snapshot. Errors:
  // index_damaged. Where it raises state().told, that is to be kept before the post is sent.
  Result<std::optional<WebhookPost>> next(const Snapshot& snapshot, const Moment& now,
                                          std::uint64_t news);
  void answered(const WebhookOutcome& outcome, const Moment& now);

  // Whether next() may give something: not while a post is on its way.
  bool wants(Time now, std::uint64_t news) const;
  // When next() may give something without news.
  std::optional<Time> due() const;

  // Everything from this place on is sent again; absent: what is parked is tried again, and what
  // was given up.
  void replay(const std::optional<FeedSeq>& place, const Moment& now);
  // The receiver is not told of a parked change, given up or not; absent: of none that was given
  // up. How many these were.
  std::size_t discard(const std::optional<FeedSeq>& which);

  const WebhookState& state() const { return state_; }
  std::uint64_t delivered_changes() const { return delivered_; }  // since start
  bool unsaved() const { return unsaved_; }
  void saved(bool success) { unsaved_ = !success; }  // or it could not be
  WebhookStatus status(std::uint64_t head) const;
  std::vector<WebhookFailure> failures() const;

 private:
  // What is on its way.
  struct Sent {
    enum class Kind : std::uint8_t { fresh, page, parked } kind = Kind::page;
    std::uint64_t rows = 0;
    FeedSeq after;          // of a page: where it ends
    std::uint64_t seq = 0;  // of a single change
    RecordKey key;
    std::string url;
    bool overtaken = false;  // by a replay: its place is of no interest any more
  };

  Result<void> take_place(const Snapshot& snapshot);
  void begin_anew(const Snapshot& snapshot);
  Result<std::optional<WebhookPost>> parked_post(const Snapshot& snapshot, const Moment& now);
  Result<std::optional<WebhookPost>> page_post(const Snapshot& snapshot, const Moment& now);
  Result<void> drop_superseded(const Snapshot& snapshot);
  WebhookPost post(Sent sent, const std::string& type, const std::string& members);
  void delivered(const Sent& sent, const Moment& now);
  void refused(const Sent& sent, const WebhookOutcome& outcome, const Moment& now);
  Time after_pause(const Moment& now, std::uint64_t attempts, const WebhookOutcome& outcome);
  void wake_if_elsewhere();
  bool full() const;
  std::map<std::uint64_t, ParkedChange>::iterator forget(
      std::map<std::uint64_t, ParkedChange>::iterator parked);

  WebhookConfig config_;
  FeedRequest asked_;
  WebhookState state_;
  bool unsaved_ = false;
  std::minstd_rand random_;

  std::optional<Sent> sent_;
  Time resume_at_{};                    // nothing is sent before
  std::map<std::uint64_t, Time> due_;   // of parked changes; absent: now
  std::uint64_t failures_in_row_ = 0;   // of posts at the head; since the last delivery
  std::uint64_t attempts_at_head_ = 0;  // at the first change behind place
  std::uint64_t batch_ = 1;
  bool parked_next_ = true;  // whose turn it is
  bool more_ = true;         // the feed goes on behind place
  bool stalled_ = false;
  Time look_again_at_{};                    // for parked changes that were superseded
  std::optional<std::uint64_t> seen_news_;  // to which more_ is an answer

  std::uint64_t delivered_ = 0, posts_ = 0, failed_posts_ = 0;
  std::optional<std::int64_t> delivered_ns_, failing_since_ns_;
  std::optional<std::string> last_error_;
};

}  // namespace jcn
