// Where changes are sent to, as the configuration says: [[webhook]] of jcn.conf(5).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "feed_parameters.h"
#include "jcn/result.h"

namespace jcn {

struct WebhookConfig {
  std::string name;                // valid_webhook_name()
  std::string url;                 // http or https, without user information
  std::string secret_file;         // absolute
  std::string secret;              // the key that it holds: 24 to 64 bytes
  std::vector<std::string> kinds;  // empty: all
  std::string filter;              // field__op=value&…, as in a URL
  bool include_docs = false;
  bool only_matching = false;  // nothing is said of a changed record that the filter does not take
  std::uint64_t batch = 100;   // changes in one request, at most
  std::chrono::milliseconds timeout{10'000};  // of one request, from its begin to the answer's end
  std::chrono::milliseconds retry_first{1000}, retry_longest{600'000};
  std::string proxy;    // empty: none, whatever the environment says
  std::string ca_file;  // absolute; empty: the system's
  bool operator==(const WebhookConfig&) const = default;
};

inline constexpr std::size_t most_webhooks = 32;

// [a-z0-9][a-z0-9_-]*, at most 64 bytes: the name is that of a file, too.
bool valid_webhook_name(std::string_view name);

// Errors: bad_configuration.
Result<void> check_webhook_url(std::string_view url);

// What of the feed it gets. Errors: bad_configuration, bad_field, bad_value, unknown_operator.
Result<FeedRequest> webhook_feed(const WebhookConfig& webhook);

// The key in a file's first line: base64, "whsec_" before it or not (Standard Webhooks). The file
// belongs to jcn's user or root, and nobody else can read it. Errors: bad_configuration.
Result<std::string> read_webhook_secret(const std::string& path);

// RFC 4648 §4, with its padding. Absent: it is none.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace jcn
