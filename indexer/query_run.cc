#include "query_run.h"

#include <algorithm>
#include <optional>

#include "encoding.h"
#include "keys.h"
#include "snapshot_state.h"

namespace jcn {

Result<void> QueryRun::look_at_clock() {
  steps_ = 0;
  if (Clock::now() < deadline_) return {};
  return Error{Code::query_timeout, "the query took longer than it may",
               "ask for less: a filter on a rarer value, a shorter walk"};
}

Result<std::vector<SearchPart>> QueryRun::parts(const std::string& kind) {
  return search_parts(snapshot_.state(), kind, [this] { return look_at_clock(); });
}

KeptCounts& QueryRun::kept_counts() const {
  return snapshot_.state().cache().counts();
}

Result<std::string> QueryRun::id_of(const SearchPart& part, std::uint32_t place) const {
  JCN_TRY(std::string key, part.search->key_of(part.kind->first + place));
  const std::size_t begin = part.kind->name.size() + 1;
  if (key.size() <= begin) return damaged("a segment's record has no id");
  return key.substr(begin);
}

Result<std::uint32_t> QueryRun::first_place(const SearchPart& part, const std::string& id) const {
  JCN_TRY(const std::uint32_t local,
          part.search->lower_bound_key(record_key_bytes({part.kind->name, id})));
  return std::clamp(local, part.kind->first, part.kind->end) - part.kind->first;
}

Result<Record> QueryRun::record_at(const SearchPart& part, std::uint32_t place) {
  JCN_CHECK(step(steps_of_document));
  JCN_TRY(std::string id, id_of(part, place));
  RecordKey key{part.kind->name, std::move(id)};
  std::optional<Record> record;
  if (part.segment) {
    JCN_TRY(record,
            snapshot_.state().unpack(*part.segment, part.kind->first + place, std::move(key)));
  } else {
    JCN_TRY(record, snapshot_.record(key));
  }
  if (!record || !record->exists) return damaged("a living record of a segment is not there");
  ++documents_read_;
  JCN_CHECK(step(static_cast<std::uint32_t>(record->document.size() / bytes_per_step)));
  return std::move(*record);
}

}  // namespace jcn
