#include "query_parameters.h"

#include <algorithm>
#include <charconv>

namespace jcn {

Result<QueryParameters> QueryParameters::read(std::string_view raw_query) {
  auto parameters = parse_query(raw_query);
  if (!parameters) return Error{Code::bad_target, "The query string cannot be decoded."};
  return QueryParameters(std::move(*parameters));
}

Result<void> QueryParameters::allow(std::initializer_list<std::string_view> names,
                                    std::string_view hint) const {
  for (auto parameter = parameters_.begin(); parameter != parameters_.end(); ++parameter) {
    const std::string& name = parameter->name;
    if (std::find(names.begin(), names.end(), name) == names.end())
      return Error{Code::unknown_parameter, "There is no parameter '" + name + "' here.",
                   std::string(hint)};
    if (std::any_of(parameters_.begin(), parameter,
                    [&](const Parameter& earlier) { return earlier.name == name; }))
      return Error{Code::bad_parameter, "The parameter '" + name + "' is given twice."};
  }
  return {};
}

const std::string* QueryParameters::find(std::string_view name) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) return &parameter.value;
  }
  return nullptr;
}

Result<std::uint64_t> QueryParameters::number(std::string_view name, std::uint64_t fallback,
                                              std::uint64_t maximum) const {
  const std::string* text = find(name);
  if (!text) return fallback;
  std::uint64_t value = 0;
  const auto end = std::from_chars(text->data(), text->data() + text->size(), value);
  if (text->empty() || end.ec != std::errc() || end.ptr != text->data() + text->size() ||
      value > maximum)
    return Error{Code::bad_parameter, "The parameter '" + std::string(name) +
                                          "' must be a number from 0 to " +
                                          std::to_string(maximum) + "."};
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
  const std::string* text = find(name);
  if (!text) return pieces;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    if (end > 0) pieces.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return pieces;
}

}  // namespace jcn
