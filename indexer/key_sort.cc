#include "key_sort.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

namespace jcn {
namespace {

std::uint64_t eight_bytes(std::string_view key, std::size_t from) {
  if (from >= key.size()) return 0;
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, key.data() + from, std::min<std::size_t>(8, key.size() - from));
  if constexpr (std::endian::native == std::endian::little) bytes = __builtin_bswap64(bytes);
  return bytes;
}

struct Run {
  std::size_t begin, end;
  std::size_t from;  // up to here its keys are equal, and none is shorter
};

}  // namespace

void sort_keys(std::span<KeyToSort> keys) {
  std::vector<Run> runs{{0, keys.size(), 0}};
  while (!runs.empty()) {
    const Run run = runs.back();
    runs.pop_back();
    const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(run.begin);
    const auto end = keys.begin() + static_cast<std::ptrdiff_t>(run.end);
    const std::size_t to = run.from + 8;
    // What is missing of a short key counts as zeros: then the shorter one is less, and only keys
    // that go on behind the eight bytes are still to be told apart.
    const auto reach = [to](const KeyToSort& key) { return std::min(key.key.size(), to + 1); };
    for (auto at = begin; at != end; ++at) at->eight = eight_bytes(at->key, run.from);
    std::sort(begin, end, [&](const KeyToSort& a, const KeyToSort& b) {
      return a.eight != b.eight ? a.eight < b.eight : reach(a) < reach(b);
    });
    for (std::size_t i = run.begin; i < run.end;) {
      std::size_t same = i + 1;
      while (same < run.end && keys[same].eight == keys[i].eight &&
             reach(keys[same]) == reach(keys[i])) {
        ++same;
      }
      if (same - i > 1 && keys[i].key.size() > to) runs.push_back({i, same, to});
      i = same;
    }
  }
}

}  // namespace jcn
