// SPDX-License-Identifier: GPL-2.0
/* The descriptor can be polled, and nested in epoll. */
#include <kselftest_harness.h>

#include <sys/epoll.h>

#include "tests/lib/seda_rig.h"

static struct rig rig;

static void *posts(void *arg)
{
	sleep_ms(30);
	app_post(&rig.app, rig.stage, 0, 0);
	return NULL;
}

TEST(readable_while_there_is_work)
{
	struct seda_stage_args policy = { .posts = 4, .capacity = 1 };
	struct pollfd p = { .events = POLLIN };
	pthread_t thread;

	ASSERT_EQ(0, rig_open(&rig, NULL, &policy));
	p.fd = rig.app.fd;
	EXPECT_EQ(0, poll(&p, 1, 0));
	ASSERT_EQ(0, app_post(&rig.app, rig.stage, 0, 0));
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLIN, p.revents);
	ASSERT_NE(NULL, rig_next(&rig));
	/* no credit: nothing that could be had */
	ASSERT_EQ(0, app_post(&rig.app, rig.stage, 0, 0));
	EXPECT_EQ(0, poll(&p, 1, 0));
	ASSERT_NE(NULL, rig_next(&rig));
	ASSERT_EQ(0, rig_submit(&rig));
	EXPECT_EQ(0, poll(&p, 1, 0));
	pthread_create(&thread, NULL, posts, NULL);
	EXPECT_EQ(1, poll(&p, 1, LONG / MS));
	pthread_join(thread, NULL);
	rig_close(&rig);
}

TEST(nested_in_epoll)
{
	struct seda_stage_args policy = { .posts = 4 };
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0), i;
	pthread_t thread;

	ASSERT_EQ(0, rig_open(&rig, NULL, &policy));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, rig.app.fd, &ev));
	EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 0));
	for (i = 0; i < 5; i++) {
		pthread_create(&thread, NULL, posts, NULL);
		ASSERT_EQ(1, epoll_wait(ep, &ev, 1, LONG / MS));
		EXPECT_EQ(EPOLLIN, ev.events);
		pthread_join(thread, NULL);
		ASSERT_EQ(1, worker_enter(&rig.w, 0, 0));
		EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 0));
	}
	rig_close(&rig);
	close(ep);
}

TEST(before_setup_it_is_an_error)
{
	struct pollfd p = { .events = POLLIN };

	p.fd = open("/dev/seda", O_RDWR);
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLERR, p.revents);
	close(p.fd);
}

TEST(in_epoll_since_before_setup)
{
	struct seda_stage_args policy = { .posts = 4 };
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);
	struct app app = { 0 };
	pthread_t thread;

	app.fd = open("/dev/seda", O_RDWR);
	ASSERT_LE(0, app.fd);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, app.fd, &ev));
	ASSERT_EQ(0, app_begin(&app, NULL));
	rig.app = app;
	ASSERT_EQ(0, app_stage(&rig.app, &policy, &rig.stage));
	EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 0));
	pthread_create(&thread, NULL, posts, NULL);
	EXPECT_EQ(1, epoll_wait(ep, &ev, 1, -1));
	EXPECT_EQ(EPOLLIN, ev.events);
	pthread_join(thread, NULL);
	rig_close(&rig);
	close(ep);
}

TEST_HARNESS_MAIN
