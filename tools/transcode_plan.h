// What is made of a video, and how ffmpeg is told. Pure.
//
// ffmpeg never sees a name that somebody chose: files are passed as descriptors, the source as 3,
// the files to be written as 4 and on. What it opens besides, by itself, are files of the few
// formats that hold no paths to others.
#pragma once

#include <string>
#include <vector>

#include "transcode_media.h"

namespace jcn_transcode {

// "480p": the shorter side has 480 pixels.
struct Rendition {
  std::string name;
  int width = 0;  // both even
  int height = 0;
};

// The best first: 720p and 480p, and never larger than the source; what would be the same is made
// once.
std::vector<Rendition> plan_renditions(const Media& media);

struct Encoding {
  int speed = 5;    // libvpx's cpu-used: 0 (slow, small files) to 8
  int threads = 0;  // 0: as many as the machine has
};

// The arguments of the programs, without their names.
std::vector<std::string> probe_arguments();
// A still picture, at `seconds`, into descriptor 4.
std::vector<std::string> poster_arguments(const Media& media, const Rendition& size,
                                          double seconds);
// Where the poster is looked for: a bit behind the beginning, which is often black.
double poster_place(const Media& media);
// All renditions in one go, the first into descriptor 4; progress to standard output.
std::vector<std::string> encode_arguments(const Media& media,
                                          const std::vector<Rendition>& renditions,
                                          const Encoding& encoding);

}  // namespace jcn_transcode
