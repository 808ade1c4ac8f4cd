// What the service manager is told (sd_notify(3)): ready, how far, alive, stopping. Nothing happens
// where there is none.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <string>

namespace jcn {

// Of the io thread.
class ServiceManager {
 public:
  // `got_on` says whether the daemon's own threads got on since it was asked last; it is asked on
  // the io thread, four times in each period of the watchdog, if there is one. Only then is the
  // watchdog fed: neither a loop nor a thread that hangs goes unseen.
  ServiceManager(boost::asio::io_context& io, std::function<bool()> got_on);
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  // Before there is one: what the start is at, and that it is still at it. Gives it more time,
  // which lasts until this is called again; not often.
  static void still_starting(const std::string& text);
  void ready();  // or ready again, after reloading()
  void status(const std::string& text);
  void reloading();
  void stopping();

 private:
  void feed_watchdog();
  void wait_for_next();

  const std::function<bool()> got_on_;
  std::chrono::microseconds between_{0};  // two questions; 0: no watchdog
  boost::asio::steady_timer timer_;
};

}  // namespace jcn
