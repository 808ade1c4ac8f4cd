#include "transcode_claim.h"

namespace jcn_transcode {

using jcn::Result;

Result<std::optional<Claim>> Claim::take(Notes& notes, const std::string& stem, Lease lease,
                                         const std::string& tag) {
  JCN_TRY(std::optional<std::string> taken,
          notes.write(path_of(stem), tag, lease_text(lease, time_now()), stem + ".json"));
  if (!taken) return std::optional<Claim>();
  return std::optional(Claim(notes, stem, std::move(lease), *std::move(taken)));
}

Result<bool> Claim::keep(Clock::time_point now) {
  if (now < next_) return true;
  auto renewed = renew();
  if (renewed.ok()) return renewed;
  if (!passes(renewed.error().code)) return renewed;
  plan_next(std::chrono::seconds(1));
  return true;
}

Result<bool> Claim::renew() {
  ++lease_.renewal;
  JCN_TRY(std::optional<std::string> tag,
          notes_->write(path_, tag_, lease_text(lease_, time_now()), first_));
  if (!tag) {
    // Unless the answer to an earlier renewal was lost.
    JCN_TRY(std::optional<Note> there, notes_->read(path_));
    if (!there || read_lease(there->text).holder != lease_.holder) return false;
    tag = std::move(there->tag);
  }
  tag_ = *std::move(tag);
  plan_next(lease_.term / 3);
  return true;
}

}  // namespace jcn_transcode
