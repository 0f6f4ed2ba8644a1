#include "doctor_files.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct path file_path(const char *root, const char *format, ...)
{
    struct path path;
    va_list arguments;
    size_t length = (size_t)snprintf(path.text, sizeof path.text, "%s", root);
    if (length >= sizeof path.text)
        return path;
    va_start(arguments, format);
    vsnprintf(path.text + length, sizeof path.text - length, format, arguments);
    va_end(arguments);
    return path;
}

FILE *file_open(const char *root, const char *path)
{
    return fopen(file_path(root, "%s", path).text, "re");
}

bool file_is_there(const char *root, const char *path)
{
    return access(file_path(root, "%s", path).text, F_OK) == 0;
}

bool file_line(const char *root, const char *path, char *line, int size)
{
    FILE *file = file_open(root, path);
    bool was_read = file != NULL && fgets(line, size, file) != NULL;
    if (file != NULL)
        fclose(file);
    if (was_read)
        line[strcspn(line, "\n")] = '\0';
    return was_read;
}

static bool read_number(const char *text, uint64_t *number)
{
    while (isspace((unsigned char)*text))
        text++;
    bool is_max = strncmp(text, "max", 3) == 0;
    *number = is_max ? UINT64_MAX : strtoull(text, NULL, 10);
    return is_max || isdigit((unsigned char)*text);
}

bool file_number(const char *root, const char *path, uint64_t *number)
{
    char line[64];
    return file_line(root, path, line, sizeof line) && read_number(line, number);
}

bool file_number_of(const char *root, const char *path, const char *key, uint64_t *number)
{
    char line[256];
    size_t length = strlen(key);
    bool found = false;
    FILE *file = file_open(root, path);
    while (!found && file != NULL && fgets(line, sizeof line, file) != NULL)
        found = strncmp(line, key, length) == 0 && strchr(": ", line[length]) != NULL &&
                read_number(line + length + strspn(line + length, ": "), number);
    if (file != NULL)
        fclose(file);
    return found;
}
