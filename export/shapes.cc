#include "shapes.h"

#include <algorithm>
#include <charconv>

#include "jcn/canonical.h"
#include "jcn/field.h"

namespace jcn_export {
namespace {

using jcn::JsonCursor;

// Decimal digits that any double gives back as they were (IEEE 754: DBL_DIG).
constexpr std::size_t sure_digits = 15;
constexpr std::int64_t largest_exact = std::int64_t{1} << 53;

bool is_whole(std::string_view number) {
  return number.find_first_of(".eE") == std::string_view::npos;
}

Form number_form(std::string_view number) {
  const char* end = number.data() + number.size();
  if (is_whole(number)) {
    std::int64_t value = 0;
    const auto read = std::from_chars(number.data(), end, value);
    if (read.ec != std::errc() || read.ptr != end) return Form::exact;
    return value >= -largest_exact && value <= largest_exact ? Form::integer : Form::wide;
  }
  const bool has_exponent = number.find_first_of("eE") != std::string_view::npos;
  if (!has_exponent && number.size() <= sure_digits + 1) return Form::real;
  double value = 0;
  if (std::from_chars(number.data(), end, value).ec != std::errc()) return Form::exact;
  char shortest[64];
  const auto written = std::to_chars(shortest, shortest + sizeof shortest, value);
  const std::string_view again(shortest, static_cast<std::size_t>(written.ptr - shortest));
  return jcn::compare_numbers(again, number) == 0 ? Form::real : Form::exact;
}

Form array_form(std::string_view array) {
  for (JsonCursor element(array); element.next();) {
    const char begin = element.value().front();
    if (begin == '{' || begin == '[') return Form::rows;
  }
  return Form::list;
}

}  // namespace

Form form_of(std::string_view value) {
  switch (value.front()) {
    case 'n':
      return Form::null;
    case 't':
    case 'f':
      return Form::boolean;
    case '"':
      return value.size() - 2 <= longest_label ? Form::text : Form::long_text;
    case '[':
      return array_form(value);
    case '{':
      return Form::object;
    default:
      return number_form(value);
  }
}

bool Node::has_scalar() const {
  return has(Form::null) || has(Form::boolean) || has(Form::integer) || has(Form::wide) ||
         has(Form::real) || has(Form::exact) || has(Form::text) || has(Form::long_text);
}

Shapes::Shapes() : nodes_(1), links_(1) {}

NodeId Shapes::make(NodeId parent, std::string_view name) {
  const auto node = static_cast<NodeId>(nodes_.size());
  Node made;
  made.parent = parent;
  if (!name.empty()) made.name = names_.emplace_back(name);
  made.in_array = name.empty() || nodes_[parent].in_array;
  nodes_.push_back(made);
  links_.emplace_back();
  return node;
}

NodeId Shapes::member(NodeId parent, std::string_view quoted_name) {
  auto& members = links_[parent].members;
  if (const auto found = members.find(quoted_name); found != members.end()) return found->second;
  const NodeId node = make(parent, quoted_name);
  links_[parent].members.emplace(nodes_[node].name, node);
  return node;
}

NodeId Shapes::find(NodeId parent, NodeId before, std::string_view quoted_name) const {
  const NodeId expected = before == 0 ? links_[parent].first : links_[before].next;
  if (expected != 0 && nodes_[expected].name == quoted_name) return expected;
  const auto& members = links_[parent].members;
  const auto found = members.find(quoted_name);
  return found == members.end() ? 0 : found->second;
}

NodeId Shapes::elements(NodeId parent) {
  if (links_[parent].elements == 0) {
    const NodeId node = make(parent, {});
    links_[parent].elements = node;
  }
  return links_[parent].elements;
}

std::string Shapes::path(NodeId node) const {
  std::vector<NodeId> way;
  for (; node != root; node = nodes_[node].parent) way.push_back(node);
  std::string path;
  for (auto step = way.rbegin(); step != way.rend(); ++step) {
    if (nodes_[*step].name.empty()) {
      path += '/';
      path += jcn::array_step;
    } else {
      jcn::append_field_step(path, jcn::json_unquote(nodes_[*step].name));
    }
  }
  return path;
}

NodeId Shapes::at_path(std::string_view path) {
  NodeId node = root;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view step = path.substr(1, end - 1);
    if (step == jcn::array_step) {
      node = elements(node);
    } else {
      std::string name;
      for (std::size_t i = 0; i < step.size(); ++i) {
        const bool escape = step[i] == '~' && i + 1 < step.size();
        name += escape ? (step[++i] == '1' ? '/' : '~') : step[i];
      }
      node = member(node, jcn::json_quote(name));
    }
    path.remove_prefix(end);
  }
  return node;
}

void Shapes::set(NodeId node, std::uint64_t records,
                 const std::array<std::uint64_t, forms>& counts) {
  nodes_[node].records = records;
  nodes_[node].counts = counts;
}

void Shapes::count(std::string_view document, std::uint64_t step) {
  ++document_;
  nodes_[root].records += step;
  count_members(root, document, step);
}

// Documents of one kind mostly have the same members in the same order: what came behind a member
// last time is looked at first.
void Shapes::count_members(NodeId node, std::string_view object, std::uint64_t step) {
  NodeId before = 0;
  for (JsonCursor cursor(object); cursor.next();) {
    NodeId found = find(node, before, cursor.name());
    if (found == 0) found = member(node, cursor.name());
    (before == 0 ? links_[node].first : links_[before].next) = found;
    count_value(found, cursor.value(), step);
    before = found;
  }
}

void Shapes::count_value(NodeId node, std::string_view value, std::uint64_t step) {
  const Form form = form_of(value);
  Links& links = links_[node];
  if (links.seen_in != document_) {
    links.seen_in = document_;
    links.seen_forms = 0;
    nodes_[node].records += step;
  }
  const std::uint32_t bit = 1U << static_cast<unsigned>(form);
  if ((links.seen_forms & bit) == 0) {
    links.seen_forms |= bit;
    nodes_[node].counts[static_cast<std::size_t>(form)] += step;
  }
  if (form == Form::object) return count_members(node, value, step);
  // Arrays within arrays are not looked into: they stay in the document.
  if ((form != Form::list && form != Form::rows) || nodes_[node].in_array) return;
  for (JsonCursor element(value); element.next();) {
    count_value(elements(node), element.value(), step);
  }
}

}  // namespace jcn_export
