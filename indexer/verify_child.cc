#include "verify_child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "encoding.h"
#include "jcn/verify.h"

namespace jcn {
namespace {

constexpr int whole = 0, damage = 1, no_answer = 2;

int answer(const std::string& index_folder) {
  const Result<VerifyReport> report = verify_index(index_folder);
  if (report) return whole;
  switch (report.error().code) {
    case Code::index_damaged:
      return damage;
    case Code::index_format:
    case Code::index_unreadable:
      return whole;
    default:
      return no_answer;
  }
}

[[noreturn]] void run_child(const std::string& index_folder, pid_t parent) {
  // It shares the index's lock, and so must not outlive the parent.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(no_answer);
  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) ::_exit(no_answer);
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT}) ::signal(number, SIG_DFL);
  ::_exit(answer(index_folder));
}

}  // namespace

Result<void> verify_in_child(const std::string& index_folder) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return system_error("fork", index_folder, errno);
  if (child == 0) run_child(index_folder, parent);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return system_error("waitpid", index_folder, errno);
  }
  if (WIFSIGNALED(status)) {
    return damaged(
        "data.mdb was changed after the index was closed, and reading it ended in signal " +
        std::to_string(WTERMSIG(status)));
  }
  switch (WEXITSTATUS(status)) {
    case whole:
      return {};
    case no_answer:
      return Error{Code::internal,
                   "data.mdb was changed after the index was closed, and could not "
                   "be verified",
                   "start jcn again"};
    default:
      return damaged(
          "data.mdb was changed after the index was closed, and does not hold what was "
          "written into it");
  }
}

}  // namespace jcn
