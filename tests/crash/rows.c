/* Processes come and die: the table of a pool's processes keeps room for the next ones.
 *
 * Full of the dead: several processes come at once, and the one that is first to find out gives all
 * rows back while the others look. Nobody is refused. In the long run: workers die one after the
 * other and what they left is reclaimed, and the table does not become longer. */
#include <sched.h>
#include <shmpool.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/members.h"
#include "family/members.h"
#include "family/pools.h"
#include "support/child.h"

enum { ROUNDS = 20, AT_ONCE = 8, LIVES = 300, FEW_ROWS = 4 };

struct scene {
    shmpool_id id;
    size_t page;
    _Atomic int n_waiting;
    _Atomic int go;
};

static const struct view *view_of(const struct scene *scene)
{
    return &pools_find(scene->id)->view;
}

static int own_and_die(void *arg)
{
    const struct scene *scene = arg;
    CHILD_CHECK(shmpool_alloc(scene->id, scene->page) != NULL);
    _exit(0);
}

static int wait_and_use(void *arg)
{
    struct scene *scene = arg;
    atomic_fetch_add(&scene->n_waiting, 1);
    while (atomic_load(&scene->go) == 0)
        sched_yield();
    void *block = shmpool_alloc(scene->id, scene->page);
    CHILD_CHECK(block != NULL);
    CHILD_CHECK(shmpool_free(scene->id, block) == 0);
    return 0;
}

/* The ident of a process that has died, from the row that it took. */
static uint64_t dead_ident(struct scene *scene)
{
    pid_t pid = child_start(own_and_die, scene);
    const struct view *view = view_of(scene);
    if (!child_ok(child_wait(pid)))
        exit(EXIT_FAILURE);
    for (uint32_t row = 1; row <= members_rows_mark(view); row++)
        if (ident_pid(atomic_load(&view->rows[row].ident)) == (uint32_t)pid)
            return atomic_load(&view->rows[row].ident);
    exit(EXIT_FAILURE);
}

/* As if that many processes had come and died, none of which owns anything. */
static void fill_rows(const struct view *view, uint64_t ident)
{
    for (uint32_t row = 1; row <= view->n_rows; row++)
        if (atomic_load(&view->rows[row].ident) == 0)
            atomic_store(&view->rows[row].ident, ident);
    atomic_store(&view->header->rows_mark, view->n_rows);
}

static int come_at_once(struct scene *scene)
{
    pid_t pids[AT_ONCE];
    int n_refused = 0;
    atomic_store(&scene->go, 0);
    atomic_store(&scene->n_waiting, 0);
    for (int i = 0; i < AT_ONCE; i++)
        pids[i] = child_start(wait_and_use, scene);
    while (atomic_load(&scene->n_waiting) < AT_ONCE)
        sched_yield();
    atomic_store(&scene->go, 1);
    for (int i = 0; i < AT_ONCE; i++)
        n_refused += !child_ok(child_wait(pids[i]));
    return n_refused;
}

static int go_through_full_tables(struct scene *scene)
{
    int n_refused = 0;
    uint64_t ident = dead_ident(scene);
    for (int i = 0; i < ROUNDS; i++) {
        fill_rows(view_of(scene), ident);
        n_refused += come_at_once(scene);
    }
    return n_refused;
}

static uint32_t go_through_lives(struct scene *scene)
{
    for (int i = 0; i < LIVES; i++) {
        pid_t pid = child_start(own_and_die, scene);
        if (!child_ok(child_wait(pid)) || shmpool_reclaim(scene->id, pid) != (ssize_t)scene->page)
            exit(EXIT_FAILURE);
    }
    return members_rows_mark(view_of(scene));
}

int main(void)
{
    struct scene *scene =
        mmap(NULL, sizeof *scene, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (scene == MAP_FAILED)
        return EXIT_FAILURE;
    scene->page = (size_t)sysconf(_SC_PAGESIZE);
    scene->id = shmpool_create(AT_ONCE * 2 * scene->page, NULL);
    if (scene->id < 0 || shmpool_unlink(scene->id) != 0)
        return EXIT_FAILURE;
    uint32_t longest = go_through_lives(scene);
    int n_refused = go_through_full_tables(scene);
    printf("crash/rows: lives=%d rows=%u full_tables=%d processes=%d refused=%d\n", LIVES, longest,
           ROUNDS, ROUNDS * AT_ONCE, n_refused);
    return longest <= FEW_ROWS && n_refused == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
