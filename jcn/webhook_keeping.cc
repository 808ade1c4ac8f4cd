#include "webhook_keeping.h"

#include "growing_pause.h"

namespace jcn {
namespace {

constexpr std::chrono::milliseconds longest_pause{60'000};

}  // namespace

WebhookKeeping::Turn WebhookKeeping::succeeded(Time now) {
  const bool was_failing = failing_.has_value();
  failing_.reset();
  failures_in_row_ = 0;
  due_ = now + between_savings;
  return was_failing ? Turn::over : Turn::none;
}

WebhookKeeping::Turn WebhookKeeping::read(Time now) {
  unread_ = false;
  const Turn turn = succeeded(now);
  due_ = {};  // what is new is written at once
  return turn;
}

WebhookKeeping::Turn WebhookKeeping::written(Time now, std::uint64_t delivered) {
  kept_ = delivered;
  return succeeded(now);
}

WebhookKeeping::Turn WebhookKeeping::failed(const Error& error, Time now) {
  const bool was_failing = failing_.has_value();
  failing_ = error;
  ++failures_;
  due_ = now + growing_pause(++failures_in_row_, between_savings, longest_pause);
  return was_failing ? Turn::none : Turn::begins;
}

bool WebhookKeeping::lets_send(std::uint64_t delivered) const {
  return !unread_ && (!failing_ || delivered - kept_ < most_unkept);
}

}  // namespace jcn
