// webhooks, replay, discard: how those are to whom the daemon posts changes, sending again, and
// sending no more.
#include "jcnctl.h"
#include "jcnctl_rows.h"

namespace jcnctl {

using jcn::Result;

Result<Exit> run_webhooks(const Context& context, const std::string& name) {
  const std::vector<std::string> hooks = {"name",     "state",      "behind", "failures",
                                          "given_up", "last_error", "url"};
  const std::vector<std::string> failures = {"kind",  "id",   "attempts", "status",
                                             "error", "last", "given_up", "seq"};
  const std::vector<std::string>& columns = name.empty() ? hooks : failures;
  Rows rows(context, columns, columns);
  JCN_TRY(HttpClient daemon, need_daemon(context));
  const std::string target =
      name.empty() ? "/v1/webhooks" : "/v1/webhooks/" + percent_encoded(name) + "/failures";
  JCN_TRY(const Answer answer, daemon.get(target));
  JCN_CHECK(add_page(answer.body, 0, rows));
  return Exit::ok;
}

namespace {

// What the daemon says to a webhook's name and, where it is given, a place in the feed.
Result<Answer> tell(const Context& context, const std::string& name, const std::string& what,
                    const std::string& parameter, const std::string& place) {
  JCN_TRY(HttpClient daemon, need_daemon(context));
  const std::string query = place.empty() ? "" : '?' + parameter + '=' + percent_encoded(place);
  return daemon.post("/v1/webhooks/" + percent_encoded(name) + '/' + what + query);
}

}  // namespace

Result<Exit> run_replay(const Context& context, const std::string& name, const std::string& since) {
  JCN_TRY(const Answer answer, tell(context, name, "replay", "since", since));
  if (context.json) print_line(answer.body);
  return Exit::ok;
}

Result<Exit> run_discard(const Context& context, const std::string& name, const std::string& seq) {
  JCN_TRY(const Answer answer, tell(context, name, "discard", "seq", seq));
  print_line(context.json ? answer.body : raw_member(answer.body, "discarded"));
  return Exit::ok;
}

}  // namespace jcnctl
