// Where the values of a configuration came from, and how they are printed: --print-config.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config.h"
#include "config_table.h"

namespace jcn {

// An origin is "FILE:LINE", an option of the command line, or the variable that a default goes by.
struct Origins {
  struct Member {
    std::string key, value, origin;  // the value as TOML
  };
  struct Table {
    std::string section, origin;
    std::vector<Member>
        members;  // as the file has them; those of a root come from the configuration
  };

  void note(const OptionRow& row, std::string origin);  // lists may come from several

  std::map<const OptionRow*, std::string> options;  // those that were given
  std::vector<Table> tables;  // of [[root]] first, in the configuration's order
};

// As TOML has it.
std::string toml_text(const OptionValue& value);
std::string toml_string(std::string_view text);

// The configuration in force as a file for --config, each value with its origin behind it. Members
// of [[…]] that were not given have their defaults, and are left out. What files of secrets hold is
// not in it.
std::string print_config(const DaemonConfig& config, const Origins& origins);

}  // namespace jcn
