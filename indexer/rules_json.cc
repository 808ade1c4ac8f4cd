// Rules as canonical JSON text and back. Every member is always written; when read, an absent one
// keeps its default and an unknown one is an error, so that a newer index is never half understood.
#include <charconv>

#include "jcn/canonical.h"
#include "jcn/check.h"
#include "jcn/rules.h"
#include "jcn/schema.h"
#include "jcn/snapshot.h"

namespace jcn {
namespace {

constexpr std::string_view strategy_names[] = {"union", "min", "max"};

const char* boolean(bool value) {
  return value ? "true" : "false";
}

void append_rule(std::string& out, const Rule& rule) {
  const auto text = [&out](const char* name, std::string_view value) {
    out += '"';
    out += name;
    out += "\":";
    json_quote_onto(out, value);
    out += ',';
  };
  out += '{';
  text("kind", rule.kind);
  text("root", rule.root);
  text("match", rule.match);
  out += "\"id\":[";
  for (const IdSource& source : rule.id) {
    if (&source != &rule.id.front()) out += ',';
    switch (source.kind) {
      case IdSource::Kind::pointer:
        json_quote_onto(out, "pointer:" + source.pointer);
        break;
      case IdSource::Kind::stem:
        out += "\"stem\"";
        break;
      case IdSource::Kind::path:
        out += "\"path\"";
        break;
    }
  }
  out += "],\"rank\":" + std::to_string(rule.rank) + ',';
  text("order_by", rule.order_by);
  out += "\"anchor\":";
  out += boolean(rule.anchor);
  out += ",\"ignore_nulls\":";
  out += boolean(rule.ignore_nulls);
  out += ",\"merge\":[";
  for (const MergeStrategy& strategy : rule.merge) {
    if (&strategy != &rule.merge.front()) out += ',';
    out += '[';
    json_quote_onto(out, strategy_names[static_cast<std::size_t>(strategy.kind)]);
    out += ',';
    json_quote_onto(out, strategy.pointer);
    out += ']';
  }
  out += "]}";
}

Error wrong(const std::string& where, const char* wanted) {
  return {Code::bad_configuration, "rules in the index: " + where + " is not " + wanted};
}

template <class Integer>
Result<void> take(Integer& out, std::string_view value, const std::string& where) {
  const char* end = value.data() + value.size();
  const auto [stop, problem] = std::from_chars(value.data(), end, out);
  if (problem != std::errc() || stop != end) return wrong(where, "an integer in its range");
  return {};
}

Result<void> take(bool& out, std::string_view value, const std::string& where) {
  if (json_type(value) != JsonType::boolean) return wrong(where, "true or false");
  out = value == "true";
  return {};
}

Result<void> take(std::string& out, std::string_view value, const std::string& where) {
  if (json_type(value) != JsonType::string) return wrong(where, "a string");
  out = json_unquote(value);
  return {};
}

// Goes through an array; `one` takes the text of each element.
template <class One>
Result<void> each(std::string_view array, const std::string& where, One one) {
  if (json_type(array) != JsonType::array) return wrong(where, "an array");
  for (JsonCursor cursor(array); cursor.next();) JCN_CHECK(one(cursor.value()));
  return {};
}

// Goes through an object; `one` takes name and text of each member.
template <class One>
Result<void> each_member(std::string_view object, const std::string& where, One one) {
  if (json_type(object) != JsonType::object) return wrong(where, "an object");
  for (JsonCursor cursor(object); cursor.next();) {
    JCN_CHECK(one(json_unquote(cursor.name()), cursor.value()));
  }
  return {};
}

Error unknown(const std::string& name) {
  return wrong(name, "a member that this version knows");
}

Result<void> take_source(std::vector<IdSource>& out, std::string_view value) {
  std::string text;
  JCN_CHECK(take(text, value, "id"));
  constexpr std::string_view prefix = "pointer:";
  if (text == "stem") {
    out.push_back({IdSource::Kind::stem, {}});
  } else if (text == "path") {
    out.push_back({IdSource::Kind::path, {}});
  } else if (text.starts_with(prefix)) {
    out.push_back({IdSource::Kind::pointer, text.substr(prefix.size())});
  } else {
    return wrong("id", "stem, path or pointer:…");
  }
  return {};
}

Result<void> take_strategy(std::vector<MergeStrategy>& out, std::string_view value) {
  std::vector<std::string> pair;
  JCN_CHECK(each(value, "merge", [&pair](std::string_view text) {
    return take(pair.emplace_back(), text, "merge");
  }));
  for (std::size_t i = 0; pair.size() == 2 && i < std::size(strategy_names); ++i) {
    if (pair[0] == strategy_names[i]) {
      out.push_back({static_cast<MergeStrategy::Kind>(i), pair[1]});
      return {};
    }
  }
  return wrong("merge", "a pair of strategy and pointer");
}

Result<void> take_rule(Rule& rule, std::string_view object) {
  return each_member(object, "a rule", [&rule](const std::string& name, std::string_view value) {
    if (name == "kind") return take(rule.kind, value, name);
    if (name == "root") return take(rule.root, value, name);
    if (name == "match") return take(rule.match, value, name);
    if (name == "rank") return take(rule.rank, value, name);
    if (name == "order_by") return take(rule.order_by, value, name);
    if (name == "anchor") return take(rule.anchor, value, name);
    if (name == "ignore_nulls") return take(rule.ignore_nulls, value, name);
    if (name == "id") {
      rule.id.clear();
      return each(value, name,
                  [&rule](std::string_view text) { return take_source(rule.id, text); });
    }
    if (name == "merge") {
      rule.merge.clear();
      return each(value, name,
                  [&rule](std::string_view text) { return take_strategy(rule.merge, text); });
    }
    return Result<void>(unknown(name));
  });
}

Result<void> take_limits(Limits& limits, std::string_view object) {
  return each_member(object, "limits", [&limits](const std::string& name, std::string_view value) {
    if (name == "max_bytes") return take(limits.max_bytes, value, name);
    if (name == "max_depth") return take(limits.max_depth, value, name);
    if (name == "max_members") return take(limits.max_members, value, name);
    return Result<void>(unknown(name));
  });
}

Result<void> take_schemas(std::map<std::string, KindSchema>& schemas, std::string_view object) {
  return each_member(object, "schemas",
                     [&schemas](const std::string& kind, std::string_view text) -> Result<void> {
                       auto compiled = Schema::compile(text);
                       if (std::holds_alternative<Reject>(compiled))
                         return wrong(kind, "a schema that this version knows");
                       schemas[kind] = {std::get<std::shared_ptr<const Schema>>(compiled)};
                       return {};
                     });
}

Result<void> take_weight(double& weight, std::string_view value, const std::string& name) {
  const auto [stop, problem] = std::from_chars(value.data(), value.data() + value.size(), weight);
  if (problem != std::errc() || stop != value.data() + value.size() || !(weight >= 0))
    return wrong(name, "a weight");
  return {};
}

Result<void> take_weights(SearchWeights& weights, std::string_view object) {
  return each_member(object, "search_weights",
                     [&weights](const std::string& path, std::string_view weight) {
                       return take_weight(weights[path], weight, path);
                     });
}

Result<void> take_paths(std::set<std::string>& paths, std::string_view array,
                        const std::string& where) {
  return each(array, where, [&paths, &where](std::string_view text) -> Result<void> {
    std::string path;
    JCN_CHECK(take(path, text, where));
    paths.insert(std::move(path));
    return {};
  });
}

Result<void> take_scope(SearchScope& scope, std::string_view object) {
  return each_member(object, "search_scopes",
                     [&scope](const std::string& name, std::string_view paths) -> Result<void> {
                       if (name == "fields") return take_paths(scope.fields, paths, name);
                       if (name == "excluded") return take_paths(scope.excluded, paths, name);
                       return unknown(name);
                     });
}

void append_paths(std::string& out, const std::set<std::string>& paths) {
  out += '[';
  for (const std::string& path : paths) {
    if (out.back() != '[') out += ',';
    json_quote_onto(out, path);
  }
  out += ']';
}

void append_scope(std::string& out, const SearchScope& scope) {
  out += "{\"fields\":";
  append_paths(out, scope.fields);
  out += ",\"excluded\":";
  append_paths(out, scope.excluded);
  out += '}';
}

void append_weights(std::string& out, const SearchWeights& weights) {
  out += '{';
  for (const auto& [path, weight] : weights) {
    if (out.back() != '{') out += ',';
    json_quote_onto(out, path);
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, weight);
    out.append(":").append(digits, end.ptr);
  }
  out += '}';
}

// Left out where there is nothing: a program that knows of more has the same text for the same
// rules, and so need not judge everything anew.
template <class ByKind, class Append>
void append_by_kind(std::string& out, const char* name, const ByKind& by_kind, Append append) {
  if (by_kind.empty()) return;
  out += std::string(",\"") + name + "\":{";
  for (const auto& [kind, value] : by_kind) {
    if (out.back() != '{') out += ',';
    json_quote_onto(out, kind);
    out += ':';
    append(value);
  }
  out += '}';
}

}  // namespace

std::string Rules::to_json() const {
  std::string out = "{\"rules\":[";
  for (const Rule& rule : rules) {
    if (&rule != &rules.front()) out += ',';
    append_rule(out, rule);
  }
  out += "],\"ignore\":[";
  for (const std::string& pattern : ignore) {
    if (&pattern != &ignore.front()) out += ',';
    json_quote_onto(out, pattern);
  }
  out += ']';
  append_by_kind(out, "schemas", schemas,
                 [&](const auto& of_kind) { out += of_kind.schema->text(); });
  append_by_kind(out, "search_weights", search_weights,
                 [&](const auto& weights) { append_weights(out, weights); });
  append_by_kind(out, "search_scopes", search_scopes,
                 [&](const auto& scope) { append_scope(out, scope); });
  append_by_kind(out, "tracked", tracked,
                 [&](const std::string& pointer) { json_quote_onto(out, pointer); });
  out += ",\"limits\":{\"max_bytes\":" + std::to_string(limits.max_bytes);
  out += ",\"max_depth\":" + std::to_string(limits.max_depth);
  out += ",\"max_members\":" + std::to_string(limits.max_members);
  out += "},\"prefix_path_ids\":";
  out += boolean(prefix_path_ids);
  out += '}';
  return out;
}

Result<Rules> Rules::from_json(std::string_view text) {
  // Our own text, so only what bounds memory is bounded.
  const Limits generous{.max_bytes = 256 << 20, .max_depth = 80, .max_members = 10'000'000};
  const auto checked = check_json(text, generous);
  if (const auto* reject = std::get_if<Reject>(&checked)) {
    return Error{Code::bad_configuration, "rules in the index: " + reject->message};
  }
  Rules rules;
  JCN_CHECK(
      each_member(std::get<std::string>(checked), "the whole",
                  [&rules](const std::string& name, std::string_view value) -> Result<void> {
                    if (name == "rules") {
                      rules.rules.clear();
                      return each(value, name, [&rules](std::string_view rule) {
                        return take_rule(rules.rules.emplace_back(), rule);
                      });
                    }
                    if (name == "ignore") {
                      rules.ignore.clear();
                      return each(value, name, [&rules, &name](std::string_view pattern) {
                        return take(rules.ignore.emplace_back(), pattern, name);
                      });
                    }
                    if (name == "schemas") return take_schemas(rules.schemas, value);
                    if (name == "search_weights")
                      return each_member(
                          value, name, [&rules](const std::string& kind, std::string_view weights) {
                            return take_weights(rules.search_weights[kind], weights);
                          });
                    if (name == "search_scopes")
                      return each_member(value, name,
                                         [&rules](const std::string& kind, std::string_view scope) {
                                           return take_scope(rules.search_scopes[kind], scope);
                                         });
                    if (name == "tracked")
                      return each_member(
                          value, name, [&rules](const std::string& kind, std::string_view pointer) {
                            return take(rules.tracked[kind], pointer, "tracked");
                          });
                    if (name == "limits") return take_limits(rules.limits, value);
                    if (name == "prefix_path_ids") return take(rules.prefix_path_ids, value, name);
                    return unknown(name);
                  }));
  return rules;
}

Result<Rules> rules_of(const Snapshot& snapshot, const std::string& index) {
  const auto text = snapshot.note("rules");
  if (text) return Rules::from_json(*text);
  return Error{Code::index_unreadable, index + " does not say by which rules it was made",
               "start jcn on it once"};
}

}  // namespace jcn
