#include <unordered_map>

#include "jcn/canonical.h"

namespace jcn {
namespace {

// Members by name. Most patches are small: a map is made only for those that are not.
class Members {
 public:
  explicit Members(std::string_view object) {
    for (JsonCursor cursor(object); cursor.next();) {
      list_.push_back({cursor.name(), cursor.value()});
    }
    if (list_.size() <= 16) return;
    for (std::size_t i = 0; i < list_.size(); ++i) by_name_.emplace(list_[i].name, i);
  }

  struct Member {
    std::string_view name, value;
    bool used = false;
  };

  Member* find(std::string_view name) {
    if (!by_name_.empty()) {
      const auto it = by_name_.find(name);
      return it == by_name_.end() ? nullptr : &list_[it->second];
    }
    for (Member& member : list_) {
      if (member.name == name) return &member;
    }
    return nullptr;
  }
  std::vector<Member>& list() { return list_; }

 private:
  std::vector<Member> list_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
};

void begin_member(std::string& out, std::size_t start, std::string_view name) {
  if (out.size() > start + 1) out += ',';
  out += name;
  out += ':';
}

// Recursion goes as deep as the patch is nested, which check_json has limited.
void merge_onto(std::string& out, std::string_view target, std::string_view patch,
                bool ignore_nulls) {
  if (json_type(patch) != JsonType::object) {
    out += patch;
    return;
  }
  if (json_type(target) != JsonType::object) target = "{}";
  Members changes(patch);
  const std::size_t start = out.size();
  out += '{';
  for (JsonCursor cursor(target); cursor.next();) {
    Members::Member* change = changes.find(cursor.name());
    if (change) change->used = true;
    const bool null = change && json_type(change->value) == JsonType::null;
    if (null && !ignore_nulls) continue;
    begin_member(out, start, cursor.name());
    if (!change || null) {
      out += cursor.value();
    } else {
      merge_onto(out, cursor.value(), change->value, ignore_nulls);
    }
  }
  for (const Members::Member& change : changes.list()) {
    if (change.used || json_type(change.value) == JsonType::null) continue;
    begin_member(out, start, change.name);
    merge_onto(out, "{}", change.value, ignore_nulls);
  }
  out += '}';
}

}  // namespace

std::string merge_patch(std::string_view target, std::string_view patch, bool ignore_nulls) {
  if (ignore_nulls && json_type(patch) == JsonType::null) return std::string(target);
  std::string out;
  out.reserve(target.size() + patch.size());
  merge_onto(out, target, patch, ignore_nulls);
  return out;
}

}  // namespace jcn
