#include "family/address.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "backend/call.h"
#include "backend/occupant.h"
#include "base/error.h"

#define ZONE_START     UINT64_C(0x200000000000)
#define ZONE_END       UINT64_C(0x400000000000)
#define FALLBACK_START UINT64_C(0x7e8000000000) /* thread and memory sanitizers own the zone */
#define FALLBACK_END   UINT64_C(0x7ec000000000)
#define ALIGNMENT      (UINT64_C(2) << 20)

enum { TRIES = 16 };

struct zone {
    uint64_t start;
    uint64_t end;
};

/* Present in programs under the thread or memory sanitizer. Their mmap silently takes another
 * address for one that they own, 0 even, where a privileged process then fails. */
extern void __tsan_init(void) __attribute__((weak));
extern void __msan_init(void) __attribute__((weak));

static int zone_is_owned(void)
{
    return __tsan_init != NULL || __msan_init != NULL;
}

/* The stack lies just below the end of user space, which has 39 bits at least. Where that is too
 * low for the zone, its third quarter serves. A lower stack was put there by valgrind. */
static struct zone zone_here(void)
{
    int on_stack;
    uint64_t top = UINT64_C(1) << (64 - __builtin_clzll((uint64_t)(uintptr_t)&on_stack));
    if (top > ZONE_END || top < UINT64_C(1) << 39)
        return (struct zone){ZONE_START, ZONE_END};
    return (struct zone){top / 2, top / 4 * 3};
}

static uint64_t random_in(struct zone zone, size_t length)
{
    uint64_t random = 0;
    uint64_t room = zone.end - zone.start;
    uint64_t places = length < room ? (room - length) / ALIGNMENT + 1 : 1;
    if (getentropy(&random, sizeof random) != 0)
        random = (uint64_t)(uintptr_t)&random * UINT64_C(0x9E3779B97F4A7C15);
    return zone.start + random % places * ALIGNMENT;
}

/* What another place may cure: the range is taken, or not allowed to us. */
static int try_elsewhere(int error)
{
    return error == EEXIST || error == EINVAL || error == EPERM || error == ENOMEM;
}

static void *map_in(struct zone zone, const struct shmpool_backend *backend,
                    const struct shmpool_object *object, size_t length)
{
    for (int i = 0; i < TRIES; i++) {
        uintptr_t place = (uintptr_t)random_in(zone, length);
        void *address = call_map(backend, object, (void *)place, length, 0);
        if (address != NULL || !try_elsewhere(errno))
            return address;
    }
    return NULL;
}

void *address_map_new(const struct shmpool_backend *backend, const struct shmpool_object *object,
                      size_t length)
{
    char size[ERROR_SIZE_TEXT];
    const struct zone fallback = {FALLBACK_START, FALLBACK_END};
    void *address = map_in(zone_is_owned() ? fallback : zone_here(), backend, object, length);
    if (address == NULL && try_elsewhere(errno))
        address = map_in(fallback, backend, object, length);
    /* Of ENOMEM the backend's own sentence tells more. */
    if (address == NULL && try_elsewhere(errno) && errno != ENOMEM)
        error_set(ENOMEM, "no free range of addresses was found for %s: ask for less",
                  error_size(size, length));
    return address;
}

static int is_owned(uintptr_t address)
{
    return zone_is_owned() && address >= ZONE_START && address < ZONE_END;
}

void *address_map_at(const struct shmpool_backend *backend, const struct shmpool_object *object,
                     void *address, size_t length, unsigned flags)
{
    char size[ERROR_SIZE_TEXT];
    char occupant[256];
    if (is_owned((uintptr_t)address)) {
        error_set(EADDRINUSE,
                  "the pool's address %p, %s long, belongs to the sanitizer of this program: make "
                  "the pool in a program that is built with the same",
                  address, error_size(size, length));
        return NULL;
    }
    void *mapped = call_map(backend, object, address, length, flags);
    if (mapped == NULL && errno == EEXIST)
        error_set(EADDRINUSE, "the pool's address %p, %s long, is occupied in this process by %s",
                  address, error_size(size, length),
                  occupant_of((uintptr_t)address, length, occupant, sizeof occupant));
    return mapped;
}
