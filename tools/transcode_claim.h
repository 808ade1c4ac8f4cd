// A video's claim, held by this worker. Lost is lost: another worker has it, or the video is
// deleted.
#pragma once

#include <optional>
#include <string>

#include "transcode_lease.h"
#include "transcode_notes.h"

namespace jcn_transcode {

class Claim {
 public:
  // Creates STEM.claim.json, or takes over the one with this tag. Nothing: another was quicker.
  // Errors: as Notes::write's.
  static jcn::Result<std::optional<Claim>> take(Notes& notes, const std::string& stem, Lease lease,
                                                const std::string& tag = "");
  static std::string path_of(const std::string& stem) { return stem + ".claim.json"; }

  const Lease& lease() const { return lease_; }

  // When a third of the term has passed, renews it; where jcn does not answer, tries again a second
  // later, for as long as it takes: without jcn nobody else can take it either. False: it is lost.
  // Errors: those of jcn's that do not pass.
  jcn::Result<bool> keep(Clock::time_point now);
  // Now, and for sure. False: it is lost. Errors: the client's.
  jcn::Result<bool> renew();
  // Removes it, if it is still ours. False: it is not. Errors: the client's.
  jcn::Result<bool> let_go(Notes& notes);

 private:
  Claim(Notes& notes, const std::string& stem, Lease lease, std::string tag)
      : notes_(&notes),
        path_(path_of(stem)),
        first_(stem + ".json"),
        lease_(std::move(lease)),
        tag_(std::move(tag)) {}
  // The tag that it has, where the answer to an earlier renewal was lost. Nothing: it is not ours.
  jcn::Result<std::optional<std::string>> tag_there(Notes& notes) const;
  void plan_next(Clock::duration wait) { next_ = Clock::now() + wait; }

  Notes* notes_;
  std::string path_, first_;  // of the claim, and of the video's first note
  Lease lease_;
  std::string tag_;
  Clock::time_point next_ = Clock::now() + lease_.term / 3;  // when it is to be renewed
};

}  // namespace jcn_transcode
