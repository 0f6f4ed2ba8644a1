/* Where an x86-64 instruction reads or writes memory.
 *
 * Just enough of a decoder to tell instructions that can touch a range of addresses from those that
 * cannot: it errs on the side of "may". */
#ifndef TESTS_CRASH_OPERAND_H
#define TESTS_CRASH_OPERAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

/* Whether the instruction in these 16 bytes of code may access the n bytes from base on. */
bool operand_may_lie_in(const uint8_t *code, const struct user_regs_struct *registers,
                        uintptr_t base, size_t n);

/* The length of the instruction if it is one that repeats itself, on strings of bytes; else 0. */
size_t operand_repeated(const uint8_t *code);

#endif
