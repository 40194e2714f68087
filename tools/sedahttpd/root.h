/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory that is served.  Nothing outside of it is ever opened, by
 * whatever path, symbolic link or race.  Calls block: file threads make them.
 */
#ifndef SEDAHTTPD_ROOT_H
#define SEDAHTTPD_ROOT_H

#include <stdbool.h>

struct root {
	int fd;
	bool has_openat2;
};

/* Opens the directory @dir.  Returns 0 or -errno. */
int root_init(struct root *root, const char *dir);
void root_close(struct root *root);

/*
 * Opens @path ("/a/b", decoded and without dot segments) below the root with
 * open(2) @flags.  Symbolic links are followed as long as they are relative
 * and stay below the root.  Returns a descriptor or -errno; -EXDEV is a
 * link that leads out.
 */
int root_open(const struct root *root, const char *path, int flags);

#endif
