// SPDX-License-Identifier: GPL-2.0
/* A call whose answer cannot be written makes nothing that nobody can name. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

/* Objects of each kind that fdinfo shows. */
static int objects(const struct app *app)
{
	static const char *const kinds[] = {
		"pool:\t", "stage:\t", "worker:\t", "source:\t",
	};
	static char text[65536];
	const char *p;
	int n = 0, i;

	app_fdinfo(app, text, sizeof(text));
	for (i = 0; i < 4; i++)
		for (p = text; (p = strstr(p, kinds[i])); p++)
			n++;
	return n;
}

/* The call with its argument where it can only be read. */
static int call_unanswered(const struct app *app, unsigned long call,
			   const void *arg, size_t size)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	memcpy(page, arg, size);
	mprotect(page, 4096, PROT_READ);
	ret = app_call(app, call, page);
	munmap(page, 4096);
	return ret;
}

FIXTURE(app) {
	struct rig r;
};

FIXTURE_SETUP(app)
{
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
}

FIXTURE_TEARDOWN(app)
{
	rig_close(&self->r);
}

/* Fails, and makes nothing; then works with the same argument. */
#define UNANSWERED(call, arg) do {					\
	struct app *app = &self->r.app;					\
	int before = objects(app);					\
									\
	EXPECT_EQ(-EFAULT, call_unanswered(app, call, &(arg),		\
					   sizeof(arg)));		\
	EXPECT_EQ(before, objects(app));				\
	EXPECT_EQ(0, app_call(app, call, &(arg)));			\
	EXPECT_EQ(before + 1, objects(app));				\
} while (0)

TEST_F(app, pool_and_stage)
{
	struct seda_pool_args pool = { .size = sizeof(pool) };
	struct seda_stage_args stage = {
		.size = sizeof(stage), .pool = self->r.app.pool, .posts = 3,
	};

	UNANSWERED(SEDA_IOC_POOL_CREATE, pool);
	UNANSWERED(SEDA_IOC_STAGE_CREATE, stage);
}

TEST_F(app, join)
{
	struct seda_join_args join = {
		.size = sizeof(join), .pool = self->r.app.pool,
	};

	ASSERT_EQ(0, worker_leave(&self->r.w));
	UNANSWERED(SEDA_IOC_WORKER_JOIN, join);
}

TEST_F(app, connections)
{
	uint16_t port = 0;
	int l = tcp_listen(&port), fd[2];
	struct seda_listen_args listener = {
		.size = sizeof(listener), .fd = l, .stage = self->r.stage,
		.child_stage = self->r.stage,
	};
	struct seda_adopt_args adopt = {
		.size = sizeof(adopt), .stage = self->r.stage,
	};
	struct seda_connect_args to = {
		.size = sizeof(to), .stage = self->r.stage,
		.timeout_ns = LONG,
	};

	ASSERT_EQ(0, tcp_pair(fd));
	adopt.fd = fd[0];
	/* there is something to be told of at once */
	ASSERT_EQ(1, write(fd[1], "x", 1));
	UNANSWERED(SEDA_IOC_ADOPT, adopt);
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(adopt.source, self->r.ev.source);
	EXPECT_EQ(SEDA_EV_IN, self->r.ev.events);
	EXPECT_EQ(1, self->r.ev.len);
	to.peer = addr_v4(port);
	UNANSWERED(SEDA_IOC_CONNECT, to);
	UNANSWERED(SEDA_IOC_LISTEN, listener);
}

TEST_F(app, other_sources)
{
	struct seda_adopt_args udp = {
		.size = sizeof(udp), .stage = self->r.stage,
		.fd = socket(AF_INET, SOCK_DGRAM, 0),
	};
	struct seda_timer_args timer = {
		.size = sizeof(timer), .stage = self->r.stage, .first_ns = 1,
		.period_ns = 20000,
	};
	struct seda_watch_args watch = {
		.size = sizeof(watch), .stage = self->r.stage, .mask = POLLIN,
	};
	struct seda_file_args file = {
		.size = sizeof(file), .stage = self->r.stage,
		.fd = memfd_create("answer", 0),
	};
	int p[2];

	ASSERT_EQ(0, pipe(p));
	watch.fd = p[0];
	UNANSWERED(SEDA_IOC_ADOPT, udp);
	UNANSWERED(SEDA_IOC_TIMER, timer);
	UNANSWERED(SEDA_IOC_WATCH, watch);
	UNANSWERED(SEDA_IOC_FILE, file);
	ASSERT_EQ(1, write(p[1], "x", 1));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_READY));
	EXPECT_EQ(watch.source, self->r.ev.source);
}

TEST(setup)
{
	struct seda_setup_args a = { .size = sizeof(a) };
	struct app app = { .fd = open("/dev/seda", O_RDWR) };

	ASSERT_LE(0, app.fd);
	EXPECT_EQ(-EFAULT, call_unanswered(&app, SEDA_IOC_SETUP, &a, sizeof(a)));
	EXPECT_EQ(0, app_call(&app, SEDA_IOC_SETUP, &a));
	EXPECT_NE(0, a.arena_size);
	EXPECT_EQ(0, close(app.fd));
}

TEST_HARNESS_MAIN
