// A property that must hold for every input.
#pragma once

#include <cstdlib>
#include <iostream>

#define PROPERTY(condition)                                                        \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::cerr << __FILE__ << ':' << __LINE__ << ": not so: " #condition << '\n'; \
      std::abort();                                                                \
    }                                                                              \
  } while (false)
