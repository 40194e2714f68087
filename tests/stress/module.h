/* SPDX-License-Identifier: GPL-2.0 */
/* Loading and unloading the module, and what is left of it in the slabs. */
#ifndef MODULE_H
#define MODULE_H

#include "tests/stress/stress.h"

#define MODULE_FILE	"/run/seda-vm/job/ko/seda.ko"

static inline void module_load(void)
{
	int fd = open(MODULE_FILE, O_RDONLY | O_CLOEXEC);

	need(fd >= 0);
	if (syscall(SYS_finit_module, fd, "", 0))
		fail("the module does not load: %d", errno);
	close(fd);
}

/* 0 or -errno. */
static inline int module_remove(void)
{
	return syscall(SYS_delete_module, "seda", O_NONBLOCK) ? -errno : 0;
}

/*
 * With all its users dead: their descriptors may be closed a moment later, by
 * delayed work.  Returns the nanoseconds it took; for a lost reference it waits
 * for ever.
 */
static inline uint64_t module_unload(void)
{
	uint64_t begin_ns = now_ns();
	int ret;

	while ((ret = module_remove())) {
		if (ret != -EBUSY && ret != -EAGAIN)
			fail("the module does not unload: %d", ret);
		sleep_ns(2000000);
	}
	return now_ns() - begin_ns;
}

static inline void write_file(const char *path, const char *text)
{
	/* a trace is emptied by being opened so */
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail("%s: %d", path, errno);
	close(fd);
}

/* What the test would leak, by the cache it would be in. */
static const char *const slab_names[] = {
	"sock_inode_cache", "TCP", "UDP", "request_sock_TCP", "filp",
	"task_struct", "mm_struct", "signal_cache", "fsnotify_mark_connector",
	"radix_tree_node", "kmalloc-64", "kmalloc-96", "kmalloc-128",
	"kmalloc-192", "kmalloc-256", "kmalloc-512", "kmalloc-1k",
	"kmalloc-2k", "kmalloc-4k", "kmalloc-cg-64", "kmalloc-cg-96",
	"kmalloc-cg-128", "kmalloc-cg-192", "kmalloc-cg-256", "kmalloc-cg-512",
	"kmalloc-cg-1k", "kmalloc-cg-2k", "kmalloc-cg-4k",
};

#define SLABS	ARRAY_LEN(slab_names)

/* Files of the kernel's that stay open, so that reading allocates nothing. */
static inline void slab_open(int *shrink, int *info)
{
	char path[512];
	size_t i;

	for (i = 0; i < SLABS; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink",
			 slab_names[i]);
		shrink[i] = open(path, O_WRONLY | O_CLOEXEC);
	}
	*info = open("/proc/slabinfo", O_RDONLY | O_CLOEXEC);
	need(*info >= 0);
}

/*
 * Objects in use; -1: no such cache (or it is merged with another).  Each
 * CPU's reserve counts as in use, so it is given back first.
 */
static inline void slab_counts(long *counts)
{
	static char text[1 << 17];
	static int shrink[SLABS], info = -1;
	char name[64], *line;
	long active, len = 0;
	ssize_t n;
	size_t i;

	if (info < 0)
		slab_open(shrink, &info);
	/* what the page cache has grown by is not ours */
	write_file("/proc/sys/vm/drop_caches", "3");
	for (i = 0; i < SLABS; i++) {
		counts[i] = -1;
		if (shrink[i] >= 0)
			need(write(shrink[i], "1", 1) == 1);
	}
	lseek(info, 0, SEEK_SET);
	while ((n = read(info, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = 0;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, "%63s %ld", name, &active) != 2)
			continue;
		for (i = 0; i < SLABS; i++)
			if (!strcmp(name, slab_names[i]))
				counts[i] = active;
	}
}

/* More than so many objects more than before; tells which. */
static inline bool slab_grown(const long *before, const long *after,
			      long allowed, bool tell)
{
	bool grown = false;
	size_t i;

	for (i = 0; i < SLABS; i++) {
		/* sockets are the test's own: none may be left */
		long most = i < 3 ? 0 : allowed;

		if (after[i] - before[i] <= most)
			continue;
		grown = true;
		if (tell)
			ksft_print_msg("%s: %ld, %ld before\n", slab_names[i],
				       after[i], before[i]);
	}
	return grown;
}

/*
 * Do the slabs return to what they were?  RCU, closing sockets and deferred
 * work get a minute; allowed is the noise of the rest of the system.
 */
static inline bool slab_returns(const long *before, long allowed)
{
	long after[SLABS];
	int tries = 30;

	do {
		slab_counts(after);
		if (!slab_grown(before, after, allowed, !tries))
			return true;
		sleep_ns(2 * SECOND);
	} while (tries--);
	return false;
}

#endif /* MODULE_H */
