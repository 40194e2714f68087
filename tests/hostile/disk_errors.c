// SPDX-License-Identifier: GPL-2.0
/*
 * A disk with blocks that cannot be read or written, and one that is to be unmounted:
 * each op that meets such a block says so, and nothing else suffers.
 */
#include <kselftest_harness.h>

#include <sys/mount.h>
#include <sys/stat.h>

#include "tests/lib/disk.h"
#include "tests/lib/seda_rig.h"

#define BUF	4096
#define BAD	(1 << 20)	/* its byte from which on BUF bytes are bad */

FIXTURE(errors) {
	struct disk d;
	struct rig r;
	uint64_t id;
	int fd, buf;
};

/* From now on they are (or are not). */
static bool bad_blocks(const struct disk *d, bool are)
{
	char line[192];

	snprintf(line, sizeof(line),
		 "echo %c%d-%d >/sys/kernel/config/nullb/%s/badblocks",
		 are ? '+' : '-', BAD / 512, (BAD + BUF) / 512 - 1, d->name);
	return !system(line);
}

FIXTURE_SETUP(errors)
{
	struct seda_setup_args setup = { .buf_size = BUF, .bufs = 16 };

	ASSERT_TRUE(disk_make(&self->d, "seda-errors", 0));
	self->fd = disk_fill(&self->d, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, rig_open(&self->r, &setup, NULL));
	ASSERT_EQ(0, app_file(&self->r.app, self->fd, self->r.stage, 0, 0,
			      &self->id));
	self->buf = worker_take(&self->r.w);
	ASSERT_LE(0, self->buf);
	ASSERT_TRUE(bad_blocks(&self->d, true));
}

FIXTURE_TEARDOWN(errors)
{
	rig_close(&self->r);
	close(self->fd);
	disk_remove(&self->d);
}

/* The op's result, at once or by its event. */
static int result(struct _test_data_errors *self, const struct seda_op *op)
{
	int ret = worker_do(&self->r.w, op);

	if (ret != -EINPROGRESS || !rig_await(&self->r, SEDA_EV_DONE))
		return ret;
	return self->r.ev.res;
}

TEST_F(errors, a_block_that_cannot_be_read)
{
	struct seda_op bad = file_op(SEDA_OP_READ, self->id, BAD, self->buf, BUF, 1);
	struct seda_op good = file_op(SEDA_OP_READ, self->id, 0, self->buf, BUF, 2);

	EXPECT_EQ(-EIO, result(self, &bad));
	EXPECT_EQ(BUF, result(self, &good));
	EXPECT_EQ(-EIO, result(self, &bad));
	EXPECT_EQ(BUF, worker_do(&self->r.w, &good));
	ASSERT_TRUE(bad_blocks(&self->d, false));
	EXPECT_EQ(BUF, result(self, &bad));
	EXPECT_TRUE(pattern_is((void *)app_buf(&self->r.app, self->buf), BAD, BUF));
	EXPECT_EQ(0, app_counters(&self->r.app, self->r.stage)->ios);
}

TEST_F(errors, nor_without_the_page_cache)
{
	int fd = open(self->d.path, O_RDONLY | O_DIRECT);
	struct seda_op op = file_op(SEDA_OP_READ, 0, BAD, self->buf, BUF, 1);
	uint64_t id;

	ASSERT_EQ(0, app_file(&self->r.app, fd, self->r.stage, 0, 0, &id));
	op.source = id;
	EXPECT_EQ(-EIO, result(self, &op));
	ASSERT_TRUE(bad_blocks(&self->d, false));
	EXPECT_EQ(BUF, result(self, &op));
	close(fd);
}

TEST_F(errors, one_that_cannot_be_written_is_told_by_the_sync)
{
	struct seda_op write = file_op(SEDA_OP_WRITE, self->id, BAD, self->buf, BUF, 1);
	struct seda_op sync = file_op(SEDA_OP_SYNC, self->id, 0, 0, 0, 2);

	EXPECT_EQ(BUF, result(self, &write));
	EXPECT_EQ(-EIO, result(self, &sync));
	ASSERT_TRUE(bad_blocks(&self->d, false));
	EXPECT_EQ(BUF, result(self, &write));
	EXPECT_EQ(0, result(self, &sync));
}

TEST_F(errors, one_amid_a_sendfile_breaks_the_stream)
{
	struct seda_op op = { .op = SEDA_OP_SENDFILE, .user_data = 3 };
	static unsigned char got[2 * BAD];
	int own, peer;
	uint64_t id;
	ssize_t n;

	ASSERT_EQ(0, rig_pair(&self->r, 0, &id, &own, &peer));
	op.source = id;
	op.file = self->id;
	op.offset = BAD - 4 * BUF;
	op.len = 8 * BUF;
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CANCELED));
	EXPECT_EQ(SEDA_EV_ERR | SEDA_EV_CANCELED, self->r.ev.events);
	EXPECT_EQ(-EIO, self->r.ev.res);
	n = recv(peer, got, sizeof(got), MSG_DONTWAIT);
	EXPECT_GE(4 * BUF, n);
	if (n > 0)
		EXPECT_TRUE(pattern_is(got, op.offset, n));
	EXPECT_EQ(-EPIPE, worker_do(&self->r.w, &op));
}

/* Its file system stays as long as the file does, and no longer. */
TEST_F(errors, unmounting)
{
	char line[160];
	uint64_t id;
	int fd;

	ASSERT_TRUE(bad_blocks(&self->d, false));
	snprintf(line, sizeof(line), "PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q %s",
		 self->d.path);
	ASSERT_EQ(0, system(line));
	mkdir("/dev/shm/seda-errors", 0700);
	system("PATH=$PATH:/sbin:/usr/sbin modprobe -q ext4");
	ASSERT_EQ(0, mount(self->d.path, "/dev/shm/seda-errors", "ext4", 0, ""));
	fd = open("/dev/shm/seda-errors/file", O_RDWR | O_CREAT, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, app_file(&self->r.app, fd, self->r.stage, 0, 0, &id));
	close(fd);
	EXPECT_EQ(-1, umount("/dev/shm/seda-errors"));
	EXPECT_EQ(EBUSY, errno);
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, id, 0));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(0, umount("/dev/shm/seda-errors"));
	rmdir("/dev/shm/seda-errors");
}

TEST_HARNESS_MAIN
