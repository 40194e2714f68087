// SPDX-License-Identifier: GPL-2.0
/*
 * What a user can make interrupts do is bounded by what his own threads do: a
 * source that has something to tell costs them once, until it was told.
 *
 * vm: --turns
 */
#include <kselftest_harness.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "tests/lib/count.h"
#include "tests/lib/seda_rig.h"
#include "tests/lib/trace.h"

#define TIMERS	500

FIXTURE(softirq) {
	struct rig r;
};

FIXTURE_SETUP(softirq)
{
	struct seda_setup_args setup = { .sources = 2 * TIMERS };

	ASSERT_EQ(0, rig_open(&self->r, &setup, NULL));
	if (trace_open("seda_softirq"))
		SKIP(return, "no tracefs");
	ASSERT_EQ(0, trace_put("buffer_size_kb", "8192"));
}

FIXTURE_TEARDOWN(softirq)
{
	trace_close();
	rig_close(&self->r);
}

/* Traces expiries of the module's timers; none if there is no such symbol. */
static int trace_timers(void)
{
	unsigned long function = 0;
	char filter[64];
	FILE *f;

	f = popen("awk '$3 == \"seda_timer_expired\" { print \"0x\" $1 }' "
		  "/proc/kallsyms", "r");
	if (!f || fscanf(f, "%lx", &function) != 1)
		function = 0;
	pclose(f);
	if (!function)
		return -ENOENT;
	snprintf(filter, sizeof(filter), "function == 0x%lx", function);
	return trace_enable("timer/hrtimer_expire_entry", filter);
}

static int make_timers(struct rig *r)
{
	uint64_t id;
	int i, ret = 0;

	for (i = 0; i < TIMERS && !ret; i++)
		ret = app_timer(&r->app, r->stage, SEDA_MIN_PERIOD_NS,
				SEDA_MIN_PERIOD_NS, &id);
	return ret;
}

TEST_F(softirq, periods_that_nobody_fetches_cost_nothing)
{
	ASSERT_EQ(0, trace_timers());
	ASSERT_EQ(0, make_timers(&self->r));
	sleep_ms(300);
	EXPECT_EQ(TIMERS, trace_entries(0));
}

/* Each expiry is one that a worker paid for by fetching the last. */
TEST_F(softirq, timers_expire_no_oftener_than_they_are_fetched)
{
	long events = 0, expiries;
	int n;

	ASSERT_EQ(0, trace_timers());
	ASSERT_EQ(0, make_timers(&self->r));
	while (events < 20 * TIMERS) {
		n = worker_enter(&self->r.w, 1, SEDA_FOREVER);
		ASSERT_TRUE(n >= 0 || n == -EINTR);
		events += n > 0 ? n : 0;
	}
	expiries = trace_entries(0);
	TH_LOG("%ld events, %ld expiries", events, expiries);
	EXPECT_LE(events, expiries);
	EXPECT_GE(events + TIMERS, expiries);
}

/* How often sources are linked while a descriptor of one is written to. */
static long links(struct rig *r, int fd, const void *data, size_t len,
		  bool fetch)
{
	long i, count = count_here(20000);

	if (trace_put("trace", "") || trace_enable("seda/seda_link", NULL))
		return -1;
	for (i = 0; i < count; i++) {
		/* a full queue of a socket drops, or would wait: all the same */
		if (write(fd, data, len) < 0 && errno != EAGAIN)
			return -errno;
		if (fetch && i % 100 == 99 && worker_enter(&r->w, 0, 0) < 0)
			return -1;
	}
	return trace_entries(0);
}

TEST_F(softirq, a_watched_file_is_linked_once_until_told)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t id, one = 1;

	ASSERT_EQ(0, app_watch(&self->r.app, fd, self->r.stage, EPOLLIN, 0,
			       &id));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(1, links(&self->r, fd, &one, 8, false));
}

TEST_F(softirq, so_is_a_connection)
{
	int own, peer, big = 1 << 20;
	uint64_t id;

	ASSERT_EQ(0, rig_pair(&self->r, 0, &id, &own, &peer));
	EXPECT_TRUE(rig_quiet(&self->r));
	setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	ASSERT_EQ(0, fcntl(peer, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(1, links(&self->r, peer, "x", 1, false));
}

static int udp_pair(int fd[2])
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sa);

	fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
	fd[1] = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(fd[0], (struct sockaddr *)&sa, len) ||
	    getsockname(fd[0], (struct sockaddr *)&sa, &len) ||
	    connect(fd[1], (struct sockaddr *)&sa, len))
		return -errno;
	return 0;
}

TEST_F(softirq, so_is_a_flooded_udp_socket)
{
	uint64_t id;
	int fd[2];

	ASSERT_EQ(0, udp_pair(fd));
	ASSERT_EQ(0, app_adopt(&self->r.app, fd[0], self->r.stage, 0, 0, &id));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(1, links(&self->r, fd[1], "x", 1, false));
}

/* With a worker that fetches: at most twice a call, kicked and left over. */
TEST_F(softirq, and_at_most_twice_a_call)
{
	long n, calls = count_here(20000) / 100;
	uint64_t id;
	int fd[2];

	ASSERT_EQ(0, udp_pair(fd));
	ASSERT_EQ(0, app_adopt(&self->r.app, fd[0], self->r.stage, 0, 0, &id));
	EXPECT_TRUE(rig_quiet(&self->r));
	n = links(&self->r, fd[1], "x", 1, true);
	TH_LOG("%ld links in %ld calls", n, calls);
	EXPECT_LE(calls / 2, n);
	EXPECT_GE(2 * calls + 1, n);
}

TEST_HARNESS_MAIN
