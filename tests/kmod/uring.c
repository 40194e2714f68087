// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring beside the device: what a ring completes is an event, by an eventfd that is
 * registered with it; and a ring can wait for events of the device, by a poll.
 */
#include <kselftest_harness.h>

#include <liburing.h>
#include <sys/eventfd.h>

#include "tests/lib/module_refs.h"
#include "tests/lib/seda_rig.h"

FIXTURE(uring) {
	struct rig r;
	struct io_uring ring;
};

FIXTURE_SETUP(uring)
{
	struct seda_stage_args policy = { .posts = 4 };

	ASSERT_EQ(0, rig_open(&self->r, NULL, &policy));
	ASSERT_EQ(0, io_uring_queue_init(8, &self->ring, 0));
}

FIXTURE_TEARDOWN(uring)
{
	io_uring_queue_exit(&self->ring);
	rig_close(&self->r);
}

static int completion(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	int ret = io_uring_wait_cqe(ring, &cqe);

	if (!ret) {
		ret = cqe->res;
		io_uring_cqe_seen(ring, cqe);
	}
	return ret;
}

TEST_F(uring, its_completions_are_events_by_an_eventfd)
{
	int fd = eventfd(0, EFD_NONBLOCK), i;
	struct seda_watch_args watch = {
		.size = sizeof(watch), .flags = SEDA_WATCH_EDGE, .fd = fd,
		.mask = POLLIN, .stage = self->r.stage, .user_data = 5,
	};
	struct io_uring_cqe *cqe;

	ASSERT_EQ(0, io_uring_register_eventfd(&self->ring, fd));
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_WATCH, &watch));
	for (i = 0; i < 3; i++) {
		EXPECT_TRUE(rig_quiet(&self->r));
		io_uring_prep_nop(io_uring_get_sqe(&self->ring));
		ASSERT_EQ(1, io_uring_submit(&self->ring));
		ASSERT_NE(NULL, rig_next(&self->r));
		EXPECT_EQ(SEDA_EV_READY, self->r.ev.events);
		EXPECT_EQ(5, self->r.ev.user_data);
		ASSERT_EQ(0, io_uring_peek_cqe(&self->ring, &cqe));
		io_uring_cqe_seen(&self->ring, cqe);
	}
}

TEST_F(uring, the_ring_itself_cannot_be_watched)
{
	struct seda_watch_args watch = {
		.size = sizeof(watch), .fd = self->ring.ring_fd, .mask = POLLIN,
		.stage = self->r.stage,
	};

	EXPECT_EQ(-ELOOP, app_call(&self->r.app, SEDA_IOC_WATCH, &watch));
}

TEST_F(uring, it_can_wait_for_events)
{
	int i;

	io_uring_prep_poll_multishot(io_uring_get_sqe(&self->ring), self->r.app.fd,
				     POLLIN);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, io_uring_cq_ready(&self->ring));
		ASSERT_EQ(0, app_post(&self->r.app, self->r.stage, i, 0));
		EXPECT_EQ(POLLIN, completion(&self->ring) & POLLIN);
		ASSERT_NE(NULL, rig_next(&self->r));
		EXPECT_EQ(i, (int)self->r.ev.user_data);
		ASSERT_EQ(0, rig_submit(&self->r));
	}
}

/* Rings have a reference to the device's file, and go in the background. */
TEST_F(uring, killed_as_it_waits_it_leaves_nothing)
{
	pid_t pid;
	int status;

	ASSERT_TRUE(await_refs(1));
	pid = fork();
	if (!pid) {
		struct io_uring ring;
		struct rig r;

		if (rig_open(&r, NULL, NULL) || io_uring_queue_init(8, &ring, 0))
			_exit(1);
		io_uring_prep_poll_multishot(io_uring_get_sqe(&ring), r.app.fd, POLLIN);
		io_uring_submit(&ring);
		completion(&ring);
		_exit(2);
	}
	sleep_ms(300);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_TRUE(await_refs(1));
}

TEST_HARNESS_MAIN
