// The JSON that jcn answers with, member by member.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jcn_client {

// Minified text of any JSON, as jcn/canonical.h reads it. Empty: no JSON.
std::string minified(std::string_view json);

// Members of an answer by name; a default when they are absent or of another type.
std::string text_member(std::string_view object, std::string_view name);
std::uint64_t number_member(std::string_view object, std::string_view name);
std::string raw_member(std::string_view object, std::string_view name);  // its text, or "null"

}  // namespace jcn_client
