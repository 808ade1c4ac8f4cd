// The opaque `_next` of paged answers: where a page ended, guarded by a checksum, so that a token
// of another listing, or garbage, is told from a place to go on from. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "jcn/query.h"
#include "jcn/record.h"

namespace jcn {

// Tokens are base64url (RFC 4648 §5, no padding) of: a version byte, 4 bytes of checksum, and what
// the version has behind them.

// Version 1, of listings in the order of two names: listing, NUL, first, NUL, second. `listing`
// names what is paged: a word that is no kind.
struct Place {
  std::string first, second;  // any bytes; `first` without NUL
};
std::string page_token(std::string_view listing, const Place& place);
// Absent when it is no token of this listing.
std::optional<Place> read_page_token(std::string_view listing, std::string_view token);

// Version 2, of queries. `walk` is a hash of all that settles which records a walk shows, and in
// which order; `end` comes back exactly, its score bit by bit. At most about 6 KiB long, as long as
// the value is no number of thousands of digits.
std::string query_token(const Hash128& walk, const PageEnd& end);
// Absent when it is no token of this walk. A value that comes back is null, true, false, a number
// or a string, in canonical text; a score is no NaN.
std::optional<PageEnd> read_query_token(const Hash128& walk, std::string_view token);

}  // namespace jcn
