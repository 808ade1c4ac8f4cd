// Places in JSON: from a value in canonical text to its pointer, and to its line and column in the
// bytes that the text was made from. Pure, no recursion.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "jcn/record.h"

namespace jcn {

// A pointer is there to find a place; names may be megabytes long. Longer ones are left out.
inline constexpr std::size_t max_pointer_bytes = 1000;

// The pointer to the value that begins at `offset`, or to the member whose name does.
std::string pointer_at(std::string_view canonical, std::size_t offset);

// Where the token at `offset` of the canonical text stands in the bytes that it was made from.
std::size_t offset_in_source(std::string_view bytes, std::string_view canonical,
                             std::size_t offset);

// Line, column and offset of a byte.
void set_place(Reject& reject, std::string_view bytes, std::size_t offset);

}  // namespace jcn
