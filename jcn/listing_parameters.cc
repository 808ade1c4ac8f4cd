#include "listing_parameters.h"

#include <algorithm>

#include "jcn/canonical.h"
#include "jcn/check.h"
#include "page_token.h"

namespace jcn {
namespace {

constexpr std::string_view search_parameter = "_search", search_prefix = "_search_";

constexpr std::string_view known_parameters =
    "A listing takes filters (field__op=value), _sort, _sort_desc, _size, _next, _search, "
    "_search_FIELD, _facet, _facet_size, _col, _extra, _shape, _nl and _id.";

constexpr auto repeatable = std::to_array<std::string_view>({"_facet", "_col", "_extra"});

bool is_repeatable(std::string_view name) {
  return std::find(repeatable.begin(), repeatable.end(), name) != repeatable.end() ||
         names_search(name);
}

bool is_known_once(std::string_view name) {
  static constexpr auto once = std::to_array<std::string_view>(
      {"_sort", "_sort_desc", "_size", "_next", "_facet_size", "_shape", "_nl"});
  return std::find(once.begin(), once.end(), name) != once.end();
}

Result<void> check_names(const QueryParameters& parameters) {
  for (const Parameter& parameter : parameters.all()) {
    const std::string& name = parameter.name;
    if (names_filter(name) || is_repeatable(name)) continue;
    if (!is_known_once(name))
      return Error{Code::unknown_parameter, "There is no parameter '" + name + "' here.",
                   std::string(known_parameters)};
    JCN_CHECK(parameters.allow_once({name}));
  }
  return {};
}

Result<void> read_order(const QueryParameters& parameters, Query& query) {
  const std::string* ascending = parameters.find("_sort");
  const std::string* descending = parameters.find("_sort_desc");
  if (ascending && descending)
    return Error{Code::bad_parameter, "There is one order: give '_sort' or '_sort_desc'."};
  if (const std::string* field = descending ? descending : ascending) {
    JCN_TRY(query.sort, parse_field(*field));
    query.descending = descending != nullptr;
  }
  return {};
}

Result<void> read_facets(const QueryParameters& parameters, Query& query) {
  JCN_TRY(const std::uint64_t size,
          parameters.number("_facet_size", default_facet_size, largest_facet_size, 1));
  query.facet_size = static_cast<std::uint32_t>(size);
  for (const Parameter& parameter : parameters.all()) {
    if (parameter.name != "_facet") continue;
    JCN_TRY(Field field, parse_field(parameter.value));
    if (std::find(query.facets.begin(), query.facets.end(), field) == query.facets.end())
      query.facets.push_back(std::move(field));
  }
  return {};
}

Result<void> read_columns(const QueryParameters& parameters, ListingRequest& asked) {
  for (const Parameter& parameter : parameters.all()) {
    if (parameter.name != "_col") continue;
    asked.projected = true;
    JCN_TRY(std::vector<std::string> names, read_column_names(parameter.value));
    for (std::string& column : names) {
      if (std::find(asked.columns.begin(), asked.columns.end(), column) != asked.columns.end())
        continue;
      JCN_TRY(Field field, parse_field(column));
      asked.query.also_named.push_back(std::move(field));
      asked.columns.push_back(std::move(column));
    }
  }
  return {};
}

Result<void> read_extras(const QueryParameters& parameters, ListingRequest& asked) {
  for (const std::string& extra : parameters.list("_extra")) {
    if (extra == "count") {
      asked.query.count = true;
    } else if (extra == "plan") {
      asked.query.plan = true;
    } else if (extra == "fields") {
      asked.fields = true;
    } else {
      return Error{Code::bad_parameter, "There is no _extra '" + extra + "' of a listing.",
                   "Extras of a listing: count, plan, fields."};
    }
  }
  return {};
}

Result<void> read_shape(const QueryParameters& parameters, ListingRequest& asked) {
  const std::string* shape = parameters.find("_shape");
  JCN_TRY(const bool lines, parameters.flag("_nl"));
  if (!shape) {
    if (!lines) return {};
    return Error{Code::bad_parameter, "The parameter '_nl' goes with '_shape=array'."};
  }
  if (*shape != "array")
    return Error{Code::bad_parameter, "There is no _shape '" + *shape + "'.",
                 "The shapes: array, with _nl=on one row a line; without _shape an object."};
  // Rows alone have no place for anything else.
  if (parameters.find("_facet") || parameters.find("_extra"))
    return Error{Code::bad_parameter, "An answer of the shape 'array' has rows only.",
                 "Ask for facets and extras without _shape."};
  asked.shape = lines ? RowShape::lines : RowShape::array;
  return {};
}

void append_part(std::string& text, std::string_view part) {
  text += std::to_string(part.size());
  text += ':';
  text += part;
}

// Filters are all fulfilled, in whatever order they stand. The order of searches is that of the
// numbers in a token.
Hash128 walk_of(const Query& query) {
  std::string text;
  append_part(text, query.kind);
  std::vector<std::string> filters;
  for (const Filter& filter : query.filters) {
    std::string& part = filters.emplace_back();
    append_part(part, filter.name);
    append_part(part, filter.value);
  }
  std::sort(filters.begin(), filters.end());
  for (const std::string& part : filters) append_part(text, part);
  text += '|';
  for (const SearchTerm& term : query.searches) {
    append_part(text, term.field ? term.field->path : std::string());
    append_part(text, term.words);
  }
  for (const auto& [path, weight] : query.weights) {
    append_part(text, path);
    append_part(text, std::to_string(weight));
  }
  if (!query.searches.empty() && !query.scope.everything()) {
    text += '{';
    for (const std::string& path : query.scope.fields) append_part(text, path);
    text += '-';
    for (const std::string& path : query.scope.excluded) append_part(text, path);
  }
  text += query.descending ? '>' : '<';
  if (query.sort) append_part(text, query.sort->text);
  return hash128(text);
}

}  // namespace

Result<ListingRequest> read_listing(const std::string& kind, const QueryParameters& parameters,
                                    const SearchWeights& weights, const SearchScope& scope) {
  JCN_CHECK(check_names(parameters));
  ListingRequest asked;
  asked.query.kind = kind;
  asked.query.weights = weights;
  asked.query.scope = scope;
  JCN_TRY(asked.query.filters, parameters.filters());
  JCN_TRY(asked.query.searches, read_searches(parameters));
  JCN_CHECK(read_order(parameters, asked.query));
  JCN_TRY(const std::uint64_t size,
          parameters.number("_size", default_page_size, largest_page_size));
  asked.query.size = static_cast<std::uint32_t>(size);
  JCN_CHECK(read_facets(parameters, asked.query));
  JCN_CHECK(read_columns(parameters, asked));
  JCN_CHECK(read_extras(parameters, asked));
  JCN_CHECK(read_shape(parameters, asked));
  asked.walk = walk_of(asked.query);
  if (const std::string* token = parameters.find("_next")) {
    asked.query.after = read_query_token(asked.walk, *token);
    if (!asked.query.after)
      return Error{Code::bad_parameter,
                   "The parameter '_next' is no token of this listing, or of other filters, "
                   "searches or another order.",
                   "Take it from the answer's \"next\", or follow \"next_url\"."};
  }
  return asked;
}

bool names_search(std::string_view name) {
  return name == search_parameter || name.starts_with(search_prefix);
}

std::string search_name(const SearchTerm& search) {
  if (!search.field) return std::string(search_parameter);
  return std::string(search_prefix) + search.field->text;
}

Result<std::vector<SearchTerm>> read_searches(const QueryParameters& parameters) {
  std::vector<SearchTerm> searches;
  std::size_t phrases = 0;
  for (const Parameter& parameter : parameters.all()) {
    const std::string_view name = parameter.name;
    if (names_filter(name) || !names_search(name)) continue;
    SearchTerm term;
    if (name != search_parameter) {
      JCN_TRY(term.field, parse_field(name.substr(search_prefix.size())));
      if (term.field->kind != Field::Kind::member)
        return Error{Code::bad_parameter, "There is no text in '" + term.field->text + "'.",
                     "Ask for it with a filter."};
    }
    term.words = parameter.value;
    const std::size_t found = count_phrases(term.words);
    if (found == 0)
      return Error{Code::bad_value,
                   "The parameter '" + parameter.name + "' has no word to search for."};
    phrases += found;
    searches.push_back(std::move(term));
  }
  if (phrases > most_search_phrases)
    return Error{Code::bad_value, "A search takes at most " + std::to_string(most_search_phrases) +
                                      " words and phrases."};
  return searches;
}

Result<std::vector<std::string>> read_column_names(std::string_view value) {
  if (!value.starts_with('[')) return split_list(value);
  const auto checked = check_json(value, Limits{});
  const auto* text = std::get_if<std::string>(&checked);
  const auto wrong = [](const std::string& why) {
    return Error{Code::bad_parameter, "The parameter '_col' is no JSON array of names: " + why,
                 "A list that begins with [ is one, for names with commas in them."};
  };
  if (!text) return wrong(std::get<Reject>(checked).message);
  std::vector<std::string> names;
  for (JsonCursor each(*text); each.next();) {
    if (json_type(each.value()) != JsonType::string) return wrong("it holds other values.");
    names.push_back(json_unquote(each.value()));
  }
  return names;
}

std::string next_page_url(const std::string& kind, const QueryParameters& parameters,
                          std::string_view token) {
  std::string url = "/v1/" + kind + '?';
  for (const Parameter& parameter : parameters.all()) {
    if (parameter.name == "_next") continue;
    url += percent_encode(parameter.name);
    url += '=';
    url += percent_encode(parameter.value);
    url += '&';
  }
  url += "_next=";
  url += token;
  return url;
}

}  // namespace jcn
