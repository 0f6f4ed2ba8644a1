/* stat: all values of one pool, and its free runs by length.
 *
 * One percentage of fragmentation misleads: whether an allocation finds room is a matter of the
 * lengths of the free runs. So they are counted by powers of two. */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "pool_cells.h"
#include "pools.h"
#include "say.h"
#include "verbs.h"

enum { POWERS = 64, BAR = 40 };

/* Runs of 2^i up to 2^(i+1)-1 pages. */
struct histogram {
    size_t runs[POWERS];
    size_t pages[POWERS];
};

static int count_run(const struct shmpool_run *run, void *arg)
{
    struct histogram *histogram = arg;
    if (run->kind != SHMPOOL_FREE)
        return 0;
    unsigned power = 63 - (unsigned)__builtin_clzll(run->pages);
    histogram->runs[power]++;
    histogram->pages[power] += run->pages;
    return 0;
}

/* ---- for people ---- */

static void print_values(const struct request *request, const struct seen *seen)
{
    struct choice choice = columns_choose(pool_columns, request->output, true);
    for (size_t i = 0; i < choice.n; i++) {
        const struct column *column = &pool_columns[choice.column[i]];
        struct cell cell = {.is_there = false};
        pool_cell(seen, choice.column[i], &cell);
        if (cell.is_there)
            printf("%-9s %s\n", column->name, cell_read(&cell, column->kind, request->bytes));
    }
}

static void print_size(size_t bytes, const struct request *request)
{
    struct cell cell;
    cell_number(&cell, bytes);
    printf(" %8s", cell_read(&cell, COLUMN_BYTES, request->bytes));
}

static void print_histogram(const struct request *request, const struct histogram *histogram,
                            size_t page)
{
    static const char bar[BAR + 1] = "########################################";
    size_t most = 1;
    for (int i = 0; i < POWERS; i++)
        most = histogram->pages[i] > most ? histogram->pages[i] : most;
    printf("\nfree runs of     up to     runs    bytes\n");
    for (int i = 0; i < POWERS; i++) {
        if (histogram->runs[i] == 0)
            continue;
        print_size(page << i, request);
        print_size((page << i << 1) - page, request);
        printf(" %8zu", histogram->runs[i]);
        print_size(histogram->pages[i] * page, request);
        printf(" %.*s\n", (int)(1 + histogram->pages[i] * (BAR - 1) / most), bar);
    }
}

/* ---- for programs ---- */

static void write_values(const struct request *request, const struct seen *seen)
{
    struct choice choice = columns_choose(pool_columns, request->output, true);
    for (size_t i = 0; i < choice.n; i++) {
        struct cell cell = {.is_there = false};
        pool_cell(seen, choice.column[i], &cell);
        json_cell(&pool_columns[choice.column[i]], &cell);
    }
}

static void write_histogram(const struct histogram *histogram, size_t page)
{
    json_array("free_runs");
    for (int i = 0; i < POWERS; i++) {
        if (histogram->runs[i] == 0)
            continue;
        json_object(NULL);
        json_number("from", page << i);
        json_number("to", (page << i << 1) - page);
        json_number("runs", histogram->runs[i]);
        json_number("bytes", histogram->pages[i] * page);
        json_object_end();
    }
    json_array_end();
}

static void show(const struct request *request, const struct seen *seen,
                 const struct histogram *histogram)
{
    if (request->json) {
        json_object(NULL);
        write_values(request, seen);
        if (seen->has_stats)
            write_histogram(histogram, seen->stats.page_size);
        json_object_end();
    } else {
        print_values(request, seen);
        if (seen->has_stats && request->output == NULL)
            print_histogram(request, histogram, seen->stats.page_size);
    }
}

/* A pool that cannot be opened is shown as far as it is known. */
int verb_stat(const struct request *request)
{
    struct histogram histogram = {0};
    const struct seen *found = pools_find(request->operands[0]);
    if (found == NULL)
        return STATUS_FOUND;
    struct seen seen = *found;
    shmpool_id pool = pools_open(&seen);
    seen.has_stats = pool > 0 && shmpool_stats(pool, &seen.stats) == 0;
    if (seen.has_stats)
        shmpool_runs(pool, count_run, &histogram);
    show(request, &seen, &histogram);
    return say_ended(seen.has_stats ? STATUS_FINE : STATUS_FOUND);
}
