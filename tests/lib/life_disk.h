/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk in memory that takes its time, and one that does not, for apps with ops of
 * files: made when they are first asked for, and left to those that come later.
 */
#ifndef LIFE_DISK_H
#define LIFE_DISK_H

#include "tests/lib/disk.h"

/* Longer than it takes to end the app. */
#define LIFE_DELAY	(50 * 1000000ULL)

/* Its path, as disk_make() has it; false: nobody has made it. */
static inline bool life_disk_there(struct disk *d, const char *name)
{
	char path[96], index[16] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/config/nullb/%s/index", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, index, sizeof(index) - 1);
	close(fd);
	snprintf(d->path, sizeof(d->path), "/dev/%s", name);
	if (n > 0 && access(d->path, F_OK))
		snprintf(d->path, sizeof(d->path), "/dev/nullb%d", atoi(index));
	return n > 0;
}

/* A descriptor of the slow one or the other, with flags of open(2); -1: none. */
static inline int life_disk_open(bool slow, int flags)
{
	const char *name = slow ? "seda-slow" : "seda-fast";
	struct disk d;

	if (!life_disk_there(&d, name) &&
	    !disk_make(&d, name, slow ? LIFE_DELAY : 0))
		return -1;
	return open(d.path, flags | O_CLOEXEC);
}

#endif /* LIFE_DISK_H */
