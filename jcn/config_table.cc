#include "config_table.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>

namespace jcn {
namespace {

using std::chrono::milliseconds;

Error bad(std::string message, std::string hint = {}) {
  return Error{Code::bad_configuration, std::move(message), std::move(hint)};
}

Result<void> set_listen(DaemonConfig& config, const OptionValue& value) {
  const std::string& text = std::get<std::string>(value);
  const auto colon = text.rfind(':');
  std::string_view host =
      colon == std::string::npos ? "127.0.0.1" : std::string_view(text).substr(0, colon);
  const std::string_view port = colon == std::string::npos
                                    ? std::string_view(text)
                                    : std::string_view(text).substr(colon + 1);
  if (host == "localhost") host = "127.0.0.1";
  in_addr numbers{};
  if (::inet_pton(AF_INET, std::string(host).c_str(), &numbers) != 1) {
    return bad("listen address \"" + text + "\" is no IPv4 address with a port",
               "write 127.0.0.1:8640; for others than this machine put a web server in front");
  }
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size()) {
    return bad("listen port \"" + std::string(port) + "\" is no number from 0 to 65535",
               "write 127.0.0.1:8640, or 127.0.0.1:0 for any free port");
  }
  config.listen_host = host;
  config.listen_port = number;
  return {};
}

Result<void> set_log_level(DaemonConfig& config, const OptionValue& value) {
  static constexpr std::array<std::string_view, 4> levels = {"error", "warning", "info", "debug"};
  const std::string& text = std::get<std::string>(value);
  if (std::find(levels.begin(), levels.end(), text) == levels.end()) {
    return bad("log level \"" + text + "\" is unknown", "one of: error, warning, info, debug");
  }
  config.log_level = text;
  return {};
}

Result<void> set_ignore(DaemonConfig& config, const OptionValue& value) {
  for (const std::string& pattern : std::get<std::vector<std::string>>(value)) {
    if (pattern.empty() || pattern.find('/') != std::string::npos) {
      return bad(
          "ignore pattern \"" + pattern + "\" is no pattern for one name",
          "it is matched with each component of a path, so it can't be empty or contain '/'");
    }
    config.rules.ignore.push_back(pattern);
  }
  return {};
}

bool has_default_ignores(const std::vector<std::string>& all) {
  const std::vector<std::string> defaults = Rules::default_ignore();
  return all.size() >= defaults.size() && std::equal(defaults.begin(), defaults.end(), all.begin());
}

Result<void> set_ignore_defaults(DaemonConfig& config, const OptionValue& value) {
  if (std::get<bool>(value)) return {};
  // `ignore` may have been read before: only the defaults go. The file and the command line may
  // both say so: what is gone is not dropped again.
  auto& all = config.rules.ignore;
  if (!has_default_ignores(all)) return {};
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(Rules::default_ignore().size()));
  return {};
}

template <auto Member>
Result<void> set_text(DaemonConfig& config, const OptionValue& value) {
  config.*Member = std::get<std::string>(value);
  return {};
}

template <bool DaemonConfig::*member>
Result<void> set_flag(DaemonConfig& config, const OptionValue& value) {
  config.*member = std::get<bool>(value);
  return {};
}

Result<void> set_host_names(DaemonConfig& config, const OptionValue& value) {
  for (const std::string& name : std::get<std::vector<std::string>>(value)) {
    const bool sound = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '.' || c == '_';
    });
    if (!sound) {
      return bad("host name \"" + name + "\" is no name of a host",
                 "write it as in a URL, without scheme and port: media.example");
    }
    config.http_host_names.push_back(name);
  }
  return {};
}

template <auto Member>
Result<void> set_number(DaemonConfig& config, const OptionValue& value) {
  using Field = std::remove_reference_t<decltype(config.*Member)>;
  config.*Member = static_cast<Field>(std::get<std::int64_t>(value));
  return {};
}

template <auto Member>
Result<void> set_limit(DaemonConfig& config, const OptionValue& value) {
  using Field = std::remove_reference_t<decltype(config.rules.limits.*Member)>;
  config.rules.limits.*Member = static_cast<Field>(std::get<std::int64_t>(value));
  return {};
}

// What set_… has put there, or the default.
template <auto Member>
OptionValue get_text(const DaemonConfig& config) {
  return config.*Member;
}

template <class Number>
std::int64_t plain(Number number) {
  return static_cast<std::int64_t>(number);
}
std::int64_t plain(milliseconds time) {
  return time.count();
}

template <auto Member>
OptionValue get_number(const DaemonConfig& config) {
  return plain(config.*Member);
}

template <auto Member>
OptionValue get_limit(const DaemonConfig& config) {
  return plain(config.rules.limits.*Member);
}

OptionValue get_listen(const DaemonConfig& config) {
  return config.listen_host + ':' + std::to_string(config.listen_port);
}

template <bool DaemonConfig::*member>
OptionValue get_flag(const DaemonConfig& config) {
  return config.*member;
}

OptionValue get_log_level(const DaemonConfig& config) {
  return config.log_level;
}

OptionValue get_ignore(const DaemonConfig& config) {
  const auto& all = config.rules.ignore;
  const auto own = has_default_ignores(all)
                       ? static_cast<std::ptrdiff_t>(Rules::default_ignore().size())
                       : std::ptrdiff_t{0};
  return std::vector<std::string>(all.begin() + own, all.end());
}

OptionValue get_ignore_defaults(const DaemonConfig& config) {
  return has_default_ignores(config.rules.ignore);
}

OptionValue get_host_names(const DaemonConfig& config) {
  return config.http_host_names;
}

constexpr std::int64_t day_ms = 86'400'000, month_ms = 31 * day_ms;
constexpr auto int32_low = std::numeric_limits<std::int32_t>::min();
constexpr auto int32_high = std::numeric_limits<std::int32_t>::max();
using enum OptionType;

const OptionRow table[] = {
    {"", "index", path, 0, 0, "--index", "DIR",
     "folder of the index (default: beneath $STATE_DIRECTORY or ~/.local/state/jcn)",
     set_text<&DaemonConfig::index>, get_text<&DaemonConfig::index>},
    {"", "listen", text, 0, 0, "--listen", "127.0.0.1:PORT",
     "address for HTTP (default: 127.0.0.1:8640; port 0: any free one); others than this machine's "
     "own need token_file",
     set_listen, get_listen},
    {"", "writable", boolean, 0, 0, "--writable", "",
     "files of the folders may be written through HTTP, see SECURITY in jcn(8)",
     set_flag<&DaemonConfig::writable>, get_flag<&DaemonConfig::writable>},
    {"", "token_file", path, 0, 0, "--token-file", "FILE",
     "bearer token of requests that come from beyond this machine",
     set_text<&DaemonConfig::token_file>, get_text<&DaemonConfig::token_file>},
    {"", "log_level", text, 0, 0, "--log-level", "L", "error, warning, info (default) or debug",
     set_log_level, get_log_level},
    {"", "ignore", texts, 0, 0, "--ignore", "GLOB",
     "names that are ignored besides the default ones", set_ignore, get_ignore},
    {"", "ignore_defaults", boolean, 0, 0, "--no-ignore-defaults", "",
     "false: ignore nothing but `ignore`", set_ignore_defaults, get_ignore_defaults},

    {"limits", "max_bytes", integer, 2, 1 << 30, "--limits-max-bytes", "BYTES",
     "size of a fragment's file", set_limit<&Limits::max_bytes>, get_limit<&Limits::max_bytes>},
    {"limits", "max_depth", integer, 1, 10'000, "--limits-max-depth", "N",
     "nested objects and arrays of a fragment", set_limit<&Limits::max_depth>,
     get_limit<&Limits::max_depth>},
    {"limits", "max_members", integer, 1, 10'000'000, "--limits-max-members", "N",
     "members of a fragment, in all", set_limit<&Limits::max_members>,
     get_limit<&Limits::max_members>},

    {"settle", "first_ms", integer, 0, day_ms, "--settle-first-ms", "MS",
     "an unparsable file is read again after this", set_number<&DaemonConfig::settle_first>,
     get_number<&DaemonConfig::settle_first>},
    {"settle", "second_ms", integer, 0, day_ms, "--settle-second-ms", "MS",
     "and after this, before it is a reject", set_number<&DaemonConfig::settle_second>,
     get_number<&DaemonConfig::settle_second>},

    {"fold", "quiet_ms", integer, 0, day_ms, "--fold-quiet-ms", "MS",
     "quiet time after which fresh records are folded", set_number<&DaemonConfig::fold_quiet>,
     get_number<&DaemonConfig::fold_quiet>},
    {"fold", "interval_ms", integer, 1, day_ms, "--fold-interval-ms", "MS",
     "longest time between folds under load", set_number<&DaemonConfig::fold_interval>,
     get_number<&DaemonConfig::fold_interval>},
    {"fold", "fresh_limit_bytes", integer, 1 << 20, 1LL << 40, "--fold-fresh-limit-bytes", "BYTES",
     "memory for what is not folded yet", set_number<&DaemonConfig::fresh_limit_bytes>,
     get_number<&DaemonConfig::fresh_limit_bytes>},

    {"storage", "map_bytes", integer, 1 << 20, 1LL << 46, "--storage-map-bytes", "BYTES",
     "address space for the index at first; it grows when that is used up",
     set_number<&DaemonConfig::map_bytes>, get_number<&DaemonConfig::map_bytes>},
    {"storage", "scrub_interval_ms", integer, 0, month_ms, "--storage-scrub-interval-ms", "MS",
     "time between two looks through the whole index for damage (0: never)",
     set_number<&DaemonConfig::scrub_interval>, get_number<&DaemonConfig::scrub_interval>},

    {"http", "threads", integer, 8, 4096, "--http-threads", "N",
     "connections that are served at once", set_number<&DaemonConfig::http_threads>,
     get_number<&DaemonConfig::http_threads>},
    {"http", "host_names", texts, 0, 0, "--http-host-names", "NAME",
     "names that requests may call this server by, besides localhost", set_host_names,
     get_host_names},
    {"http", "log_requests", boolean, 0, 0, "--http-log-requests", "",
     "a line of the log for each request", set_flag<&DaemonConfig::log_requests>,
     get_flag<&DaemonConfig::log_requests>},
    {"http", "query_timeout_ms", integer, 1, day_ms, "--http-query-timeout-ms", "MS",
     "time that a query has", set_number<&DaemonConfig::query_timeout>,
     get_number<&DaemonConfig::query_timeout>},

    {"feed", "waiting", integer, 0, 4096, "--feed-waiting", "N",
     "feeds that may wait for changes at once", set_number<&DaemonConfig::feed_waiting>,
     get_number<&DaemonConfig::feed_waiting>},
    {"feed", "tombstones", integer, 0, 1'000'000'000, "--feed-tombstones", "N",
     "deletions that are kept for consumers that stayed away",
     set_number<&DaemonConfig::tombstones_kept>, get_number<&DaemonConfig::tombstones_kept>},

    {"export", "program", path, 0, 0, "--export-program", "FILE",
     "jcn-export (default: beside jcn, or in PATH)", set_text<&DaemonConfig::export_program>,
     get_text<&DaemonConfig::export_program>},
    {"export", "max_age_ms", integer, 0, month_ms, "--export-max-age-ms", "MS",
     "age at which a request for the snapshot begins the next one",
     set_number<&DaemonConfig::export_max_age>, get_number<&DaemonConfig::export_max_age>},

    {"poll", "interval_ms", integer, 100, day_ms, "--poll-interval-ms", "MS",
     "time between two looks at folders that can't be watched",
     set_number<&DaemonConfig::poll_interval>, get_number<&DaemonConfig::poll_interval>},
    {"audit", "interval_ms", integer, 0, month_ms, "--audit-interval-ms", "MS",
     "time between two looks for changes that no event told of (0: never)",
     set_number<&DaemonConfig::audit_interval>, get_number<&DaemonConfig::audit_interval>},

    {"root", "name", text, 0, 0, "", "", "name of the root (default: the folder's)", nullptr},
    {"root", "path", path, 0, 0, "", "", "the folder", nullptr},
    {"root", "poll", boolean, 0, 0, "", "", "true: look at intervals instead of watching", nullptr},

    {"token", "file", path, 0, 0, "", "", "file with a bearer token", nullptr},
    {"token", "roots", texts, 0, 0, "", "", "roots whose files it reaches (default: all)", nullptr},
    {"token", "access", text, 0, 0, "", "", "\"read\" (default) or \"write\"", nullptr},

    {"webhook", "name", text, 0, 0, "", "", "what it is called in answers and logs", nullptr},
    {"webhook", "url", text, 0, 0, "", "", "where changes are posted to", nullptr},
    {"webhook", "secret_file", path, 0, 0, "", "", "file with the key that signs them", nullptr},
    {"webhook", "kind", texts, 0, 0, "", "", "kinds whose changes it gets (default: all)", nullptr},
    {"webhook", "filter", text, 0, 0, "", "",
     "records whose changes it gets: field__op=value, with & between", nullptr},
    {"webhook", "include_docs", boolean, 0, 0, "", "", "true: with the records themselves",
     nullptr},
    {"webhook", "only_matching", boolean, 0, 0, "", "",
     "true: nothing is said of changed records that the filter does not take", nullptr},
    {"webhook", "batch", integer, 1, 1000, "", "", "changes in one request (default: 100)",
     nullptr},
    {"webhook", "timeout_ms", integer, 10, 300'000, "", "",
     "time that a receiver has to answer (default: 10000)", nullptr},
    {"webhook", "retry_first_ms", integer, 10, day_ms, "", "",
     "pause after a first failure (default: 1000)", nullptr},
    {"webhook", "retry_longest_ms", integer, 10, day_ms, "", "",
     "longest pause between two attempts (default: 600000)", nullptr},
    {"webhook", "proxy", text, 0, 0, "", "", "HTTP proxy on the way (default: none)", nullptr},
    {"webhook", "ca_file", path, 0, 0, "", "",
     "certificates of those who may vouch for the receiver (default: the system's)", nullptr},

    {"kind", "name", text, 0, 0, "", "", "a kind that rules may name", nullptr},
    {"kind", "schema", path, 0, 0, "", "", "file with the JSON Schema that its fragments must fit",
     nullptr},
    {"kind", "search_weights", weights, 0, 0, "", "",
     "how much words count for relevance, by field (default: 1)", nullptr},
    {"kind", "search_fields", texts, 0, 0, "", "",
     "fields that a search in all fields looks at (default: every one)", nullptr},
    {"kind", "search_exclude", texts, 0, 0, "", "",
     "fields that a search in all fields passes over", nullptr},
    {"kind", "track", text, 0, 0, "", "",
     "pointer whose value records have _since some time (default: /transcode/state)", nullptr},

    {"rule", "kind", text, 0, 0, "", "", "kind of the fragments that match (default: videos)",
     nullptr},
    {"rule", "root", text, 0, 0, "", "", "only fragments of this root", nullptr},
    {"rule", "match", text, 0, 0, "", "", "glob on the path beneath the root (default: **/*.json)",
     nullptr},
    {"rule", "id", texts, 0, 0, "", "", "sources of the id: \"/pointer\", \"stem\", \"path\"",
     nullptr},
    {"rule", "rank", integer, int32_low, int32_high, "", "",
     "lower ranks compose first (default: 0)", nullptr},
    {"rule", "order_by", text, 0, 0, "", "", "pointer whose value orders fragments of one rank",
     nullptr},
    {"rule", "anchor", boolean, 0, 0, "", "",
     "true: records of this kind exist only while such a fragment does", nullptr},
    {"rule", "null", text, 0, 0, "", "",
     "\"delete\" (default) or \"ignore\": what a null in a patch does", nullptr},
    {"rule", "union", texts, 0, 0, "", "", "pointers whose arrays are united as sets", nullptr},
    {"rule", "min", texts, 0, 0, "", "", "pointers of which the smallest value stays", nullptr},
    {"rule", "max", texts, 0, 0, "", "", "pointers of which the largest value stays", nullptr},
};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::span<const OptionRow> option_table() {
  return table;
}

const OptionRow* find_option(std::string_view section, std::string_view key) {
  for (const OptionRow& row : table) {
    if (row.section == section && row.key == key) return &row;
  }
  return nullptr;
}

bool is_section(std::string_view name) {
  return !name.empty() && std::any_of(std::begin(table), std::end(table),
                                      [&](const OptionRow& row) { return row.section == name; });
}

bool is_table_array(std::string_view section) {
  return section == "root" || section == "kind" || section == "rule" || section == "token" ||
         section == "webhook";
}

std::string type_words(const OptionRow& row) {
  switch (row.type) {
    case boolean:
      return "true or false";
    case integer:
      return "an integer from " + std::to_string(row.low) + " to " + std::to_string(row.high);
    case text:
      return "a string";
    case path:
      return "a path";
    case texts:
      return "an array of strings";
    case weights:
      return "a table of numbers from 0 to 1000";
  }
  return {};
}

std::string_view nearest_word(std::string_view word,
                              const std::vector<std::string_view>& candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace jcn
