// Several segments → the blocks of one that holds their living records. What becomes of the blocks
// is the caller's matter: merge.h stores them beside the old ones, rewrite.h in another generation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "lmdb_env.h"
#include "search_merge.h"
#include "segment_builder.h"
#include "segment_cache.h"

namespace jcn {

// A segment's living records, in key order. One thread; its transaction outlives it.
class MergeSource {
 public:
  // Stands on the first one.
  static Result<std::unique_ptr<MergeSource>> open(const Transaction& txn, SegmentCache& cache,
                                                   std::uint32_t number);

  bool valid() const { return valid_; }
  Result<void> next();
  const std::string& key() const { return keys_.key(); }
  std::uint32_t segment() const { return number_; }
  std::uint32_t local() const { return keys_.local(); }
  Result<SegmentEntry> entry() const { return segment_.entry(keys_.local()); }
  const Dictionary* dictionary() const { return dictionary_.get(); }
  std::uint32_t dictionary_number() const { return segment_.head().dictionary; }

  // Where the record that it stands on went.
  void placed(std::uint32_t local) { new_local_[keys_.local()] = local; }
  // The outline is read only when this is asked for.
  Result<MergeInput> search_input(const Transaction& txn, SegmentCache& cache);

 private:
  MergeSource(const Transaction& txn, std::uint32_t number,
              std::shared_ptr<const SegmentHead> head);
  const std::uint32_t number_;
  LmdbBlocks documents_, key_blocks_, search_blocks_;
  Segment segment_;
  SegmentKeys keys_;
  std::unique_ptr<SegmentSearch> search_;
  std::vector<std::uint32_t> new_local_;
  std::shared_ptr<const Dictionary> dictionary_;
  std::vector<bool> living_;
  bool valid_ = false;
};
using MergeSources = std::vector<std::unique_ptr<MergeSource>>;

// The one that stands on the smallest key; null: all are at their ends.
MergeSource* smallest_source(const MergeSources& sources);

// Called with each record, in order, and its number in the new segment.
using Placed = std::function<Result<void>(std::string_view key, const SegmentEntry& entry,
                                          std::uint32_t local)>;

// The sources have no record in common and stand on their first ones. Compresses with the
// dictionary what was compressed with another one. The head comes out before the search's blocks.
Result<SegmentHead> merge_sources(const MergeSources& sources, const Transaction& txn,
                                  SegmentCache& cache, std::shared_ptr<const Dictionary> dictionary,
                                  const SegmentBuilder::Sink& sink, const Placed& placed);

// An entry of another dictionary, as one of this.
Result<std::string> recompress_entry(const SegmentEntry& entry, const Dictionary* old,
                                     const Dictionary* dictionary);

}  // namespace jcn
