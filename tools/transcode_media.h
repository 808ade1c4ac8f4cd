// What ffprobe says of an uploaded file, as far as it matters. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/result.h"

namespace jcn_transcode {

struct Media {
  int video_stream = 0;  // its index in the file
  int width = 0;         // of the picture as it is to be shown: upright, with square pixels
  int height = 0;
  double frames_per_second = 0;         // on average; 0: the file does not say
  std::optional<int> audio_stream;      // none: a silent film
  int channels = 0;                     // of the audio
  std::optional<double> duration = {};  // seconds; none: the file does not say
};

// The questions that read_media understands the answer to: ffprobe's arguments, without the file.
std::vector<std::string> probe_questions();

// `answer`: JSON, as ffprobe writes it. Errors, for people: bad_value (no picture in the file, or
// one that is too large), internal (no answer of ffprobe's).
jcn::Result<Media> read_media(std::string_view answer);

}  // namespace jcn_transcode
