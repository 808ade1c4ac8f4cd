// The members that records of a kind have, with types and counts.
#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <vector>

#include "encoding.h"
#include "field_condition.h"
#include "jcn/canonical.h"
#include "jcn/query.h"
#include "json_pointer.h"
#include "query_run.h"
#include "search_parts.h"

namespace jcn {
namespace {

constexpr std::array<std::string_view, 6> type_names = {"null",   "boolean", "number",
                                                        "string", "array",   "object"};
constexpr std::size_t scalar_types = 4;
constexpr std::uint32_t steps_of_field = 64;  // beside those of its column
// The first key of each scalar type, and what is behind the last.
constexpr std::array<KeyType, scalar_types + 1> type_begins = {
    KeyType::null, KeyType::false_, KeyType::number, KeyType::string,
    KeyType{static_cast<std::uint8_t>(KeyType::string) + 1}};

struct Counts {
  std::uint64_t records = 0;
  std::array<std::uint64_t, 6> types{};
};

Result<std::uint64_t> count_marked(const SearchPart& part, const SegmentField& field,
                                   KeyType marker) {
  PlaceSet places(part.places());
  JCN_CHECK(add_places_of(part, field, marker_key(marker), places));
  return places.count_common(part.living);
}

Result<void> count_scalars(QueryRun& run, const SearchPart& part, const SegmentField& field,
                           Counts& counts) {
  std::array<std::uint64_t, scalar_types + 1> begins{};
  for (std::size_t i = 0; i < begins.size(); ++i) {
    JCN_TRY(begins[i], part.search->lower_bound(field, marker_key(type_begins[i])));
  }
  const auto type_of = [&](std::uint64_t ordinal) {
    std::size_t type = 0;
    while (type + 1 < scalar_types && ordinal >= begins[type + 1]) ++type;
    return type;
  };
  for (std::uint32_t first = 0; first < part.places(); first += column_chunk) {
    JCN_CHECK(run.step(column_chunk / 4));
    JCN_TRY(const ColumnChunkView chunk, part.search->column(field, first / column_chunk));
    std::uint32_t place = part.places();  // none of the chunk
    unsigned seen = 0;                    // types that were counted for the place
    chunk.for_each_present([&](std::uint32_t at, std::uint32_t ordinal) {
      if (at != place) seen = 0;
      place = at;
      if (!part.living.test(first + at)) return;
      const std::size_t type = type_of(ordinal);
      if ((seen >> type & 1U) == 0) ++counts.types[type];
      seen |= 1U << type;
    });
  }
  return {};
}

Result<void> count_field(QueryRun& run, const SearchPart& part, const SegmentField& field,
                         Counts& counts) {
  JCN_TRY(const std::uint64_t records, count_marked(part, field, KeyType::present));
  if (records == 0) return {};
  counts.records += records;
  JCN_TRY(const std::uint64_t arrays, count_marked(part, field, KeyType::array));
  JCN_TRY(const std::uint64_t objects, count_marked(part, field, KeyType::object));
  counts.types[static_cast<std::size_t>(JsonType::array)] += arrays;
  counts.types[static_cast<std::size_t>(JsonType::object)] += objects;
  return count_scalars(run, part, field, counts);
}

// Dotted, if that names the same field.
std::string name_of(const std::string& path) {
  const auto names = split_pointer(path);
  if (!names) return path;  // it has a step into arrays
  std::string dotted;
  for (const std::string& name : *names) {
    if (&name != &names->front()) dotted += '.';
    dotted += name;
  }
  const auto field = parse_field(dotted);
  const bool same = field.ok() && field->kind == Field::Kind::member && !field->may_index;
  return same && field->path == path ? dotted : path;
}

// A field of one part, among all fields of all parts.
struct Candidate {
  std::uint32_t steps = 0;
  std::uint32_t part = 0;
  const SegmentField* field = nullptr;
};

// Heaps have the largest on top: here that is what is listed first.
bool listed_later(const Candidate& a, const Candidate& b) {
  if (a.steps != b.steps) return a.steps > b.steps;
  return a.field->path > b.field->path;
}

// Names may be as many as values: only as many of them are put in order as are listed.
class Candidates {
 public:
  Result<void> gather(QueryRun& run, const std::vector<SearchPart>& parts) {
    for (std::uint32_t part = 0; part < parts.size(); ++part) {
      const SearchOutline& outline = parts[part].search->outline();
      const SegmentKind& kind = *parts[part].kind;
      for (std::uint32_t i = kind.first_field; i < kind.end_field; ++i) {
        JCN_CHECK(run.step());
        const SegmentField& field = outline.fields[i];
        if (!field.path.starts_with('/')) continue;  // a computed one
        const auto steps = std::count(field.path.begin(), field.path.end(), '/');
        heap_.push_back({static_cast<std::uint32_t>(steps), part, &field});
      }
    }
    std::make_heap(heap_.begin(), heap_.end(), listed_later);
    return {};
  }
  const Candidate* first() const { return heap_.empty() ? nullptr : &heap_.front(); }
  void take_first() {
    std::pop_heap(heap_.begin(), heap_.end(), listed_later);
    heap_.pop_back();
  }

 private:
  std::vector<Candidate> heap_;
};

FieldSummary summary_of(const std::string& path, const Counts& counts) {
  FieldSummary summary{name_of(path), counts.records, {}};
  for (std::size_t type = 0; type < type_names.size(); ++type) {
    if (counts.types[type] != 0) summary.types.emplace(type_names[type], counts.types[type]);
  }
  return summary;
}

}  // namespace

Result<FieldList> list_fields(const Snapshot& snapshot, const std::string& kind,
                              std::chrono::steady_clock::time_point deadline, std::uint64_t bytes) {
  QueryRun run(snapshot, deadline);
  JCN_CHECK(run.look_at_clock());
  JCN_TRY(const std::vector<SearchPart> parts, run.parts(kind));
  Candidates candidates;
  JCN_CHECK(candidates.gather(run, parts));
  FieldList list;
  std::map<std::string_view, Counts> by_path;
  std::uint64_t listed_bytes = 0;
  while (const Candidate* candidate = candidates.first()) {
    const std::string_view path = candidate->field->path;
    Counts counts;
    for (; candidate && candidate->field->path == path; candidate = candidates.first()) {
      JCN_CHECK(count_field(run, parts[candidate->part], *candidate->field, counts));
      JCN_CHECK(run.step(steps_of_field));
      candidates.take_first();
    }
    if (counts.records == 0) continue;
    listed_bytes += path.size();
    list.truncated =
        !by_path.empty() && (by_path.size() == most_listed_fields || listed_bytes > bytes);
    if (list.truncated) break;
    by_path.emplace(path, counts);
  }
  for (const auto& [path, counts] : by_path) {
    list.fields.push_back(summary_of(std::string(path), counts));
  }
  return list;
}

}  // namespace jcn
