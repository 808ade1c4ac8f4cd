#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

#include "jcn/canonical.h"
#include "jcn/compose.h"
#include "json_pointer.h"
#include "source_place.h"

namespace jcn {
namespace {

// The document and all fragments are walked side by side, so that each is read once a level.
struct Said {
  Opinion opinion;
  bool above = false;  // put in place of an object above
};
struct Place {
  std::string pointer;
  std::optional<std::string_view> value;  // in the document
  std::vector<Said> said;                 // in composition order
};

using Members = std::unordered_map<std::string_view, std::string_view>;

Members members_of(std::string_view object) {
  Members members;
  for (JsonCursor cursor(object); cursor.next();) members.emplace(cursor.name(), cursor.value());
  return members;
}

bool is_object(std::string_view value) {
  return json_type(value) == JsonType::object;
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

class Walk {
 public:
  explicit Walk(const std::vector<Contribution>& contributions)
      : contributions_(contributions), composition_(compose(contributions, false)) {
    for (const Contribution& contribution : contributions) {
      if (!contribution.rule) continue;
      for (const MergeStrategy& strategy : contribution.rule->merge) {
        if (strategy.kind == MergeStrategy::Kind::union_of) united_.insert(strategy.pointer);
      }
    }
  }

  std::vector<Origin> run() {
    Place whole{"", composition_.document, {}};
    for (const std::size_t i : composition_.order)
      whole.said.push_back({{i, contributions_[i].body}, false});
    places_.push_back(std::move(whole));
    while (!places_.empty()) {
      const Place place = std::move(places_.back());
      places_.pop_back();
      if (!place.value) {
        take_removed(place);
        continue;
      }
      if (is_object(*place.value)) descend(place);
      if (!is_object(*place.value) || *place.value == "{}") take_leaf(place);
    }
    std::sort(origins_.begin(), origins_.end(),
              [](const Origin& a, const Origin& b) { return a.pointer < b.pointer; });
    return std::move(origins_);
  }

 private:
  const Rule* rule_of(const Opinion& opinion) const {
    return contributions_[opinion.contribution].rule;
  }

  // A null that its rule tells to say nothing. The first fragment's are values like others.
  bool says_nothing(const Opinion& opinion) const {
    return opinion.value == "null" && opinion.contribution != composition_.order.front() &&
           rule_of(opinion) && rule_of(opinion)->ignore_nulls;
  }

  void descend(const Place& place) {
    std::vector<Members> members;
    for (const Said& said : place.said) {
      const std::string_view value = said.opinion.value;
      members.push_back(is_object(value) ? members_of(value) : Members());
    }
    const auto add = [&](std::string_view name, std::optional<std::string_view> value) {
      Place child{place.pointer, value, {}};
      append_pointer_token(child.pointer, json_unquote(name));
      if (child.pointer.size() > max_pointer_bytes) return;
      for (std::size_t i = 0; i < place.said.size(); ++i) {
        Said said = place.said[i];
        if (is_object(said.opinion.value)) {
          const auto member = members[i].find(name);
          if (member == members[i].end()) continue;
          said.opinion.value = member->second;
        } else {
          said.above = true;
        }
        if (!says_nothing(said.opinion)) child.said.push_back(said);
      }
      places_.push_back(std::move(child));
    };
    Members standing;
    for (JsonCursor cursor(*place.value); cursor.next();) {
      add(cursor.name(), cursor.value());
      standing.emplace(cursor.name(), cursor.value());
    }
    // What is not there any more. Each name once: `standing` takes it up.
    for (const Members& given : members) {
      for (const auto& [name, value] : given) {
        if (standing.emplace(name, value).second) add(name, std::nullopt);
      }
    }
  }

  // The winner is the last fragment whose own value is the one that stands; of a union, which no
  // single fragment may have given, the last one that gave an array of it.
  void take_leaf(const Place& place) {
    Origin origin{place.pointer, std::string(*place.value), false, 0, {}};
    std::optional<std::size_t> equal, part;
    for (const auto& [opinion, above] : place.said) {
      if (compare_values(opinion.value, *place.value) == 0) {
        equal = opinion.contribution;
      } else if ((*place.value == "{}" && is_object(opinion.value)) ||
                 (united_.contains(place.pointer) && is_subset(opinion.value, *place.value))) {
        part = opinion.contribution;
      } else {
        origin.shadowed.push_back(opinion);
      }
    }
    if (equal || part) {
      origin.winner = equal ? *equal : *part;
    } else if (!origin.shadowed.empty()) {
      // A strategy changed an element within the array: the last one to speak gave most of it.
      origin.winner = origin.shadowed.back().contribution;
      origin.shadowed.pop_back();
    }
    origins_.push_back(std::move(origin));
  }

  // The last one to speak took it away, itself or with an object above.
  void take_removed(const Place& place) {
    if (place.said.empty()) return;
    const Opinion& last = place.said.back().opinion;
    Origin origin{place.pointer, "null", true, last.contribution, {}};
    for (const auto& [opinion, above] : place.said) {
      if (!above && compare_values(opinion.value, last.value) != 0)
        origin.shadowed.push_back(opinion);
    }
    if (!origin.shadowed.empty()) origins_.push_back(std::move(origin));
  }

  const std::vector<Contribution>& contributions_;
  const Composition composition_;
  std::set<std::string> united_;  // pointers
  std::vector<Place> places_;     // still to be looked at
  std::vector<Origin> origins_;
};

}  // namespace

std::vector<Origin> origins(const std::vector<Contribution>& contributions) {
  if (contributions.empty()) return {};
  return Walk(contributions).run();
}

}  // namespace jcn
