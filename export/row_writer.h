// RowWriter: a record → its rows, in the tables that the plan has for its kind. Documents are read
// in place; no tree is built, and no text is copied but strings with escapes.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "database.h"
#include "jcn/record.h"
#include "plan.h"
#include "shapes.h"

namespace jcn_export {

// For one kind, and one thread. The plan's tables exist. What a document has that the shapes do not
// know is left out of the columns.
class RowWriter {
 public:
  static jcn::Result<RowWriter> make(Database& database, const KindPlan& plan,
                                     const Shapes& shapes);
  // Children first: foreign keys are to be checked when all is there.
  jcn::Result<void> insert(const jcn::Record& record);

 private:
  // Where the value of a place goes.
  struct Place {
    int parameter = 0;  // of the statement of its table; 0: nowhere
    int child = -1;     // in children_: the table of its elements
  };

  RowWriter(const Shapes& shapes, Statement record)
      : shapes_(&shapes), record_(std::move(record)) {}
  jcn::Result<void> take_members(NodeId node, std::string_view object, Statement& row);
  jcn::Result<void> take_elements(NodeId array, int child, std::string_view text);
  jcn::Result<void> take_value(NodeId node, std::string_view value, Statement& row);
  void bind(Statement& row, int parameter, std::string_view value, Form form);
  std::string_view unquoted(std::string_view string);

  const Shapes* shapes_;
  Statement record_;
  std::vector<Statement> children_;
  std::vector<Place> places_;      // by node
  int document_ = 0;               // the parameter of _doc
  std::string_view id_;            // of the record that is being written
  std::deque<std::string> texts_;  // what is bound and does not stand in the document
  std::size_t texts_used_ = 0;
};

}  // namespace jcn_export
