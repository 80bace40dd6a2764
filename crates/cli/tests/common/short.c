/* Loaded before libc: every SHORT_EVERY-th pread and pwrite is passed on with fewer bytes, so that
   it is honestly short. Each is told by a letter in the file SHORT_TOLD. Direct I/O moves whole
   sectors, so a part is a multiple of one; a call of a single sector is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

enum { SECTOR_BYTES = 512 };

static atomic_ulong calls;
static unsigned long every;
static int told = -1;

__attribute__((constructor)) static void begin(void) {
    const char *number = getenv("SHORT_EVERY"), *file = getenv("SHORT_TOLD");
    every = number ? strtoul(number, NULL, 10) : 0;
    told = file ? open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
}

static size_t part(size_t count, const char *letter) {
    size_t half = count / 2 / SECTOR_BYTES * SECTOR_BYTES;
    if (half == 0 || every == 0 || atomic_fetch_add(&calls, 1) % every != 0)
        return count;
    if (told >= 0 && write(told, letter, 1) != 1)
        abort();
    return half;
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    static ssize_t (*next)(int, const void *, size_t, off64_t);
    if (!next)
        next = dlsym(RTLD_NEXT, "pwrite64");
    return next(file, bytes, part(count, "w"), offset);
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t offset) {
    static ssize_t (*next)(int, void *, size_t, off64_t);
    if (!next)
        next = dlsym(RTLD_NEXT, "pread64");
    return next(file, bytes, part(count, "r"), offset);
}
