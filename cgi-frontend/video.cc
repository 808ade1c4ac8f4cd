#include "video.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "jcn/canonical.h"
#include "shown_text.h"

namespace cgi {
namespace {

using jcn::JsonType;
using Value = std::optional<std::string_view>;

// What Apache serves beneath /media/ (see apache/surroundings.conf), by the last part of its name.
struct MediaType {
  std::string_view extension, type;
};
constexpr std::array<MediaType, 6> media_types = {{{"mp4", "video/mp4"},
                                                   {"m4v", "video/mp4"},
                                                   {"webm", "video/webm"},
                                                   {"ogv", "video/ogg"},
                                                   {"mov", "video/quicktime"},
                                                   {"mkv", "video/x-matroska"}}};
constexpr std::array<std::string_view, 6> videos = {"mp4", "m4v", "webm", "ogv", "mov", "mkv"};
constexpr std::array<std::string_view, 4> played_unprocessed = {"mp4", "m4v", "webm", "ogv"};
constexpr std::array<std::string_view, 5> pictures = {"jpg", "jpeg", "png", "webp", "avif"};
constexpr std::array<std::string_view, 1> texts = {"vtt"};
constexpr std::array<std::string_view, 5> track_kinds = {"subtitles", "captions", "descriptions",
                                                         "chapters", "metadata"};

bool is(const Value& value, JsonType type) {
  return value && jcn::json_type(*value) == type;
}

Value member(const Value& object, std::string_view name) {
  return is(object, JsonType::object) ? jcn::json_member(*object, name) : std::nullopt;
}

// The first elements of an array; none of what is no array.
std::vector<std::string_view> elements(const Value& array, std::size_t most) {
  std::vector<std::string_view> out;
  if (!is(array, JsonType::array)) return out;
  for (jcn::JsonCursor cursor(*array); out.size() < most && cursor.next();)
    out.push_back(cursor.value());
  return out;
}

std::optional<Address> media(const Value& path, std::span<const std::string_view> extensions) {
  return Address::media(exact_text(path), extensions);
}

void add_source(Video& video, const Value& file, std::span<const std::string_view> extensions) {
  auto address = media(member(file, "path"), extensions);
  if (!address) return;
  const std::string wanted = extension(address->text());
  const auto* type = std::find_if(media_types.begin(), media_types.end(),
                                  [&](const MediaType& each) { return each.extension == wanted; });
  video.sources.push_back({*std::move(address), type->type});
}

void add_track(Video& video, const Value& file) {
  auto address = media(member(file, "path"), texts);
  Track track{address.value_or(Address::page("/")), exact_text(member(file, "kind")),
              plain_value(member(file, "language"), 20), plain_value(member(file, "label"), 100)};
  if (!address ||
      std::find(track_kinds.begin(), track_kinds.end(), track.kind) == track_kinds.end())
    return;
  if (track.kind == "subtitles" && track.language.empty()) return;  // HTML wants to know which
  video.tracks.push_back(std::move(track));
}

bool digits_like(std::string_view text, std::string_view pattern) {  // 0: any digit
  if (text.size() < pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool good = pattern[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == pattern[i];
    if (!good) return false;
  }
  return true;
}

JobState state_of(const std::string& said) {
  if (said == "queued") return JobState::queued;
  if (said == "running") return JobState::running;
  if (said == "done") return JobState::done;
  return said == "failed" ? JobState::failed : JobState::none;
}

// Who does not say may not be shown.
Visibility visibility_of(const std::string& said) {
  if (said == "public") return Visibility::shown_to_all;
  return said == "unlisted" ? Visibility::unlisted : Visibility::not_shown;
}

void read_job(Video& video, const Value& job) {
  video.state = state_of(exact_text(member(job, "state")));
  if (const auto percent = number(member(job, "percent")))
    video.percent = static_cast<int>(std::clamp(std::nearbyint(*percent), 0.0, 100.0));
  video.error = plain_value(member(job, "error"), 2000);
}

}  // namespace

Video read_video(std::string id, std::string_view document) {
  const auto of = [&](std::string_view name) { return member(document, name); };
  Video video;
  video.title = stripped(plain_value(of("title"), 500));
  if (video.title.empty()) video.title = plain(id, 100);
  video.id = std::move(id);
  video.description = plain_value(of("description"), 20000);
  if (video.description.empty()) video.description = plain_value(of("summary"), 20000);
  for (const std::string_view each : elements(of("tags"), 50)) {
    if (std::string tag = plain_value(each, 60); !tag.empty()) video.tags.push_back(std::move(tag));
  }
  video.uploader = plain_value(of("uploader"), 200);
  video.uploaded_at = plain_value(of("uploaded_at"), 40);
  if (!digits_like(video.uploaded_at, "0000-00-00T00:00")) video.uploaded_at.clear();
  video.visibility = visibility_of(exact_text(of("visibility")));
  if (const auto seconds = number(of("duration")); seconds && *seconds >= 0)
    video.duration = seconds;
  video.width = pixels(of("width"));
  video.height = pixels(of("height"));
  video.poster = media(of("poster"), pictures);
  read_job(video, of("transcode"));
  for (const std::string_view each : elements(of("renditions"), 20))
    add_source(video, each, videos);
  if (video.sources.empty() && video.state == JobState::none)
    add_source(video, of("source"), played_unprocessed);
  for (const std::string_view each : elements(of("tracks"), 50)) add_track(video, each);
  return video;
}

}  // namespace cgi
