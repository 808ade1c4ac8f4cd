#include "fresh_merge.h"

#include <unordered_map>
#include <vector>

#include "fresh_search.h"
#include "search_merge.h"

namespace jcn {
namespace {

// Where the entries of a delta stand among its present records.
class LocalNumbers {
 public:
  explicit LocalNumbers(const FreshEntries& records) {
    std::uint32_t next = 0;
    for (const FreshEntry& fresh : records) {
      if (!fresh.batch->records[fresh.index].present) continue;
      std::vector<std::uint32_t>& of_batch = numbers_[fresh.batch.get()];
      of_batch.resize(fresh.batch->records.size(), MergeInput::none);
      of_batch[fresh.index] = next++;
    }
  }
  // none: the entry is a removal, or replaced by a newer one.
  std::uint32_t of(const FreshEntry& fresh) const {
    const auto found = numbers_.find(fresh.batch.get());
    return found == numbers_.end() ? MergeInput::none : found->second[fresh.index];
  }

 private:
  std::unordered_map<const FreshBatch*, std::vector<std::uint32_t>> numbers_;
};

Result<std::shared_ptr<const FreshSearch>> merge_pieces(const Delta& delta) {
  const LocalNumbers numbers(delta.records);
  std::vector<std::shared_ptr<const FreshSearch>> made;
  std::vector<SegmentSearch> searches;
  std::vector<MergeInput> inputs;
  searches.reserve(delta.pieces.size());
  for (const std::shared_ptr<const Delta>& piece : delta.pieces) {
    JCN_TRY(auto search, piece->search->search(piece->records));
    if (search->records() == 0) continue;
    // Reading memory changes nothing in it, but BlockSource is made for sources that keep a place.
    searches.emplace_back(search->outline(), const_cast<MemoryBlocks&>(search->blocks()));
    MergeInput input;
    input.search = &searches.back();
    input.new_local.reserve(search->records());
    for (std::size_t i = 0; i < piece->records.size(); ++i) {
      if (search->locals()[i] == FreshSearch::no_local) continue;
      input.new_local.push_back(numbers.of(piece->records[i]));
    }
    inputs.push_back(std::move(input));
    made.push_back(std::move(search));
  }
  return FreshSearch::make(delta.records,
                           [&](SearchWriter::Sink sink, std::vector<BlockBegin> key_blocks) {
                             return merge_search(inputs, std::move(sink), std::move(key_blocks));
                           });
}

// Otherwise all of it is made from documents at once, which is less work.
bool most_is_made(const Delta& delta) {
  std::size_t made = 0, all = 0;
  for (const std::shared_ptr<const Delta>& piece : delta.pieces) {
    all += piece->records.size();
    if (piece->search->made()) made += piece->records.size();
  }
  return made * 2 > all;
}

}  // namespace

Result<void> make_delta_search_of_pieces(const Delta& delta) {
  JCN_TRY([[maybe_unused]] const auto search, delta.search->search([&] {
    return most_is_made(delta) ? merge_pieces(delta) : FreshSearch::build(delta.records);
  }));
  return {};
}

}  // namespace jcn
