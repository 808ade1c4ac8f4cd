// Globs: `*` within a name and `**` over folders are the same greedy algorithm on two alphabets:
// on a mismatch only the last star gives way by one step. That suffices, because whatever an
// earlier star could still reach, the last one can reach too; so the time is at most (pattern ×
// path).
#include <vector>

#include "jcn/rules.h"
#include "jcn/utf8.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;

// A character as its bytes; a byte that is no UTF-8 is a character of its own.
std::string_view character_at(std::string_view text, std::size_t at) {
  if (static_cast<unsigned char>(text[at]) < 0x80) return text.substr(at, 1);
  const std::size_t length = utf8_length(text, at);
  return text.substr(at, length ? length : 1);
}

// The end of the class that begins at `at` with '[', behind its ']'; none when it is never closed
// (the '[' then stands for itself). A ']' right behind the opening belongs to the class.
std::size_t class_end(std::string_view pattern, std::size_t at) {
  std::size_t i = at + 1;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;
  const std::size_t close = pattern.find(']', i);
  return close == none ? none : close + 1;
}

// UTF-8 sorts as its code points do, so ranges compare as strings.
bool class_takes(std::string_view members, std::string_view character) {
  bool negated = false;
  if (members.starts_with('!') || members.starts_with('^')) {
    negated = true;
    members.remove_prefix(1);
  }
  bool found = false;
  for (std::size_t at = 0; at < members.size();) {
    const std::string_view low = character_at(members, at);
    at += low.size();
    if (at + 1 < members.size() && members[at] == '-') {
      const std::string_view high = character_at(members, at + 1);
      at += 1 + high.size();
      found = found || (low <= character && character <= high);
    } else {
      found = found || low == character;
    }
  }
  return found != negated;
}

// One pattern element that is no star, against one character. Sets how far the pattern moves.
bool takes_one(std::string_view pattern, std::size_t at, std::string_view character,
               std::size_t& step) {
  if (pattern[at] == '?') {
    step = 1;
    return true;
  }
  if (pattern[at] == '[') {
    if (const std::size_t end = class_end(pattern, at); end != none) {
      step = end - at;
      return class_takes(pattern.substr(at + 1, step - 2), character);
    }
  }
  const std::size_t escaped = pattern[at] == '\\' && at + 1 < pattern.size() ? 1 : 0;
  const std::string_view literal = character_at(pattern, at + escaped);
  step = escaped + literal.size();
  return literal == character;
}

bool match_name(std::string_view pattern, std::string_view name) {
  // `*.json`: what follows the only star, if it is plain, is compared at once.
  if (pattern.starts_with('*') && pattern.find_first_of("*?[\\", 1) == none) {
    return name.ends_with(pattern.substr(1));
  }
  std::size_t p = 0, n = 0, star = none, retry = 0, step = 0;
  while (n < name.size()) {
    const std::string_view character = character_at(name, n);
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      retry = n;
    } else if (p < pattern.size() && takes_one(pattern, p, character, step)) {
      p += step;
      n += character.size();
    } else if (star != none) {
      p = star;
      retry += character_at(name, retry).size();
      n = retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0;;) {
    const std::size_t slash = path.find('/', at);
    out.push_back(path.substr(at, slash == none ? none : slash - at));
    if (slash == none) return out;
    at = slash + 1;
  }
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view path) {
  if (pattern.find('/') == none && pattern != "**") {
    return path.find('/') == none && match_name(pattern, path);
  }
  const std::vector<std::string_view> want = components(pattern), have = components(path);
  std::size_t w = 0, h = 0, star = none, retry = 0;
  while (h < have.size()) {
    if (w < want.size() && want[w] == "**") {
      // At the end `**` stands for what is in the folder, so for one name at least.
      if (w + 1 == want.size()) return true;
      star = ++w;
      retry = h;
    } else if (w < want.size() && match_name(want[w], have[h])) {
      ++w;
      ++h;
    } else if (star != none) {
      w = star;
      h = ++retry;
    } else {
      return false;
    }
  }
  return w == want.size();
}

}  // namespace jcn
