// What changes leave behind in data.mdb. LMDB never gives a page back, and can use one that was
// freed only two commits later; each fold writes most of the pages of small tables anew. Records
// that were replaced stay in their segments until these are merged.
#include <sys/statvfs.h>

#include <mutex>

#include "index_writer_inside.h"

namespace jcn {
namespace {

constexpr std::uint64_t never_worn_bytes = 2ULL << 20;  // not worth it

// About what a rewrite would leave. It fills pages to the brim; keys that come in any order fill
// half of them to all: three quarters.
Result<std::uint64_t> bytes_held(const Transaction& txn, const SegmentInfos& segments) {
  std::uint64_t records = 0, living = 0, held = 0;
  for (const auto& [number, info] : segments) {
    records += info.records;
    living += info.living;
  }
  for (std::size_t table = 0; table < table_count; ++table) {
    JCN_TRY(const auto size, txn.size(static_cast<Table>(table)));
    if (static_cast<Table>(table) != Table::segments) {
      held += size.bytes / 4 * 3;
    } else if (records > 0) {
      held +=
          static_cast<std::uint64_t>(static_cast<double>(size.bytes) * static_cast<double>(living) /
                                     static_cast<double>(records));
    }
  }
  return held;
}

// It may not be a rewrite that fills the disk.
bool has_room(const std::string& folder, std::uint64_t bytes) {
  struct ::statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return false;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize / 2 > bytes;
}

}  // namespace

bool IndexWriter::worn() const {
  Inside& in = *inside_;
  std::uint64_t used = 0;
  {
    const std::unique_lock folding(in.fold_mutex, std::try_to_lock);
    if (!folding) return false;
    LmdbEnv& env = in.cache().env();
    used = env.used_bytes();
    if (used < never_worn_bytes) return false;
    const Result<ReadTxn> txn = env.begin_read();
    if (!txn) return false;
    const Result<std::uint64_t> held = bytes_held(*txn, in.segments);
    if (!held || used <= *held + *held / 2) return false;
  }
  return has_room(in.folder, used);
}

}  // namespace jcn
