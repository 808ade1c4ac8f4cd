// jcn: the daemon. Steps: configuration, index, HTTP (listens first), crawl, the ready line,
// signals.
#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

#include "config.h"
#include "daemon.h"
#include "descriptor_limit.h"
#include "http_server.h"
#include "jcn/verify_child.h"
#include "log.h"
#include "memory_patience.h"
#include "routes.h"
#include "server_threads.h"
#include "service_manager.h"
#include "write_confinement.h"

namespace {

using namespace jcn;

// Exit statuses; documented in jcn(8).
constexpr int exit_ok = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

int complain(const Error& error) {
  std::fprintf(stderr, "jcn: %s: %s\n", std::string(code_name(error.code)).c_str(),
               error.message.c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "jcn: hint: %s\n", error.hint.c_str());
  const bool usage = error.code == Code::bad_usage || error.code == Code::bad_configuration;
  return usage ? exit_usage : exit_failed;
}

// All requests are logged, however many come.
Response handle_and_log(const Request& request, Service& service) {
  const auto begun = std::chrono::steady_clock::now();
  std::string target(request.raw_path);
  if (!request.raw_query.empty()) target.append("?").append(request.raw_query);
  Response response = handle(request, service);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
  LogEvent event("request", {{"method", std::string(request.method)},
                             {"target", target},
                             {"status", std::to_string(response.status)},
                             {"ms", fmt::format("{:.3f}", took.count())}});
  event.each = true;
  log_info(event, "{} {} {}", request.method, target, response.status);
  return response;
}

// INDEX/daemon.addr tells offline tools where to ask; there while the daemon is.
class AddressFile {
 public:
  AddressFile(std::string path, const std::string& url) : path_(std::move(path)) {
    const std::string text = url + "\n";
    const std::string aside = path_ + ".new";
    std::FILE* file = std::fopen(aside.c_str(), "we");
    bool written = file != nullptr;
    if (file) {
      written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
      written = std::fclose(file) == 0 && written;
    }
    if (!written || std::rename(aside.c_str(), path_.c_str()) != 0) warn();
  }
  ~AddressFile() { std::remove(path_.c_str()); }
  AddressFile(const AddressFile&) = delete;
  AddressFile& operator=(const AddressFile&) = delete;

 private:
  void warn() const {
    log_warning("address_not_written", "{} could not be written: jcnctl --index won't find jcn",
                path_);
  }
  const std::string path_;
};

void print_ready(Daemon& daemon, const std::string& url) {
  Result<Snapshot> snapshot = daemon.snapshot();
  if (!snapshot) {
    log_error("summary_failed", "{}", snapshot.error().message);
    return;
  }
  const IndexCounts counts = snapshot->counts();
  std::uint64_t records = 0;
  for (const auto& [kind, number] : counts.records) records += number;
  std::printf("jcn: ready %s records=%llu rejects=%llu\n", url.c_str(),
              static_cast<unsigned long long>(records),
              static_cast<unsigned long long>(counts.rejects));
  std::fflush(stdout);
}

std::vector<AccessToken> access_tokens(const DaemonConfig& config) {
  std::vector<AccessToken> tokens;
  if (!config.token.empty()) tokens.push_back({config.token, {}, true});
  for (const TokenConfig& each : config.tokens)
    tokens.push_back({each.token, each.roots, each.write});
  return tokens;
}

// What listening beyond this machine means; the token is checked by the configuration.
void warn_of_the_network(const std::string& host, std::uint16_t port) {
  log_warning(
      "listening_beyond",
      "http: listening on {}:{}, beyond this machine. There is no encryption: whoever sees the "
      "traffic reads every answer, and the token, with which they can ask for everything. Listen "
      "on "
      "127.0.0.1, behind a web server with TLS, unless the network between is trusted.",
      host, port);
}

// Asio does not look at what epoll_ctl(2) says of its own pipe for signals and of its timer:
// refused (ENOMEM; ENOSPC, fs.epoll.max_user_watches), SIGTERM would never be heard of. So each is
// tried.
Result<void> try_event_loop(boost::asio::io_context& io) {
  constexpr std::chrono::seconds patience(2);
  int heard = 0;
  const auto count = [&](const boost::system::error_code& error, auto...) { heard += !error; };
  boost::asio::steady_timer timer(io, std::chrono::microseconds(1));
  boost::asio::signal_set signals(io, SIGURG);  // ignored otherwise
  timer.async_wait(count);
  signals.async_wait(count);
  ::raise(SIGURG);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (heard < 2 && io.run_one_until(until) != 0) {
  }
  const bool works = heard == 2;
  timer.cancel();
  signals.cancel();
  while (io.poll() != 0) {
  }
  io.restart();
  if (works) return {};
  return Error{Code::system, "cannot make the event loop: signals or timers are not heard of",
               "raise fs.epoll.max_user_watches"};
}

int run(int argc, char** argv) {
  // Configuration.
  Result<Configured> configured = load_config(argc, argv);
  if (!configured) return complain(configured.error());
  if (const auto* text = std::get_if<PrintAndExit>(&*configured)) {
    std::fputs(text->text.c_str(), stdout);
    return exit_ok;
  }
  DaemonConfig config = std::get<DaemonConfig>(*std::move(configured));
  open_log(config.log_level);
  ::signal(SIGPIPE, SIG_IGN);

  // Descriptors: what connections may take.
  const Connections wanted{config.http_threads, HttpOptions().queue};
  const Result<Connections> connections = share_descriptors(
      raise_descriptor_limit(), config.roots.size(), config.webhooks.size(), wanted);
  if (!connections) return complain(connections.error());
  if (connections->threads < wanted.threads) {
    log_warning("few_connections",
                "the limit of open files leaves {} connections at once, not {}; raise it: ulimit "
                "-n, or LimitNOFILE= in the unit",
                connections->threads, wanted.threads);
    config.http_threads = connections->threads;
  }

  // Before there are threads. Users' files are only read then, whatever becomes of this process. A
  // root that is written to may be another folder after a while, which could not be allowed any
  // more.
  if (!config.writable) {
    const Result<bool> confined = confine_writing({config.index});
    if (!confined) return complain(confined.error());
    if (!*confined)
      log_debug("no_landlock", "this kernel's Landlock can't keep jcn from writing elsewhere");
  }

  // The index, and every thread behind it. Looking through one, or writing it anew, takes a while.
  auto told = std::chrono::steady_clock::now() - std::chrono::seconds(2);
  boost::asio::io_context io(1);
  if (const Result<void> works = try_event_loop(io); !works) return complain(works.error());
  boost::asio::signal_set ending(io, SIGTERM, SIGINT);
  boost::asio::signal_set reloading(io, SIGHUP);
  bool ended = false;
  ending.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    ended = true;
    io.stop();
  });
  const auto still_opening = [&](const std::string& what) {
    io.poll();
    const auto now = std::chrono::steady_clock::now();
    if (!ended && now >= told + std::chrono::seconds(1)) {
      told = now;
      ServiceManager::still_starting(what);
    }
    return !ended;
  };
  Result<std::unique_ptr<Daemon>> daemon = Daemon::open(config, io, still_opening);
  if (ended) return exit_ok;  // what was begun is done at the next start
  if (!daemon) return complain(daemon.error());

  // HTTP listens before the first crawl: /readyz says how far it is.
  HttpOptions http;
  http.address = config.listen_host;
  http.port = config.listen_port;
  http.threads = config.http_threads;
  http.queue = connections->queue;
  http.host_names = config.http_host_names;
  http.tokens = access_tokens(config);
  http.token_for_all = !is_loopback(config.listen_host);
  http.max_body = std::max(http.max_body, config.rules.limits.max_bytes);  // POST /v1/check
  http.log = [](std::string_view message) { log_warning("http_complaint", "http: {}", message); };
  Service& service = **daemon;
  http.counters = service.http;
  Result<HttpServer> server =
      HttpServer::start(http, [&service, logged = config.log_requests](const Request& request) {
        return logged ? handle_and_log(request, service) : handle(request, service);
      });
  if (!server) return complain(server.error());
  const std::string host = config.listen_host == "0.0.0.0" ? "127.0.0.1" : config.listen_host;
  const std::string url = "http://" + host + ":" + std::to_string(server->port()) + "/";
  const AddressFile address(config.index + "/daemon.addr", url);
  if (http.token_for_all) warn_of_the_network(config.listen_host, server->port());

  ServiceManager manager(io, [&daemon] { return (*daemon)->got_on(); });
  manager.ready();

  // Signals.
  int status = exit_ok;
  std::function<void()> wait_for_reload = [&] {
    reloading.async_wait([&](const boost::system::error_code& error, int) {
      if (error) return;
      manager.reloading();
      Result<Configured> again = load_config(argc, argv);
      if (!again) {
        log_error("reload_refused", "reload refused, the old configuration stays: {}",
                  again.error().message);
      } else if (auto* fresh = std::get_if<DaemonConfig>(&*again)) {
        fresh->http_threads = std::min(fresh->http_threads, connections->threads);
        server->replace_tokens(access_tokens(*fresh));
        (*daemon)->reload(*fresh);
      }
      manager.ready();
      wait_for_reload();
    });
  };
  wait_for_reload();

  // Progress, for whoever watches systemd.
  boost::asio::steady_timer progress(io);
  std::function<void()> tell_progress = [&] {
    const Status now = (*daemon)->status();
    manager.status("first crawl: " + std::to_string(now.crawl_done) + " of " +
                   std::to_string(now.crawl_total) + " files found so far");
    progress.expires_after(std::chrono::seconds(1));
    progress.async_wait([&](const boost::system::error_code& error) {
      if (!error) tell_progress();
    });
  };
  tell_progress();

  // The first crawl, then the ready line; events are drained by this thread until the end.
  (*daemon)->start([&] {
    progress.cancel();
    print_ready(**daemon, url);
    manager.status("ready");
  });
  {
    const MemoryPatience patience(true);
    io.run();
  }

  manager.stopping();
  // The end: no more intake, the fresh layer folded.
  if (Result<void> stopped = (*daemon)->stop(); !stopped) {
    log_error("last_fold_failed",
              "the last fold failed: {}; the files are read again at the next start",
              stopped.error().message);
    status = exit_failed;
  }
  log_left_out();
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == std::string_view(examine_option)) {
    return run_examination({argv + 2, argv + argc});
  }
  install_memory_patience();
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return complain(out_of_memory());
  } catch (const std::system_error& failure) {  // of std::thread; nothing else throws it
    return complain(no_thread("a thread: " + std::string(failure.what())));
  } catch (const boost::system::system_error& failure) {  // of the loop's descriptors
    return complain({Code::system, "cannot make the event loop: " + std::string(failure.what()),
                     "raise LimitNOFILE= in the unit, or ulimit -n"});
  }
}
