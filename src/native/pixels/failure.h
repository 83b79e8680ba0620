// Why a picture is not made; what makes no sense is a Misuse (napi.h).
#pragma once
#include <stdexcept>

/** The picture's: why it cannot be had. A value for JavaScript. */
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};
