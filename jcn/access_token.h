// The bearer token (RFC 6750) of requests.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "request.h"

namespace jcn {

// Whether they are equal, in a time that depends on the length of `given` alone.
bool same_token(std::string_view given, std::string_view token);

// None: no bearer token came. Bad: a wrong one, or two Authorization headers.
enum class Credentials : std::uint8_t { none, good, bad };
// An empty token is nobody's: with it no credentials are good.
Credentials credentials(const std::vector<Header>& headers, std::string_view token);

}  // namespace jcn
