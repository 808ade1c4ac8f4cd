// The audit: now and then everything that is watched is gone over, for changes of which no event
// told: writing through mmap(2) or through a hard link elsewhere, file systems mounted over a
// folder, changes made on a server. In small steps with pauses; events come first.
#include <sys/stat.h>

#include "jcn/idle_disk.h"
#include "jcn/read.h"
#include "walker.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds audit_step{2};
// Looks that may wait in the pool before the audit makes more.
constexpr std::size_t audit_looks = 500;

}  // namespace

void Walker::walk_audit_on() {
  if (in_.pool.waiting() > audit_looks) return;
  const IdleDisk idle;
  const Time until = steady_clock::now() + audit_step;
  while (!stopping_ && steady_clock::now() < until) {
    const std::optional<FolderName> folder = tree_.after(audit_->at);
    if (!folder) {
      audit_.reset();
      next_audit_ = steady_clock::now() + in_.audit_interval;
      ++audits_;
      return;
    }
    audit_->at = folder;
    audit_folder(*folder);
  }
}

void Walker::audit_folder(const FolderName& name) {
  const std::shared_ptr<const FileDescriptor> root = in_.roots.fd(name.root);
  if (!root) return;
  const Ticket ticket = in_.ledger.issue();
  bool another = false;
  if (const Result<FileDescriptor> fd = open_folder(root->get(), name.path)) {
    struct stat status = {};
    const WatchedFolder* known = tree_.find(name);
    another = known && ::fstat(fd->get(), &status) == 0 &&
              (known->inode != status.st_ino || known->device != status.st_dev);
  }
  if (another) return refresh_folder(name, ticket);
  std::vector<FolderName> subfolders;
  if (scan_folder(name, {ticket}, true, subfolders) == Scanned::gone) {
    // A root that is gone is seen elsewhere, and means no deletion.
    if (!name.path.empty()) refresh_folder(name, ticket);
    return;
  }
  for (const FolderName& subfolder : subfolders) scan_tree(subfolder, {ticket});
}

}  // namespace jcn
