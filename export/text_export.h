// The selected records of one kind as NDJSON or CSV. (doc/jcn-export.1: Formats)
#pragma once

#include <string>

#include "sqlite_export.h"

namespace jcn_export {

enum class TextFormat { ndjson, csv };

// Writes to a descriptor; `path` is for messages. NDJSON: rows as GET /v1/{kind}?_nl=on gives them.
// CSV: the columns that a SQLite file has, but _doc. Errors: bad_usage (several kinds, and none is
// named), index_damaged, system.
jcn::Result<Exported> write_text(TextFormat format, const Source& source, int fd,
                                 const std::string& path, const Progress& progress);

}  // namespace jcn_export
