/* Operations of core, one shared access at a time. This file is included before each source of core
 * (CMakeLists.txt): every access to shared memory then calls step_load() or step_change() first. So
 * a test can let an operation die before any of its changes, or let somebody else act before any of
 * its accesses. */
#ifndef TESTS_CORE_STEPS_H
#define TESTS_CORE_STEPS_H

#include <stdatomic.h>
#include <stdbool.h>

void step_load(void);
void step_change(void);

/* Calls body(arg), which dies before its change number n, counted from 0. Whether it finished. */
bool steps_then_death(unsigned n, void (*body)(void *arg), void *arg);

/* Calls body(arg); before its access number n, between() acts. Whether it came to that. */
bool steps_with_other(unsigned n, void (*body)(void *arg), void *arg, void (*between)(void *arg),
                      void *other_arg);

/* From now on each step calls this; NULL: nothing. What it called before. */
typedef void step_hook(bool changes);
step_hook *steps_hook(step_hook *hook);

#ifndef STEPS_PLAIN
#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_fetch_and_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_xor_explicit
#ifdef __clang__
#define atomic_load_explicit(place, order) (step_load(), __c11_atomic_load(place, order))
#define atomic_store_explicit(place, value, order)                                                 \
    (step_change(), __c11_atomic_store(place, value, order))
#define atomic_exchange_explicit(place, value, order)                                              \
    (step_change(), __c11_atomic_exchange(place, value, order))
#define STEPS_CAS(place, seen, value, success, failure)                                            \
    (step_change(), __c11_atomic_compare_exchange_strong(place, seen, value, success, failure))
#define STEPS_FETCH(verb, place, value, order)                                                     \
    (step_change(), __c11_atomic_fetch_##verb(place, value, order))
#else
#define atomic_load_explicit(place, order) (step_load(), __atomic_load_n(place, order))
#define atomic_store_explicit(place, value, order)                                                 \
    (step_change(), __atomic_store_n(place, value, order))
#define atomic_exchange_explicit(place, value, order)                                              \
    (step_change(), __atomic_exchange_n(place, value, order))
#define STEPS_CAS(place, seen, value, success, failure)                                            \
    (step_change(), __atomic_compare_exchange_n(place, seen, value, 0, success, failure))
#define STEPS_FETCH(verb, place, value, order)                                                     \
    (step_change(), __atomic_fetch_##verb(place, value, order))
#endif
#define atomic_fetch_and_explicit(place, value, order) STEPS_FETCH(and, place, value, order)
#define atomic_fetch_or_explicit(place, value, order)  STEPS_FETCH(or, place, value, order)
#define atomic_fetch_xor_explicit(place, value, order) STEPS_FETCH(xor, place, value, order)
#define atomic_compare_exchange_strong_explicit        STEPS_CAS
#define atomic_compare_exchange_weak_explicit          STEPS_CAS
#endif

#endif
