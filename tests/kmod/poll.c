// SPDX-License-Identifier: GPL-2.0
/* The descriptor can be polled, and nested in epoll. */
#include <kselftest_harness.h>

#include <semaphore.h>
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
	EXPECT_EQ(1, poll(&p, 1, -1));
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
		ASSERT_EQ(1, epoll_wait(ep, &ev, 1, -1));
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

static struct {
	int peer;
	sem_t has, go;
} giver;

/* Has an event of a connection in hand, and gives it back when it waits again. */
static void *gives_back(void *arg)
{
	struct worker w;

	if (worker_join(&rig.app, &w) ||
	    worker_enter(&w, 1, SEDA_FOREVER) != 1)
		return NULL;
	sem_post(&giver.has);
	sem_wait(&giver.go);
	sleep_ms(100);		/* the other one sleeps in poll() */
	worker_enter(&w, 1, SEDA_FOREVER);
	worker_leave(&w);
	return arg;
}

/* What one worker gives back and may not take itself is for who polls. */
TEST(given_back_above_the_target)
{
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 1 };
	struct seda_stage_args policy = { .posts = 4 };
	struct pollfd p = { .events = POLLIN };
	pthread_t thread;
	uint64_t id;
	void *ok;

	sem_init(&giver.has, 0, 0);
	sem_init(&giver.go, 0, 0);
	ASSERT_EQ(0, rig_open(&rig, NULL, &policy));
	ASSERT_EQ(0, rig_accept(&rig, &id, &giver.peer));
	ASSERT_EQ(0, worker_leave(&rig.w));
	pool.pool = rig.app.pool;
	ASSERT_EQ(0, app_call(&rig.app, SEDA_IOC_POOL_SET, &pool));
	ASSERT_EQ(0, pthread_create(&thread, NULL, gives_back, &rig));
	ASSERT_EQ(1, write(giver.peer, "x", 1));
	sem_wait(&giver.has);
	/* counted as well, and with nothing in hand */
	ASSERT_EQ(0, worker_join(&rig.app, &rig.w));
	ASSERT_EQ(0, worker_enter(&rig.w, 0, 0));
	ASSERT_EQ(1, write(giver.peer, "y", 1));
	p.fd = rig.app.fd;
	EXPECT_EQ(0, poll(&p, 1, 0));
	sem_post(&giver.go);
	EXPECT_EQ(1, poll(&p, 1, -1));
	ASSERT_EQ(1, worker_enter(&rig.w, 0, 0));
	EXPECT_EQ(id, rig.w.events[0].source);
	/* it has not to wait for ever */
	pool.concurrency = 2;
	ASSERT_EQ(0, app_call(&rig.app, SEDA_IOC_POOL_SET, &pool));
	ASSERT_EQ(0, app_post(&rig.app, rig.stage, 0, 0));
	pthread_join(thread, &ok);
	EXPECT_EQ(&rig, ok);
	rig_close(&rig);
}

TEST_HARNESS_MAIN
