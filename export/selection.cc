#include "selection.h"

#include <algorithm>
#include <set>

#include "jcn/canonical.h"

namespace jcn_export {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Result;

constexpr std::string_view search_in_field = "_search_";
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

}  // namespace

std::string Selection::text() const {
  std::vector<std::string> terms;
  for (const jcn::Filter& filter : filters) terms.push_back(filter.name + '=' + filter.value);
  for (const jcn::SearchTerm& search : searches) {
    terms.push_back((search.field ? "_search_" + search.field->text : "_search") + '=' +
                    search.words);
  }
  std::sort(terms.begin(), terms.end());
  std::string text = kind;
  for (const std::string& term : terms) text += (text.empty() ? "" : "&") + term;
  return text;
}

Result<void> add_term(Selection& selection, const std::string& term) {
  const std::size_t equals = term.find('=');
  if (equals == std::string::npos) {
    return Error{Code::bad_usage, "'" + term + "' is no filter",
                 "filters are FIELD=VALUE or FIELD__OPERATOR=VALUE"};
  }
  const std::string name = term.substr(0, equals), value = term.substr(equals + 1);
  if (name == "_search" || name.starts_with(search_in_field)) {
    jcn::SearchTerm search{{}, value};
    if (name != "_search") {
      JCN_TRY(search.field, jcn::parse_field(name.substr(search_in_field.size())));
    }
    if (jcn::count_phrases(value) == 0) {
      return Error{Code::bad_value, "'" + term + "' has no words to search for"};
    }
    selection.searches.push_back(std::move(search));
    return {};
  }
  if (!jcn::names_filter(name)) {
    return Error{Code::bad_usage, "'" + name + "' is no field",
                 "what begins with _ and is a field takes an operator: " + name + "__exact=…"};
  }
  JCN_TRY(jcn::Filter filter, jcn::parse_filter(name, value));
  selection.filters.push_back(std::move(filter));
  return {};
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

Result<void> for_each_selected(const jcn::Snapshot& snapshot, const jcn::Rules& rules,
                               const Selection& selection, const std::string& kind,
                               const RecordVisit& visit) {
  Visits visits(visit);
  if (selection.everything_of_a_kind()) {
    JCN_CHECK(snapshot.for_each_record({kind, {}}, std::ref(visits)));
    return std::move(visits).result();
  }
  jcn::Query query;
  query.kind = kind;
  query.filters = selection.filters;
  query.searches = selection.searches;
  query.scope = rules.scope(kind);
  JCN_TRY(query.sort, jcn::parse_field("_id"));
  query.size = page_size;
  do {
    JCN_TRY(const jcn::QueryAnswer page, jcn::run_query(snapshot, query));
    for (const jcn::Record& record : page.rows) {
      if (!visits(record)) return std::move(visits).result();
    }
    query.after = page.next;
  } while (query.after);
  return {};
}

}  // namespace jcn_export
