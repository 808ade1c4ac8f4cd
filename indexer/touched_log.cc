#include "touched_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <new>

#include "encoding.h"
#include "generation.h"

namespace jcn {
namespace {

Result<std::string> read_whole(const std::string& path) {
  std::string bytes;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return bytes;
    return system_error("open", path, errno);
  }
  constexpr std::size_t step = 1 << 20;
  while (true) {
    const std::size_t at = bytes.size();
    bytes.resize(at + step);
    const ssize_t got = ::read(file.get(), bytes.data() + at, step);
    bytes.resize(at + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0) return bytes;
    if (got < 0 && errno != EINTR) return system_error("read", path, errno);
  }
}

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("unlink", path, errno);
  return {};
}

int create_log(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0640);
}

// Its number and some of the following were not logged. No record has an empty kind.
TouchedRow gap_mark(std::uint64_t first) {
  return {first, {}};
}

}  // namespace

void append_touched_row(std::string& bytes, const TouchedRow& row) {
  // length of what follows up to the checksum; seq; kind; id; checksum
  std::string payload;
  ByteWriter out(payload);
  out.u64le(row.seq);
  out.text(row.key.kind);
  out.text(row.key.id);
  ByteWriter(bytes).u32le(static_cast<std::uint32_t>(payload.size()));
  seal(payload);
  bytes += payload;
}

std::vector<TouchedRow> parse_touched_rows(std::string_view bytes) {
  std::vector<TouchedRow> rows;
  ByteReader in(bytes);
  while (!in.done()) {
    const std::uint32_t size = in.u32le();
    const auto payload = unseal(in.raw(std::size_t{size} + seal_bytes));
    if (!in.ok() || !payload) break;
    ByteReader fields(*payload);
    TouchedRow row;
    row.seq = fields.u64le();
    row.key.kind = fields.text();
    row.key.id = fields.text();
    if (!fields.done()) break;
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<TouchedLog> TouchedLog::open(const std::string& folder, std::uint64_t folded_seq) {
  TouchedLog log(folder);
  JCN_TRY(const std::string earlier, read_whole(log.path(".recovering")));
  JCN_TRY(const std::string folding, read_whole(log.path(".folding")));
  JCN_TRY(const std::string current, read_whole(log.path("")));
  std::map<RecordKey, std::uint64_t> latest;
  const auto take = [&](const std::string& bytes, std::uint64_t beyond) {
    for (TouchedRow& row : parse_touched_rows(bytes)) {
      if (row.key.kind.empty()) {
        // What is folded is no longer missing, wherever the mark stands.
        if (row.seq <= folded_seq) continue;
        log.first_missing_ = std::min(log.first_missing_.value_or(row.seq), row.seq);
        continue;
      }
      if (row.seq > beyond) latest[std::move(row.key)] = row.seq;
    }
  };
  // What stands in .recovering was beyond the fold of its time; a later fold may have gone past it
  // without its having been announced.
  take(earlier, 0);
  take(folding, folded_seq);
  take(current, folded_seq);
  std::string bytes;
  for (auto& [key, seq] : latest) {
    log.leftover_.push_back({seq, key});
    append_touched_row(bytes, log.leftover_.back());
  }
  if (log.first_missing_) append_touched_row(bytes, gap_mark(*log.first_missing_));
  if (bytes.empty()) {
    JCN_CHECK(remove_file(log.path(".recovering")));
  } else {
    const std::string path = log.path(".recovering");
    const std::string temporary = path + ".new";
    const FileDescriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    if (!file) return system_error("open", temporary, errno);
    JCN_CHECK(write_all(file.get(), bytes, temporary));
    if (::rename(temporary.c_str(), path.c_str()) != 0) return system_error("rename", path, errno);
  }
  JCN_CHECK(log.drop_folding());
  JCN_CHECK(remove_file(log.path("")));
  JCN_CHECK(log.begin());
  return log;
}

Result<void> TouchedLog::carry(const std::string& from, const std::string& to,
                               const std::vector<RecordKey>& also) {
  for (const char* suffix : {"", ".folding", ".recovering"}) {
    JCN_TRY(std::string bytes, read_whole(TouchedLog(from).path(suffix)));
    if (suffix == std::string_view(".recovering")) {
      // Of a number that was given long ago: what is announced again does not depend on it.
      for (const RecordKey& key : also) append_touched_row(bytes, {1, key});
    }
    if (bytes.empty()) continue;
    const std::string path = TouchedLog(to).path(suffix);
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    if (!file) return system_error("open", path, errno);
    JCN_CHECK(write_all(file.get(), bytes, path));
  }
  return {};
}

Result<void> TouchedLog::move_to(const std::string& folder) {
  const std::string path = TouchedLog(folder).path("");
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!file) return system_error("open", path, errno);
  file_ = std::move(file);
  folder_ = folder;
  return {};
}

Result<void> TouchedLog::begin() {
  const std::string name = path("");
  FileDescriptor file(create_log(name));
  if (!file) return system_error("open", name, errno);
  take(std::move(file));
  return {};
}

void TouchedLog::take(FileDescriptor file) {
  file_ = std::move(file);
  bytes_ = 0;
  refused_.reset();
  broken_ = false;
}

Result<void> TouchedLog::append(const std::vector<TouchedRow>& rows) {
  if (rows.empty()) return {};
  if (broken_) {
    if (!refused_) refused_ = rows.front().seq;
    return {};
  }
  std::string bytes;
  bytes.reserve(rows.size() * 64);
  for (const TouchedRow& row : rows) append_touched_row(bytes, row);
  const std::string name = path("");
  refused_ = rows.front().seq;  // until all of it is written, whatever ends this
  JCN_CHECK(append_bytes(bytes, name));
  refused_.reset();
  return {};
}

Result<void> TouchedLog::append_bytes(std::string_view bytes, const std::string& name) {
  broken_ = true;
  Result<void> written = write_all(file_.get(), bytes, name);
  if (!written) {
    // Should even this fail, the torn row ends the log where it stands.
    if (::ftruncate(file_.get(), static_cast<off_t>(bytes_)) != 0) return written;
    return written;
  }
  broken_ = false;
  bytes_ += bytes.size();
  return {};
}

// Memory may run out: all that takes some stands where nothing is half done.
Result<void> TouchedLog::rotate() {
  const std::string current = path(""), folding = path(".folding");
  std::string mark;
  if (refused_) append_touched_row(mark, gap_mark(*refused_));
  // Not there: renamed by one that then failed, and could not rename it back.
  if (::rename(current.c_str(), folding.c_str()) != 0 && errno != ENOENT) {
    return system_error("rename", current, errno);
  }
  FileDescriptor file(create_log(current));
  if (!file) {
    const int error = errno;
    // Rows go on into the renamed file then, which keeps them as well.
    if (::rename(folding.c_str(), current.c_str()) != 0) broken_ = true;
    return system_error("open", current, error);
  }
  take(std::move(file));
  // Without the mark nothing may follow: the log stays broken, and ends before the gap.
  if (mark.empty()) return {};
  try {
    static_cast<void>(append_bytes(mark, current));
  } catch (const std::bad_alloc&) {
  }
  return {};
}

Result<void> TouchedLog::drop_folding() {
  return remove_file(path(".folding"));
}

Result<void> TouchedLog::drop_leftover() {
  leftover_.clear();
  return remove_file(path(".recovering"));
}

}  // namespace jcn
