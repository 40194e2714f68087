// SPDX-License-Identifier: GPL-2.0
/* A listener stops accepting by DISARM, by a limit, by CLOSE, by close(2). */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

TEST(disarmed_it_leaves_connections_in_the_backlog)
{
	struct seda_event *ev;
	uint64_t listener;
	uint16_t port = 0;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_listen(&r.app, tcp_listen(&port), r.stage, r.stage,
				&listener));
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_DISARM, listener, 0));
	ASSERT_LE(0, tcp_connect(port));
	EXPECT_TRUE(rig_quiet(&r));
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_ARM, listener, 0));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_ACCEPT, ev->events);
	rig_close(&r);
}

TEST(closing_the_descriptor_ends_it)
{
	struct seda_event *ev;
	uint64_t listener;
	uint16_t port = 0;
	int l = tcp_listen(&port);
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_listen(&r.app, l, r.stage, r.stage, &listener));
	close(l);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CLOSED, ev->events);
	EXPECT_EQ(listener, ev->source);
	EXPECT_EQ(-ECONNREFUSED, tcp_connect(port));
	EXPECT_EQ(-ESTALE, rig_do(&r, SEDA_OP_DISARM, listener, 0));
	EXPECT_EQ(0, r.app.counters->sources);
	rig_close(&r);
}

TEST(close_lets_go_of_a_socket_that_goes_on)
{
	struct seda_event *ev;
	uint64_t listener;
	uint16_t port = 0;
	int l = tcp_listen(&port);
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_listen(&r.app, l, r.stage, r.stage, &listener));
	ASSERT_EQ(0, app_id_call(&r.app, SEDA_IOC_CLOSE, listener, 0));
	EXPECT_EQ(-EALREADY, app_id_call(&r.app, SEDA_IOC_CLOSE, listener, 0));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CLOSED, ev->events);
	ASSERT_LE(0, tcp_connect(port));
	EXPECT_LE(0, accept(l, NULL, NULL));
	EXPECT_TRUE(rig_quiet(&r));
	rig_close(&r);
}

TEST(at_the_limit_of_sources_it_tells_and_stops)
{
	struct seda_setup_args setup = { .sources = 3 };
	struct seda_event *ev;
	uint64_t listener, child[2];
	uint16_t port = 0;
	struct rig r;
	int i;

	ASSERT_EQ(0, rig_open(&r, &setup, NULL));
	ASSERT_EQ(0, app_listen(&r.app, tcp_listen(&port), r.stage, r.stage,
				&listener));
	for (i = 0; i < 3; i++)
		ASSERT_LE(0, tcp_connect(port));
	for (i = 0; i < 2; i++) {
		ev = rig_next(&r);
		ASSERT_NE(NULL, ev);
		ASSERT_EQ(SEDA_EV_ACCEPT, ev->events);
		child[i] = ev->child;
	}
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_ERR, ev->events);
	EXPECT_EQ(-ENFILE, ev->res);
	EXPECT_EQ(listener, ev->source);
	EXPECT_TRUE(rig_quiet(&r));
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_CLOSE, child[0], 0));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CLOSED, ev->events);
	EXPECT_EQ(child[0], ev->source);
	EXPECT_TRUE(rig_quiet(&r));
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_ARM, listener, 0));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_ACCEPT, ev->events);
	rig_close(&r);
}

TEST(a_call_past_the_limit_of_sources_is_enfile)
{
	struct seda_setup_args setup = { .sources = 1 };
	uint64_t id, other;
	uint16_t port = 0;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, &setup, NULL));
	ASSERT_EQ(0, app_timer(&r.app, r.stage, 0, 0, &id));
	EXPECT_EQ(-ENFILE, app_timer(&r.app, r.stage, 0, 0, &other));
	EXPECT_EQ(-ENFILE, app_listen(&r.app, tcp_listen(&port), r.stage,
				      r.stage, &other));
	EXPECT_EQ(1, r.app.counters->sources);
	EXPECT_EQ(1, app_counters(&r.app, r.stage)->sources);
	rig_close(&r);
}

TEST_HARNESS_MAIN
