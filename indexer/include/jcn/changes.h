// Changes: what the feed is made of. Each record has its latest change in it, and no other; a
// deletion is a tombstone, which is kept for a while (WriterOptions::tombstones_kept).
#pragma once

#include <cstdint>
#include <functional>

#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/snapshot.h"

namespace jcn {

struct Change {
  RecordKey key;
  std::uint64_t seq = 0;
  Hash128 rev;           // zero when deleted
  bool deleted = false;  // gone, or not existing for readers (Record::exists)
};

// The changes after `after`, by number, while `visit` returns true. Every record that exists has
// one after 0. The snapshot's record of that key is what the change made of it.
// Errors: index_damaged.
Result<void> for_each_change(const Snapshot& snapshot, std::uint64_t after,
                             const std::function<bool(const Change&)>& visit);

// How far a consumer of changes has come.
struct FeedPlace {
  std::uint64_t seq = 0;  // it has been told all changes up to here
  // It began with nothing when this was the head, and is not there yet: tombstones up to here are
  // of records that it never had. 0: it is there.
  std::uint64_t until = 0;
  bool operator==(const FeedPlace&) const = default;
};

// What the index still knows of its numbers.
struct FeedHorizon {
  // Tombstones with this number and lower ones may be gone; all with higher ones are there.
  std::uint64_t pruned = 0;
  // Whether the changes after `place` are all that the consumer needs to be right again. If not,
  // it has to forget what it has and to begin anew.
  bool continues = false;
};
// Errors: index_damaged.
Result<FeedHorizon> feed_horizon(const Snapshot& snapshot, const FeedPlace& place);

}  // namespace jcn
