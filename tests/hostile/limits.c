// SPDX-License-Identifier: GPL-2.0
/* What a user may take is bounded, and is given back. */
#include <kselftest_harness.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/lib/seda_rig.h"

static int put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);
	int ret = fd < 0 || write(fd, value, strlen(value)) < 0 ? -errno : 0;

	close(fd);
	return ret;
}

#define PARAM	"/sys/module/seda/parameters/"

FIXTURE(limits) {
	int unused;
};

FIXTURE_SETUP(limits)
{
}

/* Also when a test has failed. */
FIXTURE_TEARDOWN(limits)
{
	EXPECT_EQ(0, put(PARAM "user_apps", "256"));
	EXPECT_EQ(0, put(PARAM "user_sources", "1048576"));
	chmod("/dev/seda", 0600);
}

static int exit_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define MUST(x) do {							\
	if (!(x))							\
		_exit(__LINE__ % 256);					\
} while (0)

TEST_F(limits, locked_memory)
{
	struct rlimit lim = { 1 << 20, 1 << 20 };
	struct seda_setup_args small = {
		.workers = 1, .bufs = 16, .buf_size = 4096,
	};
	struct app app, big;
	pid_t pid = fork();

	if (!pid) {
		setrlimit(RLIMIT_MEMLOCK, &lim);
		chmod("/dev/seda", 0666);
		MUST(!setgid(65534) && !setuid(65534));
		MUST(app_open(&big, NULL) == -ENOMEM);
		MUST(!app_open(&app, &small));
		/* together they count, and what was freed does not */
		small.bufs = 240;
		MUST(app_open(&big, &small) == -ENOMEM);
		app_close(&app);
		small.bufs = 200;
		MUST(!app_open(&big, &small));
		app_close(&big);
		/* they count as long as one page of it is mapped */
		MUST(!app_open(&app, &small));
		close(app.fd);
		munmap(app.arena, app.setup.arena_size);
		MUST(app_open(&big, &small) == -ENOMEM);
		munmap((void *)app.counters, app.setup.counters_size);
		MUST(!app_open(&big, &small));
		_exit(0);
	}
	EXPECT_EQ(0, exit_of(pid));
	/* with CAP_IPC_LOCK it does not matter */
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_MEMLOCK, &lim);
		MUST(!app_open(&big, NULL));
		_exit(0);
	}
	EXPECT_EQ(0, exit_of(pid));
}

TEST_F(limits, apps_of_a_user)
{
	int fd[8], i;
	struct app app;

	ASSERT_EQ(0, put(PARAM "user_apps", "8"));
	for (i = 0; i < 8; i++) {
		fd[i] = open("/dev/seda", O_RDWR);
		ASSERT_LE(0, fd[i]);
	}
	EXPECT_EQ(-1, open("/dev/seda", O_RDWR));
	EXPECT_EQ(EMFILE, errno);
	close(fd[3]);
	EXPECT_EQ(0, app_open(&app, NULL));
}

TEST_F(limits, sources_of_a_user)
{
	uint64_t id[4], more;
	struct rig r, other;
	int i;

	ASSERT_EQ(0, put(PARAM "user_sources", "4"));
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_open(&other, NULL, NULL));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, app_timer(&r.app, r.stage, 0, 0, &id[i]));
	EXPECT_EQ(-ENFILE, app_timer(&r.app, r.stage, 0, 0, &more));
	EXPECT_EQ(-ENFILE, app_timer(&other.app, other.stage, 0, 0, &more));
	rig_close(&r);
	EXPECT_EQ(0, app_timer(&other.app, other.stage, 0, 0, &more));
	rig_close(&other);
}

static void *joins(void *arg)
{
	struct worker w;
	int ret = worker_join(arg, &w);

	if (!ret)
		sleep_ms(200);
	return (void *)(long)ret;
}

TEST_F(limits, workers_of_an_app)
{
	struct seda_setup_args setup = { .workers = 2 };
	pthread_t thread[3];
	int i, full = 0;
	struct app app;
	void *ret;

	ASSERT_EQ(0, app_open(&app, &setup));
	for (i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, joins, &app);
	for (i = 0; i < 3; i++) {
		pthread_join(thread[i], &ret);
		full += (long)ret == -ENOSPC;
	}
	EXPECT_EQ(1, full);
	/* the places of threads that exited are free at once */
	for (i = 0; i < 20; i++) {
		pthread_create(&thread[0], NULL, joins, &app);
		if (i % 2) {
			pthread_join(thread[0], &ret);
			ASSERT_EQ(0, (long)ret);
			pthread_join(thread[1], &ret);
			ASSERT_EQ(0, (long)ret);
		}
		thread[1] = thread[0];
	}
	app_close(&app);
}

TEST_HARNESS_MAIN
