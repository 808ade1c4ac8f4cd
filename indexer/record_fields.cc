// The members that records of a kind have, with types and counts.
#include <algorithm>
#include <array>
#include <map>

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

}  // namespace

Result<std::vector<FieldSummary>> list_fields(const Snapshot& snapshot, const std::string& kind,
                                              std::chrono::steady_clock::time_point deadline) {
  QueryRun run(snapshot, deadline);
  JCN_CHECK(run.look_at_clock());
  JCN_TRY(const std::vector<SearchPart> parts, run.parts(kind));
  std::map<std::string, Counts> by_path;
  for (const SearchPart& part : parts) {
    const SearchOutline& outline = part.search->outline();
    for (std::uint32_t i = part.kind->first_field; i < part.kind->end_field; ++i) {
      const SegmentField& field = outline.fields[i];
      if (!field.path.starts_with('/')) continue;  // a computed one
      JCN_CHECK(count_field(run, part, field, by_path[field.path]));
    }
  }
  std::vector<FieldSummary> summaries;
  for (const auto& [path, counts] : by_path) {
    if (counts.records == 0) continue;
    FieldSummary summary{name_of(path), counts.records, {}};
    for (std::size_t type = 0; type < type_names.size(); ++type) {
      if (counts.types[type] != 0) summary.types.emplace(type_names[type], counts.types[type]);
    }
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

}  // namespace jcn
