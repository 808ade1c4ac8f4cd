#include "slow_clients.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace jcn {
namespace {

using std::chrono::milliseconds;

// However many come and go, a review is no more than a small part of one processor's time.
constexpr milliseconds between_reviews{10};

}  // namespace

void SlowClients::Client::await(Awaited what, Time now) {
  const std::lock_guard guard(lock_);
  awaited_ = what;
  since_ = now;
}

void SlowClients::Client::moved(Clock::duration worth, Time now) {
  const std::lock_guard guard(lock_);
  // Never ahead: what moved quickly does not pay for a pause later.
  since_ = std::min(now, since_ + worth);
}

void SlowClients::Client::served() {
  const std::lock_guard guard(lock_);
  awaited_ = Awaited::nothing;
}

bool SlowClients::Client::given_up() const {
  const std::lock_guard guard(lock_);
  return given_up_;
}

SlowClients::SlowClients(Options options, CutOff cut_off)
    : options_(options), clients_(options.places) {
  free_.reserve(clients_.size());
  for (Client& client : clients_) free_.push_back(&client);
  if (cut_off) thread_ = std::thread([this, cut = std::move(cut_off)] { run(cut); });
}

SlowClients::~SlowClients() {
  {
    const std::lock_guard guard(lock_);
    stopped_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool SlowClients::is_crowded(std::size_t taken) const {
  return taken * 4 > clients_.size() * 3;
}

milliseconds SlowClients::patience(Awaited awaited) const {
  return awaited == Awaited::next_request ? options_.idle : options_.patience;
}

SlowClients::Clock::duration SlowClients::worth(std::uint64_t bytes) const {
  return std::chrono::nanoseconds(bytes * 1'000'000'000 / options_.bytes_per_second);
}

SlowClients::Client* SlowClients::open(const void* connection, Time now) {
  Client* client = nullptr;
  {
    const std::lock_guard guard(lock_);
    if (free_.empty()) return nullptr;
    client = free_.back();
    free_.pop_back();
    client->connection_ = connection;
    const std::size_t taken = clients_.size() - free_.size();
    changed_ = changed_ || taken == 1 || is_crowded(taken);
    const std::lock_guard own(client->lock_);
    client->awaited_ = Awaited::first_request;
    client->since_ = now;
    client->given_up_ = false;
    if (!changed_) return client;
  }
  wake_.notify_all();
  return client;
}

void SlowClients::close(Client* client) {
  if (!client) return;
  const std::lock_guard guard(lock_);
  client->connection_ = nullptr;
  free_.push_back(client);
}

void SlowClients::hurry() {
  {
    const std::lock_guard guard(lock_);
    hurried_ = changed_ = true;
  }
  wake_.notify_all();
}

bool SlowClients::crowded() const {
  const std::lock_guard guard(lock_);
  return is_crowded(clients_.size() - free_.size());
}

SlowClients::Time SlowClients::review(Time now, const CutOff& cut_off) {
  struct Waiting {
    Client* client;
    GivenUp who;
    Clock::duration lag;
  };
  const std::lock_guard guard(lock_);
  std::size_t taken = clients_.size() - free_.size();
  if (taken == 0) return Time::max();
  std::vector<Waiting> waiting;
  waiting.reserve(taken);
  for (Client& client : clients_) {
    if (!client.connection_) continue;
    const std::lock_guard own(client.lock_);
    if (client.given_up_) {
      --taken;  // its place is as good as free
    } else if (client.awaited_ != Awaited::nothing) {
      waiting.push_back({&client, {client.connection_, client.awaited_}, now - client.since_});
    }
  }
  std::sort(waiting.begin(), waiting.end(),
            [](const Waiting& a, const Waiting& b) { return a.lag > b.lag; });

  const bool full = hurried_ || taken >= clients_.size();
  const auto at_most = [&] {
    if (full) return options_.when_full;
    return is_crowded(taken) ? options_.when_crowded : milliseconds::max();
  };
  // Whoever begins to wait after this look is due no earlier.
  milliseconds next = std::min({at_most(), options_.patience, options_.idle});
  std::vector<GivenUp> given_up;
  given_up.reserve(waiting.size());
  for (const Waiting& one : waiting) {
    const milliseconds patience = std::min(this->patience(one.who.awaited), at_most());
    if (one.lag < patience) {
      next = std::min(next, std::chrono::ceil<milliseconds>(patience - one.lag));
      continue;
    }
    given_up.push_back(one.who);
    --taken;
    const std::lock_guard own(one.client->lock_);
    one.client->given_up_ = true;
  }
  if (given_up.empty() || cut_off(given_up)) return now + next;
  for (const Waiting& one : waiting) {
    const std::lock_guard own(one.client->lock_);
    one.client->given_up_ = false;
  }
  return now + between_reviews;
}

void SlowClients::run(const CutOff& cut_off) {
  std::unique_lock guard(lock_);
  while (!stopped_) {
    changed_ = false;
    guard.unlock();
    const Time now = Clock::now();
    Time next = now + between_reviews;
    try {
      next = std::max(next, review(now, cut_off));
    } catch (const std::exception&) {  // out of memory: the next look may be luckier
    }
    guard.lock();
    wake_.wait_until(guard, now + between_reviews, [&] { return stopped_; });
    const auto due = [&] { return stopped_ || changed_; };
    if (next == Time::max()) {
      wake_.wait(guard, due);
    } else {
      wake_.wait_until(guard, next, due);
    }
  }
}

}  // namespace jcn
