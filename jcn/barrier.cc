#include "barrier.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>

#include "jcn/file_descriptor.h"
#include "jcn/folder.h"
#include "jcn/read.h"

namespace jcn {

std::string Barrier::token(std::uint64_t number) const {
  return folder_ + "/" + std::to_string(number);
}

Result<std::unique_ptr<Barrier>> Barrier::open(const std::string& index_folder,
                                               const Inotify* inotify, Ledger& ledger) {
  const std::string folder = index_folder + "/barrier";
  static_cast<void>(remove_whole(folder));  // tokens of an earlier run
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return system_error("mkdir", folder, errno);
  }
  int watch = -1;
  if (inotify) {
    JCN_TRY(const FileDescriptor opened, open_root(folder));
    bool limit = false;
    if (Result<int> number = inotify->watch(opened.get(), limit)) watch = *number;
  }
  std::unique_ptr<Barrier> barrier(new Barrier(folder, watch, watch >= 0, ledger));
  const std::string path = barrier->token(0);
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return system_error("open", path, errno);
  return barrier;
}

Result<std::future<Ledger::Epoch>> Barrier::raise() {
  std::lock_guard guard(lock_);
  std::promise<Ledger::Epoch> promise;
  std::future<Ledger::Epoch> future = promise.get_future();
  if (!watched_) {
    promise.set_value(ledger_.close_epoch());
    return future;
  }
  const std::uint64_t next = number_ + 1;
  if (std::rename(token(number_).c_str(), token(next).c_str()) != 0) {
    return system_error("rename", token(number_), errno);
  }
  number_ = next;
  waiting_.emplace(next, std::move(promise));
  return future;
}

void Barrier::take(const WatchEvent& event) {
  std::uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(event.name.data(), event.name.data() + event.name.size(), number);
  if (event.kind == WatchEvent::Kind::moved_to && error == std::errc() && !event.name.empty() &&
      end == event.name.data() + event.name.size()) {
    resolve_up_to(number);
  }
}

void Barrier::overflow() {
  resolve_up_to(UINT64_MAX);
}

void Barrier::resolve_up_to(std::uint64_t number) {
  std::lock_guard guard(lock_);
  auto end = waiting_.upper_bound(number);
  if (waiting_.begin() == end) return;
  const Ledger::Epoch epoch = ledger_.close_epoch();
  for (auto it = waiting_.begin(); it != end; it = waiting_.erase(it)) it->second.set_value(epoch);
}

}  // namespace jcn
