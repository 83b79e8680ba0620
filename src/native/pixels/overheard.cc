#include "overheard.h"

#include <unistd.h>

#include <cstdio>

#include "failure.h"

namespace {

thread_local std::string* listener = nullptr;

/** The new stderr writes by this. It is not buffered, so that the thread is the one that had something to say. */
ssize_t put(void*, const char* text, size_t size) {
  if (listener != nullptr) {
    listener->append(text, size);
    return static_cast<ssize_t>(size);
  }
  const ssize_t written = write(STDERR_FILENO, text, size);
  return written < 0 ? 0 : written;
}

/** False where there is no memory for it: the old one stays, and what libjpeg tells is seen and not heard. */
bool replaceStderr() {
  cookie_io_functions_t functions{};
  functions.write = put;
  FILE* const stream = fopencookie(nullptr, "w", functions);
  if (stream == nullptr) return false;
  setvbuf(stream, nullptr, _IONBF, 0);
  stderr = stream;
  return true;
}

/**
 * The warnings of libjpeg after which it goes on with grey, or with what it takes for pixels. Bytes that are left over
 * before the end, an unknown revision of JFIF and the like are none of them: pictures of ImageNet have those, too.
 */
constexpr const char* LOSSES[] = {
    "premature end of data segment", "Premature end of JPEG file", "bad Huffman code",
    "instead of RST",                "before marker 0xd0",         "before marker 0xd1",
    "before marker 0xd2",            "before marker 0xd3",         "before marker 0xd4",
    "before marker 0xd5",            "before marker 0xd6",         "before marker 0xd7",
};

}  // namespace

Overheard::Overheard() {
  static const bool isReplaced = replaceStderr();
  if (isReplaced) listener = &text_;
}

Overheard::~Overheard() { listener = nullptr; }

void Overheard::refuseLoss() const {
  for (const char* const loss : LOSSES) {
    if (text_.find(loss) == std::string::npos) continue;
    throw Fault("its pixels are damaged: " + text_.substr(0, text_.find('\n')));
  }
}
