// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --turns
 *
 * The module allocates nothing per event: the kernel's tracepoints tell.
 */
#include <kselftest_harness.h>

#include <sys/stat.h>

#include "tests/lib/seda_rig.h"

#define EVENTS	10000
#define TRACING	"/sys/kernel/tracing/instances/seda_noalloc/"

static char text[65536];

static int put(const char *file, const char *value)
{
	char path[256];
	int fd, ret;

	snprintf(path, sizeof(path), TRACING "%s", file);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0)
		return -errno;
	ret = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* The trace's lines that are not comments. */
static int lines(void)
{
	FILE *f = fopen(TRACING "trace", "r");
	int n = 0;

	while (f && fgets(text, sizeof(text), f)) {
		if (text[0] == '#')
			continue;
		n++;
		printf("# %s", text);
	}
	if (f)
		fclose(f);
	return n;
}

/* Traces allocations whose caller is the module. */
static int trace_module(void)
{
	static const char *const events[] = {
		"kmalloc", "kmem_cache_alloc", "kmalloc_node",
		"kmem_cache_alloc_node",
	};
	unsigned long base, size;
	char path[128], filter[128];
	int ret = -ENOENT;
	FILE *f;
	unsigned int i;

	mkdir(TRACING, 0700);
	f = popen("awk '/^seda / { print $2, $6 }' /proc/modules", "r");
	if (!f || fscanf(f, "%lu %lx", &size, &base) != 2)
		return -EIO;
	pclose(f);
	snprintf(filter, sizeof(filter),
		 "call_site >= 0x%lx && call_site < 0x%lx", base, base + size);
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		snprintf(path, sizeof(path), "events/kmem/%s/filter",
			 events[i]);
		if (put(path, filter))
			continue;
		snprintf(path, sizeof(path), "events/kmem/%s/enable",
			 events[i]);
		ret = put(path, "1");
	}
	return ret;
}

static int echo(struct rig *r, int peer)
{
	char back[64];
	int n, i;

	if (write(peer, "0123456789", 10) != 10)
		return -errno;
	while (recv(peer, back, sizeof(back), MSG_DONTWAIT) != 10) {
		n = worker_enter(&r->w, 1, MS);
		for (i = 0; i < n; i++)
			if (r->w.events[i].events & SEDA_EV_IN)
				worker_echo(&r->w, &r->w.events[i]);
	}
	return 0;
}

TEST(ten_thousand_echoes)
{
	uint64_t id, other;
	struct rig r;
	int peer, i;
	uint64_t end = now_ns() + 60 * SEC;

	if (trace_module())
		SKIP(return, "no tracefs");
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	/* the first send gets the worker's spare record */
	ASSERT_EQ(0, echo(&r, peer));
	ASSERT_EQ(0, put("trace", ""));
	/* a debug kernel does fewer */
	for (i = 0; i < EVENTS && now_ns() < end; i++)
		ASSERT_EQ(0, echo(&r, peer));
	EXPECT_EQ(0, lines());
	TH_LOG("%d echoes", i);
	EXPECT_LE(EVENTS / 20, i);
	/* and the trace does see the module: a new source */
	ASSERT_EQ(0, app_timer(&r.app, r.stage, 1, 0, &other));
	EXPECT_LT(0, lines());
	rig_close(&r);
	rmdir(TRACING);
}

TEST_HARNESS_MAIN
