// Result<T>: a value or an Error. The one way in which jcn's modules report failure; no exception
// crosses a module border. (Boost 1.74 as packaged has no boost::system::result yet.)
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "jcn/codes.h"

namespace jcn {

// What happened, where, and what to do about it.
struct Error {
  Code code = Code::internal;  // stable; its text is code_name(code)
  std::string message;         // for a person: names the file, call or value, and the cause
  std::string hint = {};       // what to do; may be empty
};

// "openat2 /srv/a.json: Permission denied", from an errno value.
Error system_error(const char* call, const std::string& subject, int errno_value);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace jcn

// Returns the error of `expression` from the enclosing function, or goes on.
#define JCN_CHECK(expression)                                                                   \
  do {                                                                                          \
    if (auto jcn_result = (expression); !jcn_result.ok()) return std::move(jcn_result).error(); \
  } while (false)

// JCN_TRY(auto x, f()): declares x from the value of f(), or returns f()'s error.
#define JCN_TRY(declaration, expression) \
  JCN_TRY_NAMED(JCN_TRY_JOIN(jcn_try_, __LINE__), declaration, expression)
#define JCN_TRY_JOIN(a, b) JCN_TRY_JOIN_AGAIN(a, b)
#define JCN_TRY_JOIN_AGAIN(a, b) a##b
#define JCN_TRY_NAMED(name, declaration, expression) \
  auto name = (expression);                          \
  if (!name.ok()) return std::move(name).error();    \
  declaration = std::move(name).value()
