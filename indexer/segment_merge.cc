#include "segment_merge.h"

#include "encoding.h"
#include "living.h"

namespace jcn {

MergeSource::MergeSource(const Transaction& txn, std::uint32_t number,
                         std::shared_ptr<const SegmentHead> head)
    : number_(number),
      documents_(txn, number),
      key_blocks_(txn, number),
      search_blocks_(txn, number),
      segment_(head, documents_),
      keys_(*head, key_blocks_),
      new_local_(head->records, MergeInput::none) {}

Result<std::unique_ptr<MergeSource>> MergeSource::open(const Transaction& txn, SegmentCache& cache,
                                                       std::uint32_t number) {
  JCN_TRY(auto head, cache.head(txn, number));
  auto source = std::unique_ptr<MergeSource>(new MergeSource(txn, number, std::move(head)));
  JCN_TRY(source->dictionary_, cache.dictionary(txn, source->dictionary_number()));
  JCN_TRY(source->living_, read_living(txn, number, source->segment_.head().records));
  JCN_CHECK(source->next());
  return source;
}

Result<void> MergeSource::next() {
  do {
    JCN_TRY(valid_, keys_.next());
  } while (valid_ && !living_[keys_.local()]);
  return {};
}

Result<MergeInput> MergeSource::search_input(const Transaction& txn, SegmentCache& cache) {
  JCN_TRY(auto outline, cache.outline(txn, number_));
  search_ = std::make_unique<SegmentSearch>(std::move(outline), search_blocks_);
  return MergeInput{search_.get(), std::move(new_local_)};
}

MergeSource* smallest_source(const MergeSources& sources) {
  MergeSource* best = nullptr;
  for (const auto& source : sources) {
    if (source->valid() && (!best || source->key() < best->key())) best = source.get();
  }
  return best;
}

Result<std::string> recompress_entry(const SegmentEntry& entry, const Dictionary* old,
                                     const Dictionary* dictionary) {
  const auto strings = entry_strings(entry, old);
  if (!strings) return damaged("a document that is being merged");
  const std::string raw = with_strings(entry, *strings);
  const auto again = decode_entry(raw);
  if (!again) return damaged("an entry that is being merged");
  return compress_entry(*again, dictionary);
}

Result<SegmentHead> merge_sources(const MergeSources& sources, const Transaction& txn,
                                  SegmentCache& cache, std::shared_ptr<const Dictionary> dictionary,
                                  const SegmentBuilder::Sink& sink, const Placed& placed) {
  const std::uint32_t number = dictionary ? dictionary->id() : 0;
  SegmentBuilder builder(number, sink);
  while (MergeSource* source = smallest_source(sources)) {
    JCN_TRY(const SegmentEntry entry, source->entry());
    const std::uint32_t local = builder.next_local();
    source->placed(local);
    JCN_CHECK(placed(source->key(), entry, local));
    if (source->dictionary_number() == number) {
      JCN_CHECK(builder.add(source->key(), entry.bytes));
    } else {
      JCN_TRY(const std::string again,
              recompress_entry(entry, source->dictionary(), dictionary.get()));
      JCN_CHECK(builder.add(source->key(), again));
    }
    JCN_CHECK(source->next());
  }
  JCN_TRY(SegmentHead head, builder.finish());
  if (head.records == 0) return head;
  std::vector<MergeInput> inputs;
  inputs.reserve(sources.size());
  for (const auto& source : sources) {
    JCN_TRY(MergeInput input, source->search_input(txn, cache));
    inputs.push_back(std::move(input));
  }
  JCN_CHECK(merge_search(inputs, sink, builder.key_begins()));
  return head;
}

}  // namespace jcn
