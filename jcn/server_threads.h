// What the HTTP server's threads need around CivetWeb.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <thread>

#include "jcn/result.h"

namespace jcn {

// `what` that could not be made, and why: the system gives no more threads.
Error no_thread(const std::string& what);

// Threads made while one of these lives leave asynchronous signals to the daemon's own threads.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// A connection of the server, told by its other end.
struct PeerConnection {
  std::string address;  // of IPv4: the server knows no other
  int port;
  bool reading;  // it is slow in taking an answer, so that writing has to end, too
};
// Ends reading from them; what was answered still goes out, unless they are slow in taking it. Each
// must be open until it returns. False: it can't be done now.
bool cut_off(std::span<const PeerConnection> connections, std::uint16_t port);

// CivetWeb's threads look at its stop flag every 2 s only. While one of these lives, beside
// mg_stop, they are woken: idle connections see their client's end, the accepting thread sees new
// ones. Answers under way still go out. Without a thread to be had, stopping takes those 2 s.
class StopWaker {
 public:
  StopWaker(const std::string& address, std::uint16_t port);  // where the server listens
  ~StopWaker();
  StopWaker(const StopWaker&) = delete;
  StopWaker& operator=(const StopWaker&) = delete;

 private:
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace jcn
