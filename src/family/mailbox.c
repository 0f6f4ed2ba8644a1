#include "family/mailbox.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "backend/call.h"
#include "backend/descriptor.h"
#include "base/error.h"
#include "family/rights.h"

enum {
    QUEUE_BYTES = 8 << 20, /* asked for; the system gives what net.core.wmem_max allows */
    MOST_LOOKS = 1 << 16,  /* at one queue, which others fill meanwhile */
    OBJECT_DESCRIPTORS = 2,
    NAP = 1000 * 1000, /* ns */
    NAPS = 4000        /* before one gives up waiting for another reader */
};

/* id 0: a marker, whose serial nobody else uses. */
struct message {
    int32_t id;
    uint32_t reserved;
    uint64_t serial;
    struct shmpool_object object; /* its descriptors go with the message, those that are not -1 */
};

static struct descriptor inbox = {.fd = -1};  /* of the innermost level */
static struct descriptor family = {.fd = -1}; /* sends to the level of all */
static struct descriptor levels[CHAIN_DEPTH]; /* send to those of the chain, innermost first */
static uint64_t swept;                        /* how many had gone at the last sweep here */

/* ---- levels ---- */

/* The end for sending; the other is the inbox. */
static struct descriptor make_level(void)
{
    int ends[2];
    int bytes = QUEUE_BYTES;
    int begin = 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return DESCRIPTOR_NONE;
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (setsockopt(ends[1], SOL_SOCKET, SO_PEEK_OFF, &begin, sizeof begin) != 0) {
        close(ends[0]);
        close(ends[1]);
        return DESCRIPTOR_NONE;
    }
    inbox = descriptor_keep(ends[1]);
    return descriptor_keep(ends[0]);
}

void mailbox_begin(void)
{
    for (int i = 0; i < CHAIN_DEPTH; i++)
        levels[i] = DESCRIPTOR_NONE;
    family = make_level();
}

static struct descriptor if_there(struct descriptor end)
{
    return descriptor_is_there(&end) ? end : DESCRIPTOR_NONE;
}

struct mail_ends mailbox_ends(int restricted)
{
    struct mail_ends ends = {
        restricted ? DESCRIPTOR_NONE : if_there(inbox), if_there(family), {{0}}};
    for (int i = 0; i < CHAIN_DEPTH; i++)
        ends.levels[i] = if_there(levels[i]);
    return ends;
}

void mailbox_adopt(const struct mail_ends *ends, int restricted)
{
    inbox = if_there(ends->inbox);
    family = if_there(ends->family);
    for (int i = 0; i < CHAIN_DEPTH; i++)
        levels[i] = if_there(ends->levels[i]);
    if (restricted)
        mailbox_restrict();
}

void mailbox_restrict(void)
{
    descriptor_close(&inbox);
    descriptor_close(&levels[CHAIN_DEPTH - 1]);
    memmove(&levels[1], &levels[0], sizeof levels - sizeof levels[0]);
    levels[0] = make_level();
}

static const struct descriptor *own_level(void)
{
    return rights_are_restricted() ? &levels[0] : &family;
}

/* ---- messages ---- */

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(OBJECT_DESCRIPTORS * sizeof(int))];
};

static int list_descriptors(const struct shmpool_object *object, int fds[OBJECT_DESCRIPTORS])
{
    int n = 0;
    if (object->fd >= 0)
        fds[n++] = object->fd;
    if (object->fd_readonly >= 0)
        fds[n++] = object->fd_readonly;
    return n;
}

static int send_message(const struct descriptor *level, const struct message *message)
{
    union control control = {0};
    int fds[OBJECT_DESCRIPTORS];
    int n = message->id != 0 ? list_descriptors(&message->object, fds) : 0;
    struct message copy = *message;
    struct iovec part = {&copy, sizeof copy};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (n > 0) {
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, (size_t)n * sizeof(int));
    }
    return sendmsg(level->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof copy ? 0 : -1;
}

static bool look_from(int offset)
{
    return setsockopt(inbox.fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset) == 0;
}

/* The message at the offset, without its descriptors; its length, or -1 at the end. */
static ssize_t look_at(int offset, struct message *message)
{
    if (!look_from(offset))
        return -1;
    return recv(inbox.fd, message, sizeof *message, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
}

static void take_head(void)
{
    char nothing;
    recv(inbox.fd, &nothing, sizeof nothing, MSG_DONTWAIT);
}

static void close_all(const int *fds, int n)
{
    for (int i = 0; i < n; i++)
        close(fds[i]);
}

/* The message at the offset with its descriptors, as numbers of this process; the caller closes
 * them. 0, or -1 and no sentence. */
static int copy_at(int offset, struct message *message)
{
    union control control = {0};
    int fds[OBJECT_DESCRIPTORS] = {-1, -1};
    int n = 0;
    struct iovec part = {message, sizeof *message};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    if (!look_from(offset) ||
        recvmsg(inbox.fd, &header, MSG_PEEK | MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0)
        return -1;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights != NULL && rights->cmsg_type == SCM_RIGHTS) {
        n = (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(rights), (size_t)n * sizeof(int));
    }
    struct shmpool_object *object = &message->object;
    if (n != (object->fd >= 0) + (object->fd_readonly >= 0)) {
        close_all(fds, n);
        errno = EMFILE;
        return -1;
    }
    if (object->fd >= 0)
        object->fd = fds[0];
    if (object->fd_readonly >= 0)
        object->fd_readonly = fds[n - 1];
    return 0;
}

static void close_copy(const struct message *message)
{
    int fds[OBJECT_DESCRIPTORS];
    close_all(fds, list_descriptors(&message->object, fds));
}

static bool is_needed(const struct message *message)
{
    struct known_resource known;
    return registry_know(message->id, &known) == 0 && known.serial == message->serial &&
           !known.unlinked;
}

/* ---- whose turn it is ---- */

static bool try_turn(_Atomic uint64_t *reader)
{
    uint64_t self = registry_ident();
    uint64_t holder = atomic_load(reader);
    if (holder != 0 && holder != self && !registry_ident_is_dead(holder))
        return false;
    return atomic_compare_exchange_strong(reader, &holder, self);
}

static bool take_turn(void)
{
    const struct timespec nap = {.tv_nsec = NAP};
    for (int i = 0; i < NAPS; i++) {
        if (try_turn(&registry_mail()->reader))
            return true;
        nanosleep(&nap, NULL);
    }
    return false;
}

static void end_turn(void)
{
    atomic_store(&registry_mail()->reader, 0);
}

/* ---- letting go ---- */

static bool any_is_unneeded(void)
{
    struct message message;
    ssize_t length;
    int offset = 0;
    for (int i = 0; i < MOST_LOOKS && (length = look_at(offset, &message)) >= 0; i++) {
        if (length != sizeof message || !is_needed(&message))
            return true;
        offset += (int)length;
    }
    return false;
}

/* Sends what is at the head to the end, unless it is there already. */
static bool pass_on(const struct message *head, uint64_t *seen)
{
    unsigned index = (uint32_t)head->id % REGISTRY_ENTRIES;
    uint64_t bit = UINT64_C(1) << index % 64;
    struct message copy;
    if (seen[index / 64] & bit)
        return true;
    seen[index / 64] |= bit;
    if (copy_at(0, &copy) != 0)
        return false;
    bool sent = send_message(own_level(), &copy) == 0;
    close_copy(&copy);
    return sent;
}

/* The queue passes by until the own marker comes. Where nothing can be sent it stays as it is. */
static void let_pass(void)
{
    uint64_t seen[REGISTRY_ENTRIES / 64] = {0};
    struct message marker = {.serial = registry_next_number()};
    struct message head;
    ssize_t length;
    if (send_message(own_level(), &marker) != 0)
        return;
    for (int i = 0; i < MOST_LOOKS && (length = look_at(0, &head)) >= 0; i++) {
        bool is_message = length == sizeof head;
        if (is_message && is_needed(&head) && !pass_on(&head, seen))
            return;
        take_head();
        if (is_message && head.id == 0 && head.serial == marker.serial)
            return;
    }
}

void mailbox_sweep(void)
{
    uint64_t gone = atomic_load(&registry_mail()->gone);
    if (swept == gone || !descriptor_is_there(&inbox) || !descriptor_is_there(own_level()) ||
        !try_turn(&registry_mail()->reader))
        return;
    swept = gone;
    if (any_is_unneeded())
        let_pass();
    end_turn();
}

void mailbox_forsake(shmpool_id id)
{
    struct resource_shm *resource = registry_resource(id);
    if (resource == NULL || registry_is_used(id) || !take_turn())
        return;
    if (!registry_is_used(id))
        registry_unlink(resource);
    end_turn();
    mailbox_sweep();
}

/* ---- sending ---- */

/* A quarter of the queue is left free for messages that pass by. */
static bool has_room(const struct descriptor *level)
{
    int used = 0;
    int bytes = 0;
    socklen_t size = sizeof bytes;
    return ioctl(level->fd, SIOCOUTQ, &used) == 0 &&
           getsockopt(level->fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size) == 0 && used < bytes / 4 * 3;
}

static bool post_to(const struct descriptor *level, const struct message *message)
{
    return descriptor_is_there(level) && has_room(level) && send_message(level, message) == 0;
}

void mailbox_post(shmpool_id id, const struct pool *pool)
{
    struct resource_shm *resource = registry_resource(id);
    struct message message = {.id = id, .object = pool->object};
    if ((pool->backend->capabilities & SHMPOOL_BACKEND_NAMES) ||
        !(pool->backend->capabilities & SHMPOOL_BACKEND_DESCRIPTORS) ||
        (pool->flags & SHMPOOL_PRIVATE) || resource == NULL)
        return;
    message.serial = resource->serial;
    mailbox_sweep();
    struct chain_shm chain = rights_chain();
    bool posted = post_to(&family, &message);
    for (int i = 0; i < CHAIN_DEPTH && chain.number[i] != 0; i++)
        posted &= post_to(&levels[i], &message);
    if (!posted)
        atomic_store(&resource->unposted, 1);
}

/* ---- looking ---- */

static int refuse_lost(shmpool_id id, const struct known_resource *known)
{
    if (known->unposted)
        return error_set(ENOTSUP,
                         "pool %d (%s) has no name, and the family's mailbox had no room for it: "
                         "unlink pools that are no longer needed, raise net.core.wmem_max or "
                         "RLIMIT_NOFILE (ulimit -n)",
                         (int)id, known->name);
    return error_set(ENOENT, "pool %d (%s) has no name, and went with its last user", (int)id,
                     known->name);
}

/* What came is the registered object, or it goes again. */
static int adopt(const struct message *copy, const struct known_resource *known,
                 const struct shmpool_backend *backend, struct shmpool_object *object)
{
    *object = copy->object;
    object->fd = descriptor_move_up(object->fd);
    object->fd_readonly = descriptor_move_up(object->fd_readonly);
    object->device = known->device;
    object->inode = known->inode;
    if (call_adopt(backend, object) == 0)
        return 0;
    struct message moved = {.object = *object};
    int code = errno;
    close_copy(&moved);
    errno = code;
    return -1;
}

static int find(shmpool_id id, const struct known_resource *known,
                const struct shmpool_backend *backend, struct shmpool_object *object)
{
    struct message message;
    ssize_t length;
    int offset = 0;
    for (int i = 0; i < MOST_LOOKS && (length = look_at(offset, &message)) >= 0; i++) {
        if (length == sizeof message && message.id == id && message.serial == known->serial &&
            is_needed(&message)) {
            if (copy_at(offset, &message) == 0)
                return adopt(&message, known, backend, object);
            return error_set(errno, "pool %d (%s) cannot be had from the family's mailbox: %s",
                             (int)id, known->name, strerror(errno));
        }
        offset += (int)length;
    }
    return refuse_lost(id, known);
}

int mailbox_fetch(shmpool_id id, const struct known_resource *known,
                  const struct shmpool_backend *backend, struct shmpool_object *object)
{
    if ((known->flags & SHMPOOL_PRIVATE) || !rights_cover(&known->creator) ||
        !(backend->capabilities & SHMPOOL_BACKEND_DESCRIPTORS))
        return error_set(ENOTSUP,
                         "pool %d (%s) has no name by which this process could find it again",
                         (int)id, known->name);
    if (!descriptor_is_there(&inbox))
        return error_set(ENOTSUP,
                         "pool %d (%s) has no name, and this process has no mailbox: the program "
                         "closed it, or had no descriptor left for it",
                         (int)id, known->name);
    if (!take_turn())
        return error_set(EAGAIN, "another process has been reading the family's mailbox for "
                                 "seconds: it may be stopped");
    int result = find(id, known, backend, object);
    end_turn();
    return result;
}
