#include "webhook_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <climits>

namespace jcn {

Result<std::string> hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  // A null key would mean "the one before"; an empty one is not null.
  static constexpr char none = 0;
  const char* bytes = key.empty() ? &none : key.data();
  if (key.size() > INT_MAX || HMAC(EVP_sha256(), bytes, static_cast<int>(key.size()),
                                   reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                                   digest.data(), &size) == nullptr) {
    return Error{Code::internal, "libcrypto gives no HMAC-SHA256", ""};
  }
  return std::string(reinterpret_cast<const char*>(digest.data()), size);
}

Result<std::string> webhook_signature(std::string_view key, std::string_view id,
                                      std::int64_t timestamp, std::string_view body) {
  std::string text(id);
  text.append(".").append(std::to_string(timestamp)).append(".").append(body);
  JCN_TRY(const std::string digest, hmac_sha256(key, text));
  std::array<unsigned char, 4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1> base64{};
  const int size =
      EVP_EncodeBlock(base64.data(), reinterpret_cast<const unsigned char*>(digest.data()),
                      static_cast<int>(digest.size()));
  return "v1," +
         std::string(reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(size));
}

}  // namespace jcn
