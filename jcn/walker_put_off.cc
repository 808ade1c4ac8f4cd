// The walker's way with folders that could not be read for a reason that may pass: out of
// descriptors or memory, an I/O error, an interrupted call.

#include "log.h"
#include "look_schedule.h"
#include "walker.h"

namespace jcn {
namespace {

std::string shown(const FolderName& name) {
  return name.path.empty() ? name.root : name.root + "/" + name.path;
}

}  // namespace

void Walker::put_off(const FolderName& name, const Scan& scan, const Error& why) {
  const std::uint32_t failures =
      retries_.failed(name, {scan.ticket, scan.judge_anew}, std::chrono::steady_clock::now());
  show_put_off();
  if (failures < patient_failures) return;
  if (scan.judge_anew) left_undone_ = true;
  if (failures > patient_failures) return;
  log_warning({"unreadable_folder", {{"root", name.root}, {"path", name.path}}},
              "{} can't be read: {}; it is tried again", shown(name), why.message);
  note_reason(folder_reason(name),
              {"unreadable_folder", shown(name) + ": " + why.message + "; it is tried again"});
}

bool Walker::put_off_root(const std::string& root, const Crawl& crawl, const Error& why) {
  const FolderRetries::Errand errand{crawl.ticket, crawl.judge_anew, true, crawl.accept};
  const bool patient =
      retries_.failed({root, ""}, errand, std::chrono::steady_clock::now()) < patient_failures;
  if (!patient) {
    log_warning({"unreadable_folder", {{"root", root}}}, "root {} can't be opened: {}", root,
                why.message);
    if (crawl.judge_anew) left_undone_ = true;
    retries_.forget({root, ""});  // it is looked for every second
  }
  show_put_off();
  return patient;
}

void Walker::try_put_off(Time now) {
  for (const FolderName& name : retries_.due(now)) {
    const std::optional<FolderRetries::Errand> errand = retries_.begin(name);
    if (!errand || stopping_) continue;
    // Whatever it finds, deletions too, is known to somebody who asked.
    const Ticket ticket = errand->ticket ? errand->ticket : in_.ledger.issue();
    if (errand->open_root) {
      crawl_root(name.root, {name.root, ticket, errand->judge_anew, errand->accept});
    } else {
      refresh_folder(name, ticket, errand->judge_anew);
    }
    if (retries_.ended(name)) clear_reason(folder_reason(name));
    show_put_off();
  }
}

void Walker::show_put_off() {
  std::vector<FolderName> names = retries_.names();
  std::lock_guard guard(lock_);
  unsettled_ = std::move(names);
}

std::vector<FolderName> Walker::unsettled() const {
  std::lock_guard guard(lock_);
  return unsettled_;
}

}  // namespace jcn
