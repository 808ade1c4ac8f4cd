#include "row_writer.h"

#include <charconv>

#include "jcn/canonical.h"
#include "jcn/time_text.h"
#include "tables.h"

namespace jcn_export {

using jcn::JsonCursor;
using jcn::Result;

Result<RowWriter> RowWriter::make(Database& database, const KindPlan& plan, const Shapes& shapes) {
  JCN_TRY(Statement record, database.prepare(insert_record_sql(plan)));
  RowWriter writer(shapes, std::move(record));
  writer.places_.resize(shapes.size());
  constexpr int first_column = 5;  // behind id, _rev, _created, _updated
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    writer.places_[plan.columns[i].node].parameter = first_column + static_cast<int>(i);
  }
  writer.document_ = first_column + static_cast<int>(plan.columns.size());
  for (const ChildTable& child : plan.children) {
    JCN_TRY(Statement row, database.prepare(insert_child_sql(child)));
    writer.places_[child.array].child = static_cast<int>(writer.children_.size());
    writer.children_.push_back(std::move(row));
    constexpr int first_of_child = 3;  // behind the record's id and position
    for (std::size_t i = 0; i < child.columns.size(); ++i) {
      writer.places_[child.columns[i].node].parameter = first_of_child + static_cast<int>(i);
    }
  }
  return writer;
}

Result<void> RowWriter::insert(const jcn::Record& record) {
  texts_used_ = 0;
  id_ = record.key.id;
  const std::string rev = record.rev.hex();
  const std::string created = jcn::rfc3339(record.created_ns());
  const std::string updated = jcn::rfc3339(record.updated_ns());
  record_.clear();
  record_.bind(1, id_);
  record_.bind(2, rev);
  record_.bind(3, created);
  record_.bind(4, updated);
  record_.bind(document_, record.document);
  JCN_CHECK(take_members(Shapes::root, record.document, record_));
  return record_.run();
}

Result<void> RowWriter::take_members(NodeId node, std::string_view object, Statement& row) {
  NodeId before = 0;
  for (JsonCursor member(object); member.next();) {
    const NodeId found = shapes_->find(node, before, member.name());
    if (found == 0 || found >= places_.size()) continue;
    JCN_CHECK(take_value(found, member.value(), row));
    before = found;
  }
  return {};
}

Result<void> RowWriter::take_value(NodeId node, std::string_view value, Statement& row) {
  const Place place = places_[node];
  if (value.front() == '{') return take_members(node, value, row);
  if (place.parameter != 0) {
    const Form form = form_of(value);
    const bool beneath = (*shapes_)[node].in_array;
    const bool array = form == Form::list || form == Form::rows;
    // An array within an array stays in the document.
    if (!array || (form == Form::list && !beneath)) bind(row, place.parameter, value, form);
  }
  if (place.child >= 0 && value.front() == '[') return take_elements(node, place.child, value);
  return {};
}

Result<void> RowWriter::take_elements(NodeId array, int child, std::string_view text) {
  const NodeId elements = shapes_->find_elements(array);
  Statement& row = children_[static_cast<std::size_t>(child)];
  std::int64_t position = 0;
  for (JsonCursor element(text); element.next(); ++position) {
    row.clear();
    row.bind(1, id_);
    row.bind(2, position);
    JCN_CHECK(take_value(elements, element.value(), row));
    JCN_CHECK(row.run());
  }
  return {};
}

void RowWriter::bind(Statement& row, int parameter, std::string_view value, Form form) {
  switch (form) {
    case Form::null:
    case Form::rows:
    case Form::object:
      return;  // NULL
    case Form::boolean:
      return row.bind(parameter, std::int64_t{value.front() == 't'});
    case Form::integer:
    case Form::wide: {
      std::int64_t number = 0;
      std::from_chars(value.data(), value.data() + value.size(), number);
      return row.bind(parameter, number);
    }
    case Form::real: {
      double number = 0;
      std::from_chars(value.data(), value.data() + value.size(), number);
      return row.bind(parameter, number);
    }
    case Form::text:
    case Form::long_text:
      return row.bind(parameter, unquoted(value));
    case Form::exact:
    case Form::list:
      return row.bind(parameter, value);
  }
}

std::string_view RowWriter::unquoted(std::string_view string) {
  if (string.find('\\') == std::string_view::npos) return string.substr(1, string.size() - 2);
  if (texts_used_ == texts_.size()) texts_.emplace_back();
  return texts_[texts_used_++] = jcn::json_unquote(string);
}

}  // namespace jcn_export
