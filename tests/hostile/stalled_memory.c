// SPDX-License-Identifier: GPL-2.0
/*
 * A call on memory that never answers (userfaultfd, a file of FUSE) blocks nothing
 * but itself and its own connection, wherever it touches that memory, and the
 * process can be killed.
 */
#include <kselftest_harness.h>

#include "tests/lib/stages.h"
#include "tests/lib/stuck.h"
#include "tests/lib/stuck_file.h"

static struct rig r;
static uint64_t first, second;
static int first_peer, second_peer;
static char *stuck;
static struct stuck_file file;	/* whose memory it is, if there is a server */

static void stuck_send(struct worker *w)
{
	struct seda_op *op = worker_op(w, SEDA_OP_SEND, first);

	op->addr = (uintptr_t)stuck;
	op->len = 100;
	worker_enter(w, 0, 0);
}

static void stuck_vector(struct worker *w)
{
	struct seda_op *op = worker_op(w, SEDA_OP_SEND, first);

	op->addr = (uintptr_t)stuck;
	op->len = 2;
	op->flags = SEDA_SEND_VEC;
	worker_enter(w, 0, 0);
}

static void stuck_receive(struct worker *w)
{
	struct seda_op *op;

	if (write(first_peer, "data", 4) != 4 ||
	    worker_enter(w, 1, SEDA_FOREVER) != 1)
		return;
	op = worker_op(w, SEDA_OP_RECV, first);
	op->addr = (uintptr_t)stuck;
	op->len = 100;
	worker_enter(w, 0, 0);
}

static void stuck_mask(struct worker *w)
{
	struct seda_enter_args a = {
		.size = sizeof(a), .worker = w->id, .min_events = 1,
		.timeout_ns = SEDA_FOREVER, .sigset_size = 8,
		.sigmask = (uintptr_t)stuck,
	};

	app_call(&r.app, SEDA_IOC_ENTER, &a);
}

static void stuck_argument(struct worker *w)
{
	app_call(&r.app, SEDA_IOC_STAGE_CREATE, stuck);
}

/* This one can be read, but not written. */
static void stuck_answer(struct worker *w)
{
	app_call(&r.app, SEDA_IOC_STAGE_CREATE, stuck);
}

static const struct {
	const char *name;
	void (*run)(struct worker *w);
} places[] = {
	{ "data of a SEND", stuck_send },
	{ "vector of a SEND", stuck_vector },
	{ "target of a RECV", stuck_receive },
	{ "signal mask", stuck_mask },
	{ "argument", stuck_argument },
	{ "answer", stuck_answer },
};

#define PLACES	(sizeof(places) / sizeof(places[0]))

static void *is_stuck(void *arg)
{
	struct worker w;

	if (!worker_join(&r.app, &w))
		places[(intptr_t)arg].run(&w);
	return NULL;
}

static int make_stuck(size_t place)
{
	const struct seda_stage_args a = {
		.size = sizeof(a), .pool = r.app.pool,
	};

	if (file.server) {
		stuck = file.memory;
		return file.touched;
	}
	if (places[place].run != stuck_answer)
		return stuck_make(&stuck);
	return stuck_protect(&stuck, &a, sizeof(a));
}

/* The child: 0, or the line. */
static int child(int sock, size_t place)
{
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 4 };
	struct seda_source_info_args info;
	uint64_t id, stage;
	pthread_t thread;
	char text[4096], back[8], byte;
	int own, fd;

	MUST(!rig_open(&r, NULL, NULL));
	fd = make_stuck(place);
	if (fd < 0)
		return 4;
	/* the one that is stuck runs, as far as the pool knows */
	pool.pool = r.app.pool;
	MUST(!app_call(&r.app, SEDA_IOC_POOL_SET, &pool));
	MUST(!rig_pair(&r, SEDA_SOURCE_NOBUF, &first, &own, &first_peer));
	MUST(!rig_pair(&r, 0, &second, &own, &second_peer));
	pthread_create(&thread, NULL, is_stuck, (void *)place);
	MUST(!stuck_await(fd));
	/* all else goes on */
	MUST(rig_send(&r, second, "x", 1, 0) == 1);
	MUST(read(second_peer, back, 8) == 1);
	MUST(write(second_peer, "y", 1) == 1);
	MUST(rig_await(&r, SEDA_EV_IN));
	MUST(!app_timer(&r.app, r.stage, 1, 0, &id));
	MUST(rig_await(&r, SEDA_EV_TIMER));
	MUST(!app_stage(&r.app, NULL, &stage));
	MUST(!app_id_call(&r.app, SEDA_IOC_STAGE_DESTROY, stage, 0));
	MUST(!app_source_info(&r.app, second, &info));
	app_fdinfo(&r.app, text, sizeof(text));
	byte = r.app.fd;
	MUST(write(sock, &byte, 1) == 1);
	for (;;)
		pause();
}

static int other_app(void)
{
	struct rig o;
	uint64_t id;
	int own, peer;

	MUST(!rig_open(&o, NULL, NULL));
	MUST(!rig_pair(&o, 0, &id, &own, &peer));
	MUST(rig_send(&o, id, "x", 1, 0) == 1);
	rig_close(&o);
	return 0;
}

/* 0, 4 (it cannot be done here), or the line that failed, in the child or here. */
static int blocks_nobody_else(size_t place)
{
	char path[64], byte, text[256];
	int s[2], status, fd;
	pid_t pid;

	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	pid = fork();
	if (!pid) {
		close(s[0]);
		_exit(child(s[1], place));
	}
	close(s[1]);
	if (read(s[0], &byte, 1) != 1) {
		waitpid(pid, &status, 0);
		return WEXITSTATUS(status) ?: __LINE__;
	}
	MUST(!other_app());
	/* who looks at it from outside is not blocked */
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, byte);
	fd = open(path, O_RDONLY);
	MUST(read(fd, text, sizeof(text)) > 0);
	close(fd);
	close(s[0]);
	kill(pid, SIGKILL);
	MUST(waitpid(pid, &status, 0) == pid);
	MUST(await_gone());
	return 0;
}

/* The same by a file. */
static int as_a_file(size_t place)
{
	int ret = stuck_file_make(&file);

	if (!ret) {
		ret = blocks_nobody_else(place);
		stuck_file_end(&file);
	}
	file.server = 0;
	return ret;
}

TEST(it_blocks_nobody_else)
{
	size_t i;
	int ret;

	for (i = 0; i < PLACES; i++) {
		ret = blocks_nobody_else(i);
		if (ret == 4)
			SKIP(return, "no userfaultfd");
		EXPECT_EQ(0, ret) {
			TH_LOG("%s", places[i].name);
		}
	}
}

TEST(nor_does_a_file_that_is_not_read)
{
	size_t i;
	int ret;

	for (i = 0; i < PLACES; i++) {
		/* who has read a page of a file does not wait to write it */
		if (places[i].run == stuck_answer)
			continue;
		ret = as_a_file(i);
		EXPECT_EQ(0, ret) {
			TH_LOG("%s", places[i].name);
		}
	}
}

TEST_HARNESS_MAIN
