/* who: the processes of a pool, what each owns, and what belongs to nobody. */
#include <stdio.h>
#include <string.h>

#include "pools.h"
#include "say.h"
#include "table.h"
#include "verbs.h"

enum { KIND, PID, LIFE, THREADS, BUSY, BLOCKS, SIZE, COMMAND, NUMBER };

const struct column who_columns[] = {
    [KIND] = {"KIND", COLUMN_TEXT, true, "process, shared (published), or pending (unfinished)"},
    [PID] = {"PID", COLUMN_COUNT, true, "its process ID"},
    [LIFE] = {"LIFE", COLUMN_TEXT, true, "alive, dead, or unknown (of another PID namespace)"},
    [THREADS] = {"THREADS", COLUMN_COUNT, true, "threads that have a place in the pool"},
    [BUSY] = {"BUSY", COLUMN_COUNT, true, "of these, in the middle of an operation"},
    [BLOCKS] = {"BLOCKS", COLUMN_COUNT, true, "blocks it owns"},
    [SIZE] = {"SIZE", COLUMN_BYTES, true, "and their bytes"},
    [COMMAND] = {"COMMAND", COLUMN_TEXT, true, "its program, while it lives"},
    [NUMBER] = {"NUMBER", COLUMN_COUNT, false, "its row in the pool's table of processes"},
    {0},
};

struct owner {
    const char *kind;
    size_t page_size;
    struct shmpool_process process; /* blocks and pages alone where it is no process */
};

/* A process gives itself any bytes for a name, and the system cuts it anywhere. */
static void make_plain(char *name)
{
    for (; *name != '\0'; name++)
        if (*name < ' ' || *name > '~')
            *name = '?';
}

static void command_cell(const struct shmpool_process *process, struct cell *cell)
{
    char path[40];
    char name[64] = "";
    snprintf(path, sizeof path, "/proc/%d/comm", (int)process->pid);
    FILE *file = process->life == SHMPOOL_ALIVE ? fopen(path, "re") : NULL;
    if (file != NULL && fgets(name, sizeof name, file) != NULL)
        name[strcspn(name, "\n")] = '\0';
    if (file != NULL)
        fclose(file);
    make_plain(name);
    cell_text(cell, name);
}

static void process_cell(const struct shmpool_process *process, size_t column, struct cell *cell)
{
    if (column == PID)
        cell_number(cell, (uint64_t)process->pid);
    if (column == LIFE)
        cell_text(cell, pools_life(process->life));
    if (column == THREADS)
        cell_number(cell, process->threads);
    if (column == BUSY)
        cell_number(cell, process->busy);
    if (column == COMMAND)
        command_cell(process, cell);
    if (column == NUMBER)
        cell_number(cell, process->process);
}

static void who_cell(const void *row, size_t column, struct cell *cell)
{
    const struct owner *owner = row;
    if (column == KIND)
        cell_text(cell, owner->kind);
    else if (column == BLOCKS)
        cell_number(cell, owner->process.blocks);
    else if (column == SIZE)
        cell_number(cell, owner->process.pages * owner->page_size);
    else if (owner->process.process != 0)
        process_cell(&owner->process, column, cell);
}

struct listing {
    struct table *table;
    struct owner shared, pending;
};

static int add_process(const struct shmpool_process *process, void *arg)
{
    struct listing *listing = arg;
    struct owner owner = {"process", listing->shared.page_size, *process};
    table_add(listing->table, &owner, who_cell);
    return 0;
}

static int count_run(const struct shmpool_run *run, void *arg)
{
    struct listing *listing = arg;
    struct owner *owner = run->ownership == SHMPOOL_SHARED ? &listing->shared : &listing->pending;
    if (run->kind == SHMPOOL_FREE || run->ownership == SHMPOOL_OWNED)
        return 0;
    owner->process.blocks += run->kind == SHMPOOL_BLOCK;
    owner->process.pages += run->pages;
    return 0;
}

static int list(struct listing *listing, shmpool_id pool)
{
    struct shmpool_stats stats;
    if (shmpool_stats(pool, &stats) != 0)
        return say_failure();
    listing->shared = (struct owner){.kind = "shared", .page_size = stats.page_size};
    listing->pending = (struct owner){.kind = "pending", .page_size = stats.page_size};
    if (shmpool_processes(pool, add_process, listing) != 0 ||
        shmpool_runs(pool, count_run, listing) != 0)
        return say_failure();
    if (listing->shared.process.pages > 0)
        table_add(listing->table, &listing->shared, who_cell);
    if (listing->pending.process.pages > 0)
        table_add(listing->table, &listing->pending, who_cell);
    return STATUS_FINE;
}

int verb_who(const struct request *request)
{
    struct listing listing = {.table = table_new(request, who_columns, "who")};
    const struct seen *seen = pools_find(request->operands[0]);
    shmpool_id pool = seen != NULL ? pools_open(seen) : -1;
    if (pool > 0 && list(&listing, pool) == STATUS_FINE)
        return table_print(listing.table) == 0 ? STATUS_FINE : STATUS_FOUND;
    table_end(listing.table);
    return STATUS_FOUND;
}
