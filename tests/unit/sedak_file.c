// SPDX-License-Identifier: GPL-2.0
/* libsedak: what is in memory is read at once, the rest is told when it is there. */
#include "sedak_file.h"

#define SIZE	(1 << 20)
#define BUF	4096
#define USER	((void *)(uintptr_t)77)

FIXTURE(file) {
	struct box *box, *miss;
	_Atomic unsigned int bad;
	struct sedak_file *file;
	struct job job;
	int fd;		/* the same file's */
	int adopted;
};

FIXTURE_VARIANT(file) {
	const char *io;
	unsigned int workers;
	bool pools;	/* one for the misses */
};

FIXTURE_VARIANT_ADD(file, one_worker) { NULL, 1, false };
FIXTURE_VARIANT_ADD(file, threads) { "threads", 1, false };
FIXTURE_VARIANT_ADD(file, two_pools) { NULL, 2, true };
FIXTURE_VARIANT_ADD(file, two_pools_with_threads) { "threads", 2, true };

static struct sedak_stage *miss_stage(struct box *box, bool pool, unsigned int capacity)
{
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = 2 };
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = box_handler,
				      .state = box, .capacity = capacity };

	if ((pool && sedak_pool_create(box->rt, &po, &o.pool)) ||
	    sedak_stage_create(box->rt, &o, &box->stage))
		abort();
	return box->stage;
}

FIXTURE_SETUP(file)
{
	if (variant->io)
		setenv("SEDAK_IO", variant->io, 1);
	self->box = box_new();
	self->miss = box_new();
	self->box->act = act_job;
	self->miss->act = act_check;
	self->miss->arg = &self->bad;
	stage_of(rt_new(variant->workers), self->box);
	self->miss->rt = self->box->rt;
	miss_stage(self->miss, variant->pools, 100);
	self->adopted = file_new(SIZE, O_RDWR, &self->fd);
	ASSERT_EQ(0, sedak_file_open(self->miss->stage, self->adopted, USER,
				     &self->file));
	ASSERT_EQ(0, sedak_rt_start(self->box->rt));
	self->job.box = self->box;
	self->job.miss = self->miss;
	self->job.file = self->file;
	self->job.len = BUF;
}

FIXTURE_TEARDOWN(file)
{
	EXPECT_EQ(0, atomic_load(&self->bad));
	sedak_rt_destroy(self->box->rt);
	box_free(self->box);
	box_free(self->miss);
	close(self->fd);
}

static struct sedak_stage_stats stats_of(struct box *box)
{
	struct sedak_stage_stats st = { .size = sizeof(st) };

	sedak_stage_get_stats(box->stage, &st);
	return st;
}

TEST_F(file, a_miss_is_an_event_and_then_it_is_a_hit)
{
	struct job *job = &self->job;
	uint64_t hits;
	struct rec *r;

	job->offset = 3 * BUF;
	job->op = (void *)(uintptr_t)job->offset;
	ASSERT_EQ(-EINPROGRESS, read_cold(job, self->fd));
	hits = stats_of(self->miss).file_hits;
	EXPECT_EQ(NULL, job->buf);
	ASSERT_TRUE(box_wait(self->miss, SEDAK_EV_FILE, 1));
	r = box_find(self->miss, SEDAK_EV_FILE, 0);
	EXPECT_EQ(BUF, r->res);
	EXPECT_EQ(BUF, r->len);
	EXPECT_EQ(self->file, (void *)r->conn);
	EXPECT_EQ(USER, r->user);
	EXPECT_EQ(job->op, r->op);
	EXPECT_EQ(1, stats_of(self->miss).file_misses);
	EXPECT_EQ(0, stats_of(self->miss).file_ops);
	if (!tells_hits(self->fd))
		return;
	box_do(self->box, job, do_read);
	EXPECT_EQ(BUF, job->res);
	EXPECT_TRUE(job->good);
	EXPECT_EQ(hits + 1, stats_of(self->miss).file_hits);
	EXPECT_EQ(1, stats_of(self->miss).file_misses);
	EXPECT_EQ(1, box_count(self->miss, SEDAK_EV_FILE));
}

TEST_F(file, one_that_must_not_wait_is_refused)
{
	struct job *job = &self->job;

	job->flags = SEDAK_FILE_NOWAIT;
	job->offset = BUF;
	EXPECT_EQ(-EAGAIN, read_cold(job, self->fd));
	EXPECT_TRUE(job->good);
	if (tells_hits(self->fd)) {
		job->offset = 0;
		job->len = 100;
		box_do(self->box, job, do_read);
		EXPECT_EQ(100, job->res);
		EXPECT_TRUE(job->good);
	}
	EXPECT_EQ(0, box_count(self->miss, SEDAK_EV_FILE));
	EXPECT_EQ(0, stats_of(self->miss).file_misses);
}

/* Reads, and waits for it if it has to; the result */
static int read_at(struct job *job, uint64_t offset, size_t len)
{
	unsigned int n = box_count(job->miss, SEDAK_EV_FILE);

	job->offset = offset;
	job->len = len;
	job->op = (void *)(uintptr_t)offset;
	box_do(job->box, job, do_read);
	if (job->res != -EINPROGRESS)
		return job->good ? job->res : -EBADMSG;
	if (!box_wait(job->miss, SEDAK_EV_FILE, n + 1))
		return -ETIMEDOUT;
	return box_find(job->miss, SEDAK_EV_FILE, n)->res;
}

TEST_F(file, fewer_bytes_only_at_the_end)
{
	struct job *job = &self->job;
	int i;

	/* the second time it may be a hit */
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(1000, read_at(job, SIZE - 1000, BUF));
		EXPECT_EQ(BUF, read_at(job, SIZE - BUF, BUF));
		EXPECT_EQ(0, read_at(job, SIZE, BUF));
		EXPECT_EQ(0, read_at(job, 5ull << 40, BUF));
		EXPECT_EQ(1, read_at(job, 12345, 1));
	}
	/* half of it in memory is not the end */
	file_drop(self->fd);
	EXPECT_EQ(1, read_at(job, 4 * BUF, 1));
	EXPECT_EQ(BUF, read_at(job, 4 * BUF + BUF / 2, BUF));
	EXPECT_EQ(0, read_at(job, 0, 0));
}

TEST_F(file, written_and_synced_it_is_there)
{
	struct job *job = &self->job;
	char text[BUF], back[BUF];
	struct rec *r;

	memset(text, 'x', BUF);
	job->offset = SIZE - 100;
	job->data = text;
	job->op = USER;
	box_do(self->box, job, do_write);
	ASSERT_EQ(-EINPROGRESS, job->res);
	memset(text, 0, BUF);	/* it was copied */
	ASSERT_TRUE(box_wait(self->miss, SEDAK_EV_FILE, 1));
	r = box_find(self->miss, SEDAK_EV_FILE, 0);
	EXPECT_EQ(BUF, r->res);
	EXPECT_EQ(NULL, r->data);
	EXPECT_EQ(USER, r->op);
	box_do(self->box, job, do_sync);
	ASSERT_EQ(-EINPROGRESS, job->res);
	job->flags = SEDAK_FILE_DATA;
	box_do(self->box, job, do_sync);
	ASSERT_EQ(-EINPROGRESS, job->res);
	ASSERT_TRUE(box_wait(self->miss, SEDAK_EV_FILE, 3));
	EXPECT_EQ(0, box_find(self->miss, SEDAK_EV_FILE, 1)->res);
	EXPECT_EQ(0, box_find(self->miss, SEDAK_EV_FILE, 2)->res);
	memset(text, 'x', BUF);
	ASSERT_EQ(BUF, pread(self->fd, back, BUF, SIZE - 100));
	EXPECT_EQ(0, memcmp(text, back, BUF));
	EXPECT_EQ(SIZE - 100 + BUF, lseek(self->fd, 0, SEEK_END));
}

TEST_F(file, advice_is_taken)
{
	struct job *job = &self->job;

	job->len = 0;
	box_do(self->box, job, do_advise);
	EXPECT_EQ(-EINPROGRESS, job->res);
	ASSERT_TRUE(box_wait(self->miss, SEDAK_EV_FILE, 1));
	job->flags = SEDAK_FILE_DROP;
	job->len = 1 << 30;
	box_do(self->box, job, do_advise);
	EXPECT_EQ(-EINPROGRESS, job->res);
	ASSERT_TRUE(box_wait(self->miss, SEDAK_EV_FILE, 2));
	EXPECT_EQ(0, box_find(self->miss, SEDAK_EV_FILE, 0)->res);
	EXPECT_EQ(0, box_find(self->miss, SEDAK_EV_FILE, 1)->res);
}

/* Of n reads at once, in one handler, each of its own part; counts those that wait */
static void do_reads(struct job *job)
{
	unsigned int i;

	job->n = 0;
	for (i = 0; i < job->len; i++) {
		struct job one = {
			.file = job->file, .len = BUF,
			.offset = job->offset + i * 2 * BUF,
		};

		one.op = (void *)(uintptr_t)one.offset;
		do_read(&one);
		job->res = one.res;
		job->n += one.res == -EINPROGRESS;
		job->good &= one.good;
	}
}

TEST_F(file, many_at_once)
{
	struct job *job = &self->job;
	unsigned int n = 0;
	int i;

	job->good = true;
	job->len = 60;
	for (i = 0; i < 20; i++) {
		file_drop(self->fd);
		job->offset = (uint64_t)i * 1000;
		box_do(self->box, job, do_reads);
		n += job->n;
		ASSERT_TRUE(box_wait(self->miss, SEDAK_EV_FILE, n));
	}
	EXPECT_TRUE(job->good);
	EXPECT_LT(0, n);
	EXPECT_EQ(n, stats_of(self->miss).file_misses);
	EXPECT_EQ(20 * 60 - n, stats_of(self->miss).file_hits);
}

static void do_writes(struct job *job)
{
	for (job->n = 0; job->n < job->len; job->n++) {
		job->res = sedak_file_write(job->file, 0, "x", 1, NULL);
		if (job->res != -EINPROGRESS)
			return;
	}
}

TEST_F(file, what_needs_a_buffer_is_refused_until_some_are_back)
{
	struct job *job = &self->job;
	struct sedak_rt_opts o = { .size = sizeof(o), .workers = 1, .nr_bufs = 128 };
	struct box *box = box_new();
	struct sedak_file *file;

	ASSERT_EQ(0, sedak_rt_create(&o, &box->rt));
	miss_stage(box, false, 1000);
	box->act = act_check;
	box->arg = &self->bad;
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	ASSERT_EQ(0, sedak_file_open(box->stage, dup(self->fd), NULL, &file));
	job->file = file;
	job->len = 65;
	/* half of them; the worker tells of none before this handler has returned */
	box_do(box, job, do_writes);
	EXPECT_EQ(64, job->n);
	EXPECT_EQ(-ENOBUFS, job->res);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_FILE, 64));
	ASSERT_TRUE(seen_to(box));
	box_do(box, job, do_writes);
	EXPECT_EQ(64, job->n);
	EXPECT_EQ(-ENOBUFS, job->res);
	server_end(box);
}

static void do_syncs(struct job *job)
{
	for (job->n = 0; job->n <= job->len; job->n++) {
		do_sync(job);
		if (job->res != -EINPROGRESS)
			return;
	}
}

TEST_F(file, the_capacity_of_the_stage_is_how_many_may_wait)
{
	struct box *box = box_new();
	struct job *job = &self->job;

	stage_of(rt_new(1), box);
	miss_stage(box, false, 5);
	box->act = act_job;
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	ASSERT_EQ(0, sedak_file_open(box->stage, dup(self->fd), NULL, &job->file));
	box_do(box, job, do_syncs);
	EXPECT_EQ(5, job->n);
	EXPECT_EQ(-EBUSY, job->res);
	EXPECT_EQ(1, stats_of(box).file_busy);
	EXPECT_EQ(5, stats_of(box).file_misses);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_FILE, 5));
	/* and there is room again */
	box_do(box, job, do_syncs);
	EXPECT_EQ(5, job->n);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_FILE, 10));
	EXPECT_EQ(0, stats_of(box).file_ops);
	server_end(box);
}

static void do_hits(struct job *job)
{
	for (job->n = 0; job->n < 2000; job->n++) {
		do_read(job);
		if (job->res != (int)job->len || !job->good)
			return;
	}
}

/* Whoever gives the buffers back may go on for ever. */
TEST_F(file, a_handler_reads_as_often_as_it_likes)
{
	struct job *job = &self->job;

	ASSERT_EQ(100, read_at(job, 0, 100));
	if (!tells_hits(self->fd))
		return;
	box_do(self->box, job, do_hits);
	EXPECT_EQ(2000, job->n);
	EXPECT_EQ(100, job->res);
}

static void do_drops(struct job *job)
{
	job->len = 1;
	job->flags = SEDAK_FILE_DROP;
	for (job->n = 0; job->n < 1000; job->n++) {
		do_advise(job);
		if (job->res != -EINPROGRESS)
			return;
	}
}

/* More than a ring has places, or there are threads. */
TEST_F(file, many_wait_for_their_turn)
{
	struct box *box = box_new();
	struct job *job = &self->job;

	stage_of(rt_new(1), box);
	miss_stage(box, variant->pools, 1000);
	box->act = act_job;
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	ASSERT_EQ(0, sedak_file_open(box->stage, dup(self->fd), NULL, &job->file));
	box_do(box, job, do_drops);
	EXPECT_EQ(1000, job->n);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_FILE, 1000));
	EXPECT_EQ(0, stats_of(box).file_ops);
	/* and the runtime ends with as many */
	box_do(box, job, do_drops);
	EXPECT_LE(900, job->n);
	server_end(box);
}

/* The device waits for no disk at its end. */
TEST(the_runtime_ends_though_a_disk_does_not_answer)
{
	const char *backend = getenv("SEDAK_BACKEND");
	struct box *box;
	struct job job = { .len = 10 };
	struct disk d;
	uint64_t start;

	if (!backend || strcmp(backend, "seda") || geteuid())
		return;
	ASSERT_TRUE(disk_make(&d, "sedak-slow", 2 * SEC));
	box = box_new();
	stage_of(rt_new(1), box);
	box->act = act_job;
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	ASSERT_EQ(0, sedak_file_open(box->stage, open(d.path, O_RDWR), NULL,
				     &job.file));
	box_do(box, &job, do_reads);
	EXPECT_EQ(10, job.n);
	start = now_ns();
	sedak_rt_destroy(box->rt);
	EXPECT_GT(3 * SEC / 2, now_ns() - start);
	EXPECT_EQ(0, box_count(box, SEDAK_EV_FILE));
	box_free(box);
	disk_remove(&d);
}

static void act_hold(struct box *box, struct sedak_event *ev)
{
	struct job *job = box->arg;

	act_job(box, ev);
	if (ev->type == SEDAK_EV_FILE)
		job->res = sedak_buf_hold(ev, &job->buf);
}

TEST_F(file, what_was_read_can_be_held)
{
	struct job *job = &self->job, other = *job;

	self->miss->act = act_hold;
	self->miss->arg = &other;
	job->offset = 7 * BUF;
	ASSERT_EQ(-EINPROGRESS, read_cold(job, self->fd));
	ASSERT_TRUE(box_wait(self->miss, SEDAK_EV_FILE, 1));
	self->miss->act = act_check;
	self->miss->arg = &self->bad;
	EXPECT_EQ(0, other.res);
	job->offset = 0;
	job->len = 40;
	job->good = true;
	box_do(self->box, job, do_reads);
	ASSERT_TRUE(box_wait(self->miss, SEDAK_EV_FILE, 1 + job->n));
	EXPECT_EQ(BUF, sedak_buf_len(other.buf));
	EXPECT_TRUE(bytes_are(sedak_buf_data(other.buf), 7 * BUF, BUF));
	sedak_buf_put(other.buf);
}

static void do_reads_and_close(struct job *job)
{
	do_reads(job);
	sedak_file_close(job->file);
}

static bool is_closed(void *fd)
{
	return fcntl(*(int *)fd, F_GETFD) < 0;
}

TEST_F(file, closed_meanwhile_what_was_begun_is_told)
{
	struct job *job = &self->job;

	job->len = 40;
	job->good = true;
	EXPECT_EQ(1, stats_of(self->miss).sources);
	file_drop(self->fd);
	box_do(self->box, job, do_reads_and_close);
	ASSERT_TRUE(box_wait(self->miss, SEDAK_EV_FILE, job->n));
	EXPECT_TRUE(until(is_closed, &self->adopted));
	EXPECT_EQ(0, stats_of(self->miss).sources);
}

TEST_F(file, the_runtime_ends_with_operations_under_way)
{
	struct job *job = &self->job;
	struct sedak_file *other;

	ASSERT_EQ(0, sedak_file_open(self->miss->stage, dup(self->fd), NULL, &other));
	job->len = 60;
	box_do(self->box, job, do_reads);
	ASSERT_EQ(0, sedak_rt_stop(self->box->rt));
	sedak_file_close(other);
	EXPECT_EQ(-ESHUTDOWN, sedak_file_open(self->miss->stage, self->fd, NULL,
					      &other));
}

TEST_F(file, to_drain_is_to_wait_for_them)
{
	struct job *job = &self->job;

	job->len = 60;
	box_do(self->box, job, do_reads);
	ASSERT_EQ(0, sedak_rt_drain(self->box->rt, 20 * SEC));
	EXPECT_EQ(0, stats_of(self->miss).file_ops);
	EXPECT_TRUE(box_wait(self->miss, SEDAK_EV_FILE, job->n));
}

TEST_F(file, what_cannot_be_done_is_refused)
{
	struct job *job = &self->job;
	struct sedak_file *file;
	struct sedak_buf *buf;
	int p[2], dir;

	EXPECT_EQ(-EPERM, sedak_file_read(self->file, 0, 1, 0, NULL, &buf));
	EXPECT_EQ(-EPERM, sedak_file_write(self->file, 0, "", 1, NULL));
	EXPECT_EQ(-EPERM, sedak_file_sync(self->file, 0, NULL));
	EXPECT_EQ(-EPERM, sedak_file_advise(self->file, 0, 1, 0, NULL));
	EXPECT_EQ(-EINVAL, read_at(job, 0, BUF + 1));
	EXPECT_EQ(-EINVAL, read_at(job, 1ull << 63, 1));
	EXPECT_EQ(-EINVAL, read_at(job, INT64_MAX, 1));
	job->flags = 1u << 20;
	EXPECT_EQ(-EINVAL, read_at(job, 0, 1));
	box_do(self->box, job, do_sync);
	EXPECT_EQ(-EINVAL, job->res);
	box_do(self->box, job, do_advise);
	EXPECT_EQ(-EINVAL, job->res);
	EXPECT_EQ(-EBADF, sedak_file_open(self->miss->stage, -1, NULL, &file));
	EXPECT_EQ(-EBADF, sedak_file_open(self->miss->stage, 999, NULL, &file));
	ASSERT_EQ(0, pipe(p));
	EXPECT_EQ(-EINVAL, sedak_file_open(self->miss->stage, p[0], NULL, &file));
	dir = open("/", O_RDONLY);
	EXPECT_EQ(-EINVAL, sedak_file_open(self->miss->stage, dir, NULL, &file));
	close(dir);
	sedak_file_close(NULL);
	EXPECT_EQ(0, stats_of(self->miss).file_ops);
}

TEST_F(file, rights_are_those_of_the_descriptor)
{
	struct job *job = &self->job;

	job->data = job;
	job->len = 1;
	ASSERT_EQ(0, sedak_file_open(self->miss->stage, file_new(10, O_RDONLY, NULL),
				     NULL, &job->file));
	box_do(self->box, job, do_write);
	EXPECT_EQ(-EBADF, job->res);
	sedak_file_close(job->file);
	ASSERT_EQ(0, sedak_file_open(self->miss->stage, file_new(10, O_WRONLY, NULL),
				     NULL, &job->file));
	EXPECT_EQ(-EBADF, read_at(job, 0, 1));
	sedak_file_close(job->file);
	/* it means nothing of such a file */
	ASSERT_EQ(0, sedak_file_open(self->miss->stage,
				     file_new(10, O_RDONLY | O_NONBLOCK, NULL),
				     NULL, &job->file));
	EXPECT_EQ(10, read_at(job, 0, 20));
}

TEST_HARNESS_MAIN
