// jcn-transcode(1): makes of uploaded videos what browsers play. Steps: command line, programs,
// signals, root, and then one video after the other.
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <array>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "exit_status.h"
#include "token_file.h"
#include "transcode_worker.h"

namespace jcn_transcode {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Result;

enum class Exit : int { ok = 0, usage = 2, failed = 4 };

// jcn-transcode(1) and --help show this table.
constexpr auto exit_table = std::to_array<jcnctl::ExitMeaning>({
    {int(Exit::ok), "ended by SIGTERM or SIGINT"},
    {int(Exit::usage), "the command line"},
    {int(Exit::failed),
     "ffmpeg is missing, the root is not known or its folder not there, jcn refuses the token"},
});

volatile sig_atomic_t asked_to_end = 0;

extern "C" void end(int) {
  asked_to_end = 1;
}

// Without SA_RESTART: who sleeps or polls sees to it at once.
void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = end;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

void log_to_stderr(const std::string& level) {
  auto logger = spdlog::stderr_logger_st("jcn-transcode");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  spdlog::set_default_logger(std::move(logger));
  spdlog::set_level(spdlog::level::from_str(level));
}

// host:process:16 hexadecimal digits that nobody else draws.
std::string drawn_name() {
  std::array<char, HOST_NAME_MAX + 1> host = {};
  gethostname(host.data(), host.size() - 1);
  std::random_device source;
  const std::uint64_t number = std::uint64_t{source()} << 32 | source();
  std::array<char, 17> digits = {};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(number));
  return std::string(host.data()) + ':' + std::to_string(getpid()) + ':' + digits.data();
}

std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

Result<void> work(Settings& settings, const std::string& token_file) {
  if (!token_file.empty()) {
    JCN_TRY(settings.token, jcn::read_token_file(token_file));
  }
  JCN_CHECK(check_tools(settings));
  if (const auto found = find_root(settings); !found.ok())
    return settings.stopped() ? Result<void>() : found;
  JCN_TRY(Worker worker, Worker::start(settings));
  spdlog::info("works on videos of the root {} in {}", settings.root, settings.folder);
  return worker.run();
}

void add_options(CLI::App& app, Settings& settings) {
  app.add_option("--root", settings.root, "the root's name (default: the only one)")
      ->type_name("NAME");
  app.add_option("--folder", settings.folder, "where the root is (default: where jcn has it)")
      ->type_name("DIR");
  app.add_option("--kind", settings.kinds, "the kind of the videos; repeatable (default: videos)")
      ->type_name("KIND");
  app.add_option("--ffmpeg", settings.ffmpeg, "the program")->capture_default_str();
  app.add_option("--ffprobe", settings.ffprobe, "the program")->capture_default_str();
  app.add_option("--speed", settings.encoding.speed,
                 "from 0, small files, to 8, made quickly (libvpx's cpu-used)")
      ->check(CLI::Range(0, 8))
      ->capture_default_str();
  app.add_option("--threads", settings.encoding.threads, "of the encoder (default: its own choice)")
      ->check(CLI::Range(1, 64));
}

void add_times(CLI::App& app, unsigned& lease, unsigned& patience) {
  app.add_option("--lease", lease,
                 "seconds after which a worker that is silent loses its video to another")
      ->check(CLI::Range(2U, 3600U))
      ->capture_default_str();
  app.add_option("--patience", patience, "seconds that ffmpeg may take without getting further")
      ->check(CLI::Range(1U, 86'400U))
      ->capture_default_str();
}

int run(int argc, char** argv) {
  Settings settings;
  settings.ffmpeg = "ffmpeg";
  settings.ffprobe = "ffprobe";
  std::string token_file, level = "info";
  unsigned lease = 30, patience = 300;
  CLI::App app("Makes WebM and a poster of the videos that wait in jcn.", "jcn-transcode");
  app.set_version_flag("--version", "jcn-transcode " JCN_VERSION);
  app.footer(jcnctl::exit_help(exit_table));
  app.add_option(
         "--url", settings.url,
         "the daemon (default: $JCN_URL, else " + std::string(jcn_client::default_url) + ")")
      ->type_name("URL");
  app.add_option("--token-file", token_file, "proves that it may write (default: $JCN_TOKEN_FILE)")
      ->type_name("FILE");
  add_options(app, settings);
  add_times(app, lease, patience);
  app.add_option("--log-level", level)
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  if (settings.url.empty()) settings.url = environment("JCN_URL", jcn_client::default_url);
  if (token_file.empty()) token_file = environment("JCN_TOKEN_FILE", "");
  if (settings.kinds.empty()) settings.kinds = {"videos"};
  settings.lease = std::chrono::seconds(lease);
  settings.patience = std::chrono::seconds(patience);
  settings.holder = drawn_name();
  settings.stopped = [] { return asked_to_end != 0; };

  log_to_stderr(level);
  catch_signals();
  const auto done = work(settings, token_file);
  if (done.ok()) return static_cast<int>(Exit::ok);
  jcnctl::print_error("jcn-transcode", done.error());
  const bool usage = done.error().code == Code::bad_usage;
  return static_cast<int>(usage ? Exit::usage : Exit::failed);
}

}  // namespace
}  // namespace jcn_transcode

int main(int argc, char** argv) {
  const jcn_client::Library library;
  return jcn_transcode::run(argc, argv);
}
