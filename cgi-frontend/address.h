// Addresses that pages may lead to. An Address is made only here, from parts that were checked or
// percent-encoded, so that none can be javascript:, leave the site unseen, or break out of where it
// stands.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jcn/percent.h"

namespace cgi {

// Names and values, not encoded; names may come again.
using Parameters = std::vector<std::pair<std::string_view, std::string_view>>;

class Address {
 public:
  const std::string& text() const { return text_; }
  bool operator==(const Address&) const = default;

  // A page of this site, by its path as a literal; parameters without a value are left out.
  template <std::size_t size>
  static Address page(const char (&path)[size], const Parameters& parameters = {}) {
    static_assert(size > 1);
    return page_at(std::string_view(path, size - 1), parameters);
  }
  // The page that was asked for, with this query string, however it came.
  static Address same_page(std::string_view query_string);
  // A file beneath the root, as Apache serves it; absent where the path is none, or leads to no
  // file of these extensions (small letters).
  static std::optional<Address> media(std::string_view path,
                                      std::span<const std::string_view> extensions);
  // What begins with http:// or https:// and has nothing in it that ends an address.
  static std::optional<Address> elsewhere(std::string_view text);
  // The same with this site's origin ("https://videos.example") before it.
  Address at(std::string_view origin) const;

 private:
  explicit Address(std::string text) : text_(std::move(text)) {}
  static Address page_at(std::string_view path, const Parameters& parameters);

  std::string text_;
};

// name=value&…; values that are empty are left out. RFC 3986: a space is %20.
std::string encoded(const Parameters& parameters);

using jcn::percent_encoded;

// webm of a.b.WEBM; "" of what has none, or one that is not ASCII.
std::string extension(std::string_view path);

}  // namespace cgi
