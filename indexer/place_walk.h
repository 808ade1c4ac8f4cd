// Walks over the places of a set that lie in one chunk of a column. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "columns.h"
#include "posting_list.h"

namespace jcn {

// Places of the chunk, the last one of fewer.
inline std::uint32_t chunk_places(const PlaceSet& places, std::uint32_t chunk) {
  return std::min(column_chunk, places.size() - chunk * column_chunk);
}

inline std::uint32_t chunk_count(const PlaceSet& places) {
  return (places.size() + column_chunk - 1) / column_chunk;
}

// visit(place), counted from the chunk's first, in order.
template <class Visit>
void for_each_in_chunk(const PlaceSet& places, std::uint32_t chunk, Visit&& visit) {
  const std::vector<std::uint64_t>& words = places.words();
  const std::size_t first = std::size_t{chunk} * (column_chunk / 64);
  const std::size_t end = std::min(first + column_chunk / 64, words.size());
  for (std::size_t i = first; i < end; ++i) {
    const auto base = static_cast<std::uint32_t>((i - first) * 64);
    for (std::uint64_t word = words[i]; word != 0; word &= word - 1) {
      visit(base + static_cast<std::uint32_t>(__builtin_ctzll(word)));
    }
  }
}

// Whether any of the chunk's places is in the set.
inline bool any_in_chunk(const PlaceSet& places, std::uint32_t chunk) {
  const std::vector<std::uint64_t>& words = places.words();
  const std::size_t first = std::size_t{chunk} * (column_chunk / 64);
  const std::size_t end = std::min(first + column_chunk / 64, words.size());
  return std::any_of(words.begin() + static_cast<std::ptrdiff_t>(first),
                     words.begin() + static_cast<std::ptrdiff_t>(end),
                     [](std::uint64_t word) { return word != 0; });
}

// How many of the chunk's places are in the set.
inline std::uint32_t count_in_chunk(const PlaceSet& places, std::uint32_t chunk) {
  const std::vector<std::uint64_t>& words = places.words();
  const std::size_t first = std::size_t{chunk} * (column_chunk / 64);
  const std::size_t end = std::min(first + column_chunk / 64, words.size());
  std::uint32_t count = 0;
  for (std::size_t i = first; i < end; ++i) {
    count += static_cast<std::uint32_t>(__builtin_popcountll(words[i]));
  }
  return count;
}

}  // namespace jcn
