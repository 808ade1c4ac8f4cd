// The words behind /v1/ that are no kinds, now or later (DESIGN: HTTP).
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace jcn {

inline constexpr auto reserved_words = std::to_array<std::string_view>(
    {"fragments", "changes", "sync", "rejects", "conflicts", "explain", "check", "schemas",
     "status", "claims", "webhooks", "export", "export.sqlite", "metrics", "nodes", "objects",
     "search", "provenance"});

constexpr bool reserved_kind(std::string_view kind) {
  return std::find(reserved_words.begin(), reserved_words.end(), kind) != reserved_words.end();
}

}  // namespace jcn
