// How many files the process may have open, and what of that goes to connections. Where connections
// take all there are, nothing else can be opened any more: no fragment, no index file.
#pragma once

#include <cstdint>

#include "jcn/result.h"

namespace jcn {

struct Connections {
  unsigned threads = 0;  // connections that are served at once
  unsigned queue = 0;    // and those that wait for a thread
  bool operator==(const Connections&) const = default;
};

// Raises the process's soft limit as far as it may (getrlimit(2)); the limit.
std::uint64_t raise_descriptor_limit();

// As many of the wanted connections as leave enough descriptors for everything else. Errors:
// bad_configuration: not even the fewest do.
Result<Connections> share_descriptors(std::uint64_t limit, std::size_t roots, std::size_t webhooks,
                                      const Connections& wanted);

}  // namespace jcn
