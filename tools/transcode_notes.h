// The notes of videos, as jcn's write API keeps them: read and replaced by who knows what they
// were. And the texts that a worker writes into them (jcn/doc/video.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http_client.h"
#include "transcode_media.h"
#include "transcode_plan.h"

namespace jcn_transcode {

struct Note {
  std::string text;  // canonical, if it is JSON
  std::string tag;   // its entity tag
};

// Of one root. For one thread.
class Notes {
 public:
  Notes(jcn_client::HttpClient& jcn, std::string root) : jcn_(jcn), root_(std::move(root)) {}

  // Nothing: there is no such note. Errors: the client's.
  jcn::Result<std::optional<Note>> read(const std::string& path);
  // Replaces the note that has this tag; an empty one creates. Gives the new tag; nothing when
  // there is another note, or none, by now. A write whose answer was lost, and is repeated,
  // succeeds. `first`: the path of the video's first note, without which nothing is written.
  // Errors: no_such_fragment (it is gone); the client's; jcn's own verdict on the text.
  jcn::Result<std::optional<std::string>> write(const std::string& path, const std::string& tag,
                                                const std::string& text, const std::string& first);
  // False: there is another one by now. One that is not there is removed. Errors: the client's.
  jcn::Result<bool> remove(const std::string& path, const std::string& tag);

 private:
  std::string target(const std::string& path) const;

  jcn_client::HttpClient& jcn_;
  const std::string root_;
};

// Errors of jcn's that pass by themselves: it is restarted, or busy, or its disk is full.
bool passes(jcn::Code code);
// Those of them that say that jcn is there, and others keep it busy.
bool is_crowded(jcn::Code code);
// Errors that nothing but another command line, token or configuration will mend.
bool lasts(jcn::Code code);

// RFC 3339, to the second.
std::string time_now();

// ID.transcode.json in each of its states; `id` and `now` stand in it. A state is as old as its
// note, but "running" is written again with each percent, and says `since` when it is so.
std::string queued_note(std::string_view id, std::string_view now);
std::string running_note(std::string_view id, std::string_view since, std::string_view now,
                         const std::optional<double>& percent, std::string_view worker);
std::string failed_note(std::string_view id, std::string_view now, std::string_view error);

// What was made.
struct Made {
  Media media;
  std::optional<double> duration;
  std::string poster;                                         // path beneath the root; empty: none
  std::vector<std::pair<Rendition, std::string>> renditions;  // with their paths
};
std::string done_note(std::string_view id, std::string_view now, const Made& made);

}  // namespace jcn_transcode
