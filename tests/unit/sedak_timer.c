// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: timers come, never early, as often as they should, and can be cancelled.
 *
 * vm: --smp 2
 */
#include <sys/syscall.h>
#include <sys/timerfd.h>

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

/* A period beyond all time is none. */
TEST(the_longest_period)
{
	struct box *box = idle(1);
	struct sedak_timer *t, *other;

	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &t));
	ASSERT_EQ(0, sedak_timer_create(box->stage, box, &other));
	ASSERT_EQ(0, sedak_timer_set(t, 1, UINT64_MAX));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_TIMER, 1));
	ASSERT_EQ(0, sedak_timer_set(other, 1 * MS, 0));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_TIMER, 2));
	EXPECT_EQ(box, box_find(box, SEDAK_EV_TIMER, 1)->user);
	sleep_ms(20);
	EXPECT_EQ(2, box_count(box, SEDAK_EV_TIMER));
	EXPECT_EQ(1, sedak_timer_cancel(t));
	sedak_timer_destroy(t);
	sedak_timer_destroy(other);
	server_end(box);
}

TEST(cancelled)
{
	struct box *box = idle(1);
	struct sedak_timer *t;

	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &t));
	ASSERT_EQ(0, sedak_timer_set(t, 500 * MS, 0));
	EXPECT_EQ(1, sedak_timer_cancel(t));
	EXPECT_EQ(0, sedak_timer_cancel(t));
	ASSERT_EQ(0, sedak_timer_set(t, 500 * MS, 0));
	ASSERT_EQ(0, sedak_timer_set(t, 100 * SEC, 0));
	sleep_ms(700);
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
		sedak_conn_timeout(ev->conn, 2 * SEC);
	else if (ev->type == SEDAK_EV_DATA)
		sedak_conn_timeout(ev->conn, *(char *)ev->data == '0' ? 0 :
					     2 * SEC);
	else if (ev->type == SEDAK_EV_TIMEOUT)
		sedak_conn_close(ev->conn);
}

static struct sedak_timer *of_hook;

static int makes_it(struct sedak_stage *stage)
{
	return sedak_timer_create(stage, NULL, &of_hook);
}

static void destroys_it(struct sedak_stage *stage)
{
	sedak_timer_destroy(of_hook);
}

/* The destroy hook of a stage has what its init hook made. */
TEST(destroyed_in_a_hook)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = box_handler,
				      .init = makes_it,
				      .destroy = destroys_it };
	struct sedak_timer *left, *last;
	struct sedak_rt *rt = rt_new(1);
	struct box *box = box_new();
	struct sedak_stage *stage;

	o.state = box;
	ASSERT_EQ(0, sedak_stage_create(rt, &o, &stage));
	ASSERT_EQ(0, sedak_rt_start(rt));
	/* one for the runtime, one that outlives the stop */
	ASSERT_EQ(0, sedak_timer_create(stage, NULL, &left));
	ASSERT_EQ(0, sedak_timer_create(stage, NULL, &last));
	ASSERT_EQ(0, sedak_timer_set(left, SEC, SEC));
	ASSERT_EQ(0, sedak_rt_stop(rt));
	sedak_timer_destroy(last);
	sedak_rt_destroy(rt);
	box_free(box);
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
	EXPECT_LE(2100 * MS, now_ns() - begin);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(1, box_count(box, SEDAK_EV_TIMEOUT));
	close(fd);
	fd = dial(port);
	ASSERT_TRUE(give(fd, "0", 1));	/* none any more */
	sleep_ms(2200);
	EXPECT_EQ(1, box_count(box, SEDAK_EV_TIMEOUT));
	close(fd);
	server_end(box);
}

/*
 * A worker sets the pool's clock for a first timer, after much else that it
 * submits at the same time (it answers a datagram many times); meanwhile another
 * one sets it for a second timer, which is to come before.  The first would come
 * long after PATIENCE_MS, and is earlier than that of the round before: else the
 * clock would be left as it is.
 */
#define SECOND_TIMERS	50
#define ANSWERS		300

static _Atomic unsigned int first_set;

static void act_set_first(struct box *box, struct sedak_event *ev)
{
	unsigned int i;

	if (ev->type != SEDAK_EV_DATAGRAM)
		return;
	for (i = 0; i < ANSWERS; i++)
		sedak_udp_send_event(ev->udp, ev, ev->len);
	i = SECOND_TIMERS - atomic_load(&first_set);
	sedak_timer_set(box->arg, (60 + 2 * i) * SEC, 0);
	first_set++;
}

TEST(second_timer_sooner)
{
	struct sedak_udp_opts o = { .size = sizeof(o), .host = "127.0.0.1" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct box *box = box_new();
	struct sedak_timer *a, *b;
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	struct sedak_udp *u;
	unsigned int i;
	uint64_t end;

	box->act = act_set_first;
	o.stage = stage_of(rt_new(2), box);
	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &a));
	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &b));
	box->arg = a;
	ASSERT_EQ(0, sedak_udp_open(&o, &u));
	ASSERT_EQ(0, sedak_udp_addr(u, (struct sockaddr *)&addr, &len));
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&addr, len));
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	for (i = 0; i < SECOND_TIMERS; i++) {
		ASSERT_EQ(1, send(fd, "x", 1, 0));
		end = now_ns() + PATIENCE_MS * MS;
		while (atomic_load(&first_set) == i && now_ns() < end)
			;
		end = now_ns() + i * 10000;
		while (now_ns() < end)
			;
		ASSERT_EQ(0, sedak_timer_set(b, 1 * MS, 0));
		ASSERT_TRUE(box_wait(box, SEDAK_EV_TIMER, i + 1))
			TH_LOG("in round %u", i);
		ASSERT_EQ(1, sedak_timer_cancel(a));
	}
	close(fd);
	server_end(box);
}

/*
 * With epoll the clock is set by this, instead of libc's: while it is, it rings, and
 * another worker hears it before the one that has set it goes on.
 */
static _Atomic bool slowly;

int timerfd_settime(int fd, int flags, const struct itimerspec *new,
		    struct itimerspec *old)
{
	int ret = (int)syscall(SYS_timerfd_settime, fd, flags, new, old);

	if (slowly)
		sleep_ms(20);
	return ret;
}

TEST(rings_while_it_is_set)
{
	struct box *box = idle(2);
	struct sedak_timer *t;
	unsigned int i;

	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &t));
	slowly = true;
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, sedak_timer_set(t, 1 * MS, 0));
		ASSERT_TRUE(box_wait(box, SEDAK_EV_TIMER, i + 1))
			TH_LOG("in round %u", i);
	}
	slowly = false;
	sedak_timer_destroy(t);
	server_end(box);
}

TEST_HARNESS_MAIN
