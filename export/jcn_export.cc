// jcn-export(1): a snapshot of the index, for those who ask with other tools.
#include <curl/curl.h>
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "destination.h"
#include "incremental.h"
#include "jcnctl_http.h"
#include "sqlite_export.h"
#include "terminal.h"
#include "token_file.h"

namespace jcn_export {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Result;

enum class Exit : int { ok = 0, no = 1, usage = 2, not_connected = 3, failed = 4, stopped = 5 };

struct ExitRow {
  Exit exit;
  std::string_view meaning;
};
// jcn-export(1) and --help show this table.
constexpr std::array<ExitRow, 6> exit_table = {{
    {Exit::ok, "done"},
    {Exit::no, "there is no such kind"},
    {Exit::usage, "the command line, or a destination that is a folder or another program's file"},
    {Exit::not_connected, "no daemon answers"},
    {Exit::failed,
     "the index, the destination or the system failed; what was there before is intact"},
    {Exit::stopped, "stopped by a signal; what was there before is intact"},
}};

Exit exit_of(const Error& error) {
  if (asked_to_stop()) return Exit::stopped;
  switch (error.code) {
    case Code::no_such_kind:
      return Exit::no;
    case Code::bad_usage:
    case Code::bad_configuration:
    case Code::bad_field:
    case Code::unknown_operator:
    case Code::bad_value:
      return Exit::usage;
    case Code::not_connected:
      return Exit::not_connected;
    default:
      return Exit::failed;
  }
}

std::string exit_help() {
  std::string text = "Exit status:\n";
  for (const ExitRow& row : exit_table) {
    text +=
        "  " + std::to_string(static_cast<int>(row.exit)) + "  " + std::string(row.meaning) + "\n";
  }
  return text;
}

struct Options {
  std::string index, output, kind, token_file;
  std::vector<std::string> terms;
  bool incremental = false;
};

// What is exported, opened: a state that stays as it is, whatever the daemon does meanwhile.
struct Opened {
  jcn::IndexReader index;
  jcn::Snapshot snapshot;
  jcn::Rules rules;
};

// Of an index that a daemon serves, what was dropped before is in it.
Result<void> sync_index(const Options& options) {
  std::string token;
  if (!options.token_file.empty()) {
    JCN_TRY(token, jcn::read_token_file(options.token_file));
  }
  JCN_TRY(auto daemon, jcnctl::serving_daemon(options.index, token));
  if (!daemon) return {};
  JCN_TRY([[maybe_unused]] const jcnctl::Answer answer,
          daemon->post("/v1/sync?durable=1&timeout_ms=120000", std::chrono::seconds(125)));
  return {};
}

Result<Opened> open_index(const Options& options) {
  JCN_CHECK(sync_index(options));
  JCN_TRY(jcn::IndexReader index, jcn::IndexReader::open(options.index));
  JCN_TRY(jcn::Snapshot snapshot, index.snapshot());
  const auto text = snapshot.note("rules");
  if (!text) {
    return Error{Code::index_unreadable, options.index + " does not say by which rules it was made",
                 "start jcn on it once"};
  }
  JCN_TRY(jcn::Rules rules, jcn::Rules::from_json(*text));
  return Opened{std::move(index), std::move(snapshot), std::move(rules)};
}

Result<Selection> read_selection(const Options& options) {
  Selection selection;
  selection.kind = options.kind;
  for (const std::string& term : options.terms) JCN_CHECK(add_term(selection, term));
  return selection;
}

void print_summary(const Exported& done, const std::string& path, double seconds) {
  std::uint64_t records = 0;
  std::string kinds;
  for (const auto& [kind, count] : done.records) {
    records += count;
    kinds += (kinds.empty() ? "" : ", ") + std::to_string(count) + ' ' + kind;
  }
  if (kinds.empty()) kinds = "no records";
  struct stat file {};
  const bool known = ::stat(path.c_str(), &file) == 0;
  std::fprintf(stderr, "%s: %s; %llu rejects; %llu tables%s%s; state %s-%llu\n", path.c_str(),
               kinds.c_str(), static_cast<unsigned long long>(done.rejects),
               static_cast<unsigned long long>(done.tables), known ? ", " : "",
               known ? size_text(static_cast<std::uint64_t>(file.st_size)).c_str() : "",
               done.uuid.c_str(), static_cast<unsigned long long>(done.sequence));
  if (done.changes) {
    std::fprintf(stderr, "%llu changes in %.3f s\n", static_cast<unsigned long long>(*done.changes),
                 seconds);
  } else {
    std::fprintf(stderr, "%.1f s, %.0f records/s\n", seconds,
                 static_cast<double>(records) / std::max(seconds, 1e-3));
  }
}

// The destination, brought up to date. Absent: it has to be made anew.
Result<std::optional<Exported>> update(const Destination& destination, const Source& source,
                                       const Progress& progress) {
  if (!destination.exists()) return std::optional<Exported>();
  JCN_TRY(Update updated, update_file(destination.path(), source, progress));
  if (!updated.done) {
    std::fprintf(stderr, "jcn-export: %s is made anew: %s\n", destination.path().c_str(),
                 updated.reason.c_str());
  }
  return std::move(updated.done);
}

Result<Exported> replace(Destination& destination, const Source& source, const Progress& progress) {
  JCN_TRY(Database file, Database::open(destination.aside(), Database::Access::make));
  JCN_TRY(Exported done, export_into(file, source, progress));
  JCN_CHECK(file.close());
  if (!progress("syncing", 0, 0)) return stopped();
  JCN_CHECK(destination.commit());
  return done;
}

Result<void> export_sqlite(const Options& options) {
  if (options.output == "-") {
    return Error{Code::bad_usage, "a SQLite file can't be written to standard output",
                 "name a file with --output"};
  }
  JCN_TRY(const Selection selection, read_selection(options));
  if (options.incremental && !selection.searches.empty()) {
    return Error{Code::bad_usage, "--incremental does not go with a search",
                 "use filters, or run it without --incremental"};
  }
  JCN_TRY(Destination destination,
          Destination::open(options.output, Destination::Replaces::own_databases));
  JCN_TRY(const Opened opened, open_index(options));
  const Source source{opened.snapshot, opened.rules, selection};
  const auto begun = std::chrono::steady_clock::now();
  std::optional<Exported> done;
  {
    Bar bar;
    const Progress progress = [&bar](const char* stage, std::uint64_t so_far, std::uint64_t of) {
      bar.show(stage, so_far, of);
      return !asked_to_stop();
    };
    if (options.incremental) {
      JCN_TRY(done, update(destination, source, progress));
    }
    if (!done) {
      JCN_TRY(done, replace(destination, source, progress));
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  print_summary(*done, destination.path(), took.count());
  return {};
}

void add_options(CLI::App& app, Options& options) {
  app.set_version_flag("--version", "jcn-export " JCN_VERSION);
  app.add_option("--index", options.index, "an index; the daemon that serves it may be running")
      ->type_name("DIR")
      ->required();
  app.add_option("--output", options.output, "the file to write")->type_name("FILE")->required();
  app.add_flag("--incremental", options.incremental,
               "bring the file up to date, where it is an earlier export of the same");
  app.add_option("--kind", options.kind, "only records of this kind")->type_name("KIND");
  app.add_option("--token-file", options.token_file,
                 "of a daemon that wants one (default: $JCN_TOKEN_FILE)")
      ->type_name("FILE");
  app.add_option("FILTER", options.terms,
                 "FIELD=VALUE, FIELD__OPERATOR=VALUE or _search=WORDS: only these records")
      ->type_name("FIELD__OP=VALUE");
  app.footer(exit_help());
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Writes a snapshot of a jcn index.", "jcn-export");
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  if (const char* file = std::getenv("JCN_TOKEN_FILE"); file && options.token_file.empty()) {
    options.token_file = file;
  }
  const Result<void> done = export_sqlite(options);
  if (done.ok()) return static_cast<int>(Exit::ok);
  const Error& error = done.error();
  std::fprintf(stderr, "jcn-export: %s: %s\n", std::string(jcn::code_name(error.code)).c_str(),
               error.message.c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "hint: %s\n", error.hint.c_str());
  return static_cast<int>(exit_of(error));
}

}  // namespace
}  // namespace jcn_export

int main(int argc, char** argv) {
  jcn_export::catch_signals();
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const int status = jcn_export::run(argc, argv);
  curl_global_cleanup();
  return status;
}
