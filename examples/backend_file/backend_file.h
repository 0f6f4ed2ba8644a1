/* The backend "file": the object NAME is the file shmpool.NAME of a folder that the program
 * chooses.
 *
 * What the folder is decides what the memory is: on tmpfs memory with a size of its own, on
 * hugetlbfs huge pages, on DAX the persistent memory itself, on a disk the page cache with a file
 * behind it. Pools outlive their users until they are unlinked, and on DAX and disks the machine's
 * restart as well.
 *
 * Built from the public header and libc alone (-D_GNU_SOURCE): compile these files into a program,
 * or take them as the pattern of a backend of your own. */
#ifndef BACKEND_FILE_H
#define BACKEND_FILE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Chooses the folder and registers the backend; then "file" is a backend like all others.
 * Limits: folder is there already; NULL: $SHMPOOL_FILE_FOLDER. One folder a process: the same again
 *   is success.
 * Ownership: folder is copied, and made absolute: a later chdir(2) changes nothing.
 * Processes: after exec it is called again. Who can write to the folder can remove pools from it;
 *   files of other users are not used, except by root or where a group may.
 * Errors: -1 and errno: EINVAL (neither folder nor variable), ENOENT, ENOTDIR and what else
 *   realpath(3) says, EEXIST (another folder is in use), ENAMETOOLONG (more than 255 bytes), and
 *   those of shmpool_backend_register. */
int backend_file_use(const char *folder);

#ifdef __cplusplus
}
#endif

#endif
