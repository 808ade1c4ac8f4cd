#include "text.h"

#include <utf8proc.h>

#include <algorithm>

#include "jcn/utf8.h"

namespace jcn {
namespace {

constexpr auto decompose_options = static_cast<utf8proc_option_t>(
    UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_IGNORE);
constexpr auto fold_options = static_cast<utf8proc_option_t>(decompose_options | UTF8PROC_CASEFOLD);
constexpr auto compose_options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
constexpr std::int32_t zero_width_space = 0x200B;
// The iota below a vowel: folding would make it a letter, modern spelling leaves it out.
constexpr std::int32_t ypogegrammeni = 0x0345;

// Lower case of ASCII letters and digits, 0 for all other bytes.
constexpr auto ascii_folds = [] {
  std::array<char, 256> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = c;
  for (char c = 'a'; c <= 'z'; ++c) {
    table[static_cast<unsigned char>(c)] = c;
    table[static_cast<unsigned char>(c - 'a' + 'A')] = c;
  }
  return table;
}();

enum class Sort : std::uint8_t { separator, letter, mark, invisible };

Sort sort_of(std::int32_t character) {
  const utf8proc_property_t* property = utf8proc_get_property(character);
  switch (property->category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_CO:
      return property->ignorable ? Sort::invisible : Sort::letter;  // U+115F and its like
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
      return property->ignorable ? Sort::invisible : Sort::mark;
    case UTF8PROC_CATEGORY_ME:
      return Sort::invisible;  // 1 in a keycap is 1
    default:
      return property->ignorable && character != zero_width_space ? Sort::invisible
                                                                  : Sort::separator;
  }
}

struct Interval {
  std::int32_t first, last;
};

template <std::size_t n>
bool within(const std::array<Interval, n>& intervals, std::int32_t character) {
  const auto after = std::upper_bound(
      intervals.begin(), intervals.end(), character,
      [](std::int32_t value, const Interval& interval) { return value < interval.first; });
  return after != intervals.begin() && character <= (after - 1)->last;
}

// Blocks of Unicode; utf8proc knows no scripts. Ascending.
constexpr std::array<Interval, 15> han_kana_hangul = {{
    {0x1100, 0x11FF},  // Hangul Jamo
    {0x3005, 0x3007},  // 々 〆 〇
    {0x3021, 0x3029},  // Hangzhou numerals
    {0x3031, 0x3035},  // kana repeat marks
    {0x3038, 0x303C},
    {0x3041, 0x30FF},  // Hiragana, Katakana
    {0x31F0, 0x31FF},  // Katakana extensions
    {0x3400, 0x4DBF},  // Han
    {0x4E00, 0x9FFF},
    {0xA960, 0xA97F},    // Hangul Jamo
    {0xAC00, 0xD7FF},    // Hangul
    {0xF900, 0xFAFF},    // Han, compatibility
    {0x16FE2, 0x16FF1},  // Han iteration marks
    {0x1AFF0, 0x1B16F},  // Kana
    {0x20000, 0x323AF},  // Han
}};
constexpr std::array<Interval, 14> latin_greek_cyrillic = {{
    {0x0030, 0x007A},
    {0x00AA, 0x024F},
    {0x0250, 0x02AF},  // IPA
    {0x0370, 0x03FF},  // Greek
    {0x0400, 0x052F},  // Cyrillic
    {0x1C80, 0x1C8F},
    {0x1D00, 0x1DBF},  // phonetic
    {0x1E00, 0x1EFF},  // Latin
    {0x1F00, 0x1FFF},  // Greek
    {0x2C60, 0x2C7F},  // Latin
    {0x2DE0, 0x2DFF},  // Cyrillic
    {0xA640, 0xA69F},
    {0xA720, 0xA7FF},  // Latin
    {0xAB30, 0xAB6F},
}};

// As are dropped behind Latin, Greek and Cyrillic letters.
bool is_accent(std::int32_t character) {
  return character >= 0x0300 && character <= 0x036F;
}

bool is_white_space(std::int32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

// Of a well-formed sequence.
std::int32_t decode(std::string_view text, std::size_t at, std::size_t length) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::int32_t>(static_cast<unsigned char>(text[at + i]));
  };
  switch (length) {
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
    case 3:
      return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    default:
      return (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 |
             (byte(3) & 0x3F);
  }
}

std::size_t encode(std::int32_t character, char* out) {
  return static_cast<std::size_t>(
      utf8proc_encode_char(character, reinterpret_cast<utf8proc_uint8_t*>(out)));
}

// What a character folds to, decomposed. Unicode's longest is of 18.
struct Folding {
  std::array<std::int32_t, 20> characters;
  std::size_t size = 0;
};

Folding decompose(std::int32_t character, utf8proc_option_t options) {
  Folding out;
  int boundary = UTF8PROC_BOUNDCLASS_START;
  const auto size = utf8proc_decompose_char(character, out.characters.data(),
                                            static_cast<utf8proc_ssize_t>(out.characters.size()),
                                            options, &boundary);
  out.size = std::min(static_cast<std::size_t>(std::max<utf8proc_ssize_t>(size, 0)),
                      out.characters.size());
  return out;
}

Folding fold(std::int32_t character) {
  return decompose(character, character == ypogegrammeni ? decompose_options : fold_options);
}

// Latin, Greek and Cyrillic letters in the blocks where most of them are, with what they fold to,
// accents taken off. Nothing composes with what is left, so no neighbour need be looked at.
class FoldedLetters {
 public:
  static const FoldedLetters& table() {
    static const FoldedLetters letters;
    return letters;
  }
  // Empty: it is no such letter.
  std::string_view find(std::int32_t character) const {
    if (character < low_end) return text(low_[static_cast<std::size_t>(character)]);
    if (character < high_begin || character >= high_end) return {};
    return text(high_[static_cast<std::size_t>(character - high_begin)]);
  }

 private:
  static constexpr std::int32_t low_end = 0x530, high_begin = 0x1E00, high_end = 0x2000;
  struct Entry {
    std::array<char, 7> bytes{};
    std::uint8_t size = 0;

    // False: it is no Latin, Greek or Cyrillic letter, or there is no room.
    bool add(std::int32_t character) {
      std::array<char, 4> more{};
      const std::size_t length = encode(character, more.data());
      if (sort_of(character) != Sort::letter || !within(latin_greek_cyrillic, character) ||
          size + length > bytes.size()) {
        return false;
      }
      std::copy_n(more.begin(), length, bytes.begin() + size);
      size = static_cast<std::uint8_t>(size + length);
      return true;
    }
  };

  FoldedLetters() {
    for (std::int32_t i = 0x80; i < low_end; ++i) low_[static_cast<std::size_t>(i)] = entry(i);
    for (std::int32_t i = high_begin; i < high_end; ++i) {
      high_[static_cast<std::size_t>(i - high_begin)] = entry(i);
    }
  }
  static std::string_view text(const Entry& entry) { return {entry.bytes.data(), entry.size}; }
  static Entry entry(std::int32_t character) {
    Entry out;
    if (sort_of(character) != Sort::letter) return {};
    const Folding whole = decompose(character, decompose_options);
    for (std::size_t i = 0; i < whole.size; ++i) {
      const Folding folding = fold(whole.characters[i]);
      for (std::size_t j = 0; j < folding.size; ++j) {
        if (!is_accent(folding.characters[j]) && !out.add(folding.characters[j])) return {};
      }
    }
    return out;
  }

  std::array<Entry, low_end> low_;
  std::array<Entry, high_end - high_begin> high_;
};

// What stands alone and, unless a mark follows, folds to itself: most of Chinese, Japanese and
// Korean text.
bool is_plain_alone(std::int32_t character) {
  return (character >= 0x4E00 && character <= 0x9FFF) ||
         (character >= 0x3041 && character <= 0x3096) ||
         (character >= 0x30A1 && character <= 0x30FA) || character == 0x30FC ||
         (character >= 0x3400 && character <= 0x4DBF) ||
         (character >= 0xAC00 && character <= 0xD7A3);
}

}  // namespace

bool Tokens::end() {
  joined_ = any_ && !space_;
  any_ = true;
  space_ = false;
  return true;
}

void Tokens::append(std::string_view bytes) {
  if (bytes.size() > limit_ - length_) {
    limit_ = length_;
    return;
  }
  std::copy(bytes.begin(), bytes.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(length_));
  length_ += bytes.size();
}

void Tokens::append(std::int32_t character) {
  std::array<char, 4> bytes;
  append(std::string_view(bytes.data(), encode(character, bytes.data())));
}

bool Tokens::next() {
  length_ = 0;
  limit_ = longest_token;
  for (;;) {
    Step step = Step::more;
    if (cluster_at_ < cluster_end_) {
      step = take_cluster();
    } else if (at_ == text_.size()) {
      return length_ != 0 && end();
    } else if (static_cast<unsigned char>(text_[at_]) < 0x80) {
      step = take_ascii();
    } else {
      step = take_character();
    }
    if (step == Step::ended) return end();
  }
}

// Up to what is no ASCII, or ends a token.
Tokens::Step Tokens::take_ascii() {
  const char* at = text_.data() + at_;
  const char* const last = text_.data() + text_.size();
  if (length_ == 0) {
    for (; at != last && ascii_folds[static_cast<unsigned char>(*at)] == 0; ++at) {
      if (static_cast<unsigned char>(*at) >= 0x80) break;
      space_ = space_ || is_white_space(*at);
    }
  }
  for (; at != last; ++at) {
    const char folded = ascii_folds[static_cast<unsigned char>(*at)];
    if (folded == 0) break;
    if (length_ < limit_) buffer_[length_++] = folded;
  }
  at_ = static_cast<std::size_t>(at - text_.data());
  const bool ended = length_ != 0 && at != last && static_cast<unsigned char>(*at) < 0x80;
  return ended ? Step::ended : Step::more;
}

// Step::ended leaves the character for the next token.
Tokens::Step Tokens::take_character() {
  const std::size_t size = utf8_length(text_, at_);
  if (size == 0) {
    if (length_ != 0) return Step::ended;
    ++at_;
    return Step::more;
  }
  const std::int32_t character = decode(text_, at_, size);
  if (const std::string_view letters = FoldedLetters::table().find(character); !letters.empty()) {
    at_ += size;
    append(letters);
    return Step::more;
  }
  if (is_plain_alone(character)) {
    if (length_ != 0) return Step::ended;
    const std::size_t behind = at_ + size, next_size = utf8_length(text_, behind);
    if (next_size == 1 || (next_size == 3 && is_plain_alone(decode(text_, behind, 3)))) {
      append(text_.substr(at_, size));
      at_ = behind;
      return Step::ended;
    }
  }
  switch (sort_of(character)) {
    case Sort::separator:
      if (length_ != 0) return Step::ended;
      space_ = space_ || is_white_space(character);
      at_ += size;
      break;
    case Sort::invisible:
      at_ += size;
      break;
    case Sort::mark:  // behind a letter that gather() need not see, or behind none
      at_ += size;
      if (length_ != 0 && !is_accent(character)) gather(character, false);
      break;
    case Sort::letter:
      at_ += size;
      gather(character, true);
      break;
  }
  return Step::more;
}

// Takes a character's marks, and what else composes with it, from the text; then folds the whole.
// `takes_accents` is of what stands before: a mark's letter may be in the token already.
void Tokens::gather(std::int32_t first, bool takes_accents) {
  std::size_t size = 0;
  const auto put = [&](const Folding& folding) {
    // Behind so many marks, more are noise.
    if (folding.size > cluster_.size() - size) return;
    std::copy_n(folding.characters.begin(), folding.size,
                cluster_.begin() + static_cast<std::ptrdiff_t>(size));
    size += folding.size;
  };
  put(fold(first));
  for (std::size_t bytes = 0; (bytes = utf8_length(text_, at_)) > 1; at_ += bytes) {
    const std::int32_t character = decode(text_, at_, bytes);
    const Sort sort = sort_of(character);
    if (sort == Sort::invisible) continue;
    if (sort == Sort::separator) break;
    const Folding folding = fold(character);
    if (sort == Sort::letter) {
      // Vowels and final consonants of Hangul, and the voicing marks among half-width Kana.
      const int kind = utf8proc_get_property(folding.characters[0])->boundclass;
      if (kind != UTF8PROC_BOUNDCLASS_V && kind != UTF8PROC_BOUNDCLASS_T &&
          sort_of(folding.characters[0]) != Sort::mark) {
        break;
      }
    }
    put(folding);
  }

  // Canonical order: marks by their classes.
  const auto class_of = [this](std::size_t i) {
    return utf8proc_get_property(cluster_[i])->combining_class;
  };
  for (std::size_t i = 1; i < size; ++i) {
    const auto mark_class = class_of(i);
    if (mark_class == 0) continue;
    for (std::size_t j = i; j > 0 && class_of(j - 1) > mark_class; --j) {
      std::swap(cluster_[j - 1], cluster_[j]);
    }
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::int32_t character = cluster_[i];
    if (is_accent(character) && !takes_accents) continue;
    if (class_of(i) == 0) takes_accents = !within(latin_greek_cyrillic, character);
    cluster_[kept++] = character;
  }
  const auto composed = utf8proc_normalize_utf32(
      cluster_.data(), static_cast<utf8proc_ssize_t>(kept), compose_options);
  cluster_at_ = 0;
  cluster_end_ = static_cast<std::size_t>(std::max<utf8proc_ssize_t>(composed, 0));
}

Tokens::Step Tokens::take_cluster() {
  while (cluster_at_ < cluster_end_) {
    const std::int32_t character = cluster_[cluster_at_];
    switch (sort_of(character)) {
      case Sort::letter:
        break;
      case Sort::mark:
        if (length_ != 0) append(character);
        ++cluster_at_;
        continue;
      case Sort::separator:
        if (length_ != 0) return Step::ended;
        ++cluster_at_;
        continue;
      case Sort::invisible:
        ++cluster_at_;
        continue;
    }
    const bool alone = within(han_kana_hangul, character);
    if (alone && length_ != 0) return Step::ended;
    append(character);
    ++cluster_at_;
    if (!alone) continue;
    while (cluster_at_ < cluster_end_ && sort_of(cluster_[cluster_at_]) == Sort::mark) {
      append(cluster_[cluster_at_++]);
    }
    return Step::ended;
  }
  return Step::more;
}

}  // namespace jcn
