// Verify: does the index still hold what was written into it? Finds damage that reading alone would
// pass over in silence: LMDB keeps no checksums, and goes by whatever its pages say.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/result.h"

namespace jcn {

struct VerifyReport {
  std::uint64_t entries = 0;  // of all tables
  std::uint64_t bytes = 0;    // of their keys and values
  std::uint64_t blocks = 0;   // of segments, their checksums compared
  std::uint64_t records = 0;
};

// What of a generation can be relied on.
struct IndexHealth {
  enum class State : std::uint8_t {
    whole,
    differs,  // its entries are all to be reached, but are not those that were written
    broken,   // its pages lead astray
  };
  static constexpr std::size_t tables = 10;

  std::uint32_t format = 0;  // doc/format.md: Versions
  std::array<State, tables> state{};  // in the order of doc/format.md
  bool meta = true;        // the meta table's own rows, without which nothing can be relied on
  bool free_pages = true;  // no page in use is listed as free
  bool counts = true;      // of files and records
  std::vector<std::string> findings;  // the first ones, for a person
  VerifyReport report;

  bool whole() const;
  // Nothing is wrong but blocks with checksums of their own: whoever reads one is told so.
  bool only_blocks() const;
};

// Called now and then with how many pages were read, of how many.
using VerifyProgress = std::function<void(std::uint64_t done, std::uint64_t of)>;

// Walks every page and every entry of the current generation in one state. Compares what LMDB says
// of its pages with what they are (lmdb_pages.h), entry counts and sums of hashes with those that
// the last transaction stored, every block with its checksum, and tables that say the same in other
// words with one another. Reads the whole index; damage of any kind is no danger to the process.
// Any thread. Errors: index_unreadable (there is none), index_format, system.
Result<IndexHealth> examine_index(const std::string& index_folder,
                                  const VerifyProgress& progress = nullptr);

// The same, where nothing but a whole index will do: index_damaged says what was found first.
Result<VerifyReport> verify_index(const std::string& index_folder);

// One of which nothing can be relied on.
IndexHealth broken_health(std::string why);

// As bytes, from one process to another. Absent: malformed.
std::string encode_health(const IndexHealth& health);
std::optional<IndexHealth> decode_health(std::string_view bytes);

}  // namespace jcn
