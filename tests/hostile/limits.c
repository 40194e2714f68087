// SPDX-License-Identifier: GPL-2.0
/* What a user may take is bounded, and is given back. */
#include <kselftest_harness.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/lib/must.h"
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

#define PAGE	4096

/* With one locked page for each of so many buffers, and a few for the rest. */
static int open_bufs(struct app *app, unsigned long bufs)
{
	struct seda_setup_args a = {
		.workers = 1, .events = 1, .ops = 1, .bufs = bufs,
		.buf_size = PAGE, .sources = 1,
	};

	return app_open(app, &a);
}

/* By another process of the same user: its errno. */
static int other_opens(unsigned long bufs)
{
	struct app app;
	pid_t pid = fork();

	if (!pid)
		_exit(-open_bufs(&app, bufs));
	return exit_of(pid);
}

/* A SETUP that is right, but that cannot be answered. */
static int setup_unanswered(int fd, const struct seda_setup_args *setup)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct app app = { .fd = fd };

	MUST(page != MAP_FAILED);
	memcpy(page, setup, sizeof(*setup));
	MUST(!mprotect(page, PAGE, PROT_READ));
	return app_call(&app, SEDA_IOC_SETUP, page);
}

/* Of a user with room for the rest of two apps and 100 buffers. */
static void fills_to_the_page(unsigned long rest)
{
	struct seda_info_args info = { .size = sizeof(info) };
	struct seda_setup_args most;
	struct app a, b;

	MUST(open_bufs(&a, 101 + rest) == -ENOMEM);
	MUST(!open_bufs(&a, 100 + rest));
	most = a.setup;
	MUST(!app_call(&a, SEDA_IOC_INFO, &info));
	MUST(info.max_arena_pages == 100 + 2 * rest);
	MUST(open_bufs(&b, 1) == -ENOMEM);
	/* by the page of it that is mapped longest, all of it counts */
	close(a.fd);
	munmap((void *)a.counters, a.setup.counters_size);
	munmap(a.arena, a.setup.arena_size - PAGE);
	MUST(open_bufs(&b, 1) == -ENOMEM);
	munmap(a.arena + a.setup.arena_size - PAGE, PAGE);
	/* in two apps, and processes */
	MUST(!open_bufs(&a, 60));
	MUST(other_opens(41) == ENOMEM);
	MUST(other_opens(40) == 0);
	MUST(open_bufs(&b, 41) == -ENOMEM);
	MUST(!open_bufs(&b, 40));
	MUST(other_opens(1) == ENOMEM);
	app_close(&a);
	app_close(&b);
	/* what was allocated for nothing is given back at once */
	a.fd = open("/dev/seda", O_RDWR | O_CLOEXEC);
	most.counters_size = most.arena_size = most.bufs_off = 0;
	most.worker_stride = most.ctl_off = most.ops_off = 0;
	MUST(setup_unanswered(a.fd, &most) == -EFAULT);
	MUST(!open_bufs(&b, 100 + rest));
	MUST(setup_unanswered(a.fd, &most) == -ENOMEM);
}

TEST_F(limits, locked_memory_to_the_page)
{
	unsigned long rest;
	struct rlimit lim;
	struct app app;
	pid_t pid;
	int i;

	ASSERT_EQ(0, open_bufs(&app, 1));
	rest = (app.setup.arena_size + app.setup.counters_size) / PAGE - 1;
	app_close(&app);
	/* a part of a page is none */
	lim.rlim_cur = lim.rlim_max = (100 + 2 * rest) * PAGE + PAGE - 1;
	chmod("/dev/seda", 0666);
	/* the second one begins with nothing, however the first one ended */
	for (i = 0; i < 2; i++) {
		pid = fork();
		if (!pid) {
			MUST(!setrlimit(RLIMIT_MEMLOCK, &lim));
			MUST(!setgid(65534) && !setuid(65534));
			fills_to_the_page(rest);
			_exit(0);
		}
		EXPECT_EQ(0, exit_of(pid));
	}
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

/* A process that makes a timer each time that it is asked, and tells how it went. */
struct taker {
	pid_t pid;
	int sock;
};

static void makes_timers(int sock, uid_t uid)
{
	struct seda_setup_args small = { .workers = 1, .bufs = 1 };
	uint64_t id;
	struct rig r;
	int ret;

	MUST(!setgid(uid) && !setuid(uid));
	MUST(!rig_open(&r, &small, NULL));
	while (read(sock, &ret, sizeof(ret)) == sizeof(ret)) {
		ret = app_timer(&r.app, r.stage, 0, 0, &id);
		MUST(write(sock, &ret, sizeof(ret)) == sizeof(ret));
	}
	_exit(0);
}

static int taker_start(struct taker *t, uid_t uid)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s))
		return -errno;
	t->sock = s[0];
	t->pid = fork();
	if (!t->pid) {
		close(s[0]);
		makes_timers(s[1], uid);
	}
	close(s[1]);
	return t->pid < 0 ? -errno : 0;
}

/* Takes until it gets no more: how many it got, or another error than -ENFILE. */
static int take_all(struct taker *t)
{
	int n = 0, ret;

	for (;;) {
		ret = 0;
		if (write(t->sock, &ret, sizeof(ret)) != sizeof(ret) ||
		    read(t->sock, &ret, sizeof(ret)) != sizeof(ret))
			return -EPIPE;
		if (ret)
			return ret == -ENFILE ? n : ret;
		n++;
	}
}

static void taker_kill(struct taker *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	close(t->sock);
}

TEST_F(limits, sources_of_a_users_processes)
{
	struct taker first, second, other;

	chmod("/dev/seda", 0666);
	ASSERT_EQ(0, put(PARAM "user_sources", "5"));
	ASSERT_EQ(0, taker_start(&first, 65534));
	ASSERT_EQ(0, taker_start(&second, 65534));
	ASSERT_EQ(0, taker_start(&other, 65533));
	EXPECT_EQ(5, take_all(&first));
	/* together they may have three more; another user does not matter */
	ASSERT_EQ(0, put(PARAM "user_sources", "8"));
	EXPECT_EQ(3, take_all(&second));
	EXPECT_EQ(0, take_all(&first));
	EXPECT_EQ(8, take_all(&other));
	/* what one had is the other's when it is gone */
	taker_kill(&first);
	EXPECT_EQ(5, take_all(&second));
	EXPECT_EQ(0, take_all(&other));
	taker_kill(&second);
	ASSERT_EQ(0, taker_start(&first, 65534));
	EXPECT_EQ(8, take_all(&first));
	taker_kill(&first);
	taker_kill(&other);
}

static volatile bool leave;
static volatile int joined, full, done;

/* Stays until it may leave. */
static void *joins(void *arg)
{
	struct worker w;
	int ret = worker_join(arg, &w);

	if (ret == -ENOSPC)
		__sync_add_and_fetch(&full, 1);
	else if (!ret)
		__sync_add_and_fetch(&joined, 1);
	__sync_add_and_fetch(&done, 1);
	while (!ret && !leave)
		sleep_ms(1);
	return (void *)(long)ret;
}

TEST_F(limits, workers_of_an_app)
{
	struct seda_setup_args setup = { .workers = 2 };
	pthread_t thread[3];
	struct app app;
	uint64_t end;
	void *ret;
	int i;

	ASSERT_EQ(0, app_open(&app, &setup));
	for (i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, joins, &app);
	end = now_ns() + LONG;
	while (done < 3 && now_ns() < end)
		sleep_ms(1);
	/* one that waits for a place comes when the others have left */
	EXPECT_EQ(2, joined);
	leave = true;
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
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

#define MOST	SEDA_MAX_WORKERS

struct crowd {
	struct app app;
	pthread_t thread[MOST];
};

/* Sleeps until it has one event; NULL when all went well. */
static void *parks(void *arg)
{
	struct crowd *c = arg;
	struct worker w;
	int n;

	if (worker_join(&c->app, &w))
		return "it cannot join";
	do {
		n = worker_enter_max(&w, 1, 1, SEDA_FOREVER);
	} while (n == -EINTR);
	return n == 1 && w.events[0].events == SEDA_EV_POST ? NULL :
							      "no event";
}

/* All of them sleep, are woken, and exit; between, the caller finds no place. */
static const char *crowd_round(struct crowd *c, uint64_t stage)
{
	const char *wrong = NULL;
	pthread_attr_t attr;
	struct worker more;
	void *ret;
	int i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (i = 0; i < MOST; i++)
		if (pthread_create(&c->thread[i], &attr, parks, c))
			return "too few threads";
	while (app_parked(&c->app) != MOST)
		sleep_ms(1);
	if (worker_join(&c->app, &more) != -ENOSPC)
		wrong = "one more can join";
	if (c->app.counters->workers != MOST)
		wrong = "their number is wrong";
	for (i = 0; i < MOST; i++)
		if (app_post(&c->app, stage, 0, 0))
			wrong = "no place for a post";
	for (i = 0; i < MOST; i++) {
		pthread_join(c->thread[i], &ret);
		wrong = ret ?: wrong;
	}
	return wrong;
}

/* The second round gets the places of the first, as do those who leave. */
TEST_F(limits, as_many_workers_as_there_can_be)
{
	struct seda_stage_args policy = { .posts = MOST };
	struct seda_setup_args setup = {
		.workers = MOST + 1, .events = 1, .ops = 1, .bufs = 1,
	};
	struct seda_pool_args pool = { .size = sizeof(pool) };
	static struct crowd c;
	struct worker w;
	const char *wrong;
	uint64_t stage;
	int i;

	EXPECT_EQ(-EINVAL, app_open(&c.app, &setup));
	setup.workers = MOST;
	ASSERT_EQ(0, app_open(&c.app, &setup));
	ASSERT_EQ(0, app_stage(&c.app, &policy, &stage));
	pool.pool = c.app.pool;
	pool.concurrency = MOST;
	ASSERT_EQ(0, app_call(&c.app, SEDA_IOC_POOL_SET, &pool));
	for (i = 0; i < 2; i++) {
		wrong = crowd_round(&c, stage);
		ASSERT_EQ(NULL, wrong) {
			TH_LOG("%s", wrong);
		}
	}
	ASSERT_EQ(0, worker_join(&c.app, &w));
	EXPECT_EQ(0, worker_leave(&w));
	app_close(&c.app);
}

TEST_HARNESS_MAIN
