// Reading a fragment's bytes without being raced, blocked or led out of the root.
// Linux: openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS.
#pragma once

#include <string>
#include <variant>

#include "jcn/file_descriptor.h"
#include "jcn/record.h"
#include "jcn/result.h"

namespace jcn {

struct Vanished {};  // no such file now (also: a folder stands there, or a parent is gone)

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

// Worth another try soon: EAGAIN (a lease), EIO, EMFILE, ENFILE, ENOMEM, or the file changed while
// it was read, thrice in a row.
struct ReadLater {
  Error why;
};

using ReadOutcome = std::variant<ReadBytes, ReadRejected, ReadLater, Vanished>;

// Reads at most max_bytes of root/path. Never blocks on FIFOs and leases, never follows symbolic
// links, never opens what is no regular file, loops over EINTR and short reads, and makes sure that
// facts before and after the reading agree. Thread-safe.
ReadOutcome read_fragment(int root_fd, const std::string& path, std::uint64_t max_bytes);

// Opens a folder beneath the root (empty path: the root itself) for reading, without links.
Result<FileDescriptor> open_folder(int root_fd, const std::string& path);
Result<FileDescriptor> open_root(const std::string& absolute_path);

struct FolderEntry {
  enum class Type : std::uint8_t { file, folder, other, vanished };
  Type type = Type::file;  // file: regular; other: links, FIFOs, sockets, devices
  FileFacts facts;
};
// fstatat without following links; vanished when there is nothing.
Result<FolderEntry> stat_entry(int folder_fd, const std::string& name);

}  // namespace jcn
