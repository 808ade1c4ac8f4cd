#include "precondition.h"

#include "entity_tag.h"

namespace jcn {
namespace {

Error failed(std::string detail) {
  return {Code::precondition_failed, std::move(detail), "Read it again; its ETag is what counts."};
}

// A change of what is there has to name it.
Result<void> names_what_stands(const Precondition& precondition, const Standing& standing,
                               const char* change) {
  if (!precondition.if_match)
    return Error{Code::precondition_required,
                 std::string("There is such a file: to ") + change + " it, say which one is meant.",
                 "If-Match with its ETag, or If-Match: * for whatever it is by now."};
  const std::string tag = standing.content ? entity_tag(*standing.content) : std::string();
  if (any_tag(*precondition.if_match) || match_hits(*precondition.if_match, tag)) return {};
  return failed("The file is another one than If-Match names.");
}

}  // namespace

Result<void> may_put(const Precondition& precondition, const Standing& standing) {
  if (!standing.exists) {
    if (precondition.if_match) return failed("If-Match names a file, and there is none.");
    return {};
  }
  if (precondition.if_none_match) {
    const std::string tag = standing.content ? entity_tag(*standing.content) : std::string();
    if (none_match_hits(*precondition.if_none_match, tag))
      return failed("If-None-Match rules out the file that is there.");
  }
  return names_what_stands(precondition, standing, "replace");
}

Result<void> may_remove(const Precondition& precondition, const Standing& standing) {
  if (!standing.exists) return Error{Code::no_such_fragment, "There is no such file."};
  if (precondition.if_none_match) {
    const std::string tag = standing.content ? entity_tag(*standing.content) : std::string();
    if (none_match_hits(*precondition.if_none_match, tag))
      return failed("If-None-Match rules out the file that is there.");
  }
  return names_what_stands(precondition, standing, "remove");
}

bool takes_anything(const Precondition& precondition) {
  return precondition.if_match && any_tag(*precondition.if_match);
}

}  // namespace jcn
