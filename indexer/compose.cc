#include "jcn/compose.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "jcn/canonical.h"

namespace jcn {
namespace {

const Rule& rule_of(const Contribution& contribution) {
  // A file that no rule takes any more composes as under the default one until it is dropped.
  static const Rule standard;
  return contribution.rule ? *contribution.rule : standard;
}

struct SortKey {
  std::int32_t rank = 0;
  std::optional<std::string_view> order_value;
  std::string_view path;  // without .json
  std::string_view root;
};

SortKey sort_key(const Contribution& contribution) {
  const Rule& rule = rule_of(contribution);
  SortKey key{rule.rank, std::nullopt, contribution.name.path, contribution.name.root};
  if (!rule.order_by.empty()) key.order_value = json_at(contribution.body, rule.order_by);
  constexpr std::string_view suffix = ".json";
  if (key.path.ends_with(suffix)) key.path.remove_suffix(suffix.size());
  return key;
}

bool comes_before(const SortKey& a, const SortKey& b) {
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.order_value.has_value() != b.order_value.has_value()) return !a.order_value;
  if (a.order_value) {
    if (const int order = compare_values(*a.order_value, *b.order_value)) return order < 0;
  }
  if (a.path != b.path) return a.path < b.path;
  return a.root < b.root;
}

std::vector<std::size_t> composition_order(const std::vector<Contribution>& contributions) {
  std::vector<SortKey> keys;
  keys.reserve(contributions.size());
  for (const Contribution& contribution : contributions) keys.push_back(sort_key(contribution));
  std::vector<std::size_t> order(contributions.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // "a" and "a.json" may differ in nothing but the suffix: the whole name decides then.
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (comes_before(keys[a], keys[b])) return true;
    if (comes_before(keys[b], keys[a])) return false;
    return contributions[a].name < contributions[b].name;
  });
  return order;
}

struct ValueLess {
  bool operator()(std::string_view a, std::string_view b) const { return compare_values(a, b) < 0; }
};

// The elements that were there, then those of the patch that are not yet among them.
std::string union_of(std::string_view before, std::string_view added) {
  std::set<std::string_view, ValueLess> seen;
  for (JsonCursor cursor(before); cursor.next();) seen.insert(cursor.value());
  std::string out(before.substr(0, before.size() - 1));
  for (JsonCursor cursor(added); cursor.next();) {
    if (!seen.insert(cursor.value()).second) continue;
    if (out.size() > 1) out += ',';
    out += cursor.value();
  }
  out += ']';
  return out;
}

// What a strategy makes of two values; nothing where merge patch has the word: one side is absent
// or null, both are objects, or a union is asked of what is no array.
std::optional<std::string> combine(MergeStrategy::Kind kind, std::optional<std::string_view> before,
                                   std::optional<std::string_view> given) {
  if (!before || !given) return std::nullopt;
  const JsonType a = json_type(*before), b = json_type(*given);
  if (a == JsonType::null || b == JsonType::null) return std::nullopt;
  if (kind == MergeStrategy::Kind::union_of) {
    if (a != JsonType::array || b != JsonType::array) return std::nullopt;
    return union_of(*before, *given);
  }
  if (a == JsonType::object || b == JsonType::object) return std::nullopt;
  const int order = compare_values(*before, *given);
  const bool keep = kind == MergeStrategy::Kind::min ? order <= 0 : order >= 0;
  return std::string(keep ? *before : *given);
}

std::string merge_with_rule(std::string_view document, std::string_view patch, const Rule& rule) {
  std::string merged = merge_patch(document, patch, rule.ignore_nulls);
  for (const MergeStrategy& strategy : rule.merge) {
    const auto value = combine(strategy.kind, json_at(document, strategy.pointer),
                               json_at(patch, strategy.pointer));
    if (!value) continue;
    // The patch has a value there that is not null, so the merged document has one, too.
    const auto place = json_at(merged, strategy.pointer);
    if (!place) continue;
    merged.replace(static_cast<std::size_t>(place->data() - merged.data()), place->size(), *value);
  }
  return merged;
}

}  // namespace

Composition compose(const std::vector<Contribution>& contributions, bool wants_anchor) {
  Composition composition;
  composition.order = composition_order(contributions);
  composition.exists = !wants_anchor;
  for (const Contribution& contribution : contributions) {
    if (rule_of(contribution).anchor) composition.exists = true;
  }
  if (!composition.exists) return composition;
  for (const std::size_t i : composition.order) {
    const Contribution& contribution = contributions[i];
    if (i == composition.order.front()) {
      composition.document = contribution.body;
    } else {
      composition.document =
          merge_with_rule(composition.document, contribution.body, rule_of(contribution));
    }
  }
  return composition;
}

}  // namespace jcn
