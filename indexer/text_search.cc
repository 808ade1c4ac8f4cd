// The asking side of text.h.
#include <algorithm>

#include "text.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;

void parse_words(std::string_view words, std::vector<SearchPhrase>& phrases) {
  bool star = false;  // right behind the last token
  const std::size_t before = phrases.size();
  for (Tokens tokens(words); tokens.next();) {
    if (phrases.size() == before || !tokens.joined()) {
      if (phrases.size() > before) phrases.back().prefix = star;
      phrases.emplace_back();
    }
    phrases.back().tokens.emplace_back(tokens.token());
    star = words.substr(tokens.at()).starts_with('*');
  }
  if (phrases.size() > before) phrases.back().prefix = star;
}

bool fits(std::string_view token, const SearchPhrase& phrase, std::size_t i) {
  if (phrase.prefix && i + 1 == phrase.tokens.size()) return token.starts_with(phrase.tokens[i]);
  return token == phrase.tokens[i];
}

}  // namespace

std::vector<SearchPhrase> parse_search(std::string_view text) {
  std::vector<SearchPhrase> phrases;
  for (bool quoted = false;; quoted = !quoted) {
    const std::size_t quote = text.find('"');
    const std::string_view part = text.substr(0, quote);
    text = quote == none ? std::string_view() : text.substr(quote + 1);
    if (quoted) {
      SearchPhrase phrase;
      for (Tokens tokens(part); tokens.next();) phrase.tokens.emplace_back(tokens.token());
      phrase.prefix = text.starts_with('*');
      if (!phrase.tokens.empty()) phrases.push_back(std::move(phrase));
    } else {
      parse_words(part, phrases);
    }
    if (quote == none) return phrases;
  }
}

// Knuth, Morris and Pratt (1977), over tokens: a long phrase of a few words that come again and
// again costs a long text no more than another. The last token, which may be a beginning, stands
// apart: what is sought are the tokens before it.
std::uint32_t count_phrase(std::string_view text, const SearchPhrase& phrase) {
  if (phrase.tokens.empty()) return 0;
  const std::size_t before = phrase.tokens.size() - 1;
  // Of the first i + 1 tokens: how many at their end are the phrase's first ones, too.
  std::vector<std::size_t> border(before, 0);
  const auto longer = [&](std::size_t matched, std::string_view token) {
    while (matched > 0 && (matched == before || phrase.tokens[matched] != token)) {
      matched = border[matched - 1];
    }
    return matched < before && phrase.tokens[matched] == token ? matched + 1 : matched;
  };
  for (std::size_t i = 1; i < before; ++i) border[i] = longer(border[i - 1], phrase.tokens[i]);
  std::uint32_t count = 0;
  std::size_t matched = 0;  // so many of the tokens just read are the phrase's first
  for (Tokens tokens(text); tokens.next();) {
    if (matched == before && fits(tokens.token(), phrase, before)) ++count;
    if (before > 0) matched = longer(matched, tokens.token());
  }
  return count;
}

}  // namespace jcn
