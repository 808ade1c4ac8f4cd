// The TOML file → configuration.
#pragma once

#include <string>

#include "config.h"

namespace jcn {

// Adds what the file says to `config`. Roots are taken as written, relative paths made absolute
// against the file's folder; config.cc resolves them. Errors: bad_configuration.
Result<void> load_config_file(const std::string& path, DaemonConfig& config);

}  // namespace jcn
