// What libjpeg tells of a picture while it decodes it: it writes that to C's stderr, and TensorFlow does not pass it on.
#pragma once
#include <string>

/**
 * While it lives, what its thread writes to C's stderr is kept, and nothing of it is seen. All other threads' output
 * passes. What Node prints goes another way. One at a time in a thread.
 */
class Overheard {
 public:
  Overheard();
  ~Overheard();
  Overheard(const Overheard&) = delete;
  Overheard& operator=(const Overheard&) = delete;

  /** Throws Fault where something was told that means that pixels are missing or wrong. */
  void refuseLoss() const;

 private:
  std::string text_;
};
