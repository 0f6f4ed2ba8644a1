/* Reading the letter of a spawned program: see family/letter.h. All that stands in it, and all that
 * it names, may come from somebody hostile. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/call.h"
#include "backend/memfile.h"
#include "backend/selection.h"
#include "base/error.h"
#include "family/contents.h"
#include "family/entry.h"
#include "family/letter.h"
#include "family/names.h"
#include "family/pools.h"
#include "family/process.h"

/* Kept for the life of the process: grants that are not mapped yet wait here, an ID of 0 does not.
 */
static struct letter_shm *own;
static size_t n_waiting;

/* ---- finding and checking ---- */

/* The number in the environment; -1 when there is none. A program with raised privileges has none.
 */
static int number_given(void)
{
    char *end;
    const char *text = secure_getenv(LETTER_VARIABLE);
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return -1;
    errno = 0;
    long number = strtol(text, &end, 10);
    return errno == 0 && *end == '\0' && number <= INT_MAX ? (int)number : -1;
}

static int is_sound(const struct letter_shm *letter, size_t size)
{
    return letter->magic == LETTER_MAGIC && letter->version == LETTER_VERSION &&
           letter->n_grants <= REGISTRY_ENTRIES &&
           size == sizeof *letter + letter->n_grants * sizeof letter->grants[0];
}

/* The letter that the environment names, for the caller to free; NULL when there is none. */
static struct letter_shm *read_letter(int fd)
{
    size_t size;
    const size_t most =
        sizeof(struct letter_shm) + (size_t)REGISTRY_ENTRIES * sizeof(struct grant_shm);
    struct letter_shm *letter =
        fd < 0 ? NULL : memfile_read_sealed(fd, sizeof *letter, most, &size);
    if (letter == NULL || is_sound(letter, size))
        return letter;
    free(letter);
    return NULL;
}

int letter_binds(void)
{
    int saved = errno;
    struct letter_shm *letter = read_letter(number_given());
    int binds = letter != NULL && (letter->flags & SHMPOOL_DIE_WITH_STARTER);
    free(letter);
    errno = saved;
    return binds;
}

/* ---- taking over ---- */

static void end_at_exec(const struct descriptor *file)
{
    if (descriptor_is_there(file))
        fcntl(file->fd, F_SETFD, FD_CLOEXEC);
}

static void keep_from_others(const struct letter_shm *letter)
{
    end_at_exec(&letter->registry);
    end_at_exec(&letter->mail.inbox);
    end_at_exec(&letter->mail.family);
    for (int i = 0; i < CHAIN_DEPTH; i++)
        end_at_exec(&letter->mail.levels[i]);
    for (uint32_t i = 0; i < letter->n_grants; i++) {
        const struct shmpool_object *object = &letter->grants[i].object;
        end_at_exec(&(struct descriptor){object->fd, object->device, object->inode});
        end_at_exec(&(struct descriptor){object->fd_readonly, object->device, object->inode});
    }
}

int letter_open(struct letter_news *news)
{
    int saved = errno;
    int fd = number_given();
    struct letter_shm *letter = read_letter(fd);
    int is_ours = letter != NULL && registry_adopt(&letter->registry, letter->worker) == 0;
    errno = saved;
    if (!is_ours) {
        free(letter);
        return 0;
    }
    close(fd);
    keep_from_others(letter);
    rights_set_chain(&letter->chain);
    mailbox_adopt(&letter->mail, letter->restricted != 0);
    *news = (struct letter_news){
        letter->worker, letter->flags, {letter->starter, letter->starter_start, 0}};
    own = letter;
    return 1;
}

/* ---- grants ---- */

static int find_backend(const struct grant_shm *grant, struct pool *pool)
{
    pool->backend = backend_by_name(grant->backend, strlen(grant->backend));
    if (pool->backend != NULL)
        return 0;
    return error_set(EINVAL,
                     "pool %d (%s) is on backend %s, which this program has to register first "
                     "(shmpool_backend_register)",
                     (int)grant->id, grant->name, grant->backend);
}

static int is_expected(const struct grant_shm *grant, const struct contents *contents)
{
    struct known_resource known;
    if (contents->header.serial == grant->serial && registry_know(grant->id, &known) == 0 &&
        known.serial == grant->serial)
        return 0;
    return error_set(EUCLEAN, "pool %d (%s) is not what it was when this program was spawned",
                     (int)grant->id, grant->name);
}

static int map_grant(const struct grant_shm *grant, struct pool *pool)
{
    struct contents contents;
    char name[NAME_LIMIT + 1];
    if (!pools_index_is_free(grant->id))
        return error_set(EMFILE, "pool %d (%s) would take a place that another pool has here",
                         (int)grant->id, grant->name);
    if (name_read(name, grant->name) != 0 ||
        contents_read(pool->backend, &pool->object, &contents, name) != 0 ||
        is_expected(grant, &contents) != 0 || contents_map(pool, &contents, name) != 0)
        return -1;
    if (entry_enter(grant->id, pool, name) == 0)
        return 0;
    call_unmap(pool->backend, &pool->object, pool->base, pool->mapping_size);
    return -1;
}

/* Descriptors stay open for the next time. Under process_lock. */
static int take_grant(struct grant_shm *grant)
{
    struct pool pool = {.readonly = grant->readonly != 0, .object = grant->object};
    if (find_backend(grant, &pool) != 0 || call_adopt(pool.backend, &pool.object) != 0)
        return -1;
    if (map_grant(grant, &pool) == 0) {
        grant->id = 0;
        n_waiting--;
        return 0;
    }
    if (!(pool.backend->capabilities & SHMPOOL_BACKEND_DESCRIPTORS))
        call_close(pool.backend, &pool.object);
    return -1;
}

/* What cannot be an ID waits for nobody; strings end. */
static int prepare(struct grant_shm *grant)
{
    grant->backend[sizeof grant->backend - 1] = '\0';
    grant->name[sizeof grant->name - 1] = '\0';
    if (grant->readonly)
        grant->object.fd = -1;
    if (grant->id <= 0)
        grant->id = 0;
    return grant->id != 0;
}

void letter_take_grants(void)
{
    struct error_before before;
    error_remember(&before);
    process_lock();
    for (uint32_t i = 0; i < own->n_grants; i++) {
        struct grant_shm *grant = &own->grants[i];
        if (!prepare(grant))
            continue;
        n_waiting++;
        registry_use(grant->id);
        take_grant(grant);
    }
    process_unlock();
    error_forget_since(&before);
}

int letter_retry(shmpool_id id)
{
    int result = 0;
    if (n_waiting == 0 || id <= 0)
        return 0;
    process_lock();
    for (uint32_t i = 0; i < own->n_grants && result == 0; i++)
        if (own->grants[i].id == id)
            result = take_grant(&own->grants[i]) == 0 ? 1 : -1;
    process_unlock();
    return result;
}

void letter_forget(void)
{
    for (uint32_t i = 0; n_waiting > 0 && i < own->n_grants; i++) {
        struct shmpool_object *object = &own->grants[i].object;
        if (own->grants[i].id == 0)
            continue;
        descriptor_close(&(struct descriptor){object->fd, object->device, object->inode});
        descriptor_close(&(struct descriptor){object->fd_readonly, object->device, object->inode});
        own->grants[i].id = 0;
    }
    n_waiting = 0;
}
