#include "family/process.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
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

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t tables = PTHREAD_MUTEX_INITIALIZER;
static int holders_cancel_state;
static _Atomic uint64_t last_era;
static int begin_error;

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
static void renew(void)
{
    tables = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    identity_forget();
    registry_renew();
    pools_renew();
    members_renew();
    workers_renew();
    atomic_store(&process_page->era, ++last_era);
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
        sched_yield();
}

/* Where the kernel has no page to wipe, a plain one serves fork(2), which calls the handlers. */
static void forked(void)
{
    int cancel = holders_cancel_state;
    pthread_setcancelstate(cancel, &cancel);
    tables = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
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

static void begin(void)
{
    struct letter_news news = {.worker = 0};
    struct fork_page *page = anonymous_fork_page();
    if (find_family(&news) != 0 || members_begin() != 0) {
        begin_error = errno;
        return;
    }
    if (page != NULL)
        process_page = page;
    pthread_atfork(process_lock, process_unlock, forked);
    atomic_store(&process_page->era, ++last_era);
    if (news.worker != 0) {
        letter_take_grants();
        workers_become(&news);
    }
}

int process_begin(void)
{
    pthread_once(&once, begin);
    if (begin_error != 0)
        return error_set(begin_error,
                         "the family's registry cannot be made: this process is out of "
                         "memory, address space or thread keys");
    if (process_era() == 0)
        renew_once();
    return 0;
}
