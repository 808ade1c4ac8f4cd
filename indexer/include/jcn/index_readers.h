// Who reads the index just now.
#pragma once

#include <cstdint>

namespace jcn {

// Those of all processes that have a state of the index open.
struct IndexReaders {
  std::uint64_t count = 0;
  // How many commits ago the oldest of their states was the newest: what was freed since cannot be
  // used again.
  std::uint64_t oldest_behind = 0;
};

}  // namespace jcn
