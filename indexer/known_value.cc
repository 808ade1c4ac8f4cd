#include "known_value.h"

#include <algorithm>

#include "timed_sort.h"

namespace jcn {
namespace {

int compare_known(const KnownValue& a, const KnownValue& b) {
  return a.value == b.value ? 0 : compare(*a.value, *b.value);
}

}  // namespace

Result<void> sort_known(QueryRun& run, std::vector<KnownValue>& known, bool descending) {
  return sort_in_time(run, known, [&](const KnownValue& a, const KnownValue& b) {
    const int order = compare_known(a, b);
    if (order != 0) return descending ? order > 0 : order < 0;
    return a.place < b.place;
  });
}

void keep_behind(std::vector<KnownValue>& known, const SortValue& end, std::uint32_t behind,
                 bool descending) {
  std::erase_if(known, [&](const KnownValue& one) {
    const int order = compare(*one.value, end);
    if (order != 0) return descending ? order > 0 : order < 0;
    return one.place < behind;
  });
}

}  // namespace jcn
