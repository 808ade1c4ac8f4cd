// How long what has failed waits for its next try.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace jcn {

// After so many failures in a row, at least one: `first`, doubled with each further one, `longest`
// at most.
inline std::chrono::milliseconds growing_pause(std::uint64_t failures,
                                               std::chrono::milliseconds first,
                                               std::chrono::milliseconds longest) {
  std::chrono::milliseconds pause = std::min(first, longest);
  for (std::uint64_t i = 1; i < failures && pause < longest; ++i) {
    // Doubling never goes beyond what the type holds.
    pause = pause > longest / 2 ? longest : pause * 2;
  }
  return pause;
}

}  // namespace jcn
