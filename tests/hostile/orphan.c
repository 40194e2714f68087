// SPDX-License-Identifier: GPL-2.0
/* When the process that did SETUP ends, all others who poll the app are told. */
#include <kselftest_harness.h>

#include <sys/epoll.h>

#include "tests/lib/fdpass.h"
#include "tests/lib/seda_rig.h"

FIXTURE(orphan) {
	pid_t owner;
	int fd;		/* the owner's app */
	int say;	/* a byte makes the owner run another program */
};

/* The owner has an app, and does nothing with it. */
static void own(int s)
{
	char *const argv[] = { "sleep", "1000", NULL };
	struct rig r;
	char byte;

	if (rig_open(&r, NULL, NULL) || fd_send(s, r.app.fd))
		_exit(1);
	if (read(s, &byte, 1) == 1)
		execv("/bin/sleep", argv);
	_exit(1);
}

FIXTURE_SETUP(orphan)
{
	int s[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	self->owner = fork();
	if (!self->owner) {
		close(s[0]);
		own(s[1]);
	}
	close(s[1]);
	self->say = s[0];
	self->fd = fd_receive(s[0]);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(orphan)
{
	kill(self->owner, SIGKILL);
	waitpid(self->owner, NULL, 0);
	close(self->fd);
	close(self->say);
}

static void *kills(void *arg)
{
	sleep_ms(100);
	kill(*(pid_t *)arg, SIGKILL);
	return NULL;
}

TEST_F(orphan, who_sleeps_in_poll_is_woken)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };
	pthread_t thread;

	EXPECT_EQ(0, poll(&p, 1, SHORT / MS));
	pthread_create(&thread, NULL, kills, &self->owner);
	EXPECT_EQ(1, poll(&p, 1, -1));
	EXPECT_EQ(POLLERR | POLLHUP, p.revents);
	pthread_join(thread, NULL);
}

/* It waits for nothing but the end. */
TEST_F(orphan, who_sleeps_in_epoll_is_woken)
{
	struct epoll_event ev = { .events = EPOLLET };
	int ep = epoll_create1(0);
	pthread_t thread;

	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->fd, &ev));
	EXPECT_EQ(0, epoll_wait(ep, &ev, 1, SHORT / MS));
	pthread_create(&thread, NULL, kills, &self->owner);
	EXPECT_EQ(1, epoll_wait(ep, &ev, 1, -1));
	EXPECT_EQ(EPOLLERR | EPOLLHUP, ev.events);
	pthread_join(thread, NULL);
	close(ep);
}

TEST_F(orphan, another_program_is_an_end)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };

	ASSERT_EQ(1, write(self->say, "x", 1));
	EXPECT_EQ(1, poll(&p, 1, -1));
	EXPECT_EQ(POLLERR | POLLHUP, p.revents);
	EXPECT_EQ(0, waitpid(self->owner, NULL, WNOHANG));
}

TEST_F(orphan, whoever_asks_later_is_told)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };
	struct app app = { .fd = self->fd };
	uint64_t stage;

	kill(self->owner, SIGKILL);
	ASSERT_EQ(self->owner, waitpid(self->owner, NULL, 0));
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLERR | POLLHUP, p.revents);
	EXPECT_EQ(-EPERM, app_stage(&app, NULL, &stage));
}

TEST_HARNESS_MAIN
