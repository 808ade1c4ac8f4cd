#include "access_token.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

constexpr std::string_view token = "c2Vzc2FtZS1vcGVuLXlvdXJzZWxm";

TEST(SameToken, ComparesAllOfIt) {
  EXPECT_TRUE(same_token(token, token));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string other(token);
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(same_token(other, token)) << i;
  }
}

TEST(SameToken, NeitherPrefixesNorRepetitionsPass) {
  EXPECT_FALSE(same_token("", token));
  EXPECT_FALSE(same_token(token.substr(0, token.size() - 1), token));
  EXPECT_FALSE(same_token(token.substr(1), token));
  EXPECT_FALSE(same_token(std::string(token) + "x", token));
  EXPECT_FALSE(same_token(std::string(token) + std::string(token), token));
}

TEST(SameToken, AnEmptyTokenIsNobodys) {
  EXPECT_FALSE(same_token("", ""));
  EXPECT_FALSE(same_token("x", ""));
}

Credentials of(const std::vector<Header>& headers) {
  return presented(headers, {{std::string(token), {}, true}}).credentials;
}

TEST(CredentialsOf, ABearerTokenInOneAuthorizationHeader) {
  const std::string right = "Bearer " + std::string(token);
  EXPECT_EQ(of({}), Credentials::none);
  EXPECT_EQ(of({{"Host", "localhost"}, {"Authorization", right}}), Credentials::good);
  EXPECT_EQ(of({{"authorization", "bearer   " + std::string(token) + " "}}), Credentials::good);
  EXPECT_EQ(of({{"Authorization", "Bearer " + std::string(token) + "x"}}), Credentials::bad);
  EXPECT_EQ(of({{"Authorization", "Bearer " + std::string(token) + " " + std::string(token)}}),
            Credentials::bad);
  EXPECT_EQ(of({{"Authorization", "Bearer "}}), Credentials::bad);
  EXPECT_EQ(of({{"Authorization", "Bearer    "}}), Credentials::bad);
  EXPECT_EQ(of({{"Authorization", token}}), Credentials::none) << "without its scheme";
  EXPECT_EQ(of({{"Authorization", "Bearer"}}), Credentials::none);
  EXPECT_EQ(of({{"Authorization", ""}}), Credentials::none);
}

TEST(CredentialsOf, OtherSchemesAreForOthers) {
  EXPECT_EQ(of({{"Authorization", "Basic dXNlcjpwYXNz"}}), Credentials::none);
}

TEST(CredentialsOf, TwoHeadersAreOneTooMany) {
  const std::string right = "Bearer " + std::string(token);
  EXPECT_EQ(of({{"Authorization", right}, {"Authorization", right}}), Credentials::bad);
  EXPECT_EQ(of({{"Authorization", "Basic eA=="}, {"Authorization", right}}), Credentials::bad);
}

TEST(CredentialsOf, NobodyHasAnEmptyToken) {
  EXPECT_EQ(presented({{"Authorization", "Bearer "}}, {AccessToken{}}).credentials,
            Credentials::bad);
  EXPECT_EQ(presented({{"Authorization", "Bearer "}}, {}).credentials, Credentials::bad);
}

TEST(CredentialsOf, TellsWhichOfTheTokensItIs) {
  const std::vector<AccessToken> tokens = {{"first-of-the-tokens", {}, true},
                                           {"second-of-the-tokens", {"a"}, false}};
  EXPECT_EQ(presented({{"Authorization", "Bearer second-of-the-tokens"}}, tokens).token,
            &tokens[1]);
  EXPECT_EQ(presented({{"Authorization", "Bearer first-of-the-tokens"}}, tokens).token, &tokens[0]);
  const Presented other = presented({{"Authorization", "Bearer third-of-the-tokens"}}, tokens);
  EXPECT_EQ(other.token, nullptr);
  EXPECT_EQ(other.credentials, Credentials::bad);
}

TEST(AccessTokenOf, ReachesItsRoots) {
  const AccessToken all{"x", {}, true}, some{"x", {"a", "b"}, true}, reader{"x", {}, false};
  EXPECT_TRUE(all.reaches("a") && some.reaches("b"));
  EXPECT_FALSE(some.reaches("c") || some.reaches("") || some.reaches("ab"));
  EXPECT_FALSE(all.limited());
  EXPECT_TRUE(some.limited() && reader.limited());
}

}  // namespace
}  // namespace jcn
