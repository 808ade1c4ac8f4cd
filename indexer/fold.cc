#include "fold.h"

#include <algorithm>

#include "compression.h"
#include "encoding.h"
#include "fresh_search.h"
#include "keys.h"
#include "segment_builder.h"

namespace jcn {
namespace {

class Fold {
 public:
  Fold(WriteTxn& txn, const Delta& delta, StateRow& state, SegmentCache& cache)
      : txn_(txn), delta_(delta), state_(state), cache_(cache) {}

  Result<FoldOutcome> run() {
    JCN_CHECK(choose_dictionary());
    JCN_CHECK(fold_records());
    JCN_CHECK(mark_dead(txn_, outcome_.deaths));
    JCN_CHECK(fold_files());
    JCN_CHECK(fold_bodies());
    JCN_CHECK(fold_notes());
    outcome_.changes = delta_.records.size();
    outcome_.files = delta_.files.size();
    return std::move(outcome_);
  }

 private:
  static Result<std::optional<SegmentEntry>> present_entry(const FreshEntry& fresh) {
    const FreshRecord& record = fresh.batch->records[fresh.index];
    if (!record.present) return std::optional<SegmentEntry>();
    JCN_TRY(const SegmentEntry entry, fresh.batch->entry(record));
    return std::optional<SegmentEntry>(entry);
  }

  Result<void> choose_dictionary() {
    if (state_.dictionary != 0) {
      JCN_TRY(dictionary_, cache_.dictionary(txn_, state_.dictionary));
      return {};
    }
    std::size_t total = 0;
    for (const FreshEntry& fresh : delta_.records) {
      JCN_TRY(const auto entry, present_entry(fresh));
      if (entry) total += entry->stored.size();
    }
    if (total < dictionary_enough_bytes) return {};
    // Every n-th, so that the samples come from all over the delta.
    const std::size_t every = total / dictionary_sample_bytes + 1;
    std::string samples;
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < delta_.records.size(); i += every) {
      JCN_TRY(const auto entry, present_entry(delta_.records[i]));
      if (!entry) continue;
      samples += entry->stored.substr(0, largest_sample);
      sizes.push_back(std::min(entry->stored.size(), largest_sample));
    }
    std::optional<std::string> trained = train_dictionary(samples, sizes);
    if (!trained) return {};  // too few or too alike; the next fold tries again
    state_.dictionary = 1;
    dictionary_ = std::make_shared<const Dictionary>(state_.dictionary, *trained);
    seal(*trained);
    return txn_.append(Table::dictionaries, dictionary_key(state_.dictionary), *trained);
  }

  Result<void> fold_records() {
    const std::uint32_t segment = state_.next_segment;
    SegmentBuilder builder(state_.dictionary,
                           [&](Section section, std::uint32_t number, std::string payload) {
                             return store_block(txn_, segment, section, number, std::move(payload));
                           });
    std::vector<std::pair<std::uint64_t, std::string>> changes;  // by number
    changes.reserve(delta_.records.size());
    for (const FreshEntry& fresh : delta_.records) {
      const FreshRecord& record = fresh.batch->records[fresh.index];
      JCN_TRY(const auto entry, present_entry(fresh));
      ChangeRow change{std::string(fresh.key), {}, !entry};
      if (entry) {
        change.rev = entry->rev;
        JCN_CHECK(
            put_present(fresh.key, {segment, builder.next_local(), entry->seq, entry->exists}));
        JCN_CHECK(builder.add(fresh.key, compress_entry(*entry, dictionary_.get())));
      } else {
        JCN_CHECK(put_absent(fresh.key, record.seq));
      }
      changes.emplace_back(record.seq, encode_change_row(change));
    }
    std::sort(changes.begin(), changes.end());
    for (const auto& [seq, row] : changes) {
      JCN_CHECK(txn_.append(Table::changes, change_key(seq), row));
    }
    if (builder.next_local() == 0) return {};
    JCN_TRY(const SegmentHead head, builder.finish());
    outcome_.segment = segment;
    outcome_.records = head.records;
    ++state_.next_segment;
    JCN_CHECK(store_search(segment));
    return write_all_living(txn_, segment, head.records);
  }

  // As it is in memory: the delta's local numbers are the segment's.
  Result<void> store_search(std::uint32_t segment) {
    JCN_TRY(const auto search, delta_.search->search(delta_.records));
    for (const Section section :
         {Section::outline, Section::values, Section::postings, Section::columns}) {
      const std::vector<std::string>& blocks = search->blocks().blocks(section);
      for (std::uint32_t number = 0; number < blocks.size(); ++number) {
        JCN_CHECK(store_block(txn_, segment, section, number, blocks[number]));
      }
    }
    return {};
  }

  Result<void> put_present(std::string_view key, const IdRow& row) {
    std::string old;
    JCN_TRY(const bool replaced, txn_.put(Table::ids, key, encode_id_row(row), &old));
    if (replaced) return bury(old);
    return forget_tombstone(key);
  }

  Result<void> put_absent(std::string_view key, std::uint64_t seq) {
    std::string old;
    JCN_TRY(const bool was_there, txn_.erase(Table::ids, key, &old));
    if (was_there) JCN_CHECK(bury(old));
    JCN_TRY(const bool again, txn_.put(Table::tombstones, key, encode_number(seq), &old));
    return again ? forget_change(old) : Result<void>();
  }

  // The entry that this row of the ids table led to is dead, its change no longer the latest.
  Result<void> bury(const std::string& id_row) {
    const auto row = decode_id_row(id_row);
    if (!row) return damaged("a row of the ids table");
    outcome_.deaths[row->segment].push_back(row->local);
    JCN_TRY([[maybe_unused]] const bool erased, txn_.erase(Table::changes, change_key(row->seq)));
    return {};
  }

  Result<void> forget_tombstone(std::string_view key) {
    std::string old;
    JCN_TRY(const bool was_there, txn_.erase(Table::tombstones, key, &old));
    return was_there ? forget_change(old) : Result<void>();
  }

  Result<void> forget_change(const std::string& tombstone) {
    const auto seq = decode_number(tombstone);
    if (!seq) return damaged("a tombstone");
    JCN_TRY([[maybe_unused]] const bool erased, txn_.erase(Table::changes, change_key(*seq)));
    return {};
  }

  Result<void> fold_files() {
    for (const FreshEntry& fresh : delta_.files) {
      const std::optional<std::string>& row = fresh.batch->files[fresh.index];
      std::string old;
      if (row) {
        JCN_TRY([[maybe_unused]] const bool replaced,
                txn_.put(Table::files, fresh.key, *row, &old));
      } else {
        JCN_TRY([[maybe_unused]] const bool erased, txn_.erase(Table::files, fresh.key, &old));
      }
      const bool is_reject = row && file_row_rejected(*row);
      if (is_reject) {
        JCN_TRY([[maybe_unused]] const bool listed, txn_.put(Table::rejects, fresh.key, {}));
      } else if (file_row_rejected(old)) {
        JCN_TRY([[maybe_unused]] const bool listed, txn_.erase(Table::rejects, fresh.key));
      }
    }
    return {};
  }

  Result<void> fold_bodies() {
    for (const FreshEntry& fresh : delta_.bodies) {
      const std::optional<std::string>& text = fresh.batch->bodies[fresh.index];
      if (!text) {
        JCN_TRY([[maybe_unused]] const bool erased, txn_.erase(Table::bodies, fresh.key));
        continue;
      }
      const std::optional<std::string> smaller = compress(*text, dictionary_.get());
      BodyRow row;
      row.compressed = smaller.has_value();
      row.dictionary = smaller ? state_.dictionary : 0;
      row.raw_size = text->size();
      row.stored = smaller ? *smaller : *text;
      JCN_TRY([[maybe_unused]] const bool replaced,
              txn_.put(Table::bodies, fresh.key, encode_body_row(row)));
    }
    return {};
  }

  Result<void> fold_notes() {
    for (const FreshEntry& fresh : delta_.notes) {
      const std::optional<std::string>& note = fresh.batch->notes[fresh.index];
      const std::string key = meta_note_key(fresh.key);
      if (note) {
        std::string sealed = *note;
        seal(sealed);
        JCN_TRY([[maybe_unused]] const bool replaced, txn_.put(Table::meta, key, sealed));
      } else {
        JCN_TRY([[maybe_unused]] const bool erased, txn_.erase(Table::meta, key));
      }
    }
    return {};
  }

  static constexpr std::size_t largest_sample = 16 << 10;
  WriteTxn& txn_;
  const Delta& delta_;
  StateRow& state_;
  SegmentCache& cache_;
  std::shared_ptr<const Dictionary> dictionary_;
  FoldOutcome outcome_;
};

}  // namespace

Result<FoldOutcome> fold_delta(WriteTxn& txn, const Delta& delta, StateRow& state,
                               SegmentCache& cache) {
  return Fold(txn, delta, state, cache).run();
}

Result<void> store_block(WriteTxn& txn, std::uint32_t segment, Section section,
                         std::uint32_t number, std::string payload) {
  seal(payload);
  const std::string key = segment_key(segment, static_cast<std::uint8_t>(section), number);
  if (section == Section::documents || section == Section::keys) {
    return txn.append(Table::segments, key, payload);
  }
  JCN_TRY([[maybe_unused]] const bool old, txn.put(Table::segments, key, payload));
  return {};
}

}  // namespace jcn
