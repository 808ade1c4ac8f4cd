#include "columns.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace jcn {
namespace {

constexpr char form_dense = 1, form_sparse = 2, form_many = 3;

unsigned width_of(std::uint32_t largest) {
  return std::max(1U, (static_cast<unsigned>(std::bit_width(largest)) + 7) / 8);
}

void put(std::string& out, std::uint32_t value, unsigned width) {
  for (unsigned i = 0; i < width; ++i) out += static_cast<char>(value >> 8 * i);
}

// Calls visit(place, begin, end) for places that have ordinals.
template <class Visit>
void for_each_place(const ColumnChunk& chunk, Visit&& visit) {
  std::uint32_t begin = 0;
  for (std::uint32_t place = 0; place < chunk.ends.size(); ++place) {
    const std::uint32_t end = chunk.ends[place];
    if (begin < end) visit(place, begin, end);
    begin = end;
  }
}

std::string encode_dense(const ColumnChunk& chunk, unsigned width) {
  std::string out = {form_dense, static_cast<char>(width), 0};
  out.resize(out.size() + chunk.ends.size() * width);
  for_each_place(chunk, [&](std::uint32_t place, std::uint32_t begin, std::uint32_t) {
    for (unsigned i = 0; i < width; ++i) {
      out[3 + std::size_t{place} * width + i] =
          static_cast<char>((chunk.ordinals[begin] + 1) >> 8 * i);
    }
  });
  return out;
}

}  // namespace

std::string encode_column_chunk(const ColumnChunk& chunk) {
  const std::size_t places = chunk.ends.size(), count = chunk.ordinals.size();
  if (count == 0) return {};
  std::uint32_t largest = 0;
  for (const std::uint32_t ordinal : chunk.ordinals) largest = std::max(largest, ordinal);
  bool single = largest < std::numeric_limits<std::uint32_t>::max();
  for_each_place(chunk, [&single](std::uint32_t, std::uint32_t begin, std::uint32_t end) {
    single = single && end - begin == 1;
  });
  const unsigned width = width_of(largest);
  const unsigned end_width = count > 0xffff ? 4 : 2;
  const std::size_t sparse = 2 + count * (2 + width);
  const std::size_t many = 3 + places * end_width + count * width;
  if (single) {
    const unsigned dense_width = width_of(largest + 1);
    if (3 + places * dense_width <= std::min(sparse, many)) return encode_dense(chunk, dense_width);
  }
  std::string out;
  out.reserve(std::min(sparse, many));
  if (sparse <= many) {
    out = {form_sparse, static_cast<char>(width)};
    for_each_place(chunk, [&out](std::uint32_t place, std::uint32_t begin, std::uint32_t end) {
      for (; begin < end; ++begin) put(out, place, 2);
    });
  } else {
    out = {form_many, static_cast<char>(width), static_cast<char>(end_width)};
    for (const std::uint32_t end : chunk.ends) put(out, end, end_width);
  }
  for (const std::uint32_t ordinal : chunk.ordinals) put(out, ordinal, width);
  return out;
}

namespace {

// 64 numbers that are each an ordinal plus one, or 0. Written so that compilers make vector
// instructions of it: a comparison in the numbers' own width, then eight bytes of 0 or 1 to bits.
template <class Number>
std::uint64_t inside_of_64(const char* numbers, std::uint32_t begin, std::uint32_t size) {
  constexpr std::uint64_t largest = std::numeric_limits<Number>::max();
  if (begin >= largest || size == 0) return 0;
  const auto first = static_cast<Number>(begin + 1);
  const auto last = static_cast<Number>(std::min(largest, std::uint64_t{begin} + size));
  Number read[64];
  std::memcpy(read, numbers, sizeof read);
  std::uint8_t flags[64];
  for (unsigned i = 0; i < 64; ++i) flags[i] = (read[i] >= first) & (read[i] <= last);
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < 64; i += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, flags + i, sizeof eight);
    // Moves the lowest bit of the i-th byte to bit 56 + i.
    bits |= (eight * 0x0102040810204080 >> 56) << i;
  }
  return bits;
}

}  // namespace

std::optional<ColumnChunkView> ColumnChunkView::open(std::string_view bytes, std::uint32_t places) {
  ColumnChunkView view;
  if (bytes.empty()) return view;
  // Each form has three bytes before its first ordinal: sparse ones, of two places at least.
  if (bytes.size() < 4 || places > column_chunk) return std::nullopt;
  view.places_ = places;
  view.width_ = static_cast<std::uint8_t>(bytes[1]);
  if (view.width_ < 1 || view.width_ > 4) return std::nullopt;
  view.shift_ = static_cast<std::uint8_t>(32 - 8 * view.width_);
  std::size_t header = 3;
  if (bytes[0] == form_dense) {
    view.form_ = Form::dense;
    if (bytes[2] != 0 || bytes.size() != header + std::size_t{places} * view.width_) {
      return std::nullopt;
    }
  } else if (bytes[0] == form_sparse) {
    view.form_ = Form::sparse;
    header = 2;
    const std::size_t each = 2U + view.width_;
    const std::size_t count = (bytes.size() - header) / each;
    if (header + count * each != bytes.size()) return std::nullopt;
    view.count_ = static_cast<std::uint32_t>(count);
    view.index_ = bytes.data() + header;
    bool descends = false;
    for (std::uint32_t i = 1; i < view.count_; ++i) {
      descends |= view.place_at(i) < view.place_at(i - 1);
    }
    if (descends || (count != 0 && view.place_at(view.count_ - 1) >= places)) return std::nullopt;
    header += count * 2;
  } else if (bytes[0] == form_many) {
    view.form_ = Form::many;
    view.end_width_ = static_cast<std::uint8_t>(bytes[2]);
    if (view.end_width_ != 2 && view.end_width_ != 4) return std::nullopt;
    const std::size_t ends = std::size_t{places} * view.end_width_;
    if (bytes.size() - header < ends) return std::nullopt;
    view.index_ = bytes.data() + header;
    bool descends = false;
    for (std::uint32_t place = 1; place < places; ++place) {
      descends |= view.end_at(place) < view.end_at(place - 1);
    }
    if (descends) return std::nullopt;
    view.count_ = places == 0 ? 0 : view.end_at(places - 1);
    header += ends;
    if (bytes.size() - header != std::size_t{view.count_} * view.width_) return std::nullopt;
  } else {
    return std::nullopt;
  }
  view.ordinals_ = bytes.data() + header - (4 - view.width_);
  return view;
}

std::uint64_t ColumnChunkView::dense_inside(std::uint32_t place, std::uint32_t begin,
                                            std::uint32_t size) const {
  const std::uint32_t count = std::min(64U, places_ - place);
  if (std::endian::native == std::endian::little && count == 64) {
    const char* numbers = ordinals_ + (4 - width_) + std::size_t{place} * width_;
    if (width_ == 1) return inside_of_64<std::uint8_t>(numbers, begin, size);
    if (width_ == 2) return inside_of_64<std::uint16_t>(numbers, begin, size);
    if (width_ == 4) return inside_of_64<std::uint32_t>(numbers, begin, size);
  }
  std::uint64_t bits = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    // Of one that is absent: 0 less 1 less begin, which is beyond any range.
    bits |= std::uint64_t{dense_ordinal(place + i) - 1 - begin < size} << i;
  }
  return bits;
}

ColumnChunkView::Range ColumnChunkView::range_of(std::uint32_t place) const {
  if (form_ == Form::many) return {place == 0 ? 0 : end_at(place - 1), end_at(place)};
  if (form_ == Form::none) return {};
  std::uint32_t low = 0, high = count_;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (place_at(middle) < place) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  while (high < count_ && place_at(high) == place) ++high;
  return {low, high};
}

std::int64_t ColumnChunkView::smallest(std::uint32_t place) const {
  if (form_ == Form::dense) return std::int64_t{ordinal_at(place)} - 1;
  const Range range = range_of(place);
  return range.begin == range.end ? -1 : std::int64_t{ordinal_at(range.begin)};
}

std::int64_t ColumnChunkView::largest(std::uint32_t place) const {
  if (form_ == Form::dense) return std::int64_t{ordinal_at(place)} - 1;
  const Range range = range_of(place);
  return range.begin == range.end ? -1 : std::int64_t{ordinal_at(range.end - 1)};
}

}  // namespace jcn
