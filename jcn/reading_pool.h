// The reading pool: threads that look at paths (read, check, identify) in the schedule's order and
// hand what they found to a sink. Requests never block; the sink may, which bounds memory.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "jcn/descriptor_reserve.h"
#include "jcn/ingest.h"
#include "look_schedule.h"
#include "roots.h"

namespace jcn {

// What one job found, to be published in one step. Its items go back by ReadingPool::release once
// that is done: until then the paths stay under way, so that whoever asks for pending looks beneath
// a folder, and then for what the index knows there, misses nothing. The tickets die with the
// items.
struct Finding {
  std::vector<Look> looks;
  std::vector<LookJob::Item> items;
};

// Thread-safe.
class ReadingPool {
 public:
  using Sink = std::function<void(Finding)>;
  using RulesSource = std::function<std::shared_ptr<const Rules>()>;

  ReadingPool(const Roots& roots, RulesSource rules, SettleDelays delays, std::size_t threads,
              Sink sink);
  ~ReadingPool();  // stops; what waits is dropped

  void request(const FragmentName& name, Ticket ticket,
               std::chrono::milliseconds delay = std::chrono::milliseconds(0),
               bool judge_anew = false, Watcher watcher = nullptr);
  // They are published in one step.
  void request_renames(const std::vector<Rename>& renames, const Ticket& ticket);
  // Until no look beneath the prefix is ready or under way, or the time is over.
  void wait_for_looks(const std::string& root, const std::string& prefix,
                      std::chrono::milliseconds patience);
  // Asks again for every look beneath the prefix that waits or is under way.
  void request_beneath(const std::string& root, const std::string& prefix, const Ticket& ticket);
  void release(const std::vector<LookJob::Item>& items);
  // Blocks while more than `bound` looks are ready: for walks over many files. Those that wait for
  // their time (settling, failing) do not count.
  void wait_below(std::size_t bound);
  void begin_stop();  // does not wait for the threads
  void stop();

  std::uint64_t files_read() const { return files_read_; }
  std::size_t waiting() const;
  bool pending(const FragmentName& name) const;
  std::vector<FragmentName> unsettled() const;

 private:
  void run();
  void work(LookJob job, DescriptorReserve& reserve);
  // Looks at one path; false: say nothing of it (its root is offline).
  LookEnd look_at(const LookJob::Item& item, const Rules& rules, DescriptorReserve& reserve,
                  Look& look, bool& silent);

  const Roots& roots_;
  const RulesSource rules_;
  const Sink sink_;
  std::atomic<std::uint64_t> files_read_{0};
  mutable std::mutex lock_;
  std::condition_variable wake_;   // work, or the end
  std::condition_variable below_;  // the schedule got shorter
  LookSchedule schedule_;          // guarded by lock_
  bool stopped_ = false;           // guarded by lock_
  std::vector<std::thread> threads_;
};

}  // namespace jcn
