#include "jcn/field.h"

#include <algorithm>
#include <array>
#include <utility>

#include "jcn/utf8.h"
#include "json_pointer.h"

namespace jcn {
namespace {

Error no_field(std::string_view text, std::string why) {
  return Error{Code::bad_field, "'" + printable_path(text) + "' is no field: " + std::move(why),
               "name members a.b, or by a JSON Pointer like /a/b"};
}

// Of RFC 6901: 0, or digits that do not begin with 0.
bool is_index(std::string_view token) {
  if (token.empty() || (token.size() > 1 && token.front() == '0')) return false;
  return std::all_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

void append_field_step(std::string& path, std::string_view name) {
  append_pointer_token(path, name);
}

Result<Field> parse_field(std::string_view text) {
  Field field;
  field.text = text;
  if (text.empty()) return no_field(text, "its name is empty");
  static constexpr std::array<std::pair<std::string_view, Field::Kind>, 4> computed = {
      {{"_id", Field::Kind::id},
       {"_created", Field::Kind::created},
       {"_updated", Field::Kind::updated},
       {"_since", Field::Kind::since}}};
  for (const auto& [name, kind] : computed) {
    if (text != name) continue;
    field.kind = kind;
    field.path = text;
    return field;
  }
  if (text.front() == '/') {
    const auto steps = split_pointer(text);
    if (!steps) return no_field(text, "in a JSON Pointer '~' is written ~0");
    for (const std::string& step : *steps) append_field_step(field.path, step);
    field.may_index = std::any_of(steps->begin(), steps->end(), is_index);
    return field;
  }
  for (std::size_t at = 0;;) {
    const std::size_t dot = text.find('.', at);
    append_field_step(field.path, text.substr(at, dot == text.npos ? dot : dot - at));
    if (dot == text.npos) return field;
    at = dot + 1;
  }
}

}  // namespace jcn
