#include "incremental.h"

#include <algorithm>
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

Error changed_by_others(const std::string& finding) {
  return Error{Code::bad_usage, "another program changed the file: " + finding, anew};
}

// What `_jcn` says of the file.
struct Head {
  std::string uuid, selection, rules, version;
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
      : file_(file), source_(source), pace_(progress) {}

  Result<Update> run() {
    file_.wait_for_locks(patience_ms);
    file_.watch([this] { return pace_.tell(); });
    pace_.begin("looking", 0);
    JCN_TRY(WriteTransaction transaction, WriteTransaction::begin(file_));
    JCN_TRY(std::string reason, look());
    if (!reason.empty()) return Update{{}, std::move(reason)};
    JCN_TRY(kinds_, selected_kinds(source_.snapshot, source_.rules, source_.selection));
    JCN_TRY(shapes_, read_shapes(file_));
    before_ = plan_tables(shapes_, source_.rules.search_scopes);
    JCN_CHECK(check_kinds());
    JCN_CHECK(count_changes());
    after_ = plan_tables(shapes_, source_.rules.search_scopes);
    JCN_CHECK(remake_kinds());
    JCN_CHECK(write_changes());
    JCN_CHECK(write_the_rest());
    if (!pace_.tell()) return stopped();
    JCN_CHECK(transaction.commit());
    return Update{std::move(exported_), {}};
  }

 private:
  // Why it has to be made anew; empty: it need not be.
  Result<std::string> look() {
    JCN_TRY(const auto version, file_.value("PRAGMA user_version"));
    if (version != std::to_string(schema_version)) {
      return std::string("its tables are of another version");
    }
    JCN_TRY(const Head head, read_head());
    // Which may plan other tables for the same records.
    if (head.version != JCN_VERSION) return "jcn-export " + head.version + " wrote it";
    JCN_CHECK(read_schema());
    JCN_CHECK(check_schema(standing_tables_sql()));
    JCN_CHECK(check_schema(standing_indexes_sql()));
    if (head.uuid != source_.snapshot.uuid()) {
      return Error{Code::bad_usage, "the file is a snapshot of another index", anew};
    }
    if (head.selection != source_.selection.text()) {
      return Error{Code::bad_usage,
                   "the file has other records: its selection is '" + head.selection + "'",
                   "give the same --kind, filters and searches, or run it without --incremental"};
    }
    if (head.rules != rules_mark(source_.snapshot)) return std::string("the rules have changed");
    sequence_ = head.sequence;
    JCN_TRY(const jcn::FeedHorizon horizon,
            jcn::feed_horizon(source_.snapshot, {.seq = sequence_, .until = 0}));
    if (!horizon.continues) return std::string("the index no longer knows all changes since then");
    return std::string();
  }

  Result<Head> read_head() {
    auto row =
        file_.prepare(R"(SELECT "uuid", "selection", "rules", "version", "sequence" FROM "_jcn")");
    if (!row) return changed_by_others("there is no _jcn as it was made");
    JCN_TRY(const bool there, row->step());
    if (!there) return changed_by_others("_jcn is empty");
    return Head{std::string(row->text(0)), std::string(row->text(1)), std::string(row->text(2)),
                std::string(row->text(3)), static_cast<std::uint64_t>(row->integer(4))};
  }

  Result<void> read_schema() {
    JCN_TRY(Statement row, file_.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"));
    for (;;) {
      JCN_TRY(const bool more, row.step());
      if (!more) return {};
      schema_.emplace(row.text(0));
    }
  }

  // That tables are as they were made. (What others added beside them is theirs.)
  Result<void> check_schema(const std::vector<std::string>& wanted) const {
    for (const std::string& sql : wanted) {
      if (schema_.contains(sql)) continue;
      return changed_by_others("this is not there: " + sql.substr(0, sql.find('\n')));
    }
    return {};
  }

  // The same of the kinds' tables, and that nobody added records or took some away.
  Result<void> check_kinds() {
    for (const std::string& kind : kinds_) {
      if (!shapes_.contains(kind)) return changed_by_others("_shapes has nothing of " + kind);
    }
    for (const KindPlan& kind : before_.kinds) {
      JCN_CHECK(check_schema(kind_tables_sql(kind)));
      JCN_CHECK(check_schema(kind_indexes_sql(kind)));
      if (!kind.search_table.empty()) JCN_CHECK(check_schema({search_table_sql(kind)}));
      JCN_TRY(const auto rows, file_.value("SELECT count(*) FROM " + quoted(kind.table)));
      const std::string counted = std::to_string(shapes_.at(kind.kind).records());
      if (rows == counted) continue;
      return changed_by_others(kind.table + " has " + rows.value_or("no") + " rows, not " +
                               counted);
    }
    return {};
  }

  // Takes what was from the counts, and adds what is.
  Result<void> count_changes() {
    JCN_CHECK(jcn::for_each_change(source_.snapshot, sequence_, [&](const jcn::Change& change) {
      if (source_.selection.has_kind(change.key.kind)) keys_.push_back(change.key);
      return true;
    }));
    JCN_TRY(selected_,
            which_are_selected(source_.snapshot, source_.rules, source_.selection, keys_));
    pace_.begin("looking", keys_.size());
    std::map<std::string, Statement> documents;
    for (const KindPlan& kind : before_.kinds) {
      JCN_TRY(Statement document, file_.prepare(R"(SELECT "_doc", "_rev" FROM )" +
                                                quoted(kind.table) + R"( WHERE "id" = ?)"));
      documents.emplace(kind.kind, std::move(document));
    }
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      const RecordKey& key = keys_[i];
      if (const auto found = documents.find(key.kind); found != documents.end()) {
        JCN_CHECK(forget_document(found->second, key));
      }
      JCN_TRY(const std::optional<Record> record, selected_record(i));
      if (record && record->exists) shapes_[key.kind].add(record->document);
      JCN_CHECK(pace_.one_more());
    }
    // Kinds that no rule names any more are there while they have records.
    std::erase_if(shapes_, [this](const auto& each) {
      return std::find(kinds_.begin(), kinds_.end(), each.first) == kinds_.end();
    });
    return {};
  }

  Result<void> forget_document(Statement& row, const RecordKey& key) {
    row.bind(1, key.id);
    JCN_TRY(const bool there, row.step());
    if (there) {
      const std::string_view document = row.text(0);
      if (jcn::hash128(document).hex() != row.text(1)) {
        return changed_by_others("_doc of " + key.kind + " " + key.id + " is not what _rev says");
      }
      shapes_.at(key.kind).remove(document);
    }
    row.reset();
    return {};
  }

  // As a new export would find it.
  Result<std::optional<Record>> selected_record(std::size_t place) const {
    if (!selected_[place]) return std::optional<Record>();
    return source_.snapshot.record(keys_[place]);
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
    const RecordVisit insert = [&](const Record& record) -> Result<void> {
      if (record.exists) JCN_CHECK(writer.insert(record));
      return pace_.one_more();
    };
    pace_.begin("writing", count_records(source_.snapshot, {kind.kind}));
    JCN_CHECK(
        for_each_selected(source_.snapshot, source_.rules, source_.selection, kind.kind, insert));
    pace_.begin("indexing", 0);
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
    pace_.begin("updating", keys_.size());
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      const RecordKey& key = keys_[i];
      for (Statement* statement : {&provenance, &fragments}) {
        statement->bind(1, key.kind);
        statement->bind(2, key.id);
        JCN_CHECK(statement->run());
      }
      JCN_TRY(const std::optional<Record> record, selected_record(i));
      if (record) JCN_CHECK(sources.insert(*record));
      if (const auto found = rows.find(key.kind); found != rows.end()) {
        JCN_CHECK(found->second.remove(key.id));
        if (record && record->exists) JCN_CHECK(found->second.insert(*record));
      }
      JCN_CHECK(pace_.one_more());
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
  Pace pace_;
  std::uint64_t sequence_ = 0;
  std::set<std::string> schema_;    // SQL of what the file has
  std::vector<std::string> kinds_;  // that a new file would have
  ShapesByKind shapes_;             // of the file; then of what it becomes
  Plan before_, after_;
  std::vector<RecordKey> keys_;  // that changed
  std::vector<bool> selected_;   // of them
  std::set<std::string> kept_;   // kinds whose tables stay
  Exported exported_;
};

}  // namespace

Result<Update> update_file(const std::string& path, const Source& source,
                           const Progress& progress) {
  JCN_TRY(Database file, Database::open(path, Database::Access::change));
  Result<Update> updated = Updating(file, source, progress).run();
  file.watch([] { return true; });  // what was watched is gone
  const Result<void> closed = file.close();
  if (updated) {
    JCN_CHECK(closed);
    return updated;
  }
  // After an error of the disk SQLite leaves the journal to whoever opens the file next. That may
  // be a program that may only read, and can't.
  if (auto again = Database::open(path, Database::Access::change)) {
    (void)again->value("SELECT count(*) FROM sqlite_schema");
  }
  return updated;
}

}  // namespace jcn_export
