// Places of the feed as text: what `seq`, `last_seq` and event ids say, and `since` takes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "jcn/changes.h"

namespace jcn {

struct FeedSeq {
  std::string uuid;  // of the history that the numbers are of
  FeedPlace place;
  bool operator==(const FeedSeq&) const = default;
};

// "<uuid>-<n>", and while FeedPlace::until is set "<uuid>-<until>-<n>".
std::string feed_seq_text(const FeedSeq& seq);
// Absent when it is none.
std::optional<FeedSeq> read_feed_seq(std::string_view text);

}  // namespace jcn
