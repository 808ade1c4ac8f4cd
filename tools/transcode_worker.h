// A worker: finds videos that wait, claims one, makes it, and so on until it is asked to end.
#pragma once

#include "http_client.h"
#include "jcn/file_descriptor.h"
#include "transcode_job.h"
#include "transcode_lease.h"
#include "transcode_notes.h"
#include "transcode_queue.h"

namespace jcn_transcode {

// Finds out what was not given: the root, where there is only one, and its folder. Waits for jcn
// where it does not answer. Errors: no_such_root, bad_usage (there are several), those of jcn's
// that last; not_connected only once this worker is to end.
jcn::Result<void> find_root(Settings& settings);
// Errors: bad_configuration: a program is missing, or can't do what is asked of it.
jcn::Result<void> check_tools(const Settings& settings);

// For one thread.
class Worker {
 public:
  // `settings` are complete, and outlive this. Errors: those of open_root.
  static jcn::Result<Worker> start(const Settings& settings);
  // Until settings.stopped(). Errors: those that nothing but another command line, token or
  // configuration will mend.
  jcn::Result<void> run();

 private:
  Worker(const Settings& settings, jcn::FileDescriptor root);
  jcn::Result<void> attempt(const Waiting& waiting);
  jcn::Result<std::optional<Claim>> claim(const Waiting& waiting, const std::string& stem,
                                          const std::string& name);
  jcn::Result<void> follow(Clock::time_point now);
  void pause_for(const jcn::Error& error);

  const Settings& settings_;
  jcn::FileDescriptor root_;
  std::unique_ptr<jcn_client::HttpClient> jcn_, last_;  // the second for when it is to end
  Notes notes_, last_words_;
  Queue queue_;
  LeaseWatch watch_;
  std::chrono::milliseconds pause_{0};  // the last one; 0: jcn answers
};

}  // namespace jcn_transcode
