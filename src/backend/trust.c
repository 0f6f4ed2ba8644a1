#include "backend/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static bool in_group(gid_t group)
{
    if (group == getegid())
        return true;
    int n_groups = getgroups(0, NULL);
    gid_t *groups = n_groups > 0 ? calloc((size_t)n_groups, sizeof *groups) : NULL;
    bool found = false;
    if (groups != NULL)
        n_groups = getgroups(n_groups, groups);
    for (int i = 0; groups != NULL && i < n_groups; i++)
        found = found || groups[i] == group;
    free(groups);
    return found;
}

bool trust_owner(uid_t uid, gid_t gid, mode_t mode, bool readonly)
{
    mode_t needed = readonly ? S_IRGRP : S_IRGRP | S_IWGRP;
    if (uid == geteuid() || geteuid() == 0)
        return true;
    return (mode & needed) == needed && in_group(gid);
}

int trust_refuse(const char *what, uid_t uid, bool readable)
{
    if (readable)
        return error_set(EACCES,
                         "%s belongs to user %u, and its mode lets this process only read it", what,
                         (unsigned)uid);
    return error_set(EACCES,
                     "%s belongs to user %u: only pools of this user (%u) are used, or such as let "
                     "in a group of this process",
                     what, (unsigned)uid, (unsigned)geteuid());
}
