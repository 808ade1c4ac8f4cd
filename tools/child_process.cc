#include "child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "jcn/file_descriptor.h"

namespace jcn_transcode {
namespace {

using jcn::FileDescriptor;
using jcn::Result;

constexpr int pace_ms = 200;                   // between two questions whether it goes on
constexpr std::size_t errors_kept = 16 << 10;  // bytes
constexpr int politeness = 10;                 // nice(2)

struct Pipe {
  FileDescriptor read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return jcn::system_error("pipe2", "", errno);
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// Pointers for exec, with the null behind.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> found;
  for (std::string& each : texts) found.push_back(each.data());
  found.push_back(nullptr);
  return found;
}

// In the child, between fork and exec. `given`: what becomes 0, 1, 2, 3, …; all of it lies above.
void become(const std::vector<int>& given, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it died before it could be asked to tell
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (dup2(given[i], static_cast<int>(i)) < 0) _exit(127);  // without FD_CLOEXEC
  }
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  (void)!nice(politeness);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
}

// A running child. It is killed, with its group, and waited for at the latest when this goes.
class Running {
 public:
  explicit Running(pid_t pid) : pid_(pid) { setpgid(pid, pid); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    if (pid_ < 0) return;
    end();
    wait();
  }
  void end() const { kill(-pid_, SIGKILL); }
  int wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

// Copies of the descriptors, above all numbers that they are to become.
Result<std::vector<FileDescriptor>> lifted(const std::vector<int>& given) {
  std::vector<FileDescriptor> copies;
  for (const int each : given) {
    copies.emplace_back(fcntl(each, F_DUPFD_CLOEXEC, static_cast<int>(given.size())));
    if (!copies.back().valid()) return jcn::system_error("fcntl", "", errno);
  }
  return copies;
}

// Reads what there is; closes what has ended.
template <class Take>
void drain(FileDescriptor& from, const Take& take) {
  std::array<char, 4096> bytes;
  const ssize_t count = read(from.get(), bytes.data(), bytes.size());
  if (count > 0) {
    take(std::string_view(bytes.data(), static_cast<std::size_t>(count)));
  } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
    from.reset();
  }
}

// Until both ends are closed, or it is not to go on. Whether it was ended.
bool attend(const Child& child, const Running& running, FileDescriptor output,
            FileDescriptor errors, std::string& kept) {
  while (output.valid() || errors.valid()) {
    if (!child.goes_on()) {
      running.end();
      return true;
    }
    std::array<pollfd, 2> polled = {pollfd{output.get(), POLLIN, 0},
                                    pollfd{errors.get(), POLLIN, 0}};
    if (poll(polled.data(), polled.size(), pace_ms) <= 0) continue;
    if (polled[0].revents != 0) drain(output, child.output);
    if (polled[1].revents != 0) {
      drain(errors, [&kept](std::string_view bytes) {
        kept += bytes;
        if (kept.size() > 2 * errors_kept) kept.erase(0, kept.size() - errors_kept);
      });
    }
  }
  return false;
}

}  // namespace

Result<Ended> run_child(const Child& child) {
  JCN_TRY(Pipe output, make_pipe());
  JCN_TRY(Pipe errors, make_pipe());
  JCN_TRY(Pipe failure, make_pipe());  // closed by exec, or says why there was none
  const FileDescriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<int> given = {nothing.get(), output.write.get(), errors.write.get()};
  given.insert(given.end(), child.descriptors.begin(), child.descriptors.end());
  JCN_TRY(std::vector<FileDescriptor> copies, lifted(given));
  for (std::size_t i = 0; i < copies.size(); ++i) given[i] = copies[i].get();
  FileDescriptor says_why(
      fcntl(failure.write.get(), F_DUPFD_CLOEXEC, static_cast<int>(given.size())));
  failure.write.reset();

  std::vector<std::string> words = {child.program};
  words.insert(words.end(), child.arguments.begin(), child.arguments.end());
  const char* path = std::getenv("PATH");
  std::vector<std::string> variables = {"LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1",
                                        std::string("PATH=") + (path != nullptr ? path : "/bin")};
  const std::vector<char*> argv = pointers(words), environment = pointers(variables);

  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return jcn::system_error("fork", "", errno);
  if (pid == 0) {
    become(given, parent);
    execvpe(child.program.c_str(), argv.data(), environment.data());
    const int why = errno;
    (void)!write(says_why.get(), &why, sizeof why);
    _exit(127);
  }
  Running running(pid);
  output.write.reset();  // the ends come when the child's are the last
  errors.write.reset();
  copies.clear();
  says_why.reset();
  int why = 0;
  ssize_t count = 0;
  while ((count = read(failure.read.get(), &why, sizeof why)) < 0 && errno == EINTR) continue;
  if (count == sizeof why) return jcn::system_error("run", child.program, why);

  Ended ended;
  ended.ended =
      attend(child, running, std::move(output.read), std::move(errors.read), ended.errors);
  ended.status = running.wait();
  return ended;
}

}  // namespace jcn_transcode
