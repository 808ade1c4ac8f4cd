// URI references (RFC 3986), as far as the references within a JSON Schema need them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jcn {

// A reference's two halves: before '#' and behind it. Without '#' there is no fragment.
struct UriParts {
  std::string_view document;
  std::optional<std::string_view> fragment;
};
UriParts split_uri(std::string_view reference);

// RFC 3986 §5.2, without fragments. `base` may be empty or relative itself; then the result is too.
std::string resolve_uri(std::string_view base, std::string_view reference);

// Absent when an escape is malformed.
std::optional<std::string> decode_fragment(std::string_view fragment);

// Whether the text is a URI, or also a relative reference, by the grammar of RFC 3986: allowed
// characters, escapes, scheme.
bool is_uri(std::string_view text);
bool is_uri_reference(std::string_view text);

}  // namespace jcn
