#include "pool_cells.h"

#include <pwd.h>
#include <stdio.h>

#include "pools.h"

enum {
    NAME,
    BACKEND,
    SIZE,
    USED,
    LARGEST,
    BLOCKS,
    MEMBERS,
    CREATOR,
    STATE,
    FREE,
    MAX,
    PAGE,
    OBJECT,
    TABLES,
    LIFE,
    HOLDER,
    HOLDERS,
    USER,
    MODE,
    FLAGS,
    ADDRESS,
    HANDLE,
    WHERE,
    WHY
};

const struct column pool_columns[] = {
    [NAME] = {"NAME", COLUMN_TEXT, true, "its name, as other verbs take it"},
    [BACKEND] = {"BACKEND", COLUMN_TEXT, true, "posix, sysv, memfd"},
    [SIZE] = {"SIZE", COLUMN_BYTES, true, "what blocks can take"},
    [USED] = {"USED", COLUMN_BYTES, true, "what blocks take"},
    [LARGEST] = {"LARGEST", COLUMN_BYTES, true, "the longest free run"},
    [BLOCKS] = {"BLOCKS", COLUMN_COUNT, true, "live blocks"},
    [MEMBERS] = {"MEMBERS", COLUMN_COUNT, true, "threads that have a place in it"},
    [CREATOR] = {"CREATOR", COLUMN_COUNT, true, "process ID of who made it"},
    [STATE] = {"STATE", COLUMN_TEXT, true, "live, idle, orphan, damaged and others: see below"},
    [FREE] = {"FREE", COLUMN_BYTES, false, "what is free"},
    [MAX] = {"MAX", COLUMN_BYTES, false, "the limit of its growth"},
    [PAGE] = {"PAGE", COLUMN_BYTES, false, "its page size"},
    [OBJECT] = {"OBJECT", COLUMN_BYTES, false, "size of the whole object"},
    [TABLES] = {"TABLES", COLUMN_BYTES, false, "of that, what is not for blocks"},
    [LIFE] = {"LIFE", COLUMN_TEXT, false, "of the creator: alive, dead, unknown"},
    [HOLDER] = {"HOLDER", COLUMN_COUNT, false, "one process that has it"},
    [HOLDERS] = {"HOLDERS", COLUMN_COUNT, false, "how many processes are seen to have it mapped"},
    [USER] = {"USER", COLUMN_TEXT, false, "whose object it is"},
    [MODE] = {"MODE", COLUMN_TEXT, false, "permission bits"},
    [FLAGS] = {"FLAGS", COLUMN_TEXT, false, "what it was created with"},
    [ADDRESS] = {"ADDRESS", COLUMN_TEXT, false, "where every process maps it"},
    [HANDLE] = {"HANDLE", COLUMN_TEXT, false, "backend and name"},
    [WHERE] = {"WHERE", COLUMN_TEXT, false, "the object, for the system's own tools"},
    [WHY] = {"WHY", COLUMN_TEXT, false, "why it is no sound pool, or cannot be looked into"},
    {0},
};

static void figure_cell(const struct shmpool_stats *stats, size_t column, struct cell *cell)
{
    const uint64_t values[] = {
        [SIZE] = stats->total,         [USED] = stats->total - stats->free,
        [LARGEST] = stats->contiguous, [BLOCKS] = stats->blocks,
        [MEMBERS] = stats->members,    [FREE] = stats->free,
        [MAX] = stats->max_size,       [PAGE] = stats->page_size,
        [TABLES] = stats->metadata,
    };
    cell_number(cell, values[column]);
}

static void user_cell(uid_t uid, struct cell *cell)
{
    char text[24];
    const struct passwd *user = getpwuid(uid);
    snprintf(text, sizeof text, "%u", (unsigned)uid);
    cell_text(cell, user != NULL ? user->pw_name : text);
}

static void flags_cell(unsigned flags, struct cell *cell)
{
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = {{SHMPOOL_COMMIT, "commit"},   {SHMPOOL_ZERO, "zero"},
                 {SHMPOOL_PRIVATE, "private"}, {SHMPOOL_AUTOTRIM, "autotrim"},
                 {SHMPOOL_DUMP, "dump"},       {SHMPOOL_KEEP, "keep"}};
    char text[80] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (flags & names[i].flag)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? "," : "",
                                     names[i].name);
    cell_text(cell, text);
}

static void format_cell(const struct shmpool_listed *listed, size_t column, struct cell *cell)
{
    char text[32];
    if (column == MODE)
        snprintf(text, sizeof text, "%04o", (unsigned)listed->mode);
    else
        snprintf(text, sizeof text, "%p", listed->address);
    if (column == MODE || listed->address != NULL)
        cell_text(cell, text);
}

static void pid_cell(pid_t pid, struct cell *cell)
{
    if (pid > 0)
        cell_number(cell, (uint64_t)pid);
}

void pool_cell(const void *row, size_t column, struct cell *cell)
{
    const struct seen *seen = row;
    const struct shmpool_listed *listed = &seen->listed;
    switch (column) {
    case NAME:
        cell_text(cell, pools_shown(seen));
        break;
    case BACKEND:
        cell_text(cell, listed->backend);
        break;
    case CREATOR:
        pid_cell(listed->creator, cell);
        break;
    case STATE:
        cell_text(cell, pools_state(listed->state));
        break;
    case OBJECT:
        cell_number(cell, listed->size);
        break;
    case LIFE:
        cell_text(cell, pools_life(listed->creator_life));
        break;
    case HOLDER:
        pid_cell(listed->holder, cell);
        break;
    case HOLDERS:
        cell_number(cell, listed->holders);
        break;
    case USER:
        user_cell(listed->uid, cell);
        break;
    case MODE:
    case ADDRESS:
        format_cell(listed, column, cell);
        break;
    case FLAGS:
        flags_cell(listed->flags, cell);
        break;
    case HANDLE:
        cell_text(cell, listed->handle);
        break;
    case WHERE:
        cell_text(cell, listed->where);
        break;
    case WHY:
        cell_text(cell, listed->wrong);
        break;
    default:
        if (seen->has_stats)
            figure_cell(&seen->stats, column, cell);
    }
}
