#include "jcnctl_rows.h"

#include <algorithm>

#include <cstdio>

#include "jcn/canonical.h"

namespace jcnctl {
namespace {

std::string rest_of(std::string_view row) {
  jcn::JsonCursor members(row);
  members.next();  // _id, which has a column of its own
  std::string text;
  while (members.next()) {
    if (!text.empty()) text += ", ";
    text += jcn::json_unquote(members.name()) + ": " + std::string(members.value());
    if (text.size() > 500) break;  // no terminal shows more
  }
  return text;
}

// A row shows the elements that were asked for alone, so an index may be out of place: then the
// array is shown.
std::string pointer_cell(std::string_view row, std::string_view pointer) {
  if (const auto value = jcn::json_at(row, pointer)) return cell(*value);
  const auto around = jcn::json_at(row, pointer.substr(0, pointer.rfind('/')));
  return around && jcn::json_type(*around) == jcn::JsonType::array ? cell(*around) : "";
}

// Dots walk objects, and what begins with '/' is a JSON Pointer, as in queries; absent: "".
std::string field_cell(std::string_view row, const std::string& field) {
  if (field.starts_with('/')) return pointer_cell(row, field);
  std::string_view value = row, rest = field;
  for (;;) {
    const std::size_t dot = rest.find('.');
    const auto member = jcn::json_member(value, rest.substr(0, dot));
    if (!member) return {};
    value = *member;
    if (dot == std::string_view::npos) return cell(value);
    rest.remove_prefix(dot + 1);
  }
}

std::optional<std::size_t> column_of(const std::vector<std::string>& fields,
                                     std::optional<std::string_view> field) {
  if (!field) return std::nullopt;
  const auto found = std::find(fields.begin(), fields.end(), *field);
  if (found == fields.end()) return std::nullopt;
  return static_cast<std::size_t>(found - fields.begin());
}

}  // namespace

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

std::string cell(std::string_view value) {
  if (value == "null") return "";
  return value.front() == '"' ? jcn::json_unquote(value) : std::string(value);
}

Rows::Rows(const Context& context, std::vector<std::string> headings,
           std::vector<std::string> fields, std::optional<std::string_view> whole)
    : json_(context.json),
      fields_(std::move(fields)),
      whole_(column_of(fields_, whole)),
      table_(empty_table(std::move(headings))) {}

Table Rows::empty_table(std::vector<std::string> headings) const {
  Table table(std::move(headings));
  if (whole_) table.keep_whole(*whole_);
  return table;
}

void Rows::add(std::string_view row) {
  ++count_;
  if (json_) return print_line(row);
  if (cells_) return table_.add(cells_(row));
  std::vector<std::string> cells;
  for (const std::string& field : fields_)
    cells.push_back(field.empty() ? rest_of(row) : field_cell(row, field));
  table_.add(std::move(cells));
}

void Rows::flush() {
  if (table_.empty()) return;
  std::fputs(table_.text(terminal_width()).c_str(), stdout);
  // The headings stand above already.
  table_ = empty_table(std::vector<std::string>(fields_.size()));
}

jcn::Result<void> add_page(const std::string& body, std::uint64_t limit, Rows& rows) {
  const std::string all = raw_member(body, "rows");
  if (all.empty() || all.front() != '[') {
    return jcn::Error{jcn::Code::internal, "the daemon gave no rows", "is it another program?"};
  }
  for (jcn::JsonCursor each(all); each.next();) {
    if (limit != 0 && rows.count() >= limit) return {};
    rows.add(each.value());
  }
  rows.flush();
  return {};
}

jcn::Result<void> each_row(HttpClient& daemon, const std::string& target, std::uint64_t limit,
                           Rows& rows) {
  const char* sign = target.find('?') == std::string::npos ? "?" : "&";
  std::string next;
  for (;;) {
    JCN_TRY(const Answer page,
            daemon.get(next.empty() ? target : target + sign + "_next=" + percent_encoded(next)));
    JCN_CHECK(add_page(page.body, limit, rows));
    next = text_member(page.body, "next");
    if (next.empty() || (limit != 0 && rows.count() >= limit)) return {};
  }
}

}  // namespace jcnctl
