// find: the daemon's listing, or the same worked out from the index where none answers.
#include "jcnctl_find.h"

#include <algorithm>
#include <cstdio>
#include <functional>

#include "jcn/canonical.h"
#include "jcn/rules.h"
#include "jcnctl_rows.h"
#include "json_writer.h"
#include "listing_answer.h"

namespace jcnctl {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Parameter;
using jcn::Result;

// The body of one page: the daemon's, or the one that it would give.
using AskPage = std::function<Result<std::string>(const std::vector<Parameter>&)>;

// "title__contains=loaf". What isn't a filter has an option of its own.
Result<Parameter> read_term(const std::string& term) {
  const std::size_t equals = term.find('=');
  if (equals == std::string::npos)
    return Error{Code::bad_usage, "'" + term + "' is no filter",
                 "filters are FIELD=VALUE or FIELD__OPERATOR=VALUE"};
  Parameter parameter{term.substr(0, equals), term.substr(equals + 1)};
  // Alone, _id asks the daemon for the record itself.
  if (parameter.name == "_id") parameter.name = "_id__exact";
  if (!jcn::names_filter(parameter.name) && !parameter.name.starts_with("_search_"))
    return Error{Code::bad_usage, "'" + parameter.name + "' is no field",
                 "what begins with _ and is a field takes an operator: " + parameter.name +
                     "__exact=…; for the rest see jcnctl find --help"};
  return parameter;
}

std::string join(const std::vector<std::string>& names, std::string_view between) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += between;
    text += name;
  }
  return text;
}

bool wants_rows(const FindOptions& options) {
  return options.facets.empty() && !options.count;
}

Result<std::vector<Parameter>> parameters_of(const FindOptions& options) {
  std::vector<Parameter> parameters;
  for (const std::string& term : options.terms) {
    JCN_TRY(Parameter parameter, read_term(term));
    parameters.push_back(std::move(parameter));
  }
  const auto add = [&](const char* name, const std::vector<std::string>& values) {
    for (const std::string& value : values) parameters.push_back({name, value});
  };
  add("_search", options.searches);
  if (options.sort) add("_sort", {*options.sort});
  if (options.sort_descending) add("_sort_desc", {*options.sort_descending});
  if (!wants_rows(options)) {
    add("_size", {"0"});
    add("_facet", options.facets);
    if (!options.facets.empty()) add("_facet_size", {std::to_string(options.facet_size)});
    if (options.count) add("_extra", {"count"});
    return parameters;
  }
  const std::uint64_t page =
      options.limit == 0 ? options.page : std::min<std::uint64_t>(options.page, options.limit);
  add("_size", {std::to_string(page)});
  add("_col", options.columns);
  return parameters;
}

AskPage ask_daemon(HttpClient& daemon, const std::string& kind) {
  return [&daemon, kind](const std::vector<Parameter>& parameters) -> Result<std::string> {
    std::string target = "/v1/" + percent_encoded(kind);
    char sign = '?';
    for (const Parameter& each : parameters) {
      target += sign + percent_encoded(each.name) + '=' + percent_encoded(each.value);
      sign = '&';
    }
    JCN_TRY(Answer answer, daemon.get(target));
    return std::move(answer.body);
  };
}

// A person waits as long as it takes: there is no deadline.
AskPage ask_index(const jcn::Snapshot& snapshot, const jcn::Rules& rules, const std::string& kind) {
  return [&, kind](const std::vector<Parameter>& parameters) -> Result<std::string> {
    JCN_TRY(const jcn::ListingRequest asked,
            jcn::read_listing(kind, jcn::QueryParameters(parameters), rules.weights(kind),
                              rules.scope(kind)));
    JCN_TRY(const jcn::ListingAnswer answer, jcn::answer_listing(snapshot, asked));
    return jcn::listing_text(asked, answer, "", "");
  };
}

Result<void> check_kind(const jcn::Snapshot& snapshot, const jcn::Rules& rules,
                        const std::string& kind) {
  const bool has_rule = std::any_of(rules.rules.begin(), rules.rules.end(),
                                    [&](const jcn::Rule& rule) { return rule.kind == kind; });
  if (has_rule || snapshot.counts().records.contains(kind)) return {};
  return Error{Code::no_such_kind, "There is no kind '" + kind + "'."};
}

// A name that no record has is a mistake more often than not.
void warn_of_unknown_fields(const std::string& body) {
  const std::string fields = raw_member(body, "unknown_fields");
  for (jcn::JsonCursor each(fields); each.next();) {
    const std::string name = fitted(jcn::json_unquote(each.value()), 200);
    std::fprintf(stderr, "jcnctl: no record has the field '%s'\n", name.c_str());
  }
}

void print_count(const Context& context, const std::string& body) {
  const std::string count = raw_member(body, "count");
  print_line(context.json ? "{\"count\":" + count + '}' : count);
}

void print_facets(const Context& context, const std::string& body) {
  const std::string facets = raw_member(body, "facet_results");
  for (jcn::JsonCursor facet(facets); facet.next();) {
    const std::string name = jcn::json_unquote(facet.name());
    Rows rows(context, {name, "records"}, {"value", "count"});
    const std::string results = raw_member(facet.value(), "results");
    for (jcn::JsonCursor result(results); result.next();) {
      std::string row;
      jcn::JsonWriter json(row);
      json.open('{').key("field").string(name);
      json.key("value").raw(raw_member(result.value(), "value"));
      json.key("count").raw(raw_member(result.value(), "count")).close('}');
      rows.add(row);
    }
    rows.flush();
    if (raw_member(facet.value(), "truncated") == "true")
      std::fprintf(stderr, "jcnctl: '%s' has more values; --facet-size shows more\n",
                   fitted(name, 200).c_str());
  }
}

Result<Exit> print_pages(const Context& context, const FindOptions& options, const AskPage& ask) {
  JCN_TRY(std::vector<Parameter> parameters, parameters_of(options));
  JCN_TRY(std::string body, ask(parameters));
  warn_of_unknown_fields(body);
  if (!wants_rows(options)) {
    if (options.count) print_count(context, body);
    print_facets(context, body);
    return Exit::ok;
  }
  std::vector<std::string> fields = {"_id"};
  if (options.columns.empty()) fields.push_back("");
  for (const std::string& columns : options.columns) {
    JCN_TRY(const std::vector<std::string> names, jcn::read_column_names(columns));
    fields.insert(fields.end(), names.begin(), names.end());
  }
  std::vector<std::string> headings = fields;
  if (options.columns.empty()) headings.back() = "record";
  Rows rows(context, headings, fields);
  parameters.push_back({"_next", ""});
  for (;;) {
    JCN_CHECK(add_page(body, options.limit, rows));
    parameters.back().value = text_member(body, "next");
    const bool enough = options.limit != 0 && rows.count() >= options.limit;
    if (enough || parameters.back().value.empty()) return Exit::ok;
    JCN_TRY(body, ask(parameters));
  }
}

}  // namespace

std::string operators_help() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < jcn::operators; ++i) {
    names.emplace_back(jcn::operator_name(static_cast<jcn::Operator>(i)));
  }
  return "Operators: " + join(names, " ") +
         "\nWithout one it is exact. jcnctl(1) and http-api.md say what each means.";
}

Result<Exit> run_find(const Context& context, const FindOptions& options) {
  JCN_TRY(auto daemon, find_daemon(context));
  if (daemon) return print_pages(context, options, ask_daemon(*daemon, options.kind));
  JCN_TRY(const jcn::IndexReader index, open_index(context));
  JCN_TRY(const jcn::Snapshot snapshot, index.snapshot());
  JCN_TRY(const jcn::Rules rules, jcn::rules_of(snapshot, context.index));
  JCN_CHECK(check_kind(snapshot, rules, options.kind));
  return print_pages(context, options, ask_index(snapshot, rules, options.kind));
}

void add_find_command(CLI::App& app, const Context& context, Command& command) {
  auto* find = app.add_subcommand("find", "list the records of a kind that fulfil all filters");
  auto options = std::make_shared<FindOptions>();
  find->add_option("KIND", options->kind, "e.g. videos")->required();
  find->add_option("FILTER", options->terms, "FIELD=VALUE or FIELD__OPERATOR=VALUE")
      ->type_name("FIELD__OP=VALUE");
  const auto add_list = [&](const char* flag, std::vector<std::string>& list, const char* meaning,
                            const char* value) {
    return find->add_option(flag, list, meaning)->allow_extra_args(false)->type_name(value);
  };
  add_list("--search", options->searches, "only records with all of these words", "TEXT");
  auto* sort = find->add_option("--sort", options->sort, "in the order of this field");
  auto* descending =
      find->add_option("--sort-desc", options->sort_descending, "the same, the largest first");
  sort->type_name("FIELD")->excludes(descending);
  descending->type_name("FIELD");
  add_list("--col", options->columns, "only these members, with commas between, or a JSON array",
           "FIELD,...");
  find->add_option("--size", options->page, "records asked for at once (default: 1000)")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  find->add_option("--limit", options->limit, "stop after so many")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  find->add_flag("--count", options->count, "only say how many there are");
  add_list("--facet", options->facets, "only count the values of this field", "FIELD");
  find->add_option("--facet-size", options->facet_size, "how many values (default: 30)")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  find->footer(operators_help());
  find->callback([&context, &command, options] {
    command = [&context, options] { return run_find(context, *options); };
  });
}

}  // namespace jcnctl
