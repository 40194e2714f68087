// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Confinement is the kernel's: openat2() with RESOLVE_BENEATH.  Where that call
 * is missing (a sandbox, an old kernel), paths are walked from the root name by
 * name with O_NOFOLLOW and without "..", so that no race leads out; a symbolic
 * link is put in the place of its name and the walk begins anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "path.h"
#include "root.h"

/* Symbolic links on the way to one file: as many as the kernel follows. */
#define LINKS_MAX	40

static int open_beneath(int dir, const char *path, int flags)
{
	/* With O_PATH openat2() refuses the flags that mean nothing then. */
	struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC |
			 (flags & O_PATH ? 0 : O_NOCTTY),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int root_init(struct root *root, const char *dir)
{
	int probe;

	root->fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0)
		return -errno;
	probe = open_beneath(root->fd, ".", O_PATH);
	root->has_openat2 = probe >= 0;
	if (probe >= 0)
		close(probe);
	return 0;
}

void root_close(struct root *root)
{
	if (root->fd >= 0)
		close(root->fd);
	root->fd = -1;
}

/*
 * Puts the link's @target in the place of the @n bytes at path[at], and removes
 * dot segments; what is before path[at] has no links.  0 or -errno.
 */
static int splice_link(char path[PATH_SIZE], size_t at, size_t n,
		       const char *target)
{
	char joined[2 * PATH_SIZE], *rest = joined, *name;
	size_t len = 0;
	bool slash;
	int size;

	if (*target == '/')
		return -EXDEV;
	size = snprintf(joined, sizeof(joined), "%.*s%s%s", (int)at, path, target,
			path + at + n);
	if (size >= PATH_SIZE)
		return -ENAMETOOLONG;
	/* It still says that a directory is meant. */
	slash = joined[size - 1] == '/';
	while ((name = strsep(&rest, "/"))) {
		if (!*name || !strcmp(name, "."))
			continue;
		if (!strcmp(name, "..")) {
			if (!len)
				return -EXDEV;
			while (len && path[--len] != '/')
				;
			continue;
		}
		len += sprintf(path + len, len ? "/%s" : "%s", name);
	}
	if (!len)
		path[len++] = '.';
	else if (slash)
		path[len++] = '/';
	path[len] = '\0';
	return 0;
}

/*
 * Opens @path, which may be rewritten.  -EAGAIN: there was a link, and @path is
 * what it stands for.
 */
static int walk(int dir, char path[PATH_SIZE], int flags)
{
	char name[PATH_SIZE], target[PATH_SIZE];
	size_t pos = 0, n;
	int at = dir, fd;
	ssize_t len;

	for (;;) {
		n = strcspn(path + pos, "/");
		memcpy(name, path + pos, n);
		name[n] = '\0';
		len = readlinkat(at, name, target, sizeof(target) - 1);
		if (len >= 0) {
			target[len] = '\0';
			fd = splice_link(path, pos, n, target);
			fd = fd ? fd : -EAGAIN;
			break;
		}
		pos += n;
		if (!strcmp(name, "..")) {
			fd = -EXDEV;
			break;
		}
		if (!path[pos] || !path[pos + 1]) {
			flags |= path[pos] ? O_DIRECTORY : 0;
			fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC |
				    O_NOCTTY);
			fd = fd < 0 ? -errno : fd;
			break;
		}
		fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
			    O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
		if (fd < 0)
			break;
		if (at != dir)
			close(at);
		at = fd;
		pos++;
	}
	if (at != dir)
		close(at);
	return fd;
}

static int open_walking(int dir, const char *path, int flags)
{
	char copy[PATH_SIZE];
	int fd, links = 0;

	if (strlen(path) >= sizeof(copy))
		return -ENAMETOOLONG;
	strcpy(copy, path);
	do
		fd = walk(dir, copy, flags);
	while (fd == -EAGAIN && ++links <= LINKS_MAX);
	return fd == -EAGAIN ? -ELOOP : fd;
}

int root_open(const struct root *root, const char *path, int flags)
{
	int fd, tries = 0;

	path += *path == '/';
	if (!*path)
		path = ".";
	if (!root->has_openat2)
		return open_walking(root->fd, path, flags);
	/* EAGAIN: a rename elsewhere made the kernel unsure of "..". */
	do
		fd = open_beneath(root->fd, path, flags);
	while (fd == -EAGAIN && ++tries < 16);
	/* one after the other: then by who never needs to be sure of it */
	return fd == -EAGAIN ? open_walking(root->fd, path, flags) : fd;
}
