#include "text_export.h"

#include "jcn/canonical.h"
#include "jcn/file_descriptor.h"
#include "jcn/time_text.h"
#include "listing_answer.h"

namespace jcn_export {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Record;
using jcn::Result;

constexpr std::size_t piece_bytes = 1 << 18;

// The only kind that there is, if none is named.
Result<std::string> one_kind(const Source& source) {
  JCN_TRY(const auto kinds, selected_kinds(source.snapshot, source.rules, source.selection));
  if (kinds.size() == 1) return kinds.front();
  std::string all;
  for (const std::string& kind : kinds) all += (all.empty() ? "" : ", ") + kind;
  return Error{Code::bad_usage, "this format takes one kind, and there are several: " + all,
               "name one with --kind"};
}

// RFC 4180. An empty text is quoted, so that it is told from no value.
void append_cell(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of("\",\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

// A record → a line. Values stand as they do in JSON, but strings, which stand without quotes and
// escapes.
class CsvRows {
 public:
  CsvRows(const KindPlan& plan, const Shapes& shapes) : plan_(plan), shapes_(shapes) {
    columns_.resize(shapes.size(), none);
    for (std::size_t i = 0; i < plan.columns.size(); ++i) columns_[plan.columns[i].node] = i;
    cells_.resize(plan.columns.size());
  }

  void append_head(std::string& out) const {
    out += "id,_rev,_created,_updated";
    for (const Column& column : plan_.columns) {
      out += ',';
      append_cell(out, column.name);
    }
    out += "\r\n";
  }

  void append(std::string& out, const Record& record) {
    std::fill(cells_.begin(), cells_.end(), std::string_view());
    take_members(Shapes::root, record.document);
    append_cell(out, record.key.id);
    out += ',' + record.rev.hex() + ',' + jcn::rfc3339(record.created_ns()) + ',' +
           jcn::rfc3339(record.updated_ns());
    for (const std::string_view value : cells_) {
      out += ',';
      if (value.empty() || value == "null") continue;
      if (value.front() == '"') {
        append_cell(out, jcn::json_unquote(value));
      } else {
        append_cell(out, value);
      }
    }
    out += "\r\n";
  }

 private:
  static constexpr std::size_t none = SIZE_MAX;

  void take_members(NodeId node, std::string_view object) {
    NodeId before = 0;
    for (jcn::JsonCursor member(object); member.next();) {
      const NodeId found = shapes_.find(node, before, member.name());
      if (found == 0) continue;
      before = found;
      const std::string_view value = member.value();
      if (value.front() == '{') {
        take_members(found, value);
      } else if (columns_[found] != none && form_of(value) != Form::rows) {
        cells_[columns_[found]] = value;
      }
    }
  }

  const KindPlan& plan_;
  const Shapes& shapes_;
  std::vector<std::size_t> columns_;     // by node
  std::vector<std::string_view> cells_;  // of the record at hand
};

class Writing {
 public:
  Writing(const Source& source, int fd, const std::string& path, const Progress& progress)
      : source_(source), fd_(fd), path_(path), pace_(progress) {}

  Result<Exported> run(TextFormat format) {
    JCN_TRY(kind_, one_kind(source_));
    JCN_CHECK(format == TextFormat::csv ? write_csv() : write_ndjson());
    JCN_CHECK(jcn::write_all(fd_, text_, path_));
    Exported exported;
    exported.uuid = source_.snapshot.uuid();
    exported.sequence = source_.snapshot.seq();
    exported.records[kind_] = pace_.done();
    return exported;
  }

 private:
  Result<void> each_record(const char* stage, const std::function<void(const Record&)>& take) {
    pace_.begin(stage, count_records(source_.snapshot, {kind_}));
    const RecordVisit visit = [&](const Record& record) -> Result<void> {
      if (!record.exists) return {};
      take(record);
      JCN_CHECK(pace_.one_more());
      if (text_.size() < piece_bytes) return {};
      JCN_CHECK(jcn::write_all(fd_, text_, path_));
      text_.clear();
      return {};
    };
    return for_each_selected(source_.snapshot, source_.rules, source_.selection, kind_, visit);
  }

  Result<void> write_ndjson() {
    const jcn::RowWriter row{jcn::ListingRequest()};
    return each_record("writing", [&](const Record& record) {
      row.append(text_, record);
      text_ += '\n';
    });
  }

  Result<void> write_csv() {
    ShapesByKind shapes;
    Shapes& its = shapes[kind_];
    JCN_CHECK(each_record("looking", [&](const Record& record) { its.add(record.document); }));
    const Plan plan = plan_tables(shapes, source_.rules.search_scopes);
    CsvRows rows(plan.kinds.front(), its);
    rows.append_head(text_);
    return each_record("writing", [&](const Record& record) { rows.append(text_, record); });
  }

  const Source& source_;
  const int fd_;
  const std::string& path_;
  Pace pace_;
  std::string kind_, text_;
};

}  // namespace

Result<Exported> write_text(TextFormat format, const Source& source, int fd,
                            const std::string& path, const Progress& progress) {
  return Writing(source, fd, path, progress).run(format);
}

}  // namespace jcn_export
