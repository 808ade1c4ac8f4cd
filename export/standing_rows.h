// The rows of the tables that every file has: fragments, provenance, rejects, _columns, _jcn.
#pragma once

#include <string>

#include "database.h"
#include "plan.h"
#include "sqlite_export.h"

namespace jcn_export {

// fragments and provenance of one record after another. One thread.
class SourceRows {
 public:
  static jcn::Result<SourceRows> make(Database& file, const Source& source);
  jcn::Result<void> insert(const jcn::Record& record);

 private:
  SourceRows(const Source& source, Statement fragments, Statement provenance)
      : source_(&source), fragments_(std::move(fragments)), provenance_(std::move(provenance)) {}
  jcn::Result<void> insert_provenance(const jcn::Record& record);

  const Source* source_;
  Statement fragments_, provenance_;
};

// Each fills its table, which is empty.
jcn::Result<std::uint64_t> insert_rejects(Database& file, const jcn::Snapshot& snapshot);
jcn::Result<void> insert_columns(Database& file, const Plan& plan, const ShapesByKind& shapes);
jcn::Result<void> insert_head(Database& file, const Source& source);

// What of the rules plays a part in an export: files with another value are made anew.
std::string rules_mark(const jcn::Snapshot& snapshot);

}  // namespace jcn_export
