#include "verify.h"

#include <array>
#include <bit>

#include "encoding.h"
#include "generation.h"
#include "keys.h"
#include "rows.h"

namespace jcn {
namespace {

bool sealed_value(Table table, std::string_view key) {
  return table == Table::segments || table == Table::dictionaries || table == Table::bodies ||
         (table == Table::meta && key != meta_sums && !key.starts_with("lost:"));
}

class Walk {
 public:
  explicit Walk(const Transaction& txn) : txn_(txn) {}

  Result<VerifyReport> run() {
    JCN_TRY(const auto stored, txn_.get(Table::meta, meta_sums));
    const auto sums = stored ? decode_sums(*stored) : std::nullopt;
    if (!sums || sums->size() != table_count) return damaged("the tables' sums are unreadable");
    for (std::size_t i = 0; i < table_count; ++i) {
      const auto table = static_cast<Table>(i);
      JCN_TRY(const TableSum found, walk(table));
      if (found != (*sums)[i]) {
        return damaged("table " + std::string(table_name(table)) + " has " +
                       std::to_string(found.entries) + " entries, " +
                       std::to_string((*sums)[i].entries) +
                       " were written; or their contents differ");
      }
    }
    if (living_ != report_.records) return damaged("the living are not those that ids lead to");
    return report_;
  }

 private:
  Result<TableSum> walk(Table table) {
    TableSum found;
    JCN_TRY(Cursor cursor, txn_.cursor(table));
    JCN_TRY(bool more, cursor.seek({}));
    std::string last;
    while (more) {
      const std::string_view key = cursor.key(), value = cursor.value();
      if (found.entries > 0 && key <= last) {
        return damaged("table " + std::string(table_name(table)) + " is out of order");
      }
      last = key;
      if (table != Table::meta || key != meta_sums) {
        ++found.entries;
        found.sum += entry_hash(key, value);
        report_.bytes += key.size() + value.size();
        JCN_CHECK(check_value(table, key, value));
      }
      JCN_TRY(more, cursor.next());
    }
    report_.entries += found.entries;
    return found;
  }

  Result<void> check_value(Table table, std::string_view key, std::string_view value) {
    if (sealed_value(table, key) && !unseal(value)) {
      return damaged("a block of table " + std::string(table_name(table)) +
                     " does not match its checksum");
    }
    if (table == Table::segments) ++report_.blocks;
    if (table == Table::ids) ++report_.records;
    if (table == Table::living) {
      for (const char byte : value) {
        living_ += static_cast<std::uint64_t>(std::popcount(static_cast<unsigned char>(byte)));
      }
    }
    return {};
  }

  const Transaction& txn_;
  VerifyReport report_;
  std::uint64_t living_ = 0;
};

}  // namespace

Result<VerifyReport> verify_tables(const Transaction& txn) {
  return Walk(txn).run();
}

Result<VerifyReport> verify_index(const std::string& index_folder) {
  JCN_TRY(const std::optional<std::string> current, read_current(index_folder));
  if (!current) return Error{Code::index_unreadable, "there is no index in " + index_folder, ""};
  JCN_TRY(const auto env, LmdbEnv::open(index_folder + "/" + *current, EnvOptions{}));
  JCN_CHECK(check_format(*env));
  JCN_TRY(const ReadTxn txn, env->begin_read());
  return verify_tables(txn);
}

}  // namespace jcn
