// A disk that stops answering, for the programs that load this: a read of a file below FSAM_TEST_DISK never returns
// once there is a file at FSAM_TEST_STOPPED, to which a line is added for each such read.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static void wait_if_stopped(int file) {
  const char* disk = getenv("FSAM_TEST_DISK");
  const char* stopped = getenv("FSAM_TEST_STOPPED");
  if (disk == NULL || stopped == NULL || access(stopped, F_OK) != 0) return;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return;
  path[length] = '\0';
  if (strncmp(path, disk, strlen(disk)) != 0) return;
  const int log = open(stopped, O_WRONLY | O_APPEND);
  if (write(log, "read\n", 5) != 5) abort();
  close(log);
  for (;;) pause();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t read(int file, void* to, size_t size) {
  wait_if_stopped(file);
  return REAL(read)(file, to, size);
}

ssize_t pread(int file, void* to, size_t size, off_t at) {
  wait_if_stopped(file);
  return REAL(pread)(file, to, size, at);
}

ssize_t pread64(int file, void* to, size_t size, off64_t at) {
  wait_if_stopped(file);
  return REAL(pread64)(file, to, size, at);
}

ssize_t preadv(int file, const struct iovec* to, int count, off_t at) {
  wait_if_stopped(file);
  return REAL(preadv)(file, to, count, at);
}

ssize_t preadv64(int file, const struct iovec* to, int count, off64_t at) {
  wait_if_stopped(file);
  return REAL(preadv64)(file, to, count, at);
}
