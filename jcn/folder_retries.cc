#include "folder_retries.h"

#include "look_schedule.h"

namespace jcn {

std::uint32_t FolderRetries::failed(const FolderName& name, const Errand& errand, Time now) {
  Entry& entry = entries_[name];
  entry.errand.judge_anew |= errand.judge_anew;
  entry.errand.open_root |= errand.open_root;
  entry.errand.accept |= errand.accept;
  switch (entry.state) {
    case Entry::State::failed_again:
      return entry.failures;
    case Entry::State::tried:
      ++entry.failures;
      entry.state = Entry::State::failed_again;
      break;
    case Entry::State::waiting:
      // Asked for anew: if it was given up, whoever asks has some patience again.
      if (!entry.errand.ticket) entry.failures = 1;
      break;
  }
  if (entry.failures >= patient_failures) {
    entry.errand.ticket.reset();
  } else if (!entry.errand.ticket) {
    entry.errand.ticket = errand.ticket;
  }
  entry.due = now + back_off(entry.failures);
  return entry.failures;
}

std::vector<FolderName> FolderRetries::due(Time now) const {
  std::vector<FolderName> names;
  for (const auto& [name, entry] : entries_) {
    if (entry.due <= now) names.push_back(name);
  }
  return names;
}

std::optional<FolderRetries::Time> FolderRetries::next_due() const {
  std::optional<Time> next;
  for (const auto& [name, entry] : entries_) {
    if (!next || entry.due < *next) next = entry.due;
  }
  return next;
}

std::optional<FolderRetries::Errand> FolderRetries::begin(const FolderName& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  found->second.state = Entry::State::tried;
  return found->second.errand;
}

bool FolderRetries::ended(const FolderName& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return false;
  if (found->second.state == Entry::State::failed_again) {
    found->second.state = Entry::State::waiting;
    return false;
  }
  entries_.erase(found);
  return true;
}

bool FolderRetries::covers(FolderName name) const {
  while (!entries_.empty()) {
    const auto entry = entries_.find(name);
    if (entry != entries_.end() && entry->second.state != Entry::State::tried) return true;
    if (name.path.empty()) return false;
    const std::size_t slash = name.path.rfind('/');
    name.path.resize(slash == std::string::npos ? 0 : slash);
  }
  return false;
}

std::vector<FolderName> FolderRetries::names() const {
  std::vector<FolderName> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

}  // namespace jcn
