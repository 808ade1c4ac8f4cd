#include "history.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "encoding.h"
#include "generation.h"
#include "jcn/file_descriptor.h"

namespace jcn {
namespace {

constexpr std::size_t longest = 4096;

std::int64_t nanoseconds(const statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

Result<DataFacts> facts_of(int fd, const std::string& path) {
  struct ::statx found {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &found) != 0) {
    return system_error("statx", path, errno);
  }
  DataFacts facts;
  facts.inode = found.stx_ino;
  facts.size = found.stx_size;
  if (found.stx_mask & STATX_BTIME) facts.born_ns = nanoseconds(found.stx_btime);
  facts.mtime_ns = nanoseconds(found.stx_mtime);
  facts.ctime_ns = nanoseconds(found.stx_ctime);
  return facts;
}

void write_facts(ByteWriter& out, const DataFacts& facts) {
  out.varint(facts.inode);
  out.zigzag(facts.born_ns);
  out.varint(facts.size);
  out.zigzag(facts.mtime_ns);
  out.zigzag(facts.ctime_ns);
}

DataFacts read_facts(ByteReader& in) {
  DataFacts facts;
  facts.inode = in.varint();
  facts.born_ns = in.zigzag();
  facts.size = in.varint();
  facts.mtime_ns = in.zigzag();
  facts.ctime_ns = in.zigzag();
  return facts;
}

// `own`: of the history file itself, which is another one each time it is written.
std::string encode_history(const History& history, const DataFacts& own) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u8(history.clean ? 1 : 0);
  out.hash(history.token);
  out.text(history.generation);
  out.varint(own.inode);
  out.zigzag(own.born_ns);
  write_facts(out, history.data);
  out.varint(history.txn);
  out.text(history.boot);
  seal(bytes);
  return bytes;
}

// The whole of a small file.
Result<std::string> read_small(int fd, const std::string& path) {
  std::string bytes(longest, '\0');
  ssize_t size = 0;
  do {
    size = ::read(fd, bytes.data(), bytes.size());
  } while (size < 0 && errno == EINTR);
  if (size < 0) return system_error("read", path, errno);
  bytes.resize(static_cast<std::size_t>(size));
  return bytes;
}

}  // namespace

std::string boot_id() {
  const std::string path = "/proc/sys/kernel/random/boot_id";
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  const Result<std::string> id = read_small(file.get(), path);
  return id ? id->substr(0, id->find('\n')) : std::string();
}

Result<DataFacts> data_facts(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return system_error("open", path, errno);
  return facts_of(file.get(), path);
}

Result<std::optional<History>> read_history(const std::string& index_folder) {
  const std::string path = index_folder + "/history";
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return std::optional<History>();
    return system_error("open", path, errno);
  }
  JCN_TRY(const std::string bytes, read_small(file.get(), path));
  const auto payload = unseal(bytes);
  if (!payload) return std::optional<History>();
  ByteReader in(*payload);
  History history;
  DataFacts own;
  history.clean = (in.u8() & 1) != 0;
  history.token = in.hash();
  history.generation = in.text();
  own.inode = in.varint();
  own.born_ns = in.zigzag();
  history.data = read_facts(in);
  history.txn = in.varint();
  history.boot = in.text();
  if (!in.done()) return std::optional<History>();
  JCN_TRY(const DataFacts found, facts_of(file.get(), path));
  history.in_place = found.same_file(own);
  return std::optional<History>(std::move(history));
}

Result<void> write_history(const std::string& index_folder, History history) {
  const std::string data_path = index_folder + "/" + history.generation + "/data.mdb";
  const FileDescriptor data(::open(data_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!data) return system_error("open", data_path, errno);
  if (::fsync(data.get()) != 0) return system_error("fsync", data_path, errno);
  JCN_TRY(history.data, facts_of(data.get(), data_path));
  history.boot = boot_id();

  const std::string path = index_folder + "/history";
  const std::string temporary = path + ".new";
  if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) {
    return system_error("unlink", temporary, errno);
  }
  const FileDescriptor file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
  if (!file) return system_error("open", temporary, errno);
  JCN_TRY(const DataFacts own, facts_of(file.get(), temporary));
  JCN_CHECK(write_all(file.get(), encode_history(history, own), temporary));
  if (::fsync(file.get()) != 0) return system_error("fsync", temporary, errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_error("rename", path, errno);
  return sync_folder(index_folder);
}

namespace {

const char* const last_commit_name = "/committed";

// Always of one length, so that it is replaced in place.
std::string encode_commit(const LastCommit::Facts& facts) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u64le(facts.txn);
  out.u64le(facts.data.inode);
  out.u64le(static_cast<std::uint64_t>(facts.data.born_ns));
  out.u64le(facts.data.size);
  out.u64le(static_cast<std::uint64_t>(facts.data.mtime_ns));
  out.u64le(static_cast<std::uint64_t>(facts.data.ctime_ns));
  seal(bytes);
  return bytes;
}

}  // namespace

Result<std::optional<LastCommit::Facts>> LastCommit::read(const std::string& generation) {
  const std::string path = generation + last_commit_name;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<Facts>();
    return system_error("open", path, errno);
  }
  JCN_TRY(const std::string bytes, read_small(file.get(), path));
  const auto payload = unseal(bytes);
  if (!payload) return std::optional<Facts>();
  ByteReader in(*payload);
  Facts facts;
  facts.txn = in.u64le();
  facts.data.inode = in.u64le();
  facts.data.born_ns = static_cast<std::int64_t>(in.u64le());
  facts.data.size = in.u64le();
  facts.data.mtime_ns = static_cast<std::int64_t>(in.u64le());
  facts.data.ctime_ns = static_cast<std::int64_t>(in.u64le());
  return in.done() ? std::optional(facts) : std::nullopt;
}

Result<LastCommit> LastCommit::open(const std::string& generation) {
  LastCommit last;
  const std::string path = generation + last_commit_name;
  last.file_ = FileDescriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
  if (!last.file_) return system_error("open", path, errno);
  const std::string data = generation + "/data.mdb";
  last.data_ = FileDescriptor(::open(data.c_str(), O_RDONLY | O_CLOEXEC));
  if (!last.data_) return system_error("open", data, errno);
  return last;
}

void LastCommit::write(std::uint64_t txn) {
  const Result<DataFacts> data = facts_of(data_.get(), "data.mdb");
  if (!data) return;
  written_ = *data;
  const std::string bytes = encode_commit({txn, *data});
  if (::pwrite(file_.get(), bytes.data(), bytes.size(), 0) < 0) return;
}

bool LastCommit::untouched() const {
  const Result<DataFacts> data = facts_of(data_.get(), "data.mdb");
  return data && *data == written_;
}

}  // namespace jcn
