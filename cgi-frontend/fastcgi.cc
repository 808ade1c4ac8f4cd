#include "fastcgi.h"

#include <fcgiapp.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <thread>

#include "asking.h"
#include "gateway.h"
#include "site.h"

namespace cgi {
namespace {

constexpr int wake_signal = SIGUSR2;
constexpr std::size_t largest_body = 1 << 20;  // that is read, to be thrown away
constexpr int patience_ticks = 1000;           // of 10 ms each, for requests that have begun

// What the threads share. Lives as long as they do.
struct Service {
  const SiteSettings& settings;
  std::atomic<bool> ending = false;
  std::atomic<bool> failed = false;
};

struct Worker {
  std::thread thread;  // of the main thread
  // Of its own thread, the main one looks.
  std::atomic<bool> answering = false, done = false;
};

// Does nothing but break off the accept() of the thread that it is sent to.
extern "C" void wake(int) {}

// A web server that still writes a body when the connection is closed would not read the answer.
void throw_body_away(FCGX_Request& request) {
  std::array<char, 4096> some;
  for (std::size_t all = 0; all < largest_body;) {
    const int got = FCGX_GetStr(some.data(), static_cast<int>(some.size()), request.in);
    if (got <= 0) return;
    all += static_cast<std::size_t>(got);
  }
}

void answer(const SiteSettings& settings, const Ask& ask, FCGX_Request& fcgi) {
  const Request request =
      read_request([&](const char* name) { return FCGX_GetParam(name, fcgi.envp); });
  const std::string said = as_cgi(respond(settings, request, ask), request.method != "HEAD");
  throw_body_away(fcgi);
  FCGX_PutStr(said.data(), static_cast<int>(said.size()), fcgi.out);
}

void answer_requests(Service& service, Worker& worker) {
  const Ask ask = asking(service.settings);
  FCGX_Request fcgi;
  FCGX_InitRequest(&fcgi, 0, FCGI_FAIL_ACCEPT_ON_INTR);
  while (!service.ending) {
    const int got = FCGX_Accept_r(&fcgi);
    if (got == -EINTR) continue;
    if (got < 0) {
      std::fprintf(stderr, "jcn.cgi: can't accept requests: %s\n", std::strerror(-got));
      service.failed = true;
      kill(getpid(), SIGTERM);
      break;
    }
    worker.answering = true;
    answer(service.settings, ask, fcgi);
    FCGX_Finish_r(&fcgi);
    worker.answering = false;
  }
  FCGX_Free(&fcgi, 1);
  worker.done = true;
}

// Waits until all threads are done. Those that wait for a request are woken. A thread may have
// looked at `ending` just before, and accept just after being woken: so it is woken again. What is
// being answered is not disturbed; nor, by the pause before, what is being read.
void end_all(Service& service, std::deque<Worker>& workers) {
  service.ending = true;
  const auto done = [](const Worker& worker) { return worker.done.load(); };
  for (int tick = 0; !std::all_of(workers.begin(), workers.end(), done); ++tick) {
    if (tick == patience_ticks) std::quick_exit(1);  // the web server does not take its answer
    const timespec pause{0, 10'000'000};
    nanosleep(&pause, nullptr);
    for (Worker& worker : workers) {
      if (!worker.answering && !worker.done)
        pthread_kill(worker.thread.native_handle(), wake_signal);
    }
  }
  for (Worker& worker : workers) worker.thread.join();
}

}  // namespace

bool is_fastcgi() {
  return FCGX_IsCGI() == 0;
}

int serve_fastcgi(const SiteSettings& settings) {
  // Signals that end are waited for here; the threads sleep through them.
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGTERM, SIGUSR1, SIGINT}) sigaddset(&ends, signal);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  struct sigaction waking = {};
  waking.sa_handler = wake;  // without SA_RESTART
  sigaction(wake_signal, &waking, nullptr);
  FCGX_Init();

  Service service{settings};
  std::deque<Worker> workers(settings.threads);
  for (Worker& worker : workers)
    worker.thread = std::thread([&] { answer_requests(service, worker); });
  int signal = 0;
  sigwait(&ends, &signal);
  end_all(service, workers);
  return service.failed ? 1 : 0;
}

}  // namespace cgi
