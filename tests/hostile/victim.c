#include "hostile/victim.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/members.h"
#include "core/view.h"
#include "hostile/population.h"
#include "support/child.h"
#include "support/leftover.h"

static size_t page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- what is said ---- */

void victim_forget(void)
{
    CHILD_CHECK(shmpool_size_at(-7, NULL) == -1 && errno == EBADF);
    errno = 0;
}

void victim_check_refusal(void)
{
    static const int known[] = {EINVAL,  EBADF,  EACCES, EROFS,        ENOENT,    ENOSPC,
                                ENOMEM,  EEXIST, EBUSY,  EADDRINUSE,   ENOTSUP,   EUCLEAN,
                                EDEADLK, EAGAIN, ESRCH,  ENAMETOOLONG, ETIMEDOUT, EMFILE};
    int code = errno;
    int found = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        found |= code == known[i];
    CHILD_CHECK(found);
    CHILD_CHECK(strstr(shmpool_errmsg(), "no pool -7") == NULL);
}

static void check_result(int succeeded)
{
    if (!succeeded)
        victim_check_refusal();
}

/* ---- the kinds ---- */

const unsigned victim_kinds[VICTIM_KINDS] = {0, SHMPOOL_ZERO, SHMPOOL_AUTOTRIM,
                                             SHMPOOL_ZERO | SHMPOOL_AUTOTRIM};

/* Other bits than those by which the mills choose. */
unsigned victim_kind_for(const struct damage *damage)
{
    return (unsigned)(damage->operations >> 32) % VICTIM_KINDS;
}

static bool loses_pages(const struct victim *victim)
{
    return (victim->flags & (SHMPOOL_ZERO | SHMPOOL_AUTOTRIM)) != 0;
}

bool victim_on_sysv(void)
{
    const char *backend = getenv("SHMPOOL_BACKEND");
    return backend != NULL && strcmp(backend, "sysv") == 0;
}

/* ---- making ---- */

/* Joins the pool and ends without giving its place back. */
static int die_as_member(void *arg)
{
    const struct victim *victim = arg;
    void *block = shmpool_alloc(victim->id, 1);
    CHILD_CHECK(block != NULL && shmpool_free(victim->id, block) == 0);
    fflush(NULL);
    _exit(0);
}

static void *mark_of(const struct victim *victim, size_t number)
{
    return victim->base + victim->layout.pages_offset + (number + 1) * page() - sizeof(size_t);
}

static void mark_pages(const struct victim *victim)
{
    for (size_t i = 0; i < POPULATION_PAGES; i++)
        memcpy(mark_of(victim, i), &i, sizeof i);
}

void victim_check_marks(const struct victim *victim)
{
    const size_t gone = 0;
    for (size_t i = 0; i < POPULATION_PAGES; i++) {
        const void *mark = mark_of(victim, i);
        CHILD_CHECK(memcmp(mark, &i, sizeof i) == 0 ||
                    (loses_pages(victim) && memcmp(mark, &gone, sizeof gone) == 0));
    }
    if (loses_pages(victim) && !victim->readonly)
        mark_pages(victim);
}

static void fence(char *at)
{
    CHILD_CHECK(mmap(at, page(), PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1,
                     0) == at);
}

static void populate(const struct victim *victim)
{
    struct view view;
    view_init(&view, &victim->layout, victim->base);
    CHILD_CHECK(atomic_load(&view.header->slots_mark) == 2);
    CHILD_CHECK(atomic_load(&view.header->rows_mark) == 2);
    const struct population population = {
        .alive = atomic_load(&view.slots[0].ident),
        .alive_row = atomic_load(&view.slots[0].row),
        .dead = atomic_load(&view.slots[1].ident),
        .dead_row = atomic_load(&view.slots[1].row),
        .where = view.pages,
    };
    CHILD_CHECK(ident_pid(population.alive) == (uint32_t)getpid());
    population_settle(&view, &population);
    if (loses_pages(victim)) /* all of them have been used */
        memset(victim->base + victim->layout.used_offset, 0xff,
               victim->layout.n_words * sizeof(uint32_t));
}

void victim_layout(struct layout *layout)
{
    CHILD_CHECK(layout_compute(layout, page(), POPULATION_MAX_PAGES) == 0);
}

void victim_make(struct victim *victim, const char *name, unsigned flags)
{
    struct shmpool_options options = {
        .name = name, .max_size = POPULATION_MAX_PAGES * page(), .flags = flags};
    victim->flags = flags;
    victim_layout(&victim->layout);
    victim->id = shmpool_create(POPULATION_PAGES * page(), &options);
    CHILD_CHECK(victim->id > 0);
    victim->name = shmpool_name(victim->id);
    char *block = shmpool_alloc(victim->id, 1);
    CHILD_CHECK(block != NULL && shmpool_free(victim->id, block) == 0);
    victim->base = block - victim->layout.pages_offset;
    CHILD_CHECK(memcmp(victim->base, "shmpool", 8) == 0);
    CHILD_CHECK(child_ok(child_run(die_as_member, victim)));
    fence(victim->base - page());
    fence(victim->base + victim->layout.mapping_size);
    mark_pages(victim);
    populate(victim);
    CHILD_CHECK(shmpool_check(victim->id, stderr) == 0);
    victim->image = malloc(victim->layout.pages_offset);
    CHILD_CHECK(victim->image != NULL);
    memcpy(victim->image, victim->base, victim->layout.pages_offset);
}

void victim_restore(const struct victim *victim, char *tables)
{
    memcpy(tables, victim->image, victim->layout.pages_offset);
}

void victim_drop(struct victim *victim)
{
    victim_restore(victim, victim->base);
    CHILD_CHECK(shmpool_unlink(victim->id) == 0);
    CHILD_CHECK(shmpool_release(victim->id) == 0);
    munmap(victim->base - page(), page());
    munmap(victim->base + victim->layout.mapping_size, page());
    free(victim->image);
}

/* ---- using ---- */

static uint64_t draw(struct random *random, uint64_t n)
{
    return random_between(random, 0, n - 1);
}

/* Mostly a page of the pool, sometimes any other address. */
static char *draw_address(const struct victim *victim, struct random *random)
{
    char *pages = victim->base + victim->layout.pages_offset;
    uint64_t choice = draw(random, 8);
    if (choice < 3)
        return pages + population_blocks[draw(random, POPULATION_BLOCKS)] * page();
    if (choice < 6)
        return pages + draw(random, POPULATION_MAX_PAGES + 1) * page();
    if (choice == 6)
        return pages + draw(random, POPULATION_PAGES * page());
    return (char *)(uintptr_t)random_next(random);
}

/* A System V segment has its largest size from the start. */
static size_t pages_there(void)
{
    return victim_on_sysv() ? POPULATION_MAX_PAGES : POPULATION_PAGES;
}

/* A block lies in pages that are there, and nowhere else. */
static void check_block(const struct victim *victim, const char *block, size_t size, size_t align)
{
    const char *pages = victim->base + victim->layout.pages_offset;
    CHILD_CHECK(block >= pages && (uintptr_t)block % (align > page() ? align : page()) == 0);
    CHILD_CHECK(size <= pages_there() * page());
    CHILD_CHECK((size_t)(block - pages) <= pages_there() * page() - size);
}

static void allocate(const struct victim *victim, struct random *random)
{
    const size_t sizes[] = {
        0,           1,           page(),       page() + 1,   20 * page(),   32 * page(),
        33 * page(), 70 * page(), 300 * page(), 481 * page(), 1100 * page(), SIZE_MAX};
    const size_t aligns[] = {0, 0, 0, page(), 2 * page(), 64 * page(), (size_t)1 << 40, 3};
    size_t size = sizes[draw(random, sizeof sizes / sizeof sizes[0])];
    size_t align = aligns[draw(random, sizeof aligns / sizeof aligns[0])];
    char *block = align == 0 ? shmpool_alloc(victim->id, size)
                             : shmpool_alloc_aligned(victim->id, align, size);
    check_result(block != NULL);
    if (block != NULL)
        check_block(victim, block, size, align);
}

static void look_up(const struct victim *victim, struct random *random)
{
    char *address = draw_address(victim, random);
    ssize_t size = shmpool_size_at(victim->id, address);
    check_result(size >= 0);
    if (size >= 0)
        check_block(victim, address, (size_t)size, 1);
    shmpool_id of = shmpool_of(address);
    check_result(of > 0);
    CHILD_CHECK(of < 0 || of == victim->id);
}

static void publish(const struct victim *victim, struct random *random)
{
    char *pages = victim->base + victim->layout.pages_offset;
    char *where = draw(random, 3) == 0 ? draw_address(victim, random) : pages;
    if ((uintptr_t)where % page() != 0)
        where = pages + 3; /* unaligned; and away from the marks */
    if (where == pages && !victim->readonly)
        memset(pages, 0, sizeof(void *));
    check_result(shmpool_publish(victim->id, draw_address(victim, random), where) == 0);
}

static void look_inside(const struct victim *victim)
{
    struct shmpool_stats stats;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CHILD_CHECK(out != NULL);
    CHILD_CHECK(shmpool_stats(victim->id, &stats) == 0);
    CHILD_CHECK(stats.contiguous <= stats.free && stats.free <= stats.total);
    CHILD_CHECK(stats.total <= pages_there() * page() && stats.members <= LAYOUT_SLOTS);
    CHILD_CHECK(shmpool_check(victim->id, out) >= 0);
    CHILD_CHECK(shmpool_dump(victim->id, out) == 0);
    fclose(out);
    free(text);
}

static void set_root(const struct victim *victim, struct random *random)
{
    char *root = draw(random, 2) ? draw_address(victim, random) : NULL;
    check_result(shmpool_set_root(victim->id, root) == 0);
    root = shmpool_root(victim->id);
    check_result(root != NULL);
    if (root != NULL)
        check_block(victim, root - (uintptr_t)root % page(), 0, 1);
}

static void recover(const struct victim *victim, struct random *random)
{
    check_result(shmpool_recover(victim->id) == 0);
    if (draw(random, 4) == 0)
        check_result(shmpool_reclaim(victim->id, draw(random, 2) ? 0 : getpid()) >= 0);
}

/* ---- others ---- */

static int allocate_a_little(void *arg)
{
    const struct victim *victim = arg;
    for (size_t n = 1; n < 100; n += 33) {
        void *block = shmpool_alloc(victim->id, n * page());
        if (block != NULL)
            check_block(victim, block, n * page(), 1);
        if (block == NULL || shmpool_free(victim->id, block) != 0)
            victim_check_refusal();
    }
    return 0;
}

static void *be_a_thread(void *arg)
{
    allocate_a_little(arg);
    return NULL;
}

static void start_thread(const struct victim *victim)
{
    pthread_t thread;
    CHILD_CHECK(pthread_create(&thread, NULL, be_a_thread, (void *)(uintptr_t)victim) == 0);
    pthread_join(thread, NULL);
}

static void start_worker(const struct victim *victim)
{
    int status = -1;
    shmpool_worker worker = shmpool_start(allocate_a_little, (void *)(uintptr_t)victim, NULL);
    CHILD_CHECK(worker > 0);
    CHILD_CHECK(shmpool_join(worker, &status, -1) == 0 && child_ok(status));
}

void victim_use(const struct victim *victim, struct random *random)
{
    uint64_t choice = draw(random, 64);
    victim_forget();
    if (choice < 20)
        allocate(victim, random);
    else if (choice < 36)
        check_result(shmpool_free(victim->id, draw_address(victim, random)) == 0);
    else if (choice < 42)
        look_up(victim, random);
    else if (choice < 47)
        publish(victim, random);
    else if (choice < 50)
        set_root(victim, random);
    else if (choice < 56)
        recover(victim, random);
    else if (choice < 60)
        look_inside(victim);
    else if (choice < 63)
        start_thread(victim);
    else if (draw(random, 8) == 0)
        start_worker(victim);
    else if (loses_pages(victim))
        check_result(shmpool_trim(victim->id) >= 0);
}
