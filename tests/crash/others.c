#include "crash/others.h"

#include <shmpool.h>
#include <stdio.h>

#include "crash/crash.h"

enum { N_SIZES = 3 };

static const uint64_t sizes[N_SIZES] = {1, 7, 40}; /* pages */

static void read_words(uint64_t words[ARENA_WORDS])
{
    for (uint64_t i = 0; i < ARENA_WORDS; i++)
        words[i] = view_word(arena.view, i);
}

/* Pages of the block that were not free in these words. */
static uint64_t not_free(const uint64_t words[ARENA_WORDS], uint64_t page, uint64_t n)
{
    uint64_t taken = 0;
    for (uint64_t index = word_at(page); index <= word_at(page + n - 1); index++)
        taken += mask_count(mask_in(index, page, n) & ~word_free(words[index]));
    return taken;
}

static void *take(uint64_t n, struct faults *faults)
{
    uint64_t before[ARENA_WORDS];
    read_words(before);
    void *block = shmpool_alloc(arena.id, n * arena.page);
    if (block == NULL)
        faults->blocked++;
    else
        faults->doubled += not_free(before, arena_page_of(block), n);
    return block;
}

static void give(void *block, uint64_t n, struct faults *faults)
{
    if (block == NULL)
        return;
    if (shmpool_size_at(arena.id, block) != (ssize_t)(n * arena.page) ||
        shmpool_free(arena.id, block) != 0)
        faults->doubled += n;
}

struct faults others_go_on_after(pid_t dead)
{
    struct faults faults = {0};
    void *blocks[N_SIZES];
    crash_watch("an operation beside the dead");
    for (int i = 0; i < N_SIZES; i++)
        blocks[i] = take(sizes[i], &faults);
    faults.blocked += shmpool_recover(arena.id) != 0;
    faults.blocked += shmpool_reclaim(arena.id, dead) < 0;
    faults.blocked += shmpool_grow(arena.id, ARENA_MOST_PAGES * arena.page) != 0;
    for (int i = 0; i < N_SIZES; i++)
        give(blocks[i], sizes[i], &faults);
    faults.disorder += shmpool_check(arena.id, stderr) != 0;
    crash_watch(NULL);
    return faults;
}

struct faults others_work(int times)
{
    struct faults faults = {0};
    crash_watch("an operation beside one that stands still");
    for (int i = 0; i < times; i++) {
        void *shorter = take(sizes[0], &faults);
        void *longer = take(sizes[N_SIZES - 1], &faults);
        give(shorter, sizes[0], &faults);
        give(longer, sizes[N_SIZES - 1], &faults);
    }
    crash_watch(NULL);
    return faults;
}
