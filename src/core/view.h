/* One process's view of a pool: where the tables are mapped here, and a private copy of what the
 * header says of their size. The shared header is never asked again for geometry, so a damaged one
 * cannot lead anybody out of the pool. Given bytes, it works on any memory: a mapped object, or a
 * buffer in a test. */
#ifndef SHMPOOL_CORE_VIEW_H
#define SHMPOOL_CORE_VIEW_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/hints.h"
#include "core/layout.h"
#include "core/word.h"

#define NO_PAGE UINT64_MAX

/* Owner tags, one a page, meant at the first page of a block: nobody yet, a recoverer's mark that
 * counts as nobody, shared, else row << 16 | slot. A row's spare intent has its own slot number. */
#define TAG_NOBODY 0u
#define TAG_MARK   UINT32_C(0xFFFFFFFE)
#define TAG_SHARED UINT32_C(0xFFFFFFFF)
#define TAG_SPARE  UINT32_C(0xFFFF)

struct view {
    struct header_shm *header;
    struct domain_shm *domains;
    struct row_shm *rows; /* numbered from 1 */
    struct slot_shm *slots;
    _Atomic uint64_t *words;
    _Atomic uint32_t *tags;
    _Atomic uint32_t *used; /* one word for each page word */
    struct hints hints;
    uint64_t max_pages;
    _Atomic uint64_t
        there; /* pages that the object has by the word of the system, not its header */
    uint32_t n_rows;
    unsigned page_shift;
    uintptr_t pages; /* address of page 0 */
};

/* The hints, for who raises or lowers them: what they point to is the pool's. */
static inline struct hints *view_hints(const struct view *view)
{
    return (struct hints *)&view->hints;
}

/* The object is as long as max_pages make it, unless the caller stores into `there` that it is not.
 */
void view_init(struct view *view, const struct layout *layout, void *base);

/* The pages that may be in use now: never more than there are, whatever the header says. */
static inline uint64_t view_limit(const struct view *view)
{
    uint64_t limit = atomic_load_explicit(&view->header->limit, memory_order_acquire);
    uint64_t there = atomic_load_explicit(&view->there, memory_order_relaxed);
    return limit < there ? limit : there;
}

/* The pages that the header speaks of, for a look through the tables, which are as long as
 * max_pages make them: a process that has not learned yet that the pool has grown sees all owners
 * with it. */
static inline uint64_t view_limit_of_tables(const struct view *view)
{
    uint64_t limit = atomic_load_explicit(&view->header->limit, memory_order_acquire);
    return limit < view->max_pages ? limit : view->max_pages;
}

/* Pages from here on were never part of a block: their words are zero, and whoever only looks
 * leaves these alone, for reading takes memory where there is none yet. A multiple of a word's
 * pages, or max_pages. */
static inline uint64_t view_extent(const struct view *view)
{
    uint64_t extent = atomic_load_explicit(&view->header->extent, memory_order_acquire);
    return extent < view->max_pages ? extent & ~(uint64_t)(LAYOUT_WORD_PAGES - 1) : view->max_pages;
}

void view_extend_to(const struct view *view, uint64_t end);

/* Before the first claim of pages below `end`. Who dies in between has only said too much. Compared
 * by whole words, as view_extent has it, also where the value is damaged. */
static inline void view_extend(const struct view *view, uint64_t end)
{
    uint64_t whole = (end + LAYOUT_WORD_PAGES - 1) & ~(uint64_t)(LAYOUT_WORD_PAGES - 1);
    if (atomic_load_explicit(&view->header->extent, memory_order_relaxed) < whole)
        view_extend_to(view, whole);
}

static inline uint64_t view_word(const struct view *view, uint64_t index)
{
    return atomic_load_explicit(&view->words[index], memory_order_acquire);
}

/* The pages of a word that lie below the limit. */
static inline uint32_t mask_below(uint64_t index, uint64_t limit)
{
    uint64_t first = index * LAYOUT_WORD_PAGES;
    if (first + LAYOUT_WORD_PAGES <= limit)
        return UINT32_MAX;
    return first >= limit ? 0 : mask_of(0, (unsigned)(limit - first));
}

/* The pages of word index that belong to the range of n pages from page on. */
static inline uint32_t mask_in(uint64_t index, uint64_t page, uint64_t n)
{
    uint64_t first = index * LAYOUT_WORD_PAGES;
    if (first >= page && n >= LAYOUT_WORD_PAGES && first - page <= n - LAYOUT_WORD_PAGES)
        return UINT32_MAX;
    uint64_t from = page > first ? page : first;
    uint64_t end = page + n < first + LAYOUT_WORD_PAGES ? page + n : first + LAYOUT_WORD_PAGES;
    return mask_of((unsigned)(from - first), (unsigned)(end - from));
}

static inline uint64_t word_at(uint64_t page)
{
    return page / LAYOUT_WORD_PAGES;
}

static inline unsigned bit_at(uint64_t page)
{
    return (unsigned)(page % LAYOUT_WORD_PAGES);
}

static inline int in_one_word(uint64_t page, uint64_t n)
{
    return word_at(page) == word_at(page + n - 1);
}

static inline int view_is_first(const struct view *view, uint64_t page)
{
    return (int)(word_first(view_word(view, word_at(page))) >> bit_at(page) & 1);
}

/* The length of a block that reaches the end of its first word or of the pool; length: so far. */
uint64_t view_block_length_beyond(const struct view *view, uint64_t page, uint64_t length);

/* Whether a block of these pages ends before its first word and the pool do: by a damaged word the
 * last block has pages that do not exist. */
static inline int view_ends_inside(const struct view *view, uint64_t page, unsigned length)
{
    return bit_at(page) + length < LAYOUT_WORD_PAGES && page + length <= view->max_pages;
}

/* The length of the block whose first page is page, by walking; word: the value of its word. */
static inline uint64_t view_block_length_in(const struct view *view, uint64_t page, uint64_t word)
{
    unsigned length = word_block_length(word, bit_at(page));
    return view_ends_inside(view, page, length) ? length
                                                : view_block_length_beyond(view, page, length);
}

static inline uint64_t view_block_length(const struct view *view, uint64_t page)
{
    return view_block_length_in(view, page, view_word(view, word_at(page)));
}

/* The page that begins at the address; a number beyond all pages when none does. What an address
 * has below the page's size is rotated to where it makes the number huge. */
static inline uint64_t view_page_from(const struct view *view, uintptr_t address)
{
    uintptr_t offset = address - view->pages;
    unsigned shift = view->page_shift & 63;
    return offset >> shift | offset << ((64 - shift) & 63);
}

/* Whether the object has the page and all others of its word. */
static inline int view_has_word(const struct view *view, uint64_t page)
{
    return (page | (LAYOUT_WORD_PAGES - 1)) <
           atomic_load_explicit(&view->there, memory_order_relaxed);
}

/* The length of the block whose first page is page, when it ends before the word behind its first
 * one does and the object has both; else 0. The page may be any number. */
static inline unsigned view_length_in_two(const struct view *view, uint64_t page)
{
    uint64_t index = word_at(page);
    uint64_t n = atomic_load_explicit(&view->there, memory_order_relaxed) / LAYOUT_WORD_PAGES;
    if (index + 1 >= n)
        return 0;
    return word_length_in_two(view_word(view, index), view_word(view, index + 1), bit_at(page));
}

/* The page that begins at the address, or NO_PAGE. */
static inline uint64_t view_page_at(const struct view *view, uintptr_t address)
{
    uintptr_t offset = address - view->pages;
    uint64_t page = offset >> view->page_shift;
    if (address < view->pages || offset & ((UINT64_C(1) << view->page_shift) - 1))
        return NO_PAGE;
    return page < view_limit(view) ? page : NO_PAGE;
}

static inline uintptr_t view_address_of(const struct view *view, uint64_t page)
{
    return view->pages + (page << view->page_shift);
}

#endif
