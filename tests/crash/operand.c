#include "crash/operand.h"

#include <string.h>

enum { REACH = 64 }; /* bytes that one access covers at most */

enum { REX_B = 1, REX_X = 2 };

static uint64_t register_number(const struct user_regs_struct *registers, unsigned number)
{
    const unsigned long long values[16] = {
        registers->rax, registers->rcx, registers->rdx, registers->rbx,
        registers->rsp, registers->rbp, registers->rsi, registers->rdi,
        registers->r8,  registers->r9,  registers->r10, registers->r11,
        registers->r12, registers->r13, registers->r14, registers->r15};
    return values[number];
}

static bool lies_in(uint64_t address, uintptr_t base, size_t n)
{
    return address + REACH > base && address < base + n;
}

static bool is_prefix(uint8_t byte)
{
    return byte == 0x66 || byte == 0x67 || byte == 0xF0 || byte == 0xF2 || byte == 0xF3 ||
           byte == 0x2E || byte == 0x36 || byte == 0x3E || byte == 0x26 || byte == 0x64 ||
           byte == 0x65;
}

/* Opcodes of one byte that are followed by no operand byte. */
static bool is_bare(uint8_t opcode)
{
    return (opcode < 0x40 && (opcode & 7) >= 4) || (opcode >= 0x50 && opcode <= 0x62) ||
           opcode == 0x68 || opcode == 0x6A || (opcode >= 0x70 && opcode <= 0x7F) ||
           (opcode >= 0x90 && opcode <= 0xA9) || (opcode >= 0xB0 && opcode <= 0xBF) ||
           opcode == 0xC2 || opcode == 0xC3 || opcode == 0xC9 || opcode == 0xCC ||
           (opcode >= 0xE0 && opcode <= 0xF4);
}

/* The same, of those that follow 0F. */
static bool is_bare_long(uint8_t opcode)
{
    return opcode == 0x05 || opcode == 0x0B || opcode == 0x31 || opcode == 0xA2 ||
           (opcode >= 0x80 && opcode <= 0x8F) || (opcode >= 0xC8 && opcode <= 0xCF);
}

/* Instructions that move strings have no operand byte either. */
static bool is_string(uint8_t opcode)
{
    return (opcode >= 0xA4 && opcode <= 0xA7) || (opcode >= 0xAA && opcode <= 0xAF);
}

static int64_t displacement(const uint8_t *code, unsigned mode, unsigned base)
{
    int32_t wide;
    if (mode == 1)
        return (int8_t)code[0];
    if (mode == 0 && base != 5)
        return 0;
    memcpy(&wide, code, sizeof wide);
    return wide;
}

/* The address that an operand byte and what follows it make. Those relative to the instruction are
 * no pool's. */
static uint64_t operand_address(const uint8_t *code, unsigned rex,
                                const struct user_regs_struct *registers)
{
    unsigned mode = *code >> 6;
    unsigned base = *code & 7;
    uint64_t address = 0;
    code++;
    if (base == 4) {
        unsigned index = (unsigned)(*code >> 3 & 7) | (rex & REX_X ? 8u : 0u);
        if (index != 4)
            address = register_number(registers, index) << (*code >> 6);
        base = *code++ & 7;
    }
    if (mode != 0 || base != 5)
        address += register_number(registers, base | (rex & REX_B ? 8u : 0u));
    return address + (uint64_t)displacement(code, mode, base);
}

/* Vector instructions are not decoded: any register that points there may be the address. */
static bool any_register_points_to(const struct user_regs_struct *registers, uintptr_t base,
                                   size_t n)
{
    for (unsigned i = 0; i < 16; i++)
        if (lies_in(register_number(registers, i), base, n))
            return true;
    return false;
}

bool operand_may_lie_in(const uint8_t *code, const struct user_regs_struct *registers,
                        uintptr_t base, size_t n)
{
    unsigned rex = 0;
    bool is_bare_one;
    while (is_prefix(*code))
        code++;
    if ((*code & 0xF0) == 0x40)
        rex = *code++;
    if (is_string(*code))
        return lies_in(registers->rsi, base, n) || lies_in(registers->rdi, base, n);
    if (*code == 0x62 || *code == 0xC4 || *code == 0xC5)
        return any_register_points_to(registers, base, n);
    if (*code == 0x0F) {
        code++;
        is_bare_one = is_bare_long(*code);
        code += *code == 0x38 || *code == 0x3A;
    } else {
        is_bare_one = is_bare(*code);
    }
    code++;
    if (is_bare_one || *code >> 6 == 3)
        return false;
    return lies_in(operand_address(code, rex, registers), base, n);
}

size_t operand_repeated(const uint8_t *code)
{
    size_t n = 0;
    bool repeats = false;
    for (; is_prefix(code[n]); n++)
        repeats |= code[n] == 0xF2 || code[n] == 0xF3;
    n += (code[n] & 0xF0) == 0x40;
    return repeats && is_string(code[n]) ? n + 1 : 0;
}
