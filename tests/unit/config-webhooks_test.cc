// config: [[webhook]] of jcn.conf(5).
#include "config_fixture.h"
#include "webhook_config.h"

namespace jcn {
namespace {

class ConfigWebhooks : public ConfigFixture {
 protected:
  void SetUp() override {
    ConfigFixture::SetUp();
    write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    write("shown", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 0644);
    write("short", "whsec_MfKQ9r8GKYqrTwjUPD8I");
  }
  static constexpr const char* hook =
      "[[webhook]]\nname = \"site\"\nurl = \"https://hooks.example/\"\nsecret_file = \"secret\"\n";
};

TEST_F(ConfigWebhooks, AreReadWithWhatTheyGet) {
  const DaemonConfig config =
      good(file(std::string(hook) +
                "kind = [\"videos\", \"people\"]\nfilter = \"n__gt=1&title=a%26b\"\n"
                "include_docs = true\nonly_matching = true\nbatch = 7\n"
                "timeout_ms = 500\nretry_first_ms = 20\nretry_longest_ms = 900\n"
                "proxy = \"http://proxy.example:3128\"\nca_file = \"authority.pem\"\n"
                "[[webhook]]\nname = \"other\"\nurl = \"http://127.0.0.1:1/x?y\"\n"
                "secret_file = \"secret\"\nkind = \"videos\"\n"));
  ASSERT_EQ(config.webhooks.size(), 2U);
  WebhookConfig site;
  site.name = "site";
  site.url = "https://hooks.example/";
  site.secret_file = path("secret");
  site.secret = *decode_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  site.kinds = {"videos", "people"};
  site.filter = "n__gt=1&title=a%26b";
  site.include_docs = site.only_matching = true;
  site.batch = 7;
  site.timeout = std::chrono::milliseconds(500);
  site.retry_first = std::chrono::milliseconds(20);
  site.retry_longest = std::chrono::milliseconds(900);
  site.proxy = "http://proxy.example:3128";
  site.ca_file = path("authority.pem");
  EXPECT_EQ(config.webhooks[0], site);
  WebhookConfig other;
  other.name = "other";
  other.url = "http://127.0.0.1:1/x?y";
  other.secret_file = site.secret_file;
  other.secret = site.secret;
  other.kinds = {"videos"};
  EXPECT_EQ(config.webhooks[1], other) << "and the rest by default";
}

TEST_F(ConfigWebhooks, AreRefusedWithTheLineThatIsWrong) {
  const auto expect = [&](const std::string& text, const std::string& wanted) {
    const Error error = bad(file(text));
    EXPECT_EQ(error.code, Code::bad_configuration);
    EXPECT_NE(error.message.find(wanted), std::string::npos) << error.message;
    EXPECT_EQ((error.message + error.hint).find("MfKQ9"), std::string::npos) << "it tells the key";
  };
  const auto more = [&](const std::string& line) { return hook + line + "\n"; };
  expect(more("retries = 5"), ":5:1: unknown key \"retries\" in [webhook]");
  expect(more("batch = 0"), ":5:9: \"batch\" must be an integer from 1 to 1000");
  expect(more("batch = \"1\""), ":5:9: \"batch\" must be");
  expect(more("kind = [\"Videos\"]"), ":5:8: \"Videos\" is no name for a kind");
  expect(more("kind = \"changes\""), ":5:8: \"changes\" can't be a kind");
  expect(more("kind = []"), ":5:8: \"kind\" names no kind");
  expect(more("filter = \"n__near=1\""), ":5:10: ");
  expect(more("filter = \"since=0\""), ":5:10: \"since\" is no filter");
  expect(more("filter = \"%zz\""), ":5:10: ");
  expect(std::string(hook) + hook, ":6:8: two webhooks are named \"site\"");
  const auto with = [&](const std::string& name, const std::string& url,
                        const std::string& secret) {
    return "[[webhook]]\nname = \"" + name + "\"\nurl = \"" + url + "\"\nsecret_file = \"" +
           secret + "\"\n";
  };
  expect(with("Site", "http://a/", "secret"), ":2:8: \"Site\" is no name for a webhook");
  expect(with("site", "ftp://a/", "secret"), ":3:7: the url is none that can be posted to");
  expect(with("site", "http://me:word@a/", "secret"), ":3:7: the url holds a user's name");
  expect(with("site", "http://a/", "none"), ":4:15: secret file ");
  expect(with("site", "http://a/", "shown"), "others can read it");
  expect(with("site", "http://a/", "short"), "no base64 of 24 to 64 bytes");
  expect("[[webhook]]\nname = \"site\"\nurl = \"http://a/\"\n", "needs a secret_file");
  expect("[[webhook]]\nurl = \"http://a/\"\nsecret_file = \"secret\"\n", "needs a name");
  expect("[[webhook]]\nname = \"site\"\nsecret_file = \"secret\"\n", "needs a url");
  expect("[webhook]\nname = \"site\"\n", "must be an array of tables");
  std::string many;
  for (int i = 0; i < 33; ++i) many += with("w" + std::to_string(i), "http://a/", "secret");
  expect(many, "more than 32 webhooks");
}

}  // namespace
}  // namespace jcn
