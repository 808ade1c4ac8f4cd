// Preloaded into jcn by test_odd_system.py and others: a system as it may be, but seldom is.
//   ODD_SHORT=N    read(2), pread(2) and write(2) on regular files take N bytes at most
//   ODD_CLOCK=FILE the wall clock is off by as many seconds as the file holds, 8 bytes of a signed
//                  integer, at each moment
//   ODD_SECONDS    times of files are of whole seconds, as on older file systems
//   ODD_DISK=PATH TYPE ROOM
//                  PATH and what lies in it is on a file system of that statfs(2) type, in
//                  hexadecimal, with so many bytes of room
//   ODD_TIMELESS=NAME
//                  the times of files of that name are always the same
//   ODD_WAKEUPS    single bytes sent to sockets without a name, which is how libcurl wakes threads,
//                  find no room, and do not arrive
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::size_t most(int fd, std::size_t wanted) {
  static const char* const text = std::getenv("ODD_SHORT");
  static const std::size_t bound = text ? std::strtoull(text, nullptr, 10) : 0;
  struct stat status;
  if (bound == 0 || wanted <= bound || ::fstat(fd, &status) != 0) return wanted;
  return S_ISREG(status.st_mode) ? bound : wanted;
}

const std::atomic<std::int64_t>* clock_offset() {
  static const std::atomic<std::int64_t>* const offset = [] {
    const char* const path = std::getenv("ODD_CLOCK");
    const int fd = path ? ::open(path, O_RDONLY | O_CLOEXEC) : -1;
    void* const map = fd < 0 ? MAP_FAILED : ::mmap(nullptr, 8, PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0) ::close(fd);
    return map == MAP_FAILED ? nullptr : static_cast<const std::atomic<std::int64_t>*>(map);
  }();
  return offset;
}

bool whole_seconds() {
  static const bool wanted = std::getenv("ODD_SECONDS") != nullptr;
  return wanted;
}

int coarse(int code, struct stat* status) {
  if (code == 0 && whole_seconds()) {
    status->st_mtim.tv_nsec = 0;
    status->st_ctim.tv_nsec = 0;
  }
  return code;
}

// By its open file: that is how jcn looks.
bool timeless(int fd) {
  static const char* const name = std::getenv("ODD_TIMELESS");
  if (!name) return false;
  char link[64], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = ::readlink(link, path, sizeof path - 1);
  if (size < 0) return false;
  path[size] = 0;
  const char* const slash = std::strrchr(path, '/');
  return slash && std::strcmp(slash + 1, name) == 0;
}

bool wakes_a_thread(int socket, std::size_t size) {
  static const bool wanted = std::getenv("ODD_WAKEUPS") != nullptr;
  struct sockaddr_un peer;
  socklen_t length = sizeof peer;
  return wanted && size == 1 &&
         ::getpeername(socket, reinterpret_cast<struct sockaddr*>(&peer), &length) == 0 &&
         peer.sun_family == AF_UNIX && length == sizeof peer.sun_family;
}

struct OddDisk {
  char path[256] = "";
  unsigned long type = 0, room = 0;
  OddDisk() {
    const char* text = std::getenv("ODD_DISK");
    if (text && std::sscanf(text, "%255s %lx %lu", path, &type, &room) != 3) std::abort();
  }
  bool holds(const char* file) const {
    return *path && std::strncmp(file, path, std::strlen(path)) == 0;
  }
};
const OddDisk odd_disk;

}  // namespace

extern "C" {

int fstat(int fd, struct stat* status) noexcept {
  static auto* const real = next<int(int, struct stat*)>("fstat");
  return coarse(real(fd, status), status);
}

int fstatat(int folder, const char* name, struct stat* status, int flags) noexcept {
  static auto* const real = next<int(int, const char*, struct stat*, int)>("fstatat");
  return coarse(real(folder, name, status, flags), status);
}

int statx(int folder, const char* name, int flags, unsigned mask, struct statx* status) noexcept {
  static auto* const real = next<int(int, const char*, int, unsigned, struct statx*)>("statx");
  const int code = real(folder, name, flags, mask, status);
  if (code == 0 && whole_seconds()) status->stx_mtime.tv_nsec = status->stx_ctime.tv_nsec = 0;
  if (code == 0 && (flags & AT_EMPTY_PATH) && timeless(folder)) {
    status->stx_mtime = status->stx_ctime = {};
  }
  return code;
}

ssize_t send(int socket, const void* from, std::size_t size, int flags) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t, int)>("send");
  if (wakes_a_thread(socket, size)) {
    errno = EAGAIN;
    return -1;
  }
  return real(socket, from, size, flags);
}

ssize_t read(int fd, void* into, std::size_t size) {
  static auto* const real = next<ssize_t(int, void*, std::size_t)>("read");
  return real(fd, into, most(fd, size));
}

ssize_t pread(int fd, void* into, std::size_t size, off_t at) {
  static auto* const real = next<ssize_t(int, void*, std::size_t, off_t)>("pread");
  return real(fd, into, most(fd, size), at);
}

ssize_t pread64(int fd, void* into, std::size_t size, off64_t at) {
  static auto* const real = next<ssize_t(int, void*, std::size_t, off64_t)>("pread64");
  return real(fd, into, most(fd, size), at);
}

ssize_t write(int fd, const void* from, std::size_t size) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t)>("write");
  return real(fd, from, most(fd, size));
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  static auto* const real = next<int(clockid_t, struct timespec*)>("clock_gettime");
  const int code = real(clock, time);
  if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) && clock_offset()) {
    time->tv_sec += clock_offset()->load();
  }
  return code;
}

int gettimeofday(struct timeval* time, void*) {
  struct timespec now;
  const int code = clock_gettime(CLOCK_REALTIME, &now);
  if (code == 0) *time = {now.tv_sec, now.tv_nsec / 1000};
  return code;
}

std::time_t time(std::time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

int statfs(const char* path, struct statfs* disk) {
  const int result = next<int(const char*, struct statfs*)>("statfs")(path, disk);
  if (result == 0 && odd_disk.holds(path)) disk->f_type = static_cast<long>(odd_disk.type);
  return result;
}

int statvfs(const char* path, struct statvfs* disk) {
  const int result = next<int(const char*, struct statvfs*)>("statvfs")(path, disk);
  if (result == 0 && odd_disk.holds(path)) disk->f_bavail = odd_disk.room / disk->f_frsize;
  return result;
}

}  // extern "C"
