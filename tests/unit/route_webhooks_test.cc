#include <gtest/gtest.h>

#include "access_token.h"
#include "routes_fixture.h"
#include "webhook_state.h"

namespace jcn {
namespace {

class RouteWebhooks : public RoutesFixture {
 protected:
  void configure(WebhookState state) {
    WebhookConfig webhook;
    webhook.name = "site";
    webhook.url = "https://hooks.example/a?key=hidden";
    webhook.secret = "never shown";
    ASSERT_TRUE(save_webhook_state(service_->webhooks_folder, "site", state));
    service_->hooks.configure({webhook});
  }
  WebhookState after(std::uint64_t seq) { return {FeedSeq{uuid(), {seq, 0}}, false, false, {}}; }
  std::string uuid() { return writer_->snapshot()->uuid(); }
  WebhookState kept() {
    service_->hooks.stop();
    return load_webhook_state(service_->webhooks_folder, "site")->state;
  }
};

TEST_F(RouteWebhooks, AreListedWithHowTheyAre) {
  EXPECT_EQ(ask("GET", "/v1/webhooks").body, R"({"ok":true,"rows":[]})");
  put("videos", "a", "{}");
  put("videos", "b", "{}");
  WebhookState state = after(1);
  state.parked[1] = {{"videos", "a"}, 4, 0, 5 * second, 422, "the answer's status is 422", true};
  configure(state);
  EXPECT_EQ(ask("GET", "/v1/webhooks").body,
            R"({"ok":true,"rows":[{"name":"site","url":"https://hooks.example/a?…",)"
            R"("state":"delivering","last_seq":")" +
                uuid() +
                R"(-1","behind":1,"delivered":0,"posts":0,"failed_posts":0,"failures":1,)"
                R"("given_up":1,"last_delivery":null,"failing_since":null,"last_error":null}]})");
  EXPECT_EQ(ask("GET", "/v1/webhooks/site/failures").body,
            R"({"ok":true,"rows":[{"seq":")" + uuid() +
                R"(-1","kind":"videos","id":"a","attempts":4,"status":422,)"
                R"("error":"the answer's status is 422","first":"1970-01-01T00:00:00.000000000Z",)"
                R"("last":"1970-01-01T00:00:05.000000000Z","given_up":true}]})");
  EXPECT_EQ(ask("GET", "/v1/webhooks/other/failures").status, 404);
  EXPECT_EQ(ask("GET", "/v1/webhooks?all=1").status, 400);
  EXPECT_EQ(ask("GET", "/v1/webhooks/site").status, 404);
  EXPECT_EQ(ask("POST", "/v1/webhooks").status, 405);
  EXPECT_EQ(ask("GET", "/v1/webhooks/site/replay").status, 405);
  const std::string metrics = ask("GET", "/metrics").body;
  EXPECT_NE(metrics.find("jcn_webhook_behind{webhook=\"site\"} 1\n"), std::string::npos);
  EXPECT_NE(metrics.find("jcn_webhook_failures{webhook=\"site\"} 1\n"), std::string::npos);
}

TEST_F(RouteWebhooks, ReplayIsOnTheDiskWhenItIsAnswered) {
  put("videos", "a", "{}");
  put("videos", "b", "{}");
  WebhookState state = after(2);
  state.gone = true;
  state.parked[1] = {{"videos", "a"}, 4, 0, 5 * second, 422, "", true};
  configure(state);
  EXPECT_EQ(ask("POST", "/v1/webhooks/site/replay").body, R"({"ok":true,"name":"site"})");
  const auto loaded = load_webhook_state(service_->webhooks_folder, "site");
  EXPECT_FALSE(loaded->state.gone);
  EXPECT_FALSE(loaded->state.parked.at(1).given_up);
  EXPECT_EQ(loaded->state.place, after(2).place) << "it goes on where it was";
  EXPECT_EQ(ask("POST", "/v1/webhooks/site/replay?since=" + uuid() + "-1").status, 202);
  EXPECT_EQ(load_webhook_state(service_->webhooks_folder, "site")->state.place, after(1).place);
  EXPECT_EQ(ask("POST", "/v1/webhooks/site/replay?since=0").status, 202);
  EXPECT_EQ(kept().place, (FeedSeq{uuid(), {0, 2}}));
}

TEST_F(RouteWebhooks, PlacesAreThoseOfThisFeed) {
  put("videos", "a", "{}");
  configure(after(1));
  for (const std::string& since :
       {std::string("now"), std::string("1"), std::string(""), uuid() + "-2", uuid() + "-5-1",
        std::string("00000000-0000-4000-8000-000000000000-1")}) {
    const Response response = ask("POST", "/v1/webhooks/site/replay?since=" + since);
    EXPECT_EQ(response.status, 400) << since;
    EXPECT_NE(response.body.find("bad_parameter"), std::string::npos) << response.body;
  }
  EXPECT_EQ(ask("POST", "/v1/webhooks/other/replay").status, 404);
  EXPECT_EQ(kept().place, after(1).place);
}

}  // namespace
}  // namespace jcn
