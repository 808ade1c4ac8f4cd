#include <optional>
#include <set>

#include "jcn/canonical.h"
#include "jcn/compose.h"
#include "json_pointer.h"

namespace jcn {
namespace {

struct Leaf {
  std::vector<std::string> tokens;
  std::string pointer;
  std::string_view value;
};

void collect_leaves(std::string_view value, Leaf& place, std::vector<Leaf>& out) {
  if (json_type(value) != JsonType::object || value == "{}") {
    out.push_back({place.tokens, place.pointer, value});
    return;
  }
  const std::size_t length = place.pointer.size();
  for (JsonCursor cursor(value); cursor.next();) {
    place.tokens.push_back(json_unquote(cursor.name()));
    append_pointer_token(place.pointer, place.tokens.back());
    collect_leaves(cursor.value(), place, out);
    place.tokens.pop_back();
    place.pointer.resize(length);
  }
}

// What a fragment has to say about a leaf: its value there, or what it puts in an ancestor's place.
// Nothing when it leaves the leaf alone.
std::optional<std::string_view> opinion(std::string_view body,
                                        const std::vector<std::string>& tokens) {
  std::optional<std::string_view> value = body;
  for (const std::string& token : tokens) {
    if (json_type(*value) != JsonType::object) return value;
    value = json_member(*value, token);
    if (!value) return std::nullopt;
  }
  return value;
}

bool is_subset(std::string_view array, std::string_view of) {
  if (json_type(array) != JsonType::array || json_type(of) != JsonType::array) return false;
  const auto less = [](std::string_view a, std::string_view b) { return compare_values(a, b) < 0; };
  std::set<std::string_view, decltype(less)> elements(less);
  for (JsonCursor cursor(of); cursor.next();) elements.insert(cursor.value());
  for (JsonCursor cursor(array); cursor.next();) {
    if (!elements.contains(cursor.value())) return false;
  }
  return true;
}

bool united_at(const std::vector<Contribution>& contributions, const std::string& pointer) {
  for (const Contribution& contribution : contributions) {
    if (!contribution.rule) continue;
    for (const MergeStrategy& strategy : contribution.rule->merge) {
      if (strategy.kind == MergeStrategy::Kind::union_of && strategy.pointer == pointer)
        return true;
    }
  }
  return false;
}

}  // namespace

// The winner is the last fragment whose own value is the one that stands; of a union, which no
// single fragment may have given, the last one that gave an array.
std::map<std::string, Provenance> provenance(const std::vector<Contribution>& contributions) {
  std::map<std::string, Provenance> out;
  if (contributions.empty()) return out;
  const Composition composition = compose(contributions, false);
  std::vector<Leaf> leaves;
  Leaf root;
  collect_leaves(composition.document, root, leaves);
  for (const Leaf& leaf : leaves) {
    const bool united = united_at(contributions, leaf.pointer);
    Provenance& entry = out[leaf.pointer];
    std::optional<FragmentName> equal, last;
    for (const std::size_t i : composition.order) {
      const Contribution& contribution = contributions[i];
      const auto value = opinion(contribution.body, leaf.tokens);
      if (!value) continue;
      const bool null = json_type(*value) == JsonType::null;
      const bool first = i == composition.order.front();
      if (null && !first && contribution.rule && contribution.rule->ignore_nulls) continue;
      if (compare_values(*value, leaf.value) == 0) {
        equal = contribution.name;
      } else if ((united && is_subset(*value, leaf.value)) ||
                 (json_type(*value) == JsonType::object && leaf.value == "{}")) {
        last = contribution.name;
      } else {
        entry.shadowed.push_back(contribution.name);
      }
    }
    if (equal || last) {
      entry.winner = equal ? *equal : *last;
    } else if (!entry.shadowed.empty()) {
      // A strategy changed an element within the array: the last one to speak gave most of it.
      entry.winner = entry.shadowed.back();
      entry.shadowed.pop_back();
    }
  }
  return out;
}

}  // namespace jcn
