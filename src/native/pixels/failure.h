// The two ways in which a picture is not made.
#pragma once
#include <stdexcept>

/** The picture's: why it cannot be had. A value for JavaScript. */
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/** The caller's: what was asked for makes no sense. An exception for JavaScript. */
struct Misuse : std::runtime_error {
  using std::runtime_error::runtime_error;
};
