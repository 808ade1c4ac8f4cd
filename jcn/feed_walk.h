// A way along the feed, page after page, each read from a snapshot of its own: FeedRequest → text.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "feed_parameters.h"
#include "jcn/changes.h"
#include "jcn/snapshot.h"

namespace jcn {

// A page ends when one of these is reached, and has looked at one change at least.
struct FeedBounds {
  std::uint64_t rows = 10'000;
  std::size_t bytes = 8 << 20;
  std::chrono::steady_clock::time_point until = std::chrono::steady_clock::time_point::max();
};

struct FeedPage {
  // normal, longpoll: objects with commas between them. continuous: lines. eventsource: events.
  // The last two begin with what says that the consumer has to begin anew, if it has to.
  std::string text;
  std::uint64_t rows = 0;
  bool fresh = false;     // the consumer has to forget what it has, and
  std::string until;      // to apply what follows up to here
  std::string last_seq;   // where the page ends
  std::uint64_t seq = 0;  // the same, the number alone
  bool more = false;      // it does not end at the snapshot's head
};

// One thread.
class FeedWalk {
 public:
  explicit FeedWalk(const FeedRequest& asked) : asked_(asked) {}  // outlives the walk

  // Errors: index_damaged.
  Result<FeedPage> next(const Snapshot& snapshot, const FeedBounds& bounds);

 private:
  Result<bool> take_place(const Snapshot& snapshot);
  bool wants(const RecordKey& key) const;
  std::string text_of(std::uint64_t seq) const;
  // False: the consumer is not to be told of it.
  Result<bool> append_row(std::string& out, const Snapshot& snapshot, const Change& change) const;
  void append_framed(FeedPage& page, const std::string& seq, const std::string& row) const;

  const FeedRequest& asked_;
  bool begun_ = false;
  FeedSeq at_;
  std::uint64_t pruned_ = 0;  // FeedHorizon::pruned, of the snapshot before
};

// The body of an answer of normal and longpoll.
std::string feed_page_text(const FeedPage& page);

// {"last_seq":…}: what a narrowed feed says at each heartbeat, and every continuous one at its end.
std::string checkpoint_text(FeedMode mode, const std::string& last_seq);
// Of event streams: an id without data, which clients keep and tell nobody of.
std::string place_text(const std::string& last_seq);

}  // namespace jcn
