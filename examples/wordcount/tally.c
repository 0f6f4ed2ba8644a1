/* The words are read block by block, as they lie in memory, and not along the lists of the table.
 * The best so far are kept in a heap whose root is the one to go next, so that a short list costs
 * no sorting of all words. */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "cell.h"

struct heap {
    struct tally *tally;
    size_t limit;
    size_t room;
};

/* Less than 0: a stands before b in the list. */
static int compare(const void *a, const void *b)
{
    const struct tally_entry *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    size_t length = x->word->length < y->word->length ? x->word->length : y->word->length;
    int order = memcmp(x->word->letters, y->word->letters, length);
    if (order != 0 || x->word->length == y->word->length)
        return order;
    return x->word->length < y->word->length ? -1 : 1;
}

static bool before(const struct tally_entry *a, const struct tally_entry *b)
{
    return compare(a, b) < 0;
}

/* A parent stands after its children, so the last of the list is the root. */
static void sift_up(struct tally_entry *heap, size_t i)
{
    struct tally_entry moved = heap[i];
    for (; i > 0 && before(&heap[(i - 1) / 2], &moved); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = moved;
}

static void sift_down(struct tally_entry *heap, size_t n)
{
    struct tally_entry moved = heap[0];
    size_t i = 0;
    for (size_t child = 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && before(&heap[child], &heap[child + 1]))
            child++;
        if (!before(&moved, &heap[child]))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = moved;
}

static int append(struct heap *heap, struct tally_entry entry)
{
    struct tally *tally = heap->tally;
    if (tally->n_top == heap->room) {
        size_t room = heap->room ? 2 * heap->room : 64;
        struct tally_entry *top = reallocarray(tally->top, room, sizeof *top);
        if (top == NULL)
            return -1;
        tally->top = top;
        heap->room = room;
    }
    tally->top[tally->n_top] = entry;
    sift_up(tally->top, tally->n_top++);
    return 0;
}

static int offer(struct heap *heap, struct tally_entry entry)
{
    struct tally *tally = heap->tally;
    if (tally->n_top < heap->limit)
        return append(heap, entry);
    if (heap->limit > 0 && before(&entry, &tally->top[0])) {
        tally->top[0] = entry;
        sift_down(tally->top, tally->n_top);
    }
    return 0;
}

static uint64_t count_of(const struct job_shm *job, const struct word_shm *word)
{
    uint64_t count = 0;
    const struct cell_shm *cell = atomic_load_explicit(&word->cells, memory_order_acquire);
    for (; cell != NULL; cell = cell->next)
        count += cell_value(job, cell);
    return count;
}

/* Words without a count were lost in a race (see table.c). */
static int add_block(struct heap *heap, const struct job_shm *job, const struct block_shm *block)
{
    size_t used = atomic_load_explicit(&block->used, memory_order_acquire);
    for (size_t at = 0; at < used;) {
        const struct word_shm *word = (const void *)(block->memory + at);
        struct tally_entry entry = {count_of(job, word), word};
        at += arena_size(sizeof *word + word->length);
        if (entry.count == 0)
            continue;
        heap->tally->words += entry.count;
        heap->tally->distinct++;
        if (offer(heap, entry) != 0)
            return -1;
    }
    return 0;
}

int tally_make(struct tally *tally, const struct job_shm *job, size_t limit)
{
    struct heap heap = {.tally = tally, .limit = limit};
    *tally = (struct tally){0};
    for (unsigned slot = 0; slot < job->n_slots; slot++)
        for (const struct block_shm *block = job->slots[slot].words; block; block = block->next)
            if (add_block(&heap, job, block) != 0)
                return -1;
    if (tally->n_top > 0)
        qsort(tally->top, tally->n_top, sizeof *tally->top, compare);
    return 0;
}

void tally_free(struct tally *tally)
{
    free(tally->top);
    *tally = (struct tally){0};
}
