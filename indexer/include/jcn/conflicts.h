// Conflicts: places at which the fragments of a record disagree, over all records of a snapshot.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/rules.h"
#include "jcn/snapshot.h"

namespace jcn {

struct ConflictSide {
  FragmentName name;
  std::string value;  // canonical text
};

// Two or more fragments gave a leaf of the document different values, or one gave a value and a
// later one took it away with a null. What a rule's min or max settled counts, too; the parts of a
// union don't. What a fragment puts in place of an object above a leaf is its value there.
struct Conflict {
  RecordKey key;
  std::string pointer;
  ConflictSide winner;                 // with the value that stands; null: taken away
  std::vector<ConflictSide> shadowed;  // in composition order
};

// Conflicts stand in the order of their record's first file (by root, then path), then by pointer.
struct ConflictPlace {
  FragmentName file;
  std::optional<std::string> pointer;  // behind this one of that record; absent: behind the record
};

struct ConflictQuery {
  std::string kind;  // empty: all
  std::uint64_t size = 100;
  std::uint64_t page_bytes = 8ULL << 20;  // of values and names
  // A page ends at the latest when so many files were looked at, or so late, but not before the
  // first: it may be short, even empty, and still have a `next`.
  std::uint64_t files = 20'000;
  std::chrono::steady_clock::time_point until = std::chrono::steady_clock::time_point::max();
  std::optional<ConflictPlace> after;
};

struct ConflictPage {
  std::vector<Conflict> rows;
  std::optional<ConflictPlace> next;  // absent: that was all
};

// Reads only files of records that are made of several. Pages stay right while records come and go:
// a walk yields the conflicts of every record that was unchanged during it exactly once.
Result<ConflictPage> find_conflicts(const Snapshot& snapshot, const Rules& rules,
                                    const ConflictQuery& query);

}  // namespace jcn
