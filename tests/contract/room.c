/* Room: ENOSPC if and only if no run of that length is free.
 *
 * The model is one number a page: 0 free, else the block that holds it. Random allocations and
 * frees go to both; whatever the library answers must be what the model allows. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/contract.h"
#include "support/random.h"

enum { MAX_PAGES = 2100, MAX_BLOCKS = 2100 };

struct model_block {
    char *address; /* NULL: there is none */
    size_t first;
    size_t length;
};

struct model {
    shmpool_id pool;
    char *pages; /* of page 0 */
    size_t n_pages;
    unsigned holder[MAX_PAGES]; /* 0 or the block's index + 1 */
    struct model_block blocks[MAX_BLOCKS];
    size_t n_blocks; /* live ones; indexes below MAX_BLOCKS */
};

static struct model *model_new(size_t n_pages)
{
    struct model *model = calloc(1, sizeof *model);
    ck_assert_ptr_nonnull(model);
    model->pool = pool_new(n_pages);
    model->n_pages = n_pages;
    model->pages = shmpool_alloc(model->pool, pages(n_pages));
    ck_assert_ptr_nonnull(model->pages);
    ck_ok(shmpool_free(model->pool, model->pages));
    return model;
}

/* The longest run that starts at first. */
static size_t run_at(const struct model *model, size_t first)
{
    size_t end = first;
    while (end < model->n_pages && model->holder[end] == 0)
        end++;
    return end - first;
}

static bool is_aligned(const struct model *model, size_t first, size_t alignment)
{
    return ((uintptr_t)model->pages + pages(first)) % alignment == 0;
}

/* Whether the model has room at an aligned page. */
static bool has_room(const struct model *model, size_t n, size_t alignment)
{
    size_t run = 0;
    for (size_t i = model->n_pages; i-- > 0;) {
        run = model->holder[i] == 0 ? run + 1 : 0;
        if (run >= n && is_aligned(model, i, alignment))
            return true;
    }
    return false;
}

static size_t longest_run(const struct model *model)
{
    size_t longest = 0;
    for (size_t i = 0; i < model->n_pages; i += run_at(model, i) + 1)
        if (run_at(model, i) > longest)
            longest = run_at(model, i);
    return longest;
}

static size_t free_pages(const struct model *model)
{
    size_t n = 0;
    for (size_t i = 0; i < model->n_pages; i++)
        n += model->holder[i] == 0;
    return n;
}

static size_t unused_index(const struct model *model)
{
    size_t index = 0;
    while (model->blocks[index].address != NULL)
        index++;
    return index;
}

static void note_block(struct model *model, char *address, size_t n)
{
    size_t first = (size_t)(address - model->pages) / page();
    size_t index = unused_index(model);
    ck_assert_msg(run_at(model, first) >= n, "pages %zu+%zu are handed out twice", first, n);
    model->blocks[index] = (struct model_block){address, first, n};
    model->n_blocks++;
    for (size_t i = 0; i < n; i++) {
        model->holder[first + i] = (unsigned)index + 1;
        memcpy(address + pages(i), &index, sizeof index);
    }
}

static void model_alloc(struct model *model, size_t n, size_t alignment)
{
    bool room = has_room(model, n, alignment);
    errno = 0;
    char *block = alignment <= page() ? shmpool_alloc(model->pool, pages(n))
                                      : shmpool_alloc_aligned(model->pool, alignment, pages(n));
    if (block == NULL) {
        ck_assert_int_eq(errno, ENOSPC);
        ck_assert_msg(!room, "%zu pages at %zu: there is room: %s", n, alignment, shmpool_errmsg());
        return;
    }
    ck_assert(block >= model->pages && block + pages(n) <= model->pages + pages(model->n_pages));
    ck_assert_uint_eq((uintptr_t)block % alignment, 0);
    note_block(model, block, n);
}

static void model_free(struct model *model, size_t index)
{
    struct model_block *block = &model->blocks[index];
    for (size_t i = 0; i < block->length; i++) {
        ck_quiet(memcmp(block->address + pages(i), &index, sizeof index) == 0);
        model->holder[block->first + i] = 0;
    }
    ck_assert_int_eq(shmpool_size_at(model->pool, block->address), (ssize_t)pages(block->length));
    ck_ok(shmpool_free(model->pool, block->address));
    block->address = NULL;
    model->n_blocks--;
}

/* A live block, drawn at random; there is one. */
static size_t any_block(const struct model *model, struct random *random)
{
    size_t index = random_between(random, 0, MAX_BLOCKS - 1);
    while (model->blocks[index].address == NULL)
        index = (index + 1) % MAX_BLOCKS;
    return index;
}

static void ck_model_agrees(const struct model *model)
{
    struct shmpool_stats stats = stats_of(model->pool);
    ck_assert_uint_eq(stats.free, pages(free_pages(model)));
    ck_assert_uint_eq(stats.contiguous, pages(longest_run(model)));
    ck_assert_uint_eq(stats.blocks, model->n_blocks);
    ck_assert_int_eq(shmpool_check(model->pool, stderr), 0);
}

/* Any page: the library knows of a block there if and only if the model has one that starts. */
static void ck_look_up_agrees(const struct model *model, size_t at)
{
    size_t index = model->holder[at];
    bool starts = index != 0 && model->blocks[index - 1].first == at;
    ssize_t size = shmpool_size_at(model->pool, model->pages + pages(at));
    if (starts)
        ck_assert_int_eq(size, (ssize_t)pages(model->blocks[index - 1].length));
    else
        ck_assert_int_eq(size, -1);
}

static void model_end(struct model *model)
{
    for (size_t i = 0; i < MAX_BLOCKS; i++)
        if (model->blocks[i].address != NULL)
            model_free(model, i);
    ck_pool_is_whole(model->pool);
    pool_drop(model->pool);
    free(model);
}

struct mix {
    size_t n_pages;
    size_t longest; /* lengths of 1 to this */
    unsigned single_percent;
    unsigned alloc_percent;
    unsigned aligned_percent;
};

static const struct mix mixes[] = {
    {1, 2, 50, 60, 0},     {7, 4, 30, 60, 20},     {32, 32, 30, 60, 0},    {33, 33, 30, 60, 20},
    {64, 40, 20, 60, 20},  {100, 70, 50, 60, 20},  {200, 3, 50, 70, 0},    {511, 100, 30, 60, 20},
    {512, 32, 70, 60, 0},  {513, 200, 10, 60, 20}, {1500, 64, 50, 60, 10}, {1500, 600, 5, 60, 20},
    {2048, 1, 100, 60, 0}, {2048, 2, 80, 60, 0},   {2100, 32, 50, 55, 10}, {2100, 1300, 2, 50, 30},
};

enum { N_MIXES = sizeof mixes / sizeof mixes[0], N_STEPS = 4000 };

static size_t draw_length(const struct mix *mix, struct random *random)
{
    if (random_between(random, 1, 100) <= mix->single_percent)
        return 1;
    return random_between(random, 1, mix->longest);
}

static size_t draw_alignment(const struct mix *mix, struct random *random)
{
    if (random_between(random, 1, 100) > mix->aligned_percent)
        return 1;
    return page() << random_between(random, 0, 9);
}

static void step(struct model *model, const struct mix *mix, struct random *random)
{
    if (model->n_blocks == 0 || random_between(random, 1, 100) <= mix->alloc_percent)
        model_alloc(model, draw_length(mix, random), draw_alignment(mix, random));
    else
        model_free(model, any_block(model, random));
    ck_look_up_agrees(model, random_between(random, 0, model->n_pages - 1));
}

START_TEST(room_is_found_if_and_only_if_there_is_some)
{
    const struct mix *mix = &mixes[_i];
    struct random random = random_stream(random_seed(), (uint64_t)_i);
    struct model *model = model_new(mix->n_pages);
    for (int i = 0; i < N_STEPS; i++) {
        step(model, mix, &random);
        if (i % 50 == 0)
            ck_model_agrees(model);
    }
    ck_model_agrees(model);
    model_end(model);
}
END_TEST

static void ck_says_number(size_t bytes)
{
    char number[32];
    snprintf(number, sizeof number, "%zu", bytes);
    ck_says(number);
}

enum { FULL = 1000 };

static void fill_with_single_pages(shmpool_id pool, char *block[FULL])
{
    for (int i = 0; i < FULL; i++) {
        block[i] = shmpool_alloc(pool, 1);
        ck_assert_msg(block[i] != NULL, "page %d: %s", i, shmpool_errmsg());
    }
    ck_fails_null(shmpool_alloc(pool, 1), ENOSPC);
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (char *const *)a;
    uintptr_t y = (uintptr_t) * (char *const *)b;
    return (x > y) - (x < y);
}

START_TEST(holes_of_one_page_do_not_make_room_for_two)
{
    static char *block[FULL];
    shmpool_id pool = pool_new(FULL);
    fill_with_single_pages(pool, block);
    qsort(block, FULL, sizeof block[0], by_address);
    for (int i = 0; i < FULL; i += 2)
        ck_ok(shmpool_free(pool, block[i]));
    ck_assert_uint_eq(stats_of(pool).free, pages(FULL / 2));
    ck_assert_uint_eq(stats_of(pool).contiguous, page());
    ck_fails_null(shmpool_alloc(pool, pages(2)), ENOSPC);
    ck_says_number(page());
    ck_says_number(pages(FULL / 2));
    ck_ok(shmpool_free(pool, block[501]));
    ck_assert_ptr_eq(shmpool_alloc(pool, pages(3)), block[500]);
    ck_fails_null(shmpool_alloc(pool, pages(2)), ENOSPC);
    for (int i = 0; i < FULL / 2 - 2; i++)
        ck_assert_msg(shmpool_alloc(pool, 1) != NULL, "hole %d: %s", i, shmpool_errmsg());
    ck_fails_null(shmpool_alloc(pool, 1), ENOSPC);
    pool_drop(pool);
}
END_TEST

START_TEST(any_two_neighbours_make_room_for_two)
{
    static char *block[FULL];
    shmpool_id pool = pool_new(FULL);
    fill_with_single_pages(pool, block);
    qsort(block, FULL, sizeof block[0], by_address);
    for (int i = 0; i + 1 < FULL; i++) {
        ck_ok(shmpool_free(pool, block[i]));
        ck_ok(shmpool_free(pool, block[i + 1]));
        ck_assert_ptr_eq(shmpool_alloc(pool, pages(2)), block[i]);
        ck_fails_null(shmpool_alloc(pool, 1), ENOSPC);
        ck_ok(shmpool_free(pool, block[i]));
        ck_assert_ptr_nonnull(shmpool_alloc(pool, 1));
        ck_assert_ptr_nonnull(shmpool_alloc(pool, 1));
    }
    pool_drop(pool);
}
END_TEST

START_TEST(the_sentence_names_what_was_asked_and_what_there_is)
{
    shmpool_id pool = pool_new(100);
    ck_assert_ptr_nonnull(shmpool_alloc(pool, pages(30)));
    ck_fails_null(shmpool_alloc(pool, pages(71)), ENOSPC);
    ck_says_number(pages(71));
    ck_says_number(stats_of(pool).contiguous);
    ck_says_number(stats_of(pool).free);
    pool_drop(pool);
}
END_TEST

TCase *room_case(void)
{
    TCase *tcase = contract_case("room");
    tcase_add_loop_test(tcase, room_is_found_if_and_only_if_there_is_some, 0, N_MIXES);
    tcase_add_test(tcase, holes_of_one_page_do_not_make_room_for_two);
    tcase_add_test(tcase, any_two_neighbours_make_room_for_two);
    tcase_add_test(tcase, the_sentence_names_what_was_asked_and_what_there_is);
    return tcase;
}
