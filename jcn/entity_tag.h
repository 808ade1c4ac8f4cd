// Entity tags and If-None-Match (RFC 9110 §8.8.3, §13.1.2). A record's tag is its rev, strong.
#pragma once

#include <string>
#include <string_view>

#include "jcn/record.h"

namespace jcn {

std::string entity_tag(const Hash128& rev);  // "\"0123…\""

// True when the header's value is `*` or lists `tag`, by weak comparison. Lists that are malformed
// match up to the malformed place only: the answer is then the whole record, which is never wrong.
bool none_match_hits(std::string_view header, std::string_view tag);

}  // namespace jcn
