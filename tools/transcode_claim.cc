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
    JCN_TRY(tag, tag_there(*notes_));
    if (!tag) return false;
  }
  tag_ = *std::move(tag);
  plan_next(lease_.term / 3);
  return true;
}

Result<bool> Claim::let_go(Notes& notes) {
  JCN_TRY(const bool gone, notes.remove(path_, tag_));
  if (gone) return true;
  JCN_TRY(const auto tag, tag_there(notes));
  if (!tag) return false;
  return notes.remove(path_, *tag);
}

Result<std::optional<std::string>> Claim::tag_there(Notes& notes) const {
  JCN_TRY(std::optional<Note> there, notes.read(path_));
  if (!there || read_lease(there->text).holder != lease_.holder)
    return std::optional<std::string>();
  return std::optional(std::move(there->tag));
}

}  // namespace jcn_transcode
