// Inotify: a move-only inotify instance and its events. The only user of <sys/inotify.h> is
// inotify.cc. Source: inotify(7).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jcn/file_descriptor.h"
#include "jcn/result.h"

namespace jcn {

struct WatchEvent {
  enum class Kind : std::uint8_t {
    created,   // also: a hard link, linkat of an unnamed file
    modified,  // written or truncated; a close may follow
    closed,    // after writing
    attributes,
    deleted,
    moved_from,
    moved_to,
    self_gone,  // the watched folder was deleted or moved
    unmounted,
    ignored,   // the watch is gone
    overflow,  // events were lost
  };
  Kind kind;
  int watch = -1;            // -1 for overflow
  std::uint32_t cookie = 0;  // joins moved_from and moved_to
  bool folder = false;
  std::string name;  // empty for events on the watched folder itself
};

class Inotify {
 public:
  static Result<Inotify> open();

  int fd() const { return fd_.get(); }
  // Watches an opened folder; the same folder gives the same number again. Errors carry errno's
  // text; `watch_limit` tells ENOSPC. Any thread.
  Result<int> watch(int folder_fd, bool& watch_limit) const;
  void unwatch(int watch) const;
  // Reads what is there without waiting, at most about 64 KiB; empty: nothing. One thread.
  Result<std::vector<WatchEvent>> read() const;

 private:
  explicit Inotify(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace jcn
