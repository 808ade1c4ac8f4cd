// How a program of ours ends: its table of exit codes in --help, and the error that it ends with.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "jcn/result.h"

namespace jcnctl {

struct ExitMeaning {
  int status;
  std::string_view meaning;
};

// "Exit status:" and a line for each.
std::string exit_help(std::span<const ExitMeaning> table);
// On standard error: "jcnctl: code: message", and the hint on a line of its own.
void print_error(const char* program, const jcn::Error& error);

}  // namespace jcnctl
