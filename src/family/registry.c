#include "family/registry.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "backend/anonymous.h"
#include "backend/memfile.h"
#include "base/error.h"
#include "core/members.h"
#include "family/identity.h"
#include "family/mark.h"
#include "family/pools.h"

enum { USE_WORDS = REGISTRY_ENTRIES / 64, PROCESSES = 4096, PATIENCE = 1000 };

/* A process and the entries it uses. ident is taken by one compare-and-swap from 0, or from that of
 * a process that is dead. It means something in one namespace only, whose the record is for ever.
 */
struct process_shm {
    _Atomic uint64_t key;   /* as in an identity; 0: nobody has had it */
    _Atomic uint64_t ident; /* start time << 22 | pid */
    _Atomic uint64_t uses[USE_WORDS];
};

/* A spawned program may be built with another version of the library: it looks before it believes.
 */
#define REGISTRY_MAGIC   UINT64_C(0x79676572706d6873) /* the bytes "shmpregy" */
#define REGISTRY_VERSION 1

struct registry_shm {
    uint64_t magic;
    uint32_t version;
    uint32_t size; /* bytes */
    _Atomic uint64_t next_resource;
    _Atomic uint64_t next_worker;
    _Atomic uint64_t next_number;
    _Atomic uint64_t turn; /* count << 32 | ID of the entry that was completed last */
    struct mail_shm mail;
    _Atomic uint32_t processes_mark; /* records at and above were never taken */
    _Atomic uint32_t unrecorded;     /* a process found no record: who uses what is not known */
    struct resource_shm resources[REGISTRY_ENTRIES];
    struct worker_shm workers[REGISTRY_ENTRIES];
    struct process_shm processes[PROCESSES];
};

static struct registry_shm *registry;
static struct descriptor file = {.fd = -1};
static int is_marked;
static _Atomic(struct process_shm *) own_record;

int registry_begin(void)
{
    int fd;
    registry = memfile_share("shmpool-registry", sizeof *registry, &fd);
    if (registry == NULL)
        registry = anonymous_shared(sizeof *registry);
    if (registry == NULL)
        return -1;
    is_marked = fd >= 0 && mark_set(fd) == 0;
    file = descriptor_keep(fd);
    registry->magic = REGISTRY_MAGIC;
    registry->version = REGISTRY_VERSION;
    registry->size = sizeof *registry;
    return 0;
}

static int is_known(const struct registry_shm *seen)
{
    return seen->magic == REGISTRY_MAGIC && seen->version == REGISTRY_VERSION &&
           seen->size == sizeof *seen;
}

static int is_self(const struct worker_shm *worker)
{
    struct identity self = identity_self();
    return worker != NULL && atomic_load(&worker->pid) == self.pid &&
           atomic_load(&worker->start) == self.start;
}

int registry_adopt(const struct descriptor *given, int32_t worker)
{
    if (!descriptor_is_there(given))
        return -1;
    registry = memfile_map_shared(given->fd, sizeof *registry);
    if (registry != NULL && is_known(registry) && is_self(registry_worker(worker))) {
        file = *given;
        is_marked = mark_set(file.fd) == 0;
        return 0;
    }
    if (registry != NULL)
        anonymous_unmap(registry, sizeof *registry);
    registry = NULL;
    return -1;
}

struct descriptor registry_file(void)
{
    return descriptor_is_there(&file) ? file : DESCRIPTOR_NONE;
}

struct descriptor registry_mark(void)
{
    return is_marked ? file : DESCRIPTOR_NONE;
}

void registry_renew(void)
{
    atomic_store(&own_record, NULL);
}

static unsigned index_of(int32_t id)
{
    return (uint32_t)id % REGISTRY_ENTRIES;
}

static int32_t next_id(_Atomic uint64_t *counter)
{
    return (int32_t)(atomic_fetch_add(counter, 1) % INT32_MAX + 1);
}

/* ---- who uses what ---- */

uint64_t registry_ident(void)
{
    struct identity self = identity_self();
    return self.start << IDENT_PID_BITS | (uint32_t)self.pid;
}

int registry_ident_is_dead(uint64_t ident)
{
    return identity_is_dead(identity_self().key, ident >> IDENT_PID_BITS, (pid_t)ident_pid(ident));
}

static int ident_is_dead(const struct process_shm *record, uint64_t ident)
{
    return identity_is_dead(atomic_load(&record->key), ident >> IDENT_PID_BITS,
                            (pid_t)ident_pid(ident));
}

static void empty_record(struct process_shm *record)
{
    for (int i = 0; i < USE_WORDS; i++)
        atomic_store(&record->uses[i], 0);
}

static int take_record(struct process_shm *record, uint64_t ident)
{
    uint64_t own = identity_self().key;
    uint64_t key = 0;
    if (!atomic_compare_exchange_strong(&record->key, &key, own) && key != own)
        return 0;
    uint64_t holder = atomic_load(&record->ident);
    if (holder != 0 && holder != ident && !ident_is_dead(record, holder))
        return 0;
    if (!atomic_compare_exchange_strong(&record->ident, &holder, ident))
        return 0;
    empty_record(record);
    return 1;
}

static void raise_mark(uint32_t least)
{
    uint32_t seen = atomic_load(&registry->processes_mark);
    while (seen < least && !atomic_compare_exchange_weak(&registry->processes_mark, &seen, least))
        ;
}

/* The calling process's record; what it has mapped already, inherited, is noted in it. NULL when
 * the table is full of living processes: complete entries are then given back without asking this
 * one, which costs it nothing but the ID, and others not at all. */
static struct process_shm *record_of_self(void)
{
    struct process_shm *record = atomic_load(&own_record);
    uint64_t ident = registry_ident();
    for (uint32_t i = 0; i < PROCESSES && record == NULL; i++) {
        raise_mark(i + 1);
        if (take_record(&registry->processes[i], ident)) {
            record = &registry->processes[i];
            atomic_store(&own_record, record);
            pools_note_uses();
        }
    }
    if (record == NULL)
        atomic_store(&registry->unrecorded, 1);
    return record;
}

void registry_use(int32_t id)
{
    struct process_shm *record = record_of_self();
    if (record != NULL)
        atomic_fetch_or(&record->uses[index_of(id) / 64], UINT64_C(1) << index_of(id) % 64);
}

void registry_unuse(int32_t id)
{
    struct process_shm *record = record_of_self();
    if (record != NULL)
        atomic_fetch_and(&record->uses[index_of(id) / 64], ~(UINT64_C(1) << index_of(id) % 64));
}

static int is_used(unsigned index)
{
    uint32_t mark = atomic_load(&registry->processes_mark);
    for (uint32_t i = 0; i < mark && i < PROCESSES; i++) {
        struct process_shm *record = &registry->processes[i];
        if (atomic_load(&record->uses[index / 64]) >> index % 64 & 1 &&
            !ident_is_dead(record, atomic_load(&record->ident)))
            return 1;
    }
    return 0;
}

int registry_is_used(int32_t id)
{
    return is_used(index_of(id));
}

/* ---- giving entries back ---- */

int registry_unlink(struct resource_shm *resource)
{
    if (atomic_exchange(&resource->unlinked, 1) != 0)
        return 0;
    atomic_fetch_add(&registry->mail.gone, 1);
    return 1;
}

/* Whether the entry may be given back if nobody uses it. Who takes one says so before: an entry
 * that is not complete and that nobody uses was left by a process that was killed. */
static int is_droppable(const struct resource_shm *resource, uint32_t state, int named_too)
{
    if (state != RESOURCE_COMPLETE)
        return !atomic_load(&registry->unrecorded);
    return named_too || atomic_load(&resource->unlinked);
}

/* Said first, looked for users then: whoever notes its use looks at the state afterwards, so one of
 * both sees the other. */
static int retire(unsigned index, int named_too)
{
    struct resource_shm *resource = &registry->resources[index];
    int32_t id = atomic_load(&resource->id);
    uint32_t state = atomic_load(&resource->state);
    uint32_t retiring = RESOURCE_RETIRING;
    if (id == 0 || is_used(index) || !is_droppable(resource, state, named_too))
        return 0;
    if (!atomic_compare_exchange_strong(&resource->state, &state, RESOURCE_RETIRING))
        return 0;
    if (is_used(index)) {
        atomic_compare_exchange_strong(&resource->state, &retiring, state);
        return 0;
    }
    atomic_fetch_add(&registry->mail.gone, 1);
    return atomic_compare_exchange_strong(&resource->id, &id, 0);
}

static int retire_all(void)
{
    int retired = 0;
    for (int named_too = 0; named_too < 2 && retired == 0; named_too++)
        for (unsigned i = 0; i < REGISTRY_ENTRIES; i++)
            retired += retire(i, named_too);
    return retired;
}

/* ---- resources ---- */

static int32_t take_entry(struct resource_shm **resource)
{
    for (int i = 0; i < REGISTRY_ENTRIES; i++) {
        int32_t id = next_id(&registry->next_resource);
        struct resource_shm *entry = &registry->resources[index_of(id)];
        int32_t nobody = 0;
        if (atomic_load(&entry->id) != 0 || !pools_index_is_free(id))
            continue;
        registry_use(id);
        if (!atomic_compare_exchange_strong(&entry->id, &nobody, id)) {
            registry_unuse(id);
            continue;
        }
        atomic_store(&entry->state, RESOURCE_FILLING);
        atomic_store(&entry->unlinked, 0);
        atomic_store(&entry->unposted, 0);
        *resource = entry;
        return id;
    }
    return -1;
}

int32_t registry_take(struct resource_shm **resource)
{
    int32_t id = take_entry(resource);
    if (id < 0 && retire_all() > 0)
        id = take_entry(resource);
    if (id < 0)
        error_set(EMFILE,
                  "the family uses all of its %d resource IDs: release and unlink pools that are "
                  "no longer needed",
                  REGISTRY_ENTRIES);
    return id;
}

static void free_entry(struct resource_shm *entry, int32_t id)
{
    atomic_store(&entry->state, RESOURCE_EMPTY);
    atomic_compare_exchange_strong(&entry->id, &id, 0);
}

/* In this order: an entry that nobody uses is another process's to give back. */
void registry_drop(int32_t id)
{
    free_entry(&registry->resources[index_of(id)], id);
    registry_unuse(id);
}

static int same_object(const struct resource_shm *a, const struct resource_shm *b)
{
    return a->device == b->device && a->inode == b->inode && a->serial == b->serial &&
           strncmp(a->backend, b->backend, sizeof a->backend) == 0;
}

/* Entries from here on were never taken. Looks that stop there leave the memory untouched that the
 * registry does not need yet. Whoever takes an entry afterwards sees what is visible now. */
static unsigned end_of_entries(void)
{
    uint64_t last = atomic_load(&registry->next_resource);
    return last < REGISTRY_ENTRIES ? (unsigned)last + 1 : REGISTRY_ENTRIES;
}

static struct resource_shm *find_other(const struct resource_shm *mine)
{
    unsigned end = end_of_entries();
    for (unsigned i = 0; i < end; i++) {
        struct resource_shm *entry = &registry->resources[i];
        if (entry != mine && atomic_load(&entry->state) == RESOURCE_COMPLETE &&
            atomic_load(&entry->id) != 0 && same_object(entry, mine))
            return entry;
    }
    return NULL;
}

/* Joins another entry; 0 when it was given back meanwhile. */
static int32_t join_entry(const struct resource_shm *entry)
{
    int32_t id = atomic_load(&entry->id);
    if (id == 0)
        return 0;
    registry_use(id);
    if (atomic_load(&entry->id) == id && atomic_load(&entry->state) == RESOURCE_COMPLETE)
        return id;
    registry_unuse(id);
    return 0;
}

/* The state "opening" of this ID, and of no later one in the same entry. */
static uint32_t opening(int32_t id)
{
    return (uint32_t)id / REGISTRY_ENTRIES << RESOURCE_STATE_BITS | RESOURCE_OPENING;
}

/* The entry whose turn it was is complete, though its process may be stopped before it says so. */
static void finish_turn(uint64_t turn)
{
    int32_t id = (int32_t)(uint32_t)turn;
    uint32_t state = opening(id);
    if (id > 0)
        atomic_compare_exchange_strong(&registry->resources[index_of(id)].state, &state,
                                       RESOURCE_COMPLETE);
}

/* Entries become complete one after the other, in the turns of one word. Whoever takes a turn has
 * looked for another entry of its object since the turn before, which it saw finished: so of two of
 * one object the later one finds the earlier one. */
int32_t registry_complete(int32_t id)
{
    struct resource_shm *mine = &registry->resources[index_of(id)];
    atomic_store(&mine->state, opening(id));
    for (int look = 0; look < PATIENCE; look++) {
        uint64_t turn = atomic_load(&registry->turn);
        uint64_t next = ((turn >> 32) + 1) << 32 | (uint32_t)id;
        finish_turn(turn);
        const struct resource_shm *other = find_other(mine);
        int32_t joined = other != NULL ? join_entry(other) : 0;
        if (joined != 0) {
            registry_drop(id);
            return joined;
        }
        if (other == NULL && atomic_compare_exchange_strong(&registry->turn, &turn, next)) {
            finish_turn(next);
            return id;
        }
    }
    atomic_store(&mine->state, RESOURCE_COMPLETE);
    return id;
}

struct resource_shm *registry_resource(int32_t id)
{
    if (id <= 0 || registry == NULL)
        return NULL;
    struct resource_shm *entry = &registry->resources[index_of(id)];
    return atomic_load(&entry->id) == id && atomic_load(&entry->state) == RESOURCE_COMPLETE ? entry
                                                                                            : NULL;
}

struct mail_shm *registry_mail(void)
{
    return &registry->mail;
}

/* Looked up once more: what was read meanwhile is of this ID. */
int registry_know(int32_t id, struct known_resource *known)
{
    const struct resource_shm *entry = registry_resource(id);
    if (entry == NULL)
        return -1;
    known->unlinked = atomic_load(&entry->unlinked) != 0;
    known->unposted = atomic_load(&entry->unposted) != 0;
    known->flags = entry->flags;
    known->device = entry->device;
    known->inode = entry->inode;
    known->serial = entry->serial;
    known->creator = entry->creator;
    memcpy(known->backend, entry->backend, sizeof known->backend);
    memcpy(known->name, entry->name, sizeof known->name);
    known->backend[sizeof known->backend - 1] = '\0';
    known->name[sizeof known->name - 1] = '\0';
    return registry_resource(id) == entry ? 0 : -1;
}

uint64_t registry_next_number(void)
{
    return atomic_fetch_add(&registry->next_number, 1) + 1;
}

/* ---- workers ---- */

struct worker_shm *registry_worker(int32_t id)
{
    if (id <= 0 || registry == NULL)
        return NULL;
    struct worker_shm *worker = &registry->workers[index_of(id)];
    return atomic_load(&worker->id) == id && atomic_load(&worker->state) == WORKER_RUNNING ? worker
                                                                                           : NULL;
}

void registry_drop_worker(struct worker_shm *worker)
{
    atomic_store(&worker->state, WORKER_EMPTY);
    atomic_store(&worker->id, 0);
}

/* Where the starter is dead, an entry whose worker never ran, whose result was taken, or whose
 * worker ended with nobody left to join it is nobody's. */
static void drop_forgotten(struct worker_shm *worker)
{
    uint64_t key = identity_self().key;
    if (atomic_load(&worker->id) == 0 ||
        !identity_is_dead(key, atomic_load(&worker->starter_start), atomic_load(&worker->starter)))
        return;
    if (atomic_load(&worker->state) != WORKER_RUNNING ||
        identity_is_dead(key, atomic_load(&worker->start), atomic_load(&worker->pid)))
        registry_drop_worker(worker);
}

static int32_t take_worker_entry(struct worker_shm **worker)
{
    struct identity self = identity_self();
    for (int i = 0; i < REGISTRY_ENTRIES; i++) {
        int32_t id = next_id(&registry->next_worker);
        struct worker_shm *entry = &registry->workers[index_of(id)];
        int32_t nobody = 0;
        if (!atomic_compare_exchange_strong(&entry->id, &nobody, id))
            continue;
        atomic_store(&entry->state, WORKER_STARTING);
        atomic_store(&entry->pid, 0);
        atomic_store(&entry->own, 0);
        atomic_store(&entry->reaped, 0);
        atomic_store(&entry->failure, 0);
        atomic_store(&entry->starter, self.pid);
        atomic_store(&entry->starter_start, self.start);
        *worker = entry;
        return id;
    }
    return -1;
}

int32_t registry_take_worker(struct worker_shm **worker)
{
    int32_t id = take_worker_entry(worker);
    if (id >= 0)
        return id;
    for (int i = 0; i < REGISTRY_ENTRIES; i++)
        drop_forgotten(&registry->workers[i]);
    id = take_worker_entry(worker);
    if (id < 0)
        error_set(EMFILE, "%d workers run or are not joined yet: join some first",
                  REGISTRY_ENTRIES);
    return id;
}
