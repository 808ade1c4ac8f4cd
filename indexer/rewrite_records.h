// The records of a generation that may be damaged, in key order: read where their blocks match
// their checksums, composed again from their files where those are as they were, given up
// otherwise. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jcn/rules.h"
#include "rewrite.h"
#include "segment_merge.h"

namespace jcn {

// A record, and the contents that are kept apart from its document.
struct RescuedRecord {
  std::string key;  // record_key_bytes
  Record record;
  std::vector<std::pair<std::string, std::string>> bodies;  // file key, body row; by fragment
  bool healed = false;
};

class RewriteRecords {
 public:
  RewriteRecords(const RewriteSource& source, const RewriteWish& wish, Rules rules);
  ~RewriteRecords();

  // Once, first. index_damaged: nothing names the records, or what names them is not what it was.
  Result<void> begin();
  // The next one that could be had; false after the last.
  Result<bool> next(RescuedRecord& record);
  const std::set<std::string, std::less<>>& lost() const { return lost_; }  // keys given up so far

 private:
  struct OpenSegment;
  struct Place {
    std::uint32_t segment, local;
    std::optional<IdRow> id;
  };
  Result<bool> next_place(std::string& key, Place& place);
  Result<bool> read(const std::string& key, const Place& place, RescuedRecord& record);
  Result<bool> heal(const std::string& key, const Place& place, RescuedRecord& record);
  Result<bool> add_bodies(RescuedRecord& record);
  Result<std::optional<std::string>> body(const FragmentName& name, const std::string& file_key,
                                          const std::optional<FileRow>& row);
  Result<const std::vector<std::pair<FragmentName, FileRow>>*> files_of(const std::string& key);
  Result<std::optional<FileRow>> file_row(const FragmentName& name) const;
  bool whole(Table table) const;

  const RewriteSource source_;
  const RewriteWish& wish_;
  const Rules rules_;
  std::optional<Cursor> ids_;  // where the ids name the records
  bool more_ids_ = false;
  TableSum ids_sum_, written_ids_;
  MergeSources segments_;  // where the segments do
  std::map<std::uint32_t, std::unique_ptr<OpenSegment>> open_;
  using Files = std::vector<std::pair<FragmentName, FileRow>>;
  std::optional<std::map<std::string, Files, std::less<>>> unreadable_;  // by key; once one was met
  std::set<std::string, std::less<>> lost_;
};

}  // namespace jcn
