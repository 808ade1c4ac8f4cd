#include "webhooks.h"

#include <algorithm>
#include <set>
#include <utility>

#include "jcn/wall_clock.h"
#include "log.h"
#include "memory_patience.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;

// Wake-ups may be lost: libcurl takes EAGAIN for one that waits already, and has no way to wake
// anybody where its pair of sockets could not be made. News, and the end, are so much late then.
constexpr milliseconds longest_rest{1000};
// The index is not there yet, or could not be read.
constexpr milliseconds look_again{250}, after_error{1000};
// After the first news: more follow, mostly, and whoever dropped them asks for them first.
constexpr milliseconds gathering{10};

Error no_such_webhook(const std::string& name) {
  return {Code::no_such_webhook, "There is no webhook '" + name + "'.",
          "GET /v1/webhooks lists them."};
}

// Each time that it begins to fail or is over.
void log_turn(const std::string& name, WebhookKeeping::Turn turn, const WebhookKeeping& keeping) {
  if (turn == WebhookKeeping::Turn::over)
    log_info({"webhook_place_kept", {{"webhook", name}}}, "webhook {}: how far it is is kept again",
             name);
  if (turn != WebhookKeeping::Turn::begins) return;
  log_error({"webhook_place_failing", {{"webhook", name}}},
            "webhook {}: how far it is could not be {}: {}; tried again", name,
            keeping.unread() ? "read, nothing is sent" : "kept", keeping.failing()->message);
}

}  // namespace

bool Webhooks::Hook::wants(Clock::time_point at, std::uint64_t news) const {
  return keeping.lets_send(courier.delivered_changes()) && courier.wants(at, news);
}

Webhooks::~Webhooks() {
  stop();
}

Moment Webhooks::now() const {
  return {Clock::now(), wall_clock_ns()};
}

void Webhooks::configure(const std::vector<WebhookConfig>& webhooks) {
  const std::lock_guard writing(saving_);
  const std::lock_guard guard(lock_);
  if (stopping_) return;
  std::set<std::string> names;
  for (const WebhookConfig& webhook : webhooks) {
    names.insert(webhook.name);
    auto asked = webhook_feed(webhook);
    if (!asked) {  // the configuration has checked it
      log_error({"webhook_feed_refused", {{"webhook", webhook.name}}}, "webhook {}: {}",
                webhook.name, asked.error().message);
      continue;
    }
    if (const auto known = hooks_.find(webhook.name); known != hooks_.end()) {
      if (known->second.courier.config() != webhook)
        known->second.courier.reconfigure(webhook, std::move(*asked));
      continue;
    }
    const std::uint64_t number = next_number_++;
    const auto seed = static_cast<std::uint32_t>(wall_clock_ns() ^ (number << 20));
    Hook made{WebhookCourier(webhook, std::move(*asked), {}, seed), number, {}};
    read(webhook.name, hooks_.emplace(webhook.name, std::move(made)).first->second);
  }
  for (auto it = hooks_.begin(); it != hooks_.end();) {
    if (names.contains(it->first)) {
      ++it;
      continue;
    }
    const WebhookCourier& courier = it->second.courier;
    if (courier.unsaved()) {
      if (const auto kept = save_webhook_state(in_.folder, it->first, courier.state()); !kept) {
        log_error({"webhook_place_failing", {{"webhook", it->first}}},
                  "webhook {}: how far it was could not be kept: {}", it->first,
                  kept.error().message);
      }
    }
    removed_.push_back(it->second.number);
    it = hooks_.erase(it);
  }
  if (hooks_.empty() || thread_.joinable()) {
    announce();
    return;
  }
  auto sender = WebhookSender::open();
  if (!sender) {
    log_error("webhooks_off", "webhooks: {}; nothing is sent", sender.error().message);
    return;
  }
  sender_ = std::move(*sender);
  wakes_ = sender_.get();
  thread_ = std::thread([this] { run(); });
}

void Webhooks::announce() {
  news_.fetch_add(1);
  if (told_.exchange(true)) return;
  if (WebhookSender* sender = wakes_.load()) sender->wake();
}

void Webhooks::begin_stop() {
  stopping_ = true;
  if (WebhookSender* sender = wakes_.load()) sender->wake();
}

void Webhooks::stop() {
  begin_stop();
  std::thread ending;
  {
    const std::lock_guard guard(lock_);
    ending.swap(thread_);
  }
  if (ending.joinable()) ending.join();
}

void Webhooks::run() {
  const MemoryPatience patience(true);
  while (!stopping_) {
    milliseconds pause{0};
    {
      const std::lock_guard guard(lock_);
      prepare_what_is_due();
    }
    keep_what_is_due(false);
    {
      const std::lock_guard guard(lock_);
      send_prepared();
      pause = rest();
    }
    take(sender_->wait(pause));
    if (told_ && !stopping_) take(sender_->wait(gathering));
  }
  keep_what_is_due(true);
}

// Under lock_.
void Webhooks::prepare_what_is_due() {
  told_ = false;  // whoever announces from here on wakes the thread again
  // First: should one be back already, nothing of it is sent while this is on its way.
  for (const std::uint64_t number : std::exchange(removed_, {})) sender_->drop(number);
  const std::uint64_t news = news_.load();
  const Clock::time_point at = Clock::now();
  const auto wants = [&](const auto& each) { return each.second.wants(at, news); };
  if (at < idle_until_ || !std::any_of(hooks_.begin(), hooks_.end(), wants) || !in_.ready()) return;
  const auto fails = [&](const Error& error) {
    idle_until_ = at + after_error;
    in_.failed(error);
  };
  const Result<Snapshot> snapshot = in_.snapshot();
  if (!snapshot) return fails(snapshot.error());
  for (auto& [name, hook] : hooks_) {
    if (!hook.wants(at, news)) continue;
    if (const auto made = prepare_next(hook, *snapshot, news); !made) {
      log_error({"webhook_failed", {{"webhook", name}}}, "webhook {}: {}", name,
                made.error().message);
      fails(made.error());
    }
  }
}

Result<void> Webhooks::prepare_next(Hook& hook, const Snapshot& snapshot, std::uint64_t news) {
  const std::uint64_t told = hook.courier.state().told;
  JCN_TRY(hook.prepared, hook.courier.next(snapshot, now(), news));
  hook.tells_more = hook.prepared && hook.courier.state().told != told;
  return {};
}

// Under lock_.
void Webhooks::send_prepared() {
  for (auto& [name, hook] : hooks_) {
    if (!hook.prepared) continue;
    const auto sent =
        sender_->send(hook.number, hook.courier.config(),
                      *std::exchange(hook.prepared, std::nullopt), wall_clock_ns() / 1'000'000'000);
    if (sent) continue;
    hook.courier.answered({0, sent.error().message, std::nullopt}, now());
    log_error({"webhook_failed", {{"webhook", name}}}, "webhook {}: {}", name,
              sent.error().message);
    idle_until_ = Clock::now() + after_error;
    in_.failed(sent.error());
  }
}

void Webhooks::take(const WebhookSender::Answered& answered) {
  for (const auto& [number, outcome] : answered) {
    if (const auto urgent = take(number, outcome)) (void)save(*urgent);
  }
}

// The name of a webhook whose place is to be kept at once: these things are not said twice for want
// of a second.
std::optional<std::string> Webhooks::take(std::uint64_t number, const WebhookOutcome& outcome) {
  const std::lock_guard guard(lock_);
  const auto hook = std::find_if(hooks_.begin(), hooks_.end(),
                                 [&](const auto& each) { return each.second.number == number; });
  if (hook == hooks_.end()) return std::nullopt;  // it is configured no more
  WebhookCourier& courier = hook->second.courier;
  const WebhookStatus before = courier.status(0);
  const bool fresh = courier.state().fresh, gone = courier.state().gone;
  courier.answered(outcome, now());
  const WebhookStatus after = courier.status(0);
  // Once for each time that it begins to fail or to go well, not for each attempt.
  if (before.state != after.state) {
    if (outcome.delivered()) {
      log_info({"webhook_delivering", {{"webhook", hook->first}}}, "webhook {}: delivering",
               hook->first);
    } else {
      log_warning({"webhook_failing", {{"webhook", hook->first}}}, "webhook {}: {}; {}",
                  hook->first, after.state, *after.last_error);
    }
  }
  const bool urgent = fresh != courier.state().fresh || gone != courier.state().gone;
  return urgent ? std::optional(hook->first) : std::nullopt;
}

void Webhooks::keep_what_is_due(bool all) {
  const Clock::time_point at = Clock::now();
  std::vector<std::string> unread, unsaved;
  {
    const std::lock_guard guard(lock_);
    for (const auto& [name, hook] : hooks_) {
      // While it fails, so much may be told all the same as WebhookKeeping lets.
      const bool first = hook.prepared && hook.tells_more && !hook.keeping.failing();
      if (!all && !first && at < hook.keeping.due()) continue;
      if (hook.keeping.unread()) unread.push_back(name);
      if (hook.courier.unsaved()) unsaved.push_back(name);
    }
  }
  if (!unread.empty() && !all) {
    const std::lock_guard writing(saving_);
    const std::lock_guard guard(lock_);
    for (const std::string& name : unread) {
      const auto hook = hooks_.find(name);
      if (hook != hooks_.end() && hook->second.keeping.unread()) read(name, hook->second);
    }
  }
  for (const std::string& name : unsaved) (void)save(name);
}

// Under saving_ and lock_: files are read at starts and reloads, and where that failed.
void Webhooks::read(const std::string& name, Hook& hook) {
  auto loaded = load_webhook_state(in_.folder, name);
  if (!loaded) {
    log_turn(name, hook.keeping.failed(loaded.error(), Clock::now()), hook.keeping);
    return;
  }
  if (!loaded->damaged.empty()) {
    log_warning(
        {"webhook_place_lost", {{"webhook", name}}},
        "webhook {}: how far it was is lost, its file was damaged, and is {} now; its receiver is "
        "told to begin anew",
        name, loaded->damaged);
  }
  hook.courier.go_on_from(std::move(loaded->state));
  log_turn(name, hook.keeping.read(Clock::now()), hook.keeping);
}

// The disk may take its time: whoever asks how a webhook is does not wait for it.
Result<void> Webhooks::save(const std::string& name) {
  const std::lock_guard writing(saving_);
  WebhookState state;
  std::uint64_t delivered = 0;
  {
    const std::lock_guard guard(lock_);
    const auto hook = hooks_.find(name);
    if (hook == hooks_.end() || !hook->second.courier.unsaved()) return {};
    state = hook->second.courier.state();
    delivered = hook->second.courier.delivered_changes();
    hook->second.courier.saved(true);
  }
  Result<void> saved = save_webhook_state(in_.folder, name, state);
  const std::lock_guard guard(lock_);
  const auto hook = hooks_.find(name);
  if (hook == hooks_.end()) return saved;  // never: they go under saving_
  WebhookKeeping& keeping = hook->second.keeping;
  if (!saved) hook->second.courier.saved(false);
  log_turn(name,
           saved ? keeping.written(Clock::now(), delivered)
                 : keeping.failed(saved.error(), Clock::now()),
           keeping);
  return saved;
}

// Under lock_. How long nothing happens, unless somebody wakes the thread.
milliseconds Webhooks::rest() const {
  const Clock::time_point at = Clock::now();
  const std::uint64_t news = news_.load();
  Clock::time_point until = at + longest_rest;
  for (const auto& [name, hook] : hooks_) {
    if (hook.courier.unsaved() || hook.keeping.unread())
      until = std::min(until, hook.keeping.due());
    if (!hook.keeping.lets_send(hook.courier.delivered_changes())) continue;
    // It wanted something and could not have it.
    if (hook.courier.wants(at, news)) {
      until =
          std::min(until, std::max(at + (in_.ready() ? milliseconds(1) : look_again), idle_until_));
    } else if (const auto due = hook.courier.due()) {
      until = std::min(until, *due);
    }
  }
  return std::chrono::ceil<milliseconds>(std::max(until - at, Clock::duration::zero()));
}

std::vector<WebhookStatus> Webhooks::list(std::uint64_t head) const {
  const std::lock_guard guard(lock_);
  std::vector<WebhookStatus> all;
  for (const auto& [name, hook] : hooks_) {
    WebhookStatus& status = all.emplace_back(hook.courier.status(head));
    const WebhookKeeping& keeping = hook.keeping;
    if (keeping.failing()) status.place_error = keeping.failing()->message;
    status.place_failures = keeping.failures();
    if (!keeping.lets_send(hook.courier.delivered_changes())) status.state = "held";
  }
  return all;
}

// Under lock_. One of which it is known how far it is.
Result<const Webhooks::Hook*> Webhooks::readable(const std::string& name) const {
  const auto hook = hooks_.find(name);
  if (hook == hooks_.end()) return no_such_webhook(name);
  if (hook->second.keeping.unread()) return *hook->second.keeping.failing();
  return &hook->second;
}

Result<Webhooks::Hook*> Webhooks::readable(const std::string& name) {
  JCN_TRY(const Hook* hook, std::as_const(*this).readable(name));
  return const_cast<Hook*>(hook);
}

Result<std::vector<WebhookFailure>> Webhooks::failures(const std::string& name) const {
  const std::lock_guard guard(lock_);
  JCN_TRY(const Hook* hook, readable(name));
  return hook->courier.failures();
}

Result<void> Webhooks::replay(const std::string& name, const std::optional<FeedSeq>& place) {
  {
    const std::lock_guard guard(lock_);
    JCN_TRY(Hook * hook, readable(name));
    hook->courier.replay(place, now());
  }
  announce();
  const Result<void> saved = save(name);
  announce();  // it may have waited for that
  return saved;
}

Result<std::size_t> Webhooks::discard(const std::string& name,
                                      const std::optional<FeedSeq>& which) {
  std::size_t discarded = 0;
  {
    const std::lock_guard guard(lock_);
    JCN_TRY(Hook * hook, readable(name));
    discarded = hook->courier.discard(which);
  }
  const Result<void> saved = save(name);
  announce();  // there is room for others
  if (!saved) return saved.error();
  return discarded;
}

}  // namespace jcn
