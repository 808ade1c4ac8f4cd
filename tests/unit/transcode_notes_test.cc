#include "transcode_notes.h"

#include <gtest/gtest.h>

namespace jcn_transcode {
namespace {

const std::string since = "2026-03-01T12:00:04Z";
const std::string now = "2026-03-01T12:00:31Z";

// As jcn/doc/video.md shows them.
TEST(NoteTexts, OfEachState) {
  EXPECT_EQ(queued_note("k7", now),
            R"({"id":"k7","transcode":{"state":"queued","updated_at":"2026-03-01T12:00:31Z"}})");
  EXPECT_EQ(running_note("k7", since, now, 41.5, "h:1:0f"),
            R"({"id":"k7","transcode":{"state":"running","since":"2026-03-01T12:00:04Z",)"
            R"("percent":41.5,"worker":"h:1:0f",)"
            R"("updated_at":"2026-03-01T12:00:31Z"}})");
  EXPECT_EQ(
      running_note("k7", since, now, std::nullopt, "w"),
      R"({"id":"k7","transcode":{"state":"running","since":"2026-03-01T12:00:04Z","worker":"w",)"
      R"("updated_at":"2026-03-01T12:00:31Z"}})");
  EXPECT_EQ(failed_note("a\"\n", now, "no \"film\""),
            R"({"id":"a\"\n","transcode":{"state":"failed","error":"no \"film\"",)"
            R"("updated_at":"2026-03-01T12:00:31Z"}})");
}

TEST(NoteTexts, OfWhatWasMade) {
  Made made;
  made.media.width = 1920;
  made.media.height = 1080;
  made.duration = 73.24;
  made.poster = "k7/k7.poster.jpg";
  made.renditions = {{{"720p", 1280, 720}, "k7/k7.720p.webm"},
                     {{"480p", 854, 480}, "k7/k7.480p.webm"}};
  EXPECT_EQ(
      done_note("k7", now, made),
      R"({"id":"k7","duration":73.24,"width":1920,"height":1080,"poster":"k7/k7.poster.jpg",)"
      R"("renditions":[{"path":"k7/k7.720p.webm","type":"video/webm","width":1280,"height":720},)"
      R"({"path":"k7/k7.480p.webm","type":"video/webm","width":854,"height":480}],)"
      R"("transcode":{"state":"done","percent":100,"updated_at":"2026-03-01T12:00:31Z"}})");
  made.poster.clear();
  made.duration = 3600;
  EXPECT_EQ(done_note("k7", now, made)
                .find("{\"id\":\"k7\",\"duration\":3600,\"width\":1920,"
                      "\"height\":1080,\"renditions\""),
            0u);
}

TEST(Errors, PassOrLastOrNeither) {
  using jcn::Code;
  for (const Code code :
       {Code::not_connected, Code::not_ready, Code::disk_full, Code::overloaded}) {
    EXPECT_TRUE(passes(code) && !lasts(code)) << jcn::code_name(code);
  }
  for (const Code code : {Code::unauthorized, Code::forbidden, Code::writing_off}) {
    EXPECT_TRUE(lasts(code) && !passes(code)) << jcn::code_name(code);
  }
  for (const Code code : {Code::schema_violation, Code::no_rule, Code::internal}) {
    EXPECT_FALSE(lasts(code) || passes(code)) << jcn::code_name(code);
  }
}

TEST(TimeNow, IsToTheSecond) {
  const std::string text = time_now();
  ASSERT_EQ(text.size(), 20u);
  EXPECT_EQ(text[10], 'T');
  EXPECT_EQ(text.back(), 'Z');
}

}  // namespace
}  // namespace jcn_transcode
