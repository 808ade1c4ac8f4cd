// Markup whose escaping can't be forgotten.
//
// Markup stands in the source as literals, with {} where values go, and the compiler reads them:
// what may go into a {} depends on where it stands, and anything else does not compile.
//
//   between elements             text (escaped), numbers, Html
//   in a quoted attribute        text (escaped), numbers
//   href, src, action, poster,   an Address, which is the whole value
//     data-events
//   in a tag, beside attributes  Attributes
//
// Refused wherever they are: values in <script> and <style> or without quotes, attributes with code
// (on…, style, srcdoc), a literal that ends within a tag.
#pragma once

#include <array>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

#include "address.h"

namespace cgi {

namespace markup {

enum class Place : unsigned char { text, attribute, address, tag };

// Not constant expressions: naming one stops the compiler with its name.
void this_literal_is_no_markup();
void this_attribute_is_never_written();
void a_value_can_not_stand_here();
void this_value_does_not_fit_its_place();
void there_are_more_or_fewer_values_than_places();

struct Slot {
  std::size_t at = 0;  // of the '{'
  Place place = Place::text;
};

// Goes through a literal, and tells where each {} stands.
class Reader {
 public:
  constexpr Reader(std::string_view literal, bool within_tag)
      : text_(literal), state_(within_tag ? State::tag : State::text) {}

  // The next {}; at == npos behind the last one.
  constexpr Slot next() {
    while (at_ < text_.size()) {
      if (text_.substr(at_, 2) == "{}") return slot();
      step();
    }
    return {std::string_view::npos, Place::text};
  }
  constexpr bool ends_in_text() const { return state_ == State::text; }
  constexpr bool ends_in_tag() const { return state_ == State::tag || state_ == State::attribute; }

 private:
  enum class State : unsigned char { text, element, tag, attribute, equals, value };

  static constexpr bool is_space(char c) { return c == ' ' || c == '\n'; }
  static constexpr bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '/' || c == '!' ||
           (c >= 'A' && c <= 'Z');
  }

  constexpr Slot slot() {
    const std::size_t at = at_;
    at_ += 2;
    switch (state_) {
      case State::text:
        if (element_ == "script" || element_ == "style") a_value_can_not_stand_here();
        return {at, Place::text};
      case State::element:
        if (at == begin_) a_value_can_not_stand_here();
        element_ = text_.substr(begin_, at - begin_);
        state_ = State::tag;
        return {at, Place::tag};
      case State::attribute:
        end_name(at);
        state_ = State::tag;
        return {at, Place::tag};
      case State::tag:
        return {at, Place::tag};
      case State::value:
        if (!is_address()) return {at, Place::attribute};
        if (text_[at - 1] != '"' || text_.substr(at_, 1) != "\"") a_value_can_not_stand_here();
        return {at, Place::address};
      default:
        a_value_can_not_stand_here();
        return {};
    }
  }

  constexpr bool is_address() const {
    return name_ == "href" || name_ == "src" || name_ == "action" || name_ == "poster" ||
           name_ == "data-events";
  }

  constexpr void step() {
    const char c = text_[at_++];
    switch (state_) {
      case State::text:
        if (c == '<') {
          state_ = State::element;
          begin_ = at_;
        }
        break;
      case State::element:
        if (is_name(c)) break;
        element_ = text_.substr(begin_, at_ - 1 - begin_);
        to_tag(c);
        break;
      case State::tag:
        if (is_name(c)) {
          state_ = State::attribute;
          begin_ = at_ - 1;
        } else {
          to_tag(c);
        }
        break;
      case State::attribute:
        if (is_name(c)) break;
        end_name(at_ - 1);
        if (c == '=') {
          state_ = State::equals;
        } else {
          to_tag(c);
        }
        break;
      case State::equals:
        if (c != '"') this_literal_is_no_markup();
        state_ = State::value;
        break;
      case State::value:
        if (c == '"') state_ = State::tag;
        break;
    }
  }

  constexpr void end_name(std::size_t at) {
    name_ = text_.substr(begin_, at - begin_);
    if (name_.starts_with("on") || name_ == "style" || name_ == "srcdoc")
      this_attribute_is_never_written();
  }
  constexpr void to_tag(char c) {
    if (c != '>' && !is_space(c)) this_literal_is_no_markup();
    state_ = c == '>' ? State::text : State::tag;
  }

  std::string_view text_;
  std::size_t at_ = 0, begin_ = 0;
  State state_;
  std::string_view element_, name_;
};

template <class Value>
constexpr bool is_number =
    std::integral<Value> && !std::same_as<Value, bool> && !std::same_as<Value, char>;
template <class Value>
constexpr bool is_text = std::convertible_to<const Value&, std::string_view>;

}  // namespace markup

class Html;
class Attributes;

namespace markup {

template <class Value>
constexpr bool fits(Place place) {
  using Plain = std::remove_cvref_t<Value>;
  switch (place) {
    case Place::text:
      return is_text<Plain> || is_number<Plain> || std::same_as<Plain, Html>;
    case Place::attribute:
      return is_text<Plain> || is_number<Plain>;
    case Place::address:
      return std::same_as<Plain, Address>;
    case Place::tag:
      return std::same_as<Plain, Attributes>;
  }
  return false;
}

// A literal that fits these values.
template <bool within_tag, class... Values>
class Literal {
 public:
  template <std::size_t size>
  consteval Literal(const char (&literal)[size]) : text(literal, size - 1) {  // not explicit
    Reader reader(text, within_tag);
    if (within_tag && !text.starts_with(' ')) this_literal_is_no_markup();
    [[maybe_unused]] std::size_t n = 0;
    (
        [&] {
          const Slot slot = reader.next();
          if (slot.at == std::string_view::npos) there_are_more_or_fewer_values_than_places();
          if (!fits<Values>(slot.place)) this_value_does_not_fit_its_place();
          at[n++] = slot.at;
        }(),
        ...);
    if (reader.next().at != std::string_view::npos) there_are_more_or_fewer_values_than_places();
    if (within_tag ? !reader.ends_in_tag() : !reader.ends_in_text()) this_literal_is_no_markup();
  }

  std::string_view text;
  std::array<std::size_t, sizeof...(Values)> at{};
};

// & < > " ' as references: right between elements, and between double quotes.
void append(std::string& out, std::string_view text);
inline void append(std::string& out, const Address& address) {
  append(out, address.text());
}
template <class Number>
requires is_number<Number>
void append(std::string& out, Number number) {
  out += std::to_string(number);
}
void append(std::string& out, const Html& html);
void append(std::string& out, const Attributes& attributes);

template <bool within_tag, class... Values>
void fill(std::string& out, const Literal<within_tag, Values...>& literal,
          const Values&... values) {
  [[maybe_unused]] std::size_t from = 0, n = 0;
  (
      [&] {
        out += literal.text.substr(from, literal.at[n] - from);
        append(out, values);
        from = literal.at[n++] + 2;
      }(),
      ...);
  out += literal.text.substr(from);
}

}  // namespace markup

// Markup. Made of literals and values only.
class Html {
 public:
  Html() = default;
  template <class... Values>
  explicit Html(markup::Literal<false, std::type_identity_t<Values>...> literal,
                const Values&... values) {
    markup::fill(text_, literal, values...);
  }
  // Adds markup behind what there is.
  template <class... Values>
  void add(markup::Literal<false, std::type_identity_t<Values>...> literal,
           const Values&... values) {
    markup::fill(text_, literal, values...);
  }
  void add(const Html& more) { text_ += more.text_; }
  void add_text(std::string_view text) { markup::append(text_, text); }

  const std::string& text() const& { return text_; }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

// Attributes of an element, each with a space before it; or none.
class Attributes {
 public:
  Attributes() = default;
  template <class... Values>
  explicit Attributes(markup::Literal<true, std::type_identity_t<Values>...> literal,
                      const Values&... values) {
    markup::fill(text_, literal, values...);
  }
  template <class... Values>
  void add(markup::Literal<true, std::type_identity_t<Values>...> literal,
           const Values&... values) {
    markup::fill(text_, literal, values...);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

inline void markup::append(std::string& out, const Html& html) {
  out += html.text();
}
inline void markup::append(std::string& out, const Attributes& attributes) {
  out += attributes.text();
}

}  // namespace cgi
