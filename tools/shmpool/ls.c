/* ls: a line for each pool. */
#include "pool_cells.h"
#include "pools.h"
#include "table.h"
#include "verbs.h"

int verb_ls(const struct request *request)
{
    struct pools pools;
    struct table *table = table_new(request, pool_columns, "pools");
    if (pools_read(&pools, true) != 0) {
        table_end(table);
        return STATUS_FOUND;
    }
    for (size_t i = 0; i < pools.n; i++)
        table_add(table, &pools.all[i], pool_cell);
    pools_end(&pools);
    return table_print(table) == 0 ? STATUS_FINE : STATUS_FOUND;
}
