// JSON Pointers (RFC 6901) taken apart and put together.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jcn {

// Reference tokens, unescaped. Nothing when the text is no pointer: it is not empty and does not
// begin with '/', or a '~' is followed by neither 0 nor 1.
std::optional<std::vector<std::string>> split_pointer(std::string_view pointer);

void append_pointer_token(std::string& pointer, std::string_view name);

}  // namespace jcn
