// changes: pages of the daemon's feed, or of the same worked out from the index where none answers;
// with --follow the feed itself, for ever.
#include "jcnctl_changes.h"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string_view>

#include "feed_walk.h"
#include "jcn/canonical.h"
#include "jcnctl_find.h"
#include "jcnctl_rows.h"

namespace jcnctl {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Parameter;
using jcn::Result;

// Three of the daemon's heartbeats: a feed that says nothing for longer has no end that is heard.
constexpr std::chrono::seconds patience{45};

bool narrows(std::string_view name) {
  return name == "kind" || name == "_id";
}

Result<Parameter> read_filter(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos)
    return Error{Code::bad_usage, "'" + text + "' is no filter",
                 "filters are FIELD=VALUE or FIELD__OPERATOR=VALUE"};
  Parameter parameter{text.substr(0, equals), text.substr(equals + 1)};
  // These two narrow, as over HTTP; members that are called like another parameter of the feed have
  // nothing to be mixed up with here.
  if (narrows(parameter.name)) return parameter;
  if (jcn::is_feed_parameter(parameter.name)) parameter.name += "__exact";
  if (!jcn::names_filter(parameter.name))
    return Error{
        Code::bad_usage, "'" + parameter.name + "' is no field",
        "what begins with _ and is a field takes an operator: " + parameter.name + "__exact=…"};
  return parameter;
}

// The last one is `since`.
Result<std::vector<Parameter>> parameters_of(const ChangesOptions& options) {
  std::vector<Parameter> parameters;
  for (const std::string& filter : options.filters) {
    JCN_TRY(Parameter parameter, read_filter(filter));
    parameters.push_back(std::move(parameter));
  }
  for (const std::string& kind : options.kinds) parameters.push_back({"kind", kind});
  for (const std::string& id : options.ids) parameters.push_back({"_id", id});
  if (options.include_docs) parameters.push_back({"include_docs", "1"});
  parameters.push_back({"since", options.since});
  return parameters;
}

std::string target_of(const std::vector<Parameter>& parameters) {
  std::string target = "/v1/changes";
  char sign = '?';
  for (const Parameter& each : parameters) {
    target += sign + percent_encoded(each.name) + '=' + percent_encoded(each.value);
    sign = '&';
  }
  return target;
}

// Changes as they are shown, and the place behind the last of them.
class Shown {
 public:
  Shown(const Context& context, const ChangesOptions& options)
      : json_(context.json), rows_(context, headings(options), headings(options), "seq") {}

  // {"fresh":true,…} among them.
  void add(std::string_view change) {
    if (raw_member(change, "fresh") == "true") return begin_anew(text_member(change, "until"));
    rows_.add(change);
  }
  void begin_anew(const std::string& until) {
    rows_.flush();
    if (json_) return print_line("{\"fresh\":true,\"until\":" + jcn::json_quote(until) + '}');
    std::fputs("jcnctl: what follows is everything: changes since then are not all known\n",
               stderr);
  }
  Result<void> flush() {
    rows_.flush();
    if (std::fflush(stdout) != 0) return jcn::system_error("write", "stdout", errno);
    return {};
  }

 private:
  static std::vector<std::string> headings(const ChangesOptions& options) {
    std::vector<std::string> names = {"kind", "id", "deleted"};
    const bool filtered = std::any_of(
        options.filters.begin(), options.filters.end(),
        [](const std::string& filter) { return !narrows(filter.substr(0, filter.find('='))); });
    if (filtered) names.push_back("match");
    if (options.include_docs) names.push_back("doc");
    names.push_back("seq");
    return names;
  }
  const bool json_;
  Rows rows_;
};

// The body of one page: the daemon's, or the one that it would give.
using AskPage = std::function<Result<std::string>(const std::vector<Parameter>&)>;

AskPage ask_daemon(HttpClient& daemon) {
  return [&daemon](const std::vector<Parameter>& parameters) -> Result<std::string> {
    JCN_TRY(Answer answer, daemon.get(target_of(parameters)));
    return std::move(answer.body);
  };
}

AskPage ask_index(const jcn::Snapshot& snapshot) {
  return [&snapshot](const std::vector<Parameter>& parameters) -> Result<std::string> {
    JCN_TRY(const jcn::FeedRequest asked,
            jcn::read_feed(jcn::QueryParameters(parameters), std::nullopt));
    JCN_TRY(const jcn::FeedPage page, jcn::FeedWalk(asked).next(snapshot, {}));
    return jcn::feed_page_text(page);
  };
}

Result<Exit> print_pages(std::vector<Parameter> parameters, const AskPage& ask, Shown& shown) {
  for (;;) {
    JCN_TRY(const std::string body, ask(parameters));
    const std::string results = raw_member(body, "results");
    if (results.empty() || results.front() != '[')
      return Error{Code::internal, "the daemon gave no changes", "is it another program?"};
    if (raw_member(body, "fresh") == "true") shown.begin_anew(text_member(body, "until"));
    for (jcn::JsonCursor each(results); each.next();) shown.add(each.value());
    JCN_CHECK(shown.flush());
    if (raw_member(body, "more") != "true") return Exit::ok;
    parameters.back().value = text_member(body, "last_seq");
  }
}

// The lines of a feed that goes on, from bytes as they come.
class Follower {
 public:
  Follower(std::string since, Shown& shown) : since_(std::move(since)), shown_(shown) {}

  const std::string& since() const { return since_; }

  Result<void> take(std::string_view bytes) {
    pending_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end; (end = pending_.find('\n', begin)) != std::string::npos; begin = end + 1)
      take_line(std::string_view(pending_).substr(begin, end - begin));
    pending_.erase(0, begin);
    return shown_.flush();
  }
  void forget_half_a_line() { pending_.clear(); }

 private:
  void take_line(std::string_view line) {
    if (line.empty() || line.front() != '{') return;  // a heartbeat
    if (std::string place = text_member(line, "last_seq"); !place.empty()) {
      since_ = std::move(place);
      return;
    }
    shown_.add(line);
    if (std::string place = text_member(line, "seq"); !place.empty()) since_ = std::move(place);
  }

  std::string since_;
  Shown& shown_;
  std::string pending_;
};

// The feed ended without being refused: jcn is restarted, or busy.
bool passes(Code code) {
  return code == Code::not_connected || code == Code::overloaded || code == Code::not_ready ||
         code == Code::readers_exhausted;
}

void pause_a_second() {
  const timespec wait{1, 0};
  nanosleep(&wait, nullptr);
}

Result<Exit> follow(const Context& context, std::vector<Parameter> parameters, Shown& shown) {
  JCN_TRY(HttpClient first, need_daemon(context));
  // Of a feed that begins now, a place is needed before it is cut off.
  if (parameters.back().value == "now") {
    JCN_TRY(const Answer page, first.get(target_of(parameters)));
    parameters.back().value = text_member(page.body, "last_seq");
  }
  Follower follower(parameters.back().value, shown);
  parameters.push_back({"feed", "continuous"});
  std::optional<HttpClient> daemon(std::move(first));
  for (;;) {
    parameters[parameters.size() - 2].value = follower.since();
    Result<void> taken;
    if (daemon) {
      const auto ended =
          daemon->stream(target_of(parameters), patience, [&](std::string_view bytes) {
            taken = follower.take(bytes);
            return taken.ok();
          });
      JCN_CHECK(std::move(taken));
      if (!ended && !passes(ended.error().code)) return ended.error();
      follower.forget_half_a_line();
    }
    pause_a_second();
    auto found = find_daemon(context);  // it may have another port now
    if (!found && !passes(found.error().code)) return found.error();
    daemon = found ? std::move(*found) : std::nullopt;
  }
}

}  // namespace

Result<Exit> run_changes(const Context& context, const ChangesOptions& options) {
  JCN_TRY(std::vector<Parameter> parameters, parameters_of(options));
  Shown shown(context, options);
  if (options.follow) return follow(context, std::move(parameters), shown);
  JCN_TRY(auto daemon, find_daemon(context));
  if (daemon) return print_pages(std::move(parameters), ask_daemon(*daemon), shown);
  JCN_TRY(const jcn::IndexReader index, open_index(context));
  JCN_TRY(const jcn::Snapshot snapshot, index.snapshot());
  return print_pages(std::move(parameters), ask_index(snapshot), shown);
}

void add_changes_command(CLI::App& app, const Context& context, Command& command) {
  auto* changes = app.add_subcommand("changes", "list each record's latest change, in order");
  auto options = std::make_shared<ChangesOptions>();
  changes->add_option("--since", options->since, "only those behind this place (default: 0)")
      ->type_name("SEQ");
  changes->add_flag("--follow", options->follow, "go on with those that come, until interrupted");
  changes->add_option("--kind", options->kinds, "only of this kind")
      ->allow_extra_args(false)
      ->type_name("KIND");
  changes->add_option("--id", options->ids, "only of the record with this id")
      ->allow_extra_args(false)
      ->type_name("ID");
  changes->add_flag("--include-docs", options->include_docs, "with the records themselves");
  changes
      ->add_option("FILTER", options->filters,
                   "FIELD=VALUE or FIELD__OPERATOR=VALUE; kind=KIND and _id=ID are as the options")
      ->type_name("FIELD__OP=VALUE");
  changes->footer(operators_help());
  changes->callback([&context, &command, options] {
    command = [&context, options] { return run_changes(context, *options); };
  });
}

}  // namespace jcnctl
