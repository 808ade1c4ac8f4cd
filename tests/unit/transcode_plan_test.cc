#include "transcode_plan.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace jcn_transcode {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

MATCHER_P3(IsRendition, name, width, height, "") {
  return arg.name == name && arg.width == width && arg.height == height;
}

Media film(int width, int height) {
  Media media;
  media.width = width;
  media.height = height;
  return media;
}

TEST(PlanRenditions, LargeOnesGetBoth) {
  EXPECT_THAT(plan_renditions(film(1920, 1080)),
              ElementsAre(IsRendition("720p", 1280, 720), IsRendition("480p", 854, 480)));
  EXPECT_THAT(plan_renditions(film(1280, 720)),
              ElementsAre(IsRendition("720p", 1280, 720), IsRendition("480p", 854, 480)));
}

TEST(PlanRenditions, StandingOnesByTheirShorterSide) {
  EXPECT_THAT(plan_renditions(film(1080, 1920)),
              ElementsAre(IsRendition("720p", 720, 1280), IsRendition("480p", 480, 854)));
}

TEST(PlanRenditions, NothingIsMadeLarger) {
  EXPECT_THAT(plan_renditions(film(320, 240)), ElementsAre(IsRendition("240p", 320, 240)));
  EXPECT_THAT(plan_renditions(film(854, 480)), ElementsAre(IsRendition("480p", 854, 480)));
  EXPECT_THAT(plan_renditions(film(1024, 576)),
              ElementsAre(IsRendition("576p", 1024, 576), IsRendition("480p", 854, 480)));
  EXPECT_THAT(plan_renditions(film(321, 241)), ElementsAre(IsRendition("240p", 320, 240)));
}

TEST(PlanRenditions, SidesAreEvenAndThere) {
  EXPECT_THAT(plan_renditions(film(1, 1)), ElementsAre(IsRendition("2p", 2, 2)));
  EXPECT_THAT(plan_renditions(film(16000, 3)), ElementsAre(IsRendition("2p", 10666, 2)));
  for (int width = 2; width < 3000; width += 37) {
    for (const Rendition& each : plan_renditions(film(width, 1001))) {
      EXPECT_EQ(each.width % 2 + each.height % 2, 0) << width;
      EXPECT_GE(std::min(each.width, each.height), 2) << width;
    }
  }
}

// What stands behind each occurrence of a word.
std::vector<std::string> behind(const std::vector<std::string>& arguments, const char* word) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] == word) found.push_back(arguments[i + 1]);
  }
  return found;
}

TEST(EncodeArguments, OneOutputForEachRendition) {
  Media media = film(1920, 1080);
  media.video_stream = 2;
  media.audio_stream = 1;
  media.channels = 6;
  const auto arguments = encode_arguments(media, plan_renditions(media), {});
  EXPECT_THAT(behind(arguments, "-i"), ElementsAre("file:/proc/self/fd/3"));
  EXPECT_THAT(behind(arguments, "-y"), ElementsAre("file:/proc/self/fd/4", "file:/proc/self/fd/5"));
  EXPECT_THAT(behind(arguments, "-map"), ElementsAre("[v0]", "0:1", "[v1]", "0:1"));
  EXPECT_THAT(behind(arguments, "-ac"), ElementsAre("2", "2"));
  EXPECT_THAT(behind(arguments, "-filter_complex").at(0),
              testing::StartsWith("[0:2]split=2[s0][s1];[s0]scale=1280:720:"));
  EXPECT_THAT(behind(arguments, "-deadline"), ElementsAre("good", "good"));
}

TEST(EncodeArguments, SilentFilmsHaveNoSound) {
  Media media = film(64, 48);
  media.frames_per_second = 240;
  const auto arguments =
      encode_arguments(media, plan_renditions(media), {.speed = 8, .threads = 3});
  EXPECT_THAT(arguments, Not(Contains("libopus")));
  EXPECT_THAT(behind(arguments, "-threads"), ElementsAre("3"));
  EXPECT_THAT(behind(arguments, "-deadline"), ElementsAre("realtime"));
  EXPECT_THAT(behind(arguments, "-filter_complex").at(0), HasSubstr("fps=60,"));
}

// Whatever is asked of ffmpeg, it opens files by descriptors, and no format that names others.
TEST(Arguments, NoOtherFilesAreOpened) {
  const Media media = film(64, 48);
  for (const auto& arguments :
       {probe_arguments(), poster_arguments(media, plan_renditions(media)[0], 1.5),
        encode_arguments(media, plan_renditions(media), {})}) {
    EXPECT_THAT(behind(arguments, "-protocol_whitelist"), ElementsAre("file"));
    const auto formats = behind(arguments, "-format_whitelist");
    ASSERT_EQ(formats.size(), 1u);
    for (const char* bad : {"concat", "hls", "image2", "tee", "lavfi"})
      EXPECT_THAT(formats[0], Not(HasSubstr(bad)));
    const auto whitelist = std::find(arguments.begin(), arguments.end(), "-format_whitelist");
    EXPECT_LT(whitelist, std::find(arguments.begin(), arguments.end(), "-i"));
  }
}

TEST(PosterPlace, BehindTheBeginning) {
  Media media;
  EXPECT_EQ(poster_place(media), 0);
  media.duration = 20;
  EXPECT_EQ(poster_place(media), 2);
  media.duration = 7200;
  EXPECT_EQ(poster_place(media), 10);
}

}  // namespace
}  // namespace jcn_transcode
