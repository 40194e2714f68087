// SPDX-License-Identifier: GPL-2.0
/* A listener that is shut down says so; SO_LINGER of one keeps nobody waiting. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

TEST(a_shut_down_one_is_an_error_once)
{
	uint16_t port = 0;
	int l = tcp_listen(&port);
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	struct seda_event *ev;
	uint64_t id;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_listen(&r.app, l, r.stage, r.stage, &id));
	ASSERT_EQ(0, shutdown(l, SHUT_RDWR));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_ERR, ev->events);
	EXPECT_EQ(-EINVAL, ev->res);
	EXPECT_TRUE(rig_quiet(&r));
	/* and it can be made to listen again, at another port */
	ASSERT_EQ(0, listen(l, 10));
	ASSERT_EQ(0, getsockname(l, (struct sockaddr *)&sin, &len));
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_ARM, id, 0));
	ASSERT_LE(0, tcp_connect(ntohs(sin.sin_port)));
	ASSERT_NE(NULL, rig_await(&r, SEDA_EV_ACCEPT));
	rig_close(&r);
}

/* The harness ends a test that waits for the hour. */
static void closes_at_once(struct __test_metadata *_metadata, bool app_closes)
{
	static char data[4096];
	struct linger hour = { .l_onoff = 1, .l_linger = 3600 };
	uint16_t port = 0;
	int l = tcp_listen(&port), peer;
	struct seda_event *ev;
	uint64_t child;
	struct rig r;

	ASSERT_EQ(0, setsockopt(l, SOL_SOCKET, SO_LINGER, &hour, sizeof(hour)));
	small_buffers(l);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_listen(&r.app, l, r.stage, r.stage, NULL));
	peer = tcp_connect(port);
	small_buffers(peer);
	ev = rig_await(&r, SEDA_EV_ACCEPT);
	ASSERT_NE(NULL, ev);
	child = ev->child;
	/* what the peer has no room for stays in the socket's own buffer */
	while (rig_send(&r, child, data, sizeof(data), 1) == sizeof(data))
		;
	ASSERT_EQ(1, rig_do(&r, SEDA_OP_CANCEL, child, 0));
	if (!app_closes) {
		EXPECT_EQ(0, rig_do(&r, SEDA_OP_CLOSE, child, 0));
		EXPECT_NE(NULL, rig_await(&r, SEDA_EV_CLOSED));
	}
	rig_close(&r);
	close(peer);
	close(l);
}

TEST(an_inherited_linger_time_does_not_delay_the_close)
{
	closes_at_once(_metadata, false);
}

TEST(nor_that_of_the_app)
{
	closes_at_once(_metadata, true);
}

TEST_HARNESS_MAIN
