// What every snapshot of one index shares: its environment, and the parts of segments that are read
// again and again (heads, dictionaries). Segment and dictionary numbers are never given twice, so
// nothing here can become stale. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "kept_counts.h"
#include "lmdb_env.h"
#include "posting_list.h"
#include "segment.h"
#include "segment_search.h"

namespace jcn {

// A segment's blocks in LMDB. Keeps the block that it checked last.
class LmdbBlocks : public BlockSource {
 public:
  LmdbBlocks(const Transaction& txn, std::uint32_t segment) : txn_(&txn), segment_(segment) {}
  Result<std::string_view> block(Section section, std::uint32_t number) override;

 private:
  const Transaction* txn_;
  std::uint32_t segment_;
  std::optional<std::pair<Section, std::uint32_t>> last_;
  std::string_view last_payload_;
};

// A kind's range of a segment, in one committed state: the places of the records that exist and
// that the ids table still leads to.
struct FoldedPart {
  std::uint32_t segment = 0;
  std::shared_ptr<const SearchOutline> outline;
  const SegmentKind* kind = nullptr;  // in the outline
  PlaceSet living;
};
using FoldedParts = std::vector<FoldedPart>;  // by segment, ascending; of one kind

class SegmentCache {
 public:
  explicit SegmentCache(std::shared_ptr<LmdbEnv> env) : env_(std::move(env)) {}
  LmdbEnv& env() const { return *env_; }

  // Both read through committed transactions only.
  Result<std::shared_ptr<const SegmentHead>> head(const Transaction& txn, std::uint32_t segment);
  // Null for number 0.
  Result<std::shared_ptr<const Dictionary>> dictionary(const Transaction& txn,
                                                       std::uint32_t number);
  Result<std::shared_ptr<const SearchOutline>> outline(const Transaction& txn,
                                                       std::uint32_t segment);
  // The numbers of the segments in this state, ascending, without those of merges under way.
  Result<std::shared_ptr<const std::vector<std::uint32_t>>> segments(const Transaction& txn);
  // What search_parts worked out for a kind in the state `txn`; null: not there.
  std::shared_ptr<const FoldedParts> parts(std::uint64_t txn, const std::string& kind);
  void keep_parts(std::uint64_t txn, const std::string& kind,
                  std::shared_ptr<const FoldedParts> parts);
  KeptCounts& counts() { return counts_; }  // of facets; segments in memory are among them
  void forget_segment(std::uint32_t segment);

 private:
  const std::shared_ptr<LmdbEnv> env_;
  KeptCounts counts_;
  std::shared_mutex mutex_;
  // All under the mutex.
  std::unordered_map<std::uint32_t, std::shared_ptr<const SegmentHead>> heads_;
  std::unordered_map<std::uint32_t, std::shared_ptr<const SearchOutline>> outlines_;
  std::unordered_map<std::uint32_t, std::shared_ptr<const Dictionary>> dictionaries_;
  std::uint64_t listed_txn_ = 0;
  std::shared_ptr<const std::vector<std::uint32_t>> listed_;  // of the state listed_txn_
  std::uint64_t parts_txn_ = 0;
  std::unordered_map<std::string, std::shared_ptr<const FoldedParts>> parts_;  // of parts_txn_
};

}  // namespace jcn
