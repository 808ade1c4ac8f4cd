// A trial of a schema: which files that are good now would fail under it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/schema.h"
#include "jcn/snapshot.h"

namespace jcn {

// Where a page ended: behind so many files of that record; 0: behind the record.
struct SchemaTrialPlace {
  std::string id;
  std::uint64_t files = 0;
};

struct SchemaTrialQuery {
  std::string kind = {};
  std::uint64_t size = 100;  // failures
  // A page ends when it has so many failures, or so late, but not before the first file.
  std::chrono::steady_clock::time_point until = std::chrono::steady_clock::time_point::max();
  std::optional<SchemaTrialPlace> after = {};
};

struct SchemaFailure {
  FragmentName name;
  std::string id;  // of its record
  SchemaViolation violation;
};

struct SchemaTrialPage {
  std::uint64_t checked = 0;  // files
  std::vector<SchemaFailure> failures;
  std::optional<SchemaTrialPlace> next;  // absent: all files were checked
};

// By record, in the order of ids, and its composition; contents come from the index. Files that are
// rejects now, also those whose last good content is served, are not looked at.
Result<SchemaTrialPage> try_schema(const Snapshot& snapshot, const Schema& schema,
                                   const SchemaTrialQuery& query);

}  // namespace jcn
