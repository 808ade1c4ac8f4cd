// Field: a place in a record, as queries name it and as segments index it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/result.h"

namespace jcn {

// A field path is an RFC 6901 pointer in which the step into any element of an array is "~*" (no
// pointer has that: '~' is only written as ~0 and ~1). Scalars directly inside an array belong to
// the array's own field: the document {"a":[1,{"b":[2]}]} has the fields
//   /a        an array with the element 1
//   /a/~*     an object
//   /a/~*/b   an array with the element 2
inline constexpr std::string_view array_step = "~*";
// `name` is unescaped.
void append_field_step(std::string& path, std::string_view name);

struct Field {
  enum class Kind : std::uint8_t { id, created, updated, since, member };
  Kind kind = Kind::member;
  // Of a member: its path, as if every step were into an object. Of the computed ones: their
  // names, which no path can be.
  std::string path;
  // A pointer with a step that may also be an array's index ("/tags/0").
  bool may_index = false;
  std::string text;  // as the user wrote it
  bool operator==(const Field&) const = default;
};

// "a.b" walks objects; what begins with '/' is a JSON Pointer; _id, _created, _updated and
// _since are computed.
// Errors: bad_field (empty, or no pointer).
Result<Field> parse_field(std::string_view text);

}  // namespace jcn
