// metadata.json for Datasette: what it shows beside an exported file. (docs.datasette.io/metadata)
#pragma once

#include <string>

#include "database.h"

namespace jcn_export {

// JSON text for `datasette FILE.db --metadata …`: facets and descriptions of the tables of one
// exported file, under the name that Datasette gives it (that of the file without its last suffix).
// Errors: system.
jcn::Result<std::string> datasette_metadata(Database& file, const std::string& path);

}  // namespace jcn_export
