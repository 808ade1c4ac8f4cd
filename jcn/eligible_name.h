// Which names a fragment may have that is asked for, or written, through the API.
#pragma once

#include <string>

#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/rules.h"

namespace jcn {

// Which part of a path is ignored, and by which pattern; empty: none is.
std::string why_ignored(const Rules& rules, const std::string& path);

// The rule that a file of this name has; it lives as long as the rules. The path is taken as it
// stands: nothing is tidied up. Errors: bad_path ('..', '.', nothing between two slashes, NUL),
// path_too_long, ignored_name, no_rule.
Result<const Rule*> eligible_rule(const Rules& rules, const FragmentName& name);

// The same where a file is to be written. Errors: also bad_configuration, where the temporary file
// beside it would be taken for a fragment.
Result<const Rule*> writable_rule(const Rules& rules, const FragmentName& name);

// Of files that are being written: ".jcn-", 32 hexadecimal digits, ".tmp".
std::string temporary_name(std::string_view digits);

}  // namespace jcn
