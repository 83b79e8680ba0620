// What parallel.h promises where there is nothing to do, and where the system has no more threads.
#include <sys/resource.h>

#include <cstdio>
#include <system_error>

#include "parallel.h"

int main() {
  Threads* few = new Threads(3);
  few->start();
  std::atomic<long> sum{0};
  few->run(10, [&](long index, int) { sum += index; });
  few->run(0, [&](long, int) { sum += 100; });
  few->run(10, [&](long index, int) { sum += index; });
  std::printf("sum %ld\n", sum.load());

  // The stacks of many threads find no room here.
  const rlimit room{1L << 30, 1L << 30};
  setrlimit(RLIMIT_AS, &room);
  try {
    (new Threads(10000))->start();
    std::puts("started");
  } catch (const std::system_error&) {
    std::puts("no more threads");
  }
  std::fflush(stdout);
  std::_Exit(0);
}
