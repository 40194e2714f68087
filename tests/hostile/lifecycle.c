// SPDX-License-Identifier: GPL-2.0
/* An app is killed, closed, forked ... at every stage of an event. */
/* vm: --timeout 300 */
#include <kselftest_harness.h>

#include "tests/lib/fdpass.h"
#include "tests/lib/stages.h"

/* What the child does when it is there; it does not return when killed. */
typedef int act_fn(struct life *l, int sock);

static int say_ready(int sock)
{
	return write(sock, "r", 1) == 1 ? 0 : __LINE__;
}

static int act_wait(struct life *l, int sock)
{
	MUST(!say_ready(sock));
	for (;;)
		pause();
}

static int act_exit(struct life *l, int sock)
{
	MUST(!say_ready(sock));
	return 0;
}

static int act_close(struct life *l, int sock)
{
	MUST(!close(l->r.app.fd));
	l->r.app.fd = -1;
	sleep_ms(5);
	/* the mappings still keep it */
	MUST(l->r.app.counters->workers >= 1);
	l->r.app.arena[0] = 1;
	app_close(&l->r.app);
	MUST(!say_ready(sock));
	sleep_ms(5);
	return 0;
}

static int act_dup(struct life *l, int sock)
{
	int fd = dup(l->r.app.fd);

	close(l->r.app.fd);
	l->r.app.fd = fd;
	MUST(worker_enter(&l->r.w, 0, 0) >= 0);
	MUST(!say_ready(sock));
	return 0;
}

static int act_fork(struct life *l, int sock)
{
	pid_t parent = getpid(), pid = fork();

	MUST(pid >= 0);
	if (pid)
		return 0;
	/* a child that outlives its parent keeps the app, of no use to it */
	while (getppid() == parent)
		sleep_ms(1);
	if (worker_enter(&l->r.w, 0, 0) != -EPERM ||
	    app_post(&l->r.app, l->r.stage, 0, 0) != -EPERM)
		_exit(1);
	close(l->r.app.fd);
	say_ready(sock);
	_exit(0);
}

static int act_exec(struct life *l, int sock)
{
	MUST(!say_ready(sock));
	fcntl(l->r.app.fd, F_SETFD, 0);
	execl("/bin/true", "true", NULL);
	return __LINE__;
}

static int act_munmap(struct life *l, int sock)
{
	struct app *app = &l->r.app;
	size_t size = app->setup.arena_size;

	/* a hole, then all of it; the kernel has its own mapping */
	MUST(!munmap(app->arena + 4096, 4096));
	MUST(worker_enter(&l->r.w, 0, 0) >= 0);
	MUST(!munmap(app->arena, size));
	MUST(!munmap((void *)app->counters, app->setup.counters_size));
	MUST(worker_enter(&l->r.w, 0, 0) >= 0);
	MUST(worker_enter(&l->r.w, 0, 0) >= 0);
	app->arena = NULL;
	app->counters = NULL;
	MUST(!say_ready(sock));
	return 0;
}

static int act_mremap(struct life *l, int sock)
{
	struct app *app = &l->r.app;
	size_t size = app->setup.arena_size;
	char *to;

	MUST(mremap(app->arena, size, 2 * size, MREMAP_MAYMOVE) == MAP_FAILED);
	to = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mremap(app->arena, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
		    to) == to);
	app->arena = to;
	to[0]++;
	MUST(mremap(to, size, 4096, 0) == to);
	to[0]--;
	app->setup.arena_size = 4096;
	MUST(worker_enter(&l->r.w, 0, 0) >= 0);
	MUST(!close(app->fd));
	app->fd = -1;
	MUST(!say_ready(sock));
	return 0;
}

static int act_pass(struct life *l, int sock)
{
	MUST(!fd_send(sock, l->r.app.fd));
	for (;;)
		pause();
}

/* The application's own descriptor, closed under the source. */
static int act_close_own(struct life *l, int sock)
{
	if (l->own >= 0)
		MUST(!close(l->own));
	MUST(worker_enter(&l->r.w, 0, 0) >= 0);
	MUST(!say_ready(sock));
	return 0;
}

static int act_leave(struct life *l, int sock)
{
	MUST(!worker_leave(&l->r.w));
	MUST(!say_ready(sock));
	return 0;
}

/* Another thread execs while this one is a worker. */
static void *execs(void *arg)
{
	execl("/bin/true", "true", NULL);
	return NULL;
}

static int act_thread_exec(struct life *l, int sock)
{
	pthread_t thread;

	MUST(!say_ready(sock));
	fcntl(l->r.app.fd, F_SETFD, 0);
	pthread_create(&thread, NULL, execs, NULL);
	for (;;)
		pause();
}

/* One stage with one act: 0, or what went wrong. */
static int run(const struct life_stage *stage, act_fn *act, bool murder)
{
	static struct life l;
	int s[2], status, fd = -1;
	char byte;
	pid_t pid;

	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		int ret;

		close(s[0]);
		signal(SIGPIPE, SIG_IGN);
		ret = stage->set_up(&l);
		_exit(ret ? 100 + ret % 100 : act(&l, s[1]) % 100);
	}
	close(s[1]);
	if (act == act_pass)
		fd = fd_receive(s[0]);
	else
		MUST(read(s[0], &byte, 1) == 1 || !murder);
	if (murder)
		kill(pid, SIGKILL);
	MUST(waitpid(pid, &status, 0) == pid);
	if (murder)
		MUST(WIFSIGNALED(status));
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		return 1000 + (WIFEXITED(status) ? WEXITSTATUS(status) : 999);
	if (act == act_pass) {
		struct app app = { .fd = fd };

		MUST(fd >= 0);
		MUST(module_users() == 1);
		MUST(app_call(&app, SEDA_IOC_WORKER_LEAVE, NULL) == -EPERM);
		close(fd);
	}
	close(s[0]);
	MUST(await_gone());
	return 0;
}

#define ACT(title, act, murder)						\
TEST(title)								\
{									\
	unsigned int i;							\
									\
	for (i = 0; i < LIFE_STAGES; i++)				\
		EXPECT_EQ(0, run(&life_stages[i], act, murder)) {	\
			TH_LOG("stage: %s", life_stages[i].name);	\
		}							\
}

ACT(killed, act_wait, true)
ACT(exits, act_exit, false)
ACT(closes, act_close, false)
ACT(closes_a_duplicate, act_dup, false)
ACT(forks_and_dies, act_fork, false)
ACT(execs_a_program, act_exec, false)
ACT(another_thread_execs, act_thread_exec, false)
ACT(unmaps, act_munmap, false)
ACT(remaps, act_mremap, false)
ACT(passes_it_and_is_killed, act_pass, true)
ACT(closes_what_is_watched, act_close_own, false)
ACT(leaves, act_leave, false)

TEST_HARNESS_MAIN
