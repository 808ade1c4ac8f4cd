// jcnctl changes: its options, and the command.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "jcnctl.h"

namespace jcnctl {

struct ChangesOptions {
  std::string since = "0";
  bool follow = false;
  std::vector<std::string> kinds, ids;
  bool include_docs = false;
  std::vector<std::string> filters;  // "field__op=value"
};

jcn::Result<Exit> run_changes(const Context& context, const ChangesOptions& options);

// Adds the subcommand; when it is chosen, `command` becomes it. Context and command outlive the
// app.
void add_changes_command(CLI::App& app, const Context& context, Command& command);

}  // namespace jcnctl
