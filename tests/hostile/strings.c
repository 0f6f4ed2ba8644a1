#include "hostile/strings.h"

#include <errno.h>
#include <shmpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostile/model.h"

#define AGREE(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: library and model differ: %s (errno %d: %s)\n", __FILE__,      \
                    __LINE__, #condition, errno, shmpool_errmsg());                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct string {
    const uint8_t *bytes;
    size_t left;
};

struct pool {
    shmpool_id id;
    char *pages; /* address of the first one */
};

struct play {
    struct string string;
    shmpool_id pool;
    char *pages;
    size_t page_size;
    bool zeroes;
    char *root;
    struct model model;
};

/* Zeroes follow the end. */
static size_t next_byte(struct string *string)
{
    if (string->left == 0)
        return 0;
    string->left--;
    return *string->bytes++;
}

static size_t next_two(struct string *string)
{
    size_t high = next_byte(string);
    return high << 8 | next_byte(string);
}

static char *address_of(const struct play *play, size_t page)
{
    return play->pages + page * play->page_size;
}

/* ---- the operations ---- */

/* Bytes that make the wanted number of pages, not always a multiple of them. */
static size_t next_size(struct play *play)
{
    size_t pages = next_two(&play->string) % (MODEL_PAGES + 20);
    size_t less = next_byte(&play->string);
    return pages == 0 ? 0 : pages * play->page_size - less;
}

/* Zero in a pool of zeroes; then its end is soiled, for the next one there. */
static void expect_zeroes(const struct play *play, char *block, size_t n_pages)
{
    static const char zeroes[8];
    char *last = block + n_pages * play->page_size - sizeof zeroes;
    if (!play->zeroes)
        return;
    AGREE(memcmp(block, zeroes, sizeof zeroes) == 0 && memcmp(last, zeroes, sizeof zeroes) == 0);
    memset(last, 0xAA, sizeof zeroes);
}

static void expect_block(struct play *play, char *block, size_t size, size_t align)
{
    size_t n = (size + play->page_size - 1) / play->page_size;
    if (block == NULL) {
        AGREE(errno == ENOSPC && !model_has_room(&play->model, n, align));
        return;
    }
    AGREE(block >= play->pages && (size_t)(block - play->pages) % play->page_size == 0);
    size_t page = (size_t)(block - play->pages) / play->page_size;
    AGREE((page + play->model.phase) % align == 0);
    AGREE(model_take(&play->model, page, n));
    expect_zeroes(play, block, n);
}

static void allocate(struct play *play)
{
    size_t size = next_size(play);
    errno = 0;
    char *block = shmpool_alloc(play->pool, size);
    if (size == 0)
        AGREE(block == NULL && errno == EINVAL);
    else
        expect_block(play, block, size, 1);
}

static void allocate_aligned(struct play *play)
{
    size_t align = (size_t)1 << next_byte(&play->string) % 26;
    size_t size = next_size(play);
    errno = 0;
    char *block = shmpool_alloc_aligned(play->pool, align, size);
    if (size == 0)
        AGREE(block == NULL && errno == EINVAL);
    else
        expect_block(play, block, size, align > play->page_size ? align / play->page_size : 1);
}

static void free_block(struct play *play)
{
    size_t page = model_block(&play->model, next_two(&play->string));
    if (page == play->model.n_pages)
        return;
    AGREE(shmpool_size_at(play->pool, address_of(play, page)) ==
          (ssize_t)(play->model.length[page] * play->page_size));
    AGREE(shmpool_free(play->pool, address_of(play, page)) == 0);
    model_free(&play->model, page);
}

/* Any page, and sometimes an address inside of it. */
static void free_anything(struct play *play)
{
    size_t page = next_two(&play->string) % (MODEL_PAGES + 2);
    size_t offset = next_byte(&play->string) % 4;
    char *address = address_of(play, page) + offset;
    int is_block = offset == 0 && page < play->model.n_pages && play->model.length[page] > 0;
    errno = 0;
    if (shmpool_free(play->pool, address) == 0) {
        AGREE(is_block);
        model_free(&play->model, page);
    } else {
        AGREE(!is_block && errno == ENOENT);
    }
}

static void look_up(struct play *play)
{
    size_t page = next_two(&play->string) % (MODEL_PAGES + 2);
    size_t length = page < play->model.n_pages ? play->model.length[page] : 0;
    errno = 0;
    ssize_t size = shmpool_size_at(play->pool, address_of(play, page));
    AGREE(length > 0 ? size == (ssize_t)(length * play->page_size) : size == -1 && errno == ENOENT);
    AGREE((shmpool_of(address_of(play, page)) == play->pool) == (page < play->model.n_pages));
}

static void publish(struct play *play)
{
    size_t page = model_block(&play->model, next_two(&play->string));
    size_t place = model_block(&play->model, next_byte(&play->string));
    void *where;
    if (page == play->model.n_pages)
        return;
    memcpy(&where, address_of(play, place), sizeof where);
    errno = 0;
    int result = shmpool_publish(play->pool, address_of(play, page), address_of(play, place));
    AGREE(where == NULL ? result == 0 : result == -1 && errno == EEXIST);
    memcpy(&where, address_of(play, place), sizeof where);
    AGREE(result != 0 || where == address_of(play, page));
    play->model.shared[page] = play->model.shared[page] || result == 0;
}

static void unlink_pointer(struct play *play)
{
    size_t place = model_block(&play->model, next_byte(&play->string));
    if (place < play->model.n_pages)
        memset(address_of(play, place), 0, sizeof(void *));
}

static void set_root(struct play *play)
{
    size_t page = next_two(&play->string) % (MODEL_PAGES + 2);
    char *root = page == 0 ? NULL : address_of(play, page) + next_byte(&play->string);
    errno = 0;
    int result = shmpool_set_root(play->pool, root);
    if (root != NULL && page >= play->model.n_pages)
        AGREE(result == -1 && errno == EINVAL);
    else if (root != NULL && play->root != NULL)
        AGREE(result == -1 && errno == EEXIST);
    else
        AGREE(result == 0);
    play->root = result == 0 ? root : play->root;
    AGREE(shmpool_root(play->pool) == play->root);
}

/* What this process owns it keeps: it lives. */
static void recover(struct play *play)
{
    AGREE(shmpool_recover(play->pool) == 0);
    AGREE(shmpool_reclaim(play->pool, 0) == 0);
}

/* ---- the play ---- */

static void compare(const struct play *play)
{
    struct shmpool_stats stats;
    AGREE(shmpool_stats(play->pool, &stats) == 0);
    AGREE(stats.total == play->model.n_pages * play->page_size);
    AGREE(stats.free == model_free_pages(&play->model) * play->page_size);
    AGREE(stats.contiguous == model_longest(&play->model) * play->page_size);
    AGREE(stats.blocks == model_blocks(&play->model));
}

/* The first byte says which pool it is. */
static const unsigned short sizes[] = {1, 2, 31, 32, 33, 64, 100, 511, 512, 513, 1100, 1200};
static const struct kind {
    const char *backend;
    unsigned flags;
} kinds[] = {{"memfd", 0},
             {"memfd", SHMPOOL_ZERO},
             {"memfd", SHMPOOL_AUTOTRIM},
             {"posix", SHMPOOL_ZERO | SHMPOOL_AUTOTRIM},
             {"sysv", SHMPOOL_ZERO | SHMPOOL_AUTOTRIM}};
enum { N_SIZES = sizeof sizes / sizeof sizes[0], N_KINDS = sizeof kinds / sizeof kinds[0] };

/* Under libFuzzer the pools, for the next string. What a string leaves of itself are
 * hints, so one that fails there may need those before it. */
static struct pool kept[N_SIZES * N_KINDS];
static bool keeps;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    keeps = true;
    return 0;
}

/* The whole pool as one block tells where the pages are. A name would stay after a failure. */
static struct pool make_pool(size_t size, const struct kind *kind)
{
    const struct shmpool_options options = {.backend = kind->backend, .flags = kind->flags};
    struct pool pool = {.id = shmpool_create(size, &options)};
    AGREE(pool.id > 0 && shmpool_unlink(pool.id) == 0);
    pool.pages = shmpool_alloc(pool.id, size);
    AGREE(pool.pages != NULL && shmpool_free(pool.id, pool.pages) == 0);
    return pool;
}

static void begin(struct play *play)
{
    size_t number = next_byte(&play->string) % (N_SIZES * N_KINDS);
    const struct kind *kind = &kinds[number / N_SIZES];
    play->page_size = (size_t)sysconf(_SC_PAGESIZE);
    play->model.n_pages = sizes[number % N_SIZES];
    play->zeroes = (kind->flags & SHMPOOL_ZERO) != 0;
    struct pool pool = kept[number];
    if (pool.id == 0)
        pool = make_pool(play->model.n_pages * play->page_size, kind);
    if (keeps)
        kept[number] = pool;
    play->pool = pool.id;
    play->pages = pool.pages;
    play->model.phase = (uintptr_t)pool.pages / play->page_size;
}

static void end(struct play *play)
{
    for (size_t page = 0; page < play->model.n_pages; page++)
        if (play->model.length[page] > 0) {
            AGREE(shmpool_free(play->pool, address_of(play, page)) == 0);
            model_free(&play->model, page);
        }
    compare(play);
    AGREE(shmpool_check(play->pool, stderr) == 0);
    AGREE(keeps ? shmpool_set_root(play->pool, NULL) == 0 : shmpool_release(play->pool) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static void (*const operations[])(struct play *) = {
        allocate, allocate, free_block,     allocate_aligned, free_anything,
        look_up,  publish,  unlink_pointer, set_root,         recover};
    static struct play play;
    play = (struct play){.string = {bytes, size}};
    begin(&play);
    while (play.string.left > 0) {
        size_t operation = next_byte(&play.string);
        operations[operation % (sizeof operations / sizeof operations[0])](&play);
        compare(&play);
    }
    end(&play);
    return 0;
}
