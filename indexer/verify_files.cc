#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <set>
#include <variant>
#include <vector>

#include "jcn/folder.h"
#include "jcn/read.h"
#include "jcn/rules.h"
#include "jcn/verify_content.h"

namespace jcn {
namespace {

constexpr std::uint64_t progress_step = 200;

class FilesCheck {
 public:
  FilesCheck(const Snapshot& snapshot, Rules rules,
             const std::function<void(const FileDifference&)>& difference,
             const ContentProgress& progress)
      : snapshot_(snapshot),
        rules_(std::move(rules)),
        difference_(difference),
        progress_(progress),
        of_(snapshot.counts().fragments) {}

  Result<void> check(const std::string& root, int root_fd) {
    known_.clear();
    Result<void> ended;
    JCN_CHECK(snapshot_.for_each_file(root, "", "", false,
                                      [&](const std::string& path, const FileRow& row) {
                                        known_.insert(path);
                                        compare(root_fd, {root, path}, row);
                                        ended = tell();
                                        return ended.ok();
                                      }));
    JCN_CHECK(ended);
    return look_for_others(root, root_fd);
  }

 private:
  void differs(FileDifference::Kind kind, const FragmentName& name, const FileFacts& found) {
    difference_({kind, name, found});
  }

  void compare(int root_fd, const FragmentName& name, const FileRow& row) {
    using Kind = FileDifference::Kind;
    const ReadOutcome outcome = read_fragment(root_fd, name.path, rules_.limits.max_bytes);
    if (std::holds_alternative<Vanished>(outcome)) return differs(Kind::missing, name, {});
    if (const auto* rejected = std::get_if<ReadRejected>(&outcome)) {
      // It has no bytes to compare: what it is was told by its facts.
      if (rejected->facts != row.facts) differs(Kind::changed, name, rejected->facts);
      return;
    }
    const auto* read = std::get_if<ReadBytes>(&outcome);
    if (!read) return;                                // cannot be read now: nothing is known
    if (hash128(read->bytes) == row.content) return;  // whatever its times are
    const bool looks_the_same =
        read->facts.size == row.facts.size && read->facts.mtime_ns == row.facts.mtime_ns;
    differs(looks_the_same ? Kind::content : Kind::changed, name, read->facts);
  }

  // Not recursive: folders may be nested deeply.
  Result<void> look_for_others(const std::string& root, int root_fd) {
    std::vector<std::string> folders{""};
    while (!folders.empty()) {
      const std::string path = std::move(folders.back());
      folders.pop_back();
      Result<FileDescriptor> opened = open_folder(root_fd, path);
      if (!opened) continue;  // gone meanwhile, or not to be read: jcn says so itself
      OpenFolder folder(::fdopendir(opened->get()));
      if (!folder) return system_error("fdopendir", path, errno);
      const int folder_fd = opened->release();
      const std::string prefix = path.empty() ? "" : path + "/";
      while (const dirent* entry = ::readdir(folder.get())) {
        const std::string name = entry->d_name;
        if (name == "." || name == ".." || rules_.ignored_component(name)) continue;
        const Result<FolderEntry> found = stat_entry(folder_fd, name);
        if (found && found->type == FolderEntry::Type::folder) {
          folders.push_back(prefix + name);
          continue;
        }
        const FragmentName fragment{root, prefix + name};
        if (rules_.find(fragment) && !known_.contains(fragment.path)) {
          differs(FileDifference::Kind::unknown, fragment, found ? found->facts : FileFacts{});
        }
      }
    }
    return {};
  }

  Result<void> tell() {
    if (++done_ % progress_step != 0 || !progress_ || progress_(done_, of_)) return {};
    return Error{Code::not_ready, "it was ended", ""};
  }

  const Snapshot& snapshot_;
  const Rules rules_;
  const std::function<void(const FileDifference&)>& difference_;
  const ContentProgress& progress_;
  const std::uint64_t of_;
  std::uint64_t done_ = 0;
  std::set<std::string> known_;  // paths of the root
};

}  // namespace

std::string_view difference_name(FileDifference::Kind kind) {
  switch (kind) {
    case FileDifference::Kind::content:
      return "content";
    case FileDifference::Kind::changed:
      return "changed";
    case FileDifference::Kind::missing:
      return "missing";
    case FileDifference::Kind::unknown:
      return "unknown";
  }
  return {};
}

Result<void> verify_files(const Snapshot& snapshot, const std::map<std::string, std::string>& roots,
                          const std::function<void(const FileDifference&)>& difference,
                          const std::function<void(const std::string& root)>& offline,
                          const ContentProgress& progress) {
  JCN_TRY(Rules rules, rules_of(snapshot, "the index"));
  FilesCheck check(snapshot, std::move(rules), difference, progress);
  for (const auto& [name, path] : roots) {
    const Result<FileDescriptor> root = open_root(path);
    if (!root) {
      offline(name);
      continue;
    }
    JCN_CHECK(check.check(name, root->get()));
  }
  return {};
}

std::string encode_roots(const std::map<std::string, std::string>& roots) {
  std::string note;
  for (const auto& [name, path] : roots) note += name + '\0' + path + '\0';
  return note;
}

std::map<std::string, std::string> decode_roots(std::string_view note) {
  std::map<std::string, std::string> roots;
  while (!note.empty()) {
    const std::size_t name = note.find('\0');
    const std::size_t path = name == std::string_view::npos ? name : note.find('\0', name + 1);
    if (path == std::string_view::npos) break;
    roots.emplace(note.substr(0, name), note.substr(name + 1, path - name - 1));
    note.remove_prefix(path + 1);
  }
  return roots;
}

}  // namespace jcn
