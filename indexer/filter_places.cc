#include "filter_places.h"

#include <algorithm>
#include <set>

#include "field_condition.h"
#include "jcn/canonical.h"
#include "json_pointer.h"
#include "match.h"

namespace jcn {
namespace {

// A filter on _id: places are in the order of ids.
class IdFilter {
 public:
  IdFilter(QueryRun& run, const SearchPart& part, const Filter& filter, const PlaceSet& within)
      : run_(run), part_(part), filter_(filter), within_(within), places_(part.places()) {}

  Result<PlaceSet> answer() {
    switch (filter_.op) {
      case Operator::notnull:
        return within_;
      case Operator::isnull:
      case Operator::arraycontains:
      case Operator::arraynotcontains:
        return places_;
      default:
        break;
    }
    for (const std::string& operand : filter_.operands) {
      if (json_type(operand) == JsonType::string) JCN_CHECK(add(json_unquote(operand)));
    }
    if (filter_.op == Operator::not_) places_.invert();
    places_ &= within_;
    return std::move(places_);
  }

 private:
  Result<void> add(const std::string& text) {
    JCN_CHECK(run_.step());
    // What is just behind an id is the id and a NUL.
    JCN_TRY(const std::uint32_t first, run_.first_place(part_, text));
    JCN_TRY(const std::uint32_t behind, run_.first_place(part_, text + '\0'));
    switch (filter_.op) {
      case Operator::gt:
        return add_range(behind, part_.places());
      case Operator::gte:
        return add_range(first, part_.places());
      case Operator::lt:
        return add_range(0, first);
      case Operator::lte:
        return add_range(0, behind);
      case Operator::startswith: {
        if (text.empty()) return add_range(0, part_.places());
        JCN_TRY(const std::uint32_t end, run_.first_place(part_, behind_all(text)));
        return add_range(first, end);
      }
      case Operator::contains:
      case Operator::endswith:
        return add_containing(text);
      default:
        return add_range(first, behind);
    }
  }

  Result<void> add_range(std::uint32_t first, std::uint32_t end) {
    for (std::uint32_t place = first; place < end; ++place) places_.set(place);
    return {};
  }

  Result<void> add_containing(const std::string& text) {
    for (std::uint32_t place = within_.next(0); place < within_.size();
         place = within_.next(place + 1)) {
      JCN_CHECK(run_.step());
      JCN_TRY(const std::string id, run_.id_of(part_, place));
      const bool fulfils = filter_.op == Operator::endswith ? id.ends_with(text)
                                                            : id.find(text) != std::string::npos;
      if (fulfils) places_.set(place);
    }
    return {};
  }

  QueryRun& run_;
  const SearchPart& part_;
  const Filter& filter_;
  const PlaceSet& within_;
  PlaceSet places_;
};

Result<PlaceSet> marked(const SearchPart& part, const SegmentField& field, KeyType marker) {
  PlaceSet places(part.places());
  JCN_CHECK(add_places_of(part, field, marker_key(marker), places));
  return places;
}

// The member is null itself: an element that is null has the same key.
Result<PlaceSet> null_members(const SearchPart& part, const SegmentField& field) {
  JCN_TRY(PlaceSet nulls, marked(part, field, KeyType::null));
  if (nulls.none()) return nulls;
  JCN_TRY(const PlaceSet arrays, marked(part, field, KeyType::array));
  nulls.subtract(arrays);
  return nulls;
}

Result<PlaceSet> field_places(QueryRun& run, const SearchPart& part, const Filter& filter,
                              const PlaceSet& within) {
  const SegmentField* field = part_field(part, filter.field.path);
  if (!field) return filter.op == Operator::isnull ? within : PlaceSet(part.places());
  const auto fulfilling = [&](const PlaceSet& among) {
    return places_fulfilling(run, part, *field, filter, among, CutValues::read);
  };
  PlaceSet places(part.places());
  switch (filter.op) {
    case Operator::isnull: {
      JCN_TRY(places, marked(part, *field, KeyType::present));
      places.invert();
      JCN_TRY(const PlaceSet nulls, null_members(part, *field));
      places |= nulls;
      break;
    }
    case Operator::notnull: {
      JCN_TRY(places, marked(part, *field, KeyType::present));
      JCN_TRY(const PlaceSet nulls, null_members(part, *field));
      places.subtract(nulls);
      break;
    }
    case Operator::not_:
    case Operator::arraynotcontains: {
      JCN_TRY(places, marked(part, *field,
                             filter.op == Operator::not_ ? KeyType::present : KeyType::array));
      JCN_TRY(const PlaceSet equal, fulfilling(within));
      places.subtract(equal);
      break;
    }
    case Operator::arraycontains: {
      JCN_TRY(places, marked(part, *field, KeyType::array));
      places &= within;
      return fulfilling(places);
    }
    default:
      return fulfilling(within);
  }
  places &= within;
  return places;
}

// Of a pointer's steps from the first that leads into an array: the fields whose dictionaries hold
// what the pointer may lead to.
std::set<std::string> possible_fields(const SearchPart& part,
                                      const std::vector<std::string>& steps) {
  std::set<std::string> paths = {""};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::set<std::string> next;
    for (const std::string& path : paths) {
      std::string member = path;
      append_field_step(member, steps[i]);
      if (part_field(part, member)) next.insert(std::move(member));
      std::string element = path + '/' + std::string(array_step);
      if (part_field(part, element)) next.insert(std::move(element));
      // Scalars directly in an array belong to its own field.
      if (i + 1 == steps.size() && !path.empty()) next.insert(path);
    }
    paths = std::move(next);
  }
  return paths;
}

bool wants_value(Operator op) {
  return op != Operator::isnull && op != Operator::notnull && op != Operator::not_ &&
         op != Operator::arraynotcontains;
}

// A filter whose pointer may lead into arrays.
Result<PlaceSet> pointer_places(QueryRun& run, const SearchPart& part, const Filter& filter,
                                const PlaceSet& within) {
  JCN_TRY(PlaceSet indexed, indexed_places(part, filter.field));
  indexed &= within;
  PlaceSet others = within;
  others.subtract(indexed);
  JCN_TRY(PlaceSet places, field_places(run, part, filter, others));
  if (indexed.none()) return places;
  if (wants_value(filter.op)) {
    PlaceSet possible(part.places());
    const auto steps = split_pointer(filter.field.path).value_or(std::vector<std::string>());
    for (const std::string& path : possible_fields(part, steps)) {
      const SegmentField* field = part_field(part, path);
      if (!field) continue;
      JCN_TRY(const PlaceSet found,
              places_fulfilling(run, part, *field, filter, indexed, CutValues::admit));
      possible |= found;
    }
    indexed &= possible;
  }
  for (std::uint32_t place = indexed.next(0); place < indexed.size();
       place = indexed.next(place + 1)) {
    JCN_TRY(const Record record, run.record_at(part, place));
    if (matches(filter, record)) places.set(place);
  }
  return places;
}

// Whether one of these records has the field.
Result<bool> has_present(const SearchPart& part, const SegmentField& field, const PlaceSet& among) {
  JCN_TRY(const auto entry, part.search->find(field, marker_key(KeyType::present)));
  if (!entry) return false;
  // More records than there are others: their list need not be read.
  if (entry->documents > part.places() - among.count()) return true;
  PlaceSet present(part.places());
  JCN_CHECK(part.search->add_places(field, *entry, present));
  return present.count_common(among) > 0;
}

constexpr int costly_rank = 4;

int asking_rank(const Filter& filter) {
  if (filter.field.may_index) return costly_rank + 1;
  switch (filter.op) {
    case Operator::exact:
    case Operator::in:
    case Operator::arraycontains:
      return filter.field.kind == Field::Kind::id ? 0 : 1;
    case Operator::gt:
    case Operator::gte:
    case Operator::lt:
    case Operator::lte:
    case Operator::startswith:
      return filter.field.kind == Field::Kind::id ? 0 : 3;
    case Operator::contains:
    case Operator::endswith:
      return costly_rank;
    default:
      return 2;
  }
}

}  // namespace

const SegmentField* part_field(const SearchPart& part, std::string_view path) {
  return part.search->outline().field(*part.kind, path);
}

Result<PlaceSet> indexed_places(const SearchPart& part, const Field& field) {
  PlaceSet places(part.places());
  const auto steps = split_pointer(field.path);
  if (!field.may_index || !steps) return places;
  // A record is found at the first array on its way: all steps before are into objects.
  std::string path;
  for (const std::string& step : *steps) {
    const SegmentField* before = path.empty() ? nullptr : part_field(part, path);
    if (before) JCN_CHECK(add_places_of(part, *before, marker_key(KeyType::array), places));
    append_field_step(path, step);
  }
  return places;
}

Result<PlaceSet> filter_places(QueryRun& run, const SearchPart& part, const Filter& filter,
                               const PlaceSet& within) {
  if (filter.field.kind == Field::Kind::id) return IdFilter(run, part, filter, within).answer();
  if (filter.field.may_index) return pointer_places(run, part, filter, within);
  return field_places(run, part, filter, within);
}

std::vector<const Filter*> in_asking_order(const std::vector<Filter>& filters) {
  std::vector<const Filter*> order;
  order.reserve(filters.size());
  for (const Filter& filter : filters) order.push_back(&filter);
  std::stable_sort(order.begin(), order.end(), [](const Filter* a, const Filter* b) {
    return asking_rank(*a) < asking_rank(*b);
  });
  return order;
}

bool is_costly(const Filter& filter) {
  return asking_rank(filter) >= costly_rank;
}

Result<bool> has_field(QueryRun& run, const SearchPart& part, const Field& field,
                       std::uint32_t& documents) {
  if (field.kind != Field::Kind::member) return !part.living.none();
  JCN_CHECK(run.step());
  const SegmentField* found = part_field(part, field.path);
  if (!field.may_index) return found ? has_present(part, *found, part.living) : Result<bool>(false);
  JCN_TRY(PlaceSet indexed, indexed_places(part, field));
  if (found) {
    PlaceSet others = part.living;
    JCN_TRY(const bool present, has_present(part, *found, others.subtract(indexed)));
    if (present) return true;
  }
  indexed &= part.living;
  for (std::uint32_t place = indexed.next(0); place < indexed.size();
       place = indexed.next(place + 1)) {
    if (documents == 0) return true;
    --documents;
    JCN_TRY(const Record record, run.record_at(part, place));
    if (member_at(record.document, field)) return true;
  }
  return false;
}

}  // namespace jcn
