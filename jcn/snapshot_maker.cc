#include "snapshot_maker.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "jcn/wall_clock.h"
#include "log.h"

namespace jcn {
namespace {

constexpr const char* program_name = "jcn-export";
constexpr int looks_while_stopping = 100;
constexpr timespec between_looks{0, 10'000'000};  // 10 ms
// What is there serves on for so long before the next is tried: making one takes a processor.
constexpr std::chrono::minutes rest_after_failure{1};

// Where both were installed together.
std::string program_beside_this() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return program_name;
  const std::string beside = (self.parent_path() / program_name).string();
  return ::access(beside.c_str(), X_OK) == 0 ? beside : program_name;
}

std::string tag_of(const struct stat& file) {
  return '"' + std::to_string(file.st_ino) + '-' + std::to_string(nanoseconds(file.st_mtim)) + '-' +
         std::to_string(file.st_size) + '"';
}

Error being_made() {
  return Error{Code::not_ready, "The snapshot is being made.", "Ask again in a second."};
}

}  // namespace

Result<SnapshotFile> SnapshotMaker::latest() {
  const std::lock_guard lock(lock_);
  const std::optional<Error> failed = look_at_child();
  SnapshotFile found;
  found.file = FileDescriptor(::open(path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!found.file) {
    if (errno != ENOENT) return system_error("open", path(), errno);
    if (failed) return *failed;
    JCN_CHECK(begin());
    return being_made();
  }
  struct stat file {};
  if (::fstat(found.file.get(), &file) != 0) return system_error("fstat", path(), errno);
  found.size = static_cast<std::uint64_t>(file.st_size);
  found.modified_ns = nanoseconds(file.st_mtim);
  found.tag = tag_of(file);
  const std::chrono::nanoseconds age(wall_clock_ns() - found.modified_ns);
  const bool old = age >= options_.max_age || age < std::chrono::nanoseconds::zero();
  const bool rests = failed_at_ && Clock::now() - *failed_at_ < rest_after_failure;
  if (old && !rests && !stopped_) {
    // An old one is better than none.
    if (const auto begun = begin(); !begun) fails(begun.error());
  }
  return found;
}

void SnapshotMaker::fails(const Error& error) {
  failed_at_ = Clock::now();
  log_warning("export_failed", "{}", error.message);
}

Result<void> SnapshotMaker::begin() {
  if (child_) return {};
  if (stopped_) return Error{Code::not_ready, "jcn is shutting down.", ""};
  const std::string folder = options_.index + "/export";
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return system_error("mkdir", folder, errno);
  }
  std::vector<std::string> words = {
      options_.program.empty() ? program_beside_this() : options_.program, "--index",
      options_.index, "--output", path()};
  if (!options_.token_file.empty()) {
    words.insert(words.end(), {"--token-file", options_.token_file});
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  // SQLite's temporary files lie beside the snapshot: jcn and its children write nowhere else.
  std::string temporary = "SQLITE_TMPDIR=" + folder;
  std::vector<char*> surroundings = {temporary.data()};
  for (char** each = environ; *each != nullptr; ++each) surroundings.push_back(*each);
  surroundings.push_back(nullptr);
  // This program ignores SIGPIPE, and a worker's mask is the server's affair.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, pipe;
  sigemptyset(&none);
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &pipe);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  const int code = ::posix_spawnp(&child, words.front().c_str(), &files, &attributes,
                                  arguments.data(), surroundings.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (code != 0) {
    Error error = system_error("posix_spawn", words.front(), code);
    error.hint = "Install jcn-export beside jcn, or name it with export.program in jcn.conf(5).";
    return error;
  }
  child_ = child;
  return {};
}

// Why the last one failed, once.
std::optional<Error> SnapshotMaker::look_at_child() {
  int status = 0;
  if (!child_ || ::waitpid(*child_, &status, WNOHANG) == 0) return std::nullopt;
  child_.reset();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    failed_at_.reset();
    return std::nullopt;
  }
  const std::string how = WIFEXITED(status)
                              ? "with exit status " + std::to_string(WEXITSTATUS(status))
                              : "by signal " + std::to_string(WTERMSIG(status));
  Error error{Code::internal, "The snapshot could not be made: jcn-export ended " + how + ".",
              "The daemon's log has what it said."};
  fails(error);
  return error;
}

void SnapshotMaker::stop() {
  const std::lock_guard lock(lock_);
  stopped_ = true;
  if (!child_) return;
  ::kill(*child_, SIGTERM);
  int status = 0;
  for (int i = 0; i < looks_while_stopping; ++i) {
    if (::waitpid(*child_, &status, WNOHANG) != 0) {
      child_.reset();
      return;
    }
    ::nanosleep(&between_looks, nullptr);
  }
  ::kill(*child_, SIGKILL);
  while (::waitpid(*child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_.reset();
}

}  // namespace jcn
