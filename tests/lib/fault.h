/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Failures on request, on kernels with fault injection: of memory (slab and
 * pages) and of copies from and to user space.
 */
#ifndef FAULT_H
#define FAULT_H

#include "tests/lib/slab.h"
#include "tests/lib/stages.h"

#define FAULT_NTH	"/proc/thread-self/fail-nth"
#define FAULT_TASK	"/proc/thread-self/make-it-fail"
#define FAULT_DEBUG	"/sys/kernel/debug/"
#define FAULT_LEAKS	"/sys/kernel/debug/kmemleak"

static inline bool fault_here(void)
{
	return !access(FAULT_NTH, W_OK) && !access(FAULT_TASK, W_OK);
}

/* 0, or -errno. */
static inline int fault_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* What fails, in percent of what a task that asks for it does; 0: only nth. */
static inline bool fault_chance(const char *what, int percent)
{
	static const char *const all[][2] = {
		{ "task-filter", "Y" }, { "times", "-1" }, { "verbose", "0" },
		{ "interval", "1" }, { "space", "0" },
	};
	char path[128], text[16];
	unsigned int i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		snprintf(path, sizeof(path), FAULT_DEBUG "%s/%s", what,
			 all[i][0]);
		if (fault_write(path, all[i][1]))
			return false;
	}
	snprintf(path, sizeof(path), FAULT_DEBUG "%s/probability", what);
	snprintf(text, sizeof(text), "%d", percent);
	return !fault_write(path, text);
}

/* Every allocation can fail, those that may sleep too, and every copy. */
static inline bool fault_setup(void)
{
	return fault_chance("failslab", 0) &&
	       fault_chance("fail_page_alloc", 0) &&
	       fault_chance("fail_usercopy", 0) &&
	       !fault_write(FAULT_DEBUG "failslab/ignore-gfp-wait", "N") &&
	       !fault_write(FAULT_DEBUG "fail_page_alloc/ignore-gfp-wait",
			    "N") &&
	       !fault_write(FAULT_DEBUG "fail_page_alloc/ignore-gfp-highmem",
			    "N") &&
	       !fault_write(FAULT_DEBUG "fail_page_alloc/min-order", "0");
}

/* The thread's own file; a forked child needs another. */
static inline int fault_open(void)
{
	return open(FAULT_NTH, O_RDWR | O_CLOEXEC);
}

/* The n-th thing from now on that can fail does. */
static inline bool fault_arm(int fd, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(fd, text, len, 0) == len;
}

/*
 * No more failures; tells whether one happened.  When the copy in this read is
 * the one that fails, none did before it; the write may be that one, too.
 */
static inline bool fault_disarm(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	bool injected = n > 0 && text[0] == '0';

	while (pwrite(fd, "0", 1, 0) != 1)
		;
	return injected;
}

/* Both are empty a moment after the last app's end. */
static inline bool fault_caches_empty(void)
{
	uint64_t end = now_ns() + LONG;

	while (slab_objects("seda_tcp") || slab_objects("seda_send")) {
		if (now_ns() > end)
			return false;
		sleep_ms(100);
	}
	return true;
}

/*
 * Leaks told of in text, but those below the function named (NULL: none), which
 * are not ours.
 */
static inline int fault_count_leaks(const char *text, const char *but)
{
	static const char begin[] = "unreferenced object";
	const char *p = strstr(text, begin), *next, *found;
	int leaks = 0;

	for (; p; p = next) {
		next = strstr(p + 1, begin);
		found = but ? strstr(p, but) : NULL;
		leaks += !found || (next && found > next);
	}
	return leaks;
}

/*
 * kmemleak turns itself off, for good, when it is refused memory too often: only
 * while it is on does it let itself be told what it does anyway.
 */
static inline bool fault_leaks_are_sought(void)
{
	return !fault_write(FAULT_LEAKS, "stack=on");
}

/*
 * What kmemleak finds, in *text; the number of objects, or -1 when it is off.
 * It reports what two scans found alike and what was 5 s old when the second
 * began: of all that there is now, if they are 6 s apart.
 */
static inline int fault_leaks(char *text, size_t size, const char *but)
{
	ssize_t n;
	int fd, leaks;

	if (fault_write(FAULT_LEAKS, "scan"))
		return -1;
	sleep_ms(6000);
	if (fault_write(FAULT_LEAKS, "scan"))
		return -1;
	fd = open(FAULT_LEAKS, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read_all(fd, text, size - 1);
	close(fd);
	text[n < 0 ? 0 : n] = 0;
	leaks = fault_count_leaks(text, but);
	return n < 0 ? -1 : leaks;
}

#endif /* FAULT_H */
