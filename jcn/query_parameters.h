// The parameters of one request, read strictly: a name that the route does not know, a name given
// twice, or a value out of its range is an error that says which.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/result.h"
#include "request.h"

namespace jcn {

class QueryParameters {
 public:
  // Errors: bad_target.
  static Result<QueryParameters> read(std::string_view raw_query);

  // Errors: unknown_parameter, bad_parameter (given twice). `hint` goes with the first.
  Result<void> allow(std::initializer_list<std::string_view> names,
                     std::string_view hint = {}) const;

  const std::string* find(std::string_view name) const;  // null: not given
  // Errors: bad_parameter.
  Result<std::uint64_t> number(std::string_view name, std::uint64_t fallback,
                               std::uint64_t maximum) const;
  Result<bool> flag(std::string_view name) const;  // 1, true, on; 0, false, off; absent: false
  std::vector<std::string> list(
      std::string_view name) const;  // split at commas, empty pieces dropped

 private:
  explicit QueryParameters(std::vector<Parameter> parameters)
      : parameters_(std::move(parameters)) {}
  std::vector<Parameter> parameters_;
};

}  // namespace jcn
