// Conflicts as JSON, the same wherever they are shown.
#pragma once

#include "jcn/conflicts.h"
#include "json_writer.h"

namespace jcn {

inline void write_conflict_side(JsonWriter& json, const ConflictSide& side) {
  json.open('{').key("root").string(side.name.root).key("path").bytes(side.name.path);
  json.key("value").raw(side.value).close('}');
}

// {"kind","id","pointer","winner":{"root","path","value"},"shadowed":[{"root","path","value"},…]}
inline void write_conflict(JsonWriter& json, const Conflict& conflict) {
  json.open('{').key("kind").string(conflict.key.kind).key("id").string(conflict.key.id);
  json.key("pointer").string(conflict.pointer).key("winner");
  write_conflict_side(json, conflict.winner);
  json.key("shadowed").open('[');
  for (const ConflictSide& side : conflict.shadowed) write_conflict_side(json, side);
  json.close(']').close('}');
}

}  // namespace jcn
