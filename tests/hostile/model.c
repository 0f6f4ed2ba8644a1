#include "hostile/model.h"

static bool is_free(const struct model *model, size_t page, size_t n)
{
    for (size_t i = page; i < page + n; i++)
        if (i >= model->n_pages || model->taken[i])
            return false;
    return true;
}

bool model_has_room(const struct model *model, size_t n, size_t align)
{
    for (size_t page = 0; n <= model->n_pages && page <= model->n_pages - n; page++)
        if ((page + model->phase) % align == 0 && is_free(model, page, n))
            return true;
    return false;
}

bool model_take(struct model *model, size_t page, size_t n)
{
    if (page >= model->n_pages || n > model->n_pages - page || !is_free(model, page, n))
        return false;
    for (size_t i = page; i < page + n; i++)
        model->taken[i] = true;
    model->length[page] = n;
    model->shared[page] = false;
    return true;
}

void model_free(struct model *model, size_t page)
{
    for (size_t i = page; i < page + model->length[page]; i++)
        model->taken[i] = false;
    model->length[page] = 0;
}

size_t model_free_pages(const struct model *model)
{
    size_t n = 0;
    for (size_t i = 0; i < model->n_pages; i++)
        n += !model->taken[i];
    return n;
}

size_t model_longest(const struct model *model)
{
    size_t longest = 0;
    size_t run = 0;
    for (size_t i = 0; i < model->n_pages; i++) {
        run = model->taken[i] ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    return longest;
}

size_t model_blocks(const struct model *model)
{
    size_t n = 0;
    for (size_t i = 0; i < model->n_pages; i++)
        n += model->length[i] > 0;
    return n;
}

size_t model_block(const struct model *model, size_t number)
{
    size_t n = model_blocks(model);
    size_t page = 0;
    if (n == 0)
        return model->n_pages;
    for (number %= n; model->length[page] == 0 || number-- > 0; page++)
        ;
    return page;
}
