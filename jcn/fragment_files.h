// The files of fragments, read and written for the API: the file side of it, without HTTP.
//
// What holds, whatever other programs do with the same files:
// 1. A file is replaced or removed only if its bytes were, to the end, those that the precondition
//    was evaluated against; what another program put there meanwhile goes back to its place (and
//    for those microseconds the refused file may have been seen there). Two conditional writers
//    never both succeed on the same bytes.
// 2. A file is created only where there is none. One that may only be changed while another is
//    present is not changed after that was removed here.
// 3. Whoever reads sees the old bytes or the new ones, whole; so does the disk after a crash.
// 4. Nothing is read or written outside the root; links are neither followed nor replaced.
// 5. A write that fails leaves nothing behind, no folder either.
// Not held against: programs that replace a file without looking at it, after this one; that write
// through a hard link elsewhere, or through a descriptor from before where jcn may not lease the
// file (displaced_file.cc). On file systems that can't exchange two names (RENAME_EXCHANGE), 1 has
// a gap of microseconds, between the last look and the rename.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <string_view>

#include "displaced_file.h"
#include "jcn/file_descriptor.h"
#include "jcn/record.h"
#include "jcn/result.h"
#include "new_file.h"
#include "precondition.h"
#include "write_journal.h"

namespace jcn {

struct StoredFragment {
  std::string bytes;
  FileFacts facts;
  Hash128 content;
};

struct WrittenFragment {
  Hash128 content;
  bool created = false;
};

// Thread-safe. Names have been found eligible before, and bytes good.
class FragmentFiles {
 public:
  using Folder = std::shared_ptr<const FileDescriptor>;
  struct Surroundings {
    bool writable = false;
    std::string journal = {};  // folder for WriteJournal; made when it is needed
    // Errors: no_such_root, root_unavailable.
    std::function<Result<Folder>(const std::string& root)> open_root;
    unsigned places = 64;  // of those who write, or wait to see what they wrote
    // What happens right before a name changes its file: for tests.
    std::function<void()> before_change = nullptr;
  };
  explicit FragmentFiles(Surroundings surroundings);

  bool writable() const { return in_.writable; }

  // Holds a place until it is gone: each writer holds one of the server's threads. Errors:
  // overloaded.
  using Place = std::shared_ptr<void>;
  Result<Place> enter();

  // Errors: no_such_fragment; those of the root; verdicts (symlink, too_large, …); busy.
  Result<StoredFragment> read(const FragmentName& name, std::uint64_t max_bytes) const;

  // On disk when it returns. Errors: precondition_failed, precondition_required; no_such_fragment
  // (the file that had to be present is not); bad_path (a folder stands there, or no folder where
  // one is needed); those of read(); disk_full, read_only, path_too_long, overloaded, write_error.
  Result<WrittenFragment> write(const FragmentName& name, std::string_view bytes,
                                const Precondition& precondition, std::uint64_t max_bytes);
  // Folders stay. Errors: the same, and no_such_fragment.
  Result<void> remove(const FragmentName& name, const Precondition& precondition,
                      std::uint64_t max_bytes);

  // What a killed jcn was at: temporary files go, displaced files of others go back. For the start,
  // before anything is written. Of roots that can't be opened it is kept for the next time. Returns
  // how many were brought to an end.
  std::size_t finish_left_behind(
      const std::function<Result<Folder>(const std::string& root)>& open_root,
      std::uint64_t max_bytes) const;

  std::uint64_t written() const { return written_; }
  std::uint64_t removed() const { return removed_; }
  std::uint64_t refused() const { return refused_; }  // by their preconditions

 private:
  Result<WrittenFragment> put(const FragmentName& name, std::string_view bytes,
                              const Precondition& precondition, std::uint64_t max_bytes);
  Result<void> take_away(const FragmentName& name, const Precondition& precondition,
                         std::uint64_t max_bytes);
  Result<void> replace(NewFile& fresh, const DisplacedFile& file, WriteJournal::Note& note,
                       const Precondition& precondition, const Standing& standing) const;
  // Keeps others from changing the file, and the one that has to be present, while it exists.
  struct Held {
    std::unique_lock<std::mutex> own, present;
  };
  Held hold(const FragmentName& name, const Precondition& precondition);
  void before_change() const;
  void count_refusal(const Error& error);
  std::mutex& lock_of(const FragmentName& name);

  const Surroundings in_;
  const WriteJournal journal_;
  std::counting_semaphore<> places_;
  // Of one path there is one writer at a time; several paths may share a lock.
  std::array<std::mutex, 64> locks_;
  std::atomic<std::uint64_t> written_{0}, removed_{0}, refused_{0};
};

}  // namespace jcn
