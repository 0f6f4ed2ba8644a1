#include "backend_file.h"

#include <shmpool/backend.h>

#include "alone.h"
#include "folder.h"
#include "hold.h"
#include "listing.h"
#include "naming.h"
#include "pages.h"

int backend_file_use(const char *folder)
{
    if (folder_choose(folder) != 0)
        return -1;
    const struct shmpool_backend backend = {
        .version = SHMPOOL_BACKEND_VERSION,
        .capabilities = SHMPOOL_BACKEND_NAMES | SHMPOOL_BACKEND_PERSISTENT |
                        SHMPOOL_BACKEND_COMMIT | SHMPOOL_BACKEND_DESCRIPTORS,
        .name = "file",
        .place = folder_path(),
        .create = naming_create,
        .publish = naming_publish,
        .open = naming_open,
        .unlink = naming_unlink,
        .map = pages_map,
        .unmap = pages_unmap,
        .commit = pages_commit,
        .resize = pages_resize,
        .discard = pages_discard,
        .describe = hold_describe,
        .restrict_access = hold_restrict_access,
        .close = naming_close,
        .list = listing_list,
        .alone = alone_check,
    };
    return shmpool_backend_register(&backend);
}
