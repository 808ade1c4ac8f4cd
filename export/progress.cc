#include "progress.h"

namespace jcn_export {
namespace {

constexpr std::uint64_t between_tellings = 256;

}  // namespace

jcn::Error stopped() {
  return jcn::Error{jcn::Code::system, "stopped before the end", "nothing was changed"};
}

void Pace::begin(const char* stage, std::uint64_t of) {
  stage_ = stage;
  done_ = 0;
  of_ = of;
}

jcn::Result<void> Pace::one_more() {
  if (++done_ % between_tellings != 0 || tell()) return {};
  return stopped();
}

}  // namespace jcn_export
