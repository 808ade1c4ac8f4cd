// Which videos wait for a worker: those whose transcode.state is queued or running, as the change
// feed tells.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http_client.h"
#include "transcode_lease.h"

namespace jcn_transcode {

struct Waiting {
  std::string kind, id;
  auto operator<=>(const Waiting&) const = default;
};

// For one thread.
class Queue {
 public:
  // `kinds`: of the videos; those of leases are followed besides.
  Queue(jcn_client::HttpClient& jcn, std::vector<std::string> kinds);

  // Applies what the feed has to tell; when there is nothing, waits for it, but no longer than
  // `patience`. The first time, and when the feed begins anew, what waits already is listed. False:
  // there is nothing, and jcn has no place for another feed that waits: the caller asks again soon.
  // Errors: the client's; then nothing is lost, and the next call goes on.
  jcn::Result<bool> follow(std::chrono::milliseconds patience);

  // Of those that are due, the one that has waited longest.
  std::optional<Waiting> next(Clock::time_point now) const;
  // When one that was put off is due.
  std::optional<Clock::time_point> next_due() const;
  // Somebody has it, under the claim of this name (without folders and ".claim.json"): it is due
  // again at that time, or as soon as the claim is gone.
  void put_off(const Waiting& waiting, Clock::time_point until, std::string claim);
  void drop(const Waiting& waiting) { waiting_.erase(waiting); }

 private:
  struct Entry {
    std::uint64_t order = 0;
    std::optional<Clock::time_point> put_off_until = {};
    std::string claim = {};
  };
  jcn::Result<void> begin();
  jcn::Result<jcn_client::Answer> changes(const std::string& feed,
                                          std::chrono::milliseconds patience);
  void add(const std::string& kind, const std::string& id);
  void apply(std::string_view row);

  jcn_client::HttpClient& jcn_;
  const std::vector<std::string> kinds_;
  std::map<Waiting, Entry> waiting_;
  std::uint64_t last_order_ = 0;
  std::string since_;  // the place in the feed; empty: begin
};

// The kind whose records are leases: in apache/jcn.conf, what the notes **/*.claim.json are.
inline constexpr const char* leases_kind = "leases";

}  // namespace jcn_transcode
