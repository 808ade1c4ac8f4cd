#include "listing_parameters.h"

#include <gtest/gtest.h>

#include "page_token.h"

namespace jcn {
namespace {

Result<ListingRequest> try_listing(std::string_view query, const std::string& kind = "videos") {
  JCN_TRY(const QueryParameters parameters, QueryParameters::read(query));
  return read_listing(kind, parameters);
}

ListingRequest listing(std::string_view query, const std::string& kind = "videos") {
  auto asked = try_listing(query, kind);
  EXPECT_TRUE(asked) << query << ": " << (asked ? "" : asked.error().message);
  return asked ? std::move(*asked) : ListingRequest{};
}

std::string code(std::string_view query) {
  const auto asked = try_listing(query);
  return asked ? "ok" : std::string(code_name(asked.error().code));
}

TEST(ListingParameters, NothingGivenIsTheFirstHundredById) {
  const ListingRequest asked = listing("");
  EXPECT_EQ(asked.query.kind, "videos");
  EXPECT_EQ(asked.query.size, 100u);
  EXPECT_EQ(asked.query.facet_size, 30u);
  EXPECT_EQ(asked.query.page_bytes, 8ULL << 20);
  EXPECT_TRUE(asked.query.filters.empty() && asked.query.searches.empty() && !asked.query.sort &&
              !asked.query.after && asked.query.facets.empty() && !asked.query.count &&
              !asked.query.plan);
  EXPECT_FALSE(asked.projected || asked.fields);
  EXPECT_EQ(asked.shape, RowShape::object);
}

TEST(ListingParameters, ReadsEveryPart) {
  const ListingRequest asked = listing(
      "duration__gte=600&tags=a&tags=b&_type__exact=x&_id__in=1,2&_search=%22big+data%22*+py*"
      "&_search_title=talk&_search_/a~1b/c=one&_sort_desc=stats.views&_size=7&_facet=tags&_facet=/a"
      "&_facet=tags&_facet_size=5&_col=title,stats.views&_col=_created,title&_extra=count,plan"
      "&_extra=fields");
  ASSERT_EQ(asked.query.filters.size(), 5u);
  EXPECT_EQ(asked.query.filters[0].op, Operator::gte);
  EXPECT_EQ(asked.query.filters[3].field.text, "_type");
  EXPECT_EQ(asked.query.filters[4].field.kind, Field::Kind::id);
  ASSERT_EQ(asked.query.searches.size(), 3u);
  EXPECT_EQ(asked.query.searches[0].words, "\"big data\"* py*");
  EXPECT_FALSE(asked.query.searches[0].field);
  EXPECT_EQ(asked.query.searches[1].field->path, "/title");
  EXPECT_EQ(asked.query.searches[2].field->path, "/a~1b/c");
  EXPECT_EQ(asked.query.sort->path, "/stats/views");
  EXPECT_TRUE(asked.query.descending);
  EXPECT_EQ(asked.query.size, 7u);
  ASSERT_EQ(asked.query.facets.size(), 2u) << "each once";
  EXPECT_EQ(asked.query.facets[1].text, "/a");
  EXPECT_EQ(asked.query.facet_size, 5u);
  EXPECT_EQ(asked.columns, (std::vector<std::string>{"title", "stats.views", "_created"}));
  EXPECT_EQ(asked.query.also_named.size(), 3u);
  EXPECT_TRUE(asked.projected && asked.query.count && asked.query.plan && asked.fields);
}

TEST(ListingParameters, ColumnsMayNameNoMember) {
  EXPECT_TRUE(listing("_col=").projected);
  EXPECT_TRUE(listing("_col=_id").projected);
  EXPECT_TRUE(listing("_col=").columns.empty());
}

TEST(ListingParameters, ColumnsMayBeAJsonArray) {
  const ListingRequest asked = listing("_col=[%22a,b%22,%22/c~1d%22,%22a,b%22]&_col=e,f");
  EXPECT_EQ(asked.columns, (std::vector<std::string>{"a,b", "/c~1d", "e", "f"}));
  EXPECT_EQ(asked.query.also_named[0].path, "/a,b");
  EXPECT_TRUE(listing("_col=[]").projected);
  for (const char* query :
       {"_col=[", "_col=[a]", "_col=[1]", "_col=[[%22a%22]]", "_col=[%22a%22]x"})
    EXPECT_EQ(code(query), "bad_parameter") << query;
  EXPECT_EQ(code("_col=[%22%22]"), "bad_field");
}

TEST(ListingParameters, Shapes) {
  EXPECT_EQ(listing("_shape=array").shape, RowShape::array);
  EXPECT_EQ(listing("_shape=array&_nl=off").shape, RowShape::array);
  EXPECT_EQ(listing("_nl=on&_shape=array&_col=a").shape, RowShape::lines);
  for (const char* query : {"_shape=objects", "_shape=", "_nl=on", "_nl=maybe", "_shape=array&_nl=",
                            "_shape=array&_facet=a", "_shape=array&_extra=count"})
    EXPECT_EQ(code(query), "bad_parameter") << query;
}

TEST(ListingParameters, RefusesWhatItCannotMean) {
  for (const char* query : {"_colour=red", "_sort__up=a", "_type", "_", "__", "_filter=x",
                            "_sizes=1", "_searches=x", "_id", "_id=a"})
    EXPECT_EQ(code(query), "unknown_parameter") << query;
  for (const char* query : {"title__like=a", "title__=a", "a__b=c", "a__Exact=c"})
    EXPECT_EQ(code(query), "unknown_operator") << query;
  for (const char* query : {"=x", "__exact=x", "/a~2=x", "_sort=", "_sort=/~",
                            "_facet=", "_col=/a~", "_search_=x", "_search_/~=x"})
    EXPECT_EQ(code(query), "bad_field") << query;
  for (const char* query : {"_search=", "_search=+", "_search=%22%22", "_search=-+!", "_search=*",
                            "_search_title=...", "a__in=[1", "a__isnull=maybe"})
    EXPECT_EQ(code(query), "bad_value") << query;
  for (const char* query :
       {"_size=1001", "_size=-1", "_size=", "_size=ten", "_size=1&_size=2", "_next=abc",
        "_next=", "_sort=a&_sort=b", "_sort=a&_sort_desc=a", "_facet_size=0", "_facet_size=1001",
        "_extra=fragments", "_extra=counts", "_search__id=a", "_search__updated=2024"})
    EXPECT_EQ(code(query), "bad_parameter") << query;
}

TEST(ListingParameters, AnOperatorMakesAFilterOfAnyName) {
  for (const char* query : {"_size__gt=5", "_search__exact=x", "_search_title__contains=x",
                            "_next__isnull=1", "___exact=x", "title____exact=x"}) {
    const ListingRequest asked = listing(query);
    EXPECT_EQ(asked.query.filters.size(), 1u) << query;
    EXPECT_TRUE(asked.query.searches.empty()) << query;
  }
  EXPECT_EQ(listing("a__b__exact=x").query.filters[0].field.path, "/a__b");
}

TEST(ListingParameters, SearchesHaveALimit) {
  std::string words;
  for (std::size_t i = 0; i < most_search_phrases; ++i) words += "w" + std::to_string(i) + "+";
  EXPECT_EQ(code("_search=" + words), "ok");
  EXPECT_EQ(code("_search=" + words + "&_search_title=more"), "bad_value");
}

TEST(ListingParameters, ATokenGoesWithItsWalk) {
  const std::string base = "tags=a&views__gt=5&_search=big+data&_search_title=x&_sort=title";
  const ListingRequest first = listing(base);
  PageEnd end;
  end.id = "talk";
  end.value = "\"T\"";
  const std::string token = query_token(first.walk, end);
  const auto goes = [&](const std::string& query) { return code(query + "&_next=" + token); };
  // What doesn't choose or order records may change from page to page; so may the order of filters.
  for (const std::string& same :
       {base, base + "&_size=3", base + "&_col=title&_extra=count&_facet=tags",
        base + "&_shape=array&_nl=on",
        "_sort=title&_search=big+data&views__gt=5&_search_title=x&tags=a" + std::string()})
    EXPECT_EQ(goes(same), "ok") << same;
  EXPECT_EQ(*listing(base + "&_next=" + token).query.after, end);
  for (const char* other :
       {"", "tags=a&views__gt=6&_search=big+data&_search_title=x&_sort=title",
        "tags=a&views__gte=5&_search=big+data&_search_title=x&_sort=title",
        "tags=a&views__gt=5&_search=big+date&_search_title=x&_sort=title",
        "tags=a&views__gt=5&_search_title=big+data&_search=x&_sort=title",
        "tags=a&views__gt=5&_search=big+data&_search_titl=x&_sort=title",
        "tags=a&views__gt=5&_search=big+data&_search_title=x&_sort_desc=title",
        "tags=a&views__gt=5&_search=big+data&_search_title=x&_sort=titles",
        "tags=a&views__gt=5&_search=big+data&_search_title=x",
        "tags=a&tags=a&views__gt=5&_search=big+data&_search_title=x&_sort=title"})
    EXPECT_EQ(goes(other), "bad_parameter") << other;
  EXPECT_FALSE(try_listing(base + "&_next=" + token, "talks"));
}

TEST(ListingParameters, WeightsAreOfTheWalk) {
  const SearchWeights weights = {{"/title", 3}};
  const auto parameters = QueryParameters::read("_search=a");
  const auto weighted = read_listing("videos", *parameters, weights);
  ASSERT_TRUE(weighted);
  EXPECT_EQ(weighted->query.weights, weights);
  EXPECT_NE(weighted->walk, listing("_search=a").walk);
}

// No two questions are one because of where their parts are cut.
TEST(ListingParameters, WalksAreToldApart) {
  const char* queries[] = {
      "a=bc",        "ab=c",        "a=b&c=d", "a=b%26c=d",    "c=a%3Ab",    "_search=a&_search=b",
      "_search=a+b", "_search_a=b", "_sort=a", "_sort_desc=a", "a__exact=bc"};
  for (const char* one : queries) {
    for (const char* other : queries) {
      EXPECT_EQ(listing(one).walk == listing(other).walk, one == other) << one << ' ' << other;
    }
  }
}

TEST(NextPageUrl, RepeatsAllParametersEncoded) {
  const auto parameters =
      QueryParameters::read("a%26b__gt=%C3%A4+%2B/&_next=old&_size=3&_search=x");
  EXPECT_EQ(next_page_url("videos", *parameters, "TOKEN"),
            "/v1/videos?a%26b__gt=%C3%A4%20%2B/&_size=3&_search=x&_next=TOKEN");
  EXPECT_EQ(next_page_url("videos", QueryParameters({}), "T"), "/v1/videos?_next=T");
}

}  // namespace
}  // namespace jcn
