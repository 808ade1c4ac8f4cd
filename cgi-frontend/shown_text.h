// Values of records as text for people. They may be anything: whoever drops a note chooses them.
// The same rules as apache/jcn_site/text.py: characters are counted, not bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "html.h"

namespace cgi {

// A JSON string, as it is; "" for any other value.
std::string exact_text(std::optional<std::string_view> json);
// Without control characters (but tabs and line ends), cut at `limit` characters.
std::string plain(std::string_view text, std::size_t limit);
// The same of a JSON value; "" for what is no string.
std::string plain_value(std::optional<std::string_view> json, std::size_t limit);

// A number that can be shown: below 10^15.
std::optional<double> number(std::optional<std::string_view> json);
// The same, if it has neither fraction nor exponent, and lies between 1 and 99,999.
std::optional<int> pixels(std::optional<std::string_view> json);

// Without white space at both ends.
std::string_view stripped(std::string_view text);
// At most `limit` characters, the last of which is … where something was cut off.
std::string truncated(std::string_view text, std::size_t limit);
// At most `limit` characters, the rest cut off.
std::string_view first_characters(std::string_view text, std::size_t limit);

std::string length(double seconds);         // 1:05, 1:01:05
std::string spoken_length(double seconds);  // PT1H1M5S, for the datetime attribute
std::string grouped(std::uint64_t count);   // 22,255
// 1 March 2026, of an ISO 8601 time; what is none stays.
std::string day(std::string_view moment);

// Text in which what begins with http:// or https:// is a link, and nothing else is markup.
Html linked(std::string_view text);

}  // namespace cgi
