// Snapshot: an immutable view of one state: an LMDB read transaction and the segments in memory
// that go with it. The only door to the index for readers.
//
// A Snapshot holds a reader slot and pins pages: keep it for a request, never across a wait for a
// socket or a person. It may be used by one thread at a time; many may live at once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "jcn/record.h"
#include "jcn/result.h"

namespace jcn {

class SnapshotState;  // indexer/snapshot_state.h

struct IndexCounts {
  std::map<std::string, std::uint64_t>
      records;                  // by kind; only those that exist; kinds with none absent
  std::uint64_t fragments = 0;  // eligible files known, rejected ones too
  std::uint64_t rejects = 0;
};

// What a conditional request needs, without the document.
struct RecordHead {
  std::uint64_t seq = 0;
  Hash128 rev;
  bool exists = true;
  std::int64_t created_ns = 0, updated_ns = 0;
};

class Snapshot {
 public:
  explicit Snapshot(std::unique_ptr<SnapshotState> state);
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(Snapshot&&) noexcept;
  ~Snapshot();

  std::string uuid() const;   // names the history, RFC 9562 text
  std::uint64_t seq() const;  // the largest number given in this state
  IndexCounts counts() const;
  std::optional<std::string> note(std::string_view name) const;  // Batch::notes

  // Absent: no such record. Present with exists == false: orphans wait for their anchor.
  // An error means a damaged index (index_damaged).
  Result<std::optional<RecordHead>> head(const RecordKey& key) const;
  Result<std::optional<Record>> record(const RecordKey& key) const;

  // Records in the order of RecordKey, from the first one after `after` (with an empty id: from the
  // kind's first), while `visit` returns true. Never leaves the kind. Includes non-existing ones.
  Result<void> for_each_record(const RecordKey& after,
                               const std::function<bool(const Record&)>& visit) const;
  // The same over all kinds: for dumps.
  Result<void> for_each_record(const std::function<bool(const Record&)>& visit) const;

  Result<std::optional<FileRow>> file(const FragmentName& name) const;
  // Canonical text of a contributing file, when it is kept apart from its record's document: for
  // all but the only fragment of an existing record.
  Result<std::optional<std::string>> body(const FragmentName& name) const;

  // Files of a root whose path begins with `prefix`, in key order, from the first one after `after`
  // (empty: all); while `visit` returns true. With `flat`, those in folders below the prefix's own
  // folder are stepped over without being read.
  Result<void> for_each_file(
      const std::string& root, std::string_view prefix, std::string_view after, bool flat,
      const std::function<bool(const std::string& path, const FileRow&)>& visit) const;
  // Rejected files of all roots, by (root, path), after `after`.
  Result<void> for_each_reject(
      const FragmentName& after,
      const std::function<bool(const FragmentName&, const FileRow&)>& visit) const;
  // Files whose content is kept apart from a record's document (see body), by (root, path), after
  // `after`; cut keys (doc/format.md) stand in the order of their hashes.
  Result<void> for_each_kept_body(const FragmentName& after,
                                  const std::function<bool(const FragmentName&)>& visit) const;
  // Roots that have files, in order.
  Result<std::vector<std::string>> roots() const;

  // For this side's own rooms (queries, changes).
  SnapshotState& state() const { return *state_; }

 private:
  std::unique_ptr<SnapshotState> state_;
};

// Opens the current generation of an index for reading, beside a live daemon or without one. Sees
// what has been folded. Errors: index_unreadable, index_format, index_damaged, system.
class IndexReader {
 public:
  static Result<IndexReader> open(const std::string& index_folder);
  IndexReader(IndexReader&&) noexcept;
  IndexReader& operator=(IndexReader&&) noexcept;
  ~IndexReader();
  Result<Snapshot> snapshot() const;

 private:
  struct Inside;
  explicit IndexReader(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace jcn
