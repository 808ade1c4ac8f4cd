// A stack for what goes as deep as documents are nested. CivetWeb's workers have 100 KiB, which is
// enough for the default limit of 64 levels; limits.max_depth may be set to 10,000.
#pragma once

#include <cstdint>
#include <functional>

#include "jcn/result.h"
#include "response.h"

namespace jcn {

// The answer of `work`: called here, or where documents may be nested deeper than the default, on a
// thread of its own with a stack in proportion, while this one waits. Errors: overloaded (no
// thread), and those of `work`.
Result<Response> on_deep_stack(std::uint32_t max_depth,
                               const std::function<Result<Response>()>& work);

}  // namespace jcn
