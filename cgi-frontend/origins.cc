#include "origins.h"

#include <algorithm>
#include <array>

#include "jcn/canonical.h"
#include "shown_text.h"

namespace cgi {
namespace {

constexpr std::array<std::string_view, 14> shown = {
    "title", "description", "tags",   "uploader", "uploaded_at", "visibility", "duration",
    "width", "height",      "source", "poster",   "renditions",  "tracks",     "transcode"};

void add_once(std::vector<std::string>& paths, std::string path) {
  if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(std::move(path));
}

std::string path_of(std::string_view place) {
  return plain_value(jcn::json_member(place, "path"), 300);
}

// title of /title and /title/x, if pages show it.
const std::string_view* member_of(const std::string& pointer) {
  if (!pointer.starts_with('/')) return nullptr;
  const std::string_view name = std::string_view(pointer).substr(1, pointer.find('/', 1) - 1);
  const auto* found = std::find(shown.begin(), shown.end(), name);
  return found == shown.end() ? nullptr : found;
}

}  // namespace

std::vector<Origin> origins_of(std::string_view provenance) {
  std::array<Origin, shown.size()> rows;
  for (jcn::JsonCursor cursor(provenance); cursor.next();) {
    const auto* member = member_of(jcn::json_unquote(cursor.name()));
    if (member == nullptr || jcn::json_type(cursor.value()) != jcn::JsonType::object) continue;
    Origin& row = rows[static_cast<std::size_t>(member - shown.begin())];
    row.member = *member;
    add_once(row.said_by, path_of(cursor.value()));
    const auto shadowed = jcn::json_member(cursor.value(), "shadowed");
    if (!shadowed) continue;
    for (jcn::JsonCursor each(*shadowed); each.next();) {
      if (jcn::json_type(each.value()) == jcn::JsonType::object)
        add_once(row.overruled, path_of(each.value()));
    }
  }
  std::vector<Origin> out;
  for (Origin& row : rows) {
    if (row.member.empty()) continue;
    std::erase_if(row.overruled, [&](const std::string& path) {
      return std::find(row.said_by.begin(), row.said_by.end(), path) != row.said_by.end();
    });
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace cgi
