#include "service_manager.h"

#include <systemd/sd-daemon.h>

#include <cstdint>
#include <utility>

namespace jcn {

ServiceManager::ServiceManager(boost::asio::io_context& io, std::function<bool()> got_on)
    : got_on_(std::move(got_on)), timer_(io) {
  std::uint64_t period = 0;  // microseconds
  if (::sd_watchdog_enabled(0, &period) <= 0) return;
  between_ = std::chrono::microseconds(period / 4);
  feed_watchdog();
}

void ServiceManager::feed_watchdog() {
  if (got_on_()) ::sd_notify(0, "WATCHDOG=1");
  wait_for_next();
}

void ServiceManager::wait_for_next() {
  timer_.expires_after(between_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) feed_watchdog();
  });
}

void ServiceManager::still_starting(const std::string& text) {
  ::sd_notify(0, ("STATUS=" + text + "\nEXTEND_TIMEOUT_USEC=60000000").c_str());
}

void ServiceManager::ready() {
  ::sd_notify(0, "READY=1");
}

void ServiceManager::status(const std::string& text) {
  ::sd_notify(0, ("STATUS=" + text).c_str());
}

void ServiceManager::reloading() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  ::sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(since)).c_str());
}

void ServiceManager::stopping() {
  ::sd_notify(0, "STOPPING=1\nSTATUS=writing what is fresh");
}

}  // namespace jcn
