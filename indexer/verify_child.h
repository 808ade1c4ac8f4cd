// verify_index in a child process, where damage that kills the reader does no harm.
#pragma once

#include <string>

#include "jcn/result.h"

namespace jcn {

// Waits for the child. index_damaged also when it died by a signal. An index without data.mdb or of
// another format is no error here: opening it says so. To be called where the process has no other
// threads that are inside of LmdbEnv::open: fork(2) would copy their locks.
Result<void> verify_in_child(const std::string& index_folder);

}  // namespace jcn
