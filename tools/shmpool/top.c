/* top: all pools, again and again, and a look into one of them.
 *
 * Looks are made by children (top_look.c), the screen is curses' (top_screen.c); here is what is
 * shown when, and what keys do. */
#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "say.h"
#include "top_look.h"
#include "top_screen.h"
#include "top_text.h"
#include "verbs.h"

enum { USUAL_DELAY = 1, IDLE_PARTS = 4 /* of these a look takes one at most */ };

struct top {
    double delay;
    double next; /* when the next look begins */
    bool is_looking;
    struct child child; /* while it looks */
    struct look coming; /* as well */
    struct look look;
    bool is_inside;             /* shows one pool: */
    char handle[280];           /* this one, */
    char *text;                 /* what was seen of it, */
    size_t first_line;          /* from here on */
    enum sort_key key;          /* of the list */
    bool is_reversed;           /* as well */
    size_t selected, first_row; /* as well */
};

static double wait_of(const struct top *top, double took)
{
    return took * IDLE_PARTS > top->delay ? took * IDLE_PARTS : top->delay;
}

/* ---- looks ---- */

/* In the child: what map and who print, in the width of the screen. */
static int print_inside(const void *arg)
{
    const struct top *top = arg;
    char columns[16];
    char handle[sizeof top->handle];
    char *operands[] = {handle, NULL};
    struct request request = {.operands = operands, .n_operands = 1};
    strlcpy(handle, top->handle, sizeof handle);
    snprintf(columns, sizeof columns, "%d", screen_columns());
    setenv("COLUMNS", columns, 1);
    if (verb_map(&request) != STATUS_FINE)
        return STATUS_FOUND;
    putchar('\n');
    return verb_who(&request);
}

static void start(struct top *top)
{
    if (top->is_looking)
        return;
    int result = 0;
    if (top->is_inside) {
        top->coming = (struct look){.moment = look_now()};
        result = child_start(&top->child, print_inside, top);
    } else {
        result = look_start(&top->coming, &top->child);
    }
    top->is_looking = result == 0;
    top->next = look_now() + top->delay;
}

static void stop(struct top *top)
{
    if (top->is_looking)
        child_stop(&top->child);
    top->is_looking = false;
}

/* Where the pool that was selected is now. */
static void follow(struct top *top, const struct row *old)
{
    for (size_t i = 0; i < top->look.n; i++)
        if (top->look.rows[i].inode == old->inode && top->look.rows[i].device == old->device)
            top->selected = i;
}

static void take_list(struct top *top)
{
    struct row old = {.n_spots = 0};
    if (top->selected < top->look.n)
        old = top->look.rows[top->selected];
    look_finish(&top->coming, &top->child, &top->look);
    top->look = top->coming;
    look_sort(&top->look, top->key, top->is_reversed);
    follow(top, &old);
}

static void take_inside(struct top *top)
{
    const struct child *child = &top->child;
    free(top->text);
    top->text = NULL;
    if (asprintf(&top->text, "%s%s", child->out.bytes != NULL ? child->out.bytes : "",
                 child->err.bytes != NULL ? child->err.bytes : "") < 0)
        top->text = NULL;
    child_status(&top->child);
    child_free(&top->child);
}

static void finish(struct top *top)
{
    if (top->is_inside)
        take_inside(top);
    else
        take_list(top);
    top->is_looking = false;
    top->next = top->coming.moment + wait_of(top, look_now() - top->coming.moment);
}

/* ---- the screen ---- */

/* The selected row stays in what is shown. */
static void scroll(struct top *top)
{
    size_t lines = (size_t)screen_lines();
    if (top->look.n > 0 && top->selected >= top->look.n)
        top->selected = top->look.n - 1;
    if (top->selected < top->first_row || top->look.n == 0)
        top->first_row = top->look.n == 0 ? 0 : top->selected;
    if (top->selected >= top->first_row + lines)
        top->first_row = top->selected - lines + 1;
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; text != NULL && *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void draw(struct top *top)
{
    scroll(top);
    struct list_view view = {&top->look, top->selected,    top->first_row,
                             top->key,   top->is_reversed, top->delay};
    if (top->is_inside)
        screen_text(top->handle, top->text != NULL ? top->text : "looking...", top->first_line);
    else
        screen_list(&view);
}

/* ---- keys ---- */

static void enter(struct top *top)
{
    const struct row *row = top->selected < top->look.n ? &top->look.rows[top->selected] : NULL;
    if (top->is_inside || row == NULL || row->handle[0] == '\0')
        return;
    stop(top);
    strlcpy(top->handle, row->handle, sizeof top->handle);
    free(top->text);
    top->text = NULL;
    top->first_line = 0;
    top->is_inside = true;
    start(top);
}

static void leave(struct top *top)
{
    if (!top->is_inside)
        return;
    stop(top);
    top->is_inside = false;
    start(top);
}

static size_t moved(size_t from, long by, size_t end)
{
    if (by < 0)
        return from > (size_t)-by ? from - (size_t)-by : 0;
    return from + (size_t)by < end ? from + (size_t)by : (end > 0 ? end - 1 : 0);
}

static void move(struct top *top, long by)
{
    if (top->is_inside)
        top->first_line = moved(top->first_line, by, lines_of(top->text));
    else
        top->selected = moved(top->selected, by, top->look.n);
}

static void sort(struct top *top, enum sort_key key, bool is_reversed)
{
    top->key = key;
    top->is_reversed = is_reversed;
    look_sort(&top->look, key, is_reversed);
    top->selected = 0;
}

static void obey(struct top *top, enum wish wish)
{
    switch (wish) {
    case WISH_UP:
        move(top, -1);
        break;
    case WISH_DOWN:
        move(top, 1);
        break;
    case WISH_PAGE_UP:
        move(top, -(long)screen_lines());
        break;
    case WISH_PAGE_DOWN:
        move(top, screen_lines());
        break;
    case WISH_ENTER:
        enter(top);
        break;
    case WISH_LEAVE:
        leave(top);
        break;
    case WISH_REVERSE:
        sort(top, top->key, !top->is_reversed);
        break;
    default:
        if (wish >= WISH_SORT)
            sort(top, (enum sort_key)(wish - WISH_SORT), false);
    }
}

/* Whether to go on. */
static bool obey_keys(struct top *top)
{
    enum wish wish;
    bool is_drawn = true;
    while ((wish = screen_wish()) != WISH_NOTHING) {
        if (wish == WISH_QUIT)
            return false;
        obey(top, wish);
        is_drawn = false;
    }
    if (!is_drawn)
        draw(top);
    return true;
}

/* ---- the loop ---- */

/* Milliseconds until the next look. */
static int patience(const struct top *top)
{
    double rest = top->next - look_now();
    if (top->is_looking)
        return -1;
    return rest > 0 ? (int)(rest * 1000) + 1 : 0;
}

/* Waits for a key, for what a look finds, or until the next one. Whether to go on. */
static bool step(struct top *top)
{
    struct pollfd polls[1 + CHILD_POLLS] = {{.fd = STDIN_FILENO, .events = POLLIN}};
    if (top->is_looking)
        child_polls(&top->child, polls + 1);
    poll(polls, top->is_looking ? 1 + CHILD_POLLS : 1, patience(top));
    if ((polls[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0 || !obey_keys(top))
        return false;
    if (top->is_looking && child_read(&top->child)) {
        finish(top);
        draw(top);
    }
    if (!top->is_looking && look_now() >= top->next)
        start(top);
    return true;
}

static bool has_terminal(void)
{
    const char *kind = getenv("TERM");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        say("top needs a terminal; --batch N prints N tables without one");
    else if (screen_begin())
        return true;
    else
        say("top does not know terminals of kind '%s' (TERM); --batch N prints N tables "
            "without one",
            kind != NULL ? kind : "");
    return false;
}

static int show(const struct request *request)
{
    struct top top = {.delay = request->delay > 0 ? request->delay : USUAL_DELAY, .key = BY_USED};
    if (!has_terminal())
        return STATUS_FOUND;
    start(&top);
    draw(&top);
    while (step(&top))
        ;
    stop(&top);
    screen_end();
    free(top.text);
    look_free(&top.look);
    return STATUS_FINE;
}

/* ---- without a screen ---- */

static void print_look(const struct look *look)
{
    size_t width = NAME_LEAST;
    for (size_t i = 0; i < look->n; i++)
        width = strlen(look->rows[i].name) > width ? strlen(look->rows[i].name) : width;
    printf("%s\n%s\n", text_summary(look).text, text_heading(width).text);
    for (size_t i = 0; i < look->n; i++)
        printf("%s\n", text_row(&look->rows[i], width).text);
    putchar('\n');
}

static void await(double moment)
{
    double rest = moment - look_now();
    struct timespec time = {(time_t)rest, (long)((rest - (double)(time_t)rest) * 1e9)};
    if (rest > 0)
        nanosleep(&time, NULL);
}

static int print_one(struct top *top)
{
    struct pollfd polls[CHILD_POLLS];
    if (look_start(&top->coming, &top->child) != 0)
        return STATUS_FOUND;
    do {
        child_polls(&top->child, polls);
        poll(polls, CHILD_POLLS, -1);
    } while (!child_read(&top->child));
    take_list(top);
    top->next = top->look.moment + wait_of(top, top->look.took);
    print_look(&top->look);
    if (top->look.failure[0] == '\0')
        return STATUS_FINE;
    fprintf(stderr, "%s\n", top->look.failure);
    return STATUS_FOUND;
}

static int print_batch(const struct request *request)
{
    struct top top = {.delay = request->delay > 0 ? request->delay : USUAL_DELAY, .key = BY_NAME};
    int status = STATUS_FINE;
    for (unsigned i = 0; i < request->batch; i++) {
        await(i > 0 ? top.next : 0);
        status |= print_one(&top);
        if (say_written(0) != 0)
            return STATUS_FOUND;
    }
    look_free(&top.look);
    return status;
}

int verb_top(const struct request *request)
{
    return request->batch > 0 ? print_batch(request) : show(request);
}
