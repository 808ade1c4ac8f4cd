#include "jcn/query.h"

#include <algorithm>

#include "encoding.h"
#include "facets.h"
#include "filter_places.h"
#include "page_stream.h"
#include "query_run.h"
#include "relevance.h"
#include "search_parts.h"

namespace jcn {
namespace {

// That no record has a field is a hint: a query must not fail for it.
constexpr std::uint32_t documents_for_unknown = 100'000;

// Every field that the query names, once.
std::vector<const Field*> named_fields(const Query& query) {
  std::vector<const Field*> named;
  const auto add = [&](const Field& field) {
    const bool seen = std::any_of(named.begin(), named.end(),
                                  [&](const Field* other) { return other->text == field.text; });
    if (!seen) named.push_back(&field);
  };
  for (const Filter& filter : query.filters) add(filter.field);
  for (const SearchTerm& search : query.searches) {
    if (search.field) add(*search.field);
  }
  if (query.sort) add(*query.sort);
  for (const Field& facet : query.facets) add(facet);
  for (const Field& field : query.also_named) add(field);
  return named;
}

bool by_ids_alone(const Query& query) {
  const bool by_id = !query.sort || (query.sort->kind == Field::Kind::id && !query.descending);
  return by_id && query.filters.empty() && query.searches.empty() && query.facets.empty();
}

std::string count_text(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + ' ' + std::string(noun) + (count == 1 ? "" : "s");
}

// What a page holds, and where it ends.
class Page {
 public:
  Page(const Query& query, QueryAnswer& answer) : query_(query), answer_(answer) {}

  // False: it does not fit, and the page ends before it.
  bool add(Record record, PageHead head) {
    if (answer_.rows.size() >= query_.size) return end();
    bytes_ += record.document.size();
    if (!answer_.rows.empty() && bytes_ > query_.page_bytes) return end();
    answer_.rows.push_back(std::move(record));
    last_ = std::move(head);
    return true;
  }
  bool full() const { return answer_.rows.size() >= query_.size; }
  // There is a record behind the last; false.
  bool end() {
    PageEnd end;
    end.id = answer_.rows.back().key.id;
    end.value = sort_value_json(last_.value);
    end.score = last_.score;
    answer_.next = std::move(end);
    return false;
  }

 private:
  const Query& query_;
  QueryAnswer& answer_;
  std::uint64_t bytes_ = 0;
  PageHead last_;
};

class Execution {
 public:
  Execution(const Snapshot& snapshot, const Query& query)
      : snapshot_(snapshot), query_(query), run_(snapshot, query.deadline) {}

  Result<QueryAnswer> answer() {
    JCN_CHECK(run_.look_at_clock());
    const std::vector<const Field*> named = named_fields(query_);
    const bool alone = by_ids_alone(query_);
    const bool names_members = std::any_of(named.begin(), named.end(), [](const Field* field) {
      return field->kind == Field::Kind::member;
    });
    if (!alone || names_members) {
      JCN_TRY(parts_, run_.parts(query_.kind));
    }
    JCN_CHECK(find_unknown(named));
    if (alone) {
      JCN_CHECK(list_by_id());
      return std::move(answer_);
    }
    JCN_CHECK(find_places());
    if (query_.count) answer_.count = count_places();
    std::uint64_t facet_bytes = query_.page_bytes;
    for (const Field& field : query_.facets) {
      JCN_TRY(Facet facet,
              count_values(run_, parts_, places_, field, query_.facet_size, facet_bytes));
      for (const FacetValue& value : facet.values) {
        facet_bytes -= std::min<std::uint64_t>(facet_bytes, value.value.size());
      }
      note("facet " + field.text + ": " + count_text(facet.values.size(), "value") +
           (facet.truncated ? " of more" : ""));
      answer_.facets.push_back(std::move(facet));
    }
    JCN_CHECK(fill_page());
    return std::move(answer_);
  }

 private:
  void note(std::string step) {
    if (query_.plan) answer_.plan.push_back(std::move(step));
  }

  Result<void> find_unknown(const std::vector<const Field*>& named) {
    for (const Field* field : named) {
      bool known = field->kind != Field::Kind::member;
      std::uint32_t documents = documents_for_unknown;
      for (std::size_t i = 0; !known && i < parts_.size(); ++i) {
        JCN_TRY(known, has_field(run_, parts_[i], *field, documents));
      }
      if (!known) answer_.unknown_fields.push_back(field->text);
    }
    return {};
  }

  std::uint64_t existing() const {
    const IndexCounts counts = snapshot_.counts();
    const auto found = counts.records.find(query_.kind);
    return found == counts.records.end() ? 0 : found->second;
  }

  // All records, in the order of the index itself.
  Result<void> list_by_id() {
    if (query_.count) answer_.count = existing();
    note(count_text(existing(), "record") + " of " + query_.kind + ", in the order of ids");
    if (query_.size == 0) return {};
    Page page(query_, answer_);
    Result<void> stopped;
    const RecordKey after{query_.kind, query_.after ? query_.after->id : std::string()};
    JCN_CHECK(snapshot_.for_each_record(after, [&](const Record& record) {
      stopped = run_.step(QueryRun::steps_of_document);
      if (!stopped.ok()) return false;
      return !record.exists || page.add(record, {});
    }));
    return stopped;
  }

  // What filters and searches leave of each part.
  Result<void> find_places() {
    std::uint64_t living = 0;
    for (const SearchPart& part : parts_) {
      places_.push_back(part.living);
      living += part.living.count();
    }
    note(count_text(living, "record") + " of " + query_.kind + " in " +
         count_text(parts_.size(), "segment"));
    bool searched = false;
    for (const Filter* filter : in_asking_order(query_.filters)) {
      if (!searched && is_costly(*filter)) {
        JCN_CHECK(search());
        searched = true;
      }
      for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (places_[i].none()) continue;
        JCN_TRY(places_[i], filter_places(run_, parts_[i], *filter, places_[i]));
      }
      if (query_.plan) note("filter " + filter->name + '=' + filter->value + ": " + left());
    }
    return searched ? Result<void>() : search();
  }

  Result<void> search() {
    if (query_.searches.empty()) return {};
    text_.emplace(run_, query_, parts_);
    if (by_score()) {
      JCN_CHECK(text_->set_basis(query_.after ? query_.after->basis : std::nullopt));
    }
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (places_[i].none()) continue;
      JCN_TRY(places_[i], text_->find(i, places_[i]));
    }
    if (query_.plan) note("search: " + left());
    return {};
  }

  bool by_score() const { return !query_.searches.empty() && !query_.sort && query_.size > 0; }

  std::uint64_t count_places() const {
    std::uint64_t count = 0;
    for (const PlaceSet& places : places_) count += places.count();
    return count;
  }
  std::string left() const {
    return count_text(count_places(), "record") + " left, " +
           count_text(run_.documents_read(), "document") + " read so far";
  }

  PageOrder order() const {
    PageOrder order;
    order.after = query_.after ? &*query_.after : nullptr;
    order.wanted = std::size_t{query_.size} + 1;  // whether there is one more
    order.descending = query_.descending;
    if (by_score()) {
      order.by = PageOrder::By::score;
    } else if (query_.sort && query_.sort->kind != Field::Kind::id) {
      order.by = PageOrder::By::value;
      order.field = &*query_.sort;
    }
    return order;
  }

  Result<std::unique_ptr<PageStream>> stream(std::size_t part, const PageOrder& order) {
    switch (order.by) {
      case PageOrder::By::value:
        return stream_by_value(run_, parts_[part], places_[part], order);
      case PageOrder::By::score: {
        JCN_TRY(BestScores best, BestScores::make(run_, parts_[part], order));
        JCN_CHECK(text_->score(part, places_[part], best));
        return stream_by_score(parts_[part], std::move(best));
      }
      case PageOrder::By::id:
        break;
    }
    return stream_by_id(run_, parts_[part], places_[part], order);
  }

  Result<void> fill_page() {
    if (query_.size == 0) return {};
    const PageOrder order = this->order();
    PageMerge merge(run_, order);
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (places_[i].none()) continue;
      JCN_TRY(auto of_part, stream(i, order));
      JCN_CHECK(merge.add(std::move(of_part)));
    }
    Page page(query_, answer_);
    for (;;) {
      JCN_TRY(const bool more, merge.next());
      if (!more) break;
      if (page.full()) {
        page.end();
        break;
      }
      JCN_TRY(Record record, run_.record_at(merge.part(), merge.head().place));
      if (!page.add(std::move(record), merge.head())) break;
    }
    if (answer_.next && by_score()) answer_.next->basis = text_->basis();
    if (query_.plan) note_order(order);
    return {};
  }

  void note_order(const PageOrder& order) {
    std::string by = "ids";
    if (order.by == PageOrder::By::score) by = "relevance";
    if (order.by == PageOrder::By::value) by = order.field->text;
    note("page in the order of " + by + (order.descending ? ", descending: " : ": ") +
         count_text(answer_.rows.size(), "row") + ", " +
         count_text(run_.documents_read(), "document") + " read in all");
  }

  const Snapshot& snapshot_;
  const Query& query_;
  QueryRun run_;
  std::vector<SearchPart> parts_;
  std::vector<PlaceSet> places_;  // by part
  std::optional<TextSearch> text_;
  QueryAnswer answer_;
};

}  // namespace

Result<QueryAnswer> run_query(const Snapshot& snapshot, const Query& query) {
  return Execution(snapshot, query).answer();
}

}  // namespace jcn
