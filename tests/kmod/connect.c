// SPDX-License-Identifier: GPL-2.0
/* CONNECT: success, refusal, deadline, cancel, both families, a local end. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

/* A listener whose backlog is full: SYNs get no answer. */
static int deaf_listener(uint16_t *port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0), i;

	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || listen(fd, 0) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len))
		return -1;
	for (i = 0; i < 4; i++) {
		int c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		connect(c, (struct sockaddr *)&sin, sizeof(sin));
	}
	*port = ntohs(sin.sin_port);
	return fd;
}

TEST(it_connects_and_carries_data)
{
	struct seda_source_info_args info;
	struct seda_addr to;
	uint16_t port = 0;
	int l = tcp_listen(&port), fd;
	uint64_t id;
	struct rig r;
	char back[8];

	to = addr_v4(port);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_connect(&r.app, r.stage, &to, 42, 5 * SEC, &id));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_CONNECT, r.ev.events & SEDA_EV_CONNECT);
	EXPECT_EQ(0, r.ev.res);
	EXPECT_EQ(42, r.ev.user_data);
	EXPECT_EQ(id, r.ev.source);
	EXPECT_EQ(0, r.ev.seq);
	EXPECT_EQ(5, rig_send(&r, id, "hello", 5, 0));
	fd = accept(l, NULL, NULL);
	ASSERT_EQ(5, read(fd, back, 8));
	ASSERT_EQ(2, write(fd, "yo", 2));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_IN, r.ev.events);
	EXPECT_EQ(2, r.ev.len);
	ASSERT_EQ(0, app_source_info(&r.app, id, &info));
	EXPECT_EQ(AF_INET, info.peer.family);
	EXPECT_EQ(htons(port), info.peer.port);
	EXPECT_EQ(0, rig_do(&r, SEDA_OP_CLOSE, id, 0));
	EXPECT_NE(NULL, rig_await(&r, SEDA_EV_CLOSED));
	EXPECT_EQ(0, read(fd, back, 8));
	rig_close(&r);
}

TEST(small_pieces_are_not_delayed)
{
	socklen_t len = sizeof(int);
	struct seda_addr to;
	uint16_t port = 0;
	int fd, on = 0;
	uint64_t id;
	struct rig r;

	ASSERT_LE(0, tcp_listen(&port));
	to = addr_v4(port);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_connect(&r.app, r.stage, &to, 42, 5 * SEC, &id));
	ASSERT_NE(NULL, rig_await(&r, SEDA_EV_CONNECT));
	fd = app_to_fd(&r.app, id, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len));
	EXPECT_EQ(1, on);
	close(fd);
	rig_close(&r);
}

TEST(refusal_is_told_and_closed_follows)
{
	struct seda_addr to;
	uint16_t port = 0;
	uint64_t id;
	struct rig r;
	int ret;

	close(tcp_listen(&port));
	to = addr_v4(port);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ret = app_connect(&r.app, r.stage, &to, 42, 0, &id);
	ASSERT_EQ(0, ret);
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_CONNECT, r.ev.events);
	EXPECT_EQ(-ECONNREFUSED, r.ev.res);
	EXPECT_EQ(-EALREADY, rig_do(&r, SEDA_OP_CANCEL, id, 0));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_CLOSED, r.ev.events);
	EXPECT_EQ(1, r.ev.seq);
	EXPECT_TRUE(rig_quiet(&r));
	EXPECT_EQ(0, r.app.counters->sources);
	rig_close(&r);
}

TEST(a_deadline_ends_it)
{
	uint64_t id, begin = now_ns();
	struct seda_addr to;
	uint16_t port;
	struct rig r;

	ASSERT_LE(0, deaf_listener(&port));
	to = addr_v4(port);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_connect(&r.app, r.stage, &to, 42, 100 * MS, &id));
	EXPECT_EQ(-ENOTCONN, rig_send(&r, id, "x", 1, 0));
	EXPECT_EQ(-ENOTCONN, rig_do(&r, SEDA_OP_SHUTDOWN, id, 0));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_CONNECT, r.ev.events);
	EXPECT_EQ(-ETIMEDOUT, r.ev.res);
	EXPECT_LE(begin + 100 * MS, now_ns());
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_CLOSED, r.ev.events);
	rig_close(&r);
}

TEST(it_can_be_cancelled_or_closed)
{
	struct seda_addr to;
	uint16_t port;
	uint64_t id;
	struct rig r;

	ASSERT_LE(0, deaf_listener(&port));
	to = addr_v4(port);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_connect(&r.app, r.stage, &to, 42, 0, &id));
	EXPECT_TRUE(rig_quiet(&r));
	EXPECT_EQ(1, rig_do(&r, SEDA_OP_CANCEL, id, 0));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_CONNECT, r.ev.events);
	EXPECT_EQ(-ECANCELED, r.ev.res);
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_CLOSED, r.ev.events);
	ASSERT_EQ(0, app_connect(&r.app, r.stage, &to, 42, SEC, &id));
	EXPECT_EQ(0, rig_do(&r, SEDA_OP_CLOSE, id, 0));
	ASSERT_NE(NULL, rig_await(&r, SEDA_EV_CLOSED));
	EXPECT_EQ(0, r.app.counters->sources);
	rig_close(&r);
}

TEST(an_adopted_one_that_connects_is_told_too)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	uint16_t port;
	struct rig r;
	uint64_t id;
	int fd;

	ASSERT_LE(0, deaf_listener(&port));
	sin.sin_port = htons(port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ASSERT_EQ(-1, connect(fd, (struct sockaddr *)&sin, sizeof(sin)));
	ASSERT_EQ(EINPROGRESS, errno);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_adopt(&r.app, fd, r.stage, 5, 0, &id));
	EXPECT_TRUE(rig_quiet(&r));
	EXPECT_EQ(1, rig_do(&r, SEDA_OP_CANCEL, id, 0));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_CONNECT, r.ev.events);
	EXPECT_EQ(-ECANCELED, r.ev.res);
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_CLOSED, r.ev.events);
	/* the descriptor is the application's still */
	EXPECT_EQ(0, close(fd));
	rig_close(&r);
}

TEST(v6)
{
	uint16_t port = 0;
	int l = tcp_listen6(&port);
	struct seda_addr to = addr_v6(port);
	uint64_t id;
	struct rig r;

	ASSERT_LE(0, l);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_connect(&r.app, r.stage, &to, 0, 0, &id));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(SEDA_EV_CONNECT, r.ev.events);
	EXPECT_EQ(0, r.ev.res);
	EXPECT_LE(0, accept(l, NULL, NULL));
	rig_close(&r);
}

TEST(the_local_address_is_bound)
{
	struct seda_connect_args a = { .size = sizeof(a) };
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	uint16_t port = 0, local = 0;
	int l = tcp_listen(&port), fd;
	struct rig r;

	close(tcp_listen(&local));
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	a.stage = r.stage;
	a.peer = addr_v4(port);
	a.local = addr_v4(local);
	ASSERT_EQ(0, app_call(&r.app, SEDA_IOC_CONNECT, &a));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(0, r.ev.res);
	fd = accept(l, (struct sockaddr *)&sin, &len);
	ASSERT_LE(0, fd);
	EXPECT_EQ(htons(local), sin.sin_port);
	a.source = 0;
	a.local.addr[0] = 8;
	EXPECT_EQ(-EADDRNOTAVAIL, app_call(&r.app, SEDA_IOC_CONNECT, &a));
	a.local.family = AF_UNIX;
	EXPECT_EQ(-EAFNOSUPPORT, app_call(&r.app, SEDA_IOC_CONNECT, &a));
	a.local.family = AF_UNSPEC;
	a.peer.family = AF_UNSPEC;
	EXPECT_EQ(-EAFNOSUPPORT, app_call(&r.app, SEDA_IOC_CONNECT, &a));
	rig_close(&r);
}

TEST_HARNESS_MAIN
