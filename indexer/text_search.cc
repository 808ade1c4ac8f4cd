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

std::uint32_t count_phrase(std::string_view text, const SearchPhrase& phrase) {
  const std::size_t size = phrase.tokens.size();
  if (size == 0) return 0;
  std::uint32_t count = 0;
  // [i]: the tokens up to the last one read are the phrase's from the first to the i-th.
  std::vector<bool> matched(size);
  for (Tokens tokens(text); tokens.next();) {
    for (std::size_t i = size; i-- > 1;) {
      matched[i] = matched[i - 1] && fits(tokens.token(), phrase, i);
    }
    matched[0] = fits(tokens.token(), phrase, 0);
    if (matched[size - 1]) ++count;
  }
  return count;
}

}  // namespace jcn
