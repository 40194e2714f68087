// SPDX-License-Identifier: GPL-2.0
/* An adopted descriptor stays the application's. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

TEST(the_applications_close_sends_fin_and_closed)
{
	struct seda_event *ev;
	int own, peer;
	uint64_t id;
	struct rig r;
	char c;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, 0, &id, &own, &peer));
	close(own);
	EXPECT_EQ(0, read(peer, &c, 1));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CLOSED, ev->events);
	EXPECT_EQ(id, ev->source);
	EXPECT_TRUE(rig_quiet(&r));
	EXPECT_EQ(0, r.app.counters->sources);
	rig_close(&r);
}

TEST(a_duplicate_keeps_it)
{
	struct seda_event *ev;
	int own, peer, copy;
	uint64_t id;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, 0, &id, &own, &peer));
	copy = dup(own);
	close(own);
	EXPECT_TRUE(rig_quiet(&r));
	ASSERT_EQ(1, write(peer, "x", 1));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
	close(copy);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CLOSED, ev->events);
	rig_close(&r);
}

TEST(close_lets_go_of_it)
{
	struct seda_event *ev;
	int own, peer;
	uint64_t id;
	struct rig r;
	char c;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, 0, &id, &own, &peer));
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_CLOSE, id, 0));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CLOSED, ev->events);
	ASSERT_EQ(1, write(peer, "x", 1));
	ASSERT_EQ(1, read(own, &c, 1));
	EXPECT_EQ('x', c);
	/* and it can be adopted again */
	EXPECT_EQ(0, app_adopt(&r.app, own, r.stage, 0, 0, &id));
	rig_close(&r);
	ASSERT_EQ(1, write(own, "y", 1));
	ASSERT_EQ(1, read(peer, &c, 1));
	EXPECT_EQ('y', c);
}

TEST(data_that_was_there_before_is_told)
{
	struct seda_event *ev;
	uint64_t id;
	struct rig r;
	int fd[2];

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(1, write(fd[1], "x", 1));
	sleep_ms(20);
	ASSERT_EQ(0, app_adopt(&r.app, fd[0], r.stage, 77, 0, &id));
	EXPECT_EQ(-EEXIST, app_adopt(&r.app, fd[0], r.stage, 77, 0, &id));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
	EXPECT_EQ(77, ev->user_data);
	EXPECT_EQ(-EINVAL, app_to_fd(&r.app, ev->source, 0));
	rig_close(&r);
}

/* Of the same protocol numbers, but no TCP and no UDP socket. */
TEST(what_only_looks_like_one_is_refused)
{
	static const int raw[][2] = {
		{ AF_INET, IPPROTO_TCP }, { AF_INET, IPPROTO_UDP },
		{ AF_INET6, IPPROTO_TCP }, { AF_INET6, IPPROTO_UDP },
	};
	unsigned int i;
	uint64_t id;
	struct rig r;
	int fd;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	for (i = 0; i < 4; i++) {
		fd = socket(raw[i][0], SOCK_RAW, raw[i][1]);
		ASSERT_LE(0, fd);
		EXPECT_EQ(-EINVAL, app_adopt(&r.app, fd, r.stage, 0, 0, &id));
		EXPECT_EQ(-EINVAL, app_listen(&r.app, fd, r.stage, r.stage,
					      &id));
		close(fd);
	}
	fd = socket(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */);
	if (fd >= 0)
		EXPECT_EQ(-EINVAL, app_adopt(&r.app, fd, r.stage, 0, 0, &id));
	EXPECT_EQ(0, r.app.counters->sources);
	rig_close(&r);
}

TEST(only_a_connected_socket_is_adopted)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	uint16_t port = 0;
	int l = tcp_listen(&port), fd;
	uint64_t id;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	EXPECT_EQ(-ENOTCONN, app_adopt(&r.app, fd, r.stage, 0, 0, &id));
	EXPECT_EQ(-EINVAL, app_adopt(&r.app, l, r.stage, 0, 0, &id));
	sin.sin_port = htons(port);
	connect(fd, (struct sockaddr *)&sin, sizeof(sin));
	/* once it is connected it is plain */
	ASSERT_EQ(1, poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1));
	ASSERT_EQ(0, app_adopt(&r.app, fd, r.stage, 0, 0, &id));
	EXPECT_EQ(2, rig_send(&r, id, "hi", 2, 0));
	rig_close(&r);
	close(l);
}

TEST_HARNESS_MAIN
