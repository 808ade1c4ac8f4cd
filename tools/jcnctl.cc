// jcnctl(1): the operator's and script's tool.
#include "jcnctl.h"

#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>

#include "jcnctl_changes.h"
#include "jcnctl_find.h"
#include "token_file.h"

namespace jcnctl {

Exit exit_of(const jcn::Error& error) {
  using jcn::Code;
  if (static_cast<std::size_t>(error.code) < jcn::code_table.size() &&
      jcn::code_table[static_cast<std::size_t>(error.code)].reject) {
    return Exit::no;
  }
  switch (error.code) {
    case Code::no_such_record:
    case Code::no_such_webhook:
    case Code::no_such_kind:
    case Code::no_such_root:
      return Exit::no;
    case Code::bad_usage:
    case Code::bad_configuration:
    case Code::bad_request:
    case Code::bad_parameter:
    case Code::unknown_parameter:
    case Code::bad_field:
    case Code::unknown_operator:
    case Code::bad_value:
    case Code::bad_target:
      return Exit::usage;
    case Code::not_connected:
      return Exit::not_connected;
    default:
      return Exit::failed;
  }
}

namespace {

// The command line, with the command it chose.
struct Chosen {
  Context context;
  Command command;
};

void add_reading_commands(CLI::App& app, Chosen& chosen) {
  Context& context = chosen.context;
  {
    auto* get = app.add_subcommand("get", "print a record");
    auto words = std::make_shared<std::pair<std::string, std::string>>();
    get->add_option("KIND", words->first, "its kind, e.g. videos")->required();
    get->add_option("ID", words->second, "its id")->required();
    get->callback([&chosen, &context, words] {
      chosen.command = [&context, words] { return run_get(context, words->first, words->second); };
    });
  }
  add_find_command(app, context, chosen.command);
  add_changes_command(app, context, chosen.command);
  {
    auto* rejects = app.add_subcommand("rejects", "list the files that fail a check");
    rejects->callback(
        [&chosen, &context] { chosen.command = [&context] { return run_rejects(context); }; });
  }
  {
    auto* conflicts =
        app.add_subcommand("conflicts", "list where the files of one record disagree");
    auto kind = std::make_shared<std::string>();
    conflicts->add_option("--kind", *kind, "only records of this kind")->type_name("KIND");
    conflicts->callback([&chosen, &context, kind] {
      chosen.command = [&context, kind] { return run_conflicts(context, *kind); };
    });
  }
  {
    auto* webhooks = app.add_subcommand("webhooks", "say how they are, or what one did not take");
    auto name = std::make_shared<std::string>();
    webhooks->add_option("NAME", *name, "of one: the changes that it did not take");
    webhooks->callback([&chosen, &context, name] {
      chosen.command = [&context, name] { return run_webhooks(context, *name); };
    });
  }
  {
    auto* status = app.add_subcommand("status", "say how the daemon does");
    auto watch = std::make_shared<bool>(false);
    status->add_flag("--watch", *watch, "go on saying it; when piped until the crawl is done");
    status->callback([&chosen, &context, watch] {
      chosen.command = [&context, watch] { return run_status(context, *watch); };
    });
  }
  {
    auto* dump = app.add_subcommand("dump", "print all records and rejects in canonical form");
    auto served = std::make_shared<bool>(false);
    dump->add_flag("--served", *served, "as they are answered: with last good content");
    dump->callback([&chosen, &context, served] {
      chosen.command = [&context, served] { return run_dump(context, *served); };
    });
  }
  {
    auto* explain = app.add_subcommand("explain", "say what became of a file, and why");
    auto path = std::make_shared<std::string>();
    explain->add_option("PATH", *path, "the file")->required();
    explain->callback([&chosen, &context, path] {
      chosen.command = [&context, path] { return run_explain(context, *path); };
    });
  }
}

void add_doing_commands(CLI::App& app, Chosen& chosen) {
  Context& context = chosen.context;
  {
    auto* sync = app.add_subcommand("sync", "wait until everything dropped before is visible");
    struct Options {
      bool durable = false;
      unsigned timeout_ms = 30'000;
    };
    auto options = std::make_shared<Options>();
    sync->add_flag("--durable", options->durable, "and written to the index");
    sync->add_option("--timeout", options->timeout_ms, "milliseconds (default: 30000)")
        ->type_name("MS");
    sync->callback([&chosen, &context, options] {
      chosen.command = [&context, options] {
        return run_sync(context, options->durable, options->timeout_ms);
      };
    });
  }
  {
    auto* drop = app.add_subcommand("drop", "check JSON, put it into place in one step, sync");
    auto words = std::make_shared<std::pair<std::string, std::string>>("", "-");
    drop->add_option("TARGET", words->first, "FOLDER/NAME.json")->required();
    drop->add_option("SOURCE", words->second, "file to read (default: standard input)");
    drop->callback([&chosen, &context, words] {
      chosen.command = [&context, words] { return run_drop(context, words->first, words->second); };
    });
  }
  {
    auto* check = app.add_subcommand("check", "check files, asking no daemon; - is standard input");
    auto files = std::make_shared<std::vector<std::string>>();
    check->add_option("FILE", *files, "the files; one named [..] is given as ./[..]")->required();
    check->callback([&chosen, files] { chosen.command = [files] { return run_check(*files); }; });
  }
  struct OfWebhook {
    const char *name, *does, *option, *meaning;
    jcn::Result<Exit> (*run)(const Context& context, const std::string& name,
                             const std::string& place);
  };
  static constexpr OfWebhook of_webhooks[] = {
      {"replay", "send to a webhook again what it did not take", "--since",
       "everything after this place, 0 for all", run_replay},
      {"discard", "never send to a webhook what was given up", "--seq",
       "one change that it did not take, given up or not", run_discard}};
  for (const OfWebhook& each : of_webhooks) {
    auto* command = app.add_subcommand(each.name, each.does);
    auto words = std::make_shared<std::pair<std::string, std::string>>();
    command->add_option("NAME", words->first, "its name")->required();
    command->add_option(each.option, words->second, each.meaning)->type_name("SEQ");
    command->callback([&chosen, &context, words, run = each.run] {
      chosen.command = [&context, words, run] { return run(context, words->first, words->second); };
    });
  }
  const std::pair<const char*, const char*> upkeep[] = {
      {"verify", "compare the index with itself, its documents and the files"},
      {"compact", "write the index anew, as small as it can be"},
      {"reindex", "read every file again, and make the index anew"}};
  const std::array run = {run_verify, run_compact, run_reindex};
  for (std::size_t i = 0; i < run.size(); ++i) {
    app.add_subcommand(upkeep[i].first, upkeep[i].second)
        ->callback([&chosen, &context, command = run[i]] {
          chosen.command = [&context, command] { return command(context); };
        });
  }
  {
    auto* doctor = app.add_subcommand("doctor", "look at the machine, and say what is to be done");
    auto words = std::make_shared<std::pair<std::string, std::string>>();
    doctor->add_option("--config", words->first, "jcn's (default: /etc/jcn/jcn.conf)")
        ->type_name("FILE");
    doctor->add_option("--unit", words->second, "of systemd (default: jcn.service as installed)")
        ->type_name("FILE");
    doctor->callback([&chosen, &context, words] {
      chosen.command = [&context, words] {
        return run_doctor(context, words->first, words->second);
      };
    });
  }
  {
    auto* accept = app.add_subcommand("accept", "take what an offline root shows now as the truth");
    auto root = std::make_shared<std::string>();
    accept->add_option("ROOT", *root, "its name")->required();
    accept->callback([&chosen, &context, root] {
      chosen.command = [&context, root] { return run_accept(context, *root); };
    });
  }
}

std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

jcn::Result<Exit> with_token(Chosen& chosen, const std::string& token_file) {
  if (!token_file.empty()) {
    JCN_TRY(chosen.context.token, jcn::read_token_file(token_file));
  }
  return chosen.command();
}

int run(int argc, char** argv) {
  Chosen chosen;
  CLI::App app("Asks a jcn daemon, or its index.", "jcnctl");
  app.set_version_flag("--version", "jcnctl " JCN_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(exit_help(exit_table) +
             "Tables on a terminal; JSON, one value a line, when piped or with --json.");
  auto* url = app.add_option(
      "--url", chosen.context.url,
      "the daemon (default: $JCN_URL, else " + std::string(jcn_client::default_url) + ")");
  auto* index = app.add_option("--index", chosen.context.index,
                               "an index: asks the daemon that serves it, else reads it");
  url->type_name("URL")->excludes(index);
  index->type_name("DIR");
  std::string token_file;
  app.add_option("--token-file", token_file,
                 "of a daemon that wants one (default: $JCN_TOKEN_FILE)")
      ->type_name("FILE");
  app.add_flag("--json", chosen.context.json, "JSON on a terminal too");
  add_reading_commands(app, chosen);
  add_doing_commands(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  if (chosen.context.url.empty())
    chosen.context.url = environment("JCN_URL", jcn_client::default_url);
  if (token_file.empty()) token_file = environment("JCN_TOKEN_FILE", "");
  if (isatty(STDOUT_FILENO) == 0) chosen.context.json = true;

  auto done = with_token(chosen, token_file);
  if (done.ok() && std::fflush(stdout) != 0) done = jcn::system_error("write", "stdout", errno);
  if (done.ok()) return static_cast<int>(*done);
  print_error("jcnctl", done.error());
  return static_cast<int>(exit_of(done.error()));
}

}  // namespace
}  // namespace jcnctl

int main(int argc, char** argv) {
  const jcn_client::Library library;
  return jcnctl::run(argc, argv);
}
