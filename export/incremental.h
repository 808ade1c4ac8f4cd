// An exported file, brought up to date by the changes since its own sequence number: afterwards it
// has the rows that a new one would have. (doc/schema.md: Bringing a file up to date)
#pragma once

#include <optional>
#include <string>

#include "sqlite_export.h"

namespace jcn_export {

// Why a file of ours can't be brought up to date, though it may be replaced.
struct Update {
  std::optional<Exported> done;  // absent: it has to be made anew
  std::string reason;            // then: why
};

// In one transaction: whatever happens, the file is as before, or up to date. `path` is a database
// of ours. Errors: bad_usage (of another index or selection, changed by another program),
// index_damaged, system.
jcn::Result<Update> update_file(const std::string& path, const Source& source,
                                const Progress& progress);

}  // namespace jcn_export
