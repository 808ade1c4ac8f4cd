#include "snapshot_state.h"

#include "encoding.h"
#include "keys.h"
#include "rows.h"

namespace jcn {

struct SnapshotState::OpenSegment {
  OpenSegment(const Transaction& txn, std::uint32_t number, std::shared_ptr<const SegmentHead> head)
      : blocks(txn, number), segment(std::move(head), blocks) {}
  LmdbBlocks blocks;
  Segment segment;
  std::shared_ptr<const Dictionary> dictionary;
};

SnapshotState::~SnapshotState() = default;

bool SnapshotState::RecordPlace::exists() const {
  if (fresh) return fresh->batch->records[fresh->index].exists;
  return folded && folded->exists;
}

SnapshotState::SnapshotState(ReadTxn txn, std::shared_ptr<SegmentCache> cache,
                             std::shared_ptr<const Published> published, const Hash128& uuid,
                             bool with_frozen)
    : cache_(std::move(cache)),
      published_(std::move(published)),
      uuid_(uuid),
      txn_(std::move(txn)) {
  const auto add = [&](const Deltas& deltas) {
    for (std::size_t i = deltas.size(); i-- > 0;) deltas_.push_back(deltas[i].get());
  };
  add(published_->fresh);
  if (with_frozen) add(published_->frozen);
}

Result<std::unique_ptr<SnapshotState>> SnapshotState::acquire(const PublishedState& published) {
  while (true) {
    std::shared_ptr<const Published> state = published.load();
    JCN_TRY(ReadTxn txn, state->cache->env().begin_read());
    const bool now = txn.id() == state->txn;
    const bool after = state->next != Published::Next::none && txn.id() == state->txn + 1;
    // Neither: a commit came between the two lines above; the state that goes with it is published.
    if (!now && !after) continue;
    const bool with_frozen = now || state->next == Published::Next::same;
    const Hash128 uuid = state->uuid;
    return std::unique_ptr<SnapshotState>(
        new SnapshotState(std::move(txn), state->cache, state, uuid, with_frozen));
  }
}

Result<std::unique_ptr<SnapshotState>> SnapshotState::of_folded(
    std::shared_ptr<SegmentCache> cache) {
  JCN_TRY(ReadTxn txn, cache->env().begin_read());
  JCN_TRY(const auto identity_bytes, txn.get(Table::meta, meta_identity));
  JCN_TRY(const auto state_bytes, txn.get(Table::meta, meta_state));
  JCN_TRY(const auto counts_bytes, txn.get(Table::meta, meta_counts));
  if (!identity_bytes || !state_bytes || !counts_bytes) return damaged("the meta table lacks rows");
  const auto identity = decode_identity(*identity_bytes);
  const auto state = decode_state(*state_bytes);
  auto counts = decode_counts(*counts_bytes);
  if (!identity || !state || !counts) return damaged("the meta table's rows are unreadable");
  auto published = std::make_shared<Published>();
  published->txn = txn.id();
  published->seq = state->folded_seq;
  published->counts = std::make_shared<const IndexCounts>(std::move(*counts));
  return std::unique_ptr<SnapshotState>(new SnapshotState(
      std::move(txn), std::move(cache), std::move(published), identity->uuid, false));
}

const FreshEntry* SnapshotState::find(FreshEntries Delta::*entries, std::string_view key) const {
  for (const Delta* delta : deltas_) {
    if (const FreshEntry* entry = find_fresh(delta->*entries, key)) return entry;
  }
  return nullptr;
}

Result<std::optional<std::string>> SnapshotState::note(std::string_view name) const {
  if (const FreshEntry* entry = find(&Delta::notes, name)) return entry->batch->notes[entry->index];
  JCN_TRY(const auto sealed, txn_.get(Table::meta, meta_note_key(name)));
  if (!sealed) return std::optional<std::string>();
  const auto payload = unseal(*sealed);
  if (!payload) return damaged("note " + std::string(name));
  return std::optional<std::string>(*payload);
}

Result<SnapshotState::RecordPlace> SnapshotState::find_record(std::string_view key) const {
  if (const FreshEntry* entry = find(&Delta::records, key)) {
    if (!entry->batch->records[entry->index].present) return RecordPlace{};
    return RecordPlace{entry, std::nullopt};
  }
  JCN_TRY(const auto bytes, txn_.get(Table::ids, key));
  if (!bytes) return RecordPlace{};
  const auto row = decode_id_row(*bytes);
  if (!row) return damaged("a row of the ids table");
  return RecordPlace{nullptr, row};
}

Result<SnapshotState::OpenSegment*> SnapshotState::open_segment(std::uint32_t number) {
  std::unique_ptr<OpenSegment>& open = segments_[number];
  if (!open) {
    JCN_TRY(auto head, cache_->head(txn_, number));
    JCN_TRY(auto dictionary, cache_->dictionary(txn_, head->dictionary));
    open = std::make_unique<OpenSegment>(txn_, number, std::move(head));
    open->dictionary = std::move(dictionary);
  }
  return open.get();
}

Result<SegmentEntry> SnapshotState::entry(const RecordPlace& place) {
  if (place.fresh) {
    const FreshBatch& batch = *place.fresh->batch;
    return batch.entry(batch.records[place.fresh->index]);
  }
  JCN_TRY(OpenSegment * open, open_segment(place.folded->segment));
  JCN_TRY(SegmentEntry entry, open->segment.entry(place.folded->local));
  if (entry.seq != place.folded->seq) return damaged("an id leads to another record's entry");
  return entry;
}

Result<Record> SnapshotState::unpack(const RecordPlace& place, std::string_view key) {
  JCN_TRY(const SegmentEntry found, entry(place));
  const Dictionary* dictionary =
      place.fresh ? nullptr : segments_[place.folded->segment]->dictionary.get();
  Record record;
  auto parsed = parse_record_key(key);
  if (!parsed) return damaged("a record's key");
  record.key = std::move(*parsed);
  if (!unpack_entry(found, dictionary, record)) return damaged("a record's document");
  return record;
}

Result<Record> SnapshotState::unpack(std::uint32_t segment, std::uint32_t local, RecordKey key) {
  JCN_TRY(const OpenSegment* open, open_segment(segment));
  JCN_TRY(const SegmentEntry found, open->segment.entry(local));
  Record record;
  record.key = std::move(key);
  if (!unpack_entry(found, open->dictionary.get(), record)) {
    return damaged("a record's document");
  }
  return record;
}

Result<std::optional<std::string_view>> SnapshotState::file_row(std::string_view key) const {
  if (const FreshEntry* entry = find(&Delta::files, key)) {
    const std::optional<std::string>& row = entry->batch->files[entry->index];
    return row ? std::optional<std::string_view>(*row) : std::nullopt;
  }
  return txn_.get(Table::files, key);
}

Result<std::optional<std::string>> SnapshotState::body(std::string_view key) {
  if (const FreshEntry* entry = find(&Delta::bodies, key)) {
    return entry->batch->bodies[entry->index];
  }
  JCN_TRY(const auto bytes, txn_.get(Table::bodies, key));
  if (!bytes) return std::optional<std::string>();
  const auto row = decode_body_row(*bytes);
  if (!row) return damaged("a file's kept content");
  if (!row->compressed) return std::optional<std::string>(row->stored);
  JCN_TRY(const auto dictionary, cache_->dictionary(txn_, row->dictionary));
  std::string text;
  if (!decompress(row->stored, row->raw_size, dictionary.get(), text)) {
    return damaged("a file's kept content");
  }
  return std::optional<std::string>(std::move(text));
}

Result<LayeredCursor> SnapshotState::walk(FreshEntries Delta::*entries, Table table) const {
  JCN_TRY(Cursor cursor, txn_.cursor(table));
  std::vector<const FreshEntries*> layers;
  for (const Delta* delta : deltas_) layers.push_back(&(delta->*entries));
  return LayeredCursor(std::move(layers), std::move(cursor));
}

Result<LayeredCursor> SnapshotState::walk_records() const {
  return walk(&Delta::records, Table::ids);
}
Result<LayeredCursor> SnapshotState::walk_files() const {
  return walk(&Delta::files, Table::files);
}
Result<LayeredCursor> SnapshotState::walk_rejects() const {
  return walk(&Delta::rejects, Table::rejects);
}
Result<LayeredCursor> SnapshotState::walk_bodies() const {
  return walk(&Delta::bodies, Table::bodies);
}

Result<SnapshotState::RecordPlace> SnapshotState::place(const LayeredCursor& cursor) {
  if (const FreshEntry* entry = cursor.fresh()) {
    if (!entry->batch->records[entry->index].present) return RecordPlace{};
    return RecordPlace{entry, std::nullopt};
  }
  const auto row = decode_id_row(cursor.row());
  if (!row) return damaged("a row of the ids table");
  return RecordPlace{nullptr, row};
}

}  // namespace jcn
