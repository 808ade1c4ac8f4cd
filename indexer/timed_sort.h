// A sort that a query's deadline can end: comparing long values may take longer than all the rest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "query_run.h"

namespace jcn {

// As std::sort. Errors: query_timeout; the elements are in no order then, and some may be moved away.
template <class T, class Less>
Result<void> sort_in_time(QueryRun& run, std::vector<T>& values, const Less& less) {
  constexpr std::size_t block = 256;
  constexpr std::uint32_t block_steps = block * 8;  // comparisons, as a sort of so many makes
  const std::size_t size = values.size();
  const auto at = [&values](std::size_t i) {
    return values.begin() + static_cast<std::ptrdiff_t>(i);
  };
  for (std::size_t begin = 0; begin < size; begin += block) {
    JCN_CHECK(run.step(block_steps));
    std::sort(at(begin), at(std::min(begin + block, size)), less);
  }
  std::vector<T> merged;
  for (std::size_t width = block; width < size; width *= 2) {
    merged.clear();
    merged.reserve(size);
    for (std::size_t begin = 0; begin < size; begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, size);
      const std::size_t end = std::min(middle + width, size);
      for (std::size_t left = begin, right = middle; left < middle || right < end;) {
        JCN_CHECK(run.step());
        const bool take_right =
            left == middle || (right < end && less(values[right], values[left]));
        merged.push_back(std::move(values[take_right ? right++ : left++]));
      }
    }
    values.swap(merged);
  }
  return {};
}

}  // namespace jcn
