// What the routes of fragments share: who may, what a file would be, and the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "precondition.h"
#include "problem.h"
#include "routes.h"

namespace jcn {

// Errors: writing_off, unauthorized, forbidden.
Result<void> may_write(const Call& call, const std::string& root);

// One change of a file, and what became of it.
struct FragmentChange {
  FragmentName name;
  std::optional<std::string> bytes;  // absent: it is removed
  Precondition precondition;

  std::optional<Response> problem;   // nothing was changed
  int status = 200;                  // 201: there was no such file before
  std::optional<Hash128> content;    // of what was written
  std::optional<std::uint64_t> seq;  // at which it is visible; absent: not yet
};

// Checks and carries out one change: `problem` is set, or the file is changed.
void carry_out(const Call& call, FragmentChange& change);
// Waits for those that were carried out.
void wait_for(const Call& call, std::vector<FragmentChange>& changes);

}  // namespace jcn
