#include "jcn/projection.h"

#include "jcn/canonical.h"
#include "json_pointer.h"

namespace jcn {
namespace {

std::vector<std::string> split_at_dots(std::string_view field) {
  std::vector<std::string> steps;
  for (;;) {
    const std::size_t dot = field.find('.');
    steps.emplace_back(field.substr(0, dot));
    if (dot == std::string_view::npos) return steps;
    field.remove_prefix(dot + 1);
  }
}

}  // namespace

// A container of the document that is being gone through.
struct Projection::Level {
  JsonCursor members;
  Place place;
  bool object = false;
  bool any = false;        // something of it is in the output
  std::size_t index = 0;   // of the next element
  std::size_t before = 0;  // where the output ended before it, its comma and its name
};

Projection::Projection(const std::vector<std::string>& fields) : nodes_(pointed_root + 1) {
  for (const std::string& field : fields) {
    if (!field.starts_with('/')) {
      want(dotted_root, split_at_dots(field));
    } else if (const auto steps = split_pointer(field)) {
      want(pointed_root, *steps);
    }
  }
}

void Projection::want(std::uint32_t root, const std::vector<std::string>& steps) {
  std::uint32_t at = root;
  for (const std::string& step : steps) {
    const auto [edge, fresh] = nodes_[at].children.try_emplace(
        json_quote(step), static_cast<std::uint32_t>(nodes_.size()));
    at = edge->second;
    if (fresh) nodes_.emplace_back();
  }
  nodes_[at].whole = true;
}

std::uint32_t Projection::child(std::uint32_t node, std::string_view quoted) const {
  const auto& children = nodes_[node].children;
  const auto edge = children.find(quoted);
  return edge == children.end() ? 0 : edge->second;
}

std::string Projection::of(std::string_view document) const {
  std::string out;
  std::vector<Level> levels;
  const auto enter = [&](std::string_view container, Place place, std::size_t before) {
    const bool object = json_type(container) == JsonType::object;
    levels.push_back({JsonCursor(container), place, object, false, 0, before});
    out += object ? '{' : '[';
  };
  enter(document, {dotted_root, pointed_root}, 0);
  for (;;) {
    Level& level = levels.back();
    if (!level.members.next()) {
      const Level left = level;
      levels.pop_back();
      if (left.any || levels.empty()) {
        out += left.object ? '}' : ']';
      } else {
        out.resize(left.before);
      }
      if (levels.empty()) return out;
      levels.back().any |= left.any;
      continue;
    }
    Place place;
    if (level.object) {
      place = {child(level.place.dotted, level.members.name()),
               child(level.place.pointed, level.members.name())};
    } else if (level.place.pointed != 0) {
      // Canonical names of objects and indices look alike: "0" and 0.
      place.pointed = child(level.place.pointed, '"' + std::to_string(level.index) + '"');
    }
    ++level.index;
    if (place.dotted == 0 && place.pointed == 0) continue;

    const std::string_view value = level.members.value();
    const JsonType type = json_type(value);
    const bool whole = nodes_[place.dotted].whole || nodes_[place.pointed].whole;
    if (!whole && type != JsonType::object && type != JsonType::array) continue;
    const std::size_t before = out.size();
    if (level.any) out += ',';
    if (level.object) {
      out += level.members.name();
      out += ':';
    }
    if (whole) {
      out += value;
      level.any = true;
    } else {
      enter(value, place, before);
    }
  }
}

}  // namespace jcn
