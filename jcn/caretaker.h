// The caretaker of the index: looks through it now and then, has it repaired when damage is found,
// and written anew when somebody asks for that, or when changes have left too much behind in it.
// One thread, which does one of these at a time.
//
// Damage that reading tells of by itself (blocks with checksums) is repaired beside: readers are
// answered from the old generation, and told where it is damaged. Other damage makes wrong answers:
// from its discovery on nobody is answered from the index until it is right again.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "jcn/index_writer.h"
#include "jcn/verify.h"
#include "service.h"

namespace jcn {

// Thread-safe.
class Caretaker {
 public:
  struct Surroundings {
    IndexWriter& writer;
    // Examines the index where damage does no harm. `stopped` is asked now and then.
    std::function<Result<IndexHealth>(bool idle, const std::function<bool()>& stopped)> examine;
    // RewriteWish::read_again.
    std::function<std::optional<std::string>(const FragmentName&, const FileRow&)> read_again;
    // Between the two nothing is published; false: it is stopping.
    std::function<bool()> pause_intake;
    std::function<void()> resume_intake;
    // Goes over all files, reads them all if asked to, announces what was recovered, and calls
    // `done` from another thread once everything is visible. `reopened`: the index is another one
    // by now.
    std::function<void(bool read_all, bool reopened, std::function<void()> done)> crawl;
    std::chrono::milliseconds scrub_interval;  // 0: never
  };

  // `incomplete`: the index lacks records that it once had, until the first crawl is done.
  Caretaker(Surroundings surroundings, bool incomplete);
  ~Caretaker();
  void begin_stop();  // does not wait
  void stop();

  // The first crawl is done: from here on there is something to take care of.
  void crawled();
  // Somebody met with an error; index_damaged is looked into.
  void failed(const Error& error);
  // A scrub is broken off for it, and begins again afterwards. Errors: overloaded (it is at
  // something else already, but for tidying up), not_ready.
  Result<std::uint64_t> ask(UpkeepWork work);

  std::optional<std::uint64_t> answering() const;  // Service::answering
  Upkeep upkeep() const;
  std::vector<Reason> reasons() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Task {
    enum class Kind : std::uint8_t { scrub, look, write_again, compact, reindex, tidy } kind;
    std::string why;
  };

  void run();
  std::optional<Task> next_task(std::unique_lock<std::mutex>& guard);
  void scrub();
  void look_into_it();
  void begin_writing_again(const std::string& why);
  void compact();
  void reindex();
  void tidy();
  void take_care(const IndexHealth& health);
  bool repair_beside(const IndexHealth& health, const std::string& why);
  void reopen(const IndexHealth& health);
  Result<RewriteReport> rewrite(const IndexHealth& health, bool merge);
  void trim_if_quiet();
  bool crawl(bool read_all, bool reopened);
  void set_complete(bool complete);
  void set_state(const char* state, const std::string& why = {});
  void finish(std::string failure);
  bool pause(std::chrono::milliseconds time);

  const Surroundings in_;
  // Even: the index may be answered from. Odd: it may not.
  std::atomic<std::uint64_t> turns_;
  std::atomic<bool> stopping_{false};

  mutable std::mutex lock_;
  std::condition_variable wake_;
  // All guarded by lock_.
  bool ready_ = false;
  bool suspected_ = false;        // the index is to be looked through
  bool met_with_damage_ = false;  // by somebody who read it
  std::string suspicion_;
  Time quiet_until_{};
  std::optional<UpkeepWork> asked_;
  bool crawled_ = false;  // of crawl()
  bool unasked_ = false;  // what is going on; what is asked for meanwhile comes next
  Time next_scrub_;
  Upkeep shown_;
  std::string why_;  // of what is going on

  // The thread's own.
  Time next_remake_{}, next_look_{}, next_tidying_{}, last_change_{};
  std::uint64_t last_seq_ = 0;
  bool untrimmed_ = false;  // since a rewrite
  std::thread thread_;
};

}  // namespace jcn
