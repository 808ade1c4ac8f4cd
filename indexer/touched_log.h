// touched.log: which records were announced since the last fold, so that after kill -9 each of them
// can be announced again. Appended before a batch is visible, unsynced, one write(2) a batch; read
// again up to the first invalid row (doc/format.md: touched.log).
//
//   touched.log              since the last freeze
//   touched.log.folding      what is being folded; removed after its commit
//   touched.log.recovering   found at open, until the caller has announced it
//
// Thread-safety: none; IndexWriter guards it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/file_descriptor.h"
#include "jcn/record.h"
#include "jcn/result.h"

namespace jcn {

struct TouchedRow {
  std::uint64_t seq = 0;
  RecordKey key;
};

class TouchedLog {
 public:
  // Takes up what an earlier process left beyond `folded_seq`, and begins a new log. No two rows of
  // leftover() have one key; the latest stays. They are in key order.
  static Result<TouchedLog> open(const std::string& folder, std::uint64_t folded_seq);
  // Puts a copy of what is in one generation's folder into another's. `also` is announced again,
  // too.
  static Result<void> carry(const std::string& from, const std::string& to,
                            const std::vector<RecordKey>& also);
  // Goes on there, where a copy of it lies.
  Result<void> move_to(const std::string& folder);
  const std::vector<TouchedRow>& leftover() const { return leftover_; }
  // The lowest number beyond the fold that an append has failed to log, though later ones may have
  // been logged again: of it and all behind it nothing sure is known.
  std::optional<std::uint64_t> first_missing() const { return first_missing_; }

  // After a failure (disk full) nothing is appended until the next rotate: rows behind a torn one
  // would not be read again. The log begun then starts with a mark of the lowest number missing,
  // which makes the numbers in question a lost stretch, no more.
  Result<void> append(const std::vector<TouchedRow>& rows);
  Result<void> rotate();        // touched.log becomes touched.log.folding
  Result<void> drop_folding();  // its fold has been committed
  Result<void> drop_leftover();

 private:
  TouchedLog(std::string folder) : folder_(std::move(folder)) {}
  std::string path(const char* suffix) const { return folder_ + "/touched.log" + suffix; }
  Result<void> begin();
  void take(FileDescriptor file);
  Result<void> append_bytes(std::string_view bytes, const std::string& name);

  std::string folder_;
  FileDescriptor file_;
  std::uint64_t bytes_ = 0;  // of whole rows in file_
  bool broken_ = false;
  std::optional<std::uint64_t> refused_;  // the first number that file_ lacks
  std::optional<std::uint64_t> first_missing_;
  std::vector<TouchedRow> leftover_;
};

// Rows up to the first that is torn or malformed.
std::vector<TouchedRow> parse_touched_rows(std::string_view bytes);
void append_touched_row(std::string& bytes, const TouchedRow& row);

}  // namespace jcn
