// Configuration: the command line and the TOML file (jcn.conf(5)) → one checked value.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "jcn/result.h"
#include "jcn/rules.h"
#include "webhook_config.h"

namespace jcn {

struct RootConfig {
  std::string name;
  std::string path;    // absolute, links resolved as far as the folder exists
  bool named = false;  // the name was given, not taken from the folder
  bool poll = false;   // looked at every poll_interval instead of watched
  bool operator==(const RootConfig&) const = default;
};

// A bearer token beside the first one.
struct TokenConfig {
  std::string file;                // absolute
  std::vector<std::string> roots;  // that it reaches; empty: all
  bool write = false;
  std::string token;  // what the file holds
  bool operator==(const TokenConfig&) const = default;
};

// Ranges are those of the table in config_table.cc; a loaded configuration keeps within them.
struct DaemonConfig {
  Rules rules;
  std::vector<RootConfig> roots;          // names differ, none lies in another
  std::string index;                      // absolute; beneath no root, and none beneath it
  std::string listen_host = "127.0.0.1";  // IPv4, as numbers
  std::uint16_t listen_port = 8640;       // 0: any free one
  std::string token_file;                 // absolute; empty: none
  std::string token;                      // what it holds; there when jcn listens beyond loopback
  std::vector<TokenConfig> tokens;
  std::vector<WebhookConfig> webhooks;  // names differ
  bool writable = false;
  std::string log_level = "info";  // error, warning, info, debug
  std::chrono::milliseconds settle_first{100}, settle_second{500};
  std::chrono::milliseconds fold_quiet{200}, fold_interval{2000};
  std::chrono::milliseconds poll_interval{5000};
  std::chrono::milliseconds audit_interval{3'600'000};  // 0: never
  std::uint64_t fresh_limit_bytes = 256ULL << 20;
  unsigned http_threads = 256;
  std::vector<std::string> http_host_names;
  bool log_requests = false;
  unsigned feed_waiting = 64;
  std::uint64_t tombstones_kept = 1'000'000;
  std::chrono::milliseconds query_timeout{2000};
  std::uint64_t map_bytes = 1ULL << 40;
  std::chrono::milliseconds scrub_interval{6 * 3'600'000};  // 0: never
  std::string export_program;  // absolute; empty: beside jcn, or in PATH
  std::chrono::milliseconds export_max_age{3'600'000};
  bool operator==(const DaemonConfig&) const = default;
};

// --help, --version, --check-config, --print-config: what to print before exiting with 0.
struct PrintAndExit {
  std::string text;
};
using Configured = std::variant<DaemonConfig, PrintAndExit>;

// Reads the command line and the file it names; the command line beats the file, and folders on it
// replace the file's roots. Prints nothing and never exits. Call it again to reload.
//
// Environment: STATE_DIRECTORY, XDG_STATE_HOME, HOME choose the default index.
// Errors: bad_usage (the command line), bad_configuration (the file; the message begins with
// "FILE:LINE:COLUMN: " where there is one, the hint names the nearest valid word), root_unavailable
// (a folder on the command line that is none; one in the file may be offline).
Result<Configured> load_config(int argc, const char* const* argv);

// Other machines can't reach this IPv4 address (127.0.0.0/8).
bool is_loopback(std::string_view address);

// 1 to 64 bytes of UTF-8 without '/' and control characters, neither "." nor "..".
bool valid_root_name(std::string_view name);

}  // namespace jcn
