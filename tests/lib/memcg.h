/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory cgroups, and how much memory is in use that none of them answers for.
 *
 * In use is what the page allocator gave away and the page cache does not have;
 * of slabs, the objects, as a cgroup answers for objects, not for the gaps
 * between them, and not those in which kmemleak and ODEBUG note the others.  All
 * sums of before and after; nothing else may be going on.
 */
#ifndef MEMCG_H
#define MEMCG_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUPS		"/sys/fs/cgroup/"
#define MAX_CACHES	512

struct memory {
	long used, charged;		/* bytes */
	unsigned int nr;
	struct {
		char name[48];
		long bytes;
	} cache[MAX_CACHES];
};

static inline int put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return ret;
}

/* A file of one of the kernel's file systems. */
static inline char *get_text(const char *path)
{
	static char text[1 << 18];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n, len = 0;

	if (fd >= 0) {
		while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
			len += n;
		close(fd);
	}
	text[len] = 0;
	return text;
}

/* The sum of all numbers that follow the word. */
static inline long numbers_after(const char *text, const char *word)
{
	const char *at = text;
	long sum = 0;

	while ((at = strstr(at, word))) {
		at += strlen(word);
		sum += strtol(at, NULL, 10);
	}
	return sum;
}

static inline int memcg_put(const char *group, const char *file,
			    const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), CGROUPS "%s/%s", group, file);
	return put_text(path, text);
}

static inline char *memcg_get(const char *group, const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), CGROUPS "%s/%s", group, file);
	return get_text(path);
}

static inline long memcg_current(const char *group)
{
	return strtol(memcg_get(group, "memory.current"), NULL, 10);
}

static inline int memcg_make(const char *group, const char *max)
{
	char path[128];
	int ret;

	ret = put_text(CGROUPS "cgroup.subtree_control", "+memory");
	if (ret)
		return ret;
	snprintf(path, sizeof(path), CGROUPS "%s", group);
	if (mkdir(path, 0755))
		return -errno;
	/* there is no swap in most guests, and then no such file */
	memcg_put(group, "memory.swap.max", "0");
	return memcg_put(group, "memory.max", max);
}

static inline int memcg_remove(const char *group)
{
	char path[128];

	snprintf(path, sizeof(path), CGROUPS "%s", group);
	return rmdir(path) ? -errno : 0;
}

/* The calling process, and what it forks. */
static inline int memcg_enter(const char *group)
{
	return memcg_put(group, "cgroup.procs", "0");
}

/*
 * Each CPU keeps some pages charged for the next charge.  To go below
 * memory.high they are given back; the group's tasks sleep meanwhile.
 */
static inline void memcg_drain(const char *group)
{
	memcg_put(group, "memory.high", "0");
	memcg_put(group, "memory.high", "max");
}

/* Each CPU's own slab counts as in use, so it is given back. */
static inline void slabs_shrink(void)
{
	DIR *dir = opendir("/sys/kernel/slab");
	struct dirent *e;
	char path[320];

	while (dir && (e = readdir(dir))) {
		/* the other names of a cache are links */
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink",
			 e->d_name);
		put_text(path, "1");
	}
	if (dir)
		closedir(dir);
}

/* What a kernel that checks notes of each object: nobody's memory. */
static inline bool slab_of_checks(const char *name)
{
	return !strncmp(name, "kmemleak_", 9) ||
	       !strcmp(name, "debug_objects_cache");
}

/* What slabs have beyond their objects in use; each cache's objects in m. */
static inline long slabs_gaps(struct memory *m)
{
	long page = sysconf(_SC_PAGESIZE), objects, size, pages, slabs, gaps = 0;
	char *text = get_text("/proc/slabinfo"), *line, *next;

	m->nr = 0;
	for (line = text; line; line = next) {
		next = strchr(line, '\n');
		next = next ? next + 1 : NULL;
		if (m->nr == MAX_CACHES ||
		    sscanf(line, "%47s %ld %*d %ld %*d %ld : %*s %*d %*d %*d : %*s %*d %ld",
			   m->cache[m->nr].name, &objects, &size, &pages,
			   &slabs) != 5)
			continue;
		if (slab_of_checks(m->cache[m->nr].name))
			objects = 0;
		m->cache[m->nr++].bytes = objects * size;
		gaps += slabs * pages * page - objects * size;
	}
	return gaps;
}

/* groups: names, NULL at the end, of those whose memory counts as charged. */
static inline void memory_measure(struct memory *m, const char *const *groups)
{
	long page = sysconf(_SC_PAGESIZE), kb;
	char *text;

	m->charged = 0;
	for (; *groups; groups++) {
		memcg_drain(*groups);
		m->charged += memcg_current(*groups);
		/* the page cache is not counted as used either */
		m->charged -= numbers_after(memcg_get(*groups, "memory.stat"),
					    "\nfile ");
	}
	slabs_shrink();
	get_text("/proc/sys/vm/stat_refresh");
	m->used = -slabs_gaps(m);
	text = get_text("/proc/meminfo");
	kb = numbers_after(text, "MemTotal:") - numbers_after(text, "MemFree:") -
	     numbers_after(text, "\nCached:") - numbers_after(text, "Buffers:");
	m->used += kb * 1024;
	/* free pages that a CPU keeps at hand */
	m->used -= page * numbers_after(get_text("/proc/zoneinfo"), " count:");
}

static inline long memory_uncharged(const struct memory *before,
				    const struct memory *after)
{
	return after->used - before->used - (after->charged - before->charged);
}

/* For the log: which slabs grew, by more than so many bytes. */
static inline void memory_tell(const struct memory *before,
			       const struct memory *after, long more)
{
	unsigned int i, j;
	long grown;

	printf("# used %+ld kB, charged %+ld kB;",
	       (after->used - before->used) / 1024,
	       (after->charged - before->charged) / 1024);
	for (i = 0; i < after->nr; i++) {
		grown = after->cache[i].bytes;
		for (j = 0; j < before->nr; j++)
			if (!strcmp(before->cache[j].name, after->cache[i].name))
				grown -= before->cache[j].bytes;
		if (grown > more)
			printf(" %s %+ld", after->cache[i].name, grown / 1024);
	}
	putchar('\n');
	fflush(stdout);
}

#endif /* MEMCG_H */
