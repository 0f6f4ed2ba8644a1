/* Every byte of a pool that processes share is declared here.
 *
 *   [ header | domains | rows | slots | page words | hints | owner tags | used bits | pages ]
 *
 * Tables are sized for the largest size the pool may grow to; a table that was never written reads
 * as zero, and zero means "free", "idle", "nobody" everywhere, so creation writes nothing but the
 * header. Everything inside the object is an offset or an index; only the users' own data holds
 * pointers. Types that live in the object end in _shm. A change to any of them changes
 * LAYOUT_VERSION (docs/layout.md has the byte map and the rules).
 *
 * Who writes what: the creator writes the header's first part once, before anybody else can see the
 * pool; each further field says it itself. */
#ifndef SHMPOOL_CORE_LAYOUT_H
#define SHMPOOL_CORE_LAYOUT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define LAYOUT_MAGIC UINT64_C(0x006c6f6f706d6873) /* the bytes "shmpool\0" */

enum {
    LAYOUT_VERSION = 1,
    LAYOUT_HEADER_SIZE = 4096,
    LAYOUT_NAME_SIZE = 208,
    LAYOUT_BACKEND_SIZE = 32,
    LAYOUT_DOMAINS = 4096,      /* number 0 stays unused */
    LAYOUT_SLOTS = 1024,        /* members that work at the same time */
    LAYOUT_ROWS_LIMIT = 0xFFFD, /* the largest row number that fits an owner tag */
    LAYOUT_ROWS_EXTRA = 1024,   /* rows besides one for each page that could have an owner */
    LAYOUT_COLLECTOR_KEYS = 6,
    LAYOUT_WORD_PAGES = 32,
    LAYOUT_GROUP_WORDS = 16,
    LAYOUT_GROUP_PAGES = LAYOUT_GROUP_WORDS * LAYOUT_WORD_PAGES
};

/* What a member is in the middle of. One 64-bit store changes it: the operation in the low four
 * bits, the block's first page above them. Written by the member, and by a recoverer once the
 * member is proven dead. */
enum intent_operation {
    INTENT_IDLE,
    INTENT_ALLOC1,  /* taking a block inside one word */
    INTENT_FREE1,   /* freeing one */
    INTENT_CLAIM,   /* claiming the words of a longer block; gives way */
    INTENT_COMMIT,  /* all claimed: the range is this member's alone */
    INTENT_FREEM,   /* freeing a longer block, its tag not taken yet */
    INTENT_DROP,    /* tag taken: the range is this member's alone */
    INTENT_RELEASE, /* all claimed: turning claimed pages into free ones */
    INTENT_PUBLISH  /* linking a block and sharing it */
};

struct intent_shm {
    _Atomic uint64_t state;         /* operation | first page << 4 */
    _Atomic uint64_t n_pages;       /* length of the range; stored before the state that uses it */
    _Atomic uint64_t publish_block; /* first page */
    _Atomic uint64_t publish_where; /* address of the pointer */
};

/* An ident names a process: domain << 52 | start time in ticks << 22 | pid; 0 nobody. */
enum { IDENT_PID_BITS = 22, IDENT_START_BITS = 30, IDENT_DOMAIN_BITS = 12 };

/* A slot whose thread ended inside an operation while its process lives on. */
#define IDENT_ABANDONED UINT64_C(1)

/* A domain is a boot of the machine and the namespaces that give pids and times their meaning, as
 * hashes: boot << 32 | namespaces. Taken by one compare-and-swap from 0, never given back. */
struct domain_shm {
    _Atomic uint64_t key;
};

/* A process that owns blocks. ident is taken by one compare-and-swap from 0 and given back by the
 * holder of the recovery lock when the process is dead and no tag names the row. The spare intent
 * serves the threads of a process that find no free slot, one at a time. */
struct row_shm {
    _Atomic uint64_t ident;
    struct intent_shm spare;
    _Atomic uint32_t spare_abandoned; /* its thread ended inside an operation: settle it */
    uint32_t reserved32;
    uint64_t reserved[2];
};

/* A thread that allocates or frees. ident is taken by one compare-and-swap from 0 and given back by
 * the thread, or by a recoverer after the process died. row is stored before the first intent. */
struct slot_shm {
    _Atomic uint64_t ident;
    struct intent_shm intent;
    _Atomic uint32_t row;
    _Atomic uint32_t thread; /* the thread's id, for the reader of a dump */
    _Atomic uint64_t home;   /* the group its single pages come from, + 1, or 0; a hint */
    uint64_t reserved[9];
};

struct header_shm {
    _Atomic uint64_t magic; /* stored last where the backend has no step of its own to publish */
    uint32_t version;
    uint32_t stamp; /* sizes of the shared types: another compiler's pool is refused */
    uint64_t page_size;
    uint64_t address;      /* where every process maps the object */
    uint64_t max_pages;    /* what the tables are sized for */
    uint64_t mapping_size; /* the object's size when it has max_pages */
    uint64_t domains_offset;
    uint64_t rows_offset;
    uint64_t slots_offset;
    uint64_t words_offset;
    uint64_t hints_offset;
    uint64_t tags_offset;
    uint64_t used_offset;
    uint64_t pages_offset;
    uint32_t n_rows;
    uint32_t flags; /* as given to shmpool_create */
    uint32_t mode;
    uint32_t creator_pid;
    uint64_t creator_start; /* ticks since boot */
    uint64_t creator_boot[2];
    uint64_t creator_namespace;
    uint64_t serial; /* random: file systems give the number of a removed file to the next one */
    uint64_t reserved0[1];
    char backend[LAYOUT_BACKEND_SIZE];
    char name[LAYOUT_NAME_SIZE];
    uint64_t creator_key; /* boot and namespaces, as a domain's key; 0: not known */
    uint64_t family;      /* the inode of the family's registry; 0: not known */
    uint64_t reserved1[10];

    /* Written while the pool is in use, each on a line of its own. */
    _Alignas(64) _Atomic uint64_t limit; /* pages that blocks may use now; only grows */
    _Alignas(64) _Atomic uint64_t root;  /* offset in the object; 0 none */
    /* Word index + 1: set by the recoverer, zeroed by whoever begins a longer operation there. */
    _Alignas(64) _Atomic uint64_t watch;
    _Alignas(64) _Atomic uint64_t lock;       /* ident of the recoverer, or 0 */
    _Alignas(64) _Atomic uint32_t slots_mark; /* slots at and above were never taken; only grows */
    _Alignas(64) _Atomic uint32_t rows_mark;  /* rows above were never taken; only grows */
    _Alignas(64) _Atomic uint64_t grower;     /* ident of the process that makes the pool larger */
    /* Who is about to remove the pool, as an ident whose domain is a number of collector_keys, from
     * 1 on; 0: nobody. In the header, which has its memory already, also where the file system is
     * full. Its family's mark is for who cannot tell by the ident; stored after it. */
    _Alignas(64) _Atomic uint64_t collector;
    _Atomic uint64_t collector_family;                      /* as family */
    _Atomic uint64_t collector_keys[LAYOUT_COLLECTOR_KEYS]; /* as a domain's key; 0: free */
    _Alignas(64) _Atomic uint64_t extent; /* pages from here on were never used; only grows */
    uint8_t reserved2[LAYOUT_HEADER_SIZE - 512 - 8 * 64 - 8];
};

_Static_assert(sizeof(struct intent_shm) == 32, "intent");
_Static_assert(sizeof(struct row_shm) == 64, "row");
_Static_assert(sizeof(struct slot_shm) == 128, "slot");
_Static_assert(sizeof(struct domain_shm) == 8, "domain");
_Static_assert(sizeof(struct header_shm) == LAYOUT_HEADER_SIZE, "header");
_Static_assert(offsetof(struct header_shm, backend) == 176, "header: fixed part");
_Static_assert(offsetof(struct header_shm, family) == 424, "header: fixed part");
_Static_assert(offsetof(struct header_shm, limit) == 512, "header: working part");
_Static_assert(offsetof(struct header_shm, rows_mark) == 832, "header: working part");
_Static_assert(offsetof(struct header_shm, grower) == 896, "header: working part");
_Static_assert(offsetof(struct header_shm, collector) == 960, "header: working part");
_Static_assert(offsetof(struct header_shm, extent) == 1024, "header: working part");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "lock-free atomics");

#define LAYOUT_STAMP                                                                               \
    ((uint32_t)(sizeof(struct slot_shm) << 16 | sizeof(struct row_shm) << 8 |                      \
                sizeof(struct intent_shm)))

/* Where the tables of a pool lie; follows from page size and max_pages alone. */
struct layout {
    uint64_t page_size;
    uint64_t max_pages;
    uint64_t n_rows; /* numbered 1 to n_rows */
    uint64_t n_words;
    uint64_t n_groups;
    uint64_t domains_offset;
    uint64_t rows_offset;
    uint64_t slots_offset;
    uint64_t words_offset;
    uint64_t hints_offset;
    uint64_t tags_offset;
    uint64_t used_offset;
    uint64_t pages_offset;
    uint64_t mapping_size;
};

/* No object is larger: it is what the address zone of 32 TiB holds. */
#define LAYOUT_MOST_BYTES (UINT64_C(1) << 45)

/* Computes the layout; 0, or -1 when page_size is no power of two from 4096 to 2^20, or max_pages
 * is 0 or makes the object larger than LAYOUT_MOST_BYTES. */
int layout_compute(struct layout *layout, uint64_t page_size, uint64_t max_pages);

/* Bytes of the object that has n_pages pages now. */
uint64_t layout_object_size(const struct layout *layout, uint64_t n_pages);

/* Writes the parts of a new header that follow from the layout, all but the magic. */
void layout_write(const struct layout *layout, struct header_shm *header);

/* Reads a header that nobody vouches for: header is a private copy. Recomputes the layout and
 * compares the object's size with what the system says. NULL when it is sound, else what is wrong.
 */
const char *layout_read(struct layout *layout, const struct header_shm *header,
                        uint64_t object_size);

#endif
