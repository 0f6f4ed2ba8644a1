#include "table.h"

#include <string.h>

void table_open(struct hand *hand, shmpool_id pool, unsigned slot)
{
    struct job_shm *job = shmpool_root(pool);
    struct slot_shm *mine = &job->slots[slot];
    *hand = (struct hand){.job = job, .slot = slot, .successor = mine->cells != NULL};
    arena_open(&hand->words, pool, &mine->words);
    arena_open(&hand->cells, pool, &mine->cells);
}

bool table_same_letters(const struct word_shm *word, const struct spelling *spelling)
{
    if (word->length != spelling->length)
        return false;
    for (size_t i = 0; i < word->length; i++)
        if ((unsigned char)word->letters[i] != scan_fold(spelling->start[i]))
            return false;
    return true;
}

/* A word that nobody else knows of yet. */
static struct word_shm *make_word(struct hand *hand, const struct spelling *spelling)
{
    size_t size = sizeof(struct word_shm) + spelling->length;
    struct word_shm *word = arena_room(&hand->words, size);
    if (word == NULL)
        return NULL;
    for (int i = 0; i < TABLE_BRANCHES; i++)
        atomic_init(&word->branches[i], NULL);
    atomic_init(&word->cells, NULL);
    word->hash = spelling->hash;
    word->length = spelling->length;
    for (size_t i = 0; i < spelling->length; i++)
        word->letters[i] = (char)scan_fold(spelling->start[i]);
    arena_take(&hand->words, size);
    return word;
}

static bool is_word(const struct word_shm *word, const struct spelling *spelling)
{
    return word->hash == spelling->hash && table_same_letters(word, spelling);
}

/* Goes down from the bucket until the word is found or a place is empty. Places are filled once and
 * stay so, by one swap: whoever loses it has the winner's word before it and goes on from there. A
 * word that was made and then found after all stays behind, unlinked and without cells. */
static struct word_shm *find_or_add_word(struct hand *hand, const struct spelling *spelling)
{
    struct job_shm *job = hand->job;
    struct word_shm *made = NULL;
    uint64_t bits = spelling->hash / job->n_buckets;
    word_place *place = &job->buckets[spelling->hash % job->n_buckets];
    for (;; bits /= TABLE_BRANCHES) {
        struct word_shm *word = atomic_load_explicit(place, memory_order_acquire);
        if (word == NULL) {
            if (made == NULL && (made = make_word(hand, spelling)) == NULL)
                return NULL;
            if (atomic_compare_exchange_strong_explicit(place, &word, made, memory_order_acq_rel,
                                                        memory_order_acquire))
                return made;
        }
        if (is_word(word, spelling))
            return word;
        place = &word->branches[bits % TABLE_BRANCHES];
    }
}

static struct cell_shm *find_cell(const struct hand *hand, const struct word_shm *word)
{
    struct cell_shm *cell = atomic_load_explicit(&word->cells, memory_order_acquire);
    while (cell != NULL && cell->slot != hand->slot)
        cell = cell->next;
    return cell;
}

/* Nobody else adds a cell for this slot: there is no second one to look for. */
static struct cell_shm *add_cell(struct hand *hand, struct word_shm *word,
                                 const struct spelling *spelling)
{
    struct cell_shm *cell = arena_room(&hand->cells, sizeof *cell);
    if (cell == NULL)
        return NULL;
    memset(cell, 0, sizeof *cell);
    cell->word = word;
    cell->slot = hand->slot;
    cell->longer = spelling->length > KEY_SIZE;
    memcpy(cell->key, spelling->key, sizeof cell->key);
    arena_take(&hand->cells, sizeof *cell);
    cell->next = atomic_load_explicit(&word->cells, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&word->cells, &cell->next, cell,
                                                  memory_order_acq_rel, memory_order_relaxed))
        ;
    return cell;
}

struct cell_shm *table_cell(struct hand *hand, const struct spelling *spelling)
{
    struct word_shm *word = find_or_add_word(hand, spelling);
    if (word == NULL)
        return NULL;
    struct cell_shm *cell = hand->successor ? find_cell(hand, word) : NULL;
    return cell != NULL ? cell : add_cell(hand, word, spelling);
}
