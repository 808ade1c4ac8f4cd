// The counts that a file keeps of its own records, so that the next plan needs none of them.
#pragma once

#include "database.h"
#include "plan.h"

namespace jcn_export {

// Into `_shapes`, which is empty.
jcn::Result<void> insert_shapes(Database& file, const ShapesByKind& shapes);
// Errors: system (also: the table is not as insert_shapes writes it).
jcn::Result<ShapesByKind> read_shapes(Database& file);

}  // namespace jcn_export
