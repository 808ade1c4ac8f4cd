#include "server_threads.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "jcn/file_descriptor.h"
#include "jcn/folder.h"

namespace jcn {
namespace {

in_addr address_of(const std::string& text) {
  in_addr address{};
  ::inet_pton(AF_INET, text.c_str(), &address);
  return address;
}

// CivetWeb does not show its sockets: connections are known by their ports. The other end of `fd`
// if it is a connection of the server's.
std::optional<sockaddr_in> peer_of(int fd, std::uint16_t port) {
  sockaddr_in local{}, peer{};
  socklen_t local_size = sizeof local, peer_size = sizeof peer;
  const bool found = ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_size) == 0 &&
                     local.sin_family == AF_INET && ntohs(local.sin_port) == port &&
                     ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0;
  return found ? std::optional(peer) : std::nullopt;
}

// Calls visit(fd, peer) for each connection of the server. False: there is no list of descriptors.
template <typename Visit>
bool for_each_connection(std::uint16_t port, const Visit& visit) {
  const OpenFolder folder(::opendir("/proc/self/fd"));
  if (!folder) return false;
  while (const dirent* entry = ::readdir(folder.get())) {
    const int fd = std::atoi(entry->d_name);  // "." and "..": 0, which is no connection of ours
    if (const auto peer = peer_of(fd, port)) visit(fd, *peer);
  }
  return true;
}

void wake_acceptor(in_addr listening, std::uint16_t port, const std::atomic<bool>& stopped) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr = listening;
  if (listening.s_addr == htonl(INADDR_ANY)) address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  while (!stopped) {
    const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int done =
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (done != 0 && errno != EINPROGRESS) return;  // nobody listens any more
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

Error no_thread(const std::string& what) {
  return {Code::system, "cannot make " + what, "raise TasksMax= in the unit, or ulimit -u"};
}

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

bool cut_off(std::span<const PeerConnection> connections, std::uint16_t port) {
  return for_each_connection(port, [&](int fd, const sockaddr_in& peer) {
    for (const PeerConnection& one : connections) {
      if (ntohs(peer.sin_port) != one.port ||
          peer.sin_addr.s_addr != address_of(one.address).s_addr)
        continue;
      ::shutdown(fd, one.reading ? SHUT_RDWR : SHUT_RD);
    }
  });
}

StopWaker::StopWaker(const std::string& address, std::uint16_t port) {
  try {
    thread_ = std::thread([this, listening = address_of(address), port] {
      for_each_connection(port, [](int fd, const sockaddr_in&) { ::shutdown(fd, SHUT_RD); });
      wake_acceptor(listening, port, stopped_);
    });
  } catch (const std::exception&) {  // stopping takes longer
  }
}

StopWaker::~StopWaker() {
  stopped_ = true;
  if (thread_.joinable()) thread_.join();
}

}  // namespace jcn
