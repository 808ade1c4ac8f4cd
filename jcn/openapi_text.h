// openapi.json, made part of the program by the build.
#pragma once

#include <string_view>

namespace jcn {

extern const std::string_view openapi_text;

}  // namespace jcn
