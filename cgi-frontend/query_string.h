// The query string of a request, decoded.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cgi {

class QueryString {
 public:
  // application/x-www-form-urlencoded. Bytes that are no UTF-8 become U+FFFD; a % that encodes
  // nothing stays.
  explicit QueryString(std::string_view text);

  bool has(std::string_view name) const { return !all(name, 1).empty(); }
  // The first value of that name; "" if there is none.
  std::string_view first(std::string_view name) const;
  std::string_view last(std::string_view name) const;
  // All of them, in order, but at most so many.
  std::vector<std::string_view> all(std::string_view name, std::size_t most) const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

}  // namespace cgi
