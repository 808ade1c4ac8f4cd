// The log: a line for each event that is worth one, to the journal with fields where standard error
// is the journal, to standard error otherwise. sd_journal_send(3), systemd.exec(5): JOURNAL_STREAM.
//
// Each event has a name, which stays, for filters and for counting: of one name at most so many
// lines are written in a row (LogBudget), and how many were left out is said later.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jcn {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct LogEvent {
  // NOLINTNEXTLINE(google-explicit-constructor): most events have a name alone.
  LogEvent(const char* event_name) : name(event_name) {}
  LogEvent(const char* event_name, std::vector<std::pair<const char*, std::string>> event_fields)
      : name(event_name), fields(std::move(event_fields)) {}

  const char* name;   // [a-z_]+
  bool each = false;  // none is left out, however many there are
  // Names as in the problem documents: code, root, path, webhook. In the journal JCN_CODE and so
  // on.
  std::vector<std::pair<const char*, std::string>> fields = {};
};

// Once, before the first line. `level`: error, warning, info, debug. Where there was no call, lines
// go to standard error.
void open_log(const std::string& level);
void set_log_level(const std::string& level);
bool logs(LogLevel level);

// Any thread.
void log_line(LogLevel level, const LogEvent& event, const std::string& message);
// Says how many lines were left out, of each event for which that was not said yet.
void log_left_out();

template <class... Arguments>
void log_event(LogLevel level, const LogEvent& event, fmt::format_string<Arguments...> text,
               Arguments&&... arguments) {
  if (logs(level)) log_line(level, event, fmt::format(text, std::forward<Arguments>(arguments)...));
}
template <class... Arguments>
void log_debug(const LogEvent& event, fmt::format_string<Arguments...> text, Arguments&&... rest) {
  log_event(LogLevel::debug, event, text, std::forward<Arguments>(rest)...);
}
template <class... Arguments>
void log_info(const LogEvent& event, fmt::format_string<Arguments...> text, Arguments&&... rest) {
  log_event(LogLevel::info, event, text, std::forward<Arguments>(rest)...);
}
template <class... Arguments>
void log_warning(const LogEvent& event, fmt::format_string<Arguments...> text,
                 Arguments&&... rest) {
  log_event(LogLevel::warning, event, text, std::forward<Arguments>(rest)...);
}
template <class... Arguments>
void log_error(const LogEvent& event, fmt::format_string<Arguments...> text, Arguments&&... rest) {
  log_event(LogLevel::error, event, text, std::forward<Arguments>(rest)...);
}

// How many lines of one event may be written. A pure state machine: its time is the caller's.
class LogBudget {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::uint64_t burst = 20;
  static constexpr std::chrono::seconds refill{3};  // for one more

  // Whether a line may be written now; otherwise it is counted as left out.
  bool take(const std::string& event, Time now);
  // By event, how many were left out since this was asked last; none of those of which there were
  // none.
  std::map<std::string, std::uint64_t> left_out();

 private:
  struct Account {
    std::uint64_t spent = 0;
    Time refilled{};
    std::uint64_t left_out = 0;
  };
  std::map<std::string, Account> accounts_;
};

// A value as it stands behind "name=": quoted as JSON where it is not one plain word.
std::string log_value(const std::string& value);
// Without control characters: no line of the log is made of what somebody else named.
std::string log_text(const std::string& text);

}  // namespace jcn
