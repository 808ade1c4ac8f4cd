#include "jcn/verify_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>

#include "encoding.h"
#include "jcn/file_descriptor.h"
#include "jcn/idle_disk.h"

namespace jcn {
namespace {

constexpr int poll_ms = 50;
constexpr int lowest_nice = 19;

// The answer: a health, or why there is none.
std::string encode_answer(const Result<IndexHealth>& health) {
  std::string bytes;
  ByteWriter out(bytes);
  if (health) {
    out.text({});
    out.text(encode_health(*health));
  } else {
    out.text(code_name(health.error().code));
    out.text(health.error().message);
  }
  return bytes;
}

std::optional<Result<IndexHealth>> decode_answer(std::string_view bytes) {
  ByteReader in(bytes);
  const std::string_view code = in.text(), text = in.text();
  if (!in.done()) return std::nullopt;
  if (code.empty()) {
    auto health = decode_health(text);
    if (!health) return std::nullopt;
    return Result<IndexHealth>(std::move(*health));
  }
  return Result<IndexHealth>(
      Error{code_from_name(code).value_or(Code::internal), std::string(text), ""});
}

// In the child. Its parent holds the index's lock, and it must not outlive that.
int examine_and_answer(const std::string& folder, pid_t parent, bool idle, int out) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) return 1;
  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return 1;
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT}) ::signal(number, SIG_DFL);
  std::optional<IdleDisk> idle_disk;
  if (idle) {
    idle_disk.emplace();
    // Should it fail, it only takes more of the machine.
    static_cast<void>(::setpriority(PRIO_PROCESS, 0, lowest_nice));
  }
  return write_all(out, encode_answer(examine_index(folder)), "answer") ? 0 : 1;
}

Result<pid_t> fork_child(const std::string& folder, bool idle, int out) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return system_error("fork", folder, errno);
  if (child == 0) ::_exit(examine_and_answer(folder, parent, idle, out));
  return child;
}

Result<pid_t> spawn_child(const std::string& folder, const ExaminationChild& options, int out) {
  std::vector<std::string> words = options.program;
  words.insert(words.end(), {folder, std::to_string(::getpid()), options.idle ? "idle" : "now"});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  pid_t child = 0;
  const int code =
      ::posix_spawn(&child, words.front().c_str(), &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (code != 0) return system_error("posix_spawn", words.front(), code);
  return child;
}

// All that the child says until it ends. False: it was stopped.
bool listen(int in, pid_t child, const ExaminationChild& options, std::string& said) {
  char bytes[4096];
  for (;;) {
    if (options.stopped && options.stopped()) {
      ::kill(child, SIGKILL);
      return false;
    }
    pollfd ready{in, POLLIN, 0};
    if (::poll(&ready, 1, poll_ms) <= 0) continue;
    const ssize_t got = ::read(in, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    said.append(bytes, static_cast<std::size_t>(got));
  }
}

}  // namespace

Result<IndexHealth> examine_in_child(const std::string& index_folder,
                                     const ExaminationChild& options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe", index_folder, errno);
  const FileDescriptor in(ends[0]);
  FileDescriptor out(ends[1]);
  JCN_TRY(const pid_t child, options.program.empty()
                                 ? fork_child(index_folder, options.idle, out.get())
                                 : spawn_child(index_folder, options, out.get()));
  out.reset();
  std::string said;
  const bool ended = listen(in.get(), child, options, said);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return system_error("waitpid", index_folder, errno);
  }
  if (!ended) return Error{Code::not_ready, "the examination of the index was stopped", ""};
  if (WIFSIGNALED(status)) {
    return broken_health("reading the index ended in signal " + std::to_string(WTERMSIG(status)));
  }
  auto answer = decode_answer(said);
  if (!answer) {
    return Error{Code::internal, "the process that was to examine the index gave no answer", ""};
  }
  return *std::move(answer);
}

int run_examination(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3) return 1;
  pid_t parent = 0;
  const std::string& number = arguments[1];
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), parent);
  if (error != std::errc() || end != number.data() + number.size()) return 1;
  return examine_and_answer(arguments[0], parent, arguments[2] == "idle", STDOUT_FILENO);
}

}  // namespace jcn
