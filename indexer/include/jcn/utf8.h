// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace jcn {

// Length of the well-formed sequence at `at` (1 to 4), or 0 when there is none.
std::size_t utf8_length(std::string_view text, std::size_t at);

// Offset of the first byte of the first sequence that is not well-formed; npos when all is well.
std::size_t find_invalid_utf8(std::string_view text);

// Number of characters; each byte that is no UTF-8 counts as one.
std::size_t utf8_count(std::string_view text);

// C0, DEL or C1, of the length that utf8_length gave.
bool is_control(std::string_view text, std::size_t at, std::size_t length);

void append_utf8(std::string& out, unsigned code_point);

// For messages: control characters and bytes that are no UTF-8 as \xNN, the rest as it stands.
std::string printable_path(std::string_view bytes);

}  // namespace jcn
