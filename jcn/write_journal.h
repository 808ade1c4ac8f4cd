// What is being written beneath the roots: a small file for each, in a folder of jcn's own, there
// before the temporary file and gone after it. What a killed jcn has left behind is told from
// everybody else's files by it.
//
// Invariants:
// 1. A temporary name stands in the journal before it stands beside a fragment; it is random, and
//    made with O_EXCL: what has it is jcn's doing.
// 2. Before the temporary name may hold what was the fragment's file, the journal says which file
//    that is expected to be, on the disk: a loss of power forgets neither.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jcn/record.h"
#include "jcn/result.h"

namespace jcn {

// A file by what no rename changes.
struct FileIdentity {
  std::uint64_t inode = 0, size = 0;
  std::int64_t mtime_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

// What the temporary name may hold once the fragment's own file was moved there.
struct Displacement {
  std::optional<Hash128> expected;  // bytes of the file that was meant; absent: whatever it was
  std::optional<FileIdentity> own;  // of the new file; absent: the fragment is being removed
};

struct LeftBehind {
  FragmentName name;
  std::string temporary;  // in the fragment's folder
  std::optional<Displacement> displacement;
};

// Thread-safe: each note is a file of its own.
class WriteJournal {
 public:
  explicit WriteJournal(std::string folder) : folder_(std::move(folder)) {}

  // The entry of one write; gone when this is.
  class Note {
   public:
    Note(Note&& other) noexcept;
    Note& operator=(Note&&) = delete;
    ~Note();
    const std::string& temporary() const { return temporary_; }
    Result<void> displaces(const Displacement& displacement);
    void keep() { path_.clear(); }  // for the next start: it could not be brought to an end

   private:
    friend class WriteJournal;
    Note(std::string path, std::string temporary)
        : path_(std::move(path)), temporary_(std::move(temporary)) {}
    std::string path_;  // empty: nothing to remove
    std::string temporary_;
  };
  // Errors: disk_full, write_error.
  Result<Note> note(const FragmentName& name) const;

  // Of an earlier run; entries that are no whole ones are dropped, nothing was begun by them.
  Result<std::vector<LeftBehind>> left_behind() const;
  void forget(const LeftBehind& entry) const;

 private:
  std::string path_of(const std::string& temporary) const;
  const std::string folder_;
};

}  // namespace jcn
