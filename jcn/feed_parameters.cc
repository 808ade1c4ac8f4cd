#include "feed_parameters.h"

#include <algorithm>
#include <array>

#include "jcn/check.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t shortest_heartbeat_ms = 10;

constexpr auto given_once = std::to_array<std::string_view>(
    {"since", "feed", "limit", "timeout", "heartbeat", "include_docs"});

struct ModeRow {
  std::string_view name;
  FeedMode mode;
};
constexpr std::array modes = {
    ModeRow{"normal", FeedMode::normal},
    ModeRow{"longpoll", FeedMode::longpoll},
    ModeRow{"continuous", FeedMode::continuous},
    ModeRow{"eventsource", FeedMode::eventsource},
};

Result<void> read_filters(const QueryParameters& parameters, FeedRequest& asked) {
  for (const Parameter& parameter : parameters.all()) {
    if (is_feed_parameter(parameter.name)) continue;
    if (!names_filter(parameter.name))
      return Error{Code::unknown_parameter, "There is no parameter '" + parameter.name + "' here.",
                   "A feed takes since, feed, limit, timeout, heartbeat, include_docs, kind, _id "
                   "and filters (field__op=value)."};
    JCN_TRY(Filter filter, parse_filter(parameter.name, parameter.value));
    asked.filters.push_back(std::move(filter));
  }
  for (const std::string_view name : given_once) JCN_CHECK(parameters.allow_once({name}));
  return {};
}

Result<void> read_mode(const QueryParameters& parameters, FeedRequest& asked) {
  const std::string* name = parameters.find("feed");
  if (!name) return {};
  for (const ModeRow& row : modes) {
    if (row.name != *name) continue;
    asked.mode = row.mode;
    return {};
  }
  return Error{Code::bad_parameter, "There is no feed '" + *name + "'.",
               "Feeds: normal, longpoll, continuous, eventsource."};
}

Result<void> read_since(const QueryParameters& parameters,
                        std::optional<std::string_view> last_event_id, FeedRequest& asked) {
  const std::string* since = parameters.find("since");
  if (since && *since == "now") {
    asked.since = FromNow{};
  } else if (since && *since != "0") {
    const auto seq = read_feed_seq(*since);
    if (!seq)
      return Error{Code::bad_parameter, "The parameter 'since' names no place in the feed.",
                   "It is 0, now, or what a feed gave as seq or last_seq: <uuid>-<n>."};
    asked.since = *seq;
  }
  if (asked.mode != FeedMode::eventsource || !last_event_id || last_event_id->empty()) return {};
  // A browser that is refused never comes back: what cannot be read begins anew instead.
  const auto seq = read_feed_seq(*last_event_id);
  if (seq) {
    asked.since = *seq;
  } else {
    asked.since = FromNowhere{};
  }
  return {};
}

Result<void> read_times(const QueryParameters& parameters, FeedRequest& asked) {
  const auto fallback = static_cast<std::uint64_t>(asked.heartbeat.count());
  JCN_TRY(const std::uint64_t heartbeat,
          parameters.number("heartbeat", fallback, longest_feed_wait_ms, shortest_heartbeat_ms));
  asked.heartbeat = milliseconds(static_cast<std::int64_t>(heartbeat));
  if (parameters.find("timeout")) {
    JCN_TRY(const std::uint64_t timeout, parameters.number("timeout", 0, longest_feed_wait_ms));
    asked.timeout = milliseconds(static_cast<std::int64_t>(timeout));
  }
  return {};
}

Result<void> read_scope(const QueryParameters& parameters, FeedRequest& asked) {
  const auto names_nothing = [](const char* name) {
    return Error{Code::bad_parameter, "The parameter '" + std::string(name) + "' names nothing.",
                 "Leave it out to ask for all."};
  };
  for (const std::string& kind : parameters.list("kind")) {
    if (!valid_kind(kind))
      return Error{Code::bad_parameter, "'" + kind + "' cannot be a kind.",
                   "Kinds are written [a-z][a-z0-9_-]*; several with commas."};
    asked.kinds.insert(kind);
  }
  if (parameters.find("kind") && asked.kinds.empty()) return names_nothing("kind");
  // Ids may have commas in them.
  for (const Parameter& parameter : parameters.all()) {
    if (parameter.name != "_id") continue;
    if (parameter.value.empty()) return names_nothing("_id");
    asked.ids.insert(parameter.value);
  }
  return {};
}

}  // namespace

bool is_feed_parameter(std::string_view name) {
  return name == "kind" || name == "_id" ||
         std::find(given_once.begin(), given_once.end(), name) != given_once.end();
}

Result<FeedRequest> read_feed(const QueryParameters& parameters,
                              std::optional<std::string_view> last_event_id) {
  FeedRequest asked;
  JCN_CHECK(read_filters(parameters, asked));
  JCN_CHECK(read_mode(parameters, asked));
  JCN_CHECK(read_since(parameters, last_event_id, asked));
  JCN_CHECK(read_times(parameters, asked));
  JCN_CHECK(read_scope(parameters, asked));
  if (parameters.find("limit")) {
    JCN_TRY(asked.limit, parameters.number("limit", 0, ~std::uint64_t{0}, 1));
  }
  JCN_TRY(asked.include_docs, parameters.flag("include_docs"));
  return asked;
}

}  // namespace jcn
