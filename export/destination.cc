#include "destination.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>

#include "database.h"
#include "tables.h"

namespace jcn_export {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::FileDescriptor;
using jcn::Result;

// https://sqlite.org/fileformat.html#the_database_header
constexpr std::string_view sqlite_magic("SQLite format 3\0", 16);
constexpr off_t application_id_at = 68;

bool is_database(int fd) {
  char magic[16];
  if (::pread(fd, magic, sizeof magic, 0) != sizeof magic) return false;
  return std::string_view(magic, sizeof magic) == sqlite_magic;
}

bool is_own_database(int fd) {
  unsigned char id[4];
  if (!is_database(fd)) return false;
  if (::pread(fd, id, sizeof id, application_id_at) != sizeof id) return false;
  const std::uint32_t found =
      std::uint32_t{id[0]} << 24 | std::uint32_t{id[1]} << 16 | std::uint32_t{id[2]} << 8 | id[3];
  return found == static_cast<std::uint32_t>(application_id);
}

Error with_hint(Error error, int errno_value, const std::string& folder) {
  switch (errno_value) {
    case EACCES:
    case EPERM:
    case EROFS:
      error.hint = ::access(folder.c_str(), W_OK | X_OK) == 0
                       ? "you may not open that file: name another one"
                       : "name a file in a folder that you may write to; " + folder + " is none";
      break;
    case ENOENT:
      error.hint = "make the folder first: mkdir -p '" + folder + "'";
      break;
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
      error.hint = "name another file";
      break;
    case ENOSPC:
    case EDQUOT:
      error.hint = "make room on that file system, then run it again";
      break;
    default:
      break;
  }
  return error;
}

Error failed(const char* call, const std::string& subject, const std::string& folder) {
  const int code = errno;
  return with_hint(jcn::system_error(call, subject, code), code, folder);
}

// Where links lead to, also one that leads to a file that is not there yet.
std::string resolved(const std::string& path) {
  constexpr int most_links = 40;  // as the kernel has it
  std::filesystem::path at = path;
  std::error_code error;
  for (int i = 0; i < most_links && std::filesystem::is_symlink(at, error); ++i) {
    at = at.parent_path() / std::filesystem::read_symlink(at, error);
  }
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(at.c_str(), nullptr), &::free);
  return real ? std::string(real.get()) : at.string();
}

bool is_there(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

bool has_bytes(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 && found.st_size > 0;
}

bool same_file(int fd, const std::string& path) {
  struct stat open_one {};
  struct stat named {};
  return ::fstat(fd, &open_one) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

}  // namespace

Result<Destination> Destination::open(const std::string& path, Replaces replaces) {
  if (path.empty()) {
    return Error{Code::bad_usage, "the destination has no name", "name a file"};
  }
  Destination destination;
  destination.path_ = resolved(path);
  const std::filesystem::path name(destination.path_);
  if (!name.has_filename()) {
    return Error{Code::bad_usage, path + " names a folder", "name a file in it"};
  }
  destination.folder_ = name.has_parent_path() ? name.parent_path().string() : ".";
  destination.aside_ = destination.folder_ + "/." + name.filename().string() + ".jcn-export";
  destination.database_ = replaces == Replaces::own_databases;
  JCN_CHECK(destination.look());
  JCN_CHECK(destination.look_beside());
  JCN_CHECK(destination.lock());
  return destination;
}

Result<void> Destination::look() {
  struct stat found {};
  if (::stat(path_.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return failed("stat", path_, folder_);
  }
  if (S_ISDIR(found.st_mode)) {
    return Error{Code::bad_usage, path_ + " is a folder", "name a file in it"};
  }
  if (!S_ISREG(found.st_mode)) {
    return Error{Code::bad_usage, path_ + " is no regular file", "name another one"};
  }
  mode_ = found.st_mode & 07777;
  if (found.st_size == 0) return {};
  const FileDescriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return failed("open", path_, folder_);
  if (!database_) {
    if (!is_database(file.get())) return {};
    return Error{Code::bad_usage, path_ + " is a database, and this would be a text",
                 "name another one, or remove it yourself"};
  }
  if (!is_own_database(file.get())) {
    return Error{Code::bad_usage, path_ + " is a file that jcn-export did not write",
                 "name another one, or remove it yourself"};
  }
  exists_ = true;
  return {};
}

// Of a database that is gone: SQLite would take it for the new one's.
Result<void> Destination::look_beside() const {
  if (!database_ || exists_) return {};
  for (const char* end : {"-journal", "-wal"}) {
    if (!has_bytes(path_ + end)) continue;
    return Error{Code::bad_usage, path_ + end + " is what a database left that is no longer there",
                 "remove it, or bring its database back: it would spoil the new one"};
  }
  return {};
}

Result<void> Destination::lock() {
  for (;;) {
    FileDescriptor file(::open(aside_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file) return failed("open", aside_, folder_);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      return Error{Code::system, "another jcn-export is writing " + path_, "wait until it is done"};
    }
    // Another run may have put it into place, or removed it, before it was locked here.
    if (!same_file(file.get(), aside_)) continue;
    // What a run that was killed left behind.
    if (::ftruncate(file.get(), 0) != 0) return failed("truncate", aside_, folder_);
    // It can be written until it is whole, whoever may write it then.
    if (mode_ && ::fchmod(file.get(), *mode_ | S_IRUSR | S_IWUSR) != 0) {
      return failed("chmod", aside_, folder_);
    }
    aside_file_ = std::move(file);
    return {};
  }
}

// A journal or log beside the old file is named like one of the new file would be, and would be
// taken for it: it has to be worked into the old file before that goes.
Result<void> Destination::settle_old_database() const {
  const std::string log = path_ + "-wal";
  if (!is_there(path_ + "-journal") && !is_there(log)) return {};
  Result<Database> old = Database::open(path_, Database::Access::change);
  if (!old) return old.error();
  auto mode = old->value("PRAGMA journal_mode = DELETE");
  if (mode && *mode == "delete") mode = old->value("SELECT count(*) FROM sqlite_schema");
  if (mode && !is_there(log)) return old->close();
  return Error{Code::system, "another program is using " + path_ + ", and keeps a log beside it",
               "close it there, then run it again"};
}

void Destination::begin_sync() const {
  // A hint: what it does not do, or not well, commit() does.
  (void)::sync_file_range(aside_file_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
}

Result<void> Destination::commit() {
  if (mode_ && ::fchmod(aside_file_.get(), *mode_) != 0) return failed("chmod", aside_, folder_);
  if (::fsync(aside_file_.get()) != 0) return failed("fsync", aside_, folder_);
  if (exists_) JCN_CHECK(settle_old_database());
  JCN_CHECK(look_beside());  // it may have come meanwhile
  if (::rename(aside_.c_str(), path_.c_str()) != 0) return failed("rename", path_, folder_);
  aside_file_.reset();
  const FileDescriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return failed("fsync", folder_, folder_);
  return {};
}

Destination::~Destination() {
  if (aside_file_) ::unlink(aside_.c_str());
}

}  // namespace jcn_export
