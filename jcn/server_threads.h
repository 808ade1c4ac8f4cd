// What the HTTP server's threads need around CivetWeb.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace jcn {

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

// CivetWeb's threads look at its stop flag every 2 s only. While one of these lives, beside
// mg_stop, they are woken: idle connections see their client's end, the accepting thread sees new
// ones. Answers under way still go out. Without a thread to be had, stopping takes those 2 s.
class StopWaker {
 public:
  explicit StopWaker(std::uint16_t port);  // where the server listens, on 127.0.0.1
  ~StopWaker();
  StopWaker(const StopWaker&) = delete;
  StopWaker& operator=(const StopWaker&) = delete;

 private:
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace jcn
