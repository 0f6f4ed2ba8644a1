#include "core/layout.h"

#include "core/hints.h"

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static uint64_t rows_for(uint64_t max_pages)
{
    uint64_t rows = max_pages + LAYOUT_ROWS_EXTRA;
    return rows < LAYOUT_ROWS_LIMIT ? rows : LAYOUT_ROWS_LIMIT;
}

static uint64_t place(uint64_t *end, uint64_t size, uint64_t page_size)
{
    uint64_t start = *end;
    *end = round_up(start + size, page_size);
    return start;
}

int layout_compute(struct layout *layout, uint64_t page_size, uint64_t max_pages)
{
    if (page_size < LAYOUT_HEADER_SIZE || page_size > (1 << 20) || (page_size & (page_size - 1)))
        return -1;
    if (max_pages == 0 || max_pages > LAYOUT_MOST_BYTES / page_size)
        return -1;
    layout->page_size = page_size;
    layout->max_pages = max_pages;
    layout->n_rows = rows_for(max_pages);
    layout->n_words = round_up(max_pages, LAYOUT_GROUP_PAGES) / LAYOUT_WORD_PAGES;
    layout->n_groups = layout->n_words / LAYOUT_GROUP_WORDS;

    uint64_t end = round_up(LAYOUT_HEADER_SIZE, page_size);
    layout->domains_offset = place(&end, LAYOUT_DOMAINS * sizeof(struct domain_shm), page_size);
    layout->rows_offset = place(&end, (layout->n_rows + 1) * sizeof(struct row_shm), page_size);
    layout->slots_offset = place(&end, LAYOUT_SLOTS * sizeof(struct slot_shm), page_size);
    layout->words_offset = place(&end, layout->n_words * sizeof(uint64_t), page_size);
    layout->hints_offset = place(&end, hints_size(layout->n_groups), page_size);
    layout->tags_offset = place(&end, max_pages * sizeof(uint32_t), page_size);
    layout->used_offset = place(&end, layout->n_words * sizeof(uint32_t), page_size);
    layout->pages_offset = place(&end, max_pages * page_size, page_size);
    layout->mapping_size = end;
    return end > LAYOUT_MOST_BYTES ? -1 : 0;
}

uint64_t layout_object_size(const struct layout *layout, uint64_t n_pages)
{
    return layout->pages_offset + n_pages * layout->page_size;
}

void layout_write(const struct layout *layout, struct header_shm *header)
{
    header->version = LAYOUT_VERSION;
    header->stamp = LAYOUT_STAMP;
    header->page_size = layout->page_size;
    header->max_pages = layout->max_pages;
    header->mapping_size = layout->mapping_size;
    header->domains_offset = layout->domains_offset;
    header->rows_offset = layout->rows_offset;
    header->slots_offset = layout->slots_offset;
    header->words_offset = layout->words_offset;
    header->hints_offset = layout->hints_offset;
    header->tags_offset = layout->tags_offset;
    header->used_offset = layout->used_offset;
    header->pages_offset = layout->pages_offset;
    header->n_rows = (uint32_t)layout->n_rows;
}

static int same_geometry(const struct layout *layout, const struct header_shm *header)
{
    return header->mapping_size == layout->mapping_size &&
           header->domains_offset == layout->domains_offset &&
           header->rows_offset == layout->rows_offset &&
           header->slots_offset == layout->slots_offset &&
           header->words_offset == layout->words_offset &&
           header->hints_offset == layout->hints_offset &&
           header->tags_offset == layout->tags_offset &&
           header->used_offset == layout->used_offset &&
           header->pages_offset == layout->pages_offset && header->n_rows == layout->n_rows;
}

const char *layout_read(struct layout *layout, const struct header_shm *header,
                        uint64_t object_size)
{
    if (atomic_load_explicit(&header->magic, memory_order_relaxed) != LAYOUT_MAGIC)
        return "it does not begin as a pool does";
    if (header->version != LAYOUT_VERSION || header->stamp != LAYOUT_STAMP)
        return "it is of another layout version";
    if (layout_compute(layout, header->page_size, header->max_pages) != 0)
        return "its page size or page count is impossible";
    if (!same_geometry(layout, header))
        return "its tables do not lie where they must";
    uint64_t limit = atomic_load_explicit(&header->limit, memory_order_relaxed);
    if (limit == 0 || limit > layout->max_pages)
        return "its page count is out of bounds";
    if (object_size < layout_object_size(layout, limit))
        return "it is shorter than its page count says";
    if (header->address == 0 || header->address % layout->page_size != 0 ||
        header->address > (UINT64_C(1) << 56))
        return "its address is impossible";
    return NULL;
}
