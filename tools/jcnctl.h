// jcnctl: what its commands share. Each command is a function that prints its answer to stdout and
// returns an exit code, or an Error that main() shows on stderr.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "answer_members.h"
#include "exit_status.h"
#include "http_client.h"
#include "jcn/result.h"
#include "jcn/rules.h"
#include "jcn/snapshot.h"
#include "serving_daemon.h"

namespace jcnctl {

using jcn_client::Answer;
using jcn_client::HttpClient;
using jcn_client::minified;
using jcn_client::number_member;
using jcn_client::percent_encoded;
using jcn_client::raw_member;
using jcn_client::text_member;

enum class Exit : int { ok = 0, no = 1, usage = 2, not_connected = 3, failed = 4 };

// jcnctl(1) and --help show this table.
inline constexpr auto exit_table = std::to_array<ExitMeaning>({
    {int(Exit::ok), "done"},
    {int(Exit::no),
     "the answer is no: no such record, a bad fragment, paths that are still changing, files "
     "unlike the index, a problem that doctor found"},
    {int(Exit::usage), "the command line, or a parameter that the daemon refused"},
    {int(Exit::not_connected), "no daemon answers, and the command needs one"},
    {int(Exit::failed), "the daemon, the index or the system failed"},
});

Exit exit_of(const jcn::Error& error);

// How the answer is given, and whom to ask.
struct Context {
  std::string url;    // given by --url or JCN_URL, or the default one
  std::string index;  // given by --index, or empty
  std::string token;  // from the file that --token-file or JCN_TOKEN_FILE names, or empty
  bool json = false;  // NDJSON instead of tables: --json, or stdout is no terminal
};

// The daemon that the context names: with an index, the one that serves it. Empty when none answers
// there; an Error (not_connected) only without an index.
jcn::Result<std::optional<HttpClient>> find_daemon(const Context& context);
// The same, where the command can't do without: not_connected when there is none.
jcn::Result<HttpClient> need_daemon(const Context& context);
jcn::Result<jcn::IndexReader> open_index(const Context& context);

// What the command line chose.
using Command = std::function<jcn::Result<Exit>()>;

jcn::Result<Exit> run_get(const Context& context, const std::string& kind, const std::string& id);
jcn::Result<Exit> run_rejects(const Context& context);
jcn::Result<Exit> run_conflicts(const Context& context, const std::string& kind);  // "": all
jcn::Result<Exit> run_status(const Context& context, bool watch);
jcn::Result<Exit> run_sync(const Context& context, bool durable, unsigned timeout_ms);
jcn::Result<Exit> run_explain(const Context& context, const std::string& path);
jcn::Result<Exit> run_accept(const Context& context, const std::string& root);
jcn::Result<Exit> run_dump(const Context& context, bool served);
// `source`: a file, or "-" for stdin.
jcn::Result<Exit> run_drop(const Context& context, const std::string& target,
                           const std::string& source);
jcn::Result<Exit> run_check(const std::vector<std::string>& files);
jcn::Result<Exit> run_verify(const Context& context);
jcn::Result<Exit> run_webhooks(const Context& context, const std::string& name);  // "": all of them
jcn::Result<Exit> run_replay(const Context& context, const std::string& name,
                             const std::string& since);  // "": what was not taken
jcn::Result<Exit> run_discard(const Context& context, const std::string& name,
                              const std::string& seq);  // "": what was given up
// `config`, `unit`: "" for those that are installed.
jcn::Result<Exit> run_doctor(const Context& context, const std::string& config,
                             const std::string& unit);
jcn::Result<Exit> run_compact(const Context& context);
jcn::Result<Exit> run_reindex(const Context& context);

// The same questions, answered from the index alone (jcnctl_offline.cc). `row` is called with each
// row as the daemon would give it.
using RowSink = std::function<bool(std::string_view row)>;
jcn::Result<std::optional<std::string>> offline_record(const jcn::Snapshot& snapshot,
                                                       const jcn::RecordKey& key);
jcn::Result<void> offline_rejects(const jcn::Snapshot& snapshot, const RowSink& row);
std::string offline_status(const jcn::Snapshot& snapshot, const std::string& index);

}  // namespace jcnctl
