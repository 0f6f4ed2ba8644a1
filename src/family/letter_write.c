/* Writing the letter of a spawned program: see family/letter.h. */
#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/call.h"
#include "backend/fdobject.h"
#include "backend/memfile.h"
#include "base/error.h"
#include "family/letter.h"
#include "family/pools.h"

enum { DESCRIPTORS_BESIDES = 4 + CHAIN_DEPTH, DESCRIPTORS_OF_GRANT = 2 };

struct writing {
    const struct grants *grants;
    struct letter_shm *letter;
    struct sent_letter *sent;
    int failed;
};

static void leave(struct sent_letter *sent, int fd)
{
    if (fd >= 0)
        sent->left[sent->n_left++] = fd;
}

/* ---- grants ---- */

static void count_one(void *context, struct pool *pool)
{
    (void)pool;
    ++*(size_t *)context;
}

static int is_there(const struct shmpool_object *object, int fd)
{
    return descriptor_is_of(fd, object->device, object->inode);
}

/* What the program gets of the hold: for reading only, without what allows writing. */
static int copy_hold(struct shmpool_object *copy, const struct pool *pool, int readonly)
{
    *copy = pool->object;
    if (!(pool->backend->capabilities & SHMPOOL_BACKEND_DESCRIPTORS)) {
        if (pool->backend->adopt == NULL)
            return error_set(ENOTSUP,
                             "pool %s cannot be granted to another program: backend %s cannot "
                             "hand an object over",
                             pool->name, pool->backend->name);
        return readonly ? call_restrict_access(pool->backend, copy) : 0;
    }
    if (readonly)
        copy->fd = -1;
    if (is_there(copy, copy->fd_readonly) && (readonly || is_there(copy, copy->fd)))
        return 0;
    return error_set(EBADF,
                     "the program closed or replaced a descriptor of pool %s, without which it "
                     "cannot be granted to another program",
                     pool->name);
}

static void write_grant(void *context, struct pool *pool)
{
    struct writing *writing = context;
    shmpool_id id = atomic_load(&pool->id);
    int right = grants_right(writing->grants, id);
    struct grant_shm *grant = &writing->letter->grants[writing->letter->n_grants];
    if (writing->failed || right == GRANT_NONE)
        return;
    grant->id = id;
    grant->readonly = pool->readonly || right == GRANT_READONLY;
    grant->serial = pool->view.header->serial;
    if (copy_hold(&grant->object, pool, grant->readonly != 0) != 0) {
        writing->failed = 1;
        return;
    }
    strlcpy(grant->backend, pool->backend->name, sizeof grant->backend);
    strlcpy(grant->name, pool->name, sizeof grant->name);
    if (pool->backend->capabilities & SHMPOOL_BACKEND_DESCRIPTORS) {
        leave(writing->sent, grant->object.fd);
        leave(writing->sent, grant->object.fd_readonly);
    }
    writing->letter->n_grants++;
}

/* ---- the letter ---- */

static int write_head(struct letter_shm *letter, shmpool_worker worker, unsigned flags,
                      const struct grants *grants)
{
    struct identity self = identity_self();
    letter->magic = LETTER_MAGIC;
    letter->version = LETTER_VERSION;
    letter->worker = worker;
    letter->flags = flags;
    letter->starter = self.pid;
    letter->starter_start = self.start;
    letter->restricted = !grants->all;
    letter->chain = grants->all ? rights_chain() : rights_lengthened();
    letter->registry = registry_file();
    letter->mail = mailbox_ends(!grants->all);
    return letter->registry.fd >= 0
               ? 0
               : error_set(EBADF, "the family's registry cannot be given to another program: its "
                                  "descriptor was closed by the program, or the first call got "
                                  "none (ulimit -n, ulimit -f)");
}

static void leave_family(struct sent_letter *sent, const struct letter_shm *letter)
{
    leave(sent, letter->registry.fd);
    leave(sent, letter->mail.inbox.fd);
    leave(sent, letter->mail.family.fd);
    for (int i = 0; i < CHAIN_DEPTH; i++)
        leave(sent, letter->mail.levels[i].fd);
}

static size_t size_of(size_t n_grants)
{
    return sizeof(struct letter_shm) + n_grants * sizeof(struct grant_shm);
}

static int refuse_file(size_t size)
{
    char text[FDOBJECT_REASON_TEXT];
    int code = errno;
    if (code == ENOSPC && fdobject_check_file_size(size) != 0)
        error_add("; that file would tell the program which pools it has");
    else
        error_set(code, "the file that tells a program which pools it has cannot be made: %s",
                  fdobject_reason(code, text));
    return -1;
}

static int fill(struct writing *writing, shmpool_worker worker, unsigned flags)
{
    struct letter_shm *letter = writing->letter;
    struct sent_letter *sent = writing->sent;
    if (write_head(letter, worker, flags, writing->grants) != 0)
        return -1;
    leave_family(sent, letter);
    pools_each(write_grant, writing);
    if (writing->failed)
        return -1;
    if (!writing->grants->all && letter->n_grants != writing->grants->n)
        return error_set(EACCES, "a pool in the list was released by another thread meanwhile");
    sent->fd = memfile_write_sealed("shmpool-letter", letter, size_of(letter->n_grants));
    if (sent->fd < 0)
        return refuse_file(size_of(letter->n_grants));
    sent->fd = descriptor_move_up(sent->fd);
    leave(sent, sent->fd);
    return 0;
}

int letter_write(struct sent_letter *sent, shmpool_worker worker, unsigned flags,
                 const struct grants *grants)
{
    size_t n = 0;
    pools_each(count_one, &n);
    *sent = (struct sent_letter){
        -1, calloc(DESCRIPTORS_BESIDES + n * DESCRIPTORS_OF_GRANT, sizeof *sent->left), 0};
    struct letter_shm *letter = calloc(1, size_of(n));
    struct writing writing = {grants, letter, sent, 0};
    int result = letter != NULL && sent->left != NULL
                     ? fill(&writing, worker, flags)
                     : error_set(ENOMEM, "no memory for what a program is to be told");
    free(letter);
    if (result != 0)
        letter_end(sent);
    return result;
}

void letter_end(struct sent_letter *sent)
{
    int code = errno;
    if (sent->fd >= 0)
        close(sent->fd);
    free(sent->left);
    errno = code;
}
