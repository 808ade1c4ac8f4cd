// The TOML file → configuration.
#pragma once

#include <string>

#include "config.h"
#include "config_origin.h"

namespace jcn {

// Adds what the file says to `config`, and where it says so to `origins`. Roots are taken as
// written, relative paths made absolute against the file's folder; config.cc resolves them. Errors:
// bad_configuration.
Result<void> load_config_file(const std::string& path, DaemonConfig& config, Origins& origins);

}  // namespace jcn
