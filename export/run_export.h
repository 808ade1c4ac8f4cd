// One run of jcn-export: what the command line asks for → the file.
#pragma once

#include <string>
#include <vector>

#include "jcn/result.h"

namespace jcn_export {

struct Options {
  std::string url, index;  // one of them
  std::string output, kind, token_file;
  std::string format = "sqlite";  // or ndjson, csv
  std::string metadata;           // file for Datasette; empty: none
  std::vector<std::string> terms;
  bool incremental = false;
};

// Tells on standard error what was written. Errors: bad_usage, bad_field, unknown_operator,
// bad_value, no_such_kind, not_connected, index_*, system, internal.
jcn::Result<void> run_export(const Options& options);

}  // namespace jcn_export
