// The canonical dump: NDJSON that depends on the files and the rules alone (DESIGN: Convergence).
#pragma once

#include <functional>
#include <string_view>

#include "jcn/result.h"
#include "jcn/rules.h"
#include "jcn/snapshot.h"

namespace jcn {

// Calls `line` for each line, without its newline: records by (kind, id), then rejects by (root,
// path):
//   {"kind","id","rev","record","fragments":[{"root","path","status"}]}    status: indexed, orphan
//   {"root","path","status":"rejected","code","line","column","offset","pointer","message"}
// A record of orphans has "rev":null,"record":null. Without `served`, records are composed without
// last-good content; with it, as they are answered (status "last-good" for such fragments).
Result<void> dump(const Snapshot& snapshot, const Rules& rules, bool served,
                  const std::function<void(std::string_view line)>& line);

}  // namespace jcn
