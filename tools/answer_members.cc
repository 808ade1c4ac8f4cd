#include "answer_members.h"

#include <charconv>

#include "jcn/canonical.h"
#include "jcn/check.h"

namespace jcn_client {

std::string minified(std::string_view json) {
  constexpr jcn::Limits as_it_comes{std::uint64_t{1} << 40, 20'000, ~std::uint32_t{0}};
  auto checked = jcn::check_json(json, as_it_comes);
  auto* text = std::get_if<std::string>(&checked);
  return text == nullptr ? std::string() : std::move(*text);
}

std::string text_member(std::string_view object, std::string_view name) {
  if (object.empty() || object.front() != '{') return {};
  const auto value = jcn::json_member(object, name);
  if (!value || value->empty() || value->front() != '"') return {};
  return jcn::json_unquote(*value);
}

std::uint64_t number_member(std::string_view object, std::string_view name) {
  std::uint64_t number = 0;
  if (object.empty() || object.front() != '{') return number;
  if (const auto value = jcn::json_member(object, name)) {
    std::from_chars(value->data(), value->data() + value->size(), number);
  }
  return number;
}

std::string raw_member(std::string_view object, std::string_view name) {
  if (object.empty() || object.front() != '{') return "null";
  const auto value = jcn::json_member(object, name);
  return value ? std::string(*value) : "null";
}

}  // namespace jcn_client
