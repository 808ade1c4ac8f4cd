// The parameters of one request, read strictly: a name that the route does not know, a name given
// twice, or a value out of its range is an error that says which.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/filter.h"
#include "jcn/result.h"
#include "request.h"

namespace jcn {

// What stands between the commas; empty pieces are dropped.
std::vector<std::string> split_list(std::string_view text);

class QueryParameters {
 public:
  // Errors: bad_target.
  static Result<QueryParameters> read(std::string_view raw_query);
  explicit QueryParameters(std::vector<Parameter> parameters)
      : parameters_(std::move(parameters)) {}

  // In the order in which they were given.
  const std::vector<Parameter>& all() const { return parameters_; }

  // Errors: unknown_parameter, bad_parameter (given twice). `hint` goes with the first.
  Result<void> allow(std::initializer_list<std::string_view> names,
                     std::string_view hint = {}) const;
  // The same on a route that takes filters, too: these may be any, and repeated.
  Result<void> allow_beside_filters(std::initializer_list<std::string_view> names,
                                    std::string_view hint = {}) const;
  // Errors: bad_parameter (one of these is given twice).
  Result<void> allow_once(std::initializer_list<std::string_view> names) const;

  // All that names_filter() takes for filters. Errors: unknown_operator, bad_field, bad_value.
  Result<std::vector<Filter>> filters() const;

  const std::string* find(std::string_view name) const;  // the first; null: not given
  // Errors: bad_parameter.
  Result<std::uint64_t> number(std::string_view name, std::uint64_t fallback, std::uint64_t maximum,
                               std::uint64_t minimum = 0) const;
  Result<bool> flag(std::string_view name) const;  // 1, true, on; 0, false, off; absent: false
  // Of all that have the name, by split_list().
  std::vector<std::string> list(std::string_view name) const;

 private:
  Result<void> check_names(std::initializer_list<std::string_view> names, bool filters_pass,
                           std::string_view hint) const;
  std::vector<Parameter> parameters_;
};

}  // namespace jcn
