// Bytes → check → canonical text: what passes is stable, what does not has a place in the bytes.
#include <cstdint>
#include <string>
#include <string_view>

#include "jcn/canonical.h"
#include "jcn/check.h"
#include "property.h"

namespace {

// Every member can be reached, and its text is a value again.
void walk(std::string_view value, const jcn::Limits& limits, unsigned depth) {
  const jcn::JsonType type = jcn::json_type(value);
  if (type != jcn::JsonType::object && type != jcn::JsonType::array) {
    if (type == jcn::JsonType::string) {
      PROPERTY(jcn::json_quote(jcn::json_unquote(value)) == value);
    }
    PROPERTY(jcn::compare_values(value, value) == 0);
    return;
  }
  PROPERTY(depth < limits.max_depth);
  for (jcn::JsonCursor cursor(value); cursor.next();) walk(cursor.value(), limits, depth + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  jcn::Limits limits;
  limits.max_depth = 16;
  limits.max_members = 100;
  const auto verdict = jcn::check_json(bytes, limits);
  if (const auto* text = std::get_if<std::string>(&verdict)) {
    PROPERTY(text->size() <= size);
    const auto again = jcn::check_json(*text, limits);
    PROPERTY(std::get_if<std::string>(&again) != nullptr);
    PROPERTY(std::get<std::string>(again) == *text);
    walk(*text, limits, 0);
    PROPERTY(jcn::merge_patch(*text, *text).size() <= 2 * text->size() + 2);
  } else {
    const auto& reject = std::get<jcn::Reject>(verdict);
    PROPERTY(!reject.message.empty());
    PROPERTY(!reject.offset || *reject.offset <= size);
    PROPERTY(!reject.line || *reject.line >= 1);
    PROPERTY(reject.line.has_value() == reject.column.has_value());
  }
  return 0;
}
