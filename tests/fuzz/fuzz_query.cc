// A query string: whatever it is, it is refused with a code, or it is a query whose filters and
// searches can be carried out on a record, and whose next page can be asked for in the same way.
#include <cstdint>
#include <string>
#include <string_view>

#include "jcn/field.h"
#include "jcn/filter.h"
#include "listing_parameters.h"
#include "property.h"
#include "query_parameters.h"
#include "text.h"

namespace {

jcn::Record sample() {
  jcn::Record record;
  record.key = {"videos", "abc"};
  record.document =
      R"({"title":"Straße nach Ürümqi","tags":["a",5,null,{"b":[1]}],"n":1e2,"m":{"h":1.50},)"
      R"("t":true,"o":{},"e":[],"x":null})";
  record.fragments.push_back({{"r", "abc.json"}, 10, 1'700'000'000'000'000'000, false});
  return record;
}

void opposites(const jcn::Filter& filter, const jcn::Record& record) {
  PROPERTY(jcn::operator_from_name(jcn::operator_name(filter.op)) == filter.op);
  jcn::Filter other = filter;
  const bool holds = jcn::matches(filter, record);
  switch (filter.op) {
    case jcn::Operator::isnull:
      other.op = jcn::Operator::notnull;
      PROPERTY(jcn::matches(other, record) != holds);
      break;
    case jcn::Operator::notnull:
      other.op = jcn::Operator::isnull;
      PROPERTY(jcn::matches(other, record) != holds);
      break;
    case jcn::Operator::exact:
      other.op = jcn::Operator::not_;
      PROPERTY(!(holds && jcn::matches(other, record)));
      other.op = jcn::Operator::gte;
      PROPERTY(!holds || jcn::matches(other, record));
      other.op = jcn::Operator::in;
      PROPERTY(jcn::matches(other, record) == holds);
      break;
    case jcn::Operator::arraycontains:
      other.op = jcn::Operator::arraynotcontains;
      PROPERTY(!(holds && jcn::matches(other, record)));
      other.op = jcn::Operator::exact;
      PROPERTY(!holds || jcn::matches(other, record));
      break;
    default:
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const jcn::Record record = sample();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto field = jcn::parse_field(bytes)) {
    PROPERTY(field->text == bytes);
    PROPERTY(field->kind != jcn::Field::Kind::member || field->path.front() == '/');
  }
  const auto parameters = jcn::QueryParameters::read(bytes);
  if (!parameters) return 0;
  const auto listing = jcn::read_listing("videos", *parameters);
  if (!listing) {
    PROPERTY(!listing.error().message.empty());
    return 0;
  }
  PROPERTY(listing->query.size <= jcn::largest_page_size);
  for (const jcn::Filter& filter : listing->query.filters) opposites(filter, record);
  static_cast<void>(jcn::matches_all(listing->query.filters, record));
  for (const jcn::SearchTerm& search : listing->query.searches) {
    const auto phrases = jcn::parse_search(search.words);
    PROPERTY(!phrases.empty());
    for (const jcn::SearchPhrase& phrase : phrases) {
      PROPERTY(!phrase.tokens.empty());
      for (const std::string& token : phrase.tokens) {
        PROPERTY(!token.empty() && token.size() <= jcn::longest_token);
      }
      static_cast<void>(jcn::count_phrase(search.words, phrase));
    }
  }
  // The next page's address is read as the same walk.
  const std::string url = jcn::next_page_url("videos", *parameters, "x");
  const std::size_t mark = url.find('?');
  PROPERTY(mark != std::string::npos);
  const auto again = jcn::QueryParameters::read(std::string_view(url).substr(mark + 1));
  PROPERTY(again.ok());
  const std::string* token = again->find("_next");
  PROPERTY(token && *token == "x");
  return 0;
}
