#include "incremental.h"

#include <set>

#include "jcn/changes.h"
#include "kept_shapes.h"
#include "row_writer.h"
#include "standing_rows.h"
#include "tables.h"

namespace jcn_export {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Record;
using jcn::RecordKey;
using jcn::Result;

constexpr int patience_ms = 10'000;  // with another program that writes the file
constexpr const char* anew = "run it without --incremental, which makes a new file";

// What `_jcn` says of the file.
struct Head {
  std::string uuid, selection, rules;
  std::uint64_t sequence = 0;
};

// The rows of one kind whose tables stay as they are.
class KindRows {
 public:
  static Result<KindRows> make(Database& file, const KindPlan& plan, const Shapes& shapes) {
    KindRows rows;
    JCN_TRY(RowWriter writer, RowWriter::make(file, plan, shapes));
    rows.writer_.emplace(std::move(writer));
    JCN_TRY(Statement remove, file.prepare("DELETE FROM " + quoted(plan.table) + " WHERE id = ?"));
    rows.by_id_.push_back(std::move(remove));
    for (const ChildTable& child : plan.children) {
      JCN_TRY(Statement elements, file.prepare("DELETE FROM " + quoted(child.table) + " WHERE " +
                                               quoted(plan.parent) + " = ?"));
      rows.by_id_.push_back(std::move(elements));
    }
    if (plan.search_table.empty()) return rows;
    std::string columns;
    for (const Column& column : plan.columns) {
      if (column.searched) columns += ", " + quoted(column.name);
    }
    const std::string search = quoted(plan.search_table);
    const std::string rest = "rowid" + columns + " FROM " + quoted(plan.table) + " WHERE id = ?";
    // FTS5 keeps no texts: it is told what it has to forget.
    JCN_TRY(rows.forget_, file.prepare("INSERT INTO " + search + " (" + search + ", rowid" +
                                       columns + ") SELECT 'delete', " + rest));
    JCN_TRY(rows.learn_,
            file.prepare("INSERT INTO " + search + " (rowid" + columns + ") SELECT " + rest));
    return rows;
  }

  Result<void> remove(const std::string& id) {
    if (forget_) JCN_CHECK(run(*forget_, id));
    for (Statement& statement : by_id_) JCN_CHECK(run(statement, id));
    return {};
  }

  Result<void> insert(const Record& record) {
    JCN_CHECK(writer_->insert(record));
    return learn_ ? run(*learn_, record.key.id) : Result<void>();
  }

 private:
  static Result<void> run(Statement& statement, const std::string& id) {
    statement.bind(1, id);
    return statement.run();
  }

  std::optional<RowWriter> writer_;
  std::vector<Statement> by_id_;  // that remove a record's rows
  std::optional<Statement> forget_, learn_;
};

class Updating {
 public:
  Updating(Database& file, const Source& source, const Progress& progress)
      : file_(file), source_(source), progress_(progress) {}

  Result<Update> run() {
    file_.wait_for_locks(patience_ms);
    file_.watch([this] { return progress_("updating", done_, keys_.size()); });
    JCN_TRY(WriteTransaction transaction, WriteTransaction::begin(file_));
    JCN_TRY(std::string reason, look());
    if (!reason.empty()) return Update{{}, std::move(reason)};
    JCN_TRY(shapes_, read_shapes(file_));
    before_ = plan_tables(shapes_, source_.rules.search_scopes);
    JCN_CHECK(check_tables());
    JCN_CHECK(count_changes());
    after_ = plan_tables(shapes_, source_.rules.search_scopes);
    JCN_CHECK(remake_kinds());
    JCN_CHECK(write_changes());
    JCN_CHECK(write_the_rest());
    if (!progress_("updating", done_, keys_.size())) return stopped();
    JCN_CHECK(transaction.commit());
    return Update{std::move(exported_), {}};
  }

 private:
  // Why it has to be made anew; empty: it need not be.
  Result<std::string> look() {
    JCN_TRY(const auto version, file_.value("PRAGMA user_version"));
    if (version != std::to_string(schema_version)) return std::string("it has older tables");
    JCN_TRY(const Head head, read_head());
    if (head.uuid != source_.snapshot.uuid()) {
      return Error{Code::bad_usage, "the file is a snapshot of another index", anew};
    }
    if (head.selection != source_.selection.text()) {
      return Error{Code::bad_usage,
                   "the file has other records: its selection is '" + head.selection + "'",
                   "give the same --kind and filters, or run it without --incremental"};
    }
    if (head.rules != rules_mark(source_.snapshot)) return std::string("the rules have changed");
    sequence_ = head.sequence;
    JCN_TRY(const jcn::FeedHorizon horizon,
            jcn::feed_horizon(source_.snapshot, {.seq = sequence_, .until = 0}));
    if (!horizon.continues) return std::string("the index no longer knows all changes since then");
    return std::string();
  }

  Result<Head> read_head() {
    JCN_TRY(Statement row,
            file_.prepare(R"(SELECT "uuid", "selection", "rules", "sequence" FROM "_jcn")"));
    JCN_TRY(const bool there, row.step());
    if (!there) return Error{Code::bad_usage, "the file does not say what it is", anew};
    return Head{std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)),
                static_cast<std::uint64_t>(row.integer(3))};
  }

  // That nobody changed the tables. (What others added beside them is theirs.)
  Result<void> check_tables() {
    std::set<std::string> found;
    JCN_TRY(Statement row, file_.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"));
    for (;;) {
      JCN_TRY(const bool more, row.step());
      if (!more) break;
      found.emplace(row.text(0));
    }
    std::vector<std::string> wanted = standing_tables_sql();
    const auto add = [&](const std::vector<std::string>& more) {
      wanted.insert(wanted.end(), more.begin(), more.end());
    };
    add(standing_indexes_sql());
    for (const KindPlan& kind : before_.kinds) {
      add(kind_tables_sql(kind));
      add(kind_indexes_sql(kind));
      if (!kind.search_table.empty()) add({search_table_sql(kind)});
    }
    for (const std::string& sql : wanted) {
      if (found.contains(sql)) continue;
      return Error{Code::bad_usage,
                   "another program changed the file's tables: this one is not there: " +
                       sql.substr(0, sql.find('\n')),
                   anew};
    }
    return {};
  }

  // Takes what was from the counts, and adds what is.
  Result<void> count_changes() {
    JCN_TRY(const auto kinds, selected_kinds(source_.snapshot, source_.rules, source_.selection));
    const std::set<std::string> selected(kinds.begin(), kinds.end());
    JCN_CHECK(jcn::for_each_change(source_.snapshot, sequence_, [&](const jcn::Change& change) {
      if (selected.contains(change.key.kind)) keys_.push_back(change.key);
      return true;
    }));
    std::map<std::string, Statement> documents;
    for (const KindPlan& kind : before_.kinds) {
      JCN_TRY(Statement document,
              file_.prepare("SELECT _doc FROM " + quoted(kind.table) + " WHERE id = ?"));
      documents.emplace(kind.kind, std::move(document));
    }
    for (const RecordKey& key : keys_) {
      if (const auto found = documents.find(key.kind); found != documents.end()) {
        Statement& document = found->second;
        document.bind(1, key.id);
        JCN_TRY(const bool there, document.step());
        if (there) shapes_.at(key.kind).remove(document.text(0));
        document.reset();
      }
      JCN_TRY(const std::optional<Record> record, selected_record(key));
      if (record && record->exists) shapes_[key.kind].add(record->document);
    }
    return {};
  }

  // As a new export would find it.
  Result<std::optional<Record>> selected_record(const RecordKey& key) const {
    JCN_TRY(std::optional<Record> record, source_.snapshot.record(key));
    const bool all = source_.selection.everything_of_a_kind();
    if (!record || all) return record;
    if (record->exists && jcn::matches_all(source_.selection.filters, *record)) return record;
    return std::optional<Record>();
  }

  // Kinds whose tables are others now are written anew, from the index. Of the rest indexes may
  // come and go. Names are free once all that goes is gone.
  Result<void> remake_kinds() {
    std::vector<std::string> create;
    for (const KindPlan& kind : before_.kinds) {
      const KindPlan* now = after_.kind(kind.kind);
      if (!now || !same_tables(*now, kind)) {
        JCN_CHECK(file_.run_all(drop_kind_sql(kind)));
        continue;
      }
      kept_.insert(kind.kind);
      IndexChanges changes = index_changes_sql(kind, *now);
      JCN_CHECK(file_.run_all(changes.drop));
      create.insert(create.end(), changes.create.begin(), changes.create.end());
    }
    for (const KindPlan& kind : after_.kinds) {
      if (!kept_.contains(kind.kind)) JCN_CHECK(make_kind(kind));
    }
    return file_.run_all(create);
  }

  Result<void> make_kind(const KindPlan& kind) {
    JCN_CHECK(file_.run_all(kind_tables_sql(kind)));
    JCN_TRY(RowWriter writer, RowWriter::make(file_, kind, shapes_.at(kind.kind)));
    const RecordVisit insert = [&](const Record& record) {
      return record.exists ? writer.insert(record) : Result<void>();
    };
    JCN_CHECK(
        for_each_selected(source_.snapshot, source_.rules, source_.selection, kind.kind, insert));
    JCN_CHECK(file_.run_all(kind_indexes_sql(kind)));
    if (kind.search_table.empty()) return {};
    JCN_CHECK(file_.run(search_table_sql(kind)));
    return file_.run_all(fill_search_sql(kind));
  }

  Result<void> write_changes() {
    std::map<std::string, KindRows> rows;
    for (const KindPlan& kind : after_.kinds) {
      if (!kept_.contains(kind.kind)) continue;
      JCN_TRY(KindRows made, KindRows::make(file_, kind, shapes_.at(kind.kind)));
      rows.emplace(kind.kind, std::move(made));
    }
    JCN_TRY(SourceRows sources, SourceRows::make(file_, source_));
    JCN_TRY(Statement provenance,
            file_.prepare(R"(DELETE FROM "provenance" WHERE "kind" = ? AND "id" = ?)"));
    JCN_TRY(Statement fragments,
            file_.prepare(R"(DELETE FROM "fragments" WHERE "kind" = ? AND "id" = ?)"));
    for (const RecordKey& key : keys_) {
      for (Statement* statement : {&provenance, &fragments}) {
        statement->bind(1, key.kind);
        statement->bind(2, key.id);
        JCN_CHECK(statement->run());
      }
      JCN_TRY(const std::optional<Record> record, selected_record(key));
      if (record) JCN_CHECK(sources.insert(*record));
      if (const auto found = rows.find(key.kind); found != rows.end()) {
        JCN_CHECK(found->second.remove(key.id));
        if (record && record->exists) JCN_CHECK(found->second.insert(*record));
      }
      ++done_;
    }
    return {};
  }

  Result<void> write_the_rest() {
    JCN_CHECK(file_.run(R"(DELETE FROM "rejects"; DELETE FROM "_columns"; DELETE FROM "_shapes";
                           DELETE FROM "_jcn")"));
    JCN_TRY(exported_.rejects, insert_rejects(file_, source_.snapshot));
    JCN_CHECK(insert_columns(file_, after_, shapes_));
    JCN_CHECK(insert_shapes(file_, shapes_));
    JCN_CHECK(insert_head(file_, source_));
    describe(exported_, source_, after_, shapes_);
    exported_.changes = keys_.size();
    return {};
  }

  Database& file_;
  const Source& source_;
  const Progress& progress_;
  std::uint64_t sequence_ = 0;
  ShapesByKind shapes_;  // of the file; then of what it becomes
  Plan before_, after_;
  std::vector<RecordKey> keys_;  // that changed
  std::set<std::string> kept_;   // kinds whose tables stay
  std::uint64_t done_ = 0;
  Exported exported_;
};

}  // namespace

Result<Update> update_file(const std::string& path, const Source& source,
                           const Progress& progress) {
  JCN_TRY(Database file, Database::open(path, Database::Access::change));
  Result<Update> updated = Updating(file, source, progress).run();
  file.watch([] { return true; });  // what was watched is gone
  if (updated) JCN_CHECK(file.close());
  return updated;
}

}  // namespace jcn_export
