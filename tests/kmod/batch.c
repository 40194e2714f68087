// SPDX-License-Identifier: GPL-2.0
/* min_batch waits for company, max_delay_ns no longer than that. */
#include <kselftest_harness.h>

#include <linux/sock_diag.h>

#include "tests/lib/seda_rig.h"

#define CONNS	6
#define DELAY	(400 * MS)

FIXTURE(batch) {
	struct rig r;
	uint64_t id[CONNS];
	int peer[CONNS], own[CONNS];
};

FIXTURE_SETUP(batch)
{
	struct seda_stage_args policy = {
		.min_batch = 4, .max_delay_ns = DELAY,
	};
	int i;

	ASSERT_EQ(0, rig_open(&self->r, NULL, &policy));
	for (i = 0; i < CONNS; i++)
		ASSERT_EQ(0, rig_pair(&self->r, 0, &self->id[i], &self->own[i],
				      &self->peer[i]));
}

FIXTURE_TEARDOWN(batch)
{
	rig_close(&self->r);
}

TEST_F(batch, fewer_wait_for_the_delay)
{
	uint64_t begin = now_ns();

	ASSERT_EQ(1, write(self->peer[0], "x", 1));
	ASSERT_EQ(1, write(self->peer[1], "x", 1));
	EXPECT_EQ(0, worker_enter(&self->r.w, 1, DELAY / 8));
	EXPECT_EQ(2, app_counters(&self->r.app, self->r.stage)->pending);
	EXPECT_EQ(2, worker_enter(&self->r.w, 1, SEDA_FOREVER));
	EXPECT_LE(begin + DELAY, now_ns());
	/* and the next ones wait anew */
	begin = now_ns();
	ASSERT_EQ(1, write(self->peer[0], "x", 1));
	EXPECT_EQ(1, worker_enter(&self->r.w, 1, SEDA_FOREVER));
	EXPECT_LE(begin + DELAY, now_ns());
}

TEST_F(batch, enough_come_at_once)
{
	struct seda_stage_args a = {
		.size = sizeof(a), .stage = self->r.stage, .min_batch = 4,
		.max_delay_ns = 3600 * SEC,
	};
	int i;

	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &a));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(1, write(self->peer[i], "x", 1));
	EXPECT_EQ(4, worker_enter(&self->r.w, 1, SEDA_FOREVER));
}

TEST_F(batch, all_that_there_are_come_at_once)
{
	struct seda_stage_args a = {
		.size = sizeof(a), .stage = self->r.stage, .min_batch = 4,
		.max_delay_ns = 3600 * SEC,
	};
	int i;

	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &a));
	/* three close, and come with one that has data */
	for (i = 3; i < CONNS; i++)
		close(self->own[i]);
	ASSERT_EQ(1, write(self->peer[0], "x", 1));
	EXPECT_EQ(4, worker_enter(&self->r.w, 1, SEDA_FOREVER));
	/* of the three that are left two could wait for the third */
	ASSERT_EQ(1, write(self->peer[1], "x", 1));
	ASSERT_EQ(1, write(self->peer[2], "x", 1));
	EXPECT_EQ(0, worker_enter(&self->r.w, 1, SHORT));
	ASSERT_EQ(1, write(self->peer[0], "x", 1));
	EXPECT_EQ(3, worker_enter(&self->r.w, 1, SEDA_FOREVER));
}

/* In a thread of its own: how many another worker gets in a while. */
static void *harvests(void *arg)
{
	struct worker w;

	if (worker_join(arg, &w))
		return (void *)-1L;
	return (void *)(long)worker_enter(&w, 1, SHORT);
}

/* What waits in the socket, with what the kernel needs for it. */
static uint32_t queued_bytes(int fd)
{
	uint32_t mem[SK_MEMINFO_VARS] = { };
	socklen_t len = sizeof(mem);

	getsockopt(fd, SOL_SOCKET, SO_MEMINFO, mem, &len);
	return mem[SK_MEMINFO_RMEM_ALLOC];
}

/* Datagrams that are out are none of the sources that cannot come. */
TEST_F(batch, events_that_own_nothing_do_not_count_as_sources)
{
	struct seda_stage_args a = {
		.size = sizeof(a), .stage = self->r.stage, .min_batch = 3,
		.max_delay_ns = 3600 * SEC,
	};
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 2 };
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), i;
	socklen_t len = sizeof(sa);
	uint32_t bytes = 0;
	pthread_t thread;
	uint64_t udp;
	void *n;

	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&sa, len));
	ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&sa, &len));
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&sa, len));
	ASSERT_EQ(0, app_adopt(&self->r.app, fd, self->r.stage, 0, 0, &udp));
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &a));
	pool.pool = self->r.app.pool;
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_POOL_SET, &pool));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(1, write(fd, "x", 1));
		while (queued_bytes(fd) <= bytes)
			sleep_ms(1);
		bytes = queued_bytes(fd);
	}
	ASSERT_EQ(1, write(self->peer[0], "x", 1));
	ASSERT_EQ(1, write(self->peer[1], "x", 1));
	ASSERT_EQ(7, worker_enter(&self->r.w, 1, SEDA_FOREVER));
	/* this worker has them, and another comes for one of the others */
	ASSERT_EQ(1, write(self->peer[2], "x", 1));
	pthread_create(&thread, NULL, harvests, &self->r.app);
	pthread_join(thread, &n);
	EXPECT_EQ(0, (long)n);
	ASSERT_EQ(1, write(self->peer[3], "x", 1));
	ASSERT_EQ(1, write(self->peer[4], "x", 1));
	EXPECT_EQ(3, worker_enter(&self->r.w, 1, SEDA_FOREVER));
}

/* Its time began when it became ready, not when the batch before it was taken. */
TEST_F(batch, who_is_left_by_a_batch_waits_for_its_own_delay)
{
	ASSERT_EQ(1, write(self->peer[0], "x", 1));
	sleep_ms(DELAY / 2 / MS);
	ASSERT_EQ(1, write(self->peer[1], "x", 1));
	ASSERT_EQ(1, worker_enter_max(&self->r.w, 1, 1, SEDA_FOREVER));
	EXPECT_EQ(self->id[0], self->r.w.events[0].source);
	ASSERT_EQ(1, worker_enter_max(&self->r.w, 1, 1, SEDA_FOREVER));
	EXPECT_EQ(self->id[1], self->r.w.events[0].source);
}

TEST_F(batch, min_batch_needs_a_delay)
{
	struct seda_stage_args a = {
		.size = sizeof(a), .stage = self->r.stage, .min_batch = 2,
	};

	EXPECT_EQ(-EINVAL, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &a));
	a.min_batch = 1;
	EXPECT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &a));
}

/* A stage of low priority is served while another never runs dry. */
TEST(past_its_delay_a_stage_outranks_all_priorities)
{
	struct seda_stage_args high = { .priority = 255, .posts = 10 };
	struct seda_stage_args low = {
		.priority = 1, .posts = 10, .max_delay_ns = 50 * MS,
	};
	uint64_t begin, busy, lazy;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_stage(&r.app, &high, &busy));
	ASSERT_EQ(0, app_stage(&r.app, &low, &lazy));
	ASSERT_EQ(0, app_post(&r.app, busy, 1, 0));
	ASSERT_EQ(0, app_post(&r.app, busy, 1, 0));
	begin = now_ns();
	ASSERT_EQ(0, app_post(&r.app, lazy, 2, 0));
	do {
		ASSERT_NE(NULL, rig_next(&r));
		if (r.ev.user_data == 1)
			ASSERT_EQ(0, app_post(&r.app, busy, 1, 0));
	} while (r.ev.user_data == 1);
	EXPECT_EQ(2, r.ev.user_data);
	EXPECT_LE(begin + 50 * MS, now_ns());
	rig_close(&r);
}

TEST(who_is_left_by_a_batch_is_not_past_its_delay_for_that)
{
	struct seda_stage_args high = { .priority = 255, .posts = 4 };
	struct seda_stage_args low = {
		.priority = 1, .max_delay_ns = 3600 * SEC,
	};
	const struct seda_stage_counters *c;
	uint64_t busy, id;
	int own, peer, i;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, &low));
	ASSERT_EQ(0, app_stage(&r.app, &high, &busy));
	c = app_counters(&r.app, r.stage);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, rig_pair(&r, 0, &id, &own, &peer));
		ASSERT_EQ(1, write(peer, "x", 1));
	}
	while (c->pending != 2)
		sleep_ms(1);
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_IN, r.ev.events);
	ASSERT_EQ(0, app_post(&r.app, busy, 0, 0));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_POST, r.ev.events);
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_IN, r.ev.events);
	rig_close(&r);
}

/* Sleeps without a limit until it gets a batch; of how many. */
static void *takes_a_batch(void *arg)
{
	struct worker w;

	if (worker_join(arg, &w))
		return NULL;
	return (void *)(long)worker_enter(&w, 1, SEDA_FOREVER);
}

/* It is held since its ACCEPT, so it is none of those that are out. */
static bool hold_a_child(struct rig *r, uint64_t *child)
{
	uint16_t port = 0;
	int l = tcp_listen(&port);
	struct seda_event *ev;

	if (l < 0 || app_listen(&r->app, l, r->stage, r->stage, NULL) ||
	    tcp_connect(port) < 0)
		return false;
	ev = rig_await(r, SEDA_EV_ACCEPT);
	if (!ev)
		return false;
	*child = ev->child;
	r->w.ctl[0].flags = SEDA_CTL_HOLD;
	close(l);
	return rig_await(r, SEDA_EV_CLOSED) && !rig_submit(r);
}

TEST(a_batch_is_complete_without_who_goes)
{
	struct seda_stage_args a = {
		.size = sizeof(a), .min_batch = 4, .max_delay_ns = 3600 * SEC,
	};
	uint64_t id, child;
	pthread_t thread;
	int peer[3], i;
	struct rig r;
	void *n;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, rig_accept(&r, &id, &peer[i]));
	ASSERT_TRUE(hold_a_child(&r, &child));
	ASSERT_EQ(0, worker_leave(&r.w));
	a.stage = r.stage;
	ASSERT_EQ(0, app_call(&r.app, SEDA_IOC_STAGE_SET, &a));
	pthread_create(&thread, NULL, takes_a_batch, &r.app);
	ASSERT_TRUE(await_parked(&r.app, 1));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(1, write(peer[i], "x", 1));
	sleep_ms(SHORT / MS);
	/* the fourth could still come */
	EXPECT_EQ(3, app_counters(&r.app, r.stage)->pending);
	ASSERT_LE(0, app_to_fd(&r.app, child, 0));
	pthread_join(thread, &n);
	EXPECT_EQ(3, (long)n);
	rig_close(&r);
}

/* Of two stages past their delay the one that waits longer is served. */
TEST(the_older_one_before_priority)
{
	struct seda_stage_args policy = {
		.posts = 4, .priority = 200, .max_delay_ns = MS,
	};
	uint64_t high, low;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_stage(&r.app, &policy, &high));
	policy.priority = 10;
	ASSERT_EQ(0, app_stage(&r.app, &policy, &low));
	ASSERT_EQ(0, app_post(&r.app, low, 1, 0));
	sleep_ms(50);
	ASSERT_EQ(0, app_post(&r.app, high, 2, 0));
	sleep_ms(50);
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(1, r.ev.user_data);
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(2, r.ev.user_data);
	rig_close(&r);
}

/* A stage that has no delay any more is past none. */
TEST(without_a_delay_priority_is_all)
{
	struct seda_stage_args policy = {
		.posts = 4, .priority = 10, .max_delay_ns = MS,
	}, set = { .size = sizeof(set), .priority = 10 };
	uint64_t high, low;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_stage(&r.app, &policy, &low));
	policy.priority = 200;
	policy.max_delay_ns = 0;
	ASSERT_EQ(0, app_stage(&r.app, &policy, &high));
	ASSERT_EQ(0, app_post(&r.app, low, 1, 0));
	sleep_ms(50);
	ASSERT_EQ(0, app_post(&r.app, high, 2, 0));
	set.stage = low;
	ASSERT_EQ(0, app_call(&r.app, SEDA_IOC_STAGE_SET, &set));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(2, r.ev.user_data);
	rig_close(&r);
}

/* posts is of no account there. */
TEST(set_ignores_posts)
{
	struct seda_stage_args set = { .size = sizeof(set), .posts = ~0U };
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	set.stage = r.stage;
	EXPECT_EQ(0, app_call(&r.app, SEDA_IOC_STAGE_SET, &set));
	rig_close(&r);
}

TEST_HARNESS_MAIN
