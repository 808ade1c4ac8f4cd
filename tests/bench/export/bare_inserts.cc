// The peer of jcn-export: the same rows into the same tables with the same indexes, by prepared
// statements and nothing else.
//   bare_inserts FROM TO: reads all rows of FROM, an exported file, into memory; then writes TO,
//   and prints how many rows it wrote in how many seconds. Reading is not counted.
#include <sqlite3.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace {

using Value = std::variant<std::monostate, sqlite3_int64, double, std::string_view>;

struct Table {
  std::string name, sql;
  std::vector<std::string> indexes;
  std::size_t columns = 0;
  std::vector<Value> values;  // row after row
};

[[noreturn]] void fail(sqlite3* database, const char* doing) {
  std::fprintf(stderr, "bare_inserts: %s: %s\n", doing, sqlite3_errmsg(database));
  std::exit(1);
}

void run(sqlite3* database, const std::string& sql) {
  if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    fail(database, sql.c_str());
  }
}

sqlite3_stmt* prepare(sqlite3* database, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    fail(database, sql.c_str());
  }
  return statement;
}

// Texts of all rows, end to end; they never move.
class Texts {
 public:
  std::string_view keep(std::string_view text) {
    if (text.size() > left_) {
      left_ = std::max<std::size_t>(text.size(), 1 << 24);
      chunks_.push_back(std::make_unique<char[]>(left_));
      at_ = chunks_.back().get();
    }
    char* begin = at_;
    text.copy(begin, text.size());
    at_ += text.size();
    left_ -= text.size();
    return {begin, text.size()};
  }

 private:
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* at_ = nullptr;
  std::size_t left_ = 0;
};

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::vector<std::vector<std::string>> rows_of(sqlite3* database, const std::string& sql) {
  std::vector<std::vector<std::string>> rows;
  sqlite3_stmt* statement = prepare(database, sql);
  while (sqlite3_step(statement) == SQLITE_ROW) {
    std::vector<std::string> row;
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      row.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, i)));
    }
    rows.push_back(std::move(row));
  }
  sqlite3_finalize(statement);
  return rows;
}

void read_rows(sqlite3* database, Table& table, Texts& texts) {
  sqlite3_stmt* statement = prepare(database, "SELECT * FROM \"" + table.name + '"');
  table.columns = static_cast<std::size_t>(sqlite3_column_count(statement));
  while (sqlite3_step(statement) == SQLITE_ROW) {
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      switch (sqlite3_column_type(statement, i)) {
        case SQLITE_NULL:
          table.values.emplace_back();
          break;
        case SQLITE_INTEGER:
          table.values.emplace_back(sqlite3_column_int64(statement, i));
          break;
        case SQLITE_FLOAT:
          table.values.emplace_back(sqlite3_column_double(statement, i));
          break;
        default:
          table.values.emplace_back(
              texts.keep({reinterpret_cast<const char*>(sqlite3_column_text(statement, i)),
                          static_cast<std::size_t>(sqlite3_column_bytes(statement, i))}));
      }
    }
  }
  sqlite3_finalize(statement);
}

void write_rows(sqlite3* database, const Table& table) {
  std::string sql = "INSERT INTO \"" + table.name + "\" VALUES (";
  for (std::size_t i = 0; i < table.columns; ++i) sql += i == 0 ? "?" : ",?";
  sqlite3_stmt* statement = prepare(database, sql + ')');
  for (std::size_t at = 0; at < table.values.size(); at += table.columns) {
    for (std::size_t i = 0; i < table.columns; ++i) {
      const int parameter = static_cast<int>(i) + 1;
      const Value& value = table.values[at + i];
      if (const auto* text = std::get_if<std::string_view>(&value)) {
        sqlite3_bind_text64(statement, parameter, text->data(), text->size(), SQLITE_STATIC,
                            SQLITE_UTF8);
      } else if (const auto* whole = std::get_if<sqlite3_int64>(&value)) {
        sqlite3_bind_int64(statement, parameter, *whole);
      } else if (const auto* real = std::get_if<double>(&value)) {
        sqlite3_bind_double(statement, parameter, *real);
      } else {
        sqlite3_bind_null(statement, parameter);
      }
    }
    if (sqlite3_step(statement) != SQLITE_DONE) fail(database, "insert");
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: bare_inserts FROM TO\n", stderr);
    return 2;
  }
  sqlite3* from = nullptr;
  if (sqlite3_open_v2(argv[1], &from, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK) {
    fail(from, argv[1]);
  }
  Texts texts;
  std::vector<Table> tables;
  for (auto& row :
       rows_of(from,
               "SELECT s.name, s.sql FROM sqlite_schema AS s JOIN pragma_table_list AS l "
               "ON l.name = s.name WHERE l.type = 'table' AND s.type = 'table' "
               "ORDER BY s.rowid")) {
    tables.push_back({row[0], row[1], {}, 0, {}});
    read_rows(from, tables.back(), texts);
  }
  const auto later = rows_of(from,
                             "SELECT sql FROM sqlite_schema WHERE type IN ('index', 'view') AND "
                             "sql IS NOT NULL ORDER BY rowid");
  const auto search = rows_of(from,
                              "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND "
                              "rootpage = 0");
  sqlite3_close(from);

  std::remove(argv[2]);
  const auto begun = std::chrono::steady_clock::now();
  const double used = processor_seconds();
  sqlite3* to = nullptr;
  if (sqlite3_open(argv[2], &to) != SQLITE_OK) fail(to, argv[2]);
  run(to,
      "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
      "PRAGMA cache_size = -65536; PRAGMA threads = 2; BEGIN");
  std::size_t rows = 0;
  for (const Table& table : tables) {
    run(to, table.sql);
    if (table.columns > 0) rows += table.values.size() / table.columns;
    write_rows(to, table);
  }
  for (const auto& index : later) run(to, index[0]);
  for (const auto& each : search) {
    run(to, each[1]);
    run(to, "INSERT INTO \"" + each[0] + "\" (\"" + each[0] + "\") VALUES ('rebuild')");
  }
  run(to, "COMMIT");
  sqlite3_close(to);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("{\"rows\": %zu, \"seconds\": %.3f, \"cpu_seconds\": %.3f}\n", rows, took.count(),
              processor_seconds() - used);
  return 0;
}
