#include "jcn/rules.h"

#include "jcn/schema.h"

namespace jcn {

std::vector<std::string> Rules::default_ignore() {
  return {".*", "*~", "*.part", "*.partial", "*.tmp", "*.crdownload", "*.filepart", "*.swp", "#*#"};
}

const Rule* Rules::find(const FragmentName& name) const {
  for (const Rule& rule : rules) {
    if ((rule.root.empty() || rule.root == name.root) && glob_match(rule.match, name.path)) {
      return &rule;
    }
  }
  return nullptr;
}

bool Rules::ignored_component(std::string_view name) const {
  for (const std::string& pattern : ignore) {
    if (glob_match(pattern, name)) return true;
  }
  return false;
}

bool Rules::ignored(std::string_view path) const {
  for (std::size_t at = 0;;) {
    const std::size_t slash = path.find('/', at);
    if (slash == std::string_view::npos) return ignored_component(path.substr(at));
    if (ignored_component(path.substr(at, slash - at))) return true;
    at = slash + 1;
  }
}

bool KindSchema::operator==(const KindSchema& other) const {
  return schema->text() == other.schema->text();
}

const Schema* Rules::schema(const std::string& kind) const {
  const auto found = schemas.find(kind);
  return found == schemas.end() ? nullptr : found->second.schema.get();
}

const SearchWeights& Rules::weights(const std::string& kind) const {
  static const SearchWeights all_one;
  const auto found = search_weights.find(kind);
  return found == search_weights.end() ? all_one : found->second;
}

const SearchScope& Rules::scope(const std::string& kind) const {
  static const SearchScope all;
  const auto found = search_scopes.find(kind);
  return found == search_scopes.end() ? all : found->second;
}

std::string Rules::tracked_pointer(const std::string& kind) const {
  const auto found = tracked.find(kind);
  return found == tracked.end() ? default_tracked : found->second;
}

bool Rules::wants_anchor(std::string_view kind) const {
  for (const Rule& rule : rules) {
    if (rule.anchor && rule.kind == kind) return true;
  }
  return false;
}

}  // namespace jcn
