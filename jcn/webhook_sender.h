// Requests to webhooks, several at once, by libcurl: certificates are verified, redirects are not
// followed, the environment's proxies are not used, and of answers only the head counts. The sole
// user of libcurl in the daemon.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jcn/result.h"
#include "webhook_courier.h"

namespace jcn {

// One thread, but for wake().
class WebhookSender {
 public:
  static Result<std::unique_ptr<WebhookSender>> open();
  ~WebhookSender();  // what is on its way is cut off
  WebhookSender(const WebhookSender&) = delete;
  WebhookSender& operator=(const WebhookSender&) = delete;

  // Begins to send; wait() tells under this number what became of it. The number is not in use.
  // Errors: internal (libcurl or libcrypto refuse).
  Result<void> send(std::uint64_t number, const WebhookConfig& to, WebhookPost post,
                    std::int64_t timestamp);

  // What is on its way under this number, if anything, is cut off, and nothing told of it.
  void drop(std::uint64_t number);

  using Answered = std::vector<std::pair<std::uint64_t, WebhookOutcome>>;
  // Until something was answered, wake() was called, or the time is over.
  Answered wait(std::chrono::milliseconds longest);
  void wake();  // any thread

 private:
  struct Transfer;
  explicit WebhookSender(void* multi);
  Answered take_answered();

  void* const multi_;  // CURLM*
  std::map<std::uint64_t, std::unique_ptr<Transfer>> transfers_;
};

}  // namespace jcn
