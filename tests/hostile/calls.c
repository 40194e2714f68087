// SPDX-License-Identifier: GPL-2.0
/* The grammar of all calls: sizes, tails, pointers, flags, padding, numbers. */
#include <kselftest_harness.h>

#include <stddef.h>

#include "tests/lib/seda_rig.h"

union args {
	uint32_t size;
	struct seda_info_args info;
	struct seda_setup_args setup;
	struct seda_pool_args pool;
	struct seda_stage_args stage;
	struct seda_join_args join;
	struct seda_id_args id;
	struct seda_listen_args listen;
	struct seda_adopt_args adopt;
	struct seda_connect_args connect;
	struct seda_watch_args watch;
	struct seda_timer_args timer;
	struct seda_post_args post;
	struct seda_to_fd_args to_fd;
	struct seda_source_info_args source_info;
	struct seda_file_args file;
	struct seda_enter_args enter;
	char bytes[8192];
};

#define NO_PAD	0
#define CALL(call, type, known, pad_at)					\
	{ SEDA_IOC_##call, #call, sizeof(struct seda_##type##_args),	\
	  offsetof(struct seda_##type##_args, flags), known, pad_at }
#define PAD(type)	offsetof(struct seda_##type##_args, pad)

static const struct call {
	unsigned long nr;
	const char *name;
	uint32_t size;
	uint32_t flags_at;
	uint32_t flags;		/* known */
	uint32_t pad_at;	/* of four bytes */
} calls[] = {
	/* these two need no SETUP; INFO has no flags */
	CALL(SETUP, setup, 0, PAD(setup)),
	{ SEDA_IOC_INFO, "INFO", sizeof(struct seda_info_args), 0, ~0U, NO_PAD },
	CALL(POOL_CREATE, pool, 0, PAD(pool)),
	CALL(POOL_SET, pool, 0, PAD(pool)),
	CALL(POOL_DESTROY, id, 0, NO_PAD),
	CALL(STAGE_CREATE, stage, 0, NO_PAD),
	CALL(STAGE_SET, stage, 0, NO_PAD),
	CALL(STAGE_DESTROY, id, 0, NO_PAD),
	CALL(WORKER_JOIN, join, SEDA_WORKER_CLAIM, NO_PAD),
	CALL(LISTEN, listen, SEDA_SOURCE_NOBUF, PAD(listen)),
	CALL(ADOPT, adopt, SEDA_SOURCE_NOBUF, PAD(adopt)),
	CALL(CONNECT, connect, SEDA_SOURCE_NOBUF, NO_PAD),
	CALL(WATCH, watch, SEDA_WATCH_EDGE | SEDA_WATCH_ONESHOT, NO_PAD),
	CALL(TIMER, timer, SEDA_TIMER_ABS, NO_PAD),
	CALL(POST, post, 0, NO_PAD),
	CALL(CLOSE, id, SEDA_CLOSE_ABORT, NO_PAD),
	CALL(TO_FD, to_fd, SEDA_FD_CLOEXEC, NO_PAD),
	CALL(SOURCE_INFO, source_info, 0, NO_PAD),
	CALL(ENTER, enter, SEDA_ENTER_SUBMIT, NO_PAD),
	CALL(FILE, file, 0, PAD(file)),
};

#define NR_CALLS	(sizeof(calls) / sizeof(calls[0]))

FIXTURE(app) {
	struct rig r;
	int own, peer;
	uint64_t id;
};

FIXTURE_SETUP(app)
{
	struct seda_setup_args setup = { .bufs = 16, .workers = 4 };

	ASSERT_EQ(0, rig_open(&self->r, &setup, NULL));
	ASSERT_EQ(0, rig_pair(&self->r, 0, &self->id, &self->own,
			      &self->peer));
}

FIXTURE_TEARDOWN(app)
{
	rig_close(&self->r);
}

static int some_file(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("calls", MFD_CLOEXEC);
	return fd;
}

/* Arguments that would be right but for what a test makes of them. */
static void good(struct rig *r, uint64_t id, const struct call *c,
		 union args *a)
{
	memset(a, 0, sizeof(*a));
	a->size = c->size;
	switch (c->nr) {
	case SEDA_IOC_POOL_SET:
		a->pool.pool = r->app.pool;
		break;
	case SEDA_IOC_STAGE_CREATE:
		a->stage.pool = r->app.pool;
		break;
	case SEDA_IOC_STAGE_SET:
		a->stage.stage = r->stage;
		break;
	case SEDA_IOC_WORKER_JOIN:
		a->join.pool = r->app.pool;
		break;
	case SEDA_IOC_WATCH:
		a->watch.stage = r->stage;
		break;
	case SEDA_IOC_TIMER:
		a->timer.stage = r->stage;
		break;
	case SEDA_IOC_POST:
		a->post.stage = r->stage;
		break;
	case SEDA_IOC_CONNECT:
		a->connect.stage = r->stage;
		a->connect.peer = addr_v4(1);
		break;
	case SEDA_IOC_CLOSE:
	case SEDA_IOC_TO_FD:
	case SEDA_IOC_SOURCE_INFO:
		a->id.id = id;
		break;
	case SEDA_IOC_ENTER:
		a->enter.worker = r->w.id;
		break;
	case SEDA_IOC_FILE:
		a->file.stage = r->stage;
		a->file.fd = some_file();
		break;
	default:
		break;
	}
}

TEST_F(app, sizes)
{
	static const uint32_t bad[] = { 0, 1, 4, 5000, 1 << 20, ~0U, 1U << 31 };
	union args a;
	size_t i, j;

	for (i = 0; i < NR_CALLS; i++) {
		for (j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
			good(&self->r, self->id, &calls[i], &a);
			a.size = bad[j];
			EXPECT_EQ(-EINVAL, app_call(&self->r.app, calls[i].nr,
						    &a)) {
				TH_LOG("%s, %u", calls[i].name, bad[j]);
			}
		}
		good(&self->r, self->id, &calls[i], &a);
		a.size = calls[i].size - 1;
		EXPECT_EQ(-EINVAL, app_call(&self->r.app, calls[i].nr, &a)) {
			TH_LOG("%s, one byte short", calls[i].name);
		}
	}
}

TEST_F(app, tails)
{
	union args a;
	size_t i;
	int ret;

	for (i = 0; i < NR_CALLS; i++) {
		good(&self->r, self->id, &calls[i], &a);
		a.size = calls[i].size + 8;
		a.bytes[calls[i].size + 7] = 1;
		EXPECT_EQ(-E2BIG, app_call(&self->r.app, calls[i].nr, &a)) {
			TH_LOG("%s", calls[i].name);
		}
		good(&self->r, self->id, &calls[i], &a);
		a.size = 4096;
		ret = app_call(&self->r.app, calls[i].nr, &a);
		EXPECT_TRUE(ret != -E2BIG && ret != -EFAULT) {
			TH_LOG("%s: %d", calls[i].name, ret);
		}
		EXPECT_EQ(4096, a.size);
	}
}

TEST_F(app, pointers)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	union args a;
	size_t i;
	char *p;

	munmap(page + 4096, 4096);
	for (i = 0; i < NR_CALLS; i++) {
		EXPECT_EQ(-EFAULT, app_call(&self->r.app, calls[i].nr, NULL));
		EXPECT_EQ(-EFAULT, app_call(&self->r.app, calls[i].nr,
					    (void *)(1UL << 63)));
		EXPECT_EQ(-EFAULT, app_call(&self->r.app, calls[i].nr,
					    (void *)-1UL));
		good(&self->r, self->id, &calls[i], &a);
		p = page + 4096 - (calls[i].size - 8);
		memcpy(p, &a, calls[i].size - 8);
		EXPECT_EQ(-EFAULT, app_call(&self->r.app, calls[i].nr, p)) {
			TH_LOG("%s across the end of memory", calls[i].name);
		}
	}
}

TEST_F(app, flags)
{
	union args a;
	size_t i;
	int bit;

	for (i = 0; i < NR_CALLS; i++) {
		for (bit = 0; bit < 32; bit++) {
			if (calls[i].flags & 1U << bit)
				continue;
			good(&self->r, self->id, &calls[i], &a);
			*(uint32_t *)(a.bytes + calls[i].flags_at) = 1U << bit;
			EXPECT_EQ(-EINVAL, app_call(&self->r.app, calls[i].nr,
						    &a)) {
				TH_LOG("%s, bit %d", calls[i].name, bit);
			}
		}
	}
}

/* SUBMIT: all but the worker and the number of ops is 0. */
TEST_F(app, what_submitting_does_not_use)
{
	static const struct seda_enter_args bad[] = {
		{ .min_events = 1 }, { .max_events = 1 }, { .sigset_size = 8 },
		{ .timeout_ns = 1 }, { .sigmask = 1, .sigset_size = 8 },
	};
	struct seda_enter_args a;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a = bad[i];
		a.size = sizeof(a);
		a.flags = SEDA_ENTER_SUBMIT;
		a.worker = self->r.w.id;
		EXPECT_EQ(-EINVAL, app_call(&self->r.app, SEDA_IOC_ENTER, &a)) {
			TH_LOG("%zu", i);
		}
	}
}

TEST_F(app, padding)
{
	union args a;
	size_t i;
	int byte;

	for (i = 0; i < NR_CALLS; i++) {
		for (byte = 0; byte < 4 && calls[i].pad_at; byte++) {
			good(&self->r, self->id, &calls[i], &a);
			a.bytes[calls[i].pad_at + byte] = 1;
			EXPECT_EQ(-EINVAL, app_call(&self->r.app, calls[i].nr,
						    &a)) {
				TH_LOG("%s, byte %d", calls[i].name, byte);
			}
		}
	}
}

TEST_F(app, numbers)
{
	static const unsigned long other[] = {
		_IO(SEDA_IOC_TYPE, 0), _IOR(SEDA_IOC_TYPE, 1, int),
		_IOWR(SEDA_IOC_TYPE, 2, int), _IO('T', 1), 0, 0x5401,
		0xffffffffUL,
	};
	union args a = { 0 };
	size_t i;

	for (i = _IOC_NR(SEDA_IOC_FILE) + 1; i < 256; i++)
		EXPECT_EQ(-ENOTTY, app_call(&self->r.app, SEDA_IOC_NR(i), &a));
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		EXPECT_EQ(-ENOTTY, app_call(&self->r.app, other[i], &a));
}

TEST_F(app, before_setup)
{
	struct seda_info_args info = { .size = sizeof(info) };
	struct app raw = { .fd = open("/dev/seda", O_RDWR) };
	union args a;
	size_t i;

	for (i = 2; i < NR_CALLS; i++) {
		good(&self->r, self->id, &calls[i], &a);
		EXPECT_EQ(-EBADFD, app_call(&raw, calls[i].nr, &a)) {
			TH_LOG("%s", calls[i].name);
		}
	}
	EXPECT_EQ(-EBADFD, app_call(&raw, SEDA_IOC_WORKER_LEAVE, NULL));
	EXPECT_EQ(0, app_call(&raw, SEDA_IOC_INFO, &info));
	/* one that failed can be tried again */
	good(&self->r, 0, &calls[0], &a);
	a.setup.buf_size = 1;
	EXPECT_EQ(-EINVAL, app_call(&raw, SEDA_IOC_SETUP, &a));
	good(&self->r, 0, &calls[0], &a);
	EXPECT_EQ(0, app_call(&raw, SEDA_IOC_SETUP, &a));
	good(&self->r, 0, &calls[0], &a);
	EXPECT_EQ(-EBUSY, app_call(&raw, SEDA_IOC_SETUP, &a));
	close(raw.fd);
}

TEST_HARNESS_MAIN
