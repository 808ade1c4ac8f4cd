#include "query_parameters.h"

#include <algorithm>
#include <charconv>

namespace jcn {

Result<QueryParameters> QueryParameters::read(std::string_view raw_query) {
  auto parameters = parse_query(raw_query);
  if (!parameters) return Error{Code::bad_target, "The query string cannot be decoded."};
  return QueryParameters(std::move(*parameters));
}

Result<void> QueryParameters::check_names(std::initializer_list<std::string_view> names,
                                          bool filters_pass, std::string_view hint) const {
  for (const Parameter& parameter : parameters_) {
    const bool known = std::find(names.begin(), names.end(), parameter.name) != names.end();
    if (!known && !(filters_pass && names_filter(parameter.name)))
      return Error{Code::unknown_parameter, "There is no parameter '" + parameter.name + "' here.",
                   std::string(hint)};
  }
  return allow_once(names);
}

Result<void> QueryParameters::allow(std::initializer_list<std::string_view> names,
                                    std::string_view hint) const {
  return check_names(names, false, hint);
}

Result<void> QueryParameters::allow_beside_filters(std::initializer_list<std::string_view> names,
                                                   std::string_view hint) const {
  return check_names(names, true, hint);
}

Result<void> QueryParameters::allow_once(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names) {
    const auto given = std::count_if(parameters_.begin(), parameters_.end(),
                                     [&](const Parameter& each) { return each.name == name; });
    if (given > 1)
      return Error{Code::bad_parameter,
                   "The parameter '" + std::string(name) + "' is given twice."};
  }
  return {};
}

Result<std::vector<Filter>> QueryParameters::filters() const {
  std::vector<Filter> filters;
  for (const Parameter& parameter : parameters_) {
    if (!names_filter(parameter.name)) continue;
    JCN_TRY(Filter filter, parse_filter(parameter.name, parameter.value));
    filters.push_back(std::move(filter));
  }
  return filters;
}

const std::string* QueryParameters::find(std::string_view name) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) return &parameter.value;
  }
  return nullptr;
}

Result<std::uint64_t> QueryParameters::number(std::string_view name, std::uint64_t fallback,
                                              std::uint64_t maximum, std::uint64_t minimum) const {
  const std::string* text = find(name);
  if (!text) return fallback;
  std::uint64_t value = 0;
  const auto end = std::from_chars(text->data(), text->data() + text->size(), value);
  if (text->empty() || end.ec != std::errc() || end.ptr != text->data() + text->size() ||
      value < minimum || value > maximum)
    return Error{Code::bad_parameter, "The parameter '" + std::string(name) +
                                          "' must be a number from " + std::to_string(minimum) +
                                          " to " + std::to_string(maximum) + "."};
  return value;
}

Result<bool> QueryParameters::flag(std::string_view name) const {
  const std::string* text = find(name);
  if (!text || *text == "0" || *text == "false" || *text == "off") return false;
  if (*text == "1" || *text == "true" || *text == "on") return true;
  return Error{Code::bad_parameter, "The parameter '" + std::string(name) + "' must be 1 or 0."};
}

std::vector<std::string> QueryParameters::list(std::string_view name) const {
  std::vector<std::string> pieces;
  for (const Parameter& parameter : parameters_) {
    if (parameter.name != name) continue;
    for (std::string& piece : split_list(parameter.value)) pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (end > 0) pieces.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

}  // namespace jcn
