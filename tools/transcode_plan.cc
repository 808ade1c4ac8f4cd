#include "transcode_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace jcn_transcode {
namespace {

using Arguments = std::vector<std::string>;

constexpr int ladder[] = {720, 480};  // pixels of the shorter side
constexpr int slowest_realtime = 5;   // libvpx takes no larger cpu-used for "good"
constexpr int most_frames_per_second = 60;

// Containers of films; none of them names other files (as playlists, or image sequences, do).
constexpr const char* formats = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,ogg,flv,mpegts,mpeg,asf";

void append(Arguments& to, Arguments more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::string descriptor(std::size_t number) {
  return "file:/proc/self/fd/" + std::to_string(number);
}

Arguments source() {
  return {"-protocol_whitelist", "file", "-format_whitelist", formats, "-i", descriptor(3)};
}

Arguments quietly() {
  return {"-hide_banner", "-nostdin", "-loglevel", "error"};
}

int even(double pixels) {
  return std::max(2, static_cast<int>(std::lround(pixels / 2)) * 2);
}

std::string size_filter(const Rendition& size) {
  return "scale=" + std::to_string(size.width) + ':' + std::to_string(size.height) +
         ":flags=bicubic";
}

// At most, on average; what is easy to encode stays below.
std::string bit_rate(const Rendition& rendition) {
  const int side = std::min(rendition.width, rendition.height);
  return side > 480 ? "1800k" : side > 240 ? "900k" : "400k";
}

// [0:1]split=2[s0][s1];[s0]…[v0];[s1]…[v1]
std::string filter_graph(const Media& media, const std::vector<Rendition>& renditions) {
  std::string graph = "[0:" + std::to_string(media.video_stream) + ']';
  if (media.frames_per_second > most_frames_per_second)
    graph += "fps=" + std::to_string(most_frames_per_second) + ',';
  graph += "split=" + std::to_string(renditions.size());
  std::string sized;
  for (std::size_t i = 0; i < renditions.size(); ++i) {
    const std::string number = std::to_string(i);
    graph += "[s" + number + ']';
    sized += ";[s" + number + ']' + size_filter(renditions[i]) + ",setsar=1,format=yuv420p[v" +
             number + ']';
  }
  return graph + sized;
}

}  // namespace

std::vector<Rendition> plan_renditions(const Media& media) {
  std::vector<Rendition> planned;
  const int shorter = std::min(media.width, media.height);
  for (const int step : ladder) {
    const int side = std::max(2, std::min(step, shorter) / 2 * 2);
    const double scale = static_cast<double>(side) / shorter;
    Rendition rendition{std::to_string(side) + 'p', side, side};
    if (media.width >= media.height) {
      rendition.width = even(media.width * scale);
    } else {
      rendition.height = even(media.height * scale);
    }
    if (planned.empty() || planned.back().name != rendition.name)
      planned.push_back(std::move(rendition));
  }
  return planned;
}

Arguments probe_arguments() {
  Arguments arguments = {"-hide_banner", "-loglevel", "error"};
  append(arguments, probe_questions());
  append(arguments, source());
  return arguments;
}

double poster_place(const Media& media) {
  return media.duration ? std::min(*media.duration / 10, 10.0) : 0;
}

Arguments poster_arguments(const Media& media, const Rendition& size, double seconds) {
  char place[32];
  std::snprintf(place, sizeof place, "%.3f", seconds);
  Arguments arguments = quietly();
  append(arguments, {"-ss", place});
  append(arguments, source());
  // Of a second of frames the one that is most like the others.
  append(arguments,
         {"-map", "0:" + std::to_string(media.video_stream), "-vf",
          "thumbnail=24," + size_filter(size) + ":out_range=full,setsar=1,format=yuvj420p",
          "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "4", "-map_metadata", "-1", "-f", "mjpeg",
          "-y", descriptor(4)});
  return arguments;
}

Arguments encode_arguments(const Media& media, const std::vector<Rendition>& renditions,
                           const Encoding& encoding) {
  Arguments arguments = quietly();
  append(arguments, {"-nostats", "-progress", "pipe:1", "-stats_period", "0.5"});
  append(arguments, source());
  append(arguments, {"-filter_complex", filter_graph(media, renditions)});
  for (std::size_t i = 0; i < renditions.size(); ++i) {
    append(arguments, {"-map", "[v" + std::to_string(i) + ']', "-c:v", "libvpx-vp9", "-deadline",
                       encoding.speed > slowest_realtime ? "realtime" : "good", "-cpu-used",
                       std::to_string(encoding.speed), "-row-mt", "1", "-tile-columns", "1", "-crf",
                       "34", "-b:v", bit_rate(renditions[i]), "-g", "240"});
    if (encoding.threads > 0) append(arguments, {"-threads", std::to_string(encoding.threads)});
    if (media.audio_stream) {
      append(arguments, {"-map", "0:" + std::to_string(*media.audio_stream), "-c:a", "libopus",
                         "-b:a", "96k", "-ac", media.channels > 1 ? "2" : "1"});
    }
    // Neither where a film was made nor by whom or with what is anybody's concern.
    append(arguments,
           {"-map_metadata", "-1", "-map_chapters", "-1", "-f", "webm", "-y", descriptor(4 + i)});
  }
  return arguments;
}

}  // namespace jcn_transcode
