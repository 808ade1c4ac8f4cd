// A query string: whatever it is, it is refused with a code, or it is a query whose filters,
// searches and columns can be carried out on a record, and whose next page can be asked for in the
// same way. Read as what a feed asks for, too. Bytes that begin with ff are what a token holds.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "encoding.h"
#include "feed_parameters.h"
#include "jcn/canonical.h"
#include "jcn/check.h"
#include "jcn/field.h"
#include "jcn/filter.h"
#include "jcn/projection.h"
#include "listing_parameters.h"
#include "match.h"
#include "page_token.h"
#include "property.h"
#include "query_parameters.h"
#include "text.h"

namespace {

using jcn::Operator;

const jcn::SearchWeights weights = {{"/title", 2.0}};
const jcn::SearchScope scope = {{}, {"/m"}};

jcn::Record sample() {
  jcn::Record record;
  record.key = {"videos", "abc"};
  record.document =
      R"({"title":"Straße nach Ürümqi","tags":["a",5,null,{"b":[1]}],"n":1e2,"m":{"h":1.50},)"
      R"("t":true,"o":{},"e":[],"x":null})";
  record.fragments.push_back({{"r", "abc.json"}, 10, 1'700'000'000'000'000'000, false});
  return record;
}

bool canonical(std::string_view text) {
  const auto checked = jcn::check_json(text, jcn::Limits{});
  const auto* same = std::get_if<std::string>(&checked);
  return same && *same == text;
}

// Operands are what was written, as a string and what else it is.
void operands(const jcn::Filter& filter) {
  PROPERTY(jcn::operator_from_name(jcn::operator_name(filter.op)) == filter.op);
  switch (filter.op) {
    case Operator::isnull:
    case Operator::notnull: {
      PROPERTY(filter.operands.empty());
      const bool asked_null = filter.name.ends_with("__isnull");
      const bool no = filter.value == "0" || filter.value == "false" || filter.value == "off";
      PROPERTY((filter.op == Operator::isnull) == (asked_null != no));
      return;
    }
    case Operator::in:
      for (const std::string& operand : filter.operands) {
        PROPERTY(jcn::json_type(operand) <= jcn::JsonType::string);
      }
      return;
    default:
      PROPERTY(!filter.operands.empty() && filter.operands.size() <= 2);
      PROPERTY(jcn::json_unquote(filter.operands[0]) == filter.value);
      PROPERTY(filter.operands.size() == 1 || filter.operands[1] == filter.value);
  }
}

// What operators say of one record, said of each other.
void opposites(const jcn::Filter& filter, const jcn::Record& record) {
  jcn::Filter other = filter;
  const auto says = [&](Operator op) {
    other.op = op;
    return jcn::matches(other, record);
  };
  const bool present = filter.field.kind != jcn::Field::Kind::member ||
                       jcn::member_at(record.document, filter.field).has_value();
  PROPERTY(says(Operator::isnull) != says(Operator::notnull));
  PROPERTY(present || says(Operator::isnull));
  if (filter.op == Operator::isnull || filter.op == Operator::notnull) return;
  const bool equal = says(Operator::exact);
  PROPERTY(says(Operator::not_) == (present && !equal));
  PROPERTY(says(Operator::in) == equal);
  PROPERTY(says(Operator::gte) == (says(Operator::gt) || equal));
  PROPERTY(says(Operator::lte) == (says(Operator::lt) || equal));
  const bool contains = says(Operator::contains);
  PROPERTY(contains || !(says(Operator::startswith) || says(Operator::endswith)));
  const bool among = says(Operator::arraycontains);
  PROPERTY(!(among && !equal));
  PROPERTY(!(among && says(Operator::arraynotcontains)));
  PROPERTY(!equal || among || !says(Operator::arraynotcontains));
  // Of one value that is no array: less, equal, greater.
  if (filter.operands.size() != 1 || filter.field.kind == jcn::Field::Kind::member) return;
  PROPERTY(says(Operator::lt) + equal + says(Operator::gt) == 1);
}

void searches(const jcn::Query& query) {
  for (const jcn::SearchTerm& search : query.searches) {
    const auto phrases = jcn::parse_search(search.words);
    PROPERTY(!phrases.empty() && phrases.size() <= jcn::most_search_phrases);
    PROPERTY(phrases.size() == jcn::count_phrases(search.words));
    for (const jcn::SearchPhrase& phrase : phrases) {
      PROPERTY(!phrase.tokens.empty());
      for (const std::string& token : phrase.tokens) {
        PROPERTY(!token.empty() && token.size() <= jcn::longest_token);
      }
      // What is asked for stands in the question.
      PROPERTY(jcn::count_phrase(search.words, phrase) > 0);
    }
  }
}

void columns(const jcn::ListingRequest& listing, const jcn::Record& record) {
  const std::string some = jcn::Projection(listing.columns).of(record.document);
  PROPERTY(canonical(some) && some.size() <= record.document.size());
  for (const std::string& column : listing.columns) {
    if (column.starts_with('/')) continue;  // elements of arrays move together
    const auto field = jcn::parse_field(column);
    PROPERTY(field.ok());
    if (field->kind != jcn::Field::Kind::member) continue;
    PROPERTY(jcn::member_at(some, *field) == jcn::member_at(record.document, *field));
  }
}

// Where some page of this walk may end.
jcn::PageEnd some_end(const jcn::Query& query, std::string_view bytes) {
  const jcn::Hash128 hash = jcn::hash128(bytes);
  jcn::ByteReader numbers({reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size()});
  jcn::PageEnd end;
  end.id = "abc";
  for (const jcn::Filter& filter : query.filters) {
    if (jcn::valid_id(filter.value)) end.id = filter.value;
    for (const std::string& operand : filter.operands) {
      if (query.sort && canonical(operand)) end.value = operand;
    }
  }
  end.score = std::bit_cast<double>(numbers.u64le());
  if (std::isnan(end.score)) end.score = 1;
  if (!query.searches.empty()) {
    end.basis = jcn::RelevanceBasis{numbers.u16le(), numbers.u32le(), {}};
    end.basis->documents.assign(query.searches.size(), numbers.u16le());
  }
  return end;
}

// The next page's address is read as the same walk, behind the end that its token tells.
void next_page(const jcn::QueryParameters& parameters, const jcn::ListingRequest& listing,
               std::string_view bytes) {
  const jcn::PageEnd end = some_end(listing.query, bytes);
  const std::string token = jcn::query_token(listing.walk, end);
  PROPERTY(jcn::read_query_token(listing.walk, token) == end);
  const std::string url = jcn::next_page_url("videos", parameters, token);
  const std::size_t mark = url.find('?');
  PROPERTY(mark != std::string::npos);
  const auto again = jcn::QueryParameters::read(std::string_view(url).substr(mark + 1));
  PROPERTY(again.ok());
  const auto next = jcn::read_listing("videos", *again, weights, scope);
  PROPERTY(next.ok());
  PROPERTY(next->walk == listing.walk && next->query.after == end);
  PROPERTY(next->query.filters == listing.query.filters);
  PROPERTY(next->query.sort == listing.query.sort);
  PROPERTY(next->query.size == listing.query.size);
  PROPERTY(next->query.facets == listing.query.facets && next->columns == listing.columns);
  PROPERTY(next->shape == listing.shape && next->projected == listing.projected);
}

void listing(const jcn::QueryParameters& parameters, std::string_view bytes) {
  static const jcn::Record record = sample();
  const auto asked = jcn::read_listing("videos", parameters, weights, scope);
  if (!asked) {
    PROPERTY(!asked.error().message.empty());
    return;
  }
  const jcn::Query& query = asked->query;
  PROPERTY(query.size <= jcn::largest_page_size);
  PROPERTY(query.facet_size >= 1 && query.facet_size <= jcn::largest_facet_size);
  bool all = true;
  for (const jcn::Filter& filter : query.filters) {
    operands(filter);
    opposites(filter, record);
    all = all && jcn::matches(filter, record);
  }
  PROPERTY(jcn::matches_all(query.filters, record) == all);
  searches(query);
  columns(*asked, record);
  next_page(parameters, *asked, bytes);
}

void feed(const jcn::QueryParameters& parameters, std::string_view bytes) {
  jcn::Request request;
  request.headers = {{"Host", "localhost"}, {"last-event-ID", bytes}};
  PROPERTY(!request.header("Last-Event"));
  const auto asked = jcn::read_feed(parameters, request.header("Last-Event-ID"));
  if (!asked) {
    PROPERTY(!asked.error().message.empty());
    return;
  }
  const auto longest = std::chrono::milliseconds(jcn::longest_feed_wait_ms);
  PROPERTY(asked->heartbeat.count() > 0 && asked->heartbeat <= longest);
  PROPERTY(!asked->timeout || *asked->timeout <= longest);
  PROPERTY(!asked->limit || *asked->limit > 0);
  for (const std::string& kind : asked->kinds) PROPERTY(jcn::valid_kind(kind));
  for (const jcn::Filter& filter : asked->filters) operands(filter);
  if (const auto* seq = std::get_if<jcn::FeedSeq>(&asked->since)) {
    PROPERTY(jcn::read_feed_seq(jcn::feed_seq_text(*seq)) == *seq);
  }
}

std::string base64url(std::string_view bytes) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 6) {
    unsigned value = 0;
    for (std::size_t i = bit; i < bit + 6; ++i) {
      const auto byte = i / 8 < bytes.size() ? static_cast<unsigned char>(bytes[i / 8]) : 0U;
      value = value << 1 | (byte >> (7 - i % 8) & 1U);
    }
    out += digits[value];
  }
  return out;
}

std::string sealed(char version, const std::string& payload) {
  const jcn::Hash128 sum = jcn::hash128(payload);
  return base64url(version + std::string(sum.bytes.begin(), sum.bytes.begin() + 4) + payload);
}

// A checksum would keep the fuzzer out of what tokens hold.
void token(std::string_view bytes) {
  static const jcn::Hash128 walk = jcn::hash128("a walk");
  std::string payload(walk.bytes.begin(), walk.bytes.end());
  payload += bytes;
  if (const auto end = jcn::read_query_token(walk, sealed(2, payload))) {
    PROPERTY(jcn::valid_id(end->id) && !std::isnan(end->score));
    PROPERTY(end->value.empty() || canonical(end->value) ||
             jcn::json_type(end->value) == jcn::JsonType::string);
    PROPERTY(jcn::read_query_token(walk, jcn::query_token(walk, *end)) == end);
  }
  PROPERTY(!jcn::read_query_token(walk, sealed(1, payload)));
  if (const auto place = jcn::read_page_token("/x", sealed(1, std::string(bytes)))) {
    const auto again = jcn::read_page_token("/x", jcn::page_token("/x", *place));
    PROPERTY(again && again->first == place->first && again->second == place->second);
  }
  if (const auto end = jcn::read_query_token(walk, bytes)) {
    PROPERTY(jcn::query_token(walk, *end) == bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.starts_with('\xff')) {
    token(bytes.substr(1));
    return 0;
  }
  if (const auto field = jcn::parse_field(bytes)) {
    PROPERTY(field->text == bytes);
    PROPERTY(field->kind != jcn::Field::Kind::member || field->path.front() == '/');
  }
  if (const auto seq = jcn::read_feed_seq(bytes)) PROPERTY(jcn::feed_seq_text(*seq) == bytes);
  const auto parameters = jcn::QueryParameters::read(bytes);
  if (!parameters) {
    PROPERTY(parameters.error().code == jcn::Code::bad_target);
    return 0;
  }
  if (parameters->allow({"_size", "_next"})) {
    PROPERTY(parameters->allow_beside_filters({"_size", "_next"}).ok());
    PROPERTY(parameters->all().size() <= 2);
  }
  listing(*parameters, bytes);
  feed(*parameters, bytes);
  return 0;
}
