#include "jcn/query.h"
#include "text.h"

namespace jcn {

std::size_t count_phrases(std::string_view words) {
  return parse_search(words).size();
}

}  // namespace jcn
