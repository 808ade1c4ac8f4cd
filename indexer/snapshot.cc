#include "jcn/snapshot.h"

#include "encoding.h"
#include "generation.h"
#include "keys.h"
#include "rows.h"
#include "snapshot_state.h"

namespace jcn {
namespace {

struct NamedRow {
  FragmentName name;
  FileRow row;
};

Result<NamedRow> named_row(std::string_view key, std::string_view bytes) {
  auto decoded = decode_file_row(bytes);
  if (!decoded) return damaged("a file's row");
  std::optional<FragmentName> name = decoded->name ? std::move(decoded->name) : parse_file_key(key);
  if (!name) return damaged("a file's key");
  return NamedRow{std::move(*name), std::move(decoded->row)};
}

// A stretch of records in key order. `begin` is the first key; the stretch ends where `within`
// fails.
Result<void> walk_records(SnapshotState& state, const std::string& begin,
                          const std::function<bool(std::string_view key)>& within,
                          const std::function<bool(const Record&)>& visit) {
  JCN_TRY(LayeredCursor cursor, state.walk_records());
  JCN_CHECK(cursor.seek(begin));
  while (cursor.valid() && within(cursor.key())) {
    JCN_TRY(const SnapshotState::RecordPlace place, SnapshotState::place(cursor));
    if (place.found()) {
      JCN_TRY(const Record record, state.unpack(place, cursor.key()));
      if (!visit(record)) break;
    }
    JCN_CHECK(cursor.next());
  }
  return {};
}

}  // namespace

Snapshot::Snapshot(std::unique_ptr<SnapshotState> state) : state_(std::move(state)) {}
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() = default;

std::string Snapshot::uuid() const {
  return uuid_text(state_->uuid());
}
std::uint64_t Snapshot::seq() const {
  return state_->seq();
}
IndexCounts Snapshot::counts() const {
  return state_->counts();
}

std::optional<std::string> Snapshot::note(std::string_view name) const {
  auto found = state_->note(name);
  return found ? std::move(found).value() : std::nullopt;  // a damaged note is as good as none
}

Result<std::optional<RecordHead>> Snapshot::head(const RecordKey& key) const {
  JCN_TRY(const SnapshotState::RecordPlace place, state_->find_record(record_key_bytes(key)));
  if (!place.found()) return std::optional<RecordHead>();
  JCN_TRY(const SegmentEntry entry, state_->entry(place));
  return std::optional<RecordHead>(
      RecordHead{entry.seq, entry.rev, entry.exists, entry.created_ns, entry.updated_ns});
}

Result<std::optional<Record>> Snapshot::record(const RecordKey& key) const {
  const std::string bytes = record_key_bytes(key);
  JCN_TRY(const SnapshotState::RecordPlace place, state_->find_record(bytes));
  if (!place.found()) return std::optional<Record>();
  JCN_TRY(Record record, state_->unpack(place, bytes));
  return std::optional<Record>(std::move(record));
}

Result<void> Snapshot::for_each_record(const RecordKey& after,
                                       const std::function<bool(const Record&)>& visit) const {
  std::string begin = record_key_bytes(after);
  const std::string kind = begin.substr(0, after.kind.size() + 1);
  if (!after.id.empty()) begin += '\0';  // the smallest key behind it: ids hold no NUL
  return walk_records(
      *state_, begin, [&](std::string_view key) { return key.starts_with(kind); }, visit);
}

Result<void> Snapshot::for_each_record(const std::function<bool(const Record&)>& visit) const {
  return walk_records(
      *state_, {}, [](std::string_view) { return true; }, visit);
}

Result<std::optional<FileRow>> Snapshot::file(const FragmentName& name) const {
  const std::string key = file_key_bytes(name);
  JCN_TRY(const auto bytes, state_->file_row(key));
  if (!bytes) return std::optional<FileRow>();
  JCN_TRY(NamedRow found, named_row(key, *bytes));
  return std::optional<FileRow>(std::move(found.row));
}

Result<std::optional<std::string>> Snapshot::body(const FragmentName& name) const {
  return state_->body(file_key_bytes(name));
}

Result<void> Snapshot::for_each_file(
    const std::string& root, std::string_view prefix, std::string_view after, bool flat,
    const std::function<bool(const std::string& path, const FileRow&)>& visit) const {
  JCN_TRY(LayeredCursor cursor, state_->walk_files());
  const std::string first = first_file_key(root, prefix);
  const std::string passed = after.empty() ? std::string() : file_key_bytes(root, after);
  JCN_CHECK(cursor.seek(std::max(first, passed)));
  if (!passed.empty() && cursor.valid() && cursor.key() == passed) JCN_CHECK(cursor.next());
  const std::size_t folder_end = prefix.rfind('/') + 1;  // npos + 1 == 0: the root itself
  while (cursor.valid() && cursor.key().starts_with(first)) {
    if (flat) {
      const std::string_view key = cursor.key();
      const std::size_t begin = root.size() + 1 + folder_end;
      const std::size_t slash = begin < key.size() ? key.find('/', begin) : std::string_view::npos;
      if (slash != std::string_view::npos && slash < cut_key_bytes) {
        // The first key behind everything in that folder.
        std::string behind(key.substr(0, slash));
        behind += '/' + 1;
        JCN_CHECK(cursor.seek(behind));
        continue;
      }
    }
    const FreshEntry* fresh = cursor.fresh();
    const std::optional<std::string>* row = fresh ? &fresh->batch->files[fresh->index] : nullptr;
    if (!row || *row) {
      JCN_TRY(const NamedRow found, named_row(cursor.key(), row ? **row : cursor.row()));
      const std::string& path = found.name.path;
      const bool below = flat && path.find('/', folder_end) != std::string::npos;
      if (path.starts_with(prefix) && !below && !visit(path, found.row)) break;
    }
    JCN_CHECK(cursor.next());
  }
  return {};
}

Result<void> Snapshot::for_each_reject(
    const FragmentName& after,
    const std::function<bool(const FragmentName&, const FileRow&)>& visit) const {
  JCN_TRY(LayeredCursor cursor, state_->walk_rejects());
  std::string passed;
  if (!after.root.empty() || !after.path.empty()) passed = file_key_bytes(after);
  JCN_CHECK(cursor.seek(passed));
  if (!passed.empty() && cursor.valid() && cursor.key() == passed) JCN_CHECK(cursor.next());
  for (; cursor.valid();) {
    JCN_TRY(const auto bytes, state_->file_row(cursor.key()));
    if (bytes && file_row_rejected(*bytes)) {
      JCN_TRY(const NamedRow found, named_row(cursor.key(), *bytes));
      if (!visit(found.name, found.row)) break;
    }
    JCN_CHECK(cursor.next());
  }
  return {};
}

Result<void> Snapshot::for_each_kept_body(
    const FragmentName& after, const std::function<bool(const FragmentName&)>& visit) const {
  JCN_TRY(LayeredCursor cursor, state_->walk_bodies());
  std::string passed;
  if (!after.root.empty() || !after.path.empty()) passed = file_key_bytes(after);
  JCN_CHECK(cursor.seek(passed));
  if (!passed.empty() && cursor.valid() && cursor.key() == passed) JCN_CHECK(cursor.next());
  while (cursor.valid()) {
    const FreshEntry* fresh = cursor.fresh();
    if (!fresh || fresh->batch->bodies[fresh->index]) {
      std::optional<FragmentName> name = parse_file_key(cursor.key());
      if (!name) {  // cut: the row has it
        JCN_TRY(const auto bytes, state_->file_row(cursor.key()));
        if (!bytes) return damaged("a file's row");
        JCN_TRY(NamedRow found, named_row(cursor.key(), *bytes));
        name = std::move(found.name);
      }
      if (!visit(*name)) break;
    }
    JCN_CHECK(cursor.next());
  }
  return {};
}

Result<std::vector<std::string>> Snapshot::roots() const {
  JCN_TRY(LayeredCursor cursor, state_->walk_files());
  std::vector<std::string> roots;
  JCN_CHECK(cursor.seek({}));
  while (cursor.valid()) {
    const FreshEntry* fresh = cursor.fresh();
    const std::optional<std::string>* row = fresh ? &fresh->batch->files[fresh->index] : nullptr;
    if (row && !*row) {  // removed
      JCN_CHECK(cursor.next());
      continue;
    }
    JCN_TRY(NamedRow found, named_row(cursor.key(), row ? **row : cursor.row()));
    std::string behind = found.name.root + '\1';
    roots.push_back(std::move(found.name.root));
    JCN_CHECK(cursor.seek(behind));
  }
  return roots;
}

struct IndexReader::Inside {
  std::shared_ptr<SegmentCache> cache;
};

IndexReader::IndexReader(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
IndexReader::IndexReader(IndexReader&&) noexcept = default;
IndexReader& IndexReader::operator=(IndexReader&&) noexcept = default;
IndexReader::~IndexReader() = default;

Result<IndexReader> IndexReader::open(const std::string& index_folder) {
  JCN_TRY(auto env, with_current(index_folder, [](const std::string& path) {
            return LmdbEnv::open(path, EnvOptions{});
          }));
  JCN_CHECK(check_format(*env));
  auto inside = std::make_unique<Inside>();
  inside->cache = std::make_shared<SegmentCache>(std::move(env));
  return IndexReader(std::move(inside));
}

Result<Snapshot> IndexReader::snapshot() const {
  JCN_TRY(auto state, SnapshotState::of_folded(inside_->cache));
  return Snapshot(std::move(state));
}

}  // namespace jcn
