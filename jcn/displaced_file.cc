#include "displaced_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <variant>

#include "jcn/read.h"
#include "write_fault.h"

namespace jcn {
namespace {

// Others would have to replace a file that many times within microseconds each.
constexpr int most_exchanges = 100;

// There, the system refuses leases that no server has delegated to it as if the file were open.
bool on_another_machine(int file) {
  struct statfs system {};
  if (::fstatfs(file, &system) != 0) return true;
  const auto type = static_cast<std::uint32_t>(system.f_type);
  return type == NFS_SUPER_MAGIC || type == SMB_SUPER_MAGIC || type == CIFS_SUPER_MAGIC ||
         type == SMB2_SUPER_MAGIC;
}

// Another program has it open for writing: what it will write would be lost. Only known of local
// files, where this process is their owner or may lease others' files (fcntl(2), F_SETLEASE).
bool being_written(int folder, const std::string& name) {
  const FileDescriptor file(
      ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file || on_another_machine(file.get())) return false;
  // Whoever opens it while the lease is held makes the kernel send a signal: one that does nothing.
  if (::fcntl(file.get(), F_SETSIG, SIGURG) != 0) return false;
  if (::fcntl(file.get(), F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  static_cast<void>(::fcntl(file.get(), F_SETLEASE, F_UNLCK));
  return false;
}

bool is_the_one(const DisplacedFile& file, const Displacement& displacement) {
  struct stat facts {};
  if (::fstatat(file.folder, file.temporary.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(facts.st_mode))
    return false;
  if (!displacement.expected) return true;
  // First: what is written later than this look at it is written by nobody.
  if (being_written(file.folder, file.temporary)) return false;
  const ReadOutcome outcome = read_fragment(file.folder, file.temporary, file.max_bytes);
  const auto* read = std::get_if<ReadBytes>(&outcome);
  return read && hash128(read->bytes) == *displacement.expected;
}

Result<void> remove_temporary(const DisplacedFile& file) {
  if (::unlinkat(file.folder, file.temporary.c_str(), 0) == 0 || errno == ENOENT) return {};
  return write_fault("unlink", file.temporary, errno);
}

}  // namespace

int rename_to_free_name(int folder, const std::string& from, const std::string& to) {
  if (::renameat2(folder, from.c_str(), folder, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // Some network file systems have no such rename, but links.
  if (::linkat(folder, from.c_str(), folder, to.c_str(), 0) != 0) return errno;
  return ::unlinkat(folder, from.c_str(), 0) == 0 ? 0 : errno;
}

int exchange_names(int folder, const std::string& a, const std::string& b) {
  if (::renameat2(folder, a.c_str(), folder, b.c_str(), RENAME_EXCHANGE) == 0) return 0;
  return errno == ENOSYS ? EINVAL : errno;
}

Result<FileIdentity> identity_of(int folder, const std::string& name) {
  JCN_TRY(const FolderEntry entry, stat_entry(folder, name));
  if (entry.type == FolderEntry::Type::vanished) return system_error("stat", name, ENOENT);
  return FileIdentity{entry.facts.inode, entry.facts.size, entry.facts.mtime_ns};
}

Result<bool> conclude_exchange(const DisplacedFile& file, const Displacement& displacement) {
  JCN_TRY(FileIdentity held, identity_of(file.folder, file.temporary));
  FileIdentity put = *displacement.own;  // by this writer at the target, last
  if (held != put) {
    if (is_the_one(file, displacement)) {
      JCN_CHECK(remove_temporary(file));
      return true;
    }
    // What is held goes back. What comes out instead is what was put there last, or something
    // newer, which goes back in turn.
    for (int times = 0;; ++times) {
      if (times == most_exchanges) return write_fault("exchange", file.target, EBUSY);
      const int fault = exchange_names(file.folder, file.temporary, file.target);
      if (fault == ENOENT) break;  // others have removed what stood there, and whatever was before
      if (fault != 0) return write_fault("exchange", file.target, fault);
      JCN_TRY(const FileIdentity out, identity_of(file.folder, file.temporary));
      if (out == put) break;
      put = held;
      held = out;
    }
  }
  JCN_CHECK(remove_temporary(file));
  return false;
}

Result<bool> conclude_removal(const DisplacedFile& file, const Displacement& displacement) {
  const bool right = is_the_one(file, displacement);
  if (!right) {
    const int fault = rename_to_free_name(file.folder, file.temporary, file.target);
    if (fault == 0) return false;
    // What others have written since takes the place of what they had written before.
    if (fault != EEXIST) return write_fault("rename", file.target, fault);
  }
  JCN_CHECK(remove_temporary(file));
  return right;
}

}  // namespace jcn
