// SPDX-License-Identifier: GPL-2.0
/* Files into connections, from the page cache, and what is not there read first. */
#include <kselftest_harness.h>

#include "tests/lib/disk.h"
#include "tests/lib/seda_rig.h"

#define LEN	(300 * 1000)

FIXTURE(sendfile) {
	struct disk d;
	struct rig r;
	uint64_t miss, file, id;
	int fd, own, peer;
	unsigned char *got;
};

FIXTURE_SETUP(sendfile)
{
	struct seda_stage_args policy = { .capacity = 1 };

	ASSERT_TRUE(disk_make(&self->d, "seda-send", 5 * MS));
	self->fd = disk_fill(&self->d, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	ASSERT_EQ(0, app_stage(&self->r.app, &policy, &self->miss));
	ASSERT_EQ(0, app_file(&self->r.app, self->fd, self->r.stage, self->miss,
			      7, &self->file));
	ASSERT_EQ(0, rig_pair(&self->r, 0, &self->id, &self->own, &self->peer));
	self->got = malloc(DISK_MB << 20);
}

FIXTURE_TEARDOWN(sendfile)
{
	rig_close(&self->r);
	close(self->fd);
	free(self->got);
	disk_remove(&self->d);
}

static struct seda_op file_send(struct _test_data_sendfile *self, uint64_t offset,
				uint32_t len, uint64_t user_data)
{
	struct seda_op op = {
		.op = SEDA_OP_SENDFILE, .source = self->id, .file = self->file,
		.user_data = user_data, .len = len, .offset = offset,
	};

	return op;
}

static void *read_some(void *arg)
{
	struct _test_data_sendfile *self = arg;

	return (void *)read_all(self->peer, self->got, DISK_MB << 20);
}

/* What the peer reads until the end; the worker goes on meanwhile, to the last. */
static size_t receive(struct _test_data_sendfile *self, uint64_t last)
{
	pthread_t t;
	void *n;

	pthread_create(&t, NULL, read_some, self);
	while (rig_next(&self->r) && !(self->r.ev.events & SEDA_EV_SENT &&
				      self->r.ev.done == last))
		;
	rig_do(&self->r, SEDA_OP_SHUTDOWN, self->id, 0);
	pthread_join(t, &n);
	return (size_t)n;
}

TEST_F(sendfile, what_is_in_memory_goes_at_once)
{
	struct seda_op op = file_send(self, 100, 50000, 1);

	ASSERT_EQ(50000, pread(self->fd, self->got, 50000, 100));
	ASSERT_EQ(50000, worker_do(&self->r.w, &op));
	memset(self->got, 0, 50000);
	ASSERT_EQ(50000, read_all(self->peer, self->got, 50000));
	EXPECT_TRUE(pattern_is(self->got, 100, 50000));
	EXPECT_EQ(0, app_counters(&self->r.app, self->miss)->misses);
}

TEST_F(sendfile, in_order_with_other_sends_from_a_slow_disk)
{
	struct seda_op op = file_send(self, 12345, LEN, 2);
	size_t n;

	op.flags = SEDA_SEND_MORE;
	EXPECT_EQ(4, rig_send(&self->r, self->id, "head", 4, 1));
	EXPECT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	EXPECT_EQ(-EINPROGRESS, rig_send(&self->r, self->id, "tail", 4, 3));
	n = receive(self, 3);
	EXPECT_EQ(8 + LEN, n);
	EXPECT_EQ(0, memcmp(self->got, "head", 4));
	EXPECT_TRUE(pattern_is(self->got + 4, 12345, LEN));
	EXPECT_EQ(0, memcmp(self->got + 4 + LEN, "tail", 4));
	EXPECT_LE(3, app_counters(&self->r.app, self->miss)->misses);
	EXPECT_EQ(0, app_counters(&self->r.app, self->miss)->ios);
}

TEST_F(sendfile, more_than_sockets_hold)
{
	struct seda_op op = file_send(self, 0, DISK_MB << 20, 2);
	size_t n;

	EXPECT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	n = receive(self, 2);
	EXPECT_EQ(DISK_MB << 20, n);
	EXPECT_TRUE(pattern_is(self->got, 0, n));
}

TEST_F(sendfile, one_that_must_not_wait_is_refused)
{
	struct seda_op op = file_send(self, 0, 8192, 2);

	op.flags = SEDA_IO_NOWAIT;
	EXPECT_EQ(-EAGAIN, worker_do(&self->r.w, &op));
	ASSERT_EQ(1, pread(self->fd, self->got, 1, 0));
	EXPECT_EQ(-EAGAIN, worker_do(&self->r.w, &op));
	ASSERT_EQ(1, pread(self->fd, self->got, 1, 4096));
	EXPECT_EQ(8192, worker_do(&self->r.w, &op));
}

TEST_F(sendfile, the_miss_stage_limits_those_that_begin)
{
	struct seda_op op = file_send(self, 0, LEN, 2);
	int own, peer;
	uint64_t other;

	ASSERT_EQ(0, rig_pair(&self->r, 0, &other, &own, &peer));
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	op.source = other;
	op.offset = 1 << 20;
	EXPECT_EQ(-EBUSY, worker_do(&self->r.w, &op));
	EXPECT_EQ(1, app_counters(&self->r.app, self->miss)->busy);
	EXPECT_EQ(LEN, receive(self, 2));
}

/* Nobody can have its place between two reads. */
TEST_F(sendfile, in_its_midst_it_is_not_refused)
{
	struct seda_op op = file_send(self, 0, LEN, 2);
	struct seda_op other = file_op(SEDA_OP_READ, self->file, 8 << 20,
				       worker_take(&self->r.w), 4096, 3);

	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	while (app_counters(&self->r.app, self->miss)->ios)
		sleep_ms(1);
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &other));
	EXPECT_EQ(LEN, receive(self, 2));
	EXPECT_LE(4, app_counters(&self->r.app, self->miss)->misses);
	EXPECT_EQ(0, app_counters(&self->r.app, self->miss)->busy);
}

/* A page that is used cannot be. */
TEST_F(sendfile, its_pages_can_be_forgotten_afterwards)
{
	struct seda_op op = file_send(self, 0, 50000, 1);
	struct seda_op resident = file_op(SEDA_OP_RESIDENT, self->file, 0, 0,
					  50000, 0);

	ASSERT_EQ(50000, pread(self->fd, self->got, 50000, 0));
	ASSERT_EQ(50000, worker_do(&self->r.w, &op));
	ASSERT_EQ(50000, read_all(self->peer, self->got, 50000));
	do {
		posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED);
	} while (worker_do(&self->r.w, &resident));
}

TEST_F(sendfile, the_file_may_be_closed_meanwhile)
{
	struct seda_op op = file_send(self, 0, LEN, 2);
	struct seda_event *ev;

	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	EXPECT_EQ(-EINPROGRESS, rig_do(&self->r, SEDA_OP_CLOSE, self->file, 0));
	EXPECT_EQ(-EALREADY, rig_do(&self->r, SEDA_OP_CLOSE, self->file, 0));
	op.source = self->id;
	EXPECT_EQ(-EALREADY, worker_do(&self->r.w, &op));
	EXPECT_EQ(LEN, receive(self, 2));
	EXPECT_TRUE(pattern_is(self->got, 0, LEN));
	do {
		ev = rig_next(&self->r);
	} while (ev && ev->source != self->file);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CLOSED, ev->events);
}

TEST_F(sendfile, canceled_while_it_is_read)
{
	struct seda_op op = file_send(self, 0, LEN, 2);

	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	EXPECT_EQ(1, rig_do(&self->r, SEDA_OP_CANCEL, self->id, 0));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CANCELED));
	EXPECT_EQ(-ECANCELED, self->r.ev.res);
	EXPECT_EQ(-EPIPE, worker_do(&self->r.w, &op));
	while (app_counters(&self->r.app, self->miss)->ios)
		sleep_ms(1);
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, self->file, 0));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
}

TEST_F(sendfile, a_file_that_becomes_shorter_breaks_the_stream)
{
	int fd = open("/dev/shm/seda-send", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct seda_op op;

	ASSERT_EQ(0, ftruncate(fd, 8 << 20));
	ASSERT_EQ(0, app_file(&self->r.app, fd, self->r.stage, self->miss, 0,
			      &self->file));
	op = file_send(self, 1, 8 << 20, 2);
	EXPECT_EQ(-ENODATA, worker_do(&self->r.w, &op));
	op.offset = 0;
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_EQ(0, ftruncate(fd, 0));
	unlink("/dev/shm/seda-send");
	/* what has been sent by now is with the sockets */
	while (!rig_next_in(&self->r, MS))
		recv(self->peer, self->got, 1 << 20, MSG_DONTWAIT);
	EXPECT_EQ(SEDA_EV_ERR | SEDA_EV_CANCELED, self->r.ev.events);
	EXPECT_EQ(-EIO, self->r.ev.res);
}

/* What lies behind its new end is not told, though its last page is still there. */
TEST_F(sendfile, one_that_becomes_a_little_shorter_does_so_too)
{
	int fd = open("/dev/shm/seda-send", O_RDWR | O_CREAT | O_TRUNC, 0600);
	static char many[8 << 20];
	struct seda_op op;
	ssize_t n, all = 0;

	unlink("/dev/shm/seda-send");
	memset(self->got, 1, 8192);
	ASSERT_EQ(8192, write(fd, self->got, 8192));
	ASSERT_EQ(0, app_file(&self->r.app, fd, self->r.stage, self->miss, 0,
			      &self->file));
	op = file_send(self, 0, 8192, 2);
	ASSERT_EQ(-EINPROGRESS, rig_send(&self->r, self->id, many, sizeof(many), 1));
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	ASSERT_EQ(0, ftruncate(fd, 5000));
	do {
		while ((n = recv(self->peer, self->got, 1 << 20, MSG_DONTWAIT)) > 0)
			all += n;
	} while (!rig_next_in(&self->r, MS) ||
		 (self->r.ev.done != 2 && !(self->r.ev.events & SEDA_EV_ERR)));
	EXPECT_EQ(SEDA_EV_ERR | SEDA_EV_CANCELED,
		  self->r.ev.events & (SEDA_EV_ERR | SEDA_EV_CANCELED));
	EXPECT_EQ(-EIO, self->r.ev.res);
	EXPECT_GE((ssize_t)sizeof(many) + 5000, all);
}

/* The guest's own files are of overlayfs, and their pages those of another. */
TEST_F(sendfile, a_file_of_overlayfs)
{
	int fd = open("/tmp/seda-overlay", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct seda_op op;

	pattern_fill(self->got, 0, 100000);
	ASSERT_EQ(100000, write(fd, self->got, 100000));
	unlink("/tmp/seda-overlay");
	ASSERT_EQ(0, app_file(&self->r.app, fd, self->r.stage, self->miss, 0,
			      &self->file));
	op = file_send(self, 0, 100000, 2);
	ASSERT_EQ(-EINPROGRESS, worker_do(&self->r.w, &op));
	EXPECT_EQ(100000, receive(self, 2));
	EXPECT_TRUE(pattern_is(self->got, 0, 100000));
}

TEST_F(sendfile, what_does_not_suit_is_refused)
{
	struct seda_op op = file_send(self, 0, 1, 2);
	int wo = open(self->d.path, O_WRONLY);
	uint64_t other;

	op.file = self->id;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op.file = 1ULL << 40;
	EXPECT_EQ(-ESTALE, worker_do(&self->r.w, &op));
	op.file = self->file;
	op.source = self->file;
	EXPECT_EQ(-EOPNOTSUPP, worker_do(&self->r.w, &op));
	op.source = self->id;
	op.reserved = 1;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op.reserved = 0;
	op.flags = SEDA_SEND_VEC;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op.flags = 0;
	op.len = SEDA_MAX_SEND_LEN + 1;
	EXPECT_EQ(-EMSGSIZE, worker_do(&self->r.w, &op));
	op.len = 1;
	op.offset = ~0ULL;
	EXPECT_EQ(-EINVAL, worker_do(&self->r.w, &op));
	op.offset = DISK_MB << 20;
	EXPECT_EQ(-ENODATA, worker_do(&self->r.w, &op));
	op.len = 0;
	EXPECT_EQ(0, worker_do(&self->r.w, &op));
	ASSERT_EQ(0, app_file(&self->r.app, wo, self->r.stage, 0, 0, &other));
	op.file = other;
	EXPECT_EQ(-EBADF, worker_do(&self->r.w, &op));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_SHUTDOWN, self->id, 0));
	op = file_send(self, 0, 1, 2);
	EXPECT_EQ(-EPIPE, worker_do(&self->r.w, &op));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, self->file, 0));
}

TEST_HARNESS_MAIN
