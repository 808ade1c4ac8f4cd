// Bytes → check → canonical text: what passes is stable, what does not has a place in the bytes.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jcn/canonical.h"
#include "jcn/check.h"
#include "property.h"

namespace {

// What limits are about.
struct Extent {
  std::uint32_t depth = 0, members = 0;
};

// Every member can be reached, and its text is a value again.
void walk(std::string_view value, std::uint32_t depth, Extent& extent) {
  const jcn::JsonType type = jcn::json_type(value);
  if (type != jcn::JsonType::object && type != jcn::JsonType::array) {
    if (type == jcn::JsonType::string) {
      PROPERTY(jcn::json_quote(jcn::json_unquote(value)) == value);
    }
    PROPERTY(jcn::compare_values(value, value) == 0);
    return;
  }
  extent.depth = std::max(extent.depth, depth + 1);
  for (jcn::JsonCursor cursor(value); cursor.next();) {
    if (type == jcn::JsonType::object) ++extent.members;
    walk(cursor.value(), depth + 1, extent);
  }
}

// Limits let through what is as large as they are, and nothing larger.
void limited(std::string_view text, const Extent& extent, const jcn::Limits& limits) {
  PROPERTY(extent.depth <= limits.max_depth && extent.members <= limits.max_members);
  const auto refused = [&](std::uint32_t depth, std::uint32_t members) {
    jcn::Limits closer = limits;
    closer.max_depth = depth;
    closer.max_members = members;
    const auto verdict = jcn::check_json(text, closer);
    const auto* reject = std::get_if<jcn::Reject>(&verdict);
    return reject ? std::optional(reject->code) : std::nullopt;
  };
  PROPERTY(!refused(extent.depth, extent.members));
  if (extent.depth > 0) {
    PROPERTY(refused(extent.depth - 1, extent.members) == jcn::Code::too_deep);
  }
  if (extent.members > 0) {
    PROPERTY(refused(extent.depth, extent.members - 1) == jcn::Code::too_many_members);
  }
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
    Extent extent;
    walk(*text, 0, extent);
    limited(*text, extent, limits);
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
