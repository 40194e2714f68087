// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: a limit on connections: listeners wait while it is reached.
 *
 * vm: --smp 2
 */
#include <signal.h>

#include "sedak_test.h"

static void act_close(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_EOF)
		sedak_conn_close(ev->conn);
}

static void act_refuse(struct box *box, struct sedak_event *ev)
{
	(void)box;
	if (ev->type == SEDAK_EV_ACCEPT)
		sedak_conn_close(ev->conn);
}

TEST(limit)
{
	struct sedak_rt_opts ro = { .size = sizeof(ro), .workers = 1,
				    .max_conns = 4 };
	struct sedak_rt_stats st = { .size = sizeof(st) };
	struct box *box = box_new();
	struct sedak_rt *rt;
	uint16_t port;
	int fd[40], i;

	box->act = act_close;
	ASSERT_EQ(0, sedak_rt_create(&ro, &rt));
	port = listen_on(stage_of(rt, box));
	ASSERT_EQ(0, sedak_rt_start(rt));
	for (i = 0; i < 4; i++)
		fd[i] = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 4));
	ASSERT_TRUE(seen_to(box));
	for (i = 4; i < 40; i++)
		fd[i] = dial(port);
	sleep_ms(50);
	EXPECT_EQ(4, box_count(box, SEDAK_EV_ACCEPT));
	for (i = 0; i < 40; i++)
		close(fd[i]);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 40));
	ASSERT_EQ(0, sedak_rt_get_stats(rt, &st));
	EXPECT_EQ(40, st.accepted);
	server_end(box);
}

TEST(limit_of_a_new_listener)
{
	struct sedak_rt_opts ro = { .size = sizeof(ro), .workers = 1,
				    .max_conns = 2 };
	struct box *box = box_new();
	struct sedak_rt *rt;
	uint16_t port, later;
	int fd[3], i;

	box->act = act_close;
	ASSERT_EQ(0, sedak_rt_create(&ro, &rt));
	port = listen_on(stage_of(rt, box));
	ASSERT_EQ(0, sedak_rt_start(rt));
	for (i = 0; i < 2; i++)
		fd[i] = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 2));
	later = listen_on(box->stage);
	ASSERT_TRUE(seen_to(box));
	fd[2] = dial(later);
	sleep_ms(100);
	EXPECT_EQ(2, box_count(box, SEDAK_EV_ACCEPT));
	close(fd[0]);
	EXPECT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 3));
	close(fd[1]);
	close(fd[2]);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 3));
	server_end(box);
}

/* The last one to take or to leave says whether the listener waits, no other */
#define SHARERS		8
#define TURNS		1500

static void *share(void *port)
{
	intptr_t turn;
	char c;

	for (turn = 0; turn < TURNS; turn++) {
		int fd = dial(*(uint16_t *)port);

		/* without room for its TIME_WAIT a closed one answers with RST */
		if (fd < 0 ? errno == ETIMEDOUT :
			     recv(fd, &c, 1, 0) < 0 && errno == EAGAIN)
			break;
		if (fd >= 0)
			close(fd);
	}
	return (void *)turn;
}

/* So that workers have to wait wherever they take the runtime's lock */
static atomic_bool shared;

static void *hold_lock(void *stage)
{
	struct sedak_timer *timer;

	while (!atomic_load(&shared) &&
	       !sedak_timer_create(stage, NULL, &timer))
		sedak_timer_destroy(timer);
	return NULL;
}

TEST(limit_of_many_workers)
{
	struct sedak_rt_opts ro = { .size = sizeof(ro), .workers = 4,
				    .max_conns = 2 };
	struct box *box = box_new();
	pthread_t thread[SHARERS], holder[2];
	struct sedak_rt *rt;
	uint16_t port;
	void *turns;
	int i;

	box->act = act_refuse;
	ASSERT_EQ(0, sedak_rt_create(&ro, &rt));
	port = listen_on(stage_of(rt, box));
	ASSERT_EQ(0, sedak_rt_start(rt));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&holder[i], NULL, hold_lock,
					    box->stage));
	for (i = 0; i < SHARERS; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, share, &port));
	for (i = 0; i < SHARERS; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], &turns));
		EXPECT_EQ(TURNS, (intptr_t)turns);
	}
	atomic_store(&shared, true);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(holder[i], NULL));
	server_end(box);
}

/*
 * A thread takes the last place and gives it back all the time: what it adopts is so
 * already, and refused after it was counted.  It is stopped, most often while it tells
 * the many listeners, until a connection is gone that had another place: those that it
 * has not come to yet must not be left to wait.
 */
#define TOLD		300
#define STOPS		50

static int adopted;
static _Atomic unsigned int may_take, taken, stops, gone, left;

static void act_close_and_tell(struct box *box, struct sedak_event *ev)
{
	act_close(box, ev);
	if (ev->type == SEDAK_EV_CLOSED)
		gone++;
}

static void stop_for_a_while(int sig)
{
	int old = errno, i;

	(void)sig;
	/* in vain if the worker needs a lock that the thread has */
	for (i = 0; i < 50 && gone <= stops; i++)
		sleep_ms(1);
	sleep_ms(5);	/* it is told before it is counted */
	stops++;
	errno = old;
}

static void *take_a_place(void *stage)
{
	unsigned int i;

	for (i = 1; i <= STOPS; i++) {
		while (may_take < i)
			sched_yield();
		do {
			if (!sedak_conn_adopt(stage, adopted, NULL, NULL))
				abort();
			taken = i;
		} while (stops < i);
		left = i;
	}
	return NULL;
}

static bool is_taken(void *nth)
{
	return taken == *(unsigned int *)nth;
}

static bool is_left(void *nth)
{
	return left == *(unsigned int *)nth;
}

TEST(limit_of_many_listeners)
{
	struct sedak_rt_opts ro = { .size = sizeof(ro), .workers = 1,
				    .max_conns = 3 };
	struct sigaction sa = { .sa_handler = stop_for_a_while };
	struct box *box = box_new();
	struct sedak_rt *rt;
	uint16_t port, own;
	pthread_t thread;
	unsigned int i;
	int fd, to;

	box->act = act_close_and_tell;
	ASSERT_EQ(0, sedak_rt_create(&ro, &rt));
	/* the first one is told last */
	port = listen_on(stage_of(rt, box));
	for (i = 1; i < TOLD; i++)
		listen_on(box->stage);
	ASSERT_EQ(0, sedak_rt_start(rt));
	to = passive(&own);
	fd = dial(own);
	adopted = accept(to, NULL, NULL);
	ASSERT_EQ(0, sedak_conn_adopt(box->stage, adopted, NULL, NULL));
	close(to);
	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, take_a_place, box->stage));
	for (i = 1; i <= STOPS; i++) {
		to = dial(port);
		ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, i))
			TH_LOG("after stop %u", i - 1);
		may_take = i;
		ASSERT_TRUE(until(is_taken, &i));
		pthread_kill(thread, SIGUSR1);
		close(to);
		ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, i));
		ASSERT_TRUE(until(is_left, &i));
		ASSERT_TRUE(seen_to(box));
	}
	pthread_join(thread, NULL);
	to = dial(port);
	EXPECT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, i));
	close(to);
	close(fd);
	server_end(box);
}

TEST_HARNESS_MAIN
