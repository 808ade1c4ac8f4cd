// What the daemon's threads have done since start.
#pragma once

#include <array>
#include <cstdint>

#include "jcn/codes.h"
#include "latency_histogram.h"

namespace jcn {

struct IntakeCounts {
  // From the reading of the event that told of a file's change to the moment at which that is
  // visible; each file once, and only where its content, its verdict or its being there changed.
  LatencyReading visible;
  // Verdicts that became visible, by code.
  std::array<std::uint64_t, code_table.size()> rejected{};
};

struct FoldCounts {
  std::uint64_t folds = 0, failed_folds = 0;
  std::uint64_t merges = 0, failed_merges = 0;
  LatencyReading fold_took;  // of those that did not fail
};

}  // namespace jcn
