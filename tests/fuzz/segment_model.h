// What the searchable part of a segment must say, worked out plainly from its documents.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/record.h"
#include "segment_search.h"

// One kind's.
class KindModel {
 public:
  // The next place's record; absent: an orphan's.
  void add(std::optional<std::string_view> document, std::int64_t created_ns,
           std::int64_t updated_ns, std::optional<std::int64_t> since_ns = {});
  // Stops the program when the segment says anything else.
  void compare(const jcn::SegmentSearch& search, const jcn::SegmentKind& kind) const;

 private:
  using Places = std::vector<std::uint32_t>;

  void add_value(const std::string& path, std::string_view value);
  void add_members(const std::string& path, std::string_view object);
  void add_scalar(const std::string& path, std::string_view scalar);
  void add_key(const std::string& path, std::string key);
  void compare_field(const jcn::SegmentSearch& search, const jcn::SegmentField& field,
                     const std::map<std::string, Places>& keys) const;
  void compare_words(const jcn::SegmentSearch& search, const jcn::SegmentField& field) const;

  std::uint32_t places_ = 0;
  std::map<std::string, std::map<std::string, Places>> fields_;  // path → key → places
  // token → place → path → how often
  std::map<std::string, std::map<std::uint32_t, std::map<std::string, std::uint32_t>>> words_;
  std::vector<std::uint32_t> tokens_;  // by place
};
