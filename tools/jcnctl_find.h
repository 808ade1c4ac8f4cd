// jcnctl find: its options, and the command.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jcnctl.h"

namespace jcnctl {

struct FindOptions {
  std::string kind;
  std::vector<std::string> terms;  // "field__op=value", "_search_field=words"
  std::vector<std::string> searches;
  std::optional<std::string> sort, sort_descending;  // not both
  std::vector<std::string> columns;                  // empty: whole records
  unsigned page = 1000;
  std::uint64_t limit = 0;  // 0: all
  bool count = false;       // with facets, these are printed instead of rows
  std::vector<std::string> facets;
  unsigned facet_size = 30;
};

// What filters may be, for --help.
std::string operators_help();

jcn::Result<Exit> run_find(const Context& context, const FindOptions& options);

// Adds the subcommand; when it is chosen, `command` becomes it. Context and command outlive the
// app.
void add_find_command(CLI::App& app, const Context& context, Command& command);

}  // namespace jcnctl
