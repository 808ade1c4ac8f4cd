// Entity tags, If-None-Match and If-Match (RFC 9110 §8.8.3, §13.1.1, §13.1.2). A record's tag is
// its rev, a fragment's the hash of its bytes; both are strong.
#pragma once

#include <string>
#include <string_view>

#include "jcn/record.h"

namespace jcn {

std::string entity_tag(const Hash128& rev);  // "\"0123…\""

// The header's value is `*`.
bool any_tag(std::string_view header);

// True when the header's value is `*` or lists `tag`, by weak comparison. Lists that are malformed
// match up to the malformed place only: the answer is then the whole record, which is never wrong.
bool none_match_hits(std::string_view header, std::string_view tag);
// The same by strong comparison: a weak tag matches nothing.
bool match_hits(std::string_view header, std::string_view tag);

}  // namespace jcn
