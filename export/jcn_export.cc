// jcn-export(1): a snapshot of the index, for those who ask with other tools.
#include <CLI/CLI.hpp>

#include <array>
#include <cstdlib>

#include "exit_status.h"
#include "http_client.h"
#include "run_export.h"
#include "terminal.h"

namespace jcn_export {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Result;

enum class Exit : int { ok = 0, no = 1, usage = 2, not_connected = 3, failed = 4, stopped = 5 };

// jcn-export(1) and --help show this table.
constexpr auto exit_table = std::to_array<jcnctl::ExitMeaning>({
    {int(Exit::ok), "done"},
    {int(Exit::no), "there is no such kind"},
    {int(Exit::usage),
     "the command line, or a destination that is a folder or another program's file"},
    {int(Exit::not_connected), "no daemon answers"},
    {int(Exit::failed),
     "the index, the destination or the system failed; what was there before is intact"},
    {int(Exit::stopped), "stopped by a signal; what was there before is intact"},
});

Exit exit_of(const Error& error) {
  if (asked_to_stop()) return Exit::stopped;
  switch (error.code) {
    case Code::no_such_kind:
      return Exit::no;
    case Code::bad_usage:
    case Code::bad_configuration:
    case Code::bad_field:
    case Code::bad_parameter:
    case Code::unknown_operator:
    case Code::bad_value:
      return Exit::usage;
    case Code::not_connected:
      return Exit::not_connected;
    default:
      return Exit::failed;
  }
}

void add_options(CLI::App& app, Options& options) {
  app.set_version_flag("--version", "jcn-export " JCN_VERSION);
  auto* index = app.add_option("--index", options.index,
                               "an index; the daemon that serves it may be running");
  auto* url = app.add_option("--url", options.url, "a daemon: fetch the snapshot that it serves");
  index->type_name("DIR")->excludes(url);
  url->type_name("URL");
  auto* source = app.add_option_group("source");
  source->add_options(index, url);
  source->require_option(1);
  app.add_option("--output", options.output, "the file to write; of texts - is standard output")
      ->type_name("FILE")
      ->required();
  app.add_flag("--incremental", options.incremental,
               "bring the file up to date, where it is an earlier export of the same");
  app.add_option("--format", options.format, "sqlite (default), ndjson or csv")
      ->check(CLI::IsMember({"sqlite", "ndjson", "csv"}))
      ->type_name("FORMAT");
  app.add_option("--datasette-metadata", options.metadata,
                 "also write facets and descriptions for Datasette")
      ->type_name("FILE");
  app.add_option("--kind", options.kind, "only records of this kind")->type_name("KIND");
  app.add_option("--token-file", options.token_file,
                 "of a daemon that wants one (default: $JCN_TOKEN_FILE)")
      ->type_name("FILE");
  app.add_option("FILTER", options.terms,
                 "FIELD=VALUE, FIELD__OPERATOR=VALUE or _search=WORDS: only these records")
      ->type_name("FIELD__OP=VALUE");
  app.footer(jcnctl::exit_help(exit_table));
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
  const Result<void> done = run_export(options);
  if (done.ok()) return static_cast<int>(Exit::ok);
  jcnctl::print_error("jcn-export", done.error());
  return static_cast<int>(exit_of(done.error()));
}

}  // namespace
}  // namespace jcn_export

int main(int argc, char** argv) {
  jcn_export::catch_signals();
  const jcn_client::Library library;
  return jcn_export::run(argc, argv);
}
