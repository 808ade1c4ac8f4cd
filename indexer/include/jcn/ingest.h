// Ingest: what was found at paths → what changes in the index. The only place where records are
// composed for writing. Pure but for the snapshot that it reads.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "jcn/index_writer.h"
#include "jcn/judge.h"
#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/rules.h"
#include "jcn/snapshot.h"

namespace jcn {

struct Gone {};  // no file, or none that any rule takes

// What one look at a path found.
struct Look {
  FragmentName name;
  FileFacts facts;
  std::int64_t read_ns = 0;
  Hash128 content;
  std::variant<Gone, GoodFragment, Reject> found;
  bool judge_anew = false;  // the rules changed: earlier good content of a reject doesn't count
};

// True for rejects that say that the file is no regular file any more: last-good content ends.
bool ends_last_good(Code code);

// The batch that takes the index from `snapshot` to what the looks found. Looks are taken in order;
// the last one at a path wins. An empty batch means that nothing changes.
Result<Batch> plan_batch(const Snapshot& snapshot, const Rules& rules, std::vector<Look> looks,
                         std::int64_t now_ns);

// Puts the records that touched.log names (IndexWriter::recovered) into a batch, so that each gets
// a new number, changed or not; absent ones as absent.
Result<Batch> plan_announcement(const Snapshot& snapshot, const std::vector<RecordKey>& keys);

}  // namespace jcn
