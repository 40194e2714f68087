// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: timers come, never early, as often as they should, and can be cancelled.
 *
 * vm: --smp 2
 */
#include "sedak_test.h"

static struct box *idle(unsigned int workers)
{
	struct box *box = box_new();

	stage_of(rt_new(workers), box);
	if (sedak_rt_start(box->rt))
		abort();
	return box;
}

TEST(once)
{
	struct box *box = idle(2);
	struct sedak_timer *t;
	uint64_t begin;

	ASSERT_EQ(0, sedak_timer_create(box->stage, box, &t));
	EXPECT_EQ(-EINVAL, sedak_timer_set(t, 0, 5));
	begin = now_ns();
	ASSERT_EQ(0, sedak_timer_set(t, 30 * MS, 0));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_TIMER, 1));
	EXPECT_LE(30 * MS, now_ns() - begin);
	EXPECT_EQ(box, box_find(box, SEDAK_EV_TIMER, 0)->user);
	EXPECT_EQ(1, box_find(box, SEDAK_EV_TIMER, 0)->amount);
	sleep_ms(60);
	EXPECT_EQ(1, box_count(box, SEDAK_EV_TIMER));
	EXPECT_EQ(0, sedak_timer_cancel(t));
	sedak_timer_destroy(t);
	server_end(box);
}

static uint64_t ticks(struct box *box)
{
	uint64_t sum = 0;
	unsigned int i;

	pthread_mutex_lock(&box->lock);
	for (i = 0; i < box->n; i++)
		if (box->recs[i].type == SEDAK_EV_TIMER)
			sum += box->recs[i].amount;
	pthread_mutex_unlock(&box->lock);
	return sum;
}

static bool ten_ticks(void *box)
{
	return ticks(box) >= 10;
}

TEST(periodic)
{
	struct box *box = idle(2);
	uint64_t begin = now_ns();
	struct sedak_timer *t;

	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &t));
	ASSERT_EQ(0, sedak_timer_set(t, 1 * MS, 10 * MS));
	ASSERT_TRUE(until(ten_ticks, box));
	EXPECT_LE(91 * MS, now_ns() - begin);
	EXPECT_EQ(1, sedak_timer_cancel(t));
	sedak_timer_destroy(t);
	server_end(box);
}

TEST(cancelled)
{
	struct box *box = idle(1);
	struct sedak_timer *t;

	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &t));
	ASSERT_EQ(0, sedak_timer_set(t, 50 * MS, 0));
	EXPECT_EQ(1, sedak_timer_cancel(t));
	EXPECT_EQ(0, sedak_timer_cancel(t));
	ASSERT_EQ(0, sedak_timer_set(t, 50 * MS, 0));
	ASSERT_EQ(0, sedak_timer_set(t, 10 * SEC, 0));
	sleep_ms(120);
	EXPECT_EQ(0, box_count(box, SEDAK_EV_TIMER));
	/* and an earlier one after a later one */
	ASSERT_EQ(0, sedak_timer_set(t, 1 * MS, 0));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_TIMER, 1));
	sedak_timer_destroy(t);
	sedak_timer_destroy(NULL);
	server_end(box);
}

static _Atomic uint32_t early;

static void act_due(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_TIMER && now_ns() < (uintptr_t)ev->user)
		early++;
}

TEST(many)
{
	struct box *box = idle(1);
	struct sedak_timer *t;
	uint32_t i, ms;

	box->act = act_due;
	for (i = 0; i < 1000; i++) {
		ms = 1 + (i * 7919) % 200;
		ASSERT_EQ(0, sedak_timer_create(box->stage, (void *)(uintptr_t)
						(now_ns() + ms * MS), &t));
		ASSERT_EQ(0, sedak_timer_set(t, ms * MS, 0));
	}
	ASSERT_TRUE(box_wait(box, SEDAK_EV_TIMER, 1000));
	EXPECT_EQ(0, atomic_load(&early));
	server_end(box);	/* frees those that nobody destroyed */
}

static void act_destroy(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_TIMER)
		sedak_timer_destroy(ev->timer);
}

TEST(destroyed_in_its_handler)
{
	struct box *box = idle(2);
	struct sedak_timer *t;
	int i;

	box->act = act_destroy;
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &t));
		ASSERT_EQ(0, sedak_timer_set(t, 1 + (uint64_t)i * MS, 1 * MS));
	}
	ASSERT_TRUE(box_wait(box, SEDAK_EV_TIMER, 50));
	sleep_ms(20);
	EXPECT_EQ(50, box_count(box, SEDAK_EV_TIMER));
	server_end(box);
}

static void act_timeout(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ACCEPT)
		sedak_conn_timeout(ev->conn, 500 * MS);
	else if (ev->type == SEDAK_EV_DATA)
		sedak_conn_timeout(ev->conn, *(char *)ev->data == '0' ? 0 :
					     500 * MS);
	else if (ev->type == SEDAK_EV_TIMEOUT)
		sedak_conn_close(ev->conn);
}

TEST(timeout_of_a_connection)
{
	struct box *box;
	uint64_t begin;
	uint16_t port;
	char c;
	int fd, i;

	box = server(2, &port, act_timeout);
	begin = now_ns();
	fd = dial(port);
	for (i = 0; i < 5; i++) {	/* each moves it on */
		sleep_ms(20);
		ASSERT_TRUE(give(fd, "x", 1));
	}
	EXPECT_EQ(0, recv(fd, &c, 1, 0));
	EXPECT_LE(600 * MS, now_ns() - begin);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(1, box_count(box, SEDAK_EV_TIMEOUT));
	close(fd);
	fd = dial(port);
	ASSERT_TRUE(give(fd, "0", 1));	/* none any more */
	sleep_ms(700);
	EXPECT_EQ(1, box_count(box, SEDAK_EV_TIMEOUT));
	close(fd);
	server_end(box);
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* without a second one all are on the first */
	sched_setaffinity(0, sizeof(set), &set);
}

/*
 * The worker that is to set the pool's clock earlier may preempt the one that is
 * about to set it: they share a CPU, and the second timer comes a little later
 * each time.  The first would come long after PATIENCE_MS, and is earlier than
 * that of the round before: else the clock would be left as it is.
 */
#define SECOND_TIMERS	500

TEST(second_timer_sooner)
{
	struct box *box = box_new();
	struct sedak_timer *a, *b;
	unsigned int i;
	uint64_t end;

	stage_of(rt_new(2), box);
	run_on(0);
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	run_on(1);
	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &a));
	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &b));
	for (i = 0; i < SECOND_TIMERS; i++) {
		ASSERT_EQ(0, sedak_timer_set(a, (60 + 2 * (SECOND_TIMERS - i)) *
						SEC, 0));
		end = now_ns() + i % 250 * 1000;
		while (now_ns() < end)
			;
		ASSERT_EQ(0, sedak_timer_set(b, 1 * MS, 0));
		ASSERT_TRUE(box_wait(box, SEDAK_EV_TIMER, i + 1))
			TH_LOG("in round %u", i);
		ASSERT_EQ(1, sedak_timer_cancel(a));
	}
	server_end(box);
}

TEST_HARNESS_MAIN
