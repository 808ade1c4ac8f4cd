#include "log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION  // of this file: it would be the same in every line
#include <systemd/sd-journal.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "jcn/canonical.h"

namespace jcn {
namespace {

std::atomic<LogLevel> lowest{LogLevel::info};
std::atomic<bool> to_journal{false};
std::mutex budget_lock;
LogBudget budget;  // guarded by budget_lock

LogLevel level_of(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warning") return LogLevel::warning;
  return name == "error" ? LogLevel::error : LogLevel::info;
}

// JOURNAL_STREAM is inherited, too, by programs whose standard error somebody has led elsewhere: it
// names the device and the inode that it speaks of.
bool standard_error_is_the_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  unsigned long long device = 0, inode = 0;
  struct ::stat error {};
  return stream != nullptr && std::sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
         ::fstat(STDERR_FILENO, &error) == 0 && error.st_dev == device && error.st_ino == inode;
}

int priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return LOG_DEBUG;
    case LogLevel::info:
      return LOG_INFO;
    case LogLevel::warning:
      return LOG_WARNING;
    case LogLevel::error:
      return LOG_ERR;
  }
  return LOG_INFO;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// False: the journal did not take it.
bool send_to_journal(LogLevel level, const LogEvent& event, const std::string& message) {
  std::vector<std::string> fields = {
      "MESSAGE=" + message, "PRIORITY=" + std::to_string(priority_of(level)),
      "SYSLOG_IDENTIFIER=jcn", std::string("JCN_EVENT=") + event.name};
  for (const auto& [name, value] : event.fields) {
    std::string field = std::string("JCN_") + name + "=";
    std::transform(field.begin(), field.end(), field.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    fields.push_back(field + value);
  }
  std::vector<::iovec> pieces;
  for (std::string& field : fields) pieces.push_back({field.data(), field.size()});
  return ::sd_journal_sendv(pieces.data(), static_cast<int>(pieces.size())) == 0;
}

void write_line(LogLevel level, const LogEvent& event, const std::string& message) {
  if (to_journal && send_to_journal(level, event, message)) return;
  std::string line = log_text(message) + " event=" + event.name;
  for (const auto& [name, value] : event.fields)
    line.append(" ").append(name).append("=").append(log_value(value));
  spdlog::log(spdlog_level(level), "{}", line);
}

}  // namespace

void open_log(const std::string& level) {
  auto logger = spdlog::stderr_logger_mt("jcn");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::debug);  // what is left out is left out before
  spdlog::set_default_logger(std::move(logger));
  to_journal = standard_error_is_the_journal();
  set_log_level(level);
}

void set_log_level(const std::string& level) {
  lowest = level_of(level);
}

bool logs(LogLevel level) {
  return level >= lowest.load();
}

void log_line(LogLevel level, const LogEvent& event, const std::string& message) {
  if (!event.each) {
    const std::lock_guard guard(budget_lock);
    if (!budget.take(event.name, std::chrono::steady_clock::now())) return;
  }
  write_line(level, event, message);
}

void log_left_out() {
  std::map<std::string, std::uint64_t> left_out;
  {
    const std::lock_guard guard(budget_lock);
    left_out = budget.left_out();
  }
  for (const auto& [event, count] : left_out) {
    write_line(LogLevel::warning, {"left_out", {{"of", event}, {"lines", std::to_string(count)}}},
               std::to_string(count) + " more lines of the event " + event + " were left out");
  }
}

bool LogBudget::take(const std::string& event, Time now) {
  Account& account = accounts_.try_emplace(event, Account{0, now, 0}).first->second;
  const auto back = (now - account.refilled) / refill;
  account.spent -= std::min(account.spent, static_cast<std::uint64_t>(back));
  account.refilled = account.spent == 0 ? now : account.refilled + back * refill;
  if (account.spent >= burst) {
    ++account.left_out;
    return false;
  }
  ++account.spent;
  return true;
}

std::map<std::string, std::uint64_t> LogBudget::left_out() {
  std::map<std::string, std::uint64_t> counts;
  for (auto& [event, account] : accounts_) {
    if (account.left_out > 0) counts.emplace(event, std::exchange(account.left_out, 0));
  }
  return counts;
}

std::string log_value(const std::string& value) {
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return c > ' ' && c != '"' && c != '=' && c != 0x7f;
  });
  return plain ? value : json_quote_bytes(value);
}

std::string log_text(const std::string& text) {
  std::string shown;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte != 0x7f) {
      shown += c;
    } else {
      shown += fmt::format("\\x{:02x}", byte);
    }
  }
  return shown;
}

}  // namespace jcn
