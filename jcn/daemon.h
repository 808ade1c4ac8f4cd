// The daemon: owns the rooms, in the order of the data's way through them, and answers the routes.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>

#include "barrier.h"
#include "caretaker.h"
#include "config.h"
#include "fold_thread.h"
#include "ingest_thread.h"
#include "inotify.h"
#include "jcn/index_writer.h"
#include "ledger.h"
#include "reading_pool.h"
#include "roots.h"
#include "search_thread.h"
#include "service.h"
#include "walker.h"

namespace jcn {

class Daemon final : public Service {
 public:
  // Opens the index and starts every thread but the caller's, which runs `io`.
  // `go_on` is asked now and then while that takes long, as an index is examined, repaired or
  // upgraded before it is used, and told what is done; false ends it with not_ready.
  static Result<std::unique_ptr<Daemon>> open(const DaemonConfig& config,
                                              boost::asio::io_context& io,
                                              const std::function<bool(std::string)>& go_on);
  ~Daemon() override;

  // Begins the first crawl; `ready` is called on the io thread once all of it is visible.
  void start(std::function<void()> ready);
  // Ends intake, publishes what was read, folds. Within 5 s.
  Result<void> stop();
  // Takes rules, ignore patterns and limits from a new configuration; judges anew if they differ.
  void reload(const DaemonConfig& config);
  // Whether intake got on since the last call (IngestThread::got_on).
  bool got_on();

  Result<Snapshot> snapshot() override;
  std::shared_ptr<const Rules> rules() override;
  std::chrono::milliseconds query_timeout() override;
  Status status() override;
  Result<std::vector<StatusHistory::Row>> history(std::size_t minutes) override;
  Readiness readiness() override;
  Result<SyncAnswer> sync(std::chrono::milliseconds timeout, bool durable) override;
  Result<FragmentName> locate(const std::string& absolute_path) override;
  Result<Explanation> explain(const FragmentName& name) override;
  Result<void> accept(const std::string& root) override;
  Result<std::uint64_t> take_care(UpkeepWork work) override { return caretaker_->ask(work); }
  std::optional<std::uint64_t> answering() override { return caretaker_->answering(); }
  void failed(const Error& error) override { caretaker_->failed(error); }
  FeedGate& feeds() override { return feeds_; }
  FragmentFiles& fragments() override { return fragments_; }
  Webhooks& webhooks() override { return webhooks_; }
  Result<SeenAt> wait_until_seen(const std::vector<Awaited>& awaited,
                                 std::chrono::milliseconds timeout) override;
  Result<SnapshotFile> snapshot_file() override { return snapshots_.latest(); }

 private:
  Daemon(const DaemonConfig& config, boost::asio::io_context& io,
         std::unique_ptr<IndexWriter> writer, std::optional<Inotify> inotify,
         std::optional<Error> no_inotify);

  Result<StatusHistory::Totals> totals();
  void keep_history();  // on the io thread, from now on
  void wait_for_events();
  void drain_events();
  void drain_events_after(std::chrono::milliseconds pause);
  void crawl_all(bool judge_anew, std::function<void()> done, bool read_all = false);
  // For the caretaker.
  void crawl_again(bool read_all, bool reopened, std::function<void()> done);
  // By whoever drops the last ticket.
  void crawled(const std::string& under, const std::function<void()>& done);
  std::string judged_under(const Rules& rules) const;  // what verdicts depend on, as a note
  void log_joined();
  void finish_left_behind();

  const DaemonConfig config_;
  boost::asio::io_context& io_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> ready_{false};

  mutable std::mutex rules_lock_;
  std::shared_ptr<const Rules> rules_;  // guarded by rules_lock_; the value itself is constant

  SnapshotMaker snapshots_;
  StatusHistory history_;

  // In the order of the data's way; destroyed from the end.
  const std::optional<Inotify> inotify_;
  const std::optional<Error> no_inotify_;
  Roots roots_;
  FragmentFiles fragments_;
  Ledger ledger_;
  std::unique_ptr<Barrier> barrier_;
  std::unique_ptr<IndexWriter> writer_;
  FeedGate feeds_;
  Webhooks webhooks_;
  // Each waiting barrier holds one of the server's threads, too.
  std::counting_semaphore<> sync_places_;
  std::unique_ptr<FoldThread> fold_;
  std::unique_ptr<SearchThread> search_;
  std::unique_ptr<IngestThread> ingest_;
  std::unique_ptr<ReadingPool> pool_;
  std::unique_ptr<Walker> walker_;
  std::unique_ptr<Caretaker> caretaker_;

  // The io thread's.
  std::optional<boost::asio::posix::stream_descriptor> events_;
  boost::asio::steady_timer pause_;
  boost::asio::steady_timer minute_;
};

}  // namespace jcn
