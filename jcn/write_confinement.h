// Where this process may write: whatever goes wrong in it, files elsewhere stay as they are.
#pragma once

#include <string>
#include <vector>

#include "jcn/result.h"

namespace jcn {

// From then on this thread, those that it makes, and their children make, change, rename and remove
// files beneath these folders only, and write to /dev/null. What is read and what is open already
// is not restricted. A folder that does not exist is made. False: the kernel has no Landlock that
// can do it (landlock(7); version 2, Linux 5.19), or it is switched off. Errors: system.
Result<bool> confine_writing(const std::vector<std::string>& folders);

}  // namespace jcn
