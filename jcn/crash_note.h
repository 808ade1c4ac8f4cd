// Leaves a note when a signal like SIGSEGV ends the process: what it was writing may be damaged, or
// damage may be what ended it. LMDB trusts its pages, and dies of those that lead astray.
#pragma once

#include <string>

namespace jcn {

// On SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT a file is made there, before the process ends as
// it would have ended. Once in a process, before it has other threads. A thread whose stack is
// exhausted leaves none.
void note_crashes(const std::string& path);

}  // namespace jcn
