// jcnctl_table: tables and progress bars for terminals.
#include "jcnctl_table.h"

#include <gtest/gtest.h>

namespace jcnctl {
namespace {

TEST(Fitted, CutsByCharactersAndHidesControls) {
  EXPECT_EQ(fitted("Žirgs", 5), "Žirgs");
  EXPECT_EQ(fitted("Žirgs", 4), "Žir…");
  EXPECT_EQ(fitted("a\x1b[2Jb\n", 20), "a?[2Jb?");
  EXPECT_EQ(fitted("", 3), "");
  EXPECT_EQ(shown_width("お好み"), 3u);
}

TEST(Table, AlignsColumnsAndFitsTheWidth) {
  Table table({"id", "title"});
  table.add({"borscht", "Борщ моєї бабусі"});
  table.add({"ž", "x"});
  table.add({"short"});
  EXPECT_EQ(table.text(80),
            "id       title\n"
            "borscht  Борщ моєї бабусі\n"
            "ž        x\n"
            "short\n");
  EXPECT_EQ(table.text(19),
            "id       title\n"
            "borscht  Борщ моєї…\n"
            "ž        x\n"
            "short\n");
}

TEST(Table, NeverCutsWhatIsKeptWhole) {
  Table table({"id", "seq"});
  table.keep_whole(1);
  table.add({"a long name of something", "0868a599-b983-17"});
  EXPECT_EQ(table.text(28),
            "id          seq\n"
            "a long na…  0868a599-b983-17\n");
  EXPECT_EQ(table.text(10),
            "id        seq\n"
            "a long …  0868a599-b983-17\n");
}

TEST(Table, LeavesOutEmptyHeadings) {
  Table table({"", ""});
  EXPECT_TRUE(table.empty());
  table.add({"a", "b"});
  EXPECT_FALSE(table.empty());
  EXPECT_EQ(table.text(80), "a  b\n");
}

TEST(ProgressLine, ShowsShareRateAndTimeLeft) {
  EXPECT_EQ(progress_line(500, 2000, 500, 64),
            "[######...................]  25 %  500 of 2000  500/s  3 s left");
  EXPECT_EQ(progress_line(0, 0, 0, 30), "[..............]  0 %  0 of 0");
  // A total that lags behind what is done never shows more than all.
  EXPECT_EQ(progress_line(30, 20, 0, 34), "[##############]  100 %  30 of 30");
}

}  // namespace
}  // namespace jcnctl
