// What jcn needs of the machine: limits of the kernel, the clock, disks and their file systems.
#pragma once

#include <cstdint>
#include <string>

#include "doctor.h"

namespace jcn_doctor {

// `folders`: how many are to be watched.
void look_at_limits(std::uint64_t folders, const Report& report);
void look_at_clock(const Report& report);
// What the index lies on, and the room on it.
void look_at_index(const std::string& index, const Report& report);
// Whether events come from all who write to this folder. `polled`: jcn does not rely on them.
void look_at_file_system(const std::string& folder, bool polled, const Report& report);

}  // namespace jcn_doctor
