#include "transcode_media.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "answer_members.h"
#include "jcn/canonical.h"

namespace jcn_transcode {
namespace {

using jcn::Code;
using jcn::Error;
using jcn_client::number_member;
using jcn_client::raw_member;
using jcn_client::text_member;

// VP9 could do more, but no machine of a small site would like it.
constexpr int longest_side = 16384;
constexpr std::int64_t most_pixels = 8192 * 8192;

// "30000/1001", "16:15"; 0 where it is not known ("0/0", "N/A").
double ratio(std::string_view text, char between) {
  const std::size_t middle = text.find(between);
  if (middle == std::string_view::npos) return 0;
  int above = 0, below = 0;
  std::from_chars(text.data(), text.data() + middle, above);
  std::from_chars(text.data() + middle + 1, text.data() + text.size(), below);
  return above > 0 && below > 0 ? static_cast<double>(above) / below : 0;
}

std::optional<double> seconds(std::string_view object) {
  double value = 0;
  const std::string text = text_member(object, "duration");
  std::from_chars(text.data(), text.data() + text.size(), value);
  if (!std::isfinite(value) || value <= 0) return std::nullopt;
  return value;
}

// Whether the picture lies on its side, in quarters that are to be turned.
bool lies(std::string_view stream) {
  std::string turned = text_member(raw_member(stream, "tags"), "rotate");
  const std::string side_data = raw_member(stream, "side_data_list");
  if (side_data.front() == '[') {
    jcn::JsonCursor each(side_data);
    while (each.next()) {
      if (auto value = jcn::json_member(each.value(), "rotation")) turned = *value;
    }
  }
  const double degrees = turned.empty() ? 0 : std::strtod(turned.c_str(), nullptr);
  if (!std::isfinite(degrees)) return false;
  return std::lround(std::fmod(degrees, 360) / 90) % 2 != 0;
}

// What ffmpeg can't decode has no name that it knows.
bool decodable(std::string_view stream) {
  const std::string codec = text_member(stream, "codec_name");
  return !codec.empty() && codec != "none" && codec != "unknown";
}

// A cover is a picture, but not of a film.
bool cover(std::string_view stream) {
  return number_member(raw_member(stream, "disposition"), "attached_pic") != 0;
}

jcn::Result<Media> with_picture(Media media, std::string_view stream) {
  const auto stored_width = static_cast<std::int64_t>(number_member(stream, "width"));
  const auto stored_height = static_cast<std::int64_t>(number_member(stream, "height"));
  if (stored_width > longest_side || stored_height > longest_side ||
      stored_width * stored_height > most_pixels) {
    return Error{Code::bad_value, "The picture is too large: " + std::to_string(stored_width) +
                                      " by " + std::to_string(stored_height) + " pixels."};
  }
  const double shape = ratio(text_member(stream, "sample_aspect_ratio"), ':');
  const auto stretched = static_cast<double>(stored_width) * (shape > 0 ? shape : 1);
  if (stretched > longest_side || stretched < 1) {
    return Error{Code::bad_value, "The shape of the picture's pixels is impossible."};
  }
  media.width = static_cast<int>(std::lround(stretched));
  media.height = static_cast<int>(stored_height);
  if (lies(stream)) std::swap(media.width, media.height);
  media.frames_per_second = ratio(text_member(stream, "avg_frame_rate"), '/');
  if (!media.duration) media.duration = seconds(stream);
  return media;
}

}  // namespace

std::vector<std::string> probe_questions() {
  return {"-of", "json=c=1", "-show_entries",
          "format=duration:stream=index,codec_type,codec_name,width,height,sample_aspect_ratio,"
          "avg_frame_rate,duration,channels:stream_disposition=attached_pic:"
          "stream_side_data=rotation:stream_tags=rotate"};
}

jcn::Result<Media> read_media(std::string_view answer) {
  const std::string text = jcn_client::minified(answer);
  const std::string streams = raw_member(text, "streams");
  if (streams.front() != '[')
    return Error{Code::internal, "ffprobe did not say what is in the file"};
  Media media;
  media.duration = seconds(raw_member(text, "format"));
  std::string picture;
  bool sound = false;
  for (jcn::JsonCursor each(streams); each.next();) {
    const std::string_view stream = each.value();
    const std::string type = text_member(stream, "codec_type");
    const auto index = static_cast<int>(number_member(stream, "index"));
    if (type == "audio") sound = true;
    if (!decodable(stream)) continue;
    if (type == "video" && picture.empty() && !cover(stream) &&
        number_member(stream, "width") > 0 && number_member(stream, "height") > 0) {
      picture = stream;
      media.video_stream = index;
    } else if (type == "audio" && !media.audio_stream && number_member(stream, "channels") > 0) {
      media.audio_stream = index;
      media.channels = static_cast<int>(number_member(stream, "channels"));
    }
  }
  if (picture.empty()) {
    return Error{Code::bad_value, sound ? "There is only sound in this file, and no picture."
                                        : "There is no video in this file."};
  }
  return with_picture(media, picture);
}

}  // namespace jcn_transcode
