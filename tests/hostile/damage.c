#include "hostile/damage.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

static const char *const kinds[] = {"store", "flip", "noise", "copy", "swap"};

/* record: what a table consists of; crowded: how many of them the population uses. */
static const struct {
    const char *name;
    unsigned record;
    unsigned crowded;
} tables[N_TABLES] = {
    [TABLE_HEADER] = {"header", 8, LAYOUT_HEADER_SIZE / 8},
    [TABLE_DOMAINS] = {"domains", sizeof(struct domain_shm), 4},
    [TABLE_ROWS] = {"rows", sizeof(struct row_shm), 8},
    [TABLE_SLOTS] = {"slots", sizeof(struct slot_shm), 24},
    [TABLE_WORDS] = {"words", 8, 40},
    [TABLE_HINTS] = {"hints", 1, 384},
    [TABLE_TAGS] = {"tags", 4, 1280},
    [TABLE_USED] = {"used", 4, 40},
};

static uint64_t start_of(const struct layout *layout, enum damage_table table)
{
    const uint64_t starts[N_TABLES] = {0,
                                       layout->domains_offset,
                                       layout->rows_offset,
                                       layout->slots_offset,
                                       layout->words_offset,
                                       layout->hints_offset,
                                       layout->tags_offset,
                                       layout->used_offset};
    return starts[table];
}

static uint64_t size_of(const struct layout *layout, enum damage_table table)
{
    uint64_t end = table + 1 < N_TABLES ? start_of(layout, (enum damage_table)(table + 1))
                                        : layout->pages_offset;
    return end - start_of(layout, table);
}

/* ---- drawing ---- */

static uint64_t draw(struct random *random, uint64_t n)
{
    return random_between(random, 0, n - 1);
}

/* The header's fields, the shared variables more often than the rest. */
static uint64_t draw_field(struct random *random)
{
    static const uint16_t variables[] = {
        offsetof(struct header_shm, limit),      offsetof(struct header_shm, root),
        offsetof(struct header_shm, watch),      offsetof(struct header_shm, lock),
        offsetof(struct header_shm, slots_mark), offsetof(struct header_shm, rows_mark),
        offsetof(struct header_shm, extent)};
    if (draw(random, 4) != 0)
        return variables[draw(random, sizeof variables / sizeof variables[0])];
    return draw(random, LAYOUT_HEADER_SIZE / 4) * 4;
}

static uint64_t draw_record(enum damage_table table, uint64_t size, struct random *random)
{
    uint64_t n = size / tables[table].record;
    if (draw(random, 8) != 0 && n > tables[table].crowded)
        n = tables[table].crowded;
    return draw(random, n) * tables[table].record;
}

static uint64_t draw_offset(enum damage_table table, uint64_t size, struct random *random)
{
    if (table == TABLE_HEADER)
        return draw_field(random);
    uint64_t offset = draw_record(table, size, random);
    if (table == TABLE_ROWS || table == TABLE_SLOTS)
        offset += draw(random, 7) * 8; /* the fields that mean something */
    return offset;
}

/* Values at which something ends, and such as the field could hold. */
static uint64_t draw_value(const struct layout *layout, struct random *random)
{
    const uint64_t edges[] = {0,
                              1,
                              2,
                              UINT64_MAX,
                              UINT32_MAX,
                              (uint64_t)INT64_MAX,
                              UINT64_C(1) << 63,
                              UINT32_C(0xFFFFFFFE),
                              layout->max_pages,
                              layout->max_pages - 1,
                              layout->max_pages + 1,
                              layout->pages_offset,
                              layout->mapping_size,
                              LAYOUT_SLOTS,
                              layout->n_rows,
                              layout->n_rows + 1,
                              UINT64_C(0xFFFFFFFF00000000),
                              UINT64_C(0x8000000080000000)};
    switch (draw(random, 5)) {
    case 0:
        return edges[draw(random, sizeof edges / sizeof edges[0])];
    case 1: /* an intent */
        return draw(random, layout->max_pages + 2) << 4 | draw(random, 12);
    case 2: /* a tag */
        return draw(random, 8) << 16 | draw(random, 24);
    case 3: /* a length, a row, a slot */
        return draw(random, layout->max_pages + 2);
    default:
        return random_next(random);
    }
}

static uint64_t draw_length(enum edit_kind kind, uint64_t record, uint64_t size,
                            struct random *random)
{
    if (kind == EDIT_STORE || kind == EDIT_FLIP)
        return draw(random, 8) != 0 ? UINT64_C(1) << draw(random, 4) : record < 8 ? record : 8;
    switch (draw(random, 8)) {
    case 0:
        return size;
    case 1:
        return 1 + draw(random, size < 4096 ? size : 4096);
    default:
        return record * (1 + draw(random, 8));
    }
}

static void draw_edit(struct edit *edit, const struct layout *layout, struct random *random,
                      unsigned last_moment)
{
    static const unsigned char likely[] = {EDIT_STORE, EDIT_STORE, EDIT_STORE, EDIT_FLIP,
                                           EDIT_FLIP,  EDIT_NOISE, EDIT_COPY,  EDIT_SWAP};
    edit->moment = draw(random, 2) ? 0 : (unsigned)draw(random, last_moment + 1);
    edit->kind = (enum edit_kind)likely[draw(random, sizeof likely)];
    edit->table = (enum damage_table)draw(random, N_TABLES);
    uint64_t size = size_of(layout, edit->table);
    edit->offset = draw_offset(edit->table, size, random);
    edit->length = draw_length(edit->kind, tables[edit->table].record, size, random);
    if (edit->kind == EDIT_COPY || edit->kind == EDIT_SWAP)
        edit->value = draw_offset(edit->table, size, random);
    else if (edit->kind == EDIT_FLIP)
        edit->value = UINT64_C(1) << draw(random, 64);
    else
        edit->value = draw_value(layout, random);
}

void damage_draw(struct damage *damage, const struct layout *layout, struct random *random,
                 unsigned last_moment)
{
    damage->operations = random_next(random);
    damage->n_edits = 1 + (unsigned)draw(random, DAMAGE_EDITS);
    for (unsigned i = 0; i < damage->n_edits; i++)
        draw_edit(&damage->edits[i], layout, random, last_moment);
}

/* ---- doing ---- */

/* Members read meanwhile, so each byte is stored as what it is for them: atomic. */
static void put(_Atomic uint8_t *place, uint8_t byte)
{
    atomic_store_explicit(place, byte, memory_order_relaxed);
}

static uint8_t get(const _Atomic uint8_t *place)
{
    return atomic_load_explicit(place, memory_order_relaxed);
}

static void put_noise(_Atomic uint8_t *to, uint64_t length, uint64_t seed)
{
    struct random random = {seed};
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < length; i++, bytes >>= 8) {
        if (i % 8 == 0)
            bytes = random_next(&random);
        put(to + i, (uint8_t)bytes);
    }
}

static void put_value(const struct edit *edit, _Atomic uint8_t *to, uint64_t length)
{
    for (uint64_t i = 0; i < length && i < sizeof edit->value; i++) {
        uint8_t byte = (uint8_t)(edit->value >> i * 8);
        put(to + i, edit->kind == EDIT_FLIP ? (uint8_t)((get(to + i) ^ byte) & 0xFF) : byte);
    }
}

static void put_from(const struct edit *edit, _Atomic uint8_t *to, _Atomic uint8_t *from,
                     uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        uint8_t old = get(to + i);
        put(to + i, get(from + i));
        if (edit->kind == EDIT_SWAP)
            put(from + i, old);
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void apply(const struct edit *edit, const struct layout *layout, void *base)
{
    uint64_t size = size_of(layout, edit->table);
    _Atomic uint8_t *table = (_Atomic uint8_t *)base + start_of(layout, edit->table);
    int has_source = edit->kind == EDIT_COPY || edit->kind == EDIT_SWAP;
    if (edit->offset >= size || (has_source && edit->value >= size))
        return;
    uint64_t length = least(edit->length, size - edit->offset);
    if (has_source)
        length = least(length, size - edit->value);
    if (edit->kind == EDIT_NOISE)
        put_noise(table + edit->offset, length, edit->value);
    else if (has_source)
        put_from(edit, table + edit->offset, table + edit->value, length);
    else
        put_value(edit, table + edit->offset, length);
}

void damage_apply(const struct damage *damage, unsigned moment, const struct layout *layout,
                  void *base)
{
    for (unsigned i = 0; i < damage->n_edits; i++)
        if (damage->edits[i].moment == moment)
            apply(&damage->edits[i], layout, base);
}

/* ---- as text ---- */

void damage_print(FILE *out, const struct damage *damage)
{
    fprintf(out, "%#" PRIx64, damage->operations);
    for (unsigned i = 0; i < damage->n_edits; i++) {
        const struct edit *edit = &damage->edits[i];
        fprintf(out, "%s @%u %s %s %" PRIu64 " %" PRIu64 " %#" PRIx64, i > 0 ? ";" : "",
                edit->moment, kinds[edit->kind], tables[edit->table].name, edit->offset,
                edit->length, edit->value);
    }
}

static bool read_edit(struct edit *edit, const char *text)
{
    char kind[8];
    char table[8];
    if (sscanf(text, " @%u %7s %7s %" SCNu64 " %" SCNu64 " %" SCNx64, &edit->moment, kind, table,
               &edit->offset, &edit->length, &edit->value) != 6)
        return false;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (unsigned t = 0; t < N_TABLES; t++)
            if (strcmp(kind, kinds[i]) == 0 && strcmp(table, tables[t].name) == 0) {
                edit->kind = (enum edit_kind)i;
                edit->table = (enum damage_table)t;
                return true;
            }
    return false;
}

bool damage_read(struct damage *damage, const char *line)
{
    int length = 0;
    if (sscanf(line, "%" SCNx64 "%n", &damage->operations, &length) != 1)
        return false;
    const char *at = line + length;
    for (damage->n_edits = 0; damage->n_edits < DAMAGE_EDITS;) {
        if (!read_edit(&damage->edits[damage->n_edits], at))
            return false;
        damage->n_edits++;
        at = strchr(at, ';');
        if (at == NULL)
            return true;
        at++;
    }
    return false;
}
