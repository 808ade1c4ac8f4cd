#include "exit_status.h"

#include <cstdio>

namespace jcnctl {

std::string exit_help(std::span<const ExitMeaning> table) {
  std::string text = "Exit status:\n";
  for (const ExitMeaning& row : table) {
    text += "  " + std::to_string(row.status) + "  " + std::string(row.meaning) + "\n";
  }
  return text;
}

void print_error(const char* program, const jcn::Error& error) {
  std::fprintf(stderr, "%s: %s: %s\n", program, std::string(jcn::code_name(error.code)).c_str(),
               error.message.c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "hint: %s\n", error.hint.c_str());
}

}  // namespace jcnctl
