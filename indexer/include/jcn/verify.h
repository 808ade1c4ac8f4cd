// Verify: does the index still hold what was written into it? Finds damage that reading alone would
// pass over in silence: LMDB keeps no checksums of its own pages.
#pragma once

#include <cstdint>
#include <string>

#include "jcn/result.h"

namespace jcn {

struct VerifyReport {
  std::uint64_t entries = 0;  // of all tables
  std::uint64_t bytes = 0;    // of their keys and values
  std::uint64_t blocks = 0;   // of segments, their checksums compared
  std::uint64_t records = 0;
};

// Walks every table of the current generation in one state; compares entry counts and sums of
// hashes with those that the last transaction stored, every block with its checksum, and the ids
// with the bitmaps of the living. Reads the whole index: run it where a crash (SIGBUS, SIGSEGV:
// LMDB trusts its pages) does no harm. Any thread. Errors: index_damaged says what was found first;
// otherwise those of IndexReader::open.
Result<VerifyReport> verify_index(const std::string& index_folder);

}  // namespace jcn
