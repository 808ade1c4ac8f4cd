#include "column_stream.h"
#include "field_condition.h"
#include "filter_places.h"
#include "known_value.h"
#include "match.h"
#include "page_stream.h"

namespace jcn {
namespace {

class KnownStream : public PageStream {
 public:
  KnownStream(const SearchPart& part, std::vector<KnownValue> known)
      : PageStream(part), known_(std::move(known)) {}

  Result<bool> next() override {
    if (at_ == known_.size()) return false;
    head_.place = known_[at_].place;
    head_.value = *known_[at_].value;
    ++at_;
    return true;
  }

 private:
  const std::vector<KnownValue> known_;
  std::size_t at_ = 0;
};

// A field whose pointer leads into arrays of this part: what is there, documents tell.
Result<std::vector<KnownValue>> values_by_documents(QueryRun& run, const SearchPart& part,
                                                    const PlaceSet& places, const Field& field,
                                                    const PlaceSet& indexed, bool descending) {
  PlaceSet holders = indexed;
  if (const SegmentField* plain = part_field(part, field.path)) {
    JCN_CHECK(add_places_of(part, *plain, marker_key(KeyType::present), holders));
  }
  std::vector<KnownValue> known;
  for (std::uint32_t place = places.next(0); place < places.size();
       place = places.next(place + 1)) {
    JCN_CHECK(run.step());
    SortValue value;
    if (holders.test(place)) {
      JCN_TRY(const Record record, run.record_at(part, place));
      value = extreme_value(member_at(record.document, field), descending);
    }
    known.push_back({std::make_shared<const SortValue>(std::move(value)), place});
  }
  return known;
}

}  // namespace

Result<std::unique_ptr<PageStream>> stream_by_value(QueryRun& run, const SearchPart& part,
                                                    const PlaceSet& places,
                                                    const PageOrder& order) {
  const Field& field = *order.field;
  if (field.may_index) {
    JCN_TRY(PlaceSet indexed, indexed_places(part, field));
    indexed &= places;
    if (!indexed.none()) {
      JCN_TRY(auto known, values_by_documents(run, part, places, field, indexed, order.descending));
      if (order.after) {
        const SortValue end =
            order.after->value.empty() ? SortValue{} : sort_value(order.after->value);
        JCN_TRY(const std::uint32_t behind, run.first_place(part, order.after->id + '\0'));
        keep_behind(known, end, behind, order.descending);
      }
      JCN_CHECK(sort_known(run, known, order.descending));
      return std::unique_ptr<PageStream>(std::make_unique<KnownStream>(part, std::move(known)));
    }
  }
  auto stream =
      std::make_unique<ColumnStream>(run, part, places, part_field(part, field.path), order);
  JCN_CHECK(stream->begin(order.after));
  return std::unique_ptr<PageStream>(std::move(stream));
}

}  // namespace jcn
