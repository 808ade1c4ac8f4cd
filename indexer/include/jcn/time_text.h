// Points in time as text. Nanoseconds since the epoch, UTC. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jcn {

// RFC 3339: "2026-03-01T12:00:00.123456789Z", always nine digits.
std::string rfc3339(std::int64_t ns);
// The reverse, of any time that RFC 3339 §5.6 allows from 1678 to 2261; more than nine digits of a
// second are cut off, a leap second is the one after it. Absent: it is none.
std::optional<std::int64_t> parse_rfc3339(std::string_view text);
// IMF-fixdate of RFC 9110 §5.6.7: "Sun, 01 Mar 2026 12:00:00 GMT"; fractions are cut off.
std::string http_date(std::int64_t ns);

}  // namespace jcn
