// Columns: a field's values by place, as ordinals of its dictionary, in chunks of 4,096 places.
// Pure, thread-safe.
//
// A chunk has the smallest of three forms, a byte each at its begin, and all in it little-endian.
// Ordinals take `width` bytes each, 1 to 4.
//
//   dense   01 width u8  00  (ordinal + 1, 0 where the place has none)*
//           one for each place; an ordinal of 4,294,967,295 would have no room
//   sparse  02 width u8  place u16le*  ordinal*
//           as many ordinals as places; a place with several ordinals stands there as often
//   many    03 width u8  end width u8 (2 or 4)  end*  ordinal*
//           the ordinals of the i-th place are those from end i-1 (0 for the first) to end i
//
// Places and ends never descend, nor do the ordinals of one place. No bytes at all are a chunk in
// which no place has an ordinal.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jcn {

inline constexpr std::uint32_t column_chunk = 4096;

// A chunk's content: of the i-th place the ordinals from ends[i-1] to ends[i], ascending.
struct ColumnChunk {
  std::vector<std::uint32_t> ends;  // one per place of the chunk
  std::vector<std::uint32_t> ordinals;
};
// Empty when no place has an ordinal.
std::string encode_column_chunk(const ColumnChunk& chunk);

// Reads a chunk in place, without unpacking it. Invariants, which open() establishes: whatever the
// bytes, no access leaves them, and no place beyond the chunk's is visited. Ordinals are what the
// bytes say: whether the dictionary has them is for the reader to see to.
class ColumnChunkView {
 public:
  ColumnChunkView() = default;  // no place has an ordinal
  // Absent: malformed. `places` is how many the chunk covers, at most column_chunk.
  static std::optional<ColumnChunkView> open(std::string_view bytes, std::uint32_t places);

  // Of places below those given to open(). -1: the place has none.
  std::int64_t smallest(std::uint32_t place) const;
  std::int64_t largest(std::uint32_t place) const;
  template <class Visit>  // visit(ordinal), ascending
  void for_each(std::uint32_t place, Visit&& visit) const;
  // The same for one place after another, ascending: faster. `hint` is 0 at first.
  template <class Visit>
  void for_each(std::uint32_t place, std::uint32_t& hint, Visit&& visit) const;
  // visit(place, ordinal) for all there are, by place, then ordinal.
  template <class Visit>
  void for_each_present(Visit&& visit) const;

  // No place has an ordinal.
  bool empty() const { return form_ == Form::none; }
  // No place has more than one, and dense_ordinal() may be asked.
  bool dense() const { return form_ == Form::dense; }
  // The ordinal plus one; 0: the place has none.
  std::uint32_t dense_ordinal(std::uint32_t place) const { return ordinal_at(place); }
  // A bit for each of up to 64 places of a dense chunk, `place` and those behind it, lowest first:
  // its ordinal is `begin` or one of the `size` - 1 behind.
  std::uint64_t dense_inside(std::uint32_t place, std::uint32_t begin, std::uint32_t size) const;

 private:
  enum class Form : std::uint8_t { none, dense, sparse, many };
  struct Range {
    std::uint32_t begin = 0, end = 0;
  };

  // Reads four bytes that end with the number's: at least three stand before every ordinal.
  std::uint32_t ordinal_at(std::uint32_t i) const {
    return read_le32(ordinals_ + std::size_t{i} * width_) >> shift_;
  }
  std::uint32_t place_at(std::uint32_t i) const { return read_le16(index_ + std::size_t{i} * 2); }
  std::uint32_t end_at(std::uint32_t place) const {
    return end_width_ == 2 ? read_le16(index_ + std::size_t{place} * 2)
                           : read_le32(index_ + std::size_t{place} * 4);
  }
  static std::uint32_t read_le16(const char* bytes) {
    unsigned char b[2];
    std::memcpy(b, bytes, sizeof b);
    return b[0] | std::uint32_t{b[1]} << 8;
  }
  static std::uint32_t read_le32(const char* bytes) {
    unsigned char b[4];
    std::memcpy(b, bytes, sizeof b);
    return b[0] | std::uint32_t{b[1]} << 8 | std::uint32_t{b[2]} << 16 | std::uint32_t{b[3]} << 24;
  }
  // Those of a place among the ordinals of a chunk that is sparse or many.
  Range range_of(std::uint32_t place) const;

  Form form_ = Form::none;
  std::uint8_t width_ = 1, shift_ = 0, end_width_ = 2;
  std::uint32_t places_ = 0;
  std::uint32_t count_ = 0;         // of the ordinals
  const char* index_ = nullptr;     // places, or ends
  const char* ordinals_ = nullptr;  // 4 - width bytes before the first
};

template <class Visit>
void ColumnChunkView::for_each(std::uint32_t place, Visit&& visit) const {
  if (form_ == Form::dense) {
    if (const std::uint32_t ordinal = ordinal_at(place); ordinal != 0) visit(ordinal - 1);
    return;
  }
  const Range range = range_of(place);
  for (std::uint32_t i = range.begin; i < range.end; ++i) visit(ordinal_at(i));
}

template <class Visit>
void ColumnChunkView::for_each(std::uint32_t place, std::uint32_t& hint, Visit&& visit) const {
  if (form_ != Form::sparse) return for_each(place, visit);
  constexpr std::uint32_t stride = 16;
  while (hint + stride < count_ && place_at(hint + stride) < place) hint += stride;
  while (hint < count_ && place_at(hint) < place) ++hint;
  for (; hint < count_ && place_at(hint) == place; ++hint) visit(ordinal_at(hint));
}

template <class Visit>
void ColumnChunkView::for_each_present(Visit&& visit) const {
  switch (form_) {
    case Form::none:
      return;
    case Form::dense:
      for (std::uint32_t place = 0; place < places_; ++place) {
        if (const std::uint32_t ordinal = ordinal_at(place); ordinal != 0) {
          visit(place, ordinal - 1);
        }
      }
      return;
    case Form::sparse:
      for (std::uint32_t i = 0; i < count_; ++i) visit(place_at(i), ordinal_at(i));
      return;
    case Form::many:
      for (std::uint32_t place = 0, i = 0; place < places_; ++place) {
        for (const std::uint32_t end = end_at(place); i < end; ++i) visit(place, ordinal_at(i));
      }
      return;
  }
}

}  // namespace jcn
