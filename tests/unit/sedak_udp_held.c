// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: datagrams for a stage that is held back wait within its capacity, the
 * rest are dropped and counted; once it goes on they are handled as ever, even
 * when they do not stop to come.
 *
 * vm: --smp 2
 */
#include "sedak_test.h"

/* more than is taken up at a time: what has just come finds some that wait */
#define CAPACITY	300

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool holding = true, stop;
static _Atomic uint32_t handled, in_sink;
static struct sedak_stage *sink;
static int source;

static void takes(struct sedak_stage *stage, struct sedak_event *ev,
		  unsigned int n)
{
	uint64_t end = now_ns() + n * 50000;
	unsigned int i;

	for (i = 0; i < n; i++)
		if (ev[i].type == SEDAK_EV_DATAGRAM) {
			handled++;
			if (holding)
				sedak_stage_post(sink, NULL);
			else	/* they do not stop when nobody else may run */
				send(source, "x", 1, MSG_DONTWAIT);
		}
	/* slower than they come: there are many in the socket, at any time */
	while (now_ns() < end)
		;
}

static void waits(struct sedak_stage *stage, struct sedak_event *ev,
		  unsigned int n)
{
	in_sink++;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static void *floods(void *arg)
{
	while (!stop)
		if (send(source, "x", 1, 0) < 0)
			break;
	return NULL;
}

static bool dropped(void *rt)
{
	struct sedak_rt_stats st = { .size = sizeof(st) };

	return !sedak_rt_get_stats(rt, &st) && st.udp_dropped > 1000;
}

/* For a while none is dropped, and none waits in the library. */
static bool as_ever(void *rt)
{
	struct sedak_rt_stats st = { .size = sizeof(st) };
	uint32_t before = handled;
	uint64_t was = 0;
	int i;

	for (i = 0; i < 10; i++) {
		if (sedak_rt_get_stats(rt, &st) || st.bufs_held ||
		    (i && st.udp_dropped != was))
			return false;
		was = st.udp_dropped;
		sleep_ms(10);
	}
	return handled > before;
}

TEST(held_back)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = takes,
				      .max_batch = 4, .capacity = CAPACITY };
	struct sedak_stage_opts so = { .size = sizeof(so), .handler = waits,
				       .capacity = 8, .max_batch = 1,
				       .full = SEDAK_FULL_BACKPRESSURE };
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = 1 };
	struct sedak_udp_opts uo = { .size = sizeof(uo), .host = "127.0.0.1" };
	struct sedak_rt *rt = rt_new(1);
	struct sockaddr_in6 addr;
	socklen_t len = sizeof(addr);
	struct sedak_udp *u;
	uint32_t then;
	pthread_t t[3];
	int i;

	ASSERT_EQ(0, sedak_pool_create(rt, &po, &so.pool));
	ASSERT_EQ(0, sedak_stage_create(rt, &so, &sink));
	ASSERT_EQ(0, sedak_stage_create(rt, &o, &uo.stage));
	ASSERT_EQ(0, sedak_udp_open(&uo, &u));
	ASSERT_EQ(0, sedak_udp_addr(u, (struct sockaddr *)&addr, &len));
	pthread_mutex_lock(&gate);
	ASSERT_EQ(0, sedak_rt_start(rt));
	source = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, connect(source, (struct sockaddr *)&addr, len));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, floods, NULL));
	ASSERT_TRUE(until(dropped, rt));
	then = handled;
	sleep_ms(50);
	EXPECT_EQ(then, atomic_load(&handled));
	holding = false;
	pthread_mutex_unlock(&gate);
	EXPECT_TRUE(until(as_ever, rt));
	/* all that had waited came, too */
	EXPECT_LE(then + CAPACITY, atomic_load(&handled));
	stop = true;
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	sedak_udp_close(u);
	sedak_rt_destroy(rt);
	close(source);
}

TEST_HARNESS_MAIN
