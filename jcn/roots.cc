#include "roots.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "jcn/read.h"

namespace jcn {

Roots::Roots(const std::vector<RootConfig>& configured) {
  for (const RootConfig& root : configured) {
    names_.push_back(root.name);
    roots_.push_back({root.name, root.path, "crawling", {}, {}});
  }
}

const Roots::Root* Roots::find(const std::string& name) const {
  for (const Root& root : roots_) {
    if (root.name == name) return &root;
  }
  return nullptr;
}

Roots::Root* Roots::find(const std::string& name) {
  return const_cast<Root*>(std::as_const(*this).find(name));
}

Result<Roots::Opened> Roots::open(const std::string& name) const {
  JCN_TRY(FileDescriptor fd, open_root(path(name)));
  struct stat facts {};
  struct statfs system {};
  if (::fstat(fd.get(), &facts) != 0) return system_error("fstat", path(name), errno);
  if (::fstatfs(fd.get(), &system) != 0) return system_error("fstatfs", path(name), errno);
  std::uint64_t fsid = 0;
  std::memcpy(&fsid, &system.f_fsid, sizeof fsid);
  std::string identity = std::to_string(fsid) + ":" + std::to_string(facts.st_ino);
  return Opened{std::make_shared<const FileDescriptor>(std::move(fd)), std::move(identity)};
}

void Roots::set_online(const std::string& name, Opened opened) {
  std::lock_guard guard(lock_);
  Root* root = find(name);
  root->opened = std::move(opened);
  root->offline_because.clear();
}

void Roots::set_offline(const std::string& name, std::string why) {
  std::lock_guard guard(lock_);
  Root* root = find(name);
  root->opened = {};
  root->offline_because = std::move(why);
  root->state = "offline";
}

void Roots::set_state(const std::string& name, std::string state) {
  std::lock_guard guard(lock_);
  find(name)->state = std::move(state);
}

std::shared_ptr<const FileDescriptor> Roots::fd(const std::string& name) const {
  std::lock_guard guard(lock_);
  const Root* root = find(name);
  return root ? root->opened.fd : nullptr;
}

Result<std::shared_ptr<const FileDescriptor>> Roots::folder(const std::string& name) const {
  if (!known(name))
    return Error{Code::no_such_root, "There is no root '" + name + "'.",
                 "GET /v1/status lists them."};
  if (auto opened = fd(name); opened && presence(name) == Presence::here) return opened;
  return Error{Code::root_unavailable, "The folder of the root '" + name + "' is not there.",
               "GET /readyz says more."};
}

Roots::Presence Roots::presence(const std::string& name) const {
  std::shared_ptr<const FileDescriptor> fd;
  std::string path;
  {
    std::lock_guard guard(lock_);
    const Root* root = find(name);
    if (!root || !root->opened.fd) return Presence::gone;
    fd = root->opened.fd;
    path = root->path;
  }
  struct stat now {
  }, then{};
  if (::stat(path.c_str(), &now) != 0) {
    const bool nothing = errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    return nothing ? Presence::gone : Presence::unknown;
  }
  if (::fstat(fd->get(), &then) != 0) return Presence::unknown;
  return now.st_ino == then.st_ino && now.st_dev == then.st_dev ? Presence::here : Presence::gone;
}

bool Roots::known(const std::string& name) const {
  std::lock_guard guard(lock_);
  return find(name) != nullptr;
}

std::string Roots::path(const std::string& name) const {
  std::lock_guard guard(lock_);
  const Root* root = find(name);
  return root ? root->path : std::string();
}

std::string Roots::state(const std::string& name) const {
  std::lock_guard guard(lock_);
  const Root* root = find(name);
  return root ? root->state : std::string();
}

std::vector<RootStatus> Roots::status() const {
  std::lock_guard guard(lock_);
  std::vector<RootStatus> all;
  for (const Root& root : roots_) all.push_back({root.name, root.path, root.state});
  return all;
}

std::vector<Reason> Roots::reasons() const {
  std::lock_guard guard(lock_);
  std::vector<Reason> all;
  if (roots_.empty()) {
    all.push_back({"no_roots",
                   "no folder is watched: name one as [[root]] in the configuration, see "
                   "jcn.conf(5), then restart jcn"});
  }
  for (const Root& root : roots_) {
    if (root.state != "offline") continue;
    all.push_back({"root_offline", "root '" + root.name + "' (" + root.path +
                                       "): " + root.offline_because +
                                       "; its records are served as they were last known. If this "
                                       "is how the folder is meant to be: jcnctl accept " +
                                       root.name});
  }
  return all;
}

bool Roots::any_offline() const {
  std::lock_guard guard(lock_);
  for (const Root& root : roots_) {
    if (root.state == "offline") return true;
  }
  return false;
}

std::optional<FragmentName> Roots::locate(const std::string& absolute_path) const {
  std::lock_guard guard(lock_);
  for (const Root& root : roots_) {
    const std::string prefix = root.path == "/" ? root.path : root.path + "/";
    if (absolute_path.size() > prefix.size() && absolute_path.starts_with(prefix)) {
      return FragmentName{root.name, absolute_path.substr(prefix.size())};
    }
  }
  return std::nullopt;
}

}  // namespace jcn
