// GET /v1/changes: the parameters → what is asked for. Pure: no snapshot, no service.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "feed_seq.h"
#include "jcn/filter.h"
#include "query_parameters.h"

namespace jcn {

enum class FeedMode : std::uint8_t { normal, longpoll, continuous, eventsource };

// What `since` says, beside a place.
struct FromTheBeginning {};
struct FromNow {};
struct FromNowhere {};  // the id of an event that no jcn has sent
using FeedStart = std::variant<FromTheBeginning, FromNow, FromNowhere, FeedSeq>;

struct FeedRequest {
  FeedMode mode = FeedMode::normal;
  FeedStart since;
  std::optional<std::uint64_t> limit;                // rows, of all pages of a stream together
  std::optional<std::chrono::milliseconds> timeout;  // time without a row after which it ends
  std::chrono::milliseconds heartbeat{15'000};
  bool include_docs = false;
  bool only_matching = false;  // no rows with "match": false; no parameter says so
  // Records that are asked for; empty: all.
  std::set<std::string, std::less<>> kinds, ids;
  std::vector<Filter> filters;

  bool narrowed() const { return !kinds.empty() || !ids.empty() || !filters.empty(); }
};

// Members of these names are asked for as name__exact, or as pointers.
bool is_feed_parameter(std::string_view name);

inline constexpr std::uint64_t longest_feed_wait_ms = 600'000;

// `last_event_id`: the request's header of that name, which beats `since` in an event stream.
// Errors: unknown_parameter, bad_parameter; unknown_operator, bad_field, bad_value.
Result<FeedRequest> read_feed(const QueryParameters& parameters,
                              std::optional<std::string_view> last_event_id);

}  // namespace jcn
