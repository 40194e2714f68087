/* SPDX-License-Identifier: GPL-2.0 */
/* A trace of the kernel's of one's own, in a test of one thread. */
#ifndef TRACE_H
#define TRACE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRACE_INSTANCES	"/sys/kernel/tracing/instances"

static char trace_dir[128];

static inline int trace_put(const char *file, const char *value)
{
	char path[256];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/%s", trace_dir, file);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0)
		return -errno;
	ret = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* 0, or a negative errno: there is no tracefs. */
static inline int trace_open(const char *name)
{
	snprintf(trace_dir, sizeof(trace_dir), TRACE_INSTANCES "/%s", name);
	return mkdir(trace_dir, 0700) && errno != EEXIST ? -errno : 0;
}

static inline void trace_close(void)
{
	trace_put("events/enable", "0");
	rmdir(trace_dir);
}

/* "kmem/kmalloc", with a filter or NULL for all. */
static inline int trace_enable(const char *event, const char *filter)
{
	char path[128];
	int ret = 0;

	snprintf(path, sizeof(path), "events/%s/filter", event);
	if (filter)
		ret = trace_put(path, filter);
	snprintf(path, sizeof(path), "events/%s/enable", event);
	return ret ? ret : trace_put(path, "1");
}

/* The entries, which are printed as far as most lines go. */
static inline long trace_entries(int most)
{
	char path[256], text[1024];
	long n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/trace", trace_dir);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	while (fgets(text, sizeof(text), f)) {
		if (text[0] == '#')
			continue;
		if (n++ < most)
			printf("# %s", text);
	}
	fclose(f);
	return n;
}

#endif /* TRACE_H */
