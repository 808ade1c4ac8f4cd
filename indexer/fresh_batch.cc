#include "fresh_batch.h"

#include <algorithm>
#include <functional>

#include <map>
#include <set>

#include "keys.h"
#include "segment_builder.h"

namespace jcn {
namespace {

constexpr std::uint64_t row_bytes = 128;  // of an entry beside its contents, roughly

FreshEntries entries_of(const std::shared_ptr<const FreshBatch>& batch,
                        const std::vector<std::string>& keys) {
  FreshEntries entries;
  entries.reserve(keys.size());
  for (std::uint32_t i = 0; i < keys.size(); ++i) entries.push_back({keys[i], batch, i});
  return entries;
}

class Preparation {
 public:
  Preparation(Batch batch, std::uint64_t seq, const SnapshotState& before)
      : batch_(std::move(batch)),
        seq_(seq),
        before_(before),
        fresh_(std::make_shared<FreshBatch>()) {
    prepared_.counts = before.counts();
  }

  Result<PreparedBatch> run() {
    JCN_CHECK(take_records());
    JCN_CHECK(take_files());
    for (auto& [name, text] : batch_.bodies) {
      fresh_->bytes += row_bytes + (text ? text->size() : 0);
      fresh_->body_keys.push_back(file_key_bytes(name));
      fresh_->bodies.push_back(std::move(text));
    }
    for (auto& [name, text] : batch_.notes) {
      fresh_->bytes += row_bytes + (text ? text->size() : 0);
      fresh_->note_keys.push_back(name);
      fresh_->notes.push_back(std::move(text));
    }
    sort_cut_keys(fresh_->file_keys, fresh_->files);
    sort_cut_keys(fresh_->body_keys, fresh_->bodies);
    auto delta = std::make_shared<Delta>();
    FreshEntries records = entries_of(fresh_, fresh_->record_keys);
    for (std::size_t i = 0; i < records.size(); ++i) records[i].work = works_[i];
    set_records(*delta, std::move(records));
    if (!delta->records.empty()) delta->last_seq = seq_;
    delta->files = entries_of(fresh_, fresh_->file_keys);
    delta->bodies = entries_of(fresh_, fresh_->body_keys);
    delta->notes = entries_of(fresh_, fresh_->note_keys);
    for (const FreshEntry& entry : delta->files) {
      if (rejects_.contains(entry.key)) delta->rejects.push_back(entry);
    }
    prepared_.bytes = fresh_->bytes;
    prepared_.delta = std::move(delta);
    return std::move(prepared_);
  }

 private:
  Result<void> take_records() {
    SegmentBuilder builder(0, [this](Section section, std::uint32_t number, std::string payload) {
      // Keys stand in record_keys already.
      if (section == Section::documents) fresh_->blocks.add(section, number, std::move(payload));
      return Result<void>();
    });
    for (auto& [key, record] : batch_.records) {
      std::string bytes = record_key_bytes(key);
      if (bytes.size() > max_key_bytes || key.id.empty()) {
        return Error{Code::internal,
                     "a record's id has " + std::to_string(key.id.size()) + " bytes", ""};
      }
      JCN_TRY(const SnapshotState::RecordPlace old, before_.find_record(bytes));
      count_record(key.kind, old.exists(), record && record->exists);
      FreshRecord row;
      row.seq = ++seq_;
      row.present = record.has_value();
      std::uint32_t work = 1;
      if (record) {
        record->seq = row.seq;
        record->rev = record->exists ? hash128(record->document) : Hash128{};
        row.exists = record->exists;
        row.local = builder.next_local();
        if (record->exists) work = work_of_document(record->document);
        const std::string entry = encode_entry(*record);
        fresh_->bytes += entry.size();
        JCN_CHECK(builder.add(bytes, entry));
      }
      fresh_->bytes += row_bytes + bytes.size();
      prepared_.rows.push_back({row.seq, key});
      fresh_->records.push_back(row);
      fresh_->record_keys.push_back(std::move(bytes));
      works_.push_back(work);
    }
    prepared_.records = fresh_->records.size();
    if (builder.next_local() > 0) {
      JCN_TRY(SegmentHead head, builder.finish());
      fresh_->segment = std::make_shared<const SegmentHead>(std::move(head));
    }
    return {};
  }

  void count_record(const std::string& kind, bool before, bool after) {
    if (before == after) return;
    std::uint64_t& count = prepared_.counts.records[kind];
    count = after ? count + 1 : count - 1;
    if (count == 0) prepared_.counts.records.erase(kind);
  }

  Result<void> take_files() {
    for (const auto& [name, row] : batch_.files) {
      std::string key = file_key_bytes(name);
      JCN_TRY(const auto old, before_.file_row(key));
      const bool was_reject = old && file_row_rejected(*old);
      const bool is_reject = row && row->reject;
      if (row && !old) ++prepared_.counts.fragments;
      if (!row && old) --prepared_.counts.fragments;
      if (is_reject && !was_reject) ++prepared_.counts.rejects;
      if (!is_reject && was_reject) --prepared_.counts.rejects;
      if (is_reject || was_reject) rejects_.insert(key);
      std::optional<std::string> bytes;
      if (row) bytes = encode_file_row(*row, name, is_cut_file_key(key));
      fresh_->bytes += row_bytes + key.size() + (bytes ? bytes->size() : 0);
      fresh_->file_keys.push_back(std::move(key));
      fresh_->files.push_back(std::move(bytes));
    }
    return {};
  }

  // Cut keys end in a hash: theirs is not the order of the names.
  template <class Row>
  static void sort_cut_keys(std::vector<std::string>& keys, std::vector<Row>& rows) {
    if (std::is_sorted(keys.begin(), keys.end())) return;
    std::map<std::string, Row> sorted;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      sorted.emplace(std::move(keys[i]), std::move(rows[i]));
    }
    keys.clear();
    rows.clear();
    for (auto& [key, row] : sorted) {
      keys.push_back(key);
      rows.push_back(std::move(row));
    }
  }

  Batch batch_;
  std::uint64_t seq_;
  const SnapshotState& before_;
  std::shared_ptr<FreshBatch> fresh_;
  std::vector<std::uint32_t> works_;            // of fresh_->records
  std::set<std::string, std::less<>> rejects_;  // keys for Delta::rejects
  PreparedBatch prepared_;
};

}  // namespace

Result<PreparedBatch> prepare_batch(Batch batch, std::uint64_t seq, const SnapshotState& before) {
  return Preparation(std::move(batch), seq, before).run();
}

}  // namespace jcn
