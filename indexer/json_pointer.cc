#include "json_pointer.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;

// One reference token of a pointer, unescaped; nothing when a '~' is followed by neither 0 nor 1.
std::optional<std::string> pointer_token(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '~') {
      out += text[i];
    } else if (i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1')) {
      out += text[++i] == '0' ? '~' : '/';
    } else {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace

std::optional<std::vector<std::string>> split_pointer(std::string_view pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty()) return tokens;
  if (pointer.front() != '/') return std::nullopt;
  for (std::size_t at = 1;;) {
    const std::size_t slash = pointer.find('/', at);
    auto token = pointer_token(pointer.substr(at, slash == none ? none : slash - at));
    if (!token) return std::nullopt;
    tokens.push_back(std::move(*token));
    if (slash == none) return tokens;
    at = slash + 1;
  }
}

void append_pointer_token(std::string& pointer, std::string_view name) {
  pointer += '/';
  for (const char c : name) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

}  // namespace jcn
