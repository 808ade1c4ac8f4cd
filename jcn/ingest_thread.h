// The ingest thread: plans and publishes what was found, in the order in which it was found, as
// much at a time as is there. The only thread that publishes.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "jcn/index_writer.h"
#include "jcn/rules.h"
#include "reading_pool.h"
#include "work_counts.h"

namespace jcn {

// Thread-safe.
class IngestThread {
 public:
  struct Surroundings {
    IndexWriter& writer;
    std::function<std::shared_ptr<const Rules>()> rules;
    std::function<void()> published;  // something new is in the fresh layer
    std::function<void(const std::vector<LookJob::Item>&)>
        release;                                          // published: ReadingPool::release
    std::function<void(const FragmentName&)> look_again;  // was read too soon after its last change
    std::function<void()> look_again_everywhere;         // so many of them that names were not kept
    std::function<void(const Error&)> failed = nullptr;  // could not publish; it is tried again
  };

  explicit IngestThread(Surroundings surroundings);
  ~IngestThread();
  // Publishes what is queued, then ends; begin_stop does not wait for it.
  void begin_stop();
  void stop();

  void submit(Finding finding);  // blocks while too much waits
  void keep_note(std::string name, std::optional<std::string> value);
  // Takes the root's files out of the index: it is no longer configured.
  void forget_root(std::string root, Ticket ticket);
  // Gives the records of touched.log new numbers (IndexWriter::recovered), then calls `done` from
  // this thread. Behind what was submitted before.
  void announce_recovered(std::function<void()> done);

  // Lets the batch under way end, and publishes nothing more until resume(). Returns when that is
  // so; false: it is stopping.
  bool pause();
  void resume();

  IntakeCounts counts() const;
  std::optional<Error> failing() const;  // why nothing can be published at present

  // Whether the thread got on since the last call: it is woken for that where it has nothing to do.
  // Trying again what failed is getting on.
  bool got_on();

 private:
  struct Work {
    std::vector<Finding> findings;
    std::map<std::string, std::optional<std::string>> notes;
    std::vector<std::pair<std::string, Ticket>> forgotten_roots;
    std::function<void()> announced;
    bool empty() const {
      return findings.empty() && notes.empty() && forgotten_roots.empty() && !announced;
    }
  };
  struct Racy {
    std::chrono::steady_clock::time_point due;
    FragmentName name;
  };

  void run();
  void park(std::unique_lock<std::mutex>& guard);
  Result<void> publish(Work& work);
  Result<void> publish_batch(Batch batch);
  // What a batch tells those who count.
  struct News {
    std::vector<std::chrono::steady_clock::time_point> changed;  // files: when the event was read
    std::vector<Code> rejected;
  };
  static Result<News> news_of(const Snapshot& before, const Batch& batch, const Work& work);
  void count(const News& news);
  Result<std::vector<Look>> looks_at_forgotten(const std::string& root);
  void remember_racy(const std::vector<Look>& looks);
  void look_again_at_due();

  const Surroundings in_;
  std::deque<Racy> racy_;       // ingest thread; nearly ordered by due
  bool racy_overflow_ = false;  // ingest thread

  mutable std::mutex lock_;
  std::condition_variable wake_;
  std::condition_variable room_;
  Work queue_;                                // guarded by lock_
  std::size_t queue_bytes_ = 0;               // of its findings' documents; guarded by lock_
  std::optional<Error> failing_;              // guarded by lock_
  std::uint64_t turns_ = 1, turns_seen_ = 0;  // guarded by lock_
  bool asked_ = false;                        // for a turn; guarded by lock_
  bool pausing_ = false, parked_ = false;     // guarded by lock_
  std::condition_variable parked_changed_;
  bool stopped_ = false;  // guarded by lock_
  // IntakeCounts, as they grow.
  LatencyHistogram visible_;
  std::array<std::atomic<std::uint64_t>, code_table.size()> rejected_{};
  std::thread thread_;
};

}  // namespace jcn
