// Pages of records, without a web server and without jcn: what is asked, and what is shown.
#include "site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "address.h"

namespace {

using namespace cgi;
using testing::HasSubstr;
using testing::Not;

struct Site {
  std::string said = "{}";  // by jcn
  std::optional<jcn::Error> refused;
  std::vector<std::string> asked;
  SiteSettings settings;

  Response get(const std::string& target, const std::string& method = "GET") {
    Request request{method, target.substr(0, target.find('?')), "", "http", "localhost", ""};
    if (target.find('?') != target.npos) request.query_string = target.substr(target.find('?') + 1);
    return respond(settings, request, [this](const std::string& question) {
      asked.push_back(question);
      return refused ? jcn::Result<std::string>(*refused) : jcn::Result<std::string>(said);
    });
  }
};

TEST(Site, AsksForPublicVideosOnly) {
  Site site;
  site.said = R"({"rows":[],"next":null,"count":0,"facet_results":{}})";
  site.settings.page_size = 7;
  EXPECT_EQ(site.get("/").status, 200);
  EXPECT_EQ(
      site.asked.back(),
      "/v1/videos?_col=title%2Cduration%2Cposter%2Cuploaded_at%2Cuploader%2Ctags%2Cvisibility%2C"
      "transcode.state&_extra=count&visibility__exact=public&_size=7&_facet_size=20&_facet=tags&"
      "_facet=uploader&_facet=language&_sort_desc=uploaded_at");
  site.get(
      "/?q=%20a%26_size%3D0%20&tag=x%26visibility__exact%3Dprivate&order=longest&page=t&_size=9");
  EXPECT_THAT(site.asked.back(), HasSubstr("_size=7&"));
  EXPECT_THAT(site.asked.back(), HasSubstr("&_search=a%26_size%3D0&_sort_desc=duration&_next=t"));
  EXPECT_THAT(site.asked.back(), HasSubstr("&tags__exact=x%26visibility__exact%3Dprivate"));
}

TEST(Site, WhatIsNotPublicIsInNoList) {
  Site site;
  site.said = R"({"rows":[{"_id":"a","title":"A","visibility":"public"},{"_id":"b","title":"B"},)"
              R"({"_id":"c","title":"C","visibility":"unlisted"}],"next":"t","count":1})";
  const std::string body = site.get("/").body;
  EXPECT_THAT(body, HasSubstr(R"(<a href="/watch?v=a">)"));
  EXPECT_THAT(body, Not(HasSubstr("v=b")));
  EXPECT_THAT(body, Not(HasSubstr("v=c")));
  EXPECT_THAT(body, HasSubstr("1 video<"));
  EXPECT_THAT(body, HasSubstr(R"(<a href="/?page=t" rel="next">)"));
}

TEST(Site, AVideoByItsAddress) {
  Site site;
  site.said =
      R"({"record":{"title":"<b>","visibility":"unlisted","renditions":[{"path":"a.webm"}]},)"
      R"("provenance":{"/title":{"path":"<i>.json","shadowed":[{"path":"o.json"}]}}})";
  const Response page = site.get("/watch?v=a%2F%22b");
  EXPECT_EQ(site.asked.back(), "/v1/videos/a%2F%22b?_extra=provenance");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<h1>&lt;b&gt;</h1>"));
  EXPECT_THAT(page.body, HasSubstr(R"(<source src="/media/a.webm" type="video/webm">)"));
  EXPECT_THAT(page.body, HasSubstr(R"(<meta name="robots" content="noindex">)"));
  EXPECT_THAT(page.body,
              HasSubstr("<th scope=\"row\">title</th><td>&lt;i&gt;.json</td><td>o.json</td>"));
  EXPECT_FALSE(page.may_be_framed);
  for (const char* visibility :
       {"\"private\"", "\"\"", "null", "true", "\"Public\"", "[\"public\"]"}) {
    site.said = R"({"record":{"visibility":)" + std::string(visibility) + R"(},"provenance":{}})";
    EXPECT_EQ(site.get("/watch?v=a").status, 404) << visibility;
  }
  site.asked.clear();
  EXPECT_EQ(site.get("/watch?v=").status, 404);
  EXPECT_EQ(site.get("/watch").status, 404);
  EXPECT_TRUE(site.asked.empty());
}

TEST(Site, ForOtherSites) {
  Site site;
  site.said = R"({"title":"</script>\"","visibility":"public","width":100,"height":200})";
  const Response frame = site.get("/embed?v=a");
  EXPECT_TRUE(frame.may_be_framed);
  EXPECT_THAT(frame.body, HasSubstr("<title>&lt;/script&gt;&#34; · Videos</title>"));
  const Response told =
      site.get("/oembed?url=http%3A%2F%2Flocalhost%2Fwatch%3Fv%3Da&maxheight=100");
  EXPECT_EQ(told.content_type, "application/json");
  EXPECT_THAT(told.body, HasSubstr(R"("title":"\u003c/script\u003e\"","width":50,"height":100)"));
  EXPECT_THAT(told.body, Not(HasSubstr("<")));
  for (const char* url :
       {"http://evil/watch?v=a", "http://localhost/embed?v=a", "localhost/watch?v=a",
        "ftp://localhost/watch?v=a", "http://localhost.evil/watch?v=a", "http://localhost/watch",
        "http://localhost"})
    EXPECT_EQ(site.get("/oembed?url=" + percent_encoded(url)).status, 404) << url;
  EXPECT_EQ(site.get("/oembed?format=xml").status, 501);
}

TEST(Site, WhatGoesWrong) {
  Site site;
  const auto status = [&](jcn::Code code, const char* target) {
    site.refused = jcn::Error{code, "detail", ""};
    return site.get(target).status;
  };
  EXPECT_EQ(status(jcn::Code::not_connected, "/"), 503);
  EXPECT_EQ(status(jcn::Code::not_ready, "/watch?v=a"), 503);
  EXPECT_EQ(status(jcn::Code::bad_parameter, "/?q=x"), 400);
  EXPECT_EQ(status(jcn::Code::bad_request, "/watch?v=x"), 404);
  EXPECT_EQ(status(jcn::Code::no_such_record, "/embed?v=x"), 404);
  EXPECT_EQ(status(jcn::Code::no_such_kind, "/"), 404);
  EXPECT_EQ(status(jcn::Code::internal, "/"), 502);
  EXPECT_EQ(status(jcn::Code::unauthorized, "/"), 502);
  site.refused = jcn::Error{jcn::Code::not_connected, "http://127.0.0.1:8640: refused", ""};
  const Response away = site.get("/?q=a%20b");
  EXPECT_EQ(away.retry_after, 5);
  EXPECT_THAT(away.body, HasSubstr(R"(<a href="?q=a%20b" data-reload="5">)"));
  EXPECT_THAT(away.body, Not(HasSubstr("8640")));
  site.refused.reset();
  EXPECT_EQ(site.get("/", "POST").status, 405);
  EXPECT_TRUE(site.get("/", "POST").names_methods);
  EXPECT_EQ(site.get("/?" + std::string(8191, 'x')).status, 414);
  for (const char* said : {"{}", R"({"record":[]})", R"({"rows":[]})"}) {
    site.said = said;
    EXPECT_EQ(site.get("/watch?v=a").status, 503) << said;
  }
}

TEST(Site, TheSamePageIsNotSentTwice) {
  Site site;
  site.said = R"({"record":{"visibility":"public"},"provenance":{}})";
  const std::string etag = site.get("/watch?v=a").etag;
  Request request{"GET", "/watch", "v=a", "http", "localhost", "\"x\", W/" + etag};
  const Ask ask = [&](const std::string&) { return jcn::Result<std::string>(site.said); };
  EXPECT_EQ(respond({}, request, ask).status, 304);
  site.said = R"({"record":{"visibility":"public","title":"x"},"provenance":{}})";
  EXPECT_EQ(respond({}, request, ask).status, 200);
}

}  // namespace
