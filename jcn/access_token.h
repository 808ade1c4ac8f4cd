// The bearer tokens (RFC 6750) of requests, and what they allow.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "request.h"

namespace jcn {

// Whether they are equal, in a time that depends on the length of `given` alone.
bool same_token(std::string_view given, std::string_view token);

struct AccessToken {
  std::string token;               // an empty one is nobody's
  std::vector<std::string> roots;  // whose fragments it reaches; empty: all
  bool write = false;

  bool reaches(std::string_view root) const {
    return roots.empty() || std::find(roots.begin(), roots.end(), root) != roots.end();
  }
  bool limited() const { return !write || !roots.empty(); }
  bool operator==(const AccessToken&) const = default;
};

// None: no bearer token came. Bad: a wrong one, or two Authorization headers.
enum class Credentials : std::uint8_t { none, good, bad };
struct Presented {
  Credentials credentials = Credentials::none;
  const AccessToken* token = nullptr;  // of `tokens`, if they are good
};
// In a time that does not tell which of the tokens came near.
Presented presented(const std::vector<Header>& headers, const std::vector<AccessToken>& tokens);

}  // namespace jcn
