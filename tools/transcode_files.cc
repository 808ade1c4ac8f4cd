#include "transcode_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "jcn/read.h"

namespace jcn_transcode {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::FileDescriptor;
using jcn::Result;

constexpr std::string_view part = ".part";
constexpr std::size_t mark_length = 16;

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

}  // namespace

Place place_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

bool Source::same(const Source& other) const {
  return facts.inode == other.facts.inode && facts.size == other.facts.size &&
         facts.mtime_ns == other.facts.mtime_ns;
}

Result<Source> open_source(int root_fd, const std::string& path) {
  const Error absent{Code::no_such_fragment, "The uploaded file is not there."};
  const auto unreadable = [](const std::string& why) {
    return Error{Code::system, "The uploaded file can't be read.", why};
  };
  const Place place = place_of(path);
  const auto folder = jcn::open_folder(root_fd, place.folder);
  if (!folder.ok()) {
    const Error& why = folder.error();
    const bool there = why.code == Code::read_error || why.code == Code::permission_denied;
    return there ? unreadable(why.message) : absent;
  }
  Source source;
  source.file = FileDescriptor(
      openat(folder->get(), place.name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!source.file.valid()) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return absent;
    return unreadable(jcn::system_error("openat", path, errno).message);
  }
  struct stat found = {};
  if (fstat(source.file.get(), &found) != 0) return jcn::system_error("fstat", path, errno);
  if (!S_ISREG(found.st_mode)) return Error{Code::device, "The uploaded file is none."};
  source.facts = {static_cast<std::uint64_t>(found.st_size), nanoseconds(found.st_mtim),
                  nanoseconds(found.st_ctim), found.st_ino};
  return source;
}

Result<VideoFiles> VideoFiles::open(int root_fd, const std::string& stem, std::string mark) {
  JCN_TRY(FileDescriptor folder, jcn::open_folder(root_fd, place_of(stem).folder));
  return VideoFiles(std::move(folder), stem, std::move(mark));
}

VideoFiles::~VideoFiles() {
  for (const Made& each : made_) {
    if (!each.settled && folder_.valid()) unlinkat(folder_.get(), each.temporary.c_str(), 0);
  }
}

bool is_temporary(const std::string& name, const std::string& stem) {
  if (!name.starts_with(stem + '.') || !name.ends_with(part)) return false;
  std::string_view rest = std::string_view(name).substr(stem.size() + 1);
  rest.remove_suffix(part.size());
  if (rest.size() < mark_length + 1 || rest[rest.size() - mark_length - 1] != '.') return false;
  const std::string_view mark = rest.substr(rest.size() - mark_length);
  if (!std::all_of(mark.begin(), mark.end(),
                   [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }))
    return false;
  rest.remove_suffix(mark_length + 1);
  if (rest == "poster.jpg") return true;
  if (!rest.ends_with("p.webm")) return false;
  rest.remove_suffix(6);
  return !rest.empty() && std::all_of(rest.begin(), rest.end(), is_digit);
}

unsigned VideoFiles::remove_leftovers() const {
  const std::string stem = place_of(stem_).name;
  FileDescriptor again(openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, CloseFolder> listing(again.valid() ? fdopendir(again.get()) : nullptr);
  if (!listing) return 0;
  (void)again.release();
  unsigned removed = 0;
  while (const dirent* entry = readdir(listing.get())) {
    const std::string name = entry->d_name;
    if (!is_temporary(name, stem) || name.find('.' + mark_ + '.') != std::string::npos) continue;
    if (unlinkat(folder_.get(), name.c_str(), 0) == 0) ++removed;
  }
  return removed;
}

Result<int> VideoFiles::make(const std::string& suffix) {
  Made made;
  made.name = place_of(stem_).name + '.' + suffix;
  made.temporary = made.name + '.' + mark_ + std::string(part);
  unlinkat(folder_.get(), made.temporary.c_str(), 0);  // of a turn before, of the same job
  made.file = FileDescriptor(openat(folder_.get(), made.temporary.c_str(),
                                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!made.file.valid()) return jcn::system_error("openat", made.temporary, errno);
  made_.push_back(std::move(made));
  return made_.back().file.get();
}

bool VideoFiles::is_empty(int descriptor) const {
  struct stat found = {};
  return fstat(descriptor, &found) != 0 || found.st_size == 0;
}

Result<void> VideoFiles::sync() const {
  for (const Made& each : made_) {
    if (fsync(each.file.get()) != 0) return jcn::system_error("fsync", each.temporary, errno);
  }
  return {};
}

Result<void> VideoFiles::settle() {
  for (Made& each : made_) {
    if (each.settled) continue;
    if (renameat(folder_.get(), each.temporary.c_str(), folder_.get(), each.name.c_str()) != 0)
      return jcn::system_error("renameat", each.name, errno);
    each.settled = true;
  }
  if (fsync(folder_.get()) != 0) return jcn::system_error("fsync", stem_, errno);
  return {};
}

void VideoFiles::remove() {
  for (const Made& each : made_)
    unlinkat(folder_.get(), (each.settled ? each.name : each.temporary).c_str(), 0);
  made_.clear();
}

}  // namespace jcn_transcode
