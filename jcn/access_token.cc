#include "access_token.h"

#include <algorithm>
#include <utility>

namespace jcn {

bool same_token(std::string_view given, std::string_view token) {
  if (token.empty()) return false;
  // Every character is looked at, and none decides before the last.
  volatile std::uint8_t different = given.size() == token.size() ? 0 : 1;
  std::size_t at = 0;
  for (const char c : given) {
    different = static_cast<std::uint8_t>(different | (c ^ token[at]));
    at = at + 1 == token.size() ? 0 : at + 1;
  }
  return different == 0;
}

Presented presented(const std::vector<Header>& headers, const std::vector<AccessToken>& tokens) {
  static constexpr std::string_view scheme = "Bearer ";
  Presented found;
  bool seen = false;
  for (const Header& header : headers) {
    if (!equal_ignoring_case(header.name, "Authorization")) continue;
    if (std::exchange(seen, true)) return {Credentials::bad, nullptr};
    std::string_view given = header.value;
    // Other schemes are for whoever stands in front of us.
    if (!equal_ignoring_case(given.substr(0, scheme.size()), scheme)) continue;
    given.remove_prefix(std::min(given.find_first_not_of(' ', scheme.size()), given.size()));
    given = given.substr(0, given.find_last_not_of(" \t") + 1);
    for (const AccessToken& each : tokens) {
      if (same_token(given, each.token)) found.token = &each;
    }
    found.credentials = found.token ? Credentials::good : Credentials::bad;
  }
  return found;
}

}  // namespace jcn
