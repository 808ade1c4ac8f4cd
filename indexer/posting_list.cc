#include "posting_list.h"

#include <algorithm>
#include <array>
#include <bit>

#include "encoding.h"

namespace jcn {
namespace {

constexpr char form_all = 0, form_skips = 1, form_bitmap = 2, form_apart = 3;

std::size_t varint_bytes(std::uint32_t value) {
  return 1 + static_cast<std::size_t>(std::bit_width(value | 1U) - 1) / 7;
}

char* put_varint(char* out, std::uint32_t value) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<char>(value | 0x80);
  *out++ = static_cast<char>(value);
  return out;
}

std::uint64_t load_le64(const char* bytes) {
  std::uint64_t word = 0;
  for (unsigned i = 0; i < 8; ++i) {
    word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << 8 * i;
  }
  return word;
}

// Fewer than eight bytes.
std::uint64_t load_le(std::string_view bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    word = word << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return word;
}

// The bits that two sets share. Nearly every processor counts a word's in one instruction, but what
// is built for any x86-64 has to ask first.
template <class Word>  // word(i)
[[gnu::always_inline]] inline std::uint64_t sum_bits(std::size_t words, Word&& word) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < words; ++i) {
    count += static_cast<unsigned>(__builtin_popcountll(word(i)));
  }
  return count;
}

using Words = std::vector<std::uint64_t>;

#if defined(__x86_64__)
[[gnu::target("popcnt")]] std::uint64_t count_bits_at_once(const Words& a, const Words& b) {
  return sum_bits(a.size(), [&](std::size_t i) { return a[i] & b[i]; });
}
#endif

std::uint64_t count_bits(const Words& a, const Words& b) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("popcnt")) return count_bits_at_once(a, b);
#endif
  return sum_bits(a.size(), [&](std::size_t i) { return a[i] & b[i]; });
}

// Whether a bitmap of so many bytes, the first of which is `byte`, is one of `places` places.
bool fits(std::size_t bytes, std::uint32_t byte, std::uint32_t places) {
  const std::size_t all = (std::size_t{places} + 7) / 8;
  return byte <= all && bytes <= all - byte;
}

using Numbers = std::vector<std::uint32_t>;

// What forms take, without the byte that tells them.
std::size_t skips_bytes(const Numbers& places) {
  std::size_t bytes = 0;
  std::uint32_t least = 0;
  for (const std::uint32_t place : places) {
    bytes += varint_bytes(place - least);
    least = place + 1;
  }
  return bytes;
}

std::size_t bitmap_bytes(const Numbers& places) {
  const std::uint32_t first = places.front() / 8;
  return varint_bytes(first) + places.back() / 8 - first + 1;
}

std::size_t payload_bytes(const Numbers& payloads) {
  std::size_t bytes = 0;
  for (const std::uint32_t payload : payloads) bytes += varint_bytes(payload);
  return bytes;
}

std::string encode_skips(const Numbers& places, const Numbers& payloads, std::size_t bytes) {
  std::string out(1 + bytes, form_skips);
  char* at = out.data() + 1;
  std::uint32_t least = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    at = put_varint(at, places[i] - least);
    if (!payloads.empty()) at = put_varint(at, payloads[i]);
    least = places[i] + 1;
  }
  return out;
}

std::string encode_bitmap(const Numbers& places) {
  std::string out(1 + bitmap_bytes(places), '\0');
  out.front() = form_bitmap;
  const std::uint32_t first = places.front() / 8;
  const char* const bitmap = put_varint(out.data() + 1, first);
  const auto begin = static_cast<std::size_t>(bitmap - out.data());
  for (const std::uint32_t place : places) {
    char& byte = out[begin + place / 8 - first];
    byte = static_cast<char>(byte | 1 << place % 8);
  }
  return out;
}

std::string encode_places(const Numbers& places, std::uint32_t range) {
  if (places.size() == range) return std::string(1, form_all);
  const std::size_t skips = skips_bytes(places);
  if (!places.empty() && bitmap_bytes(places) < skips) return encode_bitmap(places);
  return encode_skips(places, {}, skips);
}

// The most frequent of those that take one byte, as frequent ones do.
std::uint32_t most_usual(const Numbers& payloads) {
  std::array<std::uint32_t, 128> counts{};
  for (const std::uint32_t payload : payloads) {
    if (payload < counts.size()) ++counts[payload];
  }
  return static_cast<std::uint32_t>(std::max_element(counts.begin(), counts.end()) -
                                    counts.begin());
}

std::string encode_with_payloads(const Numbers& places, const Numbers& payloads,
                                 std::uint32_t range) {
  const std::size_t together = skips_bytes(places) + payload_bytes(payloads);
  if (places.size() <= 2) return encode_skips(places, payloads, together);  // never longer
  const std::uint32_t usual = most_usual(payloads);
  std::size_t apart = varint_bytes(usual) + (payloads.size() + 7) / 8;
  for (const std::uint32_t payload : payloads) {
    if (payload != usual) apart += varint_bytes(payload);
  }
  const std::string list = encode_places(places, range);
  const auto length = static_cast<std::uint32_t>(list.size());
  apart += varint_bytes(length) + length;
  if (together <= apart) return encode_skips(places, payloads, together);

  std::string out(1 + apart, form_apart);
  char* at = put_varint(out.data() + 1, length);
  at = put_varint(std::copy(list.begin(), list.end(), at), usual);
  for (std::size_t i = 0; i < payloads.size(); i += 8) {
    char& others = *at++;
    others = 0;
    for (std::size_t j = i; j < std::min(i + 8, payloads.size()); ++j) {
      if (payloads[j] == usual) continue;
      others = static_cast<char>(others | 1 << (j - i));
      at = put_varint(at, payloads[j]);
    }
  }
  return out;
}

}  // namespace

PlaceSet::PlaceSet(std::uint32_t places, bool all)
    : size_(places),
      words_((std::size_t{places} + 63) / 64, all ? ~std::uint64_t{0} : std::uint64_t{0}) {
  if (!words_.empty()) words_.back() &= last_word_mask();
}

std::uint64_t PlaceSet::count() const {
  return count_bits(words_, words_);
}

std::uint64_t PlaceSet::count_common(const PlaceSet& other) const {
  return count_bits(words_, other.words_);
}

bool PlaceSet::none() const {
  return std::all_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word == 0; });
}

PlaceSet& PlaceSet::operator&=(const PlaceSet& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  return *this;
}

PlaceSet& PlaceSet::operator|=(const PlaceSet& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  return *this;
}

PlaceSet& PlaceSet::subtract(const PlaceSet& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= ~other.words_[i];
  return *this;
}

void PlaceSet::invert() {
  for (std::uint64_t& word : words_) word = ~word;
  if (!words_.empty()) words_.back() &= last_word_mask();
}

std::uint32_t PlaceSet::next(std::uint32_t from) const {
  if (from >= size_) return size_;
  std::size_t i = from >> 6;
  std::uint64_t word = words_[i] & ~std::uint64_t{0} << (from & 63);
  while (word == 0) {
    if (++i == words_.size()) return size_;
    word = words_[i];
  }
  return static_cast<std::uint32_t>(i * 64 + static_cast<unsigned>(std::countr_zero(word)));
}

bool PlaceSet::add_bitmap(std::string_view bitmap, std::uint32_t byte) {
  if (!fits(bitmap.size(), byte, size_)) return false;
  std::size_t at = 0, word = byte / 8;
  if (const unsigned odd = byte % 8; odd != 0) {
    at = std::min<std::size_t>(8 - odd, bitmap.size());
    words_[word++] |= load_le(bitmap.substr(0, at)) << 8 * odd;
  }
  for (; at + 8 <= bitmap.size(); at += 8) words_[word++] |= load_le64(bitmap.data() + at);
  if (at < bitmap.size()) words_[word] |= load_le(bitmap.substr(at));
  if (words_.empty() || (words_.back() & ~last_word_mask()) == 0) return true;
  words_.back() &= last_word_mask();
  return false;
}

std::string encode_postings(const std::vector<std::uint32_t>& places,
                            const std::vector<std::uint32_t>& payloads, std::uint32_t range) {
  return payloads.empty() ? encode_places(places, range)
                          : encode_with_payloads(places, payloads, range);
}

PostingReader::PostingReader(std::string_view bytes, std::uint32_t range, bool with_payloads)
    : range_(range) {
  if (!open(bytes, with_payloads)) fail();
}

bool PostingReader::open(std::string_view bytes, bool with_payloads) {
  if (!with_payloads) return open_places(bytes);
  if (bytes.starts_with(form_skips)) {
    payloads_ = Payloads::behind_each;
    return open_places(bytes);
  }
  if (!bytes.starts_with(form_apart)) return false;
  payloads_ = Payloads::apart;
  payload_at_ = bytes.data() + 1;
  payload_end_ = bytes.data() + bytes.size();
  std::uint32_t length = 0;
  if (!read_varint(payload_at_, payload_end_, length) ||
      length > static_cast<std::size_t>(payload_end_ - payload_at_)) {
    return false;
  }
  const std::string_view places(payload_at_, length);
  payload_at_ += length;
  return read_varint(payload_at_, payload_end_, usual_) && open_places(places);
}

bool PostingReader::open_places(std::string_view bytes) {
  if (bytes.empty()) return false;
  at_ = bytes.data() + 1;
  end_ = bytes.data() + bytes.size();
  switch (bytes.front()) {
    case form_all:
      form_ = Form::all;
      return at_ == end_;
    case form_skips:
      form_ = Form::skips;
      return true;
    case form_bitmap: {
      form_ = Form::bitmap;
      std::uint32_t first = 0;
      if (!read_varint(at_, end_, first)) return false;
      ahead_ = std::uint64_t{first} * 8;
      return fits(static_cast<std::size_t>(end_ - at_), first, range_);
    }
    default:
      return false;
  }
}

// The next eight bytes, or what is left, that are not all 0.
bool PostingReader::load_word() {
  while (word_ == 0 && at_ != end_) {
    const auto left = std::min(end_ - at_, std::ptrdiff_t{8});
    word_ = left == 8 ? load_le64(at_) : load_le({at_, static_cast<std::size_t>(left)});
    at_ += left;
    base_ = ahead_;
    ahead_ += 64;
  }
  return word_ != 0;
}

// Behind the last place; with payloads apart, theirs must be used up too.
bool PostingReader::end() {
  // Of the last eight flags, those without a place are 0.
  while (others_ > 1 && (others_ & 1U) == 0) others_ >>= 1;
  if (payload_at_ != payload_end_ || others_ != 1) return fail();
  return false;
}

bool PostingReader::fail() {
  ok_ = false;
  // Nothing follows.
  form_ = Form::skips;
  at_ = end_;
  payload_at_ = payload_end_;
  others_ = 1;
  return false;
}

bool add_postings(std::string_view bytes, std::uint32_t range, bool with_payloads, PlaceSet& set) {
  if (with_payloads && bytes.starts_with(form_apart)) {
    ByteReader reader(bytes.substr(1));
    const std::string_view places = reader.text();
    return reader.ok() && add_postings(places, range, false, set);
  }
  if (!with_payloads && set.size() == range && bytes.starts_with(form_bitmap)) {
    ByteReader reader(bytes.substr(1));
    const std::uint32_t first = reader.varint32();
    return reader.ok() && set.add_bitmap(reader.rest(), first);
  }
  if (!with_payloads && set.size() == range && bytes.size() == 1 && bytes.front() == form_all) {
    set = PlaceSet(range, true);
    return true;
  }
  PostingReader reader(bytes, range, with_payloads);
  while (reader.next()) set.set(reader.place());
  return reader.ok();
}

}  // namespace jcn
