#include "transcode_media.h"

#include <gtest/gtest.h>

namespace jcn_transcode {
namespace {

std::string answer(const std::string& streams, const std::string& duration = "\"12.480000\"") {
  return R"({"programs":[],"streams":[)" + streams + R"(],"format":{"duration":)" + duration + "}}";
}

std::string picture(const std::string& more = "") {
  return R"({"index":0,"codec_name":"h264","codec_type":"video","width":1920,"height":1080,)"
         R"("sample_aspect_ratio":"1:1","avg_frame_rate":"30000/1001",)"
         R"("disposition":{"attached_pic":0})" +
         more + "}";
}

const std::string sound =
    R"({"index":1,"codec_name":"aac","codec_type":"audio","channels":6,"avg_frame_rate":"0/0"})";
const std::string cover =
    R"({"index":0,"codec_name":"mjpeg","codec_type":"video","width":600,"height":600,)"
    R"("disposition":{"attached_pic":1}})";

TEST(ReadMedia, PictureSoundAndLength) {
  const auto media = read_media(answer(picture() + "," + sound));
  ASSERT_TRUE(media.ok()) << media.error().message;
  EXPECT_EQ(media->video_stream, 0);
  EXPECT_EQ(media->width, 1920);
  EXPECT_EQ(media->height, 1080);
  EXPECT_NEAR(media->frames_per_second, 29.97, 0.001);
  EXPECT_EQ(media->audio_stream, 1);
  EXPECT_EQ(media->channels, 6);
  EXPECT_EQ(media->duration, 12.48);
}

TEST(ReadMedia, LyingPicturesAreSetUpright) {
  for (const char* turned :
       {R"(,"side_data_list":[{"rotation":-90}])", R"(,"side_data_list":[{},{"rotation":270}])",
        R"(,"tags":{"rotate":"90"})"}) {
    const auto media = read_media(answer(picture(turned)));
    ASSERT_TRUE(media.ok());
    EXPECT_EQ(media->width, 1080) << turned;
    EXPECT_EQ(media->height, 1920) << turned;
  }
  EXPECT_EQ(read_media(answer(picture(R"(,"side_data_list":[{"rotation":180}])")))->width, 1920);
}

TEST(ReadMedia, OblongPixelsAreMadeSquare) {
  const auto media =
      read_media(answer(R"({"index":2,"codec_name":"mpeg2video","codec_type":"video","width":720,)"
                        R"("height":576,"sample_aspect_ratio":"16:15"})"));
  ASSERT_TRUE(media.ok());
  EXPECT_EQ(media->video_stream, 2);
  EXPECT_EQ(media->width, 768);
  EXPECT_EQ(media->height, 576);
}

TEST(ReadMedia, WhatIsNotKnownIsLeftOpen) {
  const auto media = read_media(
      answer(R"({"index":0,"codec_name":"vp8","codec_type":"video","width":64,"height":48,)"
             R"("sample_aspect_ratio":"N/A","avg_frame_rate":"0/0"})",
             "\"N/A\""));
  ASSERT_TRUE(media.ok());
  EXPECT_EQ(media->width, 64);
  EXPECT_EQ(media->frames_per_second, 0);
  EXPECT_FALSE(media->duration);
  EXPECT_FALSE(media->audio_stream);
}

TEST(ReadMedia, ACoverIsNoFilm) {
  EXPECT_EQ(read_media(answer(cover + "," + sound)).error().message,
            "There is only sound in this file, and no picture.");
  const auto media = read_media(answer(
      cover + R"(,{"index":3,"codec_name":"h264","codec_type":"video","width":64,"height":48})"));
  ASSERT_TRUE(media.ok());
  EXPECT_EQ(media->video_stream, 3);
}

TEST(ReadMedia, WhatCanNotBeDecodedIsNotThere) {
  EXPECT_EQ(read_media(answer(R"({"index":0,"codec_type":"video","width":64,"height":48})"))
                .error()
                .message,
            "There is no video in this file.");
  const auto silent = read_media(answer(
      picture() + R"(,{"index":1,"codec_name":"unknown","codec_type":"audio","channels":2})"));
  ASSERT_TRUE(silent.ok());
  EXPECT_FALSE(silent->audio_stream);
}

TEST(ReadMedia, RefusesImpossiblePictures) {
  EXPECT_EQ(read_media(answer(R"({"index":0,"codec_name":"png","codec_type":"video",)"
                              R"("width":16384,"height":16384})"))
                .error()
                .message,
            "The picture is too large: 16384 by 16384 pixels.");
  EXPECT_FALSE(read_media(answer(R"({"index":0,"codec_name":"png","codec_type":"video","width":2,)"
                                 R"("height":4000000000})"))
                   .ok());
  EXPECT_FALSE(read_media(answer(R"({"index":0,"codec_name":"h264","codec_type":"video",)"
                                 R"("width":64,"height":48,"sample_aspect_ratio":"60000:1"})"))
                   .ok());
}

TEST(ReadMedia, NoAnswerIsNoVerdictOnTheFilm) {
  for (const char* text : {"", "{}", "[]", "{\"streams\":", "{\"streams\":7}"}) {
    const auto media = read_media(text);
    ASSERT_FALSE(media.ok()) << text;
    EXPECT_EQ(media.error().code, jcn::Code::internal) << text;
  }
}

}  // namespace
}  // namespace jcn_transcode
