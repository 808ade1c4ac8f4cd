// A snapshot of the index → the tables of a SQLite file. (doc/schema.md)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "database.h"
#include "jcn/rules.h"
#include "jcn/snapshot.h"
#include "plan.h"
#include "progress.h"
#include "selection.h"

namespace jcn_export {

struct Exported {
  std::string uuid;
  std::uint64_t sequence = 0;
  std::map<std::string, std::uint64_t> records;  // by kind
  std::uint64_t rejects = 0, tables = 0;
  std::optional<std::uint64_t> changes;  // of a file that was brought up to date
  std::string made;                      // of one that a daemon made: when; else empty
};

// Everything that is written comes from one state.
struct Source {
  const jcn::Snapshot& snapshot;
  const jcn::Rules& rules;
  const Selection& selection;
};

// Of what `exported` tells: the state, its records and tables.
void describe(Exported& exported, const Source& source, const Plan& plan,
              const ShapesByKind& shapes);

// Fills a file that is new, and that nobody else knows of. What is there after an error is of no
// use. Errors: index_damaged, system.
jcn::Result<Exported> export_into(Database& file, const Source& source, const Progress& progress);
// What SQLite itself says of it. Errors: internal (it is wrong), system.
jcn::Result<void> check_file(Database& file, const Progress& progress);

}  // namespace jcn_export
