// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --turns --timeout 300
 *
 * The module allocates nothing per event: the kernel's tracepoints tell.
 */
#include <kselftest_harness.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "tests/lib/count.h"
#include "tests/lib/seda_rig.h"
#include "tests/lib/trace.h"

#define EVENTS	count_here(10000)

/* Traces allocations whose caller is the module. */
static int trace_module(void)
{
	static const char *const events[] = {
		"kmem/kmalloc", "kmem/kmem_cache_alloc",
		"kmem/kmalloc_node", "kmem/kmem_cache_alloc_node",
	};
	int ret = trace_open("seda_noalloc");
	unsigned long base, size;
	char filter[128];
	unsigned int i;
	FILE *f;

	if (ret)
		return ret;
	f = popen("awk '/^seda / { print $2, $6 }' /proc/modules", "r");
	if (!f || fscanf(f, "%lu %lx", &size, &base) != 2)
		return -EIO;
	pclose(f);
	snprintf(filter, sizeof(filter),
		 "call_site >= 0x%lx && call_site < 0x%lx", base, base + size);
	ret = -ENOENT;
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		/* not every kernel has all */
		if (!trace_enable(events[i], filter))
			ret = 0;
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
		/* no more comes before the answer is sent */
		n = worker_enter(&r->w, r->w.nr_ops ? 0 : 1, MS);
		for (i = 0; i < n; i++)
			if (r->w.events[i].events & SEDA_EV_IN)
				worker_echo(&r->w, &r->w.events[i]);
	}
	return 0;
}

FIXTURE(noalloc) {
	struct rig r;
	uint64_t end;	/* a debug kernel does fewer rounds */
};

FIXTURE_SETUP(noalloc)
{
	if (trace_module())
		SKIP(return, "no tracefs");
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	self->end = now_ns() + 20 * SEC;
}

FIXTURE_TEARDOWN(noalloc)
{
	rig_close(&self->r);
	trace_close();
}

/* The trace does see the module: a new source. */
static void sees_the_module(struct __test_metadata *_metadata, struct rig *r)
{
	uint64_t id;

	ASSERT_EQ(0, trace_put("trace", ""));
	ASSERT_EQ(0, app_timer(&r->app, r->stage, 0, 0, &id));
	EXPECT_LT(0, trace_entries(10));
}

/* None in many rounds, the first of which may get what the others use. */
#define EXPECT_NO_ALLOCATION(round) do {				\
	int i_;								\
									\
	for (i_ = 0; i_ < 10; i_++)					\
		ASSERT_EQ(0, round);					\
	ASSERT_EQ(0, trace_put("trace", ""));				\
	for (i_ = 0; i_ < EVENTS && now_ns() < self->end; i_++)		\
		ASSERT_EQ(0, round);					\
	EXPECT_EQ(0, trace_entries(10));				\
	TH_LOG("%d rounds", i_);					\
	EXPECT_LE(EVENTS / 100, i_);					\
	sees_the_module(_metadata, &self->r);				\
} while (0)

TEST_F(noalloc, echoes)
{
	uint64_t id;
	int peer;

	ASSERT_EQ(0, rig_accept(&self->r, &id, &peer));
	EXPECT_NO_ALLOCATION(echo(&self->r, peer));
}

/* Sends that wait for room, several at a time. */
static int slow_sends(struct rig *r, uint64_t id, int peer, unsigned int nr)
{
	static char data[64 << 10];
	unsigned int i, done = 0;
	struct seda_event *ev;

	for (i = 0; i < nr; i++)
		if (rig_send(r, id, data, sizeof(data), i) == sizeof(data))
			done++;
	if (done == nr)
		return -EAGAIN;
	for (i = 0; i < nr * sizeof(data);) {
		int n = recv(peer, data, sizeof(data), MSG_DONTWAIT);

		i += n > 0 ? n : 0;
		ev = rig_next_in(r, 0);
		if (ev && ev->events & SEDA_EV_SENT)
			done = ev->done + 1;
	}
	while (done < nr && (ev = rig_next(r)))
		if (ev->events & SEDA_EV_SENT)
			done = ev->done + 1;
	return done == nr ? 0 : -EIO;
}

TEST_F(noalloc, sends_that_wait)
{
	int own, peer, little = 64 << 10;
	uint64_t id;

	ASSERT_EQ(0, rig_pair(&self->r, 0, &id, &own, &peer));
	ASSERT_EQ(0, setsockopt(own, SOL_SOCKET, SO_SNDBUF, &little, 4));
	ASSERT_EQ(0, setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &little, 4));
	/* records for as many as may ever wait below: how many do is the kernel's matter */
	ASSERT_EQ(0, slow_sends(&self->r, id, peer, 24));
	EXPECT_NO_ALLOCATION(slow_sends(&self->r, id, peer, 8));
}

static int datagram(struct rig *r, int peer)
{
	struct seda_event *ev;
	struct seda_op op;
	char back[8];

	if (write(peer, "x", 1) != 1)
		return -errno;
	ev = rig_await(r, SEDA_EV_IN);
	if (!ev)
		return -ETIME;
	op = (struct seda_op) {
		.op = SEDA_OP_SEND, .source = ev->source,
		.flags = SEDA_SEND_BUF, .len = 1, .buf = ev->buf,
		.addr = (uintptr_t)rig_data(r, ev),
	};
	if (rig_op(r, &op) != 1)
		return -EIO;
	return read(peer, back, 8) == 1 ? 0 : -errno;
}

TEST_F(noalloc, datagrams)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sa);
	uint64_t id;
	int fd[2];

	fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
	fd[1] = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, bind(fd[0], (struct sockaddr *)&sa, len));
	ASSERT_EQ(0, getsockname(fd[0], (struct sockaddr *)&sa, &len));
	ASSERT_EQ(0, connect(fd[1], (struct sockaddr *)&sa, len));
	ASSERT_EQ(0, getsockname(fd[1], (struct sockaddr *)&sa, &len));
	ASSERT_EQ(0, connect(fd[0], (struct sockaddr *)&sa, len));
	ASSERT_EQ(0, app_adopt(&self->r.app, fd[0], self->r.stage, 0, 0, &id));
	EXPECT_NO_ALLOCATION(datagram(&self->r, fd[1]));
}

static int others(struct rig *r, uint64_t timer, int event)
{
	uint64_t one = 1;
	struct seda_op op = {
		.op = SEDA_OP_ARM, .source = timer, .first_ns = 1,
	};

	if (rig_op(r, &op) || !rig_await(r, SEDA_EV_TIMER))
		return -EIO;
	if (app_post(&r->app, r->stage, 1, 0) || !rig_await(r, SEDA_EV_POST))
		return -EIO;
	if (write(event, &one, 8) != 8 || !rig_await(r, SEDA_EV_READY))
		return -EIO;
	return read(event, &one, 8) == 8 ? 0 : -EIO;
}

TEST_F(noalloc, timers_posts_and_watches)
{
	uint64_t timer, watch, stage = self->r.stage;
	struct seda_stage_args policy = { .posts = 4 };
	int event = eventfd(0, 0);

	ASSERT_EQ(0, app_stage(&self->r.app, &policy, &self->r.stage));
	ASSERT_EQ(0, app_timer(&self->r.app, stage, 0, 0, &timer));
	ASSERT_EQ(0, app_watch(&self->r.app, event, stage, EPOLLIN,
			       SEDA_WATCH_EDGE, &watch));
	EXPECT_NO_ALLOCATION(others(&self->r, timer, event));
}

TEST_HARNESS_MAIN
