#include "generation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "encoding.h"
#include "jcn/folder.h"
#include "rows.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view prefix = "gen-", aside = ".damaged";
constexpr std::size_t digits = 6;
constexpr std::chrono::milliseconds lock_patience{1000}, lock_pause{10};

std::optional<unsigned> generation_number(std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  if (name.ends_with(aside)) name.remove_suffix(aside.size());
  unsigned number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (name.size() < digits || error != std::errc() || end != name.data() + name.size()) {
    return std::nullopt;
  }
  return number;
}

Result<std::vector<std::string>> generations(const std::string& index_folder) {
  JCN_TRY(std::vector<std::string> names, names_in(index_folder));
  std::erase_if(names, [](const std::string& name) { return !generation_number(name); });
  return names;
}

}  // namespace

Result<std::optional<std::string>> read_current(const std::string& index_folder) {
  const std::string path = index_folder + "/CURRENT";
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return system_error("open", path, errno);
  }
  char bytes[64];
  ssize_t size = 0;
  do {
    size = ::read(file.get(), bytes, sizeof bytes);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return system_error("read", path, errno);
  std::string_view name(bytes, static_cast<std::size_t>(size));
  if (name.ends_with('\n')) name.remove_suffix(1);
  if (!generation_number(name) || name.ends_with(aside)) {
    return damaged(path + " names no generation");
  }
  return std::optional<std::string>(name);
}

Result<void> write_current(const std::string& index_folder, const std::string& generation) {
  const std::string path = index_folder + "/CURRENT";
  const std::string temporary = path + ".new";
  const FileDescriptor file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  if (!file) return system_error("open", temporary, errno);
  JCN_CHECK(write_all(file.get(), generation + "\n", temporary));
  if (::fsync(file.get()) != 0) return system_error("fsync", temporary, errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_error("rename", path, errno);
  return sync_folder(index_folder);
}

Result<void> sync_folder(const std::string& folder) {
  const FileDescriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file) return system_error("open", folder, errno);
  if (::fsync(file.get()) != 0) return system_error("fsync", folder, errno);
  return {};
}

Result<FileDescriptor> lock_index(const std::string& index_folder) {
  std::error_code error;
  fs::create_directories(index_folder, error);
  if (error) return system_error("mkdir", index_folder, error.value());
  const std::string path = index_folder + "/lock";
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  if (!file) return system_error("open", path, errno);
  // An open file description's lock: it holds against this process's other openings, too, and is
  // not lost when one of those is closed (fcntl(2), F_OFD_SETLK).
  struct ::flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  // A child of a process that was killed may have been between fork(2) and execve(2), or its death
  // signal, and hold it for a moment.
  const auto until = std::chrono::steady_clock::now() + lock_patience;
  while (::fcntl(file.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) {
      if (std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(lock_pause);
        continue;
      }
      return Error{Code::index_in_use, "another jcn writes the index in " + index_folder,
                   "stop it first, or give another --index"};
    }
    return system_error("fcntl", path, errno);
  }
  return file;
}

Result<std::string> next_generation(const std::string& index_folder) {
  JCN_TRY(std::vector<std::string> names, generations(index_folder));
  // One that is named, and gone, counts as well.
  if (const auto current = read_current(index_folder); current && *current) {
    names.push_back(**current);
  }
  unsigned largest = 0;
  for (const std::string& name : names) largest = std::max(largest, *generation_number(name));
  const std::string number = std::to_string(largest + 1);
  return std::string(prefix) + std::string(digits - std::min(digits, number.size()), '0') + number;
}

Result<void> remove_leftovers(const std::string& index_folder, const std::string& current) {
  JCN_TRY(const std::vector<std::string> names, generations(index_folder));
  std::string last_aside;
  for (const std::string& name : names) {
    if (name.ends_with(aside)) last_aside = name;
  }
  for (const std::string& name : names) {
    if (name != current && name != last_aside) JCN_CHECK(remove_whole(index_folder + "/" + name));
  }
  return {};
}

Result<void> write_mark(const std::string& generation_path) {
  const std::string path = generation_path + "/" + damage_mark;
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
  if (!file) return system_error("open", path, errno);
  if (::fsync(file.get()) != 0) return system_error("fsync", path, errno);
  return sync_folder(generation_path);
}

Result<void> unmark_damaged(const std::string& generation_path) {
  const std::string path = generation_path + "/" + damage_mark;
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("unlink", path, errno);
  return {};
}

Result<void> set_aside(const std::string& index_folder, const std::string& generation) {
  const std::string from = index_folder + "/" + generation;
  const std::string to = from + std::string(aside);
  JCN_CHECK(remove_whole(to));
  if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
    return system_error("rename", from, errno);
  }
  return sync_folder(index_folder);
}

Result<void> check_format(LmdbEnv& env) {
  JCN_TRY(const ReadTxn txn, env.begin_read());
  JCN_TRY(const auto bytes, txn.get(Table::meta, meta_identity));
  const auto format = bytes ? identity_format(*bytes) : std::nullopt;
  if (!format) return damaged("the meta table says no format");
  if (*format != format_version) return foreign_format(*format);
  return {};
}

Error foreign_format(std::uint32_t format) {
  return {Code::index_format,
          "the index has format " + std::to_string(format) + ", this program reads format " +
              std::to_string(format_version),
          "jcn builds it anew when it starts"};
}

}  // namespace jcn
