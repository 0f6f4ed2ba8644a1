/* The example's backend "file" for programs of the suite that run on it: SHMPOOL_BACKEND=file.
 *
 * Its folder is the one in SHMPOOL_FILE_FOLDER, which stays; without, the program makes one and
 * removes it at the end, and programs that it starts find that in the variable. On other backends
 * nothing happens here. */
#ifndef TESTS_SUPPORT_FILEFOLDER_H
#define TESTS_SUPPORT_FILEFOLDER_H

/* First in main: makes the folder unless there is one, and registers the backend. */
void filefolder_begin(void);

/* Where the pools lie; NULL while SHMPOOL_BACKEND names another backend. */
const char *filefolder_path(void);

/* Last in main: removes the folder if this program made it; 1 when something is left in it. */
int filefolder_end(void);

#endif
