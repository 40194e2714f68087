// SPDX-License-Identifier: GPL-2.0
/* Watched files: level, edge, one-shot, masks, amounts, many kinds of files. */
#include <kselftest_harness.h>

#include <pty.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <liburing.h>

#include "tests/lib/seda_rig.h"

FIXTURE(rig) {
	struct rig r;
	uint64_t id, stage;
	struct app *app;
	int p[2];
	char back[64];
};

FIXTURE_SETUP(rig)
{
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	self->app = &self->r.app;
	self->stage = self->r.stage;
	ASSERT_EQ(0, pipe(self->p));
}

FIXTURE_TEARDOWN(rig)
{
	rig_close(&self->r);
}

TEST_F(rig, level_triggered_it_tells_until_it_is_read)
{
	int i;

	ASSERT_EQ(0, app_watch(self->app, self->p[0], self->stage, POLLIN, 0,
			       &self->id));
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(1, write(self->p[1], "x", 1));
	for (i = 0; i < 3; i++) {
		ASSERT_NE(NULL, rig_next(&self->r));
		EXPECT_EQ(SEDA_EV_READY, self->r.ev.events);
		EXPECT_EQ(POLLIN, self->r.ev.len);
		EXPECT_EQ(i, (int)self->r.ev.seq);
		EXPECT_EQ(SEDA_NO_BUF, self->r.ev.buf);
	}
	ASSERT_EQ(1, read(self->p[0], self->back, 64));
	EXPECT_TRUE(rig_quiet(&self->r));
	close(self->p[1]);
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(POLLHUP, self->r.ev.len);
}

TEST_F(rig, edge_triggered_it_tells_once_for_each_wake_up)
{
	ASSERT_EQ(0, app_watch(self->app, self->p[0], self->stage, POLLIN,
			       SEDA_WATCH_EDGE, &self->id));
	ASSERT_EQ(1, write(self->p[1], "x", 1));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(POLLIN, self->r.ev.len);
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(1, read(self->p[0], self->back, 64));
	ASSERT_EQ(1, write(self->p[1], "x", 1));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_F(rig, what_was_ready_before_is_an_edge)
{
	ASSERT_EQ(1, write(self->p[1], "x", 1));
	ASSERT_EQ(0, app_watch(self->app, self->p[0], self->stage, POLLIN,
			       SEDA_WATCH_EDGE, &self->id));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_F(rig, one_shot_wants_to_be_armed)
{
	struct seda_op op = { .op = SEDA_OP_ARM };

	ASSERT_EQ(1, write(self->p[1], "x", 1));
	ASSERT_EQ(0, app_watch(self->app, self->p[0], self->stage, POLLIN,
			       SEDA_WATCH_ONESHOT, &self->id));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(0, rig_do(&self->r, SEDA_OP_ARM, self->id, 0));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_TRUE(rig_quiet(&self->r));
	op.source = self->id;
	op.addr = POLLOUT;
	EXPECT_EQ(0, rig_op(&self->r, &op));
	EXPECT_TRUE(rig_quiet(&self->r));
	op.addr = POLLIN;
	EXPECT_EQ(0, rig_op(&self->r, &op));
	ASSERT_NE(NULL, rig_next(&self->r));
	op.addr = 1 << 16;
	EXPECT_EQ(-EINVAL, rig_op(&self->r, &op));
}

TEST_F(rig, disarm_and_arm)
{
	ASSERT_EQ(0, app_watch(self->app, self->p[0], self->stage, POLLIN, 0,
			       &self->id));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_DISARM, self->id, 0));
	ASSERT_EQ(1, write(self->p[1], "x", 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_ARM, self->id, 0));
	EXPECT_NE(NULL, rig_next(&self->r));
}

TEST_F(rig, a_file_is_kept_open_until_close)
{
	ASSERT_EQ(0, app_watch(self->app, self->p[0], self->stage, POLLIN, 0,
			       &self->id));
	close(self->p[0]);
	ASSERT_EQ(1, write(self->p[1], "x", 1));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(SEDA_EV_READY, self->r.ev.events);
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, self->id, 0));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(-1, write(self->p[1], "x", 1));
	EXPECT_EQ(EPIPE, errno);
}

TEST_F(rig, an_eventfd)
{
	int fd = eventfd(0, 0);
	uint64_t one = 1;

	ASSERT_EQ(0, app_watch(self->app, fd, self->stage, POLLIN, 0,
			       &self->id));
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(8, write(fd, &one, 8));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(POLLIN, self->r.ev.len);
}

TEST_F(rig, a_unix_socket_tells_the_amount_and_ends_with_its_close)
{
	int s[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_EQ(0, app_watch(self->app, s[0], self->stage, POLLIN, 0,
			       &self->id));
	ASSERT_EQ(7, write(s[1], "1234567", 7));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(POLLIN, self->r.ev.len);
	EXPECT_EQ(7, self->r.ev.amount);
	close(s[0]);
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_F(rig, a_tcp_socket_tells_what_waits_and_what_fits)
{
	uint16_t port = 0;
	int l = tcp_listen(&port), i;
	int fd[2];

	for (i = 0; i < 3; i++)
		ASSERT_LE(0, tcp_connect(port));
	ASSERT_EQ(0, app_watch(self->app, l, self->stage, POLLIN,
			       SEDA_WATCH_ONESHOT, &self->id));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(3, self->r.ev.amount);
	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, app_watch(self->app, fd[0], self->stage, POLLOUT,
			       SEDA_WATCH_ONESHOT, &self->id));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(POLLOUT, self->r.ev.len);
	EXPECT_LT(1000, self->r.ev.amount);
}

TEST_F(rig, a_pty)
{
	int master, slave;

	ASSERT_EQ(0, openpty(&master, &slave, NULL, NULL, NULL));
	ASSERT_EQ(0, app_watch(self->app, slave, self->stage, POLLIN, 0,
			       &self->id));
	ASSERT_EQ(1, write(master, "\n", 1));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(POLLIN, self->r.ev.len);
	close(master);
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(POLLHUP, self->r.ev.len & POLLHUP);
}

/*
 * SMC hands over to TCP sockets of its own, whose queues end before those of
 * the sockets that are watched.
 */
TEST_F(rig, sockets_on_others_are_watched_or_refused)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd[4], i, ret, watched = 0, refused = 0;
	socklen_t len = sizeof(sin);

	if (!access("/proc/lockdep_stats", F_OK))
		SKIP(return, "lockdep reports a circle of SMC's own locks");
	fd[0] = socket(AF_SMC, SOCK_STREAM, 0);
	if (fd[0] < 0)
		SKIP(return, "no SMC here");
	ASSERT_EQ(0, bind(fd[0], (struct sockaddr *)&sin, sizeof(sin)));
	ASSERT_EQ(0, listen(fd[0], 1));
	ASSERT_EQ(0, getsockname(fd[0], (struct sockaddr *)&sin, &len));
	fd[1] = socket(AF_SMC, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(fd[1], (struct sockaddr *)&sin, sizeof(sin)));
	fd[2] = accept(fd[0], NULL, NULL);
	ASSERT_LE(0, fd[2]);
	/* this one connects, and is handed over, while it is watched */
	fd[3] = socket(AF_SMC, SOCK_STREAM, 0);
	for (i = 0; i < 4; i++) {
		ret = app_watch(self->app, fd[i], self->stage, POLLIN,
				SEDA_WATCH_ONESHOT, &self->id);
		if (!ret)
			watched++;
		else if (ret == -EOPNOTSUPP)
			refused++;
		/* TCP by now, but not the descriptor's own */
		EXPECT_EQ(i == 0 || i == 3 ? -EINVAL : -EOPNOTSUPP,
			  app_adopt(self->app, fd[i], self->stage, 0, 0,
				    &self->id));
	}
	EXPECT_EQ(4, watched + refused);
	EXPECT_LT(0, refused);
	EXPECT_EQ(watched, self->app->counters->sources);
	ASSERT_EQ(0, connect(fd[3], (struct sockaddr *)&sin, sizeof(sin)));
	ASSERT_EQ(1, write(fd[1], "x", 1));
	ASSERT_EQ(1, write(fd[2], "x", 1));
	for (i = 0; i < 4; i++)
		close(fd[i]);
	while (watched-- > 0)
		ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(0, self->app->counters->sources);
}

TEST_F(rig, what_would_loop_or_cannot_be_polled_is_refused)
{
	struct io_uring ring;
	char path[] = "/tmp/seda.XXXXXX";
	int ep = epoll_create1(0);

	EXPECT_EQ(-ELOOP, app_watch(self->app, ep, self->stage, POLLIN, 0,
				    &self->id));
	EXPECT_EQ(-ELOOP, app_watch(self->app, self->app->fd, self->stage,
				    POLLIN, 0, &self->id));
	EXPECT_EQ(-ELOOP, app_watch(self->app, open("/dev/seda", O_RDWR),
				    self->stage, POLLIN, 0, &self->id));
	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	EXPECT_EQ(-ELOOP, app_watch(self->app, ring.ring_fd, self->stage, POLLIN,
				    0, &self->id));
	EXPECT_EQ(-EPERM, app_watch(self->app, mkstemp(path), self->stage,
				    POLLIN, 0, &self->id));
	EXPECT_EQ(-EBADF, app_watch(self->app, -1, self->stage, POLLIN, 0,
				    &self->id));
	EXPECT_EQ(-EINVAL, app_watch(self->app, self->p[0], self->stage,
				     1 << 16, 0, &self->id));
	EXPECT_EQ(-EINVAL, app_watch(self->app, self->p[0], self->stage,
				     POLLIN, 4, &self->id));
	EXPECT_EQ(-ESTALE, app_watch(self->app, self->p[0], 0, POLLIN, 0,
				     &self->id));
	EXPECT_EQ(0, self->app->counters->sources);
}

TEST_HARNESS_MAIN
