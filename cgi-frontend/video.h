// A record of jcn's as pages may show it: each value has its type and a limit, whatever the notes
// say, and every path leads to a media file beneath the root. The same rules as
// apache/jcn_site/videos.py.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "address.h"

namespace cgi {

struct Source {
  Address address;
  std::string_view type;  // text/…: of a table
};

struct Track {
  Address address;
  std::string kind, language, label;
};

enum class Visibility : unsigned char { shown_to_all, unlisted, not_shown };
enum class JobState : unsigned char { none, queued, running, done, failed };

struct Video {
  std::string id;
  std::string title, description, uploader;
  std::string uploaded_at;  // begins like a time of RFC 3339, or is empty
  std::vector<std::string> tags;
  Visibility visibility = Visibility::not_shown;
  std::optional<double> duration;  // seconds
  std::optional<int> width, height;
  std::optional<Address> poster;
  // What <video> may play. The uploaded file itself only if nobody is about to make something
  // better of it.
  std::vector<Source> sources;
  std::vector<Track> tracks;
  JobState state = JobState::none;
  std::optional<int> percent;
  std::string error;

  bool in_work() const { return state == JobState::queued || state == JobState::running; }
};

// `document`: the record's canonical text.
Video read_video(std::string id, std::string_view document);

// Members that lists show, as `_col` wants them.
inline constexpr std::string_view shown_in_lists =
    "title,duration,poster,uploaded_at,uploader,tags,visibility,transcode.state";

}  // namespace cgi
