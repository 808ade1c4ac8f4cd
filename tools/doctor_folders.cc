#include "doctor_folders.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "jcn/folder.h"
#include "jcn/wall_clock.h"

namespace jcn_doctor {
namespace {

constexpr std::size_t most_named = 5;                     // of what can't be read
constexpr std::int64_t clock_leeway_ns = 60'000'000'000;  // files of the next minute are no wonder

std::string owner_of(const struct ::stat& file) {
  const ::passwd* user = ::getpwuid(file.st_uid);
  const ::group* group = ::getgrgid(file.st_gid);
  char mode[16];
  std::snprintf(mode, sizeof mode, "%04o", file.st_mode & 07777U);
  return std::string("mode ") + mode + " of " +
         (user ? std::string(user->pw_name) : std::to_string(file.st_uid)) + ":" +
         (group ? std::string(group->gr_name) : std::to_string(file.st_gid));
}

// The first folder on the way to `path` that may not be passed; empty: all may.
std::string barred(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string above = path.substr(0, slash);
    if (::faccessat(AT_FDCWD, above.c_str(), X_OK, AT_EACCESS) != 0 && errno == EACCES)
      return above;
  }
  return {};
}

// "'", as a shell takes it.
std::string quoted(const std::string& path) {
  std::string text = "'";
  for (const char c : path) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

class Walk {
 public:
  Walk(const jcn::RootConfig& root, const jcn::Rules& rules, const std::string& user,
       const Report& report, const std::function<void(const FolderCount&)>& progress)
      : root_(root), rules_(rules), user_(user), report_(report), progress_(progress) {}

  FolderCount run() {
    std::vector<std::string> waiting = {""};
    while (!waiting.empty()) {
      const std::string folder = std::move(waiting.back());
      waiting.pop_back();
      list(folder, waiting);
      if (++count_.folders % 256 == 0) progress_(count_);
    }
    conclude();
    return count_;
  }

 private:
  std::string absolute(const std::string& path) const {
    return path.empty() ? root_.path : root_.path + "/" + path;
  }

  void list(const std::string& path, std::vector<std::string>& waiting) {
    const std::string folder = absolute(path);
    const jcn::OpenFolder open(::opendir(folder.c_str()));
    if (!open) {
      refuse(folder, errno, "listed");
      return;
    }
    while (const ::dirent* entry = ::readdir(open.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      const std::string below = path.empty() ? name : path + "/" + name;
      if (rules_.ignored(below)) continue;
      struct ::stat found {};
      if (::fstatat(::dirfd(open.get()), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) refuse(absolute(below), errno, "looked at");
        continue;
      }
      if (S_ISDIR(found.st_mode)) {
        waiting.push_back(below);
      } else if (S_ISREG(found.st_mode) && rules_.find({root_.name, below})) {
        look_at_file(::dirfd(open.get()), name, below, found);
      }
    }
  }

  void look_at_file(int folder, const std::string& name, const std::string& path,
                    const struct ::stat& found) {
    ++count_.files;
    if (::faccessat(folder, name.c_str(), R_OK, AT_EACCESS) != 0 && errno != ENOENT)
      refuse(absolute(path), errno, "read");
    if (jcn::nanoseconds(found.st_mtim) > jcn::wall_clock_ns() + clock_leeway_ns) {
      if (from_future_++ == 0) future_example_ = absolute(path);
    }
  }

  void refuse(const std::string& path, int error, const char* how) {
    if (++refused_ > most_named) return;
    std::string detail = path + " can't be " + how + " by " + user_ + ": ";
    std::string fix;
    struct ::stat found {};
    if (error != EACCES) {
      report_({"permission", State::problem, detail + std::strerror(error),
               "see what dmesg says of the disk"});
      return;
    }
    if (const std::string above = barred(path); !above.empty()) {
      if (::stat(above.c_str(), &found) == 0)
        detail += above + " may not be passed (" + owner_of(found) + ")";
      fix = "setfacl -m u:" + user_ + ":x " + quoted(above);
    } else {
      if (::stat(path.c_str(), &found) == 0) detail += owner_of(found);
      fix = "setfacl -R -m u:" + user_ + ":rX " + quoted(path);
    }
    report_({"permission", State::problem, detail, fix});
  }

  void conclude() {
    if (refused_ > most_named) {
      report_({"permission", State::problem,
               "and " + std::to_string(refused_ - most_named) + " more beneath " + root_.path,
               "for all of them, and what will come: setfacl -R -m u:" + user_ +
                   ":rX,d:u:" + user_ + ":rX " + quoted(root_.path)});
    } else if (refused_ == 0) {
      report_({"permission", State::fine,
               root_.path + ": " + user_ + " can read its " + std::to_string(count_.folders) +
                   " folders and " + std::to_string(count_.files) + " notes"});
    }
    if (from_future_ > 0) {
      report_({"clock", State::warning,
               std::to_string(from_future_) + " notes beneath " + root_.path +
                   " were changed in the future, as " + future_example_,
               "set the clock right where they are written; touch them"});
    }
  }

  const jcn::RootConfig& root_;
  const jcn::Rules& rules_;
  const std::string& user_;
  const Report& report_;
  const std::function<void(const FolderCount&)>& progress_;
  FolderCount count_;
  std::size_t refused_ = 0;
  std::uint64_t from_future_ = 0;
  std::string future_example_;
};

}  // namespace

AsUser::AsUser(const std::string& name) {
  const ::passwd* user = ::getpwnam(name.c_str());
  if (user == nullptr) return;
  known_ = user->pw_uid == ::geteuid();
  if (known_ || ::geteuid() != 0) return;
  groups_.resize(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  if (::getgroups(static_cast<int>(groups_.size()), groups_.data()) < 0) return;
  changed_ = true;
  known_ = ::initgroups(user->pw_name, user->pw_gid) == 0 && ::setegid(user->pw_gid) == 0 &&
           ::seteuid(user->pw_uid) == 0;
}

AsUser::~AsUser() {
  if (!changed_) return;
  // From a user's rights back to root's: nothing of that can fail.
  static_cast<void>(::seteuid(0));
  static_cast<void>(::setegid(::getgid()));
  static_cast<void>(::setgroups(groups_.size(), groups_.data()));
}

FolderCount look_at_folder(const jcn::RootConfig& root, const jcn::Rules& rules,
                           const std::string& user, const Report& report,
                           const std::function<void(const FolderCount&)>& progress) {
  struct ::stat found {};
  if (::stat(root.path.c_str(), &found) != 0 && errno != EACCES) {
    report({"folder", State::problem, root.path + ": " + std::strerror(errno),
            "make or mount it; what is known of it stays as it was"});
    return {};
  }
  return Walk(root, rules, user, report, progress).run();
}

void look_at_sandbox(const jcn::RootConfig& root, bool writable, const ServiceUnit& unit,
                     const Report& report) {
  const std::string drop_in = "systemctl edit jcn, and under [Service]: ";
  if (const auto hides = unit.hides(root.path)) {
    report({"unit", State::problem,
            root.path + " is hidden from the service by " + *hides + " of " + unit.file(),
            drop_in + (hides->starts_with("ProtectHome") ? "ProtectHome=read-only"
                                                         : "BindReadOnlyPaths=" + root.path)});
    return;
  }
  if (!writable) {
    report({"unit", State::fine, root.path + " is seen by the service"});
    return;
  }
  if (const auto protects = unit.write_protects(root.path)) {
    report({"unit", State::problem,
            "writing is on, and " + root.path + " is read-only for the service by " + *protects +
                " of " + unit.file(),
            drop_in + "ReadWritePaths=" + root.path});
  } else {
    report({"unit", State::fine, root.path + " may be written by the service"});
  }
}

}  // namespace jcn_doctor
