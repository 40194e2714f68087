// SPDX-License-Identifier: GPL-2.0
/* Files: what is in memory is read at once, the rest waits in the miss stage. */
#include <kselftest_harness.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/lib/disk.h"
#include "tests/lib/seda_rig.h"

#define BUF	8192

FIXTURE(disk) {
	struct disk d;
	struct rig r;
	uint64_t miss, id;
	const struct seda_stage_counters *of_stage, *of_miss;
	int fd, buf;
};

FIXTURE_SETUP(disk)
{
	struct seda_setup_args setup = { .buf_size = BUF, .bufs = 64 };
	struct seda_stage_args policy = { .capacity = 40 };

	ASSERT_TRUE(disk_make(&self->d, "seda-disk", 0));
	self->fd = disk_fill(&self->d, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, rig_open(&self->r, &setup, NULL));
	ASSERT_EQ(0, app_stage(&self->r.app, &policy, &self->miss));
	ASSERT_EQ(0, app_file(&self->r.app, self->fd, self->r.stage, self->miss,
			      77, &self->id));
	self->buf = worker_take(&self->r.w);
	ASSERT_LE(0, self->buf);
	self->of_stage = app_counters(&self->r.app, self->r.stage);
	self->of_miss = app_counters(&self->r.app, self->miss);
}

FIXTURE_TEARDOWN(disk)
{
	rig_close(&self->r);
	close(self->fd);
	disk_remove(&self->d);
}

static struct seda_op whole(struct _test_data_disk *self, uint8_t code,
			    uint64_t offset, uint64_t user_data)
{
	return file_op(code, self->id, offset, self->buf, BUF, user_data);
}

static unsigned char *data(struct _test_data_disk *self, int buf)
{
	return (unsigned char *)app_buf(&self->r.app, buf);
}

TEST_F(disk, a_miss_is_told_by_the_miss_stage_and_then_it_is_a_hit)
{
	struct seda_op op = whole(self, SEDA_OP_READ, BUF, 5);
	struct seda_event *ev;

	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_DONE, ev->events);
	EXPECT_EQ(self->id, ev->source);
	EXPECT_EQ(77, ev->user_data);
	EXPECT_EQ(5, ev->done);
	EXPECT_EQ(BUF, ev->res);
	EXPECT_EQ((uint32_t)self->miss, ev->stage);
	EXPECT_EQ(SEDA_NO_BUF, ev->buf);
	EXPECT_TRUE(pattern_is(data(self, self->buf), BUF, BUF));
	EXPECT_EQ(1, self->of_miss->misses);
	EXPECT_EQ(0, self->of_miss->ios);
	EXPECT_EQ(1, self->of_miss->outstanding);
	memset(data(self, self->buf), 0, BUF);
	ASSERT_EQ(BUF, worker_do(&self->r.w, &op));
	EXPECT_TRUE(pattern_is(data(self, self->buf), BUF, BUF));
	EXPECT_EQ(1, self->of_stage->hits);
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_F(disk, what_is_resident_is_told)
{
	struct seda_op op = whole(self, SEDA_OP_RESIDENT, 4096, 0);
	char byte;

	op.buf = 0;
	op.len = 1 << 20;
	EXPECT_EQ(0, worker_do(&self->r.w, &op));
	ASSERT_EQ(1, pread(self->fd, &byte, 1, 4096));
	ASSERT_EQ(1, pread(self->fd, &byte, 1, 8192));
	EXPECT_EQ(8192, worker_do(&self->r.w, &op));
	op.offset += 10;
	EXPECT_EQ(8182, worker_do(&self->r.w, &op));
	op.len = 5;
	EXPECT_EQ(5, worker_do(&self->r.w, &op));
}

TEST_F(disk, one_that_must_not_wait_is_refused)
{
	struct seda_op op = whole(self, SEDA_OP_READ, 0, 0);
	char bytes[BUF];

	op.flags = SEDA_IO_NOWAIT;
	EXPECT_EQ(-EAGAIN, worker_do(&self->r.w, &op));
	/* half of it is not all of it */
	ASSERT_EQ(4096, pread(self->fd, bytes, 4096, 0));
	EXPECT_EQ(-EAGAIN, worker_do(&self->r.w, &op));
	ASSERT_EQ(4096, pread(self->fd, bytes, 4096, 4096));
	EXPECT_EQ(BUF, worker_do(&self->r.w, &op));
	EXPECT_EQ(0, self->of_miss->misses);
	op.op = SEDA_OP_WRITE;
	EXPECT_EQ(-EAGAIN, worker_do(&self->r.w, &op));
}

TEST_F(disk, segments_at_the_end_of_the_file)
{
	int other = worker_take(&self->r.w);
	struct seda_seg seg[3] = {
		{ .buf = self->buf, .skip = 1, .len = 100 },
		{ .buf = other, .skip = BUF, .len = 0 },
		{ .buf = other, .skip = 10, .len = 5000 },
	};
	struct seda_op op = file_op(SEDA_OP_READ, self->id,
				    (DISK_MB << 20) - 4000, 0, 3, 0);

	op.flags = SEDA_IO_VEC;
	op.addr = (uintptr_t)seg;
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(4000, self->r.ev.res);
	EXPECT_TRUE(pattern_is(data(self, self->buf) + 1, op.offset, 100));
	EXPECT_TRUE(pattern_is(data(self, other) + 10, op.offset + 100, 3900));
	memset(data(self, other), 0, BUF);
	EXPECT_EQ(4000, worker_do(&self->r.w, &op));
	EXPECT_TRUE(pattern_is(data(self, other) + 10, op.offset + 100, 3900));
	op.offset = DISK_MB << 20;
	EXPECT_EQ(0, worker_do(&self->r.w, &op));
}

TEST_F(disk, written_and_synced_it_is_there)
{
	struct seda_op op = whole(self, SEDA_OP_WRITE, 12345, 8);
	unsigned char back[BUF];

	pattern_fill(data(self, self->buf), 99, BUF);
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(8, self->r.ev.done);
	EXPECT_EQ(BUF, self->r.ev.res);
	op = file_op(SEDA_OP_SYNC, self->id, 0, 0, 0, 9);
	op.flags = SEDA_SYNC_DATA;
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(9, self->r.ev.done);
	EXPECT_EQ(0, self->r.ev.res);
	ASSERT_EQ(BUF, pread(self->fd, back, BUF, 12345));
	EXPECT_TRUE(pattern_is(back, 99, BUF));
}

TEST_F(disk, advice_is_taken)
{
	struct seda_op op = file_op(SEDA_OP_ADVISE, self->id, 0, 0, 0, 1);
	struct seda_op resident = file_op(SEDA_OP_RESIDENT, self->id, 0, 0, 4096, 0);
	char byte;

	ASSERT_EQ(1, pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(4096, worker_do(&self->r.w, &resident));
	op.flags = SEDA_ADVISE_DROP;
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(0, self->r.ev.res);
	EXPECT_EQ(0, worker_do(&self->r.w, &resident));
	op.flags = 0;
	op.len = 4096;
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_NE(NULL, rig_next(&self->r));
	while (!worker_do(&self->r.w, &resident))
		sleep_ms(1);
}

/* At once, if the disk is as quick, or by its event. */
static int result(struct _test_data_disk *self, const struct seda_op *op)
{
	int ret = worker_do(&self->r.w, op);

	if (ret != -EINPROGRESS || !rig_next(&self->r) ||
	    self->r.ev.done != op->user_data)
		return ret;
	return self->r.ev.res;
}

TEST_F(disk, a_file_opened_with_o_direct_does_without_the_page_cache)
{
	int fd = open(self->d.path, O_RDWR | O_DIRECT), i;
	struct seda_op op = whole(self, SEDA_OP_READ, BUF, 0);
	uint64_t id;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, app_file(&self->r.app, fd, self->miss, 0, 0, &id));
	op.source = id;
	for (i = 0; i < 8; i++) {
		op.offset = (uint64_t)i * BUF;
		op.user_data = i;
		memset(data(self, self->buf), 0, BUF);
		EXPECT_EQ(BUF, result(self, &op));
		EXPECT_TRUE(pattern_is(data(self, self->buf), op.offset, BUF));
	}
	/* not aligned */
	op.offset = 1;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	EXPECT_EQ(0, self->of_miss->ios);
	op.offset = 0;
	op.op = SEDA_OP_WRITE;
	pattern_fill(data(self, self->buf), 1000, BUF);
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(BUF, self->r.ev.res);
	op.op = SEDA_OP_READ;
	memset(data(self, self->buf), 0, BUF);
	EXPECT_EQ(BUF, result(self, &op));
	EXPECT_TRUE(pattern_is(data(self, self->buf), 1000, BUF));
	close(fd);
}

TEST_F(disk, buffers_have_to_be_the_applications)
{
	struct seda_op op = whole(self, SEDA_OP_READ, 0, 0);
	struct seda_op back = { .op = SEDA_OP_RETURN, .buf = self->buf };
	struct seda_seg seg = { .buf = self->buf, .skip = BUF, .len = 1 };

	op.len = BUF + 1;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op.len = 1;
	op.addr = BUF;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op.addr = ~0ULL;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op.addr = 0;
	op.buf = 64;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op.buf = self->buf + 1;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op.flags = SEDA_IO_VEC;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op.buf = 0;
	EXPECT_EQ(-EFAULT, worker_do(&self->r.w, &op));
	op.addr = (uintptr_t)&seg;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	seg.skip = 0;
	seg.pad = 1;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op.len = SEDA_MAX_VEC + 1;
	EXPECT_EQ(-EMSGSIZE, worker_do(&self->r.w, &op));
	ASSERT_EQ(0, worker_do(&self->r.w, &back));
	op = whole(self, SEDA_OP_READ, 0, 0);
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	EXPECT_EQ(0, self->of_miss->ios);
}

TEST_F(disk, buffers_can_be_taken_until_there_are_none)
{
	struct seda_op back = { .op = SEDA_OP_RETURN, .buf = self->buf };
	int i;

	for (i = 1; i < 64; i++)
		ASSERT_LE(0, worker_take(&self->r.w));
	EXPECT_EQ(-ENOBUFS, worker_take(&self->r.w));
	EXPECT_EQ(64, self->r.app.counters->bufs_kept);
	ASSERT_EQ(0, worker_do(&self->r.w, &back));
	EXPECT_EQ(self->buf, worker_take(&self->r.w));
}

TEST_F(disk, rights_and_modes)
{
	int ro = open(self->d.path, O_RDONLY), wo = open(self->d.path, O_WRONLY);
	struct seda_op op = whole(self, SEDA_OP_WRITE, 0, 0);
	uint64_t id;
	int p[2];

	ASSERT_EQ(0, app_file(&self->r.app, ro, self->r.stage, 0, 0, &id));
	op.source = id;
	EXPECT_EQ(-EBADF, worker_do(&self->r.w, &op));
	ASSERT_EQ(0, app_file(&self->r.app, wo, self->r.stage, 0, 0, &id));
	op.source = id;
	op.op = SEDA_OP_READ;
	EXPECT_EQ(-EBADF, worker_do(&self->r.w, &op));
	op = file_op(SEDA_OP_RESIDENT, id, 0, 0, 1, 0);
	EXPECT_EQ(-EBADF, worker_do(&self->r.w, &op));
	op.op = SEDA_OP_SEND;
	EXPECT_EQ(-EOPNOTSUPP, worker_do(&self->r.w, &op));
	ASSERT_EQ(0, pipe(p));
	EXPECT_EQ(-EINVAL, app_file(&self->r.app, p[0], self->r.stage, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, app_file(&self->r.app, open("/", O_RDONLY),
				    self->r.stage, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, app_file(&self->r.app, open("/proc/version", O_RDONLY),
				    self->r.stage, 0, 0, NULL));
	EXPECT_EQ(-EBADF, app_file(&self->r.app, -1, self->r.stage, 0, 0, NULL));
	EXPECT_EQ(-ESTALE, app_file(&self->r.app, ro, 1ULL << 40, 0, 0, NULL));
	EXPECT_EQ(-ESTALE, app_file(&self->r.app, ro, self->r.stage, 1ULL << 40,
				    0, NULL));
}

TEST_F(disk, past_the_limit_on_file_sizes_nothing_is_written)
{
	struct rlimit limit = { 10000, RLIM_INFINITY };
	int fd = open("/dev/shm/seda-disk", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct seda_op op = whole(self, SEDA_OP_WRITE, 10000 - BUF, 0);
	uint64_t id;

	ASSERT_EQ(0, app_file(&self->r.app, fd, self->r.stage, 0, 0, &id));
	unlink("/dev/shm/seda-disk");
	op.source = id;
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(BUF, self->r.ev.res);
	op.offset++;
	EXPECT_EQ(-EFBIG, worker_do(&self->r.w, &op));
}

/* So that nobody gets by it what write(2) would not do for him. */
TEST_F(disk, it_is_done_with_the_rights_of_the_caller)
{
	int fd = open("/dev/shm/seda-disk", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct seda_op op = whole(self, SEDA_OP_WRITE, 0, 0);
	struct stat st;
	uint64_t id;

	unlink("/dev/shm/seda-disk");
	ASSERT_EQ(0, fchown(fd, 1000, 1000));
	ASSERT_EQ(0, fchmod(fd, 04755));
	ASSERT_EQ(0, app_file(&self->r.app, fd, self->r.stage, 0, 0, &id));
	op.source = id;
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_NE(NULL, rig_next(&self->r));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(04755, st.st_mode & 07777);
	ASSERT_EQ(0, seteuid(1000));
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_EQ(0, seteuid(0));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(BUF, self->r.ev.res);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0755, st.st_mode & 07777);
}

TEST_F(disk, what_an_op_does_not_use_is_refused)
{
	struct seda_op op;

	op = whole(self, SEDA_OP_READ, 0, 0);
	op.period_ns = 1;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op = whole(self, SEDA_OP_READ, 1ULL << 63, 0);
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op = whole(self, SEDA_OP_READ, 0, 0);
	op.flags = SEDA_SYNC_DATA;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op = whole(self, SEDA_OP_SYNC, 0, 0);
	op.addr = 1;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op = file_op(SEDA_OP_CANCEL, self->id, 0, 0, 0, 1);
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op = file_op(SEDA_OP_ARM, self->id, 0, 0, 0, 0);
	EXPECT_EQ(-EOPNOTSUPP, worker_do(&self->r.w, &op));
}

TEST_F(disk, submitting_leaves_the_batch_as_it_is)
{
	struct seda_enter_args a = {
		.size = sizeof(a), .flags = SEDA_ENTER_SUBMIT,
		.worker = self->r.w.id,
	};
	struct seda_op op = { .op = SEDA_OP_NOP };
	int own, peer;
	uint64_t id;

	ASSERT_EQ(0, rig_pair(&self->r, 0, &id, &own, &peer));
	ASSERT_EQ(1, write(peer, "x", 1));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(0, worker_do(&self->r.w, &op));
	EXPECT_EQ(1, self->of_stage->outstanding);
	op.op = SEDA_OP_RELEASE;
	op.source = id;
	EXPECT_EQ(-EBUSY, worker_do(&self->r.w, &op));
	a.max_events = 1;
	EXPECT_EQ(-EINVAL, app_call(&self->r.app, SEDA_IOC_ENTER, &a));
	a.max_events = 0;
	a.timeout_ns = 1;
	EXPECT_EQ(-EINVAL, app_call(&self->r.app, SEDA_IOC_ENTER, &a));
}

TEST_F(disk, closed_it_ends)
{
	struct seda_op op = whole(self, SEDA_OP_READ, 0, 0);

	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_NE(NULL, rig_next(&self->r));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, self->id, 0));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(SEDA_EV_CLOSED, self->r.ev.events);
	EXPECT_EQ(1, self->r.ev.seq);
	EXPECT_EQ(-ESTALE, worker_do(&self->r.w, &op));
	EXPECT_EQ(0, self->r.app.counters->sources);
}

TEST_HARNESS_MAIN
