// Text: what a word is. Text is cut into tokens: runs of letters, numbers and private-use
// characters (Unicode's categories L, N and Co), as SQLite's unicode61 does; marks continue a run.
// Each Han, Kana and Hangul character is a token of its own, so that any piece of such text is
// found as a phrase. Tokens are folded: Unicode's NFKC_Casefold, then marks taken off Latin, Greek
// and Cyrillic letters. Pure, thread-safe.
//
// A character is judged before it is folded, so that signs (™, ㎏) separate; what letters and
// numbers fold to is judged again: ½ gives the tokens 1 and 2. Characters that are not to be seen
// (a soft hyphen, joiners) are not there, but a zero width space separates.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jcn {

inline constexpr std::size_t longest_token = 64;  // bytes; what is longer is cut at a character

// Goes through the tokens of a text that is not quoted; ill-formed UTF-8 separates.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}
  Tokens(const Tokens&) = delete;
  Tokens& operator=(const Tokens&) = delete;
  bool next();
  // Folded. Lasts until the next call.
  std::string_view token() const { return {buffer_.data(), length_}; }
  // No white space between this token and the one before.
  bool joined() const { return joined_; }
  // The text's offset behind it.
  std::size_t at() const { return at_; }

 private:
  // What a step says of the token under way.
  enum class Step : std::uint8_t { more, ended };

  bool end();
  Step take_ascii();
  Step take_character();
  Step take_cluster();
  void gather(std::int32_t first, bool takes_accents);
  void append(std::int32_t character);
  void append(std::string_view bytes);

  std::string_view text_;
  std::size_t at_ = 0;
  // The token under way. Behind limit_ it takes nothing more, so that it is a beginning of its
  // word.
  std::array<char, longest_token> buffer_;
  std::size_t length_ = 0, limit_ = longest_token;
  bool any_ = false, space_ = false, joined_ = false;  // space_: since the last token
  // A character and its marks, folded and composed, as far as no token has them.
  std::array<std::int32_t, 64> cluster_;
  std::size_t cluster_at_ = 0, cluster_end_ = 0;
};

// What a search asks for: all of its phrases.
struct SearchPhrase {
  std::vector<std::string> tokens;  // one or more, next to each other in one string
  bool prefix = false;              // the last token is only a beginning
  bool operator==(const SearchPhrase&) const = default;
};
// White space separates; "…" is a phrase (an absent closing quote is forgiven); a * right behind a
// word or a closing quote makes the last token a prefix; what gives no token is left out. A word of
// several tokens (node.js, 日本) is a phrase. Empty: nothing to search for.
std::vector<SearchPhrase> parse_search(std::string_view text);

// How often a phrase is in a text that is not quoted: occurrences may overlap.
std::uint32_t count_phrase(std::string_view text, const SearchPhrase& phrase);

}  // namespace jcn
