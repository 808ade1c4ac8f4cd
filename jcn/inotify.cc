#include "inotify.h"

#include <sys/inotify.h>

#include <cerrno>
#include <cstring>

namespace jcn {
namespace {

// MODIFY is wanted for truncate(2), which sends nothing else.
constexpr std::uint32_t folder_mask = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB |
                                      IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
                                      IN_MOVE_SELF | IN_ONLYDIR;

struct MaskRow {
  std::uint32_t bit;
  WatchEvent::Kind kind;
};
constexpr MaskRow mask_rows[] = {
    {IN_Q_OVERFLOW, WatchEvent::Kind::overflow},   {IN_UNMOUNT, WatchEvent::Kind::unmounted},
    {IN_IGNORED, WatchEvent::Kind::ignored},       {IN_CREATE, WatchEvent::Kind::created},
    {IN_MODIFY, WatchEvent::Kind::modified},       {IN_CLOSE_WRITE, WatchEvent::Kind::closed},
    {IN_ATTRIB, WatchEvent::Kind::attributes},     {IN_DELETE, WatchEvent::Kind::deleted},
    {IN_MOVED_FROM, WatchEvent::Kind::moved_from}, {IN_MOVED_TO, WatchEvent::Kind::moved_to},
    {IN_DELETE_SELF, WatchEvent::Kind::self_gone}, {IN_MOVE_SELF, WatchEvent::Kind::self_gone},
};

}  // namespace

Result<Inotify> Inotify::open() {
  FileDescriptor fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd) return system_error("inotify_init1", "an inotify instance", errno);
  return Inotify(std::move(fd));
}

Result<int> Inotify::watch(int folder_fd, bool& watch_limit) const {
  // By way of /proc, so that exactly the opened folder is watched, whatever its name is by now.
  const std::string path = "/proc/self/fd/" + std::to_string(folder_fd);
  const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), folder_mask);
  watch_limit = watch < 0 && errno == ENOSPC;
  if (watch < 0) return system_error("inotify_add_watch", path, errno);
  return watch;
}

void Inotify::unwatch(int watch) const {
  // EINVAL: the kernel took it away before; there is nothing left to do.
  ::inotify_rm_watch(fd_.get(), watch);
}

Result<std::vector<WatchEvent>> Inotify::read() const {
  alignas(inotify_event) char buffer[64 * 1024];
  std::vector<WatchEvent> events;
  ssize_t got = 0;
  do {
    got = ::read(fd_.get(), buffer, sizeof buffer);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    if (errno == EAGAIN) return events;
    return system_error("read", "inotify", errno);
  }
  for (ssize_t at = 0; at < got;) {
    inotify_event event;
    std::memcpy(&event, buffer + at, sizeof event);
    const char* name = buffer + at + sizeof event;
    at += static_cast<ssize_t>(sizeof event + event.len);
    for (const MaskRow& row : mask_rows) {
      if (!(event.mask & row.bit)) continue;
      events.push_back({row.kind, event.wd, event.cookie, (event.mask & IN_ISDIR) != 0,
                        event.len ? std::string(name) : std::string()});
      break;
    }
  }
  return events;
}

}  // namespace jcn
