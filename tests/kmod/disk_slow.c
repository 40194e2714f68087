// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --timeout 200
 *
 * Ops of a file on a disk that takes its time: places, buffers, CANCEL and CLOSE
 * while they are under way.
 */
#include <kselftest_harness.h>

#include <sys/mount.h>
#include <sys/stat.h>

#include "tests/lib/disk.h"
#include "tests/lib/seda_rig.h"

#define BUF	4096
#define BUFS	64
/* More than run at a time (SEDA_IO_WORKERS). */
#define OPS	40
#define RUNNING	32

FIXTURE(slow) {
	struct disk d;
	struct rig r;
	uint64_t miss, id;
	int fd, buf;
};

FIXTURE_SETUP(slow)
{
	struct seda_setup_args setup = { .buf_size = BUF, .bufs = BUFS };
	struct seda_stage_args policy = { .capacity = OPS };

	ASSERT_TRUE(disk_make(&self->d, "seda-late", SEC));
	self->fd = open(self->d.path, O_RDWR);
	ASSERT_LE(0, self->fd);
	posix_fadvise(self->fd, 0, 0, POSIX_FADV_RANDOM);
	posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED);
	ASSERT_EQ(0, rig_open(&self->r, &setup, NULL));
	ASSERT_EQ(0, app_stage(&self->r.app, &policy, &self->miss));
	ASSERT_EQ(0, app_file(&self->r.app, self->fd, self->r.stage, self->miss,
			      77, &self->id));
	self->buf = worker_take(&self->r.w);
	ASSERT_LE(0, self->buf);
}

FIXTURE_TEARDOWN(slow)
{
	rig_close(&self->r);
	close(self->fd);
	disk_remove(&self->d);
}

static struct seda_op reading(FIXTURE_DATA(slow) * self, uint64_t i)
{
	return file_op(SEDA_OP_READ, self->id, (i + 1) << 16, self->buf, BUF, i);
}

/* As many reads as may wait, each of a page of its own. */
static int submit_all(FIXTURE_DATA(slow) * self)
{
	struct seda_op op;
	uint64_t i;
	int ret;

	for (i = 0; i < OPS; i++) {
		op = reading(self, i);
		ret = worker_do(&self->r.w, &op);
		if (ret != -EINPROGRESS)
			return ret ?: -EIO;
	}
	return 0;
}

/* The DONEs of submit_all(): how many were canceled; -1: one is missing or wrong. */
static int harvest_all(FIXTURE_DATA(slow) * self)
{
	uint64_t seen = 0;
	int i, n = 0;

	for (i = 0; i < OPS; i++) {
		struct seda_event *ev = rig_next(&self->r);

		if (!ev || ev->events != SEDA_EV_DONE || ev->done >= OPS ||
		    seen & 1ULL << ev->done || (int)ev->seq != i ||
		    (ev->res != BUF && ev->res != -ECANCELED))
			return -1;
		seen |= 1ULL << ev->done;
		n += ev->res == -ECANCELED;
	}
	return n;
}

static const volatile struct seda_stage_counters *
counters(FIXTURE_DATA(slow) * self)
{
	return app_counters(&self->r.app, self->miss);
}

static int cancel_one(FIXTURE_DATA(slow) * self, uint64_t user_data)
{
	struct seda_op op = {
		.op = SEDA_OP_CANCEL, .flags = SEDA_CANCEL_ONE,
		.source = self->id, .user_data = user_data,
	};

	return worker_do(&self->r.w, &op);
}

TEST_F(slow, what_has_not_begun_is_canceled)
{
	struct seda_op all = { .op = SEDA_OP_CANCEL, .source = self->id };
	int n;

	ASSERT_EQ(0, submit_all(self));
	EXPECT_EQ(0, cancel_one(self, OPS));
	EXPECT_EQ(1, cancel_one(self, OPS - 1));
	EXPECT_EQ(0, cancel_one(self, OPS - 1));
	n = worker_do(&self->r.w, &all);
	EXPECT_LE(OPS - 1 - RUNNING, n);
	EXPECT_EQ(0, worker_do(&self->r.w, &all));
	EXPECT_EQ(OPS, counters(self)->ios);
	EXPECT_EQ(n + 1, harvest_all(self));
	EXPECT_EQ(0, counters(self)->ios);
	EXPECT_EQ(OPS, counters(self)->misses);
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_F(slow, no_more_than_there_is_room_for_wait)
{
	struct seda_op op = reading(self, OPS);
	int i;

	ASSERT_EQ(0, submit_all(self));
	EXPECT_EQ(-EBUSY, worker_do(&self->r.w, &op));
	/* not even when one has ended, but when that is known */
	EXPECT_EQ(1, cancel_one(self, OPS - 1));
	EXPECT_EQ(-EBUSY, worker_do(&self->r.w, &op));
	EXPECT_EQ(2, counters(self)->busy);
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(-ECANCELED, self->r.ev.res);
	EXPECT_EQ(OPS - 1, counters(self)->ios);
	EXPECT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	EXPECT_EQ(-EBUSY, worker_do(&self->r.w, &op));
	for (i = 0; i < OPS; i++)
		ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(0, counters(self)->ios);
	EXPECT_EQ(OPS + 1, counters(self)->misses);
}

TEST_F(slow, closed_it_ends_after_the_last)
{
	struct seda_op op = reading(self, OPS);
	int n;

	ASSERT_EQ(0, submit_all(self));
	n = rig_do(&self->r, SEDA_OP_CLOSE, self->id, 0);
	EXPECT_EQ(-EINPROGRESS, n);
	EXPECT_EQ(-EALREADY, worker_do(&self->r.w, &op));
	EXPECT_EQ(-EALREADY, rig_do(&self->r, SEDA_OP_CLOSE, self->id, 0));
	EXPECT_EQ(-EBUSY, app_id_call(&self->r.app, SEDA_IOC_STAGE_DESTROY,
				      self->miss, 0));
	n = harvest_all(self);
	EXPECT_LE(OPS - RUNNING, n);
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(SEDA_EV_CLOSED, self->r.ev.events);
	EXPECT_EQ(OPS, (int)self->r.ev.seq);
	EXPECT_EQ(0, self->r.app.counters->sources);
	EXPECT_EQ(0, counters(self)->ios);
	EXPECT_TRUE(rig_quiet(&self->r));
	/* nothing uses its stage any more */
	EXPECT_EQ(0, app_id_call(&self->r.app, SEDA_IOC_STAGE_DESTROY,
				 self->miss, 0));
}

TEST_F(slow, a_buffer_that_was_returned_is_not_used_until_then)
{
	struct seda_op back = { .op = SEDA_OP_RETURN, .buf = self->buf };
	struct seda_op op = reading(self, 0);
	int i;

	EXPECT_EQ(BUFS - 1, self->r.app.counters->bufs_free);
	for (i = 1; i < BUFS; i++)
		ASSERT_LE(0, worker_take(&self->r.w));
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	EXPECT_EQ(0, worker_do(&self->r.w, &back));
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &back));
	EXPECT_EQ(-ENOBUFS, worker_take(&self->r.w));
	op.user_data = 1;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(BUF, self->r.ev.res);
	EXPECT_EQ(1, self->r.app.counters->bufs_free);
	EXPECT_EQ(self->buf, worker_take(&self->r.w));
	EXPECT_EQ(0, counters(self)->ios);
}

TEST_F(slow, what_the_disk_has_is_not_canceled)
{
	struct seda_op op = { .op = SEDA_OP_CANCEL };
	int fd = open(self->d.path, O_RDONLY | O_DIRECT), i;

	ASSERT_EQ(0, app_file(&self->r.app, fd, self->r.stage, self->miss, 0,
			      &self->id));
	close(fd);
	op.source = self->id;
	ASSERT_EQ(0, submit_all(self));
	/* it took them at once, unless it had others to do: those wait for a thread */
	while (worker_do(&self->r.w, &op) > 0)
		;
	EXPECT_EQ(-EINPROGRESS, rig_do(&self->r, SEDA_OP_CLOSE, self->id, 0));
	for (i = 0; i < OPS; i++) {
		ASSERT_NE(NULL, rig_next(&self->r));
		EXPECT_EQ(SEDA_EV_DONE, self->r.ev.events);
	}
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(SEDA_EV_CLOSED, self->r.ev.events);
	EXPECT_EQ(0, counters(self)->ios);
}

/* As is seen by a file system that can be unmounted when nobody uses it. */
TEST_F(slow, an_app_that_ends_lets_go_of_the_file)
{
	static const char dir[] = "/dev/shm/seda-late";
	struct seda_op op;
	int fd;

	mkdir(dir, 0700);
	ASSERT_EQ(0, mount("none", dir, "tmpfs", 0, NULL));
	fd = open("/dev/shm/seda-late/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, app_file(&self->r.app, fd, self->r.stage, self->miss, 0,
			      &self->id));
	close(fd);
	op = reading(self, 0);
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_EQ(-1, umount(dir));
	/* it ends, and its DONE is not harvested */
	sleep_ms(100);
	rig_close(&self->r);
	while (umount(dir))
		sleep_ms(10);
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
}

TEST_HARNESS_MAIN
