// What the rooms of one query share while it runs: its snapshot, its clock, and the documents
// behind places. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/snapshot.h"
#include "kept_counts.h"
#include "search_parts.h"

namespace jcn {

class QueryRun {
 public:
  using Clock = std::chrono::steady_clock;
  QueryRun(const Snapshot& snapshot, Clock::time_point deadline)
      : snapshot_(snapshot), deadline_(deadline) {}

  Result<void> look_at_clock();  // query_timeout
  // The kind's parts. IndexWriter bounds how much of what is fresh a query has to make searchable.
  Result<std::vector<SearchPart>> parts(const std::string& kind);
  // Counts work, and looks at the clock from time to time.
  Result<void> step(std::uint32_t steps = 1) {
    steps_ += steps;
    if (steps_ < steps_between_looks) return {};
    return look_at_clock();
  }

  Result<std::string> id_of(const SearchPart& part, std::uint32_t place) const;
  // The first place whose id is not less; part.places() when there is none.
  Result<std::uint32_t> first_place(const SearchPart& part, const std::string& id) const;
  // Of a living place.
  Result<Record> record_at(const SearchPart& part, std::uint32_t place);
  KeptCounts& kept_counts() const;  // of the index
  std::uint64_t documents_read() const { return documents_read_; }
  static constexpr std::uint32_t steps_of_document = 256;

 private:
  static constexpr std::uint32_t steps_between_looks = 8192;
  static constexpr std::size_t bytes_per_step = 128;  // of a document that is looked through

  const Snapshot& snapshot_;
  const Clock::time_point deadline_;
  std::uint32_t steps_ = 0;
  std::uint64_t documents_read_ = 0;
};

}  // namespace jcn
