// Walks over the places of a set that lie in one chunk of a column. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

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

// The set's words for a chunk: a bit for each place.
inline std::span<const std::uint64_t> chunk_words(const PlaceSet& places, std::uint32_t chunk) {
  const std::size_t first = std::size_t{chunk} * (column_chunk / 64);
  const std::size_t end = std::min(first + column_chunk / 64, places.words().size());
  return std::span(places.words()).subspan(first, end - first);
}

// visit(place), counted from the chunk's first, in order.
template <class Visit>
void for_each_in_chunk(const PlaceSet& places, std::uint32_t chunk, Visit&& visit) {
  std::uint32_t base = 0;
  for (std::uint64_t word : chunk_words(places, chunk)) {
    for (; word != 0; word &= word - 1) {
      visit(base + static_cast<std::uint32_t>(__builtin_ctzll(word)));
    }
    base += 64;
  }
}

// Whether any of the chunk's places is in the set.
inline bool any_in_chunk(const PlaceSet& places, std::uint32_t chunk) {
  return std::ranges::any_of(chunk_words(places, chunk),
                             [](std::uint64_t word) { return word != 0; });
}

// How many of the chunk's places are in the set.
inline std::uint32_t count_in_chunk(const PlaceSet& places, std::uint32_t chunk) {
  std::uint32_t count = 0;
  for (const std::uint64_t word : chunk_words(places, chunk)) {
    count += static_cast<std::uint32_t>(__builtin_popcountll(word));
  }
  return count;
}

}  // namespace jcn
