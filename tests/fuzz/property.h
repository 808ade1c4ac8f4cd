// A property that must hold for every input.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <iostream>

// In a child process: what it ends with when a property does not hold, at once; 0 is for abort().
inline int not_so_exit_status = 0;

#define PROPERTY(condition)                                                        \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::cerr << __FILE__ << ':' << __LINE__ << ": not so: " #condition << '\n'; \
      if (not_so_exit_status != 0) ::_exit(not_so_exit_status);                    \
      std::abort();                                                                \
    }                                                                              \
  } while (false)
