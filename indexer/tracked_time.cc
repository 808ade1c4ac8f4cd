#include "jcn/tracked_time.h"

#include <algorithm>
#include <string>

#include "jcn/canonical.h"
#include "jcn/time_text.h"

namespace jcn {
namespace {

// What the fragment itself says.
std::optional<std::int64_t> time_beside(std::string_view pointer, std::string_view body) {
  const std::string beside = std::string(pointer.substr(0, pointer.rfind('/'))) + "/since";
  const auto value = json_at(body, beside);
  if (beside == pointer || !value || json_type(*value) != JsonType::string) return std::nullopt;
  return parse_rfc3339(json_unquote(*value));
}

// The last to say what stands there, or else the last to say anything.
struct Speaker {
  const Contribution* contribution = nullptr;
  std::int64_t mtime_ns = 0;
};

}  // namespace

std::optional<std::int64_t> tracked_time(std::string_view pointer,
                                         const std::vector<Contribution>& contributions,
                                         std::string_view document,
                                         const std::vector<FragmentInfo>& fragments) {
  const auto stands = json_at(document, pointer);
  if (!stands || json_type(*stands) == JsonType::null) return std::nullopt;
  Speaker last, equal;
  for (const FragmentInfo& fragment : fragments) {
    const auto contribution =
        std::find_if(contributions.begin(), contributions.end(),
                     [&](const Contribution& each) { return each.name == fragment.name; });
    if (contribution == contributions.end()) continue;
    const auto said = json_at(contribution->body, pointer);
    if (!said || json_type(*said) == JsonType::null) continue;
    last = {&*contribution, fragment.mtime_ns};
    if (compare_values(*said, *stands) == 0) equal = last;
  }
  const Speaker& speaker = equal.contribution ? equal : last;
  if (!speaker.contribution) return std::nullopt;
  const auto told = time_beside(pointer, speaker.contribution->body);
  return told ? told : speaker.mtime_ns;
}

}  // namespace jcn
