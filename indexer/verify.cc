#include "jcn/verify.h"

#include <time.h>

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "encoding.h"
#include "generation.h"
#include "keys.h"
#include "living.h"
#include "lmdb_env.h"
#include "lmdb_pages.h"
#include "rows.h"

namespace jcn {
namespace {

using State = IndexHealth::State;
static_assert(IndexHealth::tables == table_count);

constexpr std::size_t most_findings = 20;
constexpr std::uint64_t progress_step = 4096;  // pages

bool sealed_value(Table table, std::string_view key) {
  return table == Table::segments || table == Table::dictionaries || table == Table::bodies ||
         (table == Table::meta && !key.starts_with("lost:"));
}

std::string in_table(Table table) {
  return "table " + std::string(table_name(table));
}

class Examination {
 public:
  Examination(LmdbPages pages, const VerifyProgress& progress)
      : pages_(std::move(pages)), progress_(progress) {}

  Result<IndexHealth> run() {
    JCN_CHECK(walk(Table::meta));
    JCN_CHECK(check_meta());
    // The living first: the ids are compared with them.
    JCN_CHECK(walk(Table::living));
    for (std::size_t i = 0; i < table_count; ++i) {
      const auto table = static_cast<Table>(i);
      if (table != Table::meta && table != Table::living) JCN_CHECK(walk(table));
    }
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < table_count; ++i)
      names.push_back(table_name(static_cast<Table>(i)));
    JCN_CHECK(note(pages_.check_tables(names), health_.meta));
    JCN_CHECK(note(pages_.check_free_pages(), health_.free_pages));
    compare_sums();
    if (health_.whole()) compare_tables();
    return std::move(health_);
  }

 private:
  State& state(Table table) { return health_.state[static_cast<std::size_t>(table)]; }

  void found(std::string what) {
    if (health_.findings.size() < most_findings) health_.findings.push_back(std::move(what));
  }

  // Damage is noted, other errors are passed on.
  Result<void> note(const Result<void>& checked, bool& right) {
    if (checked) return {};
    if (checked.error().code != Code::index_damaged) return checked;
    right = false;
    found(checked.error().message);
    return {};
  }

  Result<void> walk(Table table) {
    TableSum& sum = sums_[static_cast<std::size_t>(table)];
    bool right = true;
    JCN_CHECK(note(pages_.walk_table(table_name(table),
                                     [&](std::string_view key, std::string_view value) {
                                       if (table != Table::meta || key != meta_sums) {
                                         ++sum.entries;
                                         sum.sum += entry_hash(key, value);
                                       }
                                       take(table, key, value);
                                       tell();
                                       return Result<void>();
                                     }),
                   right));
    if (!right) state(table) = State::broken;
    health_.report.entries += sum.entries;
    return {};
  }

  void tell() {
    if (!progress_ || pages_.pages_walked() < told_ + progress_step) return;
    told_ = pages_.pages_walked();
    progress_(told_, pages_.pages());
  }

  void take(Table table, std::string_view key, std::string_view value) {
    health_.report.bytes += key.size() + value.size();
    if (sealed_value(table, key) && !unseal(value)) {
      found("a block of " + in_table(table) + " does not match its checksum");
      differs_ |= 1U << static_cast<unsigned>(table);
    }
    switch (table) {
      case Table::meta:
        meta_.emplace(key, value);
        break;
      case Table::segments:
        ++health_.report.blocks;
        break;
      case Table::living:
        take_living(key, value);
        break;
      case Table::ids:
        take_id(key, value);
        break;
      case Table::changes:
        if (const auto row = decode_change_row(value); row && key.size() == 8) {
          changes_ += change_hash(read_be64(key), row->key);
        }
        break;
      case Table::tombstones:
        if (const auto seq = decode_number(value)) named_changes_ += change_hash(*seq, key);
        break;
      case Table::files:
        if (file_row_rejected(value)) rejected_ += checksum64(key);
        break;
      case Table::rejects:
        rejects_ += checksum64(key);
        break;
      default:
        break;
    }
  }

  static std::uint64_t change_hash(std::uint64_t seq, std::string_view record_key) {
    return entry_hash(change_key(seq), record_key);
  }

  void take_living(std::string_view key, std::string_view value) {
    if (key.size() == 8) living_[read_be64(key)] = value;
  }

  // Takes the record from among the living: it may be there once.
  void take_id(std::string_view key, std::string_view value) {
    ++health_.report.records;
    const auto row = decode_id_row(value);
    if (!row) return;
    named_changes_ += change_hash(row->seq, key);
    if (row->exists) ++existing_[std::string(key.substr(0, key.find('\0')))];
    std::string chunk_key;
    append_be32(chunk_key, row->segment);
    append_be32(chunk_key, row->local / living_chunk);
    const auto chunk = living_.find(read_be64(chunk_key));
    const std::uint32_t bit = row->local % living_chunk;
    if (chunk == living_.end() || bit / 8 >= chunk->second.size() ||
        !(static_cast<unsigned char>(chunk->second[bit / 8]) >> bit % 8 & 1)) {
      ids_lead_astray_ = true;
      return;
    }
    char& byte = chunk->second[bit / 8];
    byte = static_cast<char>(static_cast<unsigned char>(byte) & ~(1U << bit % 8));
  }

  Result<void> check_meta() {
    const auto row = [this](std::string_view key) -> std::string_view {
      const auto entry = meta_.find(key);
      return entry == meta_.end() ? std::string_view() : std::string_view(entry->second);
    };
    const auto format = identity_format(row(meta_identity));
    const bool known = format && *format >= oldest_format && *format <= format_version;
    if (format && !known && state(Table::meta) == State::whole) return foreign_format(*format);
    health_.format = known ? *format : format_version;
    const auto sums = decode_sums(row(meta_sums));
    if (sums && sums->size() == table_count) written_ = *sums;
    counts_ = decode_counts(row(meta_counts));
    health_.meta = state(Table::meta) == State::whole && format && !written_.empty() && counts_ &&
                   decode_identity(row(meta_identity)) && decode_state(row(meta_state));
    if (!health_.meta) found("the meta table's rows are unreadable");
    return {};
  }

  void compare_sums() {
    for (std::size_t i = 0; i < table_count && !written_.empty(); ++i) {
      const auto table = static_cast<Table>(i);
      if (state(table) == State::broken || sums_[i] == written_[i]) continue;
      state(table) = State::differs;
      if (differs_ >> i & 1U) continue;  // said already
      found(in_table(table) + " has " + std::to_string(sums_[i].entries) + " entries, " +
            std::to_string(written_[i].entries) + " were written; or their contents differ");
    }
  }

  // Of tables that are as they were written: no disk does this, only a fault of jcn's own.
  void compare_tables() {
    const bool any_left = std::any_of(living_.begin(), living_.end(), [](const auto& chunk) {
      return chunk.second.find_first_not_of('\0') != std::string::npos;
    });
    if (ids_lead_astray_ || any_left) {
      state(Table::living) = State::differs;
      found("the living are not those that ids lead to");
    }
    if (changes_ != named_changes_) {
      state(Table::changes) = State::differs;
      found("the changes are not those of the records and tombstones");
    }
    if (rejects_ != rejected_) {
      state(Table::rejects) = State::differs;
      found("the rejects are not those among the files");
    }
    const auto entries = [this](Table table) {
      return sums_[static_cast<std::size_t>(table)].entries;
    };
    if (counts_->records != existing_ || counts_->fragments != entries(Table::files) ||
        counts_->rejects != entries(Table::rejects)) {
      health_.counts = false;
      found("files or records are not as many as are counted");
    }
  }

  LmdbPages pages_;
  const VerifyProgress& progress_;
  std::uint64_t told_ = 0;
  IndexHealth health_;
  std::array<TableSum, table_count> sums_{};
  std::vector<TableSum> written_;
  std::optional<IndexCounts> counts_;
  unsigned differs_ = 0;  // tables with a block that does not match its checksum, as bits
  std::map<std::string, std::string, std::less<>> meta_;
  std::map<std::uint64_t, std::string> living_;  // bitmaps by key; what ids led to is taken out
  bool ids_lead_astray_ = false;
  std::uint64_t changes_ = 0, named_changes_ = 0;  // sums of hashes
  std::uint64_t rejects_ = 0, rejected_ = 0;       // sums of hashes
  std::map<std::string, std::uint64_t> existing_;  // records, by kind
};

// The pages of the state that a reader holds. A commit between its begin and the look at the meta
// pages makes it begin again, and so does one that has not lengthened the file yet.
constexpr int most_begins = 50, begins_in_one_state = 4;

Result<IndexHealth> examine_generation(const std::string& folder, const VerifyProgress& progress) {
  EnvOptions options;
  options.tables = false;
  JCN_TRY(const auto env, LmdbEnv::open(folder, options));
  std::uint64_t last_txn = 0;
  for (int begins = 1, in_one_state = 1;; ++begins) {
    JCN_TRY(const ReadTxn txn, env->begin_read());
    Result<LmdbPages> pages = LmdbPages::open(folder, txn.id());
    if (pages) return Examination(std::move(*pages), progress).run();
    in_one_state = txn.id() == last_txn ? in_one_state + 1 : 1;
    last_txn = txn.id();
    const bool damaged = begins == most_begins || in_one_state == begins_in_one_state;
    if (pages.error().code != Code::index_damaged || damaged) return pages.error();
    const timespec pause{0, 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
}

}  // namespace

IndexHealth broken_health(std::string why) {
  IndexHealth health;
  health.state.fill(State::broken);
  health.meta = health.free_pages = health.counts = false;
  health.findings.push_back(std::move(why));
  return health;
}

bool IndexHealth::whole() const {
  return meta && free_pages && counts &&
         std::all_of(state.begin(), state.end(), [](State table) { return table == State::whole; });
}

bool IndexHealth::only_blocks() const {
  if (!meta || !free_pages || !counts) return false;
  for (std::size_t i = 0; i < table_count; ++i) {
    const auto table = static_cast<Table>(i);
    const bool sealed =
        table == Table::segments || table == Table::bodies || table == Table::dictionaries;
    if (state[i] == State::broken || (state[i] == State::differs && !sealed)) return false;
  }
  return !whole();
}

Result<IndexHealth> examine_index(const std::string& index_folder, const VerifyProgress& progress) {
  return with_current(index_folder, [&progress](const std::string& path) {
    Result<IndexHealth> health = examine_generation(path, progress);
    if (health || health.error().code != Code::index_damaged) return health;
    return Result<IndexHealth>(broken_health(health.error().message));
  });
}

Result<VerifyReport> verify_index(const std::string& index_folder) {
  JCN_TRY(const IndexHealth health, examine_index(index_folder));
  if (!health.whole()) return damaged(health.findings.empty() ? "?" : health.findings.front());
  if (health.format != format_version) return foreign_format(health.format);
  return health.report;
}

std::string encode_health(const IndexHealth& health) {
  std::string bytes;
  ByteWriter out(bytes);
  out.varint(health.format);
  for (const State table : health.state) out.u8(static_cast<std::uint8_t>(table));
  out.u8(static_cast<std::uint8_t>((health.meta ? 1 : 0) | (health.free_pages ? 2 : 0) |
                                   (health.counts ? 4 : 0)));
  for (const std::uint64_t number :
       {health.report.entries, health.report.bytes, health.report.blocks, health.report.records}) {
    out.varint(number);
  }
  out.varint(health.findings.size());
  for (const std::string& finding : health.findings) out.text(finding);
  seal(bytes);
  return bytes;
}

std::optional<IndexHealth> decode_health(std::string_view bytes) {
  const auto payload = unseal(bytes);
  if (!payload) return std::nullopt;
  ByteReader in(*payload);
  IndexHealth health;
  health.format = in.varint32();
  for (State& table : health.state) {
    const std::uint8_t state = in.u8();
    if (state > static_cast<std::uint8_t>(State::broken)) return std::nullopt;
    table = static_cast<State>(state);
  }
  const std::uint8_t flags = in.u8();
  health.meta = flags & 1;
  health.free_pages = flags & 2;
  health.counts = flags & 4;
  for (std::uint64_t* number : {&health.report.entries, &health.report.bytes, &health.report.blocks,
                                &health.report.records}) {
    *number = in.varint();
  }
  const std::uint64_t findings = in.varint();
  for (std::uint64_t i = 0; i < findings && in.ok(); ++i) health.findings.emplace_back(in.text());
  if (!in.done()) return std::nullopt;
  return health;
}

}  // namespace jcn
