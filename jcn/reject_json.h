// Rejects as JSON, the same wherever they are shown.
#pragma once

#include "jcn/record.h"
#include "json_writer.h"

namespace jcn {

// "code","line","column","offset","pointer": absent ones null.
inline void write_place(JsonWriter& json, const Reject& reject) {
  json.key("code").string(code_name(reject.code));
  json.key("line").number_or_null(reject.line);
  json.key("column").number_or_null(reject.column);
  json.key("offset").number_or_null(reject.offset);
  json.key("pointer");
  if (reject.pointer) {
    json.bytes(*reject.pointer);
  } else {
    json.null();
  }
}

// The same and "message".
inline void write_reject_members(JsonWriter& json, const Reject& reject) {
  write_place(json, reject);
  json.key("message").bytes(reject.message);
}

// The same as an object, or null.
inline void write_reject(JsonWriter& json, const Reject* reject) {
  if (!reject) {
    json.null();
    return;
  }
  json.open('{');
  write_reject_members(json, *reject);
  json.close('}');
}

}  // namespace jcn
