#include "worker.h"

#include <bsd/string.h>
#include <errno.h>

#include "cell.h"
#include "interrupt.h"
#include "lexicon.h"
#include "passage.h"

struct worker {
    const struct input *input;
    uint32_t number;
    struct hand hand;
    struct lexicon lexicon;
    struct passage passage;
};

static int give_up(struct worker *worker, enum problem problem)
{
    struct slot_shm *slot = &worker->hand.job->slots[worker->hand.slot];
    slot->error = errno;
    slot->problem = problem;
    return -1;
}

static int give_up_file(struct worker *worker, const struct file *file)
{
    struct slot_shm *slot = &worker->hand.job->slots[worker->hand.slot];
    slot->file = (size_t)(file - worker->input->files);
    if (errno == ENOMEM)
        return give_up(worker, PROBLEM_MEMORY);
    return give_up(worker, errno == ENODATA ? PROBLEM_SHRUNK : PROBLEM_READ);
}

static int give_up_pool(struct worker *worker)
{
    struct slot_shm *slot = &worker->hand.job->slots[worker->hand.slot];
    struct shmpool_stats stats = {.total = 0};
    int code = errno;
    strlcpy(slot->sentence, shmpool_errmsg(), sizeof slot->sentence);
    bool is_full = code == ENOSPC && shmpool_stats(worker->hand.words.pool, &stats) == 0 &&
                   stats.total == stats.max_size;
    errno = code;
    return give_up(worker, is_full ? PROBLEM_POOL_FULL : PROBLEM_POOL);
}

/* The cell of a word that this worker has not met before. */
static struct cell_shm *meet(struct worker *worker, const struct spelling *word)
{
    struct cell_shm *cell = table_cell(&worker->hand, word);
    if (cell == NULL) {
        give_up_pool(worker);
        return NULL;
    }
    if (lexicon_add(&worker->lexicon, word->hash, cell) != 0) {
        give_up(worker, PROBLEM_MEMORY);
        return NULL;
    }
    return cell;
}

static int count_word(struct worker *worker, const struct spelling *word, uint64_t mark)
{
    struct cell_shm *cell = lexicon_find(&worker->lexicon, word);
    if (cell == NULL && (cell = meet(worker, word)) == NULL)
        return -1;
    cell_add(worker->hand.job, cell, mark);
    return 0;
}

/* Three rounds over the words: the first asks for the places in the lexicon and the second for the
 * cells, so that the third waits for neither. */
static int count_words(struct worker *worker, const struct scan *scan, uint64_t mark)
{
    struct spelling words[SCAN_EDGES / 2];
    size_t n = scan->n_edges / 2;
    for (size_t i = 0; i < n; i++) {
        scan_spell(&words[i], scan->edges[2 * i], scan->edges[2 * i + 1]);
        __builtin_prefetch(lexicon_place(&worker->lexicon, words[i].hash));
    }
    for (size_t i = 0; i < n; i++)
        __builtin_prefetch(lexicon_place(&worker->lexicon, words[i].hash)->cell, 1);
    for (size_t i = 0; i < n; i++)
        if (count_word(worker, &words[i], mark) != 0)
            return -1;
    return 0;
}

static int count_passage(struct worker *worker, uint64_t mark)
{
    struct scan scan;
    scan_begin(&scan, worker->passage.begin, worker->passage.end);
    while (scan_more(&scan))
        if (count_words(worker, &scan, mark) != 0)
            return -1;
    return 0;
}

static int count_chunk(struct worker *worker, size_t chunk)
{
    if (passage_read(&worker->passage, worker->input, chunk) != 0)
        return give_up_file(worker, input_file(worker->input, chunk));
    if (count_passage(worker, cell_mark(chunk, worker->number)) != 0)
        return -1;
    chunks_finish(worker->hand.job, chunk, worker->number);
    return 0;
}

static int count_chunks(struct worker *worker)
{
    struct job_shm *job = worker->hand.job;
    for (;;) {
        size_t chunk = chunks_claim(job, worker->number);
        if (chunk == job->n_chunks)
            return 0;
        if (count_chunk(worker, chunk) != 0)
            return -1;
    }
}

int worker_run(void *task)
{
    const struct worker_task *given = task;
    struct worker worker = {.input = given->input, .number = given->worker};
    interrupt_let_through();
    table_open(&worker.hand, given->pool, given->slot);
    int result = lexicon_open(&worker.lexicon);
    if (result != 0)
        give_up(&worker, PROBLEM_MEMORY);
    else
        result = count_chunks(&worker);
    lexicon_close(&worker.lexicon);
    passage_free(&worker.passage);
    return result == 0 ? 0 : 1;
}
