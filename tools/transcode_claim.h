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
  // Creates the note at `path`, or takes over the one with this tag. Nothing: another was quicker.
  static jcn::Result<std::optional<Claim>> take(Notes& notes, std::string path, Lease lease,
                                                const std::string& tag = "");

  const Lease& lease() const { return lease_; }

  // When a third of the term has passed, renews it; where jcn does not answer, tries again a second
  // later, for as long as it takes: without jcn nobody else can take it either. False: it is lost.
  // Errors: those of jcn's that do not pass.
  jcn::Result<bool> keep(Clock::time_point now);
  // Now, and for sure. False: it is lost. Errors: the client's.
  jcn::Result<bool> renew();
  // Removes it, if it is still ours.
  jcn::Result<bool> let_go(Notes& notes) { return notes.remove(path_, tag_); }

 private:
  Claim(Notes& notes, std::string path, Lease lease, std::string tag)
      : notes_(&notes), path_(std::move(path)), lease_(std::move(lease)), tag_(std::move(tag)) {}
  void plan_next(Clock::duration wait) { next_ = Clock::now() + wait; }

  Notes* notes_;
  std::string path_;
  Lease lease_;
  std::string tag_;
  Clock::time_point next_ = Clock::now() + lease_.term / 3;  // when it is to be renewed
};

}  // namespace jcn_transcode
