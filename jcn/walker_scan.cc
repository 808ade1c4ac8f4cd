// The walker's way over folders: crawls, new and moved folders, polling.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <unordered_map>
#include <utility>

#include "jcn/folder.h"
#include "jcn/read.h"
#include "log.h"
#include "walker.h"
#include "watch_limit.h"

namespace jcn {
namespace {

constexpr std::size_t look_bound = 8192;
// How long a renamed folder waits for looks at what is beneath its old name.
constexpr std::chrono::milliseconds move_patience{200};

struct Name {
  std::string name;
  unsigned char type;  // DT_… of readdir(3)
};

// Errors: as open_folder's.
Result<OpenFolder> open_listing(FileDescriptor fd, const std::string& subject) {
  OpenFolder folder(::fdopendir(fd.get()));
  if (!folder) {
    Error error = system_error("fdopendir", subject, errno);
    error.code = Code::read_error;
    return error;
  }
  (void)fd.release();  // closedir closes it
  return folder;
}

Result<std::vector<Name>> list_folder(DIR* folder, const std::string& subject) {
  std::vector<Name> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder);
    if (!entry) {
      if (errno == 0) return names;
      const bool gone = errno == ENOENT;  // removed since it was opened
      Error error = system_error("readdir", subject, errno);
      if (!gone) error.code = Code::read_error;
      return error;
    }
    names.push_back({entry->d_name, entry->d_type});
  }
}

// What of a row decides whether its file must be read again.
struct KnownFile {
  FileFacts facts;
  bool read_again;
};

bool must_read_again(const FileRow& row) {
  if (racily_clean(row)) return true;
  if (!row.reject) return false;
  // Verdicts about the reading, not about the bytes.
  return row.reject->code == Code::permission_denied || row.reject->code == Code::read_error ||
         row.reject->code == Code::unstable;
}

std::string prefix_of(const FolderName& folder) {
  return folder.path.empty() ? std::string() : folder.path + "/";
}

}  // namespace

void Walker::go_offline(const std::string& root, std::string why) {
  if (in_.roots.state(root) != "offline") {
    log_warning({"root_offline", {{"root", root}}}, "root {} is offline: {}", root, why);
  }
  release_watches(tree_.detach({root, ""}));
  in_.roots.set_offline(root, std::move(why));
}

bool Walker::any_known_file(const std::string& root, int root_fd) {
  Result<Snapshot> snapshot = in_.snapshot();
  if (!snapshot) return false;
  bool rows = false, found = false;
  const Result<void> walked =
      snapshot->for_each_file(root, "", "", false, [&](const std::string& path, const FileRow&) {
        rows = true;
        Result<FolderEntry> entry = stat_entry(root_fd, path);
        found = entry && entry->type != FolderEntry::Type::vanished;
        return !found;
      });
  return walked.ok() && (found || !rows);
}

void Walker::crawl_root(const std::string& root, const Crawl& crawl) {
  Result<Roots::Opened> opened = in_.roots.open(root);
  if (!opened) {
    const bool may_pass = opened.error().code != Code::root_unavailable;
    if (may_pass && put_off_root(root, crawl, opened.error())) return;
    return go_offline(root, opened.error().message);
  }
  const std::string note = "root:" + root;
  {
    Result<Snapshot> snapshot = in_.snapshot();
    if (!snapshot) {
      if (put_off_root(root, crawl, snapshot.error())) return;
      return go_offline(root, snapshot.error().message);
    }
    const std::optional<std::string> before = snapshot->note(note);
    const bool same = !before || *before == opened->identity;
    if (!same && !crawl.accept && !any_known_file(root, opened->fd->get())) {
      return go_offline(root, "another folder is here now, with none of the known files in it");
    }
    if (!before || !same) in_.keep_note(note, opened->identity);
  }
  if (in_.roots.state(root) == "offline")
    log_info({"root_back", {{"root", root}}}, "root {} is back", root);
  in_.roots.set_online(root, std::move(*opened));
  in_.roots.set_state(root, "crawling");
  const std::vector<int> watches = tree_.detach({root, ""});
  Scan scan{crawl.ticket, crawl.judge_anew};
  scan.read_all = crawl.read_all;
  scan_tree({root, ""}, scan);
  look_at_lost({root, ""}, scan);
  release_watches(watches);
  in_.roots.set_state(root, tree_.any_polled(root) ? "polling" : "watching");
}

void Walker::refresh_folder(const FolderName& name, const Ticket& ticket, bool judge_anew) {
  const std::vector<int> watches = tree_.detach(name);
  scan_tree(name, {ticket, judge_anew});
  look_at_lost(name, {ticket, judge_anew});
  release_watches(watches);
}

void Walker::move_folder(const FolderName& from, const FolderName& to, const Ticket& ticket) {
  moving_ = true;
  std::vector<int> watches = tree_.detach(from);
  const std::vector<int> replaced = tree_.detach(to);
  watches.insert(watches.end(), replaced.begin(), replaced.end());
  // What came to the old name just now has to be known: which of its files are of one record.
  in_.pool.wait_for_looks(from.root, prefix_of(from), move_patience);
  FolderMove move(from, to);
  Scan scan{ticket};
  scan.move = &move;
  scan_tree(to, scan);
  // The two ends were exchanged, or the old name is in use again.
  scan_tree(from, {ticket});
  look_at_lost(from, {ticket});
  look_at_lost(to, {ticket});
  release_watches(watches);
  moving_ = false;
}

void Walker::scan_tree(const FolderName& top, const Scan& scan) {
  if (!top.path.empty() && in_.rules()->ignored(top.path)) return;
  std::vector<FolderName> stack{top};
  while (!stack.empty() && !stopping_) {
    const FolderName folder = std::move(stack.back());
    stack.pop_back();
    std::vector<FolderName> subfolders;
    scan_folder(folder, scan, false, subfolders);
    std::move(subfolders.begin(), subfolders.end(), std::back_inserter(stack));
  }
}

// The folder's name so far, when it is one that was renamed and whose event is still on its way, or
// will never come: nobody watched the folder that it was moved to.
std::optional<FolderName> Walker::watch_folder(const FolderName& name, int folder_fd) {
  struct stat status = {};
  WatchedFolder folder;
  if (::fstat(folder_fd, &status) == 0) folder = {-1, status.st_ino, status.st_dev};
  const bool wanted = in_.inotify && !in_.polled_roots.contains(name.root);
  bool limit = false;
  if (wanted) {
    Result<int> watch = in_.inotify->watch(folder_fd, limit);
    if (watch) {
      folder.watch = *watch;
    } else {
      watch_limit_ |= limit;
      if (limit) watches_left_ = false;
      if (!limit) note_reason("watch_failed", {"watch_failed", watch.error().message});
    }
  }
  std::optional<FolderName> before;
  if (folder.watch >= 0) before = tree_.by_watch(folder.watch);
  tree_.put(name, folder);
  count_folders();
  if (before == name) before.reset();
  return before;
}

Walker::Scanned Walker::scan_folder(const FolderName& name, const Scan& scan, bool new_only,
                                    std::vector<FolderName>& subfolders) {
  const std::shared_ptr<const FileDescriptor> root = in_.roots.fd(name.root);
  if (!root) return Scanned::gone;
  struct Refill {  // once the folder is closed
    DescriptorReserve& reserve;
    ~Refill() { reserve.refill(); }
  } const refill{reserve_};
  OpenFolder folder;
  std::optional<FolderName> before;
  const auto list = [&]() -> Result<std::vector<Name>> {
    JCN_TRY(FileDescriptor fd, open_folder(root->get(), name.path, &reserve_));
    const WatchedFolder* known = new_only ? tree_.find(name) : nullptr;
    // What is polled can be watched by now, maybe.
    if (!known || (known->watch < 0 && watches_left_)) before = watch_folder(name, fd.get());
    JCN_TRY(folder, open_listing(std::move(fd), name.path));
    return list_folder(folder.get(), name.path);
  };
  Result<std::vector<Name>> names = list();
  if (!names) {
    const Error& error = names.error();
    if (error.code == Code::read_error) {
      put_off(name, scan, error);
      return Scanned::put_off;
    }
    forget_reasons(name);
    if (error.code == Code::permission_denied || error.code == Code::path_too_long) {
      note_reason(folder_reason(name),
                  {"unreadable_folder", name.root + "/" + name.path + ": " + error.message});
    }
    return Scanned::gone;  // or no folder any more: look_at_lost finds what was in it
  }
  if (before && !moving_ && !scan.judge_anew && !scan.read_all) {
    folder.reset();
    move_folder(*before, name, scan.ticket);
    return Scanned::done;
  }
  const int folder_fd = ::dirfd(folder.get());
  clear_reason(folder_reason(name));

  std::unordered_map<std::string, KnownFile> known;
  const std::string prefix = prefix_of(name);
  {
    Result<Snapshot> snapshot = in_.snapshot();
    if (!snapshot) {
      put_off(name, scan, snapshot.error());
      return Scanned::put_off;
    }
    const Result<void> walked = snapshot->for_each_file(
        name.root, prefix, "", true, [&](const std::string& path, const FileRow& row) {
          known.emplace(path.substr(prefix.size()), KnownFile{row.facts, must_read_again(row)});
          return true;
        });
    // Unreadable rows count as unknown: their files are read again.
    if (!walked) known.clear();
  }

  const std::shared_ptr<const Rules> rules = in_.rules();
  std::optional<Error> unknown;  // whether something is a folder
  for (Name& entry : *names) {
    if (stopping_) return Scanned::done;
    if (entry.name == "." || entry.name == ".." || rules->ignored_component(entry.name)) continue;
    FragmentName file{name.root, prefix + entry.name};
    if (entry.type == DT_UNKNOWN) {
      Result<FolderEntry> found = stat_entry(folder_fd, entry.name);
      if (found && found->type == FolderEntry::Type::folder) entry.type = DT_DIR;
      if (!found && found.error().code == Code::read_error) unknown = found.error();
    }
    if (entry.type == DT_DIR) {
      if (new_only && tree_.find(file)) continue;
      subfolders.push_back(std::move(file));
      continue;
    }
    if (!rules->find(file)) continue;
    ++files_found_;
    if (auto it = known.find(entry.name); it != known.end()) {
      const KnownFile row = it->second;
      known.erase(it);
      if (!scan.judge_anew && !scan.read_all && !scan.move && !row.read_again) {
        Result<FolderEntry> found = stat_entry(folder_fd, entry.name);
        if (found && found->facts == row.facts) continue;
      }
    }
    in_.pool.wait_below(look_bound);
    if (scan.move) {
      const Result<Snapshot> snapshot = in_.snapshot();
      auto renames = scan.move->renames_with(file, snapshot ? &*snapshot : nullptr);
      if (!renames.empty()) in_.pool.request_renames(std::move(renames), scan.ticket);
    } else {
      in_.pool.request(file, scan.ticket, std::chrono::milliseconds(0), scan.judge_anew);
    }
  }
  for (const auto& [gone, row] : known) {
    in_.pool.request({name.root, prefix + gone}, scan.ticket);
  }
  if (unknown) put_off(name, scan, *unknown);
  return Scanned::done;
}

void Walker::look_at_lost(const FolderName& top, const Scan& scan) {
  // What is being looked at now first, then what the index knows: see Finding.
  in_.pool.request_beneath(top.root, prefix_of(top), scan.ticket);
  std::vector<FragmentName> lost;
  {
    Result<Snapshot> snapshot = in_.snapshot();
    if (!snapshot) {
      note_reason("snapshot", {"index_unreadable", snapshot.error().message});
      return put_off(top, scan, snapshot.error());
    }
    FolderName folder{top.root, "\n"};  // of the row before; no path ends in '/'
    bool there = false;
    const Result<void> walked = snapshot->for_each_file(
        top.root, prefix_of(top), "", false, [&](const std::string& path, const FileRow&) {
          const std::size_t slash = path.rfind('/');
          const std::string_view parent(path.data(), slash == std::string::npos ? 0 : slash);
          if (parent != folder.path) {
            folder.path = parent;
            there = tree_.find(folder) != nullptr || retries_.covers(folder);
          }
          if (!there) lost.push_back({top.root, path});
          return true;
        });
    if (walked) {
      clear_reason("snapshot");
    } else {
      note_reason("snapshot", {"index_damaged", walked.error().message});
    }
  }
  for (const FragmentName& name : lost) {
    if (stopping_) return;
    in_.pool.wait_below(look_bound);
    in_.pool.request(name, scan.ticket, std::chrono::milliseconds(0), scan.judge_anew);
  }
}

void Walker::count_folders() {
  polled_count_ = tree_.polled_count();
  watches_ = tree_.watches();
}

void Walker::release_watches(const std::vector<int>& watches) {
  for (int watch : watches) {
    if (!tree_.uses(watch) && in_.inotify) in_.inotify->unwatch(watch);
  }
  count_folders();
  if (polled_count_ == 0) watch_limit_ = false;
  if (!watch_limit_) return clear_reason("watch_limit");
  const WatchLimit limit = watch_limit();
  const std::size_t need = tree_.watches() + polled_count_;
  note_reason(
      "watch_limit",
      {"watch_limit",
       std::to_string(need) + " folders are to be watched, the limit is " +
           std::to_string(limit.watches) + " watches: " + std::to_string(polled_count_) +
           " of them are polled every " + std::to_string(in_.poll_interval.count()) +
           " ms. Raise it: sysctl " + limit.sysctl + "=" +
           std::to_string(std::max<std::uint64_t>(2 * need, 524'288)) + ", then send SIGHUP"});
}

void Walker::poll_pass(const Ticket& ticket) {
  watches_left_ = true;
  clear_reason("watch_failed");
  for (const FolderName& folder : tree_.polled()) {
    if (!tree_.find(folder)) continue;  // left meanwhile
    std::vector<FolderName> subfolders;
    if (scan_folder(folder, {ticket}, true, subfolders) == Scanned::gone) {
      folder.path.empty() ? crawl_root(folder.root, {folder.root, ticket, false, false})
                          : refresh_folder(folder, ticket);
    }
    for (const FolderName& subfolder : subfolders) scan_tree(subfolder, {ticket});
  }
  release_watches({});
  for (const std::string& root : in_.roots.names()) {
    if (in_.roots.state(root) == "polling" && !tree_.any_polled(root)) {
      in_.roots.set_state(root, "watching");
    }
  }
}

}  // namespace jcn
