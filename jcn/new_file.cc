#include "new_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "jcn/read.h"
#include "write_fault.h"

namespace jcn {

Result<NewFile> NewFile::make(int folder, std::string temporary) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  FileDescriptor file(::openat(folder, temporary.c_str(), flags, 0666));
  if (!file) return write_fault("open", temporary, errno);
  return NewFile(folder, std::move(temporary), std::move(file));
}

NewFile::NewFile(NewFile&& other) noexcept
    : folder_(other.folder_),
      temporary_(std::exchange(other.temporary_, {})),
      file_(std::move(other.file_)) {}

NewFile::~NewFile() {
  if (!temporary_.empty()) ::unlinkat(folder_, temporary_.c_str(), 0);
}

void NewFile::take_after(const std::string& replaced) {
  struct stat before {};
  if (::fstatat(folder_, replaced.c_str(), &before, AT_SYMLINK_NOFOLLOW) != 0) return;
  // The owner first: changing it takes permissions away. Failing to is no reason not to write.
  static_cast<void>(::fchown(file_.get(), before.st_uid, before.st_gid) == 0);
  static_cast<void>(::fchmod(file_.get(), before.st_mode & 0777));
}

Result<void> NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(file_.get(), bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return write_fault("write", temporary_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  if (::fsync(file_.get()) != 0) return write_fault("fsync", temporary_, errno);
  return {};
}

Result<void> make_own_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return write_fault("mkdir", path, errno);
  }
  const std::string above = path.substr(0, path.rfind('/'));
  const FileDescriptor folder(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return write_fault("open", above, errno);
  if (::fsync(folder.get()) != 0) return write_fault("fsync", above, errno);
  return {};
}

NewFolders::~NewFolders() {
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) {
    const std::size_t slash = path->rfind('/');
    const std::string above = slash == std::string::npos ? "" : path->substr(0, slash);
    const auto folder = open_folder(root_, above);
    if (folder) ::unlinkat(folder->get(), path->c_str() + path->rfind('/') + 1, AT_REMOVEDIR);
  }
}

Result<FileDescriptor> NewFolders::make(const std::string& path) {
  FileDescriptor held;
  int at = root_;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    const std::string so_far = path.substr(0, end);
    begin = end + 1;
    if (::mkdirat(at, name.c_str(), 0777) == 0) {
      made_.push_back(so_far);
      if (::fsync(at) != 0) return write_fault("fsync folder of", so_far, errno);
    } else if (errno != EEXIST) {
      return write_fault("mkdir", so_far, errno);
    }
    Result<FileDescriptor> next = open_folder(at, name);
    if (!next && next.error().code == Code::system) {
      JCN_TRY(const FolderEntry entry, stat_entry(at, name));
      if (entry.type == FolderEntry::Type::vanished) return write_fault("open", so_far, ENOENT);
      return Error{Code::bad_path, "No folder stands where the path needs one: " + so_far};
    }
    if (!next) return next.error();
    held = *std::move(next);
    at = held.get();
  }
  // In one go: what was walked through name by name may have been moved meanwhile.
  Result<FileDescriptor> whole = open_folder(root_, path);
  if (!whole && whole.error().code == Code::system) return write_fault("open", path, ENOENT);
  return whole;
}

}  // namespace jcn
