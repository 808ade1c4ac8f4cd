// drop and check: bytes on their way to be a fragment.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <variant>

#include "jcn/check.h"
#include "jcn/file_descriptor.h"
#include "jcn/utf8.h"
#include "jcnctl.h"
#include "jcnctl_table.h"

namespace jcnctl {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::FileDescriptor;
using jcn::Reject;
using jcn::Result;

// At most limit + 1 bytes: enough to see that it is too large. "-" is stdin.
Result<std::string> read_all(const std::string& name, std::uint64_t limit) {
  FileDescriptor file(name == "-" ? ::dup(STDIN_FILENO)
                                  : ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return jcn::system_error("open", name, errno);
  std::string bytes;
  char block[65536];
  while (bytes.size() <= limit) {
    const ssize_t got = ::read(file.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return jcn::system_error("read", name, errno);
    if (got == 0) break;
    bytes.append(block, static_cast<std::size_t>(got));
  }
  return bytes;
}

std::optional<Reject> verdict(std::string_view bytes, const jcn::Limits& limits) {
  if (bytes.size() > limits.max_bytes) {
    Reject reject;
    reject.code = Code::too_large;
    reject.message = "larger than " + std::to_string(limits.max_bytes) + " bytes";
    return reject;
  }
  auto checked = jcn::check_fragment(bytes, limits);
  if (auto* reject = std::get_if<Reject>(&checked)) return std::move(*reject);
  return std::nullopt;
}

// "file:line:column: code: message", as compilers write it.
std::string verdict_line(const std::string& name, const Reject& reject) {
  std::string text = name + ":";
  if (reject.line) text += std::to_string(*reject.line) + ":";
  if (reject.line && reject.column) text += std::to_string(*reject.column) + ":";
  return text + " " + std::string(jcn::code_name(reject.code)) + ": " + reject.message;
}

// A name beside the target that jcn ignores, removed again unless it became the target.
class TemporaryFile {
 public:
  static Result<TemporaryFile> create(int folder, const std::string& target) {
    for (int tries = 0; tries < 100; ++tries) {
      unsigned char random[4];
      if (::getrandom(random, sizeof random, 0) != sizeof random) {
        return jcn::system_error("getrandom", target, errno);
      }
      char digits[9];
      ::snprintf(digits, sizeof digits, "%02x%02x%02x%02x", random[0], random[1], random[2],
                 random[3]);
      // NAME_MAX is 255 bytes: a long name is cut, it need not be told from others by eye.
      const std::string name = "." + target.substr(0, 230) + "." + digits + ".tmp";
      const int fd = ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (fd >= 0) return TemporaryFile(folder, name, fd);
      if (errno != EEXIST) return jcn::system_error("create", name, errno);
    }
    return Error{Code::system, "no free temporary name beside " + target};
  }
  TemporaryFile(TemporaryFile&& other) noexcept
      : folder_(other.folder_),
        name_(std::exchange(other.name_, {})),
        file_(std::move(other.file_)) {}
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile() {
    if (!name_.empty()) ::unlinkat(folder_, name_.c_str(), 0);
  }

  Result<void> write(std::string_view bytes) {
    JCN_CHECK(jcn::write_all(file_.get(), bytes, name_));
    if (::fsync(file_.get()) != 0) return jcn::system_error("fsync", name_, errno);
    return {};
  }
  Result<void> become(const std::string& target) {
    struct stat before {};
    if (::fstatat(folder_, target.c_str(), &before, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(before.st_mode)) {
      // A file that is replaced keeps its permissions. Failing to is no reason not to write.
      (void)::fchmod(file_.get(), before.st_mode & 07777);
    }
    if (::renameat(folder_, name_.c_str(), folder_, target.c_str()) != 0) {
      return jcn::system_error("rename", target, errno);
    }
    name_.clear();
    if (::fsync(folder_) != 0) return jcn::system_error("fsync folder of", target, errno);
    return {};
  }

 private:
  TemporaryFile(int folder, std::string name, int fd)
      : folder_(folder), name_(std::move(name)), file_(fd) {}
  int folder_;
  std::string name_;  // empty: nothing to remove
  FileDescriptor file_;
};

// Asks for a barrier and then for what became of the file.
Result<Exit> report_drop(const Context& context, const std::string& target) {
  auto daemon = need_daemon(context);
  if (!daemon.ok()) {
    std::printf("%s: written; no daemon answers, so it is indexed when jcn runs\n", target.c_str());
    return Exit::ok;
  }
  JCN_TRY(const Answer synced, daemon->post("/v1/sync"));
  std::error_code error;
  const auto path = std::filesystem::canonical(target, error);
  const auto explained =
      daemon->get("/v1/explain?path=" +
                  percent_encoded(jcn::printable_path(error ? target : path.string())));
  if (!explained.ok() && explained.error().code == Code::no_such_root) {
    std::printf("%s: written; %s watches no folder above it\n", target.c_str(),
                daemon->url().c_str());
    return Exit::ok;
  }
  if (!explained.ok()) return explained.error();
  const std::string status = text_member(explained->body, "status");
  if (context.json) {
    std::printf("%s\n", explained->body.c_str());
  } else {
    std::printf("%s: %s as %s/%s, at %s\n", target.c_str(), status.c_str(),
                text_member(explained->body, "kind").c_str(),
                fitted(text_member(explained->body, "id"), 400).c_str(),
                text_member(synced.body, "seq").c_str());
  }
  return status == "rejected" ? Exit::no : Exit::ok;
}

}  // namespace

Result<Exit> run_drop(const Context& context, const std::string& target,
                      const std::string& source) {
  const std::filesystem::path path(target);
  const std::string name = path.filename().string();
  if (!name.ends_with(".json") || name.front() == '.') {
    return Error{Code::bad_usage, "\"" + target + "\" would be ignored",
                 "give FOLDER/NAME.json, with a name that doesn't begin with a dot"};
  }
  const jcn::Limits limits;
  JCN_TRY(const std::string bytes, read_all(source, limits.max_bytes));
  if (const auto reject = verdict(bytes, limits)) {
    std::fprintf(stderr, "jcnctl: %s\nhint: nothing was written\n",
                 verdict_line(source == "-" ? "stdin" : source, *reject).c_str());
    return Exit::no;
  }
  const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
  const FileDescriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return jcn::system_error("open", parent, errno);
  JCN_TRY(TemporaryFile file, TemporaryFile::create(folder.get(), name));
  JCN_CHECK(file.write(bytes));
  JCN_CHECK(file.become(name));
  return report_drop(context, target);
}

Result<Exit> run_check(const std::vector<std::string>& files) {
  const jcn::Limits limits;
  Exit exit = Exit::ok;
  for (const std::string& name : files) {
    auto bytes = read_all(name, limits.max_bytes);
    if (!bytes.ok()) {
      std::printf("%s: %s: %s\n", name.c_str(),
                  std::string(jcn::code_name(bytes.error().code)).c_str(),
                  bytes.error().message.c_str());
      exit = Exit::no;
    } else if (const auto reject = verdict(*bytes, limits)) {
      std::printf("%s\n", verdict_line(name == "-" ? "stdin" : name, *reject).c_str());
      exit = Exit::no;
    }
  }
  return exit;
}

}  // namespace jcnctl
