// Posting lists: which records have a value, as places in their kind's range of a segment (local
// number less the kind's first), and for words a payload each. Pure, thread-safe.
//
// A list has the smallest of the forms that its first byte tells apart:
//
//   00                                     every place of the range
//   01  (skipped varint, payload varint)*  so many places lie before this one, behind the last
//   02  byte varint  bitmap                whose lowest bit is the place 8 × byte
//   03  length varint  list                the places, in the form that has no payloads
//       usual varint  (others u8  payload varint*)*
//
// 00 and 02 have no payloads, nor has 01 where there are none; 03 is for places with payloads. Its
// `others` are one for every eight places, the lowest bit for the first: where it is set a payload
// of its own follows, where not the payload is `usual`. Bits beyond the last place are 0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jcn {

// A set of places, one bit each. Bits of the last word beyond size() are always 0, so words can be
// counted and compared as they are.
class PlaceSet {
 public:
  explicit PlaceSet(std::uint32_t places = 0, bool all = false);
  std::uint32_t size() const { return size_; }  // places, not bits set
  void set(std::uint32_t place) { words_[place >> 6] |= std::uint64_t{1} << (place & 63); }
  // Sets those of eight places from `place` on whose bit is set, lowest first; none beyond the end.
  void set_eight(std::uint32_t place, std::uint8_t bits) {
    const unsigned shift = place & 63;
    words_[place >> 6] |= std::uint64_t{bits} << shift;
    if (shift > 56 && (bits >> (64 - shift)) != 0) {
      words_[(place >> 6) + 1] |= std::uint64_t{bits} >> (64 - shift);
    }
  }
  // The same of 64 places, the first of which is a multiple of 64.
  void add_word(std::uint32_t place, std::uint64_t bits) { words_[place >> 6] |= bits; }
  void reset(std::uint32_t place) { words_[place >> 6] &= ~(std::uint64_t{1} << (place & 63)); }
  bool test(std::uint32_t place) const { return (words_[place >> 6] >> (place & 63) & 1) != 0; }
  std::uint64_t count() const;
  std::uint64_t count_common(const PlaceSet& other) const;  // of both; of the same size
  bool none() const;
  PlaceSet& operator&=(const PlaceSet& other);  // of the same size, as the next two
  PlaceSet& operator|=(const PlaceSet& other);
  PlaceSet& subtract(const PlaceSet& other);
  void invert();
  // The first place set at or behind `from`; size() when there is none.
  std::uint32_t next(std::uint32_t from) const;
  template <class Visit>  // visit(place) in order
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1) {
        visit(static_cast<std::uint32_t>(i * 64 + static_cast<unsigned>(__builtin_ctzll(word))));
      }
    }
  }
  const std::vector<std::uint64_t>& words() const { return words_; }
  // Adds what a bitmap says, lowest bit first, of which bit 0 is the place 8 * byte; false: it
  // reaches beyond the set's last place.
  bool add_bitmap(std::string_view bitmap, std::uint32_t byte);
  bool operator==(const PlaceSet&) const = default;

 private:
  std::uint64_t last_word_mask() const {
    return size_ % 64 == 0 ? ~std::uint64_t{0} : (std::uint64_t{1} << size_ % 64) - 1;
  }

  std::uint32_t size_;
  std::vector<std::uint64_t> words_;
};

// `places` ascends; `payloads` is empty or as long. `range` is the number of places there are.
std::string encode_postings(const std::vector<std::uint32_t>& places,
                            const std::vector<std::uint32_t>& payloads, std::uint32_t range);

// Goes through a list made by encode_postings: its places ascend and are below the range, whatever
// the bytes. Malformed bytes end it and make ok() false.
class PostingReader {
 public:
  PostingReader(std::string_view bytes, std::uint32_t range, bool with_payloads);
  bool next() {
    if (!next_place()) return false;
    return payloads_ == Payloads::none || next_payload();
  }
  std::uint32_t place() const { return place_; }
  std::uint32_t payload() const { return payload_; }
  bool ok() const { return ok_; }

 private:
  enum class Form : std::uint8_t { all, skips, bitmap };
  enum class Payloads : std::uint8_t { none, behind_each, apart };

  bool open(std::string_view bytes, bool with_payloads);
  bool open_places(std::string_view bytes);
  bool next_place();
  bool next_payload();
  bool load_word();
  bool end();
  bool fail();
  static bool read_varint(const char*& at, const char* end, std::uint32_t& value);

  Form form_ = Form::skips;
  Payloads payloads_ = Payloads::none;
  bool ok_ = true;
  std::uint32_t range_;
  std::uint32_t place_ = 0, payload_ = 0;
  std::uint32_t least_ = 0;   // the next place is this or a later one
  const char* at_ = nullptr;  // places
  const char* end_ = nullptr;
  std::uint64_t word_ = 0;            // bitmap: bits read and not yet given
  std::uint64_t base_ = 0;            // bitmap: the place of the word's lowest bit
  std::uint64_t ahead_ = 0;           // bitmap: the place of the lowest bit at at_
  const char* payload_at_ = nullptr;  // payloads that stand apart
  const char* payload_end_ = nullptr;
  std::uint32_t usual_ = 0;
  std::uint32_t others_ = 1;  // flags not yet used up, below a bit that is always set
};

// Sets the places of a list in a set of at least `range` places; false: malformed, and some of them
// may have been set. Payloads that stand apart are not looked at.
bool add_postings(std::string_view bytes, std::uint32_t range, bool with_payloads, PlaceSet& set);

inline bool PostingReader::read_varint(const char*& at, const char* end, std::uint32_t& value) {
  std::uint64_t sum = 0;
  for (unsigned shift = 0; at != end && shift < 35; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    sum |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) {
      value = static_cast<std::uint32_t>(sum);
      return sum >> 32 == 0;
    }
  }
  return false;
}

inline bool PostingReader::next_place() {
  switch (form_) {
    case Form::all:
      if (least_ == range_) return end();
      place_ = least_++;
      return true;
    case Form::skips: {
      if (at_ == end_) return end();
      std::uint32_t skipped = 0;
      if (!read_varint(at_, end_, skipped) || skipped >= range_ - least_) return fail();
      place_ = least_ + skipped;
      least_ = place_ + 1;
      return true;
    }
    case Form::bitmap: {
      if (word_ == 0 && !load_word()) return end();
      const std::uint64_t place = base_ + static_cast<unsigned>(__builtin_ctzll(word_));
      word_ &= word_ - 1;
      if (place >= range_) return fail();
      place_ = static_cast<std::uint32_t>(place);
      return true;
    }
  }
  return false;
}

inline bool PostingReader::next_payload() {
  if (payloads_ == Payloads::behind_each) {
    return read_varint(at_, end_, payload_) || fail();
  }
  if (others_ == 1) {
    if (payload_at_ == payload_end_) return fail();
    others_ = 0x100U | static_cast<unsigned char>(*payload_at_++);
  }
  const bool other = others_ & 1U;
  others_ >>= 1;
  payload_ = usual_;
  return !other || read_varint(payload_at_, payload_end_, payload_) || fail();
}

}  // namespace jcn
