#include "jcn/judge.h"

#include "jcn/check.h"
#include "jcn/schema.h"
#include "source_place.h"

namespace jcn {

std::variant<GoodFragment, Reject> judge(const Rules& rules, const Rule& rule,
                                         const FragmentName& name, std::string_view bytes) {
  auto checked = check_fragment(bytes, rules.limits);
  if (auto* reject = std::get_if<Reject>(&checked)) return std::move(*reject);
  std::string& body = std::get<std::string>(checked);
  auto identified = identify(rule, rules.prefix_path_ids, name, body);
  if (auto* reject = std::get_if<Reject>(&identified)) return std::move(*reject);
  if (const Schema* schema = rules.schema(rule.kind)) {
    if (auto violation = schema->check(body)) return schema_reject(*violation, body, bytes);
  }
  return GoodFragment{std::move(std::get<RecordKey>(identified)), std::move(body)};
}

std::variant<GoodFragment, Reject> judge(const Rules& rules, const FragmentName& name,
                                         std::string_view bytes) {
  return judge(rules, *rules.find(name), name, bytes);
}

Reject schema_reject(const SchemaViolation& violation, std::string_view canonical,
                     std::string_view bytes) {
  Reject reject;
  reject.code = Code::schema_violation;
  reject.message = violation.message;
  reject.pointer = violation.pointer;
  set_place(reject, bytes, offset_in_source(bytes, canonical, violation.offset));
  return reject;
}

}  // namespace jcn
