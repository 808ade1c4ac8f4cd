// Since when a record has been in its state: the computed field `_since`. A function of the files
// alone, so that an index that is made again from them says the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "jcn/compose.h"

namespace jcn {

// `pointer`: of the value that is tracked, such as /transcode/state. Of the fragments the last one,
// in composition order, counts that says what stands there; where strategies made it of several,
// the last to speak. The answer is
//  - the time in that fragment's member `since` beside the value (/transcode/since), where it has
//    one that RFC 3339 allows: who writes the state knows best since when;
//  - otherwise its mtime: when the state was last said.
// Absent: nothing stands there, or null. `fragments` in composition order, as in Record;
// contributions in any.
std::optional<std::int64_t> tracked_time(std::string_view pointer,
                                         const std::vector<Contribution>& contributions,
                                         std::string_view document,
                                         const std::vector<FragmentInfo>& fragments);

}  // namespace jcn
