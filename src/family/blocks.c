/* Blocks: what the core does for a page number, for addresses, sizes and IDs. The hot path is here:
 * between members_enter and members_leave there is no system call and no call into libc. */
#include <errno.h>
#include <sched.h>
#include <shmpool/pool.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "core/census.h"
#include "core/free.h"
#include "core/home.h"
#include "core/place.h"
#include "core/publish.h"
#include "core/used.h"
#include "family/members.h"
#include "family/pools.h"
#include "family/trimming.h"

enum { LOOKS = 100 }; /* for room, beside members in the middle of an operation */

/* What can help: freeing blocks only where the pool could ever hold this one. */
static void add_remedy(const struct pool *pool, size_t size, uint64_t n_pages)
{
    char most[ERROR_SIZE_TEXT];
    uint64_t max_size = pool->view.max_pages << pool->view.page_shift;
    if (size > max_size)
        error_add("; it never holds more than %s: create it larger", error_size(most, max_size));
    else if (n_pages == pool->view.max_pages)
        error_add("; free blocks, or create it larger");
    else
        error_add("; free blocks, or let it grow, to %s at most", error_size(most, max_size));
}

static void no_room(const struct pool *pool, size_t size, uint64_t align)
{
    char asked[ERROR_SIZE_TEXT], largest[ERROR_SIZE_TEXT], free[ERROR_SIZE_TEXT];
    char alignment[ERROR_SIZE_TEXT];
    struct census census;
    census_count(&pool->view, &census);
    error_set(ENOSPC,
              "pool %s has no contiguous %s%s%s: its largest free run is %s, free in total are %s",
              pool->name, error_size(asked, size), align > 1 ? " aligned to " : "",
              align > 1 ? error_size(alignment, align << pool->view.page_shift) : "",
              error_size(largest, census.largest << pool->view.page_shift),
              error_size(free, census.free << pool->view.page_shift));
    add_remedy(pool, size, census.pages);
}

static inline uint64_t place(struct pool *pool, uint64_t n, uint64_t align, struct look *look,
                             int *failed)
{
    struct member *member = members_enter(pool);
    *failed = member == NULL;
    if (member == NULL)
        return NO_PAGE;
    uint64_t page = place_block(&pool->view, &member->actor, n, align, look);
    members_leave(member);
    return page;
}

/* Most operations are over in no time; who gives memory back needs some tenths of a millisecond. */
static void wait_a_little(int look)
{
    const struct timespec nap = {.tv_nsec = 50000};
    if (look < LOOKS / 2)
        sched_yield();
    else
        nanosleep(&nap, NULL);
}

/* Before saying no: dead members' pages come back, and a living one may be about to give way. The
 * page, or NO_PAGE with errno. */
__attribute__((noinline)) static uint64_t place_at_last(struct pool *pool, size_t size, uint64_t n,
                                                        uint64_t align)
{
    struct look look;
    int recovered = 0;
    for (int i = 0; i < LOOKS; i++) {
        int failed;
        recovered = recovered || members_recover(pool);
        uint64_t page = place(pool, n, align, &look, &failed);
        if (page != NO_PAGE || failed)
            return page;
        if (recovered && !look.claimed)
            break;
        wait_a_little(i);
    }
    no_room(pool, size, align);
    return NO_PAGE;
}

/* Pages that were never used read as zeroes already. */
static void zero_pages(void *context, uint64_t page, uint64_t n)
{
    const struct pool *pool = context;
    if (pool->flags & SHMPOOL_ZERO)
        memset((void *)view_address_of(&pool->view, page), 0, n << pool->view.page_shift);
}

static inline void *alloc_pages(struct pool *pool, size_t size, uint64_t n, uint64_t align)
{
    struct look look;
    int failed;
    uint64_t page = place(pool, n, align, &look, &failed);
    if (page == NO_PAGE && !failed)
        page = place_at_last(pool, size, n, align);
    if (page == NO_PAGE)
        return NULL;
    if (pool->flags & POOL_KEEPS_USED)
        used_set(&pool->view, page, n, zero_pages, pool);
    return (void *)view_address_of(&pool->view, page);
}

static uint64_t pages_for(const struct pool *pool, size_t size)
{
    unsigned shift = pool->view.page_shift;
    return (size >> shift) + ((size & ((UINT64_C(1) << shift) - 1)) != 0);
}

/* Whether there was a page in the word that the last one came from. */
static inline int alloc_at_home(struct pool *pool, uint64_t *page)
{
    struct member *member = members_enter_again(pool);
    if (member == NULL)
        return 0;
    int done = home_alloc(&pool->view, &member->actor, page);
    members_leave_again();
    return done;
}

__attribute__((noinline)) static void *alloc_anywhere(shmpool_id id, size_t size)
{
    struct pool *pool = pools_find_writable(id);
    if (pool == NULL)
        return NULL;
    if (size == 0) {
        error_set(EINVAL, "a block of 0 bytes: the smallest has 1");
        return NULL;
    }
    return alloc_pages(pool, size, pages_for(pool, size), 1);
}

/* No registers are saved for what is rare: it is called last or not at all. */
void *shmpool_alloc(shmpool_id id, size_t size)
{
    struct pool *pool = pools_find_plain(id);
    uint64_t page;
    if (pool != NULL && (size - 1) >> pool->view.page_shift == 0 && alloc_at_home(pool, &page))
        return (void *)view_address_of(&pool->view, page);
    return alloc_anywhere(id, size);
}

void *shmpool_alloc_aligned(shmpool_id id, size_t alignment, size_t size)
{
    struct pool *pool = pools_find_writable(id);
    if (pool == NULL)
        return NULL;
    if (size == 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) {
        error_set(EINVAL,
                  "a block of %zu bytes aligned to %zu: the size is at least 1, the "
                  "alignment a power of two",
                  size, alignment);
        return NULL;
    }
    uint64_t align = alignment >> pool->view.page_shift;
    return alloc_pages(pool, size, pages_for(pool, size), align > 1 ? align : 1);
}

/* The pool may have grown. */
__attribute__((noinline)) static uint64_t page_at_last(struct pool *pool, const void *address)
{
    pools_refresh(pool);
    return view_page_at(&pool->view, (uintptr_t)address);
}

/* The page that begins at the address, or NO_PAGE. */
static inline uint64_t page_at(struct pool *pool, const void *address)
{
    uint64_t page = view_page_at(&pool->view, (uintptr_t)address);
    return page != NO_PAGE ? page : page_at_last(pool, address);
}

static int no_block(const struct pool *pool, const void *address)
{
    return error_set(ENOENT, "no live block of pool %s starts at %p", pool->name, address);
}

/* Whether it was a short block of this member. */
static inline int free_at_home(struct pool *pool, uint64_t page, struct home_freed *freed)
{
    struct member *member = members_enter_again(pool);
    if (member == NULL)
        return 0;
    int done = home_free(&pool->view, &member->actor, page, freed);
    members_leave_again();
    return done;
}

__attribute__((noinline)) static int free_anywhere(shmpool_id id, void *block)
{
    struct pool *pool = pools_find_writable(id);
    if (pool == NULL)
        return -1;
    uint64_t page = page_at(pool, block);
    if (page == NO_PAGE)
        return no_block(pool, block);
    struct member *member = members_enter(pool);
    if (member == NULL)
        return -1;
    uint64_t n = free_block(&pool->view, &member->actor, page);
    members_leave(member);
    if (n == 0)
        return no_block(pool, block);
    if (pool->flags & SHMPOOL_AUTOTRIM)
        trimming_freed(pool, page, n);
    return 0;
}

int shmpool_free(shmpool_id id, void *block)
{
    struct pool *pool = pools_find_plain(id);
    if (pool != NULL) {
        uint64_t page = view_page_from(&pool->view, (uintptr_t)block);
        struct home_freed freed;
        if (free_at_home(pool, page, &freed))
            return free_hint_inside(&pool->view, page, freed.free);
    }
    return free_anywhere(id, block);
}

/* Of a block that reaches the end of its second word, or none. */
__attribute__((noinline)) static ssize_t size_anywhere(shmpool_id id, const void *address)
{
    struct pool *pool = pools_find(id);
    if (pool == NULL)
        return -1;
    uint64_t page = page_at(pool, address);
    if (page == NO_PAGE || !view_is_first(&pool->view, page))
        return no_block(pool, address);
    uint64_t n = view_block_length(&pool->view, page);
    if (n > view_limit(&pool->view) - page)
        pools_refresh(pool);
    if (n > view_limit(&pool->view) - page)
        return error_set(EUCLEAN, "the block of pool %s at %p reaches beyond the pool's end",
                         pool->name, address);
    return (ssize_t)(n << pool->view.page_shift);
}

ssize_t shmpool_size_at(shmpool_id id, const void *address)
{
    const struct pool *pool = pools_find_mapped(id);
    if (pool != NULL) {
        uint64_t page = view_page_from(&pool->view, (uintptr_t)address);
        uint64_t n = view_length_in_two(&pool->view, page);
        if (n > 0)
            return (ssize_t)(n << pool->view.page_shift);
    }
    return size_anywhere(id, address);
}

shmpool_id shmpool_of(const void *address)
{
    struct pool *pool = pools_holding((uintptr_t)address, 1);
    /* A spawned program finds its grants at its first call, be it this one. */
    if (pool == NULL && process_era() == 0 && process_begin() == 0)
        pool = pools_holding((uintptr_t)address, 1);
    if (pool == NULL)
        return error_set(ENOENT, "no pool that is mapped in this process holds %p", address);
    return atomic_load(&pool->id);
}

/* The pointer's place: in a pool that this process may write. */
static int check_where(uintptr_t where)
{
    struct pool *pool = pools_holding(where, sizeof(void *));
    if (where % sizeof(void *) != 0 || pool == NULL)
        return error_set(EINVAL, "%p is not the aligned place of a pointer inside a pool",
                         (void *)where);
    if (pool->readonly)
        return error_set(EROFS,
                         "pool %s, which holds %p, is read-only in this process: leave it to a "
                         "process that has it in full",
                         pool->name, (void *)where);
    return 0;
}

int shmpool_publish(shmpool_id id, void *block, void *where)
{
    struct pool *pool = pools_find_writable(id);
    if (pool == NULL || check_where((uintptr_t)where) != 0)
        return -1;
    uint64_t page = page_at(pool, block);
    if (page == NO_PAGE)
        return no_block(pool, block);
    struct member *member = members_enter(pool);
    if (member == NULL)
        return -1;
    enum published published =
        publish_block(&pool->view, &member->actor, page, (_Atomic uintptr_t *)where);
    members_leave(member);
    if (published == PUBLISH_NO_BLOCK)
        return no_block(pool, block);
    return published == PUBLISHED ? 0 : error_set(EEXIST, "the pointer at %p is not NULL", where);
}
