// Which clients the server gives up. Each connection holds a thread, and threads are few: a client
// that lets one wait, by sending or by reading slowly, is cut off, the sooner the fewer are free.
//
// 1. A connection waits for its client, or it does not. How far the client lags is the time since
//    the waiting began, less what the bytes that moved meanwhile are worth at `bytes_per_second`.
//    The bytes of a request's head are worth nothing: it has to come whole within its time.
// 2. A client may lag for `patience`, or for `idle` before it asks again. While fewer than a
//    quarter of the places are free, those that lag longer than `when_crowded` are given up, the
//    longest first, until a quarter is free; while none is free, all that lag longer than
//    `when_full`.
// 3. A client that was given up keeps its place, and its connection stays open, until the
//    connection's own thread closes it.
//
// Time is a parameter everywhere: tests step it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace jcn {

class SlowClients {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;

  // What the client has to send, or, `reading`, to take.
  enum class Awaited : std::uint8_t { nothing, first_request, next_request, body, reading };

  struct Options {
    unsigned places = 256;
    std::chrono::milliseconds patience{10'000};
    std::chrono::milliseconds idle{15'000};
    std::chrono::milliseconds when_crowded{500};
    std::chrono::milliseconds when_full{50};
    std::uint64_t bytes_per_second = 16 << 10;
  };

  // One connection. For the thread that serves it.
  class Client {
   public:
    void await(Awaited what, Time now);
    void moved(Clock::duration worth, Time now);
    void served();  // whatever takes time now is not the client's doing
    bool given_up() const;

   private:
    friend class SlowClients;
    mutable std::mutex lock_;
    // Guarded by lock_.
    Awaited awaited_ = Awaited::nothing;
    Time since_{};
    bool given_up_ = false;
    // Guarded by the table's lock. Null: the place is free.
    const void* connection_ = nullptr;
  };

  struct GivenUp {
    const void* connection;  // as open() got it
    Awaited awaited;
  };
  // Called while none of the connections can be closed. False: it could not be done now.
  using CutOff = std::function<bool(std::span<const GivenUp>)>;

  // With `cut_off` a thread of its own reviews from now on, whenever somebody may be due; else
  // review() is the caller's to call.
  SlowClients(Options options, CutOff cut_off);
  ~SlowClients();
  SlowClients(const SlowClients&) = delete;
  SlowClients& operator=(const SlowClients&) = delete;

  // Null when all places are taken: nobody watches that connection.
  Client* open(const void* connection, Time now);
  void close(Client* client);  // may be null; waits for a cut under way

  // Gives up who is due; returns when somebody may be due next, Time::max() when nobody is there.
  Time review(Time now, const CutOff& cut_off);

  // From now on everybody has the patience of a full house: the server stops.
  void hurry();

  bool crowded() const;  // fewer than a quarter of the places are free
  Clock::duration worth(std::uint64_t bytes) const;

 private:
  using milliseconds = std::chrono::milliseconds;
  void run(const CutOff& cut_off);
  bool is_crowded(std::size_t taken) const;
  milliseconds patience(Awaited awaited) const;

  const Options options_;
  mutable std::mutex lock_;
  std::condition_variable wake_;
  // Guarded by lock_.
  std::vector<Client> clients_;  // its size never changes
  std::vector<Client*> free_;
  bool hurried_ = false;
  bool changed_ = false;  // somebody may be due earlier than the last review said
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace jcn
