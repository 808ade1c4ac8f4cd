#include "write_journal.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <utility>

#include "eligible_name.h"
#include "jcn/file_descriptor.h"
#include "jcn/folder.h"
#include "jcn/read.h"
#include "new_file.h"
#include "write_fault.h"

namespace jcn {
namespace {

// ROOT NUL PATH NUL, then, once a displacement is said: EXPECTED NUL INODE NUL SIZE NUL MTIME NUL.
constexpr std::size_t name_fields = 2, all_fields = 6;
constexpr std::string_view anything = "*";
constexpr std::uint64_t longest_entry = 16 << 10;

std::vector<std::string_view> fields_of(std::string_view text) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t end = text.find('\0');
    if (end == std::string_view::npos) return fields;
    fields.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<Hash128> read_hash(std::string_view hex) {
  Hash128 hash;
  if (hex.size() != 2 * hash.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.bytes.size(); ++i) {
    const char* at = hex.data() + 2 * i;
    if (std::from_chars(at, at + 2, hash.bytes[i], 16).ptr != at + 2) return std::nullopt;
  }
  return hash;
}

std::optional<Displacement> displacement_of(const std::vector<std::string_view>& fields) {
  Displacement displacement;
  if (fields[2] != anything) {
    displacement.expected = read_hash(fields[2]);
    if (!displacement.expected) return std::nullopt;
  }
  if (fields[3].empty()) return displacement;
  FileIdentity own;
  if (!read_number(fields[3], own.inode) || !read_number(fields[4], own.size) ||
      !read_number(fields[5], own.mtime_ns))
    return std::nullopt;
  displacement.own = own;
  return displacement;
}

Result<std::string> random_digits() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return system_error("getrandom", "a temporary name", errno);
  Hash128 number;
  std::copy(bytes.begin(), bytes.end(), number.bytes.begin());
  return number.hex();
}

}  // namespace

WriteJournal::Note::Note(Note&& other) noexcept
    : path_(std::exchange(other.path_, {})), temporary_(std::move(other.temporary_)) {}

WriteJournal::Note::~Note() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<void> WriteJournal::Note::displaces(const Displacement& displacement) {
  std::string text;
  const auto add = [&](std::string_view field) { text.append(field).push_back('\0'); };
  add(displacement.expected ? displacement.expected->hex() : std::string(anything));
  const auto& own = displacement.own;
  add(own ? std::to_string(own->inode) : "");
  add(own ? std::to_string(own->size) : "");
  add(own ? std::to_string(own->mtime_ns) : "");
  const FileDescriptor file(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file) return write_fault("open", path_, errno);
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return write_fault("write", path_, errno);
  // Others' writes may sync the fragment's folder at any moment, with the file under its temporary
  // name.
  if (::fsync(file.get()) != 0) return write_fault("fsync", path_, errno);
  const std::string journal = path_.substr(0, path_.rfind('/'));
  const FileDescriptor folder(::open(journal.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return write_fault("open", journal, errno);
  if (::fsync(folder.get()) != 0) return write_fault("fsync", journal, errno);
  return {};
}

Result<WriteJournal::Note> WriteJournal::note(const FragmentName& name) const {
  JCN_TRY(const std::string digits, random_digits());
  Note note(path_of(temporary_name(digits)), temporary_name(digits));
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  FileDescriptor file(::open(note.path_.c_str(), flags, 0600));
  if (!file && errno == ENOENT) {
    JCN_CHECK(make_own_folder(folder_));
    file = FileDescriptor(::open(note.path_.c_str(), flags, 0600));
  }
  if (!file) return write_fault("open", note.path_, errno);
  const std::string text = name.root + '\0' + name.path + '\0';
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return write_fault("write", note.path_, errno);
  return note;
}

Result<std::vector<LeftBehind>> WriteJournal::left_behind() const {
  std::vector<LeftBehind> all;
  const auto names = names_in(folder_);
  if (!names) return all;  // nothing was ever written
  JCN_TRY(const FileDescriptor folder, open_root(folder_));
  for (const std::string& name : *names) {
    const ReadOutcome outcome = read_fragment(folder.get(), name, longest_entry);
    const auto* read = std::get_if<ReadBytes>(&outcome);
    if (!read) continue;
    const auto fields = fields_of(read->bytes);
    if (fields.size() != name_fields && fields.size() != all_fields) {
      ::unlinkat(folder.get(), name.c_str(), 0);
      continue;
    }
    LeftBehind entry{{std::string(fields[0]), std::string(fields[1])}, name, std::nullopt};
    if (fields.size() == all_fields) {
      entry.displacement = displacement_of(fields);
      if (!entry.displacement) continue;
    }
    all.push_back(std::move(entry));
  }
  return all;
}

void WriteJournal::forget(const LeftBehind& entry) const {
  ::unlink(path_of(entry.temporary).c_str());
}

std::string WriteJournal::path_of(const std::string& temporary) const {
  return folder_ + '/' + temporary;
}

}  // namespace jcn
