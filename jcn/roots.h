// The watched roots: their descriptors and whether they are there. A root that can't be opened, or
// whose folder is another one with none of the known fragments in it, is offline: its records stay,
// and nothing that is missing there counts as deleted.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config.h"
#include "jcn/file_descriptor.h"
#include "jcn/record.h"
#include "jcn/result.h"
#include "service.h"

namespace jcn {

// Thread-safe.
class Roots {
 public:
  explicit Roots(const std::vector<RootConfig>& configured);

  struct Opened {
    std::shared_ptr<const FileDescriptor> fd;
    std::string identity;  // "<fsid>:<inode>"
  };
  // Opens the folder as it is now; does not change the table. Errors: root_unavailable; others are
  // worth another try soon.
  Result<Opened> open(const std::string& name) const;

  void set_online(const std::string& name, Opened opened);
  void set_offline(const std::string& name, std::string why);
  void set_state(const std::string& name, std::string state);

  // Null while offline.
  std::shared_ptr<const FileDescriptor> fd(const std::string& name) const;
  // The same, as long as the path leads to it. Errors: no_such_root, root_unavailable.
  Result<std::shared_ptr<const FileDescriptor>> folder(const std::string& name) const;
  // Whether the path still leads to the opened folder: checked before a file counts as deleted.
  enum class Presence : std::uint8_t { here, gone, unknown };
  Presence presence(const std::string& name) const;
  bool known(const std::string& name) const;
  const std::vector<std::string>& names() const { return names_; }
  std::string path(const std::string& name) const;
  std::string state(const std::string& name) const;
  std::vector<RootStatus> status() const;
  std::vector<Reason> reasons() const;
  bool any_offline() const;
  // The fragment an absolute path names, if it lies in a root. The path is taken as text.
  std::optional<FragmentName> locate(const std::string& absolute_path) const;

 private:
  struct Root {
    std::string name, path, state;
    std::string offline_because;
    Opened opened;
  };
  const Root* find(const std::string& name) const;
  Root* find(const std::string& name);

  std::vector<std::string> names_;  // constant
  mutable std::mutex lock_;
  std::vector<Root> roots_;  // guarded by lock_
};

}  // namespace jcn
