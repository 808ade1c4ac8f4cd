#include "server_threads.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "jcn/file_descriptor.h"

namespace jcn {
namespace {

struct FolderCloser {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// CivetWeb does not show its sockets: connections are known by their local port.
bool is_connection_of(int fd, std::uint16_t port) {
  sockaddr_in local{}, peer{};
  socklen_t local_size = sizeof local, peer_size = sizeof peer;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_size) == 0 &&
         local.sin_family == AF_INET && ntohs(local.sin_port) == port &&
         ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0;
}

void end_reading(std::uint16_t port) {
  const std::unique_ptr<DIR, FolderCloser> folder(::opendir("/proc/self/fd"));
  if (!folder) return;
  while (const dirent* entry = ::readdir(folder.get())) {
    const int fd = std::atoi(entry->d_name);  // "." and "..": 0, which is no connection of ours
    if (is_connection_of(fd, port)) ::shutdown(fd, SHUT_RD);
  }
}

void wake_acceptor(std::uint16_t port, const std::atomic<bool>& stopped) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  while (!stopped) {
    const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int done =
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (done != 0 && errno != EINPROGRESS) return;  // nobody listens any more
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

SignalsBlocked::SignalsBlocked() {
  sigset_t blocked;
  sigfillset(&blocked);
  // Faults must reach the crash handler on the thread that caused them.
  for (const int synchronous : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS})
    sigdelset(&blocked, synchronous);
  pthread_sigmask(SIG_SETMASK, &blocked, &before_);
}

SignalsBlocked::~SignalsBlocked() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

StopWaker::StopWaker(std::uint16_t port) {
  try {
    thread_ = std::thread([this, port] {
      end_reading(port);
      wake_acceptor(port, stopped_);
    });
  } catch (const std::exception&) {  // stopping takes longer
  }
}

StopWaker::~StopWaker() {
  stopped_ = true;
  if (thread_.joinable()) thread_.join();
}

}  // namespace jcn
