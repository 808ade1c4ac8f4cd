// Who works on a video: the note ID.claim.json, and when another worker may take it over. Pure.
//
// 1. A claim is created where there is none, and replaced only by who knows its entity tag: of
//    workers that want the same, one gets it, whatever their clocks say.
// 2. Who holds a claim renews it, which changes its tag, thrice in its term.
// 3. Who has seen the same tag for a whole term, while jcn was there all the time, may take the
//    claim over: it was there, too, when it answered that others keep it busy, or else they would
//    keep every claim as it is. The times in the note are for people; nobody compares clocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace jcn_transcode {

using Clock = std::chrono::steady_clock;

struct Lease {
  std::string video;          // its id
  std::string holder;         // host, process, and a number that was drawn
  std::uint64_t attempt = 1;  // one more whenever it is taken over
  std::uint64_t renewal = 0;  // one more whenever it is renewed
  std::chrono::seconds term{30};
};

// `now`: RFC 3339, for people.
std::string lease_text(const Lease& lease, std::string_view now);
// Of any text; what is missing, or makes no sense, is as in a lease that was just begun. The term
// is at most an hour.
Lease read_lease(std::string_view text);

// What one worker has seen of others' claims.
class LeaseWatch {
 public:
  // The claim at `path` has this tag now. True once it may be taken over.
  bool expired(const std::string& path, const std::string& tag, std::chrono::seconds term,
               Clock::time_point now);
  // jcn was away for a while: perhaps it was not the holder who was silent.
  void begin_anew() { seen_.clear(); }
  void forget(const std::string& path) { seen_.erase(path); }

 private:
  struct Seen {
    std::string tag;
    Clock::time_point since;
  };
  std::map<std::string, Seen> seen_;  // by path
};

}  // namespace jcn_transcode
