#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

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
                R"("given_up":1,"last_delivery":null,"failing_since":null,"last_error":null,)"
                R"("place_error":null}]})");
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
  EXPECT_NE(metrics.find("jcn_webhook_given_up{webhook=\"site\"} 1\n"), std::string::npos);
  EXPECT_NE(metrics.find("jcn_webhook_place_failures_total{webhook=\"site\"} 0\n"),
            std::string::npos);
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

TEST_F(RouteWebhooks, DiscardIsOnTheDiskWhenItIsAnswered) {
  for (const char* id : {"a", "b", "c"}) put("videos", id, "{}");
  WebhookState state = after(3);
  state.parked[1] = {{"videos", "a"}, 4, 0, 5 * second, 422, "", true};
  state.parked[2] = {{"videos", "b"}, 4, 0, 5 * second, 422, "", false};
  state.parked[3] = {{"videos", "c"}, 4, 0, 5 * second, 422, "", false};
  configure(state);
  const auto on_disk = [&] {
    std::vector<std::uint64_t> all;
    const auto loaded = load_webhook_state(service_->webhooks_folder, "site");
    for (const auto& [seq, parked] : loaded->state.parked) all.push_back(seq);
    return all;
  };
  const std::string discard = "/v1/webhooks/site/discard";
  EXPECT_EQ(ask("POST", discard).body, R"({"ok":true,"name":"site","discarded":1})");
  EXPECT_EQ(on_disk(), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(ask("POST", discard).body, R"({"ok":true,"name":"site","discarded":0})");
  EXPECT_EQ(ask("POST", discard + "?seq=" + uuid() + "-3").body,
            R"({"ok":true,"name":"site","discarded":1})");
  EXPECT_EQ(on_disk(), (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(ask("POST", discard + "?seq=3").status, 400);
  EXPECT_EQ(ask("POST", discard + "?all=1").status, 400);
  EXPECT_EQ(ask("GET", discard).status, 405);
  EXPECT_EQ(ask("POST", "/v1/webhooks/other/discard").status, 404);
  EXPECT_EQ(kept().place, after(3).place) << "it goes on where it was";
}

// Neither is answered as if all were well, nor does the receiver have to begin anew.
TEST_F(RouteWebhooks, PlaceThatCannotBeReadHoldsItUntilItCan) {
  put("videos", "a", "{}");
  const std::filesystem::path file =
      std::filesystem::path(service_->webhooks_folder) / "site.state";
  WebhookState state = after(1);
  ASSERT_TRUE(save_webhook_state(service_->webhooks_folder, "site", state));
  std::filesystem::rename(file, file.string() + "-meanwhile");
  std::filesystem::create_directories(file);
  WebhookConfig webhook;
  webhook.name = "site";
  webhook.url = "https://hooks.example/a";
  service_->hooks.configure({webhook});
  const WebhookStatus status = service_->hooks.list(1).at(0);
  EXPECT_EQ(status.state, "held");
  EXPECT_EQ(status.place_failures, 1U);
  ASSERT_TRUE(status.place_error);
  EXPECT_NE(status.place_error->find("Is a directory"), std::string::npos) << *status.place_error;
  EXPECT_NE(ask("GET", "/v1/webhooks").body.find(R"("place_error":"read )"), std::string::npos);
  for (const char* what : {"failures", "replay", "discard"}) {
    const bool get = what == std::string("failures");
    const Response answer = ask(get ? "GET" : "POST", std::string("/v1/webhooks/site/") + what);
    EXPECT_EQ(answer.status, 500) << what;
  }
  std::filesystem::remove(file);
  std::filesystem::rename(file.string() + "-meanwhile", file);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (service_->hooks.list(1).at(0).state == "held") {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << "it is not tried again";
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_FALSE(service_->hooks.list(1).at(0).place_error);
  EXPECT_EQ(service_->hooks.list(1).at(0).place, uuid() + "-1");
  EXPECT_EQ(kept(), state) << "as if nothing had been";
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
