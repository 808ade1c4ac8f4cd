// The webhooks: a thread that sends what the feed has to those who are configured, and keeps how
// far each is in a file of the index's folder. Without any configured there is no thread. A file
// that cannot be read or written is tried again (WebhookKeeping).
//
// Nobody waits for it: who publishes only wakes it. It reads the feed as a consumer over HTTP does,
// from snapshots of its own, a page at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "jcn/snapshot.h"
#include "webhook_courier.h"
#include "webhook_keeping.h"
#include "webhook_sender.h"

namespace jcn {

// Thread-safe.
class Webhooks {
 public:
  struct Surroundings {
    std::function<Result<Snapshot>()> snapshot;
    // Whether the index has everything that is there, and is to be believed.
    std::function<bool()> ready;
    std::function<void(const Error&)> failed;  // a page could not be read
    std::string folder;                        // of the files; made when it is needed
  };
  explicit Webhooks(Surroundings surroundings) : in_(std::move(surroundings)) {}
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

  // From now on these, and no others. Those of a name that was there before go on where they are;
  // of those that go, what is on its way is cut off.
  void configure(const std::vector<WebhookConfig>& webhooks);
  void announce();  // there may be changes; never waits
  // What is on its way is cut off, and sent again by the next start.
  void begin_stop();
  void stop();

  // By name. `head`: the largest sequence number.
  std::vector<WebhookStatus> list(std::uint64_t head) const;
  // Errors: no_such_webhook, those of load_webhook_state where its file could not be read yet.
  Result<std::vector<WebhookFailure>> failures(const std::string& name) const;
  // WebhookCourier::replay; what it says is on the disk when it returns. Errors: as failures',
  // those of save_webhook_state.
  Result<void> replay(const std::string& name, const std::optional<FeedSeq>& place);
  // WebhookCourier::discard, likewise.
  Result<std::size_t> discard(const std::string& name, const std::optional<FeedSeq>& which);

 private:
  using Clock = std::chrono::steady_clock;
  struct Hook {
    WebhookCourier courier;
    std::uint64_t number = 0;  // of what it sends; another one for each Hook
    WebhookKeeping keeping;
    // Sent once it is kept how far it tells, if that is further than before.
    std::optional<WebhookPost> prepared = {};
    bool tells_more = false;

    bool wants(Clock::time_point at, std::uint64_t news) const;
  };

  void run();
  void prepare_what_is_due();
  Result<void> prepare_next(Hook& hook, const Snapshot& snapshot, std::uint64_t news);
  void send_prepared();
  void take(const WebhookSender::Answered& answered);
  std::optional<std::string> take(std::uint64_t number, const WebhookOutcome& outcome);
  // The thread's share of the files: reads what could not be read yet, and writes what is new.
  void keep_what_is_due(bool all);
  void read(const std::string& name, Hook& hook);
  Result<void> save(const std::string& name);
  Result<const Hook*> readable(const std::string& name) const;
  Result<Hook*> readable(const std::string& name);
  std::chrono::milliseconds rest() const;
  Moment now() const;

  const Surroundings in_;
  std::atomic<std::uint64_t> news_{1};
  std::atomic<bool> told_{false};  // the thread was woken for news that it has not taken up
  std::atomic<bool> stopping_{false};

  // Held while a file is written, so that an older state never takes a newer one's place; before
  // lock_, never in it.
  std::mutex saving_;
  mutable std::mutex lock_;
  // Guarded by lock_. The sender is made and used by the thread alone, but for waking it.
  std::map<std::string, Hook> hooks_;
  std::uint64_t next_number_ = 1;
  std::vector<std::uint64_t> removed_;  // numbers of hooks whose posts the sender is to drop
  Clock::time_point idle_until_{};      // after an error of the index
  std::atomic<WebhookSender*> wakes_{nullptr};
  std::unique_ptr<WebhookSender> sender_;  // set before the thread begins
  std::thread thread_;
};

}  // namespace jcn
