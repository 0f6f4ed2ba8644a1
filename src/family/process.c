#include "family/process.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "backend/anonymous.h"
#include "base/error.h"
#include "family/identity.h"
#include "family/letter.h"
#include "family/mailbox.h"
#include "family/members.h"
#include "family/pools.h"
#include "family/registry.h"
#include "family/workers.h"

static struct fork_page no_page;
struct fork_page *process_page = &no_page;

static _Atomic int has_begun;
static _Atomic pid_t beginner; /* the process a thread of which begins; 0: none does */
static int has_handlers;
static pthread_mutex_t tables = PTHREAD_MUTEX_INITIALIZER;
static int holders_cancel_state;
static _Atomic uint64_t last_era;
static struct error_before refusal; /* why it could not begin; code 0: it could */

uint64_t process_page_size(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Its holder is not cancelled. */
void process_lock(void)
{
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    pthread_mutex_lock(&tables);
    holders_cancel_state = cancel;
}

void process_unlock(void)
{
    int cancel = holders_cancel_state;
    pthread_mutex_unlock(&tables);
    pthread_setcancelstate(cancel, &cancel);
}

/* In the child: nothing that belonged to the parent's threads is the child's. */
static void forget_parent(void)
{
    tables = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    identity_forget();
    registry_renew();
    pools_renew();
    members_renew();
    workers_renew();
}

static void renew(void)
{
    forget_parent();
    atomic_store(&process_page->era, ++last_era);
}

/* For another thread of this process: a yield starves one of lower real-time priority. */
static void take_a_nap(void)
{
    const struct timespec nap = {.tv_nsec = 50000};
    nanosleep(&nap, NULL);
}

/* Where the page is wiped, the first thread to come renews; the flag on the same page is wiped with
 * it, so it is never inherited held. */
static void renew_once(void)
{
    uint32_t nobody = 0;
    if (atomic_compare_exchange_strong(&process_page->renewing, &nobody, 1)) {
        if (process_era() == 0)
            renew();
        atomic_store(&process_page->renewing, 0);
    }
    while (process_era() == 0)
        take_a_nap();
}

/* Where the kernel has no page to wipe, a plain one serves fork(2), which calls the handlers. */
static void forked(void)
{
    process_unlock();
    atomic_store(&process_page->renewing, 0);
    atomic_store(&process_page->era, 0);
    renew_once();
}

/* The family that the letter of a spawned program speaks of, else a new one. */
static int find_family(struct letter_news *news)
{
    if (letter_open(news))
        return 0;
    if (registry_begin() != 0)
        return -1;
    mailbox_begin();
    return 0;
}

/* A child that was forked in between has them once, or not at all and finds its page wiped. */
static void handle_forks(void)
{
    if (has_handlers)
        return;
    has_handlers = 1;
    pthread_atfork(process_lock, process_unlock, forked);
}

static void begin(void)
{
    struct letter_news news = {.worker = 0};
    struct fork_page *page = anonymous_fork_page();
    if (find_family(&news) != 0 || members_begin() != 0) {
        error_remember(&refusal);
        return;
    }
    if (page != NULL)
        process_page = page;
    handle_forks();
    atomic_store(&process_page->era, ++last_era);
    if (news.worker != 0) {
        letter_take_grants();
        workers_become(&news);
    }
}

/* By one thread, the first to come. A child that was forked while its parent's did it has no such
 * thread and begins anew: pthread_once would let it wait for ever after _Fork, clone and the like.
 */
static void begin_or_wait(void)
{
    pid_t self = getpid();
    pid_t other = atomic_load(&beginner);
    if (other != self && atomic_compare_exchange_strong(&beginner, &other, self)) {
        if (other != 0)
            forget_parent();
        begin();
        atomic_store(&has_begun, 1);
    }
    while (!atomic_load(&has_begun))
        take_a_nap();
}

/* A thread that is cancelled on the way would leave the others to wait. */
static void begin_once(void)
{
    int cancel;
    struct error_before before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    error_remember(&before);
    begin_or_wait();
    error_forget_since(&before);
    pthread_setcancelstate(cancel, &cancel);
}

int process_begin(void)
{
    if (!atomic_load(&has_begun))
        begin_once();
    if (refusal.code != 0)
        return error_set(refusal.code, "the family's registry cannot be made: %s", refusal.text);
    if (process_era() == 0)
        renew_once();
    return 0;
}
