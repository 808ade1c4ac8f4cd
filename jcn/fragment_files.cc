#include "fragment_files.h"

#include <unistd.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <utility>
#include <variant>

#include "jcn/read.h"
#include "write_fault.h"

namespace jcn {
namespace {

struct Place {
  std::string folder, file;
};

Place place_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

// Absent: there is no such folder.
Result<std::optional<FileDescriptor>> find_folder(int root, const std::string& path) {
  Result<FileDescriptor> folder = open_folder(root, path);
  if (folder) return std::optional<FileDescriptor>(*std::move(folder));
  if (folder.error().code == Code::system) return std::optional<FileDescriptor>();
  return folder.error();
}

Error busy(const Error& why) {
  return {Code::busy, why.message, "Ask again; what other programs do may be over then."};
}

// What stands there now. Errors: what is no regular file.
Result<Standing> look_at(int folder, const std::string& file, std::uint64_t max_bytes) {
  ReadOutcome outcome = read_fragment(folder, file, max_bytes);
  if (const auto* read = std::get_if<ReadBytes>(&outcome))
    return Standing{true, hash128(read->bytes)};
  if (const auto* later = std::get_if<ReadLater>(&outcome)) return busy(later->why);
  JCN_TRY(const FolderEntry entry, stat_entry(folder, file));
  if (entry.type == FolderEntry::Type::folder)
    return Error{Code::bad_path, "A folder stands at this path."};
  if (auto* rejected = std::get_if<ReadRejected>(&outcome)) {
    if (entry.type == FolderEntry::Type::file) return Standing{true, std::nullopt};
    return Error{rejected->reject.code, std::move(rejected->reject.message)};
  }
  return Standing{};
}

Result<void> to_disk(int folder, const std::string& path) {
  if (::fsync(folder) == 0) return {};
  Error error = write_fault("fsync folder of", path, errno);
  error.hint = "It is written, but may not outlast a loss of power. " + error.hint;
  return error;
}

// A write or a removal that was cut short, wherever that was.
bool bring_to_an_end(const LeftBehind& entry, const DisplacedFile& file) {
  if (!entry.displacement) return ::unlinkat(file.folder, file.temporary.c_str(), 0) == 0;
  const auto done = entry.displacement->own ? conclude_exchange(file, *entry.displacement)
                                            : conclude_removal(file, *entry.displacement);
  return done.ok();
}

// Errors: no_such_fragment; as find_folder's.
Result<void> check_presence(int root, const Precondition& precondition) {
  if (!precondition.if_present) return {};
  const auto [path, file] = place_of(*precondition.if_present);
  JCN_TRY(const std::optional<FileDescriptor> folder, find_folder(root, path));
  if (folder) {
    JCN_TRY(const FolderEntry entry, stat_entry(folder->get(), file));
    if (entry.type == FolderEntry::Type::file) return {};
  }
  return Error{
      Code::no_such_fragment,
      "The file that Jcn-If-Present names, " + *precondition.if_present + ", is not there.",
      "Nothing was changed."};
}

Error overtaken() {
  return {Code::precondition_failed, "Another program changed the file at the same moment.",
          "Its change stands. Read it again; its ETag is what counts."};
}

}  // namespace

FragmentFiles::FragmentFiles(Surroundings surroundings)
    : in_(std::move(surroundings)), journal_(in_.journal), places_(in_.places) {}

Result<FragmentFiles::Place> FragmentFiles::enter() {
  if (!places_.try_acquire())
    return Error{Code::overloaded, "As many writers are here as may be at once.",
                 "Come back later; a quarter of http.threads of jcn.conf is how many may be."};
  return Place(this, [this](void*) { places_.release(); });
}

std::mutex& FragmentFiles::lock_of(const FragmentName& name) {
  const std::size_t root = std::hash<std::string>()(name.root);
  return locks_[(root ^ std::hash<std::string>()(name.path)) % locks_.size()];
}

FragmentFiles::Held FragmentFiles::hold(const FragmentName& name,
                                        const Precondition& precondition) {
  std::mutex& own = lock_of(name);
  std::mutex& present =
      precondition.if_present ? lock_of({name.root, *precondition.if_present}) : own;
  if (&own == &present) return {std::unique_lock(own), {}};
  Held held{std::unique_lock(own, std::defer_lock), std::unique_lock(present, std::defer_lock)};
  std::lock(held.own, held.present);
  return held;
}

void FragmentFiles::before_change() const {
  if (in_.before_change) in_.before_change();
}

void FragmentFiles::count_refusal(const Error& error) {
  if (error.code == Code::precondition_failed || error.code == Code::precondition_required)
    ++refused_;
}

Result<StoredFragment> FragmentFiles::read(const FragmentName& name,
                                           std::uint64_t max_bytes) const {
  JCN_TRY(const Folder root, in_.open_root(name.root));
  ReadOutcome outcome = read_fragment(root->get(), name.path, max_bytes);
  if (auto* read = std::get_if<ReadBytes>(&outcome)) {
    const Hash128 content = hash128(read->bytes);
    return StoredFragment{std::move(read->bytes), read->facts, content};
  }
  if (auto* rejected = std::get_if<ReadRejected>(&outcome))
    return Error{rejected->reject.code, std::move(rejected->reject.message)};
  if (const auto* later = std::get_if<ReadLater>(&outcome)) return busy(later->why);
  return Error{Code::no_such_fragment, "There is no such file."};
}

Result<WrittenFragment> FragmentFiles::write(const FragmentName& name, std::string_view bytes,
                                             const Precondition& precondition,
                                             std::uint64_t max_bytes) {
  auto written = put(name, bytes, precondition, max_bytes);
  if (written) {
    ++written_;
  } else {
    count_refusal(written.error());
  }
  return written;
}

Result<void> FragmentFiles::remove(const FragmentName& name, const Precondition& precondition,
                                   std::uint64_t max_bytes) {
  auto removed = take_away(name, precondition, max_bytes);
  if (removed) {
    ++removed_;
  } else {
    count_refusal(removed.error());
  }
  return removed;
}

Result<WrittenFragment> FragmentFiles::put(const FragmentName& name, std::string_view bytes,
                                           const Precondition& precondition,
                                           std::uint64_t max_bytes) {
  JCN_TRY(const Folder root, in_.open_root(name.root));
  const auto [path, file] = place_of(name.path);
  const Held held = hold(name, precondition);
  JCN_CHECK(check_presence(root->get(), precondition));
  JCN_TRY(std::optional<FileDescriptor> folder, find_folder(root->get(), path));
  Standing standing;
  if (folder) {
    JCN_TRY(standing, look_at(folder->get(), file, max_bytes));
  }
  JCN_CHECK(may_put(precondition, standing));

  NewFolders folders(root->get());
  if (!folder) {
    JCN_TRY(folder, folders.make(path));
  }
  JCN_TRY(WriteJournal::Note note, journal_.note(name));
  JCN_TRY(NewFile fresh, NewFile::make(folder->get(), note.temporary()));
  if (standing.exists) fresh.take_after(file);
  JCN_CHECK(fresh.write(bytes));
  if (standing.exists) {
    const DisplacedFile displaced{folder->get(), note.temporary(), file, max_bytes};
    JCN_CHECK(replace(fresh, displaced, note, precondition, standing));
  } else {
    before_change();
    const int fault = rename_to_free_name(folder->get(), note.temporary(), file);
    if (fault == EEXIST) {
      JCN_CHECK(may_put(precondition, {true, std::nullopt}));
      return overtaken();
    }
    if (fault != 0) return write_fault("rename", name.path, fault);
    fresh.stands();
  }
  folders.stay();
  JCN_CHECK(to_disk(folder->get(), name.path));
  return WrittenFragment{hash128(bytes), !standing.exists};
}

Result<void> FragmentFiles::replace(NewFile& fresh, const DisplacedFile& file,
                                    WriteJournal::Note& note, const Precondition& precondition,
                                    const Standing& standing) const {
  Displacement displacement;
  if (!takes_anything(precondition)) displacement.expected = standing.content;
  JCN_TRY(displacement.own, identity_of(file.folder, file.temporary));
  JCN_CHECK(note.displaces(displacement));
  before_change();
  const int fault = exchange_names(file.folder, file.temporary, file.target);
  if (fault == ENOENT) return overtaken();
  if (fault == EINVAL) {  // the file system can't: the last look has to do
    JCN_TRY(const Standing now, look_at(file.folder, file.target, file.max_bytes));
    JCN_CHECK(may_put(precondition, now));
    if (::renameat(file.folder, file.temporary.c_str(), file.folder, file.target.c_str()) != 0)
      return write_fault("rename", file.target, errno);
    fresh.stands();
    return {};
  }
  if (fault != 0) return write_fault("exchange", file.target, fault);
  fresh.stands();
  const Result<bool> stands = conclude_exchange(file, displacement);
  if (stands) return *stands ? Result<void>() : overtaken();
  note.keep();
  return stands.error();
}

Result<void> FragmentFiles::take_away(const FragmentName& name, const Precondition& precondition,
                                      std::uint64_t max_bytes) {
  JCN_TRY(const Folder root, in_.open_root(name.root));
  const auto [path, file] = place_of(name.path);
  const Held held = hold(name, precondition);
  JCN_CHECK(check_presence(root->get(), precondition));
  JCN_TRY(const std::optional<FileDescriptor> folder, find_folder(root->get(), path));
  Standing standing;
  if (folder) {
    JCN_TRY(standing, look_at(folder->get(), file, max_bytes));
  }
  JCN_CHECK(may_remove(precondition, standing));

  JCN_TRY(WriteJournal::Note note, journal_.note(name));
  Displacement displacement;
  if (!takes_anything(precondition)) displacement.expected = standing.content;
  JCN_CHECK(note.displaces(displacement));
  before_change();
  const int fault = rename_to_free_name(folder->get(), file, note.temporary());
  if (fault == ENOENT) return Error{Code::no_such_fragment, "There is no such file any more."};
  if (fault != 0) return write_fault("rename", name.path, fault);
  const Result<bool> gone =
      conclude_removal({folder->get(), note.temporary(), file, max_bytes}, displacement);
  if (!gone) {
    note.keep();
    return gone.error();
  }
  if (!*gone) return overtaken();
  return to_disk(folder->get(), name.path);
}

std::size_t FragmentFiles::finish_left_behind(
    const std::function<Result<Folder>(const std::string& root)>& open_root,
    std::uint64_t max_bytes) const {
  const auto entries = journal_.left_behind();
  if (!entries) return 0;
  std::size_t finished = 0;
  for (const LeftBehind& entry : *entries) {
    const auto root = open_root(entry.name.root);
    if (!root) continue;
    const auto [path, file] = place_of(entry.name.path);
    const auto folder = find_folder((*root)->get(), path);
    if (!folder) continue;
    if (*folder) {
      const int fd = (*folder)->get();
      const auto there = stat_entry(fd, entry.temporary);
      if (!there) continue;
      const bool vanished = there->type == FolderEntry::Type::vanished;
      if (!vanished && !bring_to_an_end(entry, {fd, entry.temporary, file, max_bytes})) continue;
    }
    journal_.forget(entry);
    ++finished;
  }
  return finished;
}

}  // namespace jcn
