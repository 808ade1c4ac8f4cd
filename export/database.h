// SQLite behind move-only handles, with failures as values. The only room that knows sqlite3.h
// (tools/check). A Database and its Statements belong to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jcn/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace jcn_export {

class Statement {
 public:
  // Parameters are numbered from 1. Texts are not copied: they have to last until the statement was
  // stepped or reset. What is not bound since clear() is NULL.
  void clear();
  void bind(int parameter, std::string_view text);
  void bind(int parameter, std::int64_t value);
  void bind(int parameter, double value);

  // Of one that gives no rows; it can be bound and run again.
  jcn::Result<void> run();
  // True: stands on a row; false: there are no more, and it can be bound and stepped again.
  jcn::Result<bool> step();
  void reset();
  // Of the row that it stands on, numbered from 0. Views last until the next step.
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  enum class Access { make, change, read };
  static jcn::Result<Database> open(const std::string& path, Access access);

  // One statement or several.
  jcn::Result<void> run(const std::string& sql);
  jcn::Result<void> run_all(const std::vector<std::string>& statements);
  jcn::Result<Statement> prepare(const std::string& sql);
  // The first value of the first row; absent: no row.
  jcn::Result<std::optional<std::string>> value(const std::string& sql);
  // `goes_on` is asked every few thousand steps; once it returns false, what runs ends with an
  // error.
  void watch(std::function<bool()> goes_on);
  // A pending write of another program is waited for so long.
  void wait_for_locks(int milliseconds);
  std::int64_t changes() const;  // rows that the last statement changed
  // Closing tells nothing of data that was not committed. Errors: system.
  jcn::Result<void> close();

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}
  jcn::Error failure(const std::string& doing) const;
  std::unique_ptr<sqlite3, Close> database_;
  std::unique_ptr<std::function<bool()>> goes_on_;  // stands still when the Database moves
};

// A transaction that is rolled back unless it was committed.
class WriteTransaction {
 public:
  // Errors: system (another program writes).
  static jcn::Result<WriteTransaction> begin(Database& database);
  WriteTransaction(WriteTransaction&& other) noexcept
      : database_(std::exchange(other.database_, nullptr)) {}
  WriteTransaction& operator=(WriteTransaction&&) = delete;
  ~WriteTransaction();
  jcn::Result<void> commit();

 private:
  explicit WriteTransaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace jcn_export
