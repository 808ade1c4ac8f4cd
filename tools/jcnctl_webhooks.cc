// webhooks, replay: how those are to whom the daemon posts changes, and sending again.
#include "jcnctl.h"
#include "jcnctl_rows.h"

namespace jcnctl {

using jcn::Result;

Result<Exit> run_webhooks(const Context& context, const std::string& name) {
  const std::vector<std::string> hooks = {"name",     "state",      "behind", "failures",
                                          "given_up", "last_error", "url"};
  const std::vector<std::string> failures = {"kind",  "id",   "attempts", "status",
                                             "error", "last", "given_up"};
  const std::vector<std::string>& columns = name.empty() ? hooks : failures;
  Rows rows(context, columns, columns);
  JCN_TRY(HttpClient daemon, need_daemon(context));
  const std::string target =
      name.empty() ? "/v1/webhooks" : "/v1/webhooks/" + percent_encoded(name) + "/failures";
  JCN_TRY(const Answer answer, daemon.get(target));
  JCN_CHECK(add_page(answer.body, 0, rows));
  return Exit::ok;
}

Result<Exit> run_replay(const Context& context, const std::string& name, const std::string& since) {
  JCN_TRY(HttpClient daemon, need_daemon(context));
  const std::string from = since.empty() ? "" : "?since=" + percent_encoded(since);
  JCN_TRY(const Answer answer,
          daemon.post("/v1/webhooks/" + percent_encoded(name) + "/replay" + from));
  if (context.json) print_line(answer.body);
  return Exit::ok;
}

}  // namespace jcnctl
