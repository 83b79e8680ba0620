// Put before the C library: a checkpoint takes its place only after some seconds, in the first worker.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int rename(const char *from, const char *to) {
  static int (*real)(const char *, const char *);
  if (real == NULL) real = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
  const char *worker = getenv("FSAM_WORKER");
  if (worker != NULL && worker[0] == '0' && strstr(to, "/checkpoints/") != NULL) sleep(12);
  return real(from, to);
}
