// INDEX/history: what the last writer left behind, kept outside LMDB so that a data.mdb put back
// from a backup does not go on with numbers that were given already (doc/format.md: history).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "jcn/file_descriptor.h"
#include "jcn/record.h"
#include "jcn/result.h"

namespace jcn {

// What statx(2) says. Times in nanoseconds since the epoch.
struct DataFacts {
  std::uint64_t inode = 0, size = 0;
  std::int64_t born_ns = 0;  // 0: the file system does not tell
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  bool operator==(const DataFacts&) const = default;
  bool same_file(const DataFacts& other) const {
    return inode == other.inode && born_ns == other.born_ns;
  }
};
Result<DataFacts> data_facts(const std::string& path);

struct History {
  std::string generation;
  Hash128 token;       // drawn anew at every opening; meta has the same
  bool clean = false;  // `data` is data.mdb as an orderly end left it; otherwise as of the opening
  DataFacts data;
  std::uint64_t txn = 0;  // the last one that was committed, of that time
  std::string boot;       // of the machine; by write_history
  bool in_place = false;  // by read_history: this file was written here, and is no copy of one
};

// Absent: there is none, or none that is whole.
Result<std::optional<History>> read_history(const std::string& index_folder);
// By write, fsync, rename, fsync of the folder. Fills in `data` from data.mdb, which is synced
// first so that its times outlive a loss of power, and `boot`.
Result<void> write_history(const std::string& index_folder, History history);

// Names the machine's life since it was started last; empty where the kernel does not tell.
std::string boot_id();

// INDEX/gen-NNNNNN/committed: data.mdb as the last commit left it. Written after each, unsynced: it
// outlives the process, and tells after a kill whether anybody else has been at the file.
class LastCommit {
 public:
  struct Facts {
    std::uint64_t txn = 0;
    DataFacts data;
  };
  // Absent: there is none, or none that is whole.
  static Result<std::optional<Facts>> read(const std::string& generation);

  static Result<LastCommit> open(const std::string& generation);
  void write(std::uint64_t txn);  // should it fail, the next start looks through all of data.mdb
  // Whether data.mdb is as it was when this was written last: nobody else writes to it.
  bool untouched() const;

 private:
  FileDescriptor file_, data_;
  DataFacts written_;
};

}  // namespace jcn
