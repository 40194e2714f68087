// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * Workers stopped by SIGSTOP, by a debugger or by the freezer, asleep in ENTER,
 * just woken or with a batch: meanwhile they use no CPU, those that are not
 * stopped go on, and afterwards nothing is lost or out of order.
 */
#include <kselftest_harness.h>

#include <dirent.h>
#include <sys/ptrace.h>

#include "tests/lib/memcg.h"
#include "tests/lib/rest.h"
#include "tests/lib/seda_rig.h"

#define WORKERS	3
#define CONNS	8
#define ROUNDS	60
#define CGROUP	CGROUPS "stopped/"

static struct app app;

static void *echoes(void *arg)
{
	struct worker w;
	int i, n;

	if (worker_join(&app, &w))
		_exit(10);
	for (;;) {
		n = worker_enter(&w, 1, SEDA_FOREVER);
		if (n < 0 && n != -EINTR)
			_exit(11);
		for (i = 0; i < n; i++)
			if (w.events[i].events & SEDA_EV_IN)
				worker_echo(&w, &w.events[i]);
	}
}

/* The server; its main thread is no worker. */
static void serve(int listener)
{
	struct seda_pool_args pool = {
		.size = sizeof(pool), .concurrency = WORKERS,
	};
	pthread_t thread;
	uint64_t stage;
	int i;

	if (app_open(&app, NULL) || app_stage(&app, NULL, &stage) ||
	    app_listen(&app, listener, stage, stage, NULL))
		_exit(12);
	pool.pool = app.pool;
	if (app_call(&app, SEDA_IOC_POOL_SET, &pool))
		_exit(13);
	for (i = 0; i < WORKERS; i++)
		pthread_create(&thread, NULL, echoes, NULL);
	pause();
	_exit(14);
}

struct server {
	pid_t pid;
	pid_t tid[WORKERS + 1];		/* the first is the main thread */
	int conn[CONNS];
	uint64_t sent[CONNS], came[CONNS];
};

FIXTURE(stopped) {
	struct server s;
};

static void send_all(struct server *s)
{
	int i;

	for (i = 0; i < CONNS; i++, s->sent[i - 1]++)
		if (write(s->conn[i], &s->sent[i], 8) != 8)
			abort();
}

/* All that was sent comes back, in order. */
static bool all_came(struct server *s)
{
	uint64_t got;
	int i;

	for (i = 0; i < CONNS; i++)
		for (; s->came[i] < s->sent[i]; s->came[i]++)
			if (read_all(s->conn[i], &got, 8) != 8 ||
			    got != s->came[i])
				return false;
	return true;
}

static int find_threads(struct server *s)
{
	struct dirent *entry;
	char path[64];
	int nr = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", s->pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && nr <= WORKERS)
			s->tid[nr++] = atoi(entry->d_name);
	closedir(dir);
	return nr;
}

FIXTURE_SETUP(stopped)
{
	struct server *s = &self->s;
	uint16_t port = 0;
	int i, listener = tcp_listen(&port);

	memset(s, 0, sizeof(*s));
	ASSERT_LE(0, listener);
	s->pid = fork();
	if (!s->pid)
		serve(listener);
	close(listener);
	for (i = 0; i < CONNS; i++) {
		s->conn[i] = tcp_connect(port);
		ASSERT_LE(0, s->conn[i]);
	}
	send_all(s);
	ASSERT_TRUE(all_came(s));
	while (find_threads(s) != WORKERS + 1)
		sleep_ms(1);
}

FIXTURE_TEARDOWN(stopped)
{
	struct server *s = &self->s;
	int i;

	EXPECT_EQ(0, waitpid(s->pid, NULL, WNOHANG));
	kill(s->pid, SIGKILL);
	/* threads of a debugger's, too */
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	for (i = 0; i < CONNS; i++)
		close(s->conn[i]);
}

/* Nanoseconds on a CPU of all threads. */
static uint64_t cpu_time(struct server *s)
{
	uint64_t sum = 0;
	char path[64];
	int i;

	for (i = 0; i <= WORKERS; i++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat",
			 s->pid, s->tid[i]);
		sum += strtoull(get_text(path), NULL, 10);
	}
	return sum;
}

/* One that counts as stopped may have a few steps to go. */
static uint64_t cpu_time_at_rest(struct server *s)
{
	int i;

	for (i = 0; i <= WORKERS; i++)
		while (!at_rest(s->pid, s->tid[i]))
			sleep_ms(1);
	return cpu_time(s);
}

/* Ways to stop and resume the whole server; 0, or the line of what failed. */

#define MUST(x) do {							\
	if (!(x))							\
		return __LINE__;					\
} while (0)

static int signal_stop(struct server *s)
{
	int status;

	MUST(!kill(s->pid, SIGSTOP));
	MUST(waitpid(s->pid, &status, WUNTRACED) == s->pid);
	MUST(WIFSTOPPED(status));
	return 0;
}

static int signal_resume(struct server *s)
{
	MUST(!kill(s->pid, SIGCONT));
	return 0;
}

static int freezer_stop(struct server *s)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", s->pid);
	mkdir(CGROUP, 0755);
	MUST(!put_text(CGROUP "cgroup.procs", pid));
	MUST(!put_text(CGROUP "cgroup.freeze", "1"));
	while (!strstr(get_text(CGROUP "cgroup.events"), "frozen 1"))
		sleep_ms(1);
	return 0;
}

static int freezer_resume(struct server *s)
{
	MUST(!put_text(CGROUP "cgroup.freeze", "0"));
	return 0;
}

static int debugger_stop_one(pid_t tid)
{
	int status;

	MUST(!ptrace(PTRACE_SEIZE, tid, NULL, NULL));
	MUST(!ptrace(PTRACE_INTERRUPT, tid, NULL, NULL));
	MUST(waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status));
	return 0;
}

static int debugger_stop(struct server *s)
{
	int i, ret = 0;

	for (i = 0; i <= WORKERS && !ret; i++)
		ret = debugger_stop_one(s->tid[i]);
	return ret;
}

static int debugger_resume(struct server *s)
{
	int i;

	for (i = 0; i <= WORKERS; i++)
		MUST(!ptrace(PTRACE_DETACH, s->tid[i], NULL, NULL));
	return 0;
}

/* A moment: asleep (0), or somewhere between the wake-up and the last answer. */
static void await_moment(struct server *s, int i)
{
	volatile int spin;

	if (i % 3 == 0) {
		sleep_ms(10);
		return;
	}
	send_all(s);
	for (spin = 0; spin < i * 7919 % 60000; spin++)
		;
}

/* The line that failed, or 0. */
static int stop_and_go(struct server *s,
		       int (*stop)(struct server *),
		       int (*resume)(struct server *))
{
	uint64_t used;
	int i, ret;

	for (i = 0; i < ROUNDS; i++) {
		await_moment(s, i);
		ret = stop(s);
		if (ret)
			return ret;
		used = cpu_time_at_rest(s);
		send_all(s);
		sleep_ms(5);
		MUST(cpu_time(s) == used);
		ret = resume(s);
		if (ret)
			return ret;
		MUST(all_came(s));
	}
	return 0;
}

TEST_F(stopped, by_a_signal)
{
	EXPECT_EQ(0, stop_and_go(&self->s, signal_stop, signal_resume));
}

TEST_F(stopped, by_the_freezer)
{
	EXPECT_EQ(0, stop_and_go(&self->s, freezer_stop, freezer_resume));
}

TEST_F(stopped, by_a_debugger)
{
	EXPECT_EQ(0, stop_and_go(&self->s, debugger_stop, debugger_resume));
}

/* Asleep they have nothing that is lost to the others. */
TEST_F(stopped, the_others_go_on)
{
	int i, left;
	pid_t tid;

	for (i = 0; i < ROUNDS; i++) {
		sleep_ms(10);
		/* all workers but one */
		for (left = 1; left < WORKERS; left++) {
			tid = self->s.tid[1 + (i + left) % WORKERS];
			ASSERT_EQ(0, debugger_stop_one(tid));
		}
		send_all(&self->s);
		ASSERT_TRUE(all_came(&self->s));
		for (left = 1; left < WORKERS; left++) {
			tid = self->s.tid[1 + (i + left) % WORKERS];
			ASSERT_EQ(0, ptrace(PTRACE_DETACH, tid, NULL, NULL));
		}
	}
}

/* Killed while it is stopped it goes as any other. */
TEST_F(stopped, killed)
{
	EXPECT_EQ(0, debugger_stop(&self->s));
	send_all(&self->s);
}

TEST_HARNESS_MAIN
