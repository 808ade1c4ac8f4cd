// Preloaded into jcn by test_power_loss.py: keeps, beside what the system has, what a disk has when
// all that was not synced is lost. In the folder POWER_DISK stand
//   INODE-BIRTH      a file's bytes when it was last synced
//   names            lines "FOLDER\tNAME\tINODE-BIRTH" of each folder when it was last synced;
//   those
//                    of a later time replace earlier ones, after a line "FOLDER\t"
// POWER_AT=N: just before the N-th sync jcn is killed.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <mutex>
#include <string>

namespace {

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::mutex one_at_a_time;
long syncs = 0;  // under it

std::string disk() {
  const char* const folder = std::getenv("POWER_DISK");
  return folder ? folder : "";
}

std::string identity(const struct statx& found) {
  return std::to_string(found.stx_ino) + "-" + std::to_string(found.stx_btime.tv_sec) + "." +
         std::to_string(found.stx_btime.tv_nsec);
}

bool look(int fd, const char* name, struct statx& found) {
  return ::statx(fd, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME,
                 &found) == 0;
}

void keep(int from, const std::string& path) {
  const std::string link = "/proc/self/fd/" + std::to_string(from);
  const int in = ::open(link.c_str(), O_RDONLY | O_CLOEXEC);
  const int out = ::open((path + ".new").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  static char bytes[1 << 16];
  for (ssize_t got; (got = ::read(in, bytes, sizeof bytes)) > 0;) {
    if (::write(out, bytes, static_cast<std::size_t>(got)) != got) std::abort();
  }
  ::close(in);
  ::close(out);
  ::rename((path + ".new").c_str(), path.c_str());
}

void keep_names(int folder) {
  char path[PATH_MAX];
  const ssize_t size =
      ::readlink(("/proc/self/fd/" + std::to_string(folder)).c_str(), path, sizeof path);
  const std::string name(path, static_cast<std::size_t>(size < 0 ? 0 : size));
  std::string lines = name + "\t\n";
  const int again = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const entries = ::fdopendir(again);
  while (const dirent* entry = entries ? ::readdir(entries) : nullptr) {
    const std::string each = entry->d_name;
    struct statx found {};
    if (each == "." || each == ".." || !look(folder, entry->d_name, found)) continue;
    lines +=
        name + "\t" + each + "\t" + (S_ISDIR(found.stx_mode) ? "folder" : identity(found)) + "\n";
  }
  ::closedir(entries);
  const std::string list = disk() + "/names";
  const int out = ::open(list.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (::write(out, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size())) std::abort();
  ::close(out);
}

// What one sync makes last. The caller has the lock.
void synced(int fd) {
  struct statx found {};
  if (disk().empty() || !look(fd, "", found)) return;
  static const char* const at = std::getenv("POWER_AT");
  if (++syncs == (at ? std::atol(at) : 0)) ::kill(::getpid(), SIGKILL);
  if (S_ISDIR(found.stx_mode)) {
    keep_names(fd);
  } else if (S_ISREG(found.stx_mode)) {
    keep(fd, disk() + "/" + identity(found));
  }
}

// LMDB writes its meta page through a descriptor of its own: synced by itself, but nothing else is.
void written(int fd, const void* from, std::size_t size, off64_t at) {
  struct statx found {};
  if (disk().empty() || !(::fcntl(fd, F_GETFL) & O_DSYNC) || !look(fd, "", found)) return;
  const std::lock_guard guard(one_at_a_time);
  const int out = ::open((disk() + "/" + identity(found)).c_str(), O_WRONLY | O_CLOEXEC);
  static auto* const real = next<ssize_t(int, const void*, std::size_t, off64_t)>("pwrite64");
  if (out >= 0 && real(out, from, size, at) < 0) std::abort();
  ::close(out);
}

}  // namespace

extern "C" {

int fsync(int fd) {
  static auto* const real = next<int(int)>("fsync");
  const std::lock_guard guard(one_at_a_time);
  synced(fd);
  return real(fd);
}

int fdatasync(int fd) {
  static auto* const real = next<int(int)>("fdatasync");
  const std::lock_guard guard(one_at_a_time);
  synced(fd);
  return real(fd);
}

ssize_t pwrite(int fd, const void* from, std::size_t size, off_t at) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
  const ssize_t done = real(fd, from, size, at);
  if (done > 0) written(fd, from, static_cast<std::size_t>(done), at);
  return done;
}

ssize_t pwrite64(int fd, const void* from, std::size_t size, off64_t at) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t, off64_t)>("pwrite64");
  const ssize_t done = real(fd, from, size, at);
  if (done > 0) written(fd, from, static_cast<std::size_t>(done), at);
  return done;
}

}  // extern "C"
