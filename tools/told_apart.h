// Two values that differ, for people who see them side by side.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace jcnctl {

// Two different JSON texts so that what differs is seen: nothing stands for what is not shown, and
// a long beginning that they share is left out. Text that looks the same gets escapes (\u00e9).
std::pair<std::string, std::string> told_apart(std::string_view one, std::string_view other);

}  // namespace jcnctl
