#include "metrics_text.h"

#include <gtest/gtest.h>

#include <set>

namespace jcn {
namespace {

TEST(MetricsText, OneHeadForAllValuesOfAMetric) {
  std::string out;
  MetricsText text(out);
  text.value(metric_row("jcn_records"), 3, {{"kind", "videos"}});
  text.value(metric_row("jcn_records"), 4, {{"kind", "talks"}});
  text.value(metric_row("jcn_queue"), 0);
  EXPECT_EQ(out,
            "# HELP jcn_records Records, by kind.\n# TYPE jcn_records gauge\n"
            "jcn_records{kind=\"videos\"} 3\njcn_records{kind=\"talks\"} 4\n"
            "# HELP jcn_queue Looks at files waiting or under way.\n# TYPE jcn_queue gauge\n"
            "jcn_queue 0\n");
}

TEST(MetricsText, LabelValuesAreEscaped) {
  std::string out;
  MetricsText(out).value(metric_row("jcn_records"), 1, {{"kind", "a\"b\\c\nd"}});
  EXPECT_NE(out.find(R"({kind="a\"b\\c\nd"} 1)"), std::string::npos);
}

TEST(MetricsText, BucketsAddUp) {
  std::string out;
  LatencyHistogram histogram;
  histogram.count(std::chrono::microseconds(40));
  histogram.count(std::chrono::microseconds(400));
  histogram.count(std::chrono::seconds(20));
  MetricsText(out).histogram(metric_row("jcn_http_answer_seconds"), histogram.read(),
                             {{"route", "/"}});
  for (const char* line :
       {"_bucket{route=\"/\",le=\"0.00005\"} 1\n", "le=\"0.00025\"} 1\n", "le=\"0.0005\"} 2\n",
        "le=\"1\"} 2\n", "le=\"10\"} 2\n", "le=\"+Inf\"} 3\n", "_sum{route=\"/\"} 20.00044\n",
        "_count{route=\"/\"} 3\n"})
    EXPECT_NE(out.find(line), std::string::npos) << line << out;
}

TEST(MetricTable, NamesAreOnesThatPrometheusTakes) {
  std::set<std::string_view> names;
  for (const MetricRow& row : metric_table) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.name.starts_with("jcn_")) << row.name;
    EXPECT_EQ(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos);
    EXPECT_EQ(row.name.ends_with("_total"), row.type == MetricType::counter) << row.name;
    EXPECT_TRUE(row.help.ends_with(".")) << row.name;
  }
}

}  // namespace
}  // namespace jcn
