// SPDX-License-Identifier: GPL-2.0
/* ACCEPT events: the child, who its peer is, its user_data. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

TEST(accept_tells_child_and_peer)
{
	struct seda_listen_args a = { .size = sizeof(a) };
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	struct seda_event *ev;
	uint64_t child_stage, child;
	uint16_t port = 0;
	struct rig r;
	int fd;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_stage(&r.app, NULL, &child_stage));
	a.fd = tcp_listen(&port);
	a.stage = r.stage;
	a.child_stage = child_stage;
	a.user_data = 0x1111222233334444ULL;
	a.child_data = 0x5555666677778888ULL;
	ASSERT_EQ(0, app_call(&r.app, SEDA_IOC_LISTEN, &a));
	ASSERT_NE(0, a.source);
	fd = tcp_connect(port);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&sin, &len));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_ACCEPT, ev->events);
	EXPECT_EQ(a.source, ev->source);
	EXPECT_EQ(a.user_data, ev->user_data);
	EXPECT_EQ((uint32_t)r.stage, ev->stage);
	EXPECT_EQ(0, ev->seq);
	EXPECT_EQ(0, ev->res);
	EXPECT_EQ(AF_INET, ev->peer.family);
	EXPECT_EQ(sin.sin_port, ev->peer.port);
	EXPECT_EQ(0, memcmp(&sin.sin_addr, ev->peer.addr, 4));
	child = ev->child;
	ASSERT_EQ(1, write(fd, "x", 1));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
	EXPECT_EQ(child, ev->source);
	EXPECT_EQ(a.child_data, ev->user_data);
	EXPECT_EQ((uint32_t)child_stage, ev->stage);
	EXPECT_EQ(0, ev->seq);
	EXPECT_EQ(1, ev->len);
	EXPECT_EQ('x', *rig_data(&r, ev));
	rig_close(&r);
}

TEST(accept_tells_a_v6_peer)
{
	struct sockaddr_in6 sin6 = {
		.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	socklen_t len = sizeof(sin6);
	struct seda_source_info_args info;
	struct seda_event *ev;
	uint16_t port = 0;
	int l = tcp_listen6(&port), fd;
	struct rig r;

	ASSERT_LE(0, l);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_listen(&r.app, l, r.stage, r.stage, NULL));
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	sin6.sin6_port = htons(port);
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&sin6, sizeof(sin6)));
	ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&sin6, &len));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(AF_INET6, ev->peer.family);
	EXPECT_EQ(sin6.sin6_port, ev->peer.port);
	EXPECT_EQ(0, memcmp(&sin6.sin6_addr, ev->peer.addr, 16));
	ASSERT_EQ(0, app_source_info(&r.app, ev->child, &info));
	EXPECT_EQ(SEDA_KIND_TCP, info.kind);
	EXPECT_EQ(AF_INET6, info.peer.family);
	EXPECT_EQ(sin6.sin6_port, info.peer.port);
	EXPECT_EQ(htons(port), info.local.port);
	rig_close(&r);
}

/* The child is owned with its ACCEPT, so its data waits for SET_DATA. */
TEST(set_data_comes_before_the_first_data_event)
{
	struct seda_event *ev;
	uint16_t port = 0;
	struct seda_op *op;
	struct rig r;
	int fd;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_listen(&r.app, tcp_listen(&port), r.stage, r.stage,
				NULL));
	fd = tcp_connect(port);
	ASSERT_EQ(5, write(fd, "early", 5));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	ASSERT_EQ(SEDA_EV_ACCEPT, ev->events);
	op = worker_op(&r.w, SEDA_OP_SET_DATA, ev->child);
	op->user_data = 4711;
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
	EXPECT_EQ(4711, ev->user_data);
	EXPECT_EQ(5, ev->len);
	rig_close(&r);
}

TEST(what_is_no_listening_tcp_socket_is_refused)
{
	struct app app;
	uint64_t stage;
	int fd[2];

	ASSERT_EQ(0, app_open(&app, NULL));
	ASSERT_EQ(0, app_stage(&app, NULL, &stage));
	EXPECT_EQ(-EBADF, app_listen(&app, -1, stage, stage, NULL));
	EXPECT_EQ(-ENOTSOCK, app_listen(&app, open("/dev/null", O_RDONLY),
					stage, stage, NULL));
	EXPECT_EQ(-EINVAL, app_listen(&app, socket(AF_INET, SOCK_DGRAM, 0),
				      stage, stage, NULL));
	EXPECT_EQ(-EINVAL, app_listen(&app, socket(AF_UNIX, SOCK_STREAM, 0),
				      stage, stage, NULL));
	EXPECT_EQ(-EINVAL, app_listen(&app, socket(AF_INET, SOCK_STREAM, 0),
				      stage, stage, NULL));
	ASSERT_EQ(0, tcp_pair(fd));
	EXPECT_EQ(-EINVAL, app_listen(&app, fd[0], stage, stage, NULL));
	app_close(&app);
}

TEST(a_socket_is_one_source_only)
{
	struct app app, other;
	uint64_t stage, there;
	uint16_t port = 0;
	int l = tcp_listen(&port);

	ASSERT_EQ(0, app_open(&app, NULL));
	ASSERT_EQ(0, app_open(&other, NULL));
	ASSERT_EQ(0, app_stage(&app, NULL, &stage));
	ASSERT_EQ(0, app_stage(&other, NULL, &there));
	ASSERT_EQ(0, app_listen(&app, l, stage, stage, NULL));
	EXPECT_EQ(-EEXIST, app_listen(&app, l, stage, stage, NULL));
	EXPECT_EQ(-EEXIST, app_listen(&other, l, there, there, NULL));
	app_close(&app);
	/* what the first app had is free again */
	EXPECT_EQ(0, app_listen(&other, l, there, there, NULL));
	app_close(&other);
}

TEST_HARNESS_MAIN
