// What kept a fragment from being written, as an error that says what to do.
#pragma once

#include <string>

#include "jcn/result.h"

namespace jcn {

// Of a system call: disk_full, read_only, path_too_long, busy (its folder is gone),
// overloaded, else write_error.
Error write_fault(const char* call, const std::string& path, int errno_value);

}  // namespace jcn
