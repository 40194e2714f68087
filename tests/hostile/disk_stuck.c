// SPDX-License-Identifier: GPL-2.0
/*
 * A disk that never answers: nobody but those who wait for it is kept up, the app
 * can end, and be killed, and what its ops need goes when the disk does answer.
 */
#include <kselftest_harness.h>

#include <sys/wait.h>

#include "tests/lib/disk.h"
#include "tests/lib/module_refs.h"
#include "tests/lib/seda_rig.h"

#define BUF		4096
#define CAPACITY	100

FIXTURE(stuck) {
	struct disk d;
	struct rig r;
	uint64_t miss, id;
	int fd, direct, buf;
};

FIXTURE_SETUP(stuck)
{
	struct seda_setup_args setup = { .buf_size = BUF, .bufs = 64 };
	struct seda_stage_args policy = { .capacity = CAPACITY };

	ASSERT_TRUE(disk_make(&self->d, "seda-stuck", 0));
	ASSERT_TRUE(disk_cover(&self->d));
	self->fd = disk_fill(&self->d, O_RDONLY);
	ASSERT_LE(0, self->fd);
	self->direct = open(self->d.path, O_RDONLY | O_DIRECT);
	ASSERT_LE(0, self->direct);
	ASSERT_EQ(0, rig_open(&self->r, &setup, NULL));
	/* nothing is left of tests before this one */
	ASSERT_TRUE(await_refs(1));
	ASSERT_EQ(0, app_stage(&self->r.app, &policy, &self->miss));
	ASSERT_EQ(0, app_file(&self->r.app, self->fd, self->r.stage, self->miss,
			      0, &self->id));
	self->buf = worker_take(&self->r.w);
	ASSERT_LE(0, self->buf);
	ASSERT_TRUE(disk_stick(&self->d));
}

FIXTURE_TEARDOWN(stuck)
{
	rig_close(&self->r);
	close(self->fd);
	close(self->direct);
	disk_uncover(&self->d);
	disk_remove(&self->d);
}

/* Read nr blocks of file id, from that of number first on; how many wait. */
static int read_blocks(struct _test_data_stuck *self, uint64_t id, int first, int nr)
{
	struct seda_op op;
	int i, n = 0;

	for (i = first; i < first + nr; i++) {
		op = file_op(SEDA_OP_READ, id, (uint64_t)i * BUF, self->buf, BUF,
			     i);
		n += worker_do(&self->r.w, &op) == -EINPROGRESS;
	}
	return n;
}

static int ios(struct _test_data_stuck *self)
{
	return app_counters(&self->r.app, self->miss)->ios;
}

TEST_F(stuck, past_the_capacity_they_are_refused_and_those_not_begun_canceled)
{
	struct seda_op one = file_op(SEDA_OP_CANCEL, self->id, 0, 0, 0, 99);
	struct seda_op last = file_op(SEDA_OP_READ, self->id, 0, self->buf, BUF, 0);
	int i, n, answered = 0;

	ASSERT_EQ(CAPACITY, read_blocks(self, self->id, 0, CAPACITY));
	EXPECT_EQ(-EBUSY, worker_do(&self->r.w, &last));
	EXPECT_EQ(CAPACITY, ios(self));
	EXPECT_EQ(1, app_counters(&self->r.app, self->miss)->busy);
	/* there are 32 threads for them */
	sleep_ms(50);
	one.flags = SEDA_CANCEL_ONE;
	ASSERT_EQ(1, worker_do(&self->r.w, &one));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(99, self->r.ev.done);
	EXPECT_EQ(-ECANCELED, self->r.ev.res);
	EXPECT_EQ(0, worker_do(&self->r.w, &one));
	n = rig_do(&self->r, SEDA_OP_CANCEL, self->id, 0);
	EXPECT_LE(CAPACITY - 1 - 32, n);
	for (i = 0; i < n; i++) {
		ASSERT_NE(NULL, rig_next(&self->r));
		EXPECT_EQ(-ECANCELED, self->r.ev.res);
	}
	EXPECT_EQ(CAPACITY - 1 - n, ios(self));
	ASSERT_TRUE(disk_unstick(&self->d));
	for (; answered < CAPACITY - 1 - n; answered++) {
		ASSERT_NE(NULL, rig_next(&self->r));
		EXPECT_EQ(BUF, self->r.ev.res);
	}
	EXPECT_EQ(0, ios(self));
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_F(stuck, closed_it_ends_when_the_last_is_answered)
{
	int i;

	ASSERT_EQ(3, read_blocks(self, self->id, 0, 3));
	sleep_ms(50);
	ASSERT_EQ(-EINPROGRESS, rig_do(&self->r, SEDA_OP_CLOSE, self->id, 0));
	EXPECT_EQ(-EALREADY, rig_do(&self->r, SEDA_OP_CLOSE, self->id, 0));
	EXPECT_EQ(0, read_blocks(self, self->id, 0, 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_TRUE(disk_unstick(&self->d));
	for (i = 0; i < 3; i++) {
		ASSERT_NE(NULL, rig_next(&self->r));
		EXPECT_EQ(SEDA_EV_DONE, self->r.ev.events);
		EXPECT_EQ(BUF, self->r.ev.res);
	}
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(SEDA_EV_CLOSED, self->r.ev.events);
	EXPECT_EQ(3, self->r.ev.seq);
}

TEST_F(stuck, the_app_ends_at_once_and_its_module_stays)
{
	int before = module_refs() - 1;
	uint64_t id;

	ASSERT_EQ(0, app_file(&self->r.app, self->direct, self->r.stage, 0, 0,
			      &id));
	ASSERT_EQ(40, read_blocks(self, self->id, 0, 40));
	ASSERT_EQ(10, read_blocks(self, id, 0, 10));
	sleep_ms(50);
	rig_close(&self->r);
	/* the device's own is gone, this is the app's */
	EXPECT_EQ(before + 1, module_refs());
	ASSERT_TRUE(disk_unstick(&self->d));
	EXPECT_TRUE(await_refs(before));
}

TEST_F(stuck, killed_it_is_gone)
{
	int before = module_refs() - 1, status;
	pid_t pid;

	rig_close(&self->r);
	ASSERT_EQ(before, module_refs());
	pid = fork();
	if (!pid) {
		struct seda_setup_args setup = { .buf_size = BUF, .bufs = 64 };

		if (rig_open(&self->r, &setup, NULL) ||
		    app_file(&self->r.app, self->fd, self->r.stage, 0, 0,
			     &self->id))
			_exit(1);
		self->buf = worker_take(&self->r.w);
		if (read_blocks(self, self->id, 0, 20) != 20)
			_exit(2);
		worker_enter(&self->r.w, 1, SEDA_FOREVER);
		_exit(3);
	}
	sleep_ms(500);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(before + 1, module_refs());
	/* others are not kept up */
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	EXPECT_EQ(-EAGAIN, app_post(&self->r.app, self->r.stage, 0, 0));
	ASSERT_TRUE(disk_unstick(&self->d));
	EXPECT_TRUE(await_refs(before + 1));
}

TEST_HARNESS_MAIN
