#include "webhook_config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "index_model.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

TEST(WebhookConfigTest, NamesAreThoseOfFiles) {
  for (const char* name : {"a", "site", "a-b_c", "0", "9lives"})
    EXPECT_TRUE(valid_webhook_name(name)) << name;
  for (const std::string& name :
       {std::string(), std::string("A"), std::string("a.b"), std::string("a/b"), std::string(".."),
        std::string("-a"), std::string("_a"), std::string("ä"), std::string(65, 'a')})
    EXPECT_FALSE(valid_webhook_name(name)) << name;
}

TEST(WebhookConfigTest, AddressesCarryNoSecretsThatAnswersWouldShow) {
  for (const char* url : {"http://127.0.0.1:1/", "https://hooks.example/a?b=c", "http://[::1]:80/x",
                          "https://hooks.example"})
    EXPECT_TRUE(check_webhook_url(url)) << url;
  for (const char* url :
       {"", "hooks.example", "ftp://hooks.example/", "file:///etc/passwd", "http://", "https:///x",
        "https://user:word@hooks.example/", "https://user@hooks.example",
        "https://hooks.example/a b", "https://hooks.example/\r\nX: y", "https://hooks.example/ä",
        "https://hooks.example/#part", "HTTP//x"})
    EXPECT_FALSE(check_webhook_url(url)) << url;
}

TEST(WebhookConfigTest, FiltersAreThoseOfTheFeed) {
  WebhookConfig webhook;
  webhook.kinds = {"videos", "people"};
  webhook.filter = "visibility=public&title__contains=a%26b&duration__gte=600";
  webhook.include_docs = true;
  const FeedRequest asked = must(webhook_feed(webhook));
  EXPECT_EQ(asked.kinds, (std::set<std::string, std::less<>>{"videos", "people"}));
  ASSERT_EQ(asked.filters.size(), 3U);
  EXPECT_EQ(asked.filters[1].operands, std::vector<std::string>{"\"a&b\""});
  EXPECT_TRUE(asked.include_docs);
  EXPECT_FALSE(asked.only_matching);
  for (const char* filter : {"since=0", "feed=continuous", "kind=videos", "_id=a", "a__nosuch=1",
                             "_size=1", "%zz=1", "include_docs=1", "__gt=1"}) {
    webhook.filter = filter;
    EXPECT_FALSE(webhook_feed(webhook)) << filter;
  }
}

TEST(WebhookConfigTest, Base64IsReadStrictly) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("Zg=="), "f");
  EXPECT_EQ(decode_base64("Zm8="), "fo");
  EXPECT_EQ(decode_base64("Zm9v"), "foo");
  EXPECT_EQ(decode_base64("Zm9vYmFy"), "foobar");
  EXPECT_EQ(decode_base64("+/+/"), "\xfb\xff\xbf");
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v=", "Zm-v", "Zm 9v", "====", "Zg==Zg=="})
    EXPECT_FALSE(decode_base64(text)) << text;
}

TEST(WebhookConfigTest, SecretsAreKeysOf24To64Bytes) {
  const TemporaryFolder folder;
  const std::string path = (folder / "secret").string();
  const auto read = [&](const std::string& text, mode_t mode = 0600) {
    folder.write("secret", text);
    ::chmod(path.c_str(), mode);
    return read_webhook_secret(path);
  };
  const std::string base64 = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  EXPECT_EQ(must(read("whsec_" + base64 + "\n")), *decode_base64(base64));
  EXPECT_EQ(must(read(base64)), *decode_base64(base64));
  EXPECT_TRUE(read("whsec_" + std::string(84, 'A') + "AA=="));  // 64 bytes
  for (const std::string& text : {std::string("whsec_"), "whsec_" + std::string(28, 'A'),
                                  std::string(88, 'A'), base64 + "!", std::string("plain words")}) {
    const auto refused = read(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_NE(refused.error().message.find("secret file " + path), std::string::npos)
        << refused.error().message;
    EXPECT_EQ((refused.error().message + refused.error().hint).find(base64), std::string::npos);
  }
  EXPECT_NE(read("whsec_" + base64, 0644).error().message.find("others can read it"),
            std::string::npos);
}

}  // namespace
}  // namespace jcn
