// How receivers know that a request is jcn's: the scheme of Standard Webhooks
// (https://www.standardwebhooks.com), HMAC-SHA256 with a key that both have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "jcn/result.h"

namespace jcn {

// 32 bytes (RFC 2104, FIPS 180-4). Errors: internal (libcrypto refuses).
Result<std::string> hmac_sha256(std::string_view key, std::string_view text);

// The value of webhook-signature: "v1,<base64>" over "<id>.<timestamp>.<body>". `timestamp` in
// seconds since the epoch. Errors: as hmac_sha256.
Result<std::string> webhook_signature(std::string_view key, std::string_view id,
                                      std::int64_t timestamp, std::string_view body);

}  // namespace jcn
