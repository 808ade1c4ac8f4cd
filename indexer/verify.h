// The walk behind jcn/verify.h, on a transaction of any environment.
#pragma once

#include "jcn/verify.h"
#include "lmdb_env.h"

namespace jcn {

Result<VerifyReport> verify_tables(const Transaction& txn);

}  // namespace jcn
