// SPDX-License-Identifier: GPL-2.0
/* One harvest accepts as many connections as fit into the event array. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define BACKLOG	150

TEST(a_backlog_comes_in_one_harvest)
{
	struct seda_setup_args setup = { .events = 256 };
	uint64_t id[BACKLOG];
	uint16_t port = 0;
	struct rig r;
	int i, j;

	ASSERT_EQ(0, rig_open(&r, &setup, NULL));
	ASSERT_EQ(0, app_listen(&r.app, tcp_listen(&port), r.stage, r.stage,
				NULL));
	for (i = 0; i < BACKLOG; i++)
		ASSERT_LE(0, tcp_connect(port));
	ASSERT_EQ(BACKLOG, worker_enter(&r.w, 1, SEDA_FOREVER));
	for (i = 0; i < BACKLOG; i++) {
		EXPECT_EQ(SEDA_EV_ACCEPT, r.w.events[i].events);
		EXPECT_EQ(i, (int)r.w.events[i].seq);
		id[i] = r.w.events[i].child;
		for (j = 0; j < i; j++)
			ASSERT_NE(id[j], id[i]);
	}
	EXPECT_EQ(BACKLOG + 1, r.app.counters->sources);
	EXPECT_EQ(BACKLOG, app_counters(&r.app, r.stage)->outstanding);
	EXPECT_EQ(0, worker_enter(&r.w, 0, 0));
	EXPECT_EQ(0, app_counters(&r.app, r.stage)->outstanding);
	rig_close(&r);
}

TEST(what_does_not_fit_comes_in_the_next)
{
	struct seda_setup_args setup = { .events = 16 };
	uint16_t port = 0;
	int i, n, total = 0;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, &setup, NULL));
	ASSERT_EQ(0, app_listen(&r.app, tcp_listen(&port), r.stage, r.stage,
				NULL));
	for (i = 0; i < BACKLOG; i++)
		ASSERT_LE(0, tcp_connect(port));
	while (total < BACKLOG) {
		n = worker_enter(&r.w, 1, SEDA_FOREVER);
		ASSERT_LT(0, n);
		for (i = 0; i < n; i++)
			ASSERT_EQ(SEDA_EV_ACCEPT, r.w.events[i].events);
		total += n;
	}
	EXPECT_EQ(BACKLOG, total);
	rig_close(&r);
}

TEST_HARNESS_MAIN
