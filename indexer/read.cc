#include "jcn/read.h"
#include "jcn/wall_clock.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <ctime>
#include <optional>

namespace jcn {
namespace {

constexpr int attempts = 3;
constexpr std::uint64_t beneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

// openat2(2) has no wrapper in glibc 2.36. -1 and errno on failure.
int open_beneath(int folder_fd, const char* path, int flags) {
  struct open_how how = {};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = beneath;
  long fd = -1;
  do {
    fd = ::syscall(SYS_openat2, folder_fd, path, &how, sizeof how);
  } while (fd < 0 && errno == EINTR);
  return static_cast<int>(fd);
}

FileFacts facts_of(const struct stat& status) {
  return {static_cast<std::uint64_t>(status.st_size), nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim), status.st_ino};
}

Reject reject(Code code, std::string message) {
  Reject out;
  out.code = code;
  out.message = std::move(message);
  return out;
}

// The verdict on what is no regular file.
Reject odd_file(mode_t mode) {
  if (S_ISLNK(mode)) return reject(Code::symlink, "a symbolic link; links are not followed");
  if (S_ISFIFO(mode)) return reject(Code::fifo, "a FIFO, not a regular file");
  if (S_ISSOCK(mode)) return reject(Code::socket, "a socket, not a regular file");
  return reject(Code::device, "a device, not a regular file");
}

// What an errno of a system call on the path means for the file.
ReadOutcome outcome_of(const char* call, const std::string& path, int errno_value,
                       const FileFacts& facts, std::int64_t read_ns) {
  const auto rejected = [&](Code code, std::string message) -> ReadOutcome {
    return ReadRejected{facts, read_ns, reject(code, std::move(message))};
  };
  switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:  // the path leads through a symbolic link, or is one since it was looked at
    case EXDEV:  // or out of the root
      return Vanished{};
    case EACCES:
    case EPERM:
      return rejected(Code::permission_denied, "permission denied");
    case ENAMETOOLONG:
      return rejected(Code::path_too_long, "the path is too long for the system");
    default:  // EAGAIN: a lease, or a rename raced with the look-up
      return ReadLater{system_error(call, path, errno_value)};
  }
}

// Where the path leads, whatever is there. ELOOP or EXDEV: through a symbolic link or out of the
// root; 0: all is well.
int led_astray(int root_fd, const std::string& path, DescriptorReserve* reserve) {
  if (path.find('/') == std::string::npos) return 0;
  const FileDescriptor place(open_with_reserve(
      reserve, [&] { return open_beneath(root_fd, path.c_str(), O_PATH | O_NOFOLLOW); }));
  return place ? 0 : errno;
}

// Reads up to size + 1 bytes: one more than there should be tells that the file grew. errno or 0.
int read_whole(int fd, std::uint64_t size, std::string& out) {
  out.resize(static_cast<std::size_t>(size) + 1);
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::read(fd, out.data() + done, out.size() - done);
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    done += static_cast<std::size_t>(count);
    // The size is reached, or the end is: a second read would tell nothing that fstat does not.
    if (count == 0 || done == size) break;
  }
  out.resize(done);
  return 0;
}

// One attempt; nothing when the file changed meanwhile.
std::optional<ReadOutcome> try_read(int root_fd, const std::string& path, std::uint64_t max_bytes,
                                    DescriptorReserve* reserve) {
  const std::int64_t read_ns = wall_clock_ns();
  // Looked at before it is opened, so that FIFOs and devices are not opened at all. Should one take
  // the file's place right here, O_NONBLOCK keeps the opening from waiting and fstat finds it out.
  struct stat status = {};
  if (::fstatat(root_fd, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return outcome_of("stat", path, errno, {}, read_ns);
  }
  const FileFacts seen = facts_of(status);
  if (S_ISDIR(status.st_mode)) return Vanished{};
  if (!S_ISREG(status.st_mode)) {
    if (const int problem = led_astray(root_fd, path, reserve)) {
      return outcome_of("openat2", path, problem, seen, read_ns);
    }
    return ReadRejected{seen, read_ns, odd_file(status.st_mode)};
  }

  constexpr int safely = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY;
  const FileDescriptor file(
      open_with_reserve(reserve, [&] { return open_beneath(root_fd, path.c_str(), safely); }));
  if (!file) {
    if (errno == ENXIO) return std::nullopt;  // a socket by now
    return outcome_of("openat2", path, errno, seen, read_ns);
  }
  if (::fstat(file.get(), &status) != 0) return outcome_of("fstat", path, errno, seen, read_ns);
  if (!S_ISREG(status.st_mode)) return std::nullopt;
  const FileFacts before = facts_of(status);
  if (before.size > max_bytes) {
    return ReadRejected{
        before, read_ns,
        reject(Code::too_large, "the file has " + std::to_string(before.size) +
                                    " bytes, more than " + std::to_string(max_bytes))};
  }

  ReadBytes out{before, read_ns, {}};
  if (const int problem = read_whole(file.get(), before.size, out.bytes)) {
    return outcome_of("read", path, problem, before, read_ns);
  }
  if (::fstat(file.get(), &status) != 0) return outcome_of("fstat", path, errno, before, read_ns);
  if (facts_of(status) != before || out.bytes.size() != before.size) return std::nullopt;
  return out;
}

Error folder_error(const char* call, const std::string& path, int errno_value) {
  Error error = system_error(call, path, errno_value);
  switch (errno_value) {
    case EACCES:
    case EPERM:
      error.code = Code::permission_denied;
      break;
    case ELOOP:
    case EXDEV:
      error.code = Code::symlink;
      break;
    case ENAMETOOLONG:
      error.code = Code::path_too_long;
      break;
    case ENOENT:
    case ENOTDIR:
      break;
    default:
      error.code = Code::read_error;
      break;
  }
  return error;
}

}  // namespace

ReadOutcome read_fragment(int root_fd, const std::string& path, std::uint64_t max_bytes,
                          DescriptorReserve* reserve) {
  for (int attempt = 0; attempt < attempts; ++attempt) {
    auto outcome = try_read(root_fd, path, max_bytes, reserve);
    if (reserve) reserve->refill();  // nothing is open any more
    if (outcome) return std::move(*outcome);
  }
  return ReadLater{{Code::unstable,
                    "the file changed while it was read, " + std::to_string(attempts) + " times"}};
}

Result<FileDescriptor> open_folder(int root_fd, const std::string& path,
                                   DescriptorReserve* reserve) {
  FileDescriptor folder(open_with_reserve(reserve, [&] {
    return open_beneath(root_fd, path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY);
  }));
  if (!folder) return folder_error("openat2", path, errno);
  return folder;
}

Result<FileDescriptor> open_root(const std::string& absolute_path) {
  // The root itself may be reached through links: the operator named it.
  FileDescriptor folder(::open(absolute_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) {
    const Error error = folder_error("open", absolute_path, errno);
    if (error.code == Code::read_error) return error;
    return Error{Code::root_unavailable, error.message, error.hint};
  }
  return folder;
}

Result<FolderEntry> stat_entry(int folder_fd, const std::string& name) {
  struct stat status = {};
  if (::fstatat(folder_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return FolderEntry{FolderEntry::Type::vanished, {}};
    return folder_error("stat", name, errno);
  }
  const FolderEntry::Type type = S_ISREG(status.st_mode)   ? FolderEntry::Type::file
                                 : S_ISDIR(status.st_mode) ? FolderEntry::Type::folder
                                                           : FolderEntry::Type::other;
  return FolderEntry{type, facts_of(status)};
}

}  // namespace jcn
