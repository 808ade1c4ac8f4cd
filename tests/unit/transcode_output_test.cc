#include "transcode_output.h"

#include <gtest/gtest.h>

namespace jcn_transcode {
namespace {

TEST(ProgressReader, ReadsWhatComesInPieces) {
  const std::string said =
      "frame=3\nfps=0.00\nout_time_us=N/A\nprogress=continue\n"
      "frame=75\nout_time_us=3000000\nout_time=00:00:03.000000\nprogress=continue\n"
      "frame=250\nout_time_us=9990000\nprogress=end\n";
  for (const std::size_t piece : {1UL, 7UL, said.size()}) {
    ProgressReader reader;
    for (std::size_t at = 0; at < said.size(); at += piece) reader.take(said.substr(at, piece));
    EXPECT_EQ(reader.frames(), 250u);
    EXPECT_DOUBLE_EQ(reader.seconds(), 9.99);
    EXPECT_TRUE(reader.ended());
  }
}

TEST(ProgressReader, PercentOfWhatIsKnown) {
  ProgressReader reader;
  EXPECT_EQ(reader.percent(10.0), 0.0);
  reader.take("out_time_us=4156789\n");
  EXPECT_EQ(reader.percent(10.0), 41.5);
  EXPECT_EQ(reader.percent(std::nullopt), std::nullopt);
  EXPECT_EQ(reader.percent(0.0), std::nullopt);
  EXPECT_FALSE(reader.ended());
}

TEST(ProgressReader, OnlyGoesForward) {
  ProgressReader reader;
  reader.take("out_time_us=5000000\nout_time_us=-9223372036854775808\nout_time_us=20000000\n");
  EXPECT_DOUBLE_EQ(reader.seconds(), 20);
  EXPECT_EQ(reader.percent(10.0), 99.9);  // 100 is for who has seen the files
}

TEST(ProgressReader, IsNotFloodedByALineWithoutEnd) {
  ProgressReader reader;
  reader.take(std::string(1 << 20, 'x'));
  reader.take("\nframe=7\n");
  EXPECT_EQ(reader.frames(), 7u);
}

TEST(ErrorLine, TheLastThatTellsSomething) {
  EXPECT_EQ(error_line("[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55bad8ab81c0] moov atom not found\n"
                       "file:/proc/self/fd/3: Invalid data found when processing input\n"),
            "Invalid data found when processing input");
  EXPECT_EQ(error_line("[libvpx-vp9 @ 0x5] [inner @ 0x6] Invalid width\n"
                       "Error initializing output stream 0:0 -- Error while opening encoder\n"
                       "Conversion failed!\n\n"),
            "Invalid width");
  EXPECT_EQ(error_line("av_interleaved_write_frame(): No space left on device\r\n"
                       "Error writing trailer of file:/proc/self/fd/4: No space left on device"),
            "Error writing trailer of the file: No space left on device");
}

TEST(ErrorLine, AFormatThatIsNotTaken) {
  EXPECT_EQ(error_line("[concat @ 0x1] Format not on whitelist 'mov,mp4'\n"
                       "file:/proc/self/fd/3: Invalid argument\n"),
            "Files of this format are not taken.");
}

TEST(ErrorLine, NothingToSay) {
  EXPECT_EQ(error_line(""), "");
  EXPECT_EQ(error_line("\n \r\n"), "");
  EXPECT_EQ(error_line("Conversion failed!\n"), "");
}

TEST(ErrorLine, IsFitForANote) {
  EXPECT_EQ(error_line("a\x1b[31mb\tc\x01"), "a[31mbc");
  EXPECT_EQ(error_line("Film \xc3\xbc\xff.mp4 broken"), "Film ?.mp4 broken");
  EXPECT_EQ(error_line(std::string(5000, 'x')).size(), 300u);
}

}  // namespace
}  // namespace jcn_transcode
