// The ingest thread: plans and publishes what was found, in the order in which it was found, as
// much at a time as is there. The only thread that publishes.
#pragma once

#include <chrono>
#include <condition_variable>
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
    std::function<void()> look_again_everywhere;  // so many of them that names were not kept
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

  std::optional<Error> failing() const;  // why nothing can be published at present

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
  Result<void> publish(Work& work);
  Result<void> publish_batch(Batch batch);
  Result<std::vector<Look>> looks_at_forgotten(const std::string& root);
  void remember_racy(const std::vector<Look>& looks);
  void look_again_at_due();

  const Surroundings in_;
  std::deque<Racy> racy_;       // ingest thread; nearly ordered by due
  bool racy_overflow_ = false;  // ingest thread

  mutable std::mutex lock_;
  std::condition_variable wake_;
  std::condition_variable room_;
  Work queue_;                    // guarded by lock_
  std::optional<Error> failing_;  // guarded by lock_
  bool stopped_ = false;          // guarded by lock_
  std::thread thread_;
};

}  // namespace jcn
