#include "sqlite_export.h"

#include <chrono>

#include "kept_shapes.h"
#include "row_writer.h"
#include "standing_rows.h"
#include "tables.h"

namespace jcn_export {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Record;
using jcn::Result;

// For a file that nobody sees before it is whole: no journal, no waiting for the disk, no other
// program. What is written is synced once, by who puts the file into place.
constexpr const char* pragmas_of_a_new_file =
    "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536; PRAGMA foreign_keys = OFF;"
    "PRAGMA threads = 2; PRAGMA mmap_size = 2147418112;";

Error wrong(const std::string& finding) {
  return Error{Code::internal, "the new file is wrong, and was thrown away: " + finding,
               "run it again; if it stays so, check the disk and the memory of this machine"};
}

class Export {
 public:
  Export(Database& file, const Source& source, const Progress& progress)
      : file_(file), source_(source), pace_(progress) {}

  Result<Exported> run() {
    file_.watch([this] { return pace_.tell(); });
    JCN_CHECK(file_.run(pragmas_of_a_new_file));
    JCN_CHECK(file_.run("PRAGMA application_id = " + std::to_string(application_id) +
                        "; PRAGMA user_version = " + std::to_string(schema_version)));
    JCN_TRY(kinds_, selected_kinds(source_.snapshot, source_.rules, source_.selection));
    JCN_CHECK(count_shapes());
    plan_ = plan_tables(shapes_, source_.rules.search_scopes);
    JCN_TRY(WriteTransaction transaction, WriteTransaction::begin(file_));
    JCN_CHECK(file_.run_all(standing_tables_sql()));
    for (const KindPlan& kind : plan_.kinds) JCN_CHECK(file_.run_all(kind_tables_sql(kind)));
    JCN_CHECK(insert_records());
    JCN_CHECK(insert_the_rest());
    JCN_CHECK(make_indexes());
    JCN_CHECK(transaction.commit());
    return std::move(exported_);
  }

 private:
  // All records of the selected kinds; `visit` is not told of time.
  Result<void> each_record(const char* stage, const RecordVisit& visit) {
    pace_.begin(stage, count_records(source_.snapshot, kinds_));
    const RecordVisit counted = [&](const Record& record) -> Result<void> {
      JCN_CHECK(visit(record));
      return pace_.one_more();
    };
    for (const std::string& kind : kinds_) {
      JCN_CHECK(
          for_each_selected(source_.snapshot, source_.rules, source_.selection, kind, counted));
    }
    return {};
  }

  Result<void> count_shapes() {
    for (const std::string& kind : kinds_) shapes_[kind];  // without records, too
    Shapes* shapes = nullptr;
    std::string kind;
    return each_record("looking", [&](const Record& record) -> Result<void> {
      if (!record.exists) return {};
      if (shapes == nullptr || kind != record.key.kind) {
        kind = record.key.kind;
        shapes = &shapes_[kind];
      }
      shapes->add(record.document);
      return {};
    });
  }

  Result<void> insert_records() {
    JCN_TRY(SourceRows sources, SourceRows::make(file_, source_));
    std::map<std::string, RowWriter> writers;
    for (const KindPlan& kind : plan_.kinds) {
      JCN_TRY(RowWriter writer, RowWriter::make(file_, kind, shapes_.at(kind.kind)));
      writers.emplace(kind.kind, std::move(writer));
    }
    const RecordVisit insert = [&](const Record& record) -> Result<void> {
      JCN_CHECK(sources.insert(record));
      if (!record.exists) return {};
      return writers.at(record.key.kind).insert(record);
    };
    JCN_CHECK(each_record("writing", insert));
    return {};
  }

  Result<void> insert_the_rest() {
    JCN_TRY(exported_.rejects, insert_rejects(file_, source_.snapshot));
    JCN_CHECK(insert_columns(file_, plan_, shapes_));
    JCN_CHECK(insert_shapes(file_, shapes_));
    JCN_CHECK(insert_head(file_, source_));
    describe(exported_, source_, plan_, shapes_);
    return {};
  }

  Result<void> make_indexes() {
    pace_.begin("indexing", 0);
    JCN_CHECK(file_.run_all(standing_indexes_sql()));
    for (const KindPlan& kind : plan_.kinds) {
      JCN_CHECK(file_.run_all(kind_indexes_sql(kind)));
      if (kind.search_table.empty()) continue;
      JCN_CHECK(file_.run(search_table_sql(kind)));
      JCN_CHECK(file_.run_all(fill_search_sql(kind)));
    }
    return {};
  }

  Database& file_;
  const Source& source_;
  Pace pace_;
  std::vector<std::string> kinds_;
  ShapesByKind shapes_;
  Plan plan_;
  Exported exported_;
};

}  // namespace

void describe(Exported& exported, const Source& source, const Plan& plan,
              const ShapesByKind& shapes) {
  exported.uuid = source.snapshot.uuid();
  exported.sequence = source.snapshot.seq();
  exported.tables = standing_tables_sql().size();
  for (const KindPlan& kind : plan.kinds) {
    exported.records[kind.kind] = shapes.at(kind.kind).records();
    exported.tables += 1 + kind.children.size() + (kind.search_table.empty() ? 0 : 1);
  }
}

Result<void> check_file(Database& file, const Progress& progress) {
  file.watch([&progress] { return progress("checking", 0, 0); });
  const auto answer = file.value("PRAGMA integrity_check(1)");
  const auto orphan = file.value("PRAGMA foreign_key_check");
  file.watch([] { return true; });
  if (!answer) return answer.error();
  if (!orphan) return orphan.error();
  const std::string finding = answer->value_or("no answer");
  if (finding != "ok") return wrong("integrity_check: " + finding);
  if (*orphan) return wrong("foreign_key_check: a row of " + **orphan + " belongs to no record");
  return {};
}

Result<Exported> export_into(Database& file, const Source& source, const Progress& progress) {
  auto exported = Export(file, source, progress).run();
  file.watch([] { return true; });  // what was watched is gone
  return exported;
}

}  // namespace jcn_export
