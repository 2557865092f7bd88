/* A disk that fails on demand, for a process that is started with this in LD_PRELOAD: while the file named by
 * FAULTY_DISK holds a number, each write and sync below a directory named "state" fails with it as its errno. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fault(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!strstr(path, "/state/")) return 0;
    const char *orders = getenv("FAULTY_DISK");
    FILE *file = orders ? fopen(orders, "r") : NULL;
    if (!file) return 0;
    int number = 0;
    if (fscanf(file, "%d", &number) != 1) number = 0;
    fclose(file);
    return number;
}

#define OR_FAIL(type, name, parameters, arguments)                        \
    type name parameters {                                                \
        static type(*real) parameters;                                    \
        if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name);    \
        int number = fault(fd);                                           \
        if (!number) return real arguments;                               \
        errno = number;                                                   \
        return -1;                                                        \
    }

OR_FAIL(ssize_t, write, (int fd, const void *bytes, size_t count), (fd, bytes, count))
OR_FAIL(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at))
OR_FAIL(int, fdatasync, (int fd), (fd))
OR_FAIL(int, fsync, (int fd), (fd))
