// Reading a fragment's bytes without being raced, blocked or led out of the root.
// Linux: openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS.
#pragma once

#include <string>
#include <variant>

#include "jcn/descriptor_reserve.h"
#include "jcn/file_descriptor.h"
#include "jcn/record.h"
#include "jcn/result.h"

namespace jcn {

// No such file now; also: a folder stands there, a parent is gone or a symbolic link, or the path
// leads out of the root.
struct Vanished {};

struct ReadBytes {
  FileFacts facts;
  std::int64_t read_ns = 0;  // CLOCK_REALTIME just before the file was opened
  std::string bytes;
};

// The file itself fails a check: facts are those of lstat, where they could be had.
struct ReadRejected {
  FileFacts facts;
  std::int64_t read_ns = 0;
  Reject reject;
};

// Worth another try soon: the file changed while it was read, thrice in a row (unstable), or an
// error that says nothing lasting about the file: EAGAIN (a lease), EIO, EMFILE, ENOMEM, EINTR and
// all that are not known as verdicts.
struct ReadLater {
  Error why;
};

using ReadOutcome = std::variant<ReadBytes, ReadRejected, ReadLater, Vanished>;

// Reads at most max_bytes of root/path. Never blocks on FIFOs and leases, never follows symbolic
// links, never opens what is no regular file, loops over EINTR and short reads, and makes sure that
// facts before and after the reading agree. Thread-safe; the reserve, which may be null, is the
// thread's own.
ReadOutcome read_fragment(int root_fd, const std::string& path, std::uint64_t max_bytes,
                          DescriptorReserve* reserve = nullptr);

// Opens a folder beneath the root (empty path: the root itself) for reading, without links. Who
// gives a reserve refills it once the folder is closed. Errors: permission_denied, symlink,
// path_too_long; system: there is no such folder; read_error: worth another try soon.
Result<FileDescriptor> open_folder(int root_fd, const std::string& path,
                                   DescriptorReserve* reserve = nullptr);
// Errors: root_unavailable; read_error: worth another try soon.
Result<FileDescriptor> open_root(const std::string& absolute_path);

struct FolderEntry {
  enum class Type : std::uint8_t { file, folder, other, vanished };
  Type type = Type::file;  // file: regular; other: links, FIFOs, sockets, devices
  FileFacts facts;
};
// fstatat without following links; vanished when there is nothing. Errors: as open_folder's.
Result<FolderEntry> stat_entry(int folder_fd, const std::string& name);

}  // namespace jcn
