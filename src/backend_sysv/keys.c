#include "backend_sysv/keys.h"

#include <stdint.h>
#include <sys/ipc.h>

/* FNV-1a over the index and the name. The index comes first, so that names that meet in one key
 * part in the others. */
key_t key_of(const char *name, unsigned index)
{
    uint32_t hash = (UINT32_C(2166136261) ^ index) * 16777619;
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619;
    return hash != IPC_PRIVATE ? (key_t)hash : (key_t)(KEYS_PER_NAME - index);
}
