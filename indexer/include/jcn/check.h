// Check: bytes → canonical text or Reject (pure). Strict RFC 8259 over RapidJSON's iterative SAX
// reader, with what it lets pass refused on purpose.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "jcn/record.h"
#include "jcn/rules.h"

namespace jcn {

// Any RFC 8259 value; depth and members limited. The syntax half of check_fragment. Thread-safe.
//
// The verdict is on the first fault: a byte order mark, then the first NUL or broken UTF-8 sequence
// anywhere, then the first fault of the text. Positions are those of the first byte that can't
// stand there; for escapes and numbers out of range, of the backslash or the number's first
// character. Lines end with \n. `pointer` names the container, or its member or element under way;
// it is absent for faults of bytes, for trailing bytes, and when it is longer than 1,000 bytes.
// Files that are empty or too large have no positions. Numbers beyond a double's range are refused,
// exponents above 308 also on zero; numbers too small for a double are kept.
std::variant<std::string, Reject> check_json(std::string_view bytes, const Limits& limits);

// A fragment's bytes: check_json and, at the end, "one object".
std::variant<std::string, Reject> check_fragment(std::string_view bytes, const Limits& limits);

// True for verdicts that a writer in mid-write can cause: worth settling before they are shown.
bool may_be_torn(Code code);

// The id that the first of the rule's sources yields, or no_id / invalid_id. Pure.
// pointer: a non-empty string, or an integer's text (-0 is "0"; 5.0 and 1e3 are no integers);
// malformed as an id, it is invalid_id; of another type, or absent, the next source is asked. stem:
// the file's name without .json and one more .word (a letter, then letters, digits, - and _). path:
// the relative path without .json. Both have control characters and bytes that are no UTF-8 as %NN,
// and beyond 400 bytes are cut to 360 (at a character) + '~' + hash; a file named ".json" has
// neither.
std::variant<RecordKey, Reject> identify(const Rule& rule, bool prefix_path_ids,
                                         const FragmentName& name, std::string_view canonical);

// An integer's text, by which it is an id; absent: the canonical value is no integer.
std::optional<std::string> id_of_integer(std::string_view value);
// Ids: UTF-8, 1 to 400 bytes, no control characters, neither "." nor "..".
bool valid_id(std::string_view id);
bool valid_kind(std::string_view kind);

}  // namespace jcn
