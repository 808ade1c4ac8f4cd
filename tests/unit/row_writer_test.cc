#include "row_writer.h"

#include <gtest/gtest.h>

#include "tables.h"

namespace jcn_export {
namespace {

// Records of one kind in a database in memory.
class RowWriterTest : public testing::Test {
 protected:
  void write(const std::vector<std::string>& documents) {
    ShapesByKind shapes;
    for (const std::string& document : documents) shapes["videos"].add(document);
    const Plan plan = plan_tables(shapes, {});
    const KindPlan& kind = plan.kinds.at(0);
    for (const std::string& sql : kind_tables_sql(kind)) ASSERT_TRUE(database_->run(sql)) << sql;
    auto writer = RowWriter::make(*database_, kind, shapes.at("videos"));
    ASSERT_TRUE(writer);
    for (std::size_t i = 0; i < documents.size(); ++i) {
      jcn::Record record;
      record.key = {"videos", "r" + std::to_string(i)};
      record.document = documents[i];
      record.fragments.push_back({{"notes", "x.json"}, 1, 0, false});
      const auto inserted = writer->insert(record);
      ASSERT_TRUE(inserted) << inserted.error().message;
    }
  }
  std::string value(const std::string& sql) {
    const auto found = database_->value(sql);
    EXPECT_TRUE(found) << sql << ": " << found.error().message;
    return found && *found ? **found : "no row";
  }

  jcn::Result<Database> database_ = Database::open(":memory:", Database::Access::make);
};

TEST_F(RowWriterTest, ValuesKeepTheirTypes) {
  write({R"({"s":"a\nb\"c","i":5,"r":1.50,"t":true,"n":null,"l":[1,"x"]})"});
  EXPECT_EQ(value("SELECT s FROM videos"), "a\nb\"c");
  EXPECT_EQ(value("SELECT typeof(i) || i || typeof(r) || r || typeof(t) || t || typeof(n) FROM "
                  "videos"),
            "integer5real1.5integer1null");
  EXPECT_EQ(value("SELECT l FROM videos"), R"([1,"x"])");
  EXPECT_EQ(value("SELECT id || _created FROM videos"), "r01970-01-01T00:00:00.000000000Z");
}

TEST_F(RowWriterTest, DocumentsAreKeptToTheByte) {
  const std::string document = R"({"z":1.10,"a":18446744073709551616,"e":"é\u0001"})";
  write({document});
  EXPECT_EQ(value("SELECT _doc FROM videos"), document);
}

TEST_F(RowWriterTest, NoNumberIsRounded) {
  write({R"({"n":18446744073709551616})", R"({"n":3.14159265358979323846})", R"({"n":7})",
         R"({"n":0.5})"});
  EXPECT_EQ(value("SELECT group_concat(typeof(n) || ' ' || n, ', ') FROM videos"),
            "text 18446744073709551616, text 3.14159265358979323846, integer 7, real 0.5");
}

TEST_F(RowWriterTest, TextIsNeverTakenForANumber) {
  write({R"({"n":"007"})", R"({"n":7})"});
  EXPECT_EQ(value("SELECT group_concat(typeof(n) || ' ' || n) FROM videos"), "text 007,integer 7");
}

TEST_F(RowWriterTest, EveryElementIsARow) {
  write({R"({"l":["a",null,{"x":{"y":1}},[9],2]})", R"({"l":[]})", R"({"l":"no array"})"});
  EXPECT_EQ(value("SELECT group_concat(video_id || position || ' ' || ifnull(value, '-') || "
                  "ifnull(x_y, '-'), ', ') FROM videos_l"),
            "r00 a-, r01 --, r02 -1, r03 --, r04 2-");
  EXPECT_EQ(value("SELECT group_concat(ifnull(l, '-'), ', ') FROM videos"), "-, [], no array");
}

TEST_F(RowWriterTest, ARowHasNothingOfTheOneBefore) {
  write({R"({"a":1,"f":[{"x":1},{"y":2}]})", R"({"b":2})"});
  EXPECT_EQ(value("SELECT group_concat(ifnull(a, '-') || ifnull(b, '-')) FROM videos"), "1-,-2");
  EXPECT_EQ(value("SELECT group_concat(ifnull(x, '-') || ifnull(y, '-')) FROM videos_f"), "1-,-2");
}

TEST_F(RowWriterTest, AMemberThatIsAnObjectHereAndAValueThere) {
  write({R"({"a":{"b":1}})", R"({"a":"x"})"});
  EXPECT_EQ(value("SELECT group_concat(ifnull(a, '-') || ifnull(a_b, '-')) FROM videos"), "-1,x-");
}

}  // namespace
}  // namespace jcn_export
