// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: received bytes can be kept; past half of the buffers they are copied,
 * so that those who keep much stop nobody.
 */
#include "sedak_test.h"

#define MOST	1000

static struct sedak_buf *held[MOST];
static _Atomic unsigned int nr_held;

static void act_hold(struct box *box, struct sedak_event *ev)
{
	struct sedak_buf *buf;

	if (ev->type != SEDAK_EV_DATA)
		return;
	if (sedak_buf_hold(ev, &buf))
		abort();
	held[nr_held] = buf;
	nr_held++;
}

static bool all(void *arg)
{
	return nr_held == MOST;
}

TEST(past_the_cap)
{
	struct sedak_rt_stats st = { .size = sizeof(st) };
	struct sedak_rt_opts o = { .size = sizeof(o), .workers = 1,
				   .nr_bufs = 128 };
	struct box *box = box_new();
	struct sedak_rt *rt;
	unsigned int i;
	uint16_t port;
	int fd[4];

	box->act = act_hold;
	ASSERT_EQ(0, sedak_rt_create(&o, &rt));
	port = listen_on(stage_of(rt, box));
	ASSERT_EQ(0, sedak_rt_start(rt));
	for (i = 0; i < 4; i++)
		fd[i] = dial(port);
	for (i = 0; i < MOST; i++) {
		ASSERT_TRUE(give(fd[i % 4], &i, sizeof(i)));
		while (nr_held <= i)
			sched_yield();
	}
	ASSERT_TRUE(until(all, NULL));
	ASSERT_EQ(0, sedak_rt_get_stats(rt, &st));
	EXPECT_EQ(128, st.bufs);
	EXPECT_EQ(64, st.bufs_held);
	EXPECT_EQ(MOST - 64, st.bufs_copied);
	for (i = 0; i < MOST; i++) {
		EXPECT_EQ(sizeof(i), sedak_buf_len(held[i]));
		EXPECT_EQ(0, memcmp(sedak_buf_data(held[i]), &i, sizeof(i)));
		sedak_buf_put(held[i]);
	}
	sedak_buf_put(NULL);
	ASSERT_EQ(0, sedak_rt_get_stats(rt, &st));
	EXPECT_EQ(0, st.bufs_held);
	/* and they are there again */
	nr_held = 0;
	for (i = 0; i < 64; i++) {
		ASSERT_TRUE(give(fd[0], &i, sizeof(i)));
		while (nr_held <= i)
			sched_yield();
	}
	ASSERT_EQ(0, sedak_rt_get_stats(rt, &st));
	EXPECT_EQ(64, st.bufs_held);
	for (i = 0; i < nr_held; i++)
		sedak_buf_put(held[i]);
	for (i = 0; i < 4; i++)
		close(fd[i]);
	server_end(box);
}

TEST_HARNESS_MAIN
