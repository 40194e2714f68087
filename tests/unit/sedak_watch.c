// SPDX-License-Identifier: GPL-2.0
/* libsedak: any pollable file can be watched: level, edge and one-shot. */
#include <fcntl.h>
#include <sys/eventfd.h>

#include "sedak_test.h"

static struct box *idle_of(unsigned int workers)
{
	struct box *box = box_new();

	stage_of(rt_new(workers), box);
	if (sedak_rt_start(box->rt))
		abort();
	return box;
}

static struct box *idle(void)
{
	return idle_of(2);
}

static void act_read(struct box *box, struct sedak_event *ev)
{
	uint64_t v;

	if (ev->type == SEDAK_EV_READY)
		(void)!read(*(int *)ev->user, &v, sizeof(v));
}

TEST(level)
{
	struct sedak_watch *w;
	struct box *box = idle();
	char text[24] = "abcdefgh12345678ABCDEFGH";
	int p[2];

	ASSERT_EQ(0, pipe2(p, O_NONBLOCK));
	box->act = act_read;
	ASSERT_EQ(0, sedak_watch_open(box->stage, p[0], POLLIN, 0, p, &w));
	sleep_ms(20);
	EXPECT_EQ(0, box_count(box, SEDAK_EV_READY));
	ASSERT_EQ(24, write(p[1], text, 24));
	/* eight bytes at a time: told again until all is read, then no more */
	ASSERT_TRUE(box_wait(box, SEDAK_EV_READY, 3));
	sleep_ms(20);
	EXPECT_EQ(3, box_count(box, SEDAK_EV_READY));
	EXPECT_EQ(POLLIN, box_find(box, SEDAK_EV_READY, 0)->res);
	close(p[1]);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_READY, 4));
	EXPECT_TRUE(box_find(box, SEDAK_EV_READY, 3)->res & POLLHUP);
	sedak_watch_close(w);
	close(p[0]);
	server_end(box);
}

static void act_disarm(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_READY)
		sedak_watch_arm(*(struct sedak_watch **)ev->user, 0);
}

/* Nobody asks for HUP, which epoll tells all the same. */
TEST(disarmed_it_costs_nothing)
{
	struct timespec begin, end;
	struct sedak_watch *w;
	struct box *box = idle_of(1);
	unsigned int n;
	int p[2];

	ASSERT_EQ(0, pipe2(p, O_NONBLOCK));
	box->act = act_disarm;
	ASSERT_EQ(0, sedak_watch_open(box->stage, p[0], POLLIN, 0, &w, &w));
	close(p[1]);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_READY, 1));
	/* one more may have been on its way */
	sleep_ms(50);
	n = box_count(box, SEDAK_EV_READY);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	sleep_ms(300);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	EXPECT_GT(100 * MS, (end.tv_sec - begin.tv_sec) * SEC + end.tv_nsec -
			    begin.tv_nsec);
	EXPECT_EQ(n, box_count(box, SEDAK_EV_READY));
	/* and armed again it is told again */
	ASSERT_EQ(0, sedak_watch_arm(w, POLLIN));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_READY, n + 1));
	sedak_watch_close(w);
	close(p[0]);
	server_end(box);
}

TEST(one_shot)
{
	struct sedak_watch *w;
	struct box *box = idle();
	int fd = eventfd(1, EFD_NONBLOCK);
	unsigned int n;

	ASSERT_EQ(0, sedak_watch_open(box->stage, fd, POLLIN,
				      SEDAK_WATCH_ONESHOT, &fd, &w));
	for (n = 1; n < 5; n++) {
		ASSERT_TRUE(box_wait(box, SEDAK_EV_READY, n));
		sleep_ms(10);
		EXPECT_EQ(n, box_count(box, SEDAK_EV_READY));
		EXPECT_EQ(0, sedak_watch_arm(w, POLLIN));
	}
	EXPECT_EQ(-EINVAL, sedak_watch_arm(w, 1u << 20));
	sedak_watch_close(w);
	sedak_watch_close(NULL);
	close(fd);
	server_end(box);
}

TEST(edge)
{
	struct sedak_watch *w;
	struct box *box = idle();
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t one = 1;
	unsigned int n;

	ASSERT_EQ(0, sedak_watch_open(box->stage, fd, POLLIN, SEDAK_WATCH_EDGE,
				      &fd, &w));
	for (n = 1; n < 5; n++) {
		ASSERT_EQ(8, write(fd, &one, 8));
		ASSERT_TRUE(box_wait(box, SEDAK_EV_READY, n));
		sleep_ms(10);
		EXPECT_EQ(n, box_count(box, SEDAK_EV_READY));
	}
	sedak_watch_close(w);
	close(fd);
	server_end(box);
}

TEST(disarmed)
{
	struct sedak_watch *w;
	struct box *box = idle_of(1);
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t one = 1;
	unsigned int n;

	box->act = act_read;
	ASSERT_EQ(0, sedak_watch_open(box->stage, fd, POLLIN, 0, &fd, &w));
	EXPECT_EQ(0, sedak_watch_arm(w, 0));
	/* the only worker has seen to it when it handles the second */
	for (n = 1; n <= 2; n++) {
		ASSERT_EQ(0, sedak_stage_post(box->stage, NULL));
		ASSERT_TRUE(box_wait(box, SEDAK_EV_ITEM, n));
	}
	ASSERT_EQ(8, write(fd, &one, 8));
	sleep_ms(30);
	EXPECT_EQ(0, box_count(box, SEDAK_EV_READY));
	EXPECT_EQ(0, sedak_watch_arm(w, POLLIN));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_READY, 1));
	sedak_watch_close(w);
	close(fd);
	server_end(box);
}

static void act_close_it(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_READY)
		sedak_watch_close(ev->watch);
}

TEST(closed_in_its_handler)
{
	struct box *box = idle();
	struct sedak_watch *w;
	int fd, i;

	box->act = act_close_it;
	for (i = 0; i < 30; i++) {
		fd = eventfd(1, EFD_NONBLOCK);
		ASSERT_EQ(0, sedak_watch_open(box->stage, fd, POLLIN, 0, NULL,
					      &w));
		ASSERT_TRUE(box_wait(box, SEDAK_EV_READY, (unsigned int)i + 1));
		close(fd);
	}
	sleep_ms(20);
	EXPECT_EQ(30, box_count(box, SEDAK_EV_READY));
	server_end(box);
}

TEST(refused)
{
	struct box *box = idle();
	int file = open("/proc/self/exe", O_RDONLY);
	struct sedak_watch *w;

	EXPECT_EQ(-EPERM, sedak_watch_open(box->stage, file, POLLIN, 0, NULL, &w));
	EXPECT_EQ(-EBADF, sedak_watch_open(box->stage, -1, POLLIN, 0, NULL, &w));
	EXPECT_EQ(-EBADF, sedak_watch_open(box->stage, 999, POLLIN, 0, NULL, &w));
	EXPECT_EQ(-EINVAL, sedak_watch_open(box->stage, 0, 0, 0, NULL, &w));
	EXPECT_EQ(-EINVAL, sedak_watch_open(box->stage, 0, POLLIN, 3, NULL, &w));
	close(file);
	server_end(box);
}

/* Whoever closes the file first has still his own watch to close, no other. */
TEST(file_closed_first)
{
	struct sedak_watch *w, *others[8];
	struct box *box = idle();
	int s[2], fd[8], i;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_EQ(0, sedak_watch_open(box->stage, s[0], POLLIN, 0, NULL, &w));
	/* its number stays taken */
	fd[0] = eventfd(0, EFD_NONBLOCK);
	ASSERT_EQ(s[0], dup2(fd[0], s[0]));
	close(fd[0]);
	close(s[1]);
	sleep_ms(50);
	for (i = 0; i < 8; i++) {
		fd[i] = eventfd(0, EFD_NONBLOCK);
		ASSERT_EQ(0, sedak_watch_open(box->stage, fd[i], POLLIN,
					      SEDAK_WATCH_ONESHOT, NULL,
					      &others[i]));
		EXPECT_NE(w, others[i]);
	}
	sedak_watch_arm(w, POLLIN);
	sedak_watch_close(w);
	sleep_ms(20);
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, eventfd_write(fd[i], 1));
	EXPECT_TRUE(box_wait(box, SEDAK_EV_READY, 8));
	for (i = 0; i < 8; i++) {
		sedak_watch_close(others[i]);
		close(fd[i]);
	}
	close(s[0]);
	server_end(box);
}

TEST_HARNESS_MAIN
