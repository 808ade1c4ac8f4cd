// The contents of files that are still as they were read last: what the repair of the index takes
// from them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config.h"
#include "jcn/record.h"
#include "jcn/rules.h"

namespace jcn {

// A function for RewriteWish::read_again, for any thread: the file's canonical text, if its bytes
// are those that the row was made of.
std::function<std::optional<std::string>(const FragmentName&, const FileRow&)> unchanged_files(
    std::vector<RootConfig> roots, std::function<std::shared_ptr<const Rules>()> rules);

}  // namespace jcn
