// The opaque `_next` of paged answers: where a page ended, guarded by a checksum, so that a token
// of another listing, or garbage, is told from a place to go on from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace jcn {

struct Place {
  std::string first, second;  // any bytes; `first` without NUL
};

// base64url (RFC 4648 §5, no padding) of: version byte, 4 bytes of checksum, listing, NUL, first,
// NUL, second. `listing` names what is paged: a kind, or a word that is no kind.
std::string page_token(std::string_view listing, const Place& place);
// Absent when it is no token of this listing.
std::optional<Place> read_page_token(std::string_view listing, std::string_view token);

}  // namespace jcn
