// examine_index in a process of its own: whatever damage does to it, and however long it takes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "jcn/result.h"
#include "jcn/verify.h"

namespace jcn {

// The first argument of a program that goes on with run_examination.
inline constexpr const char* examine_option = "--examine-index";

struct ExaminationChild {
  // A program and its first arguments, which ends in run_examination. Empty: the process forks,
  // which only one without other threads may do.
  std::vector<std::string> program = {};
  bool idle = false;                        // at the lowest priorities of processor and disk
  std::function<bool()> stopped = nullptr;  // asked now and then: true ends the child
};

// Waits for the child. One that a signal has ended says that nothing can be relied on. Errors:
// those of examine_index; not_ready when it was stopped.
Result<IndexHealth> examine_in_child(const std::string& index_folder,
                                     const ExaminationChild& child);

// What the program does with the arguments that stand behind its own: FOLDER, the parent's process
// id, and "idle" or "now". Its answer goes to file descriptor 1. Returns the exit status.
int run_examination(const std::vector<std::string>& arguments);

}  // namespace jcn
