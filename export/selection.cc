#include "selection.h"

#include <algorithm>
#include <map>
#include <set>

#include "jcn/canonical.h"
#include "listing_parameters.h"

namespace jcn_export {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::RecordKey;
using jcn::Result;

constexpr std::uint32_t page_size = 1000;

// The visits of a walk, which is told only whether to go on.
class Visits {
 public:
  explicit Visits(const RecordVisit& visit) : visit_(visit) {}
  bool operator()(const jcn::Record& record) {
    result_ = visit_(record);
    return result_.ok();
  }
  Result<void> result() && { return std::move(result_); }

 private:
  const RecordVisit& visit_;
  Result<void> result_;
};

Result<jcn::Query> query_of(const jcn::Rules& rules, const Selection& selection,
                            const std::string& kind) {
  jcn::Query query;
  query.kind = kind;
  query.filters = selection.filters;
  query.searches = selection.searches;
  query.scope = rules.scope(kind);
  JCN_TRY(query.sort, jcn::parse_field("_id"));
  query.size = page_size;
  return query;
}

// All pages, or until a visit ends it.
Result<void> walk(const jcn::Snapshot& snapshot, jcn::Query query, Visits& visits) {
  do {
    JCN_TRY(const jcn::QueryAnswer page, jcn::run_query(snapshot, query));
    for (const jcn::Record& record : page.rows) {
      if (!visits(record)) return {};
    }
    query.after = page.next;
  } while (query.after);
  return {};
}

}  // namespace

std::string Selection::text() const {
  std::vector<std::string> terms;
  for (const jcn::Filter& filter : filters) terms.push_back(filter.name + '=' + filter.value);
  for (const jcn::SearchTerm& search : searches) {
    terms.push_back(jcn::search_name(search) + '=' + search.words);
  }
  std::sort(terms.begin(), terms.end());
  std::string text = kind;
  for (const std::string& term : terms) text += (text.empty() ? "" : "&") + term;
  return text;
}

Result<Selection> read_selection(const std::string& kind, const std::vector<std::string>& terms) {
  std::vector<jcn::Parameter> parameters;
  for (const std::string& term : terms) {
    const std::size_t equals = term.find('=');
    if (equals == std::string::npos) {
      return Error{Code::bad_usage, "'" + term + "' is no filter",
                   "filters are FIELD=VALUE or FIELD__OPERATOR=VALUE"};
    }
    std::string name = term.substr(0, equals);
    if (!jcn::names_filter(name) && !jcn::names_search(name)) {
      return Error{Code::bad_usage, "'" + name + "' is no field",
                   "what begins with _ and is a field takes an operator: " + name + "__exact=…"};
    }
    parameters.push_back({std::move(name), term.substr(equals + 1)});
  }
  const jcn::QueryParameters all(std::move(parameters));
  Selection selection;
  selection.kind = kind;
  JCN_TRY(selection.filters, all.filters());
  JCN_TRY(selection.searches, jcn::read_searches(all));
  return selection;
}

Result<std::vector<std::string>> selected_kinds(const jcn::Snapshot& snapshot,
                                                const jcn::Rules& rules,
                                                const Selection& selection) {
  std::set<std::string> kinds;
  for (const jcn::Rule& rule : rules.rules) kinds.insert(rule.kind);
  for (const auto& [kind, records] : snapshot.counts().records) kinds.insert(kind);
  if (selection.kind.empty()) return std::vector<std::string>(kinds.begin(), kinds.end());
  if (!kinds.contains(selection.kind)) {
    return Error{Code::no_such_kind, "there is no kind '" + selection.kind + "'"};
  }
  return std::vector<std::string>{selection.kind};
}

std::uint64_t count_records(const jcn::Snapshot& snapshot, const std::vector<std::string>& kinds) {
  std::uint64_t sum = 0;
  const auto counts = snapshot.counts().records;
  for (const std::string& kind : kinds) {
    if (const auto found = counts.find(kind); found != counts.end()) sum += found->second;
  }
  return sum;
}

Result<void> for_each_selected(const jcn::Snapshot& snapshot, const jcn::Rules& rules,
                               const Selection& selection, const std::string& kind,
                               const RecordVisit& visit) {
  Visits visits(visit);
  if (selection.everything_of_a_kind()) {
    JCN_CHECK(snapshot.for_each_record({kind, {}}, std::ref(visits)));
    return std::move(visits).result();
  }
  JCN_TRY(jcn::Query query, query_of(rules, selection, kind));
  JCN_CHECK(walk(snapshot, std::move(query), visits));
  return std::move(visits).result();
}

Result<std::vector<bool>> which_are_selected(const jcn::Snapshot& snapshot, const jcn::Rules& rules,
                                             const Selection& selection,
                                             const std::vector<RecordKey>& keys) {
  std::vector<bool> selected(keys.size(), selection.everything_of_a_kind());
  if (selection.everything_of_a_kind()) return selected;
  // Asked for by id, so many at a time, kind by kind.
  std::map<std::string, std::map<std::string, std::size_t>>
      places;  // id → place in `keys`, by kind
  for (std::size_t i = 0; i < keys.size(); ++i) places[keys[i].kind][keys[i].id] = i;
  for (const auto& [kind, ids] : places) {
    for (auto id = ids.begin(); id != ids.end();) {
      std::string list = "[";
      for (std::uint32_t i = 0; i < page_size && id != ids.end(); ++i, ++id) {
        list += (i == 0 ? "" : ",") + jcn::json_quote(id->first);
      }
      JCN_TRY(jcn::Query query, query_of(rules, selection, kind));
      JCN_TRY(jcn::Filter these, jcn::parse_filter("_id__in", list + ']'));
      query.filters.push_back(std::move(these));
      const RecordVisit mark = [&](const jcn::Record& record) -> Result<void> {
        selected[ids.at(record.key.id)] = true;
        return {};
      };
      Visits visits(mark);
      JCN_CHECK(walk(snapshot, std::move(query), visits));
      JCN_CHECK(std::move(visits).result());
    }
  }
  return selected;
}

}  // namespace jcn_export
