#include "eligible_name.h"

#include <linux/limits.h>

#include <algorithm>

namespace jcn {
namespace {

Result<void> well_formed(std::string_view path) {
  if (path.size() >= PATH_MAX)
    return Error{Code::path_too_long, "The path is longer than the system can open."};
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view name = path.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string_view::npos)
      return Error{Code::bad_path, "The path is no plain path beneath its root.",
                   "Names with one '/' between each, none of them '.' or '..'."};
    if (name.size() > NAME_MAX)
      return Error{Code::path_too_long, "A name in the path is longer than 255 bytes."};
  }
  return {};
}

}  // namespace

std::string why_ignored(const Rules& rules, const std::string& path) {
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string component = path.substr(at, end - at);
    for (const std::string& pattern : rules.ignore) {
      if (glob_match(pattern, component))
        return "\"" + component + "\" matches the ignore pattern \"" + pattern + "\"";
    }
    at = end + 1;
  }
  return {};
}

Result<const Rule*> eligible_rule(const Rules& rules, const FragmentName& name) {
  JCN_CHECK(well_formed(name.path));
  if (const std::string why = why_ignored(rules, name.path); !why.empty())
    return Error{Code::ignored_name, "A file of this name is ignored: " + why + "."};
  if (const Rule* rule = rules.find(name)) return rule;
  return Error{Code::no_rule, "No rule gives a file of this name a kind.",
               "Without rules in jcn.conf(5), names end in .json."};
}

Result<const Rule*> writable_rule(const Rules& rules, const FragmentName& name) {
  JCN_TRY(const Rule* rule, eligible_rule(rules, name));
  const std::size_t slash = name.path.rfind('/');
  FragmentName beside{name.root, slash == std::string::npos ? "" : name.path.substr(0, slash + 1)};
  beside.path += temporary_name(std::string(32, '0'));
  if (rules.ignored(beside.path) || !rules.find(beside)) return rule;
  return Error{Code::bad_configuration,
               "A file that is being written would be taken for a fragment here.",
               "Ignore .jcn-*.tmp in jcn.conf(5)."};
}

std::string temporary_name(std::string_view digits) {
  return ".jcn-" + std::string(digits) + ".tmp";
}

}  // namespace jcn
