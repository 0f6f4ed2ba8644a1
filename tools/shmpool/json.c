#include "json.h"

#include <inttypes.h>
#include <stdio.h>

static int depth;
static int is_first = 1;

static void write_text(const char *text)
{
    putchar('"');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else if ((unsigned char)*at < 0x20)
            printf("\\u%04x", (unsigned)(unsigned char)*at);
        else
            putchar(*at);
    }
    putchar('"');
}

static void begin_value(const char *key)
{
    if (!is_first)
        putchar(',');
    if (depth > 0)
        printf("\n%*s", depth * 2, "");
    is_first = 0;
    if (key != NULL) {
        write_text(key);
        fputs(": ", stdout);
    }
}

static void begin(const char *key, char bracket)
{
    begin_value(key);
    putchar(bracket);
    depth++;
    is_first = 1;
}

static void end(char bracket)
{
    depth--;
    if (!is_first)
        printf("\n%*s", depth * 2, "");
    putchar(bracket);
    is_first = 0;
    if (depth == 0)
        putchar('\n');
}

void json_object(const char *key)
{
    begin(key, '{');
}

void json_object_end(void)
{
    end('}');
}

void json_array(const char *key)
{
    begin(key, '[');
}

void json_array_end(void)
{
    end(']');
}

void json_text(const char *key, const char *text)
{
    begin_value(key);
    if (text == NULL)
        fputs("null", stdout);
    else
        write_text(text);
}

void json_number(const char *key, uint64_t number)
{
    begin_value(key);
    printf("%" PRIu64, number);
}

void json_cell(const struct column *column, const struct cell *cell)
{
    char key[32];
    size_t i = 0;
    for (; column->name[i] != '\0' && i + 1 < sizeof key; i++)
        key[i] = column_small(column->name[i]);
    key[i] = '\0';
    if (!cell->is_there || column->kind == COLUMN_TEXT)
        json_text(key, cell->is_there ? cell->text : NULL);
    else
        json_number(key, cell->number);
}
