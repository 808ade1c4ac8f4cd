// conflicts: where the files of one record disagree.
#include "conflict_json.h"
#include "jcn/canonical.h"
#include "jcnctl_rows.h"
#include "told_apart.h"

namespace jcnctl {

using jcn::Result;

namespace {

// A person has to see what differs: 5 and "5", a space that is no space.
std::vector<std::string> conflict_cells(std::string_view row) {
  const auto text = [&](std::string_view pointer) {
    const auto value = jcn::json_at(row, pointer);
    return value ? cell(*value) : std::string();
  };
  const auto [stands, lost] = told_apart(jcn::json_at(row, "/winner/value").value_or("null"),
                                         jcn::json_at(row, "/shadowed/0/value").value_or("null"));
  return {text("/kind"),        text("/id"), text("/pointer"),        stands,
          text("/winner/path"), lost,        text("/shadowed/0/path")};
}

Result<void> offline_conflicts(const jcn::Snapshot& snapshot, const jcn::Rules& rules,
                               const std::string& kind, Rows& rows) {
  jcn::ConflictQuery query;
  query.kind = kind;
  query.size = 1000;
  do {
    JCN_TRY(jcn::ConflictPage page, jcn::find_conflicts(snapshot, rules, query));
    for (const jcn::Conflict& conflict : page.rows) {
      std::string text;
      jcn::JsonWriter json(text);
      jcn::write_conflict(json, conflict);
      rows.add(text);
    }
    rows.flush();
    query.after = std::move(page.next);
  } while (query.after);
  return {};
}

}  // namespace

Result<Exit> run_conflicts(const Context& context, const std::string& kind) {
  // Of the losers a table shows the first one; JSON shows all.
  const std::vector<std::string> headings = {"kind", "id",   "pointer", "stands",
                                             "from", "lost", "from"};
  Rows rows(context, headings, headings);
  rows.show_as(conflict_cells);
  JCN_TRY(auto daemon, find_daemon(context));
  if (daemon) {
    const std::string of_kind = kind.empty() ? "" : "&kind=" + percent_encoded(kind);
    JCN_CHECK(each_row(*daemon, "/v1/conflicts?_size=1000" + of_kind, 0, rows));
    return Exit::ok;
  }
  JCN_TRY(const jcn::IndexReader index, open_index(context));
  JCN_TRY(const jcn::Snapshot snapshot, index.snapshot());
  JCN_TRY(const jcn::Rules rules, jcn::rules_of(snapshot, context.index));
  JCN_CHECK(offline_conflicts(snapshot, rules, kind, rows));
  return Exit::ok;
}

}  // namespace jcnctl
