#include "jcn/search_scope.h"

#include <algorithm>

#include "jcn/field.h"

namespace jcn {
namespace {

// Cuts the first step off a path; "" when there is none.
std::string_view cut_step(std::string_view& path) {
  const std::size_t end = std::min(path.find('/', 1), path.size());
  const std::string_view step = path.substr(0, end);
  path.remove_prefix(end);
  return step;
}

bool is_array_step(std::string_view step) {
  return step.size() > 1 && step.substr(1) == array_step;
}

}  // namespace

bool lies_within(std::string_view path, std::string_view place) {
  while (!place.empty()) {
    const std::string_view wanted = cut_step(place);
    std::string_view step;
    do {
      if (path.empty()) return false;
      step = cut_step(path);
    } while (is_array_step(step));
    if (step != wanted) return false;
  }
  return true;
}

bool SearchScope::covers(std::string_view path) const {
  const auto within = [path](const std::string& place) { return lies_within(path, place); };
  return (fields.empty() || std::any_of(fields.begin(), fields.end(), within)) &&
         std::none_of(excluded.begin(), excluded.end(), within);
}

}  // namespace jcn
