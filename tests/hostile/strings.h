/* Strings of operations: bytes that say what to do with a pool, done with the library and with a
 * naive model of it, which must agree after each step. Any bytes are a string. */
#ifndef TESTS_HOSTILE_STRINGS_H
#define TESTS_HOSTILE_STRINGS_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer calls the first one, once; whoever does not has a new pool for each string. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* As libFuzzer calls it. Aborts where library and model differ; always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
