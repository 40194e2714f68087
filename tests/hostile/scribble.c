// SPDX-License-Identifier: GPL-2.0
/*
 * Threads scribble over the shared memory of all workers while these submit a
 * million ops (SEDA_SUBMISSIONS): it hurts its own app alone.
 */
/* vm: --smp 2 --timeout 400 */
#include <kselftest_harness.h>

#include <limits.h>

#include "tests/lib/count.h"
#include "tests/lib/stages.h"

#define WORKERS		2
#define CONNS		16

static struct app app;
static uint64_t stage, known[64];
static volatile uint64_t submitted, accepted;
static uint64_t wanted;
static volatile bool stop;
static int peers[CONNS];
static char memory[65536];

struct rng {
	uint64_t s;
};

static uint64_t rnd(struct rng *r)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return r->s * 2685821657736338717ULL;
}

static uint64_t some_id(struct rng *r)
{
	uint64_t id = known[rnd(r) % 64];

	switch (rnd(r) % 8) {
	case 0:
		return rnd(r);
	case 1:
		return stage;
	case 2:
		return id + rnd(r) % 3;
	}
	return id;
}

static uint64_t some_address(struct rng *r)
{
	switch (rnd(r) % 8) {
	case 0:
		return rnd(r);
	case 1:
		return (uintptr_t)app.counters + rnd(r) % 8192;
	case 2:
		return (uintptr_t)&app.arena[rnd(r) % app.setup.arena_size];
	}
	return (uintptr_t)memory + rnd(r) % 32768;
}

/* An op that may be right, or nearly. */
static void some_op(struct rng *r, struct seda_op *op)
{
	static const uint16_t flags[] = { 0, 0, 0, 0, 1, 2, 3, 4, 8, 0xffff };
	struct seda_op o = { .op = rnd(r) % (SEDA_OP_LAST + 1) };

	o.flags = flags[rnd(r) % 10];
	o.source = some_id(r);
	if (o.op == SEDA_OP_SEND || o.op == SEDA_OP_RECV) {
		o.addr = some_address(r);
		o.len = rnd(r) % (o.flags & SEDA_SEND_VEC ? 70 : 5000);
		o.buf = o.flags & SEDA_SEND_BUF ? rnd(r) % 40 : 0;
		o.user_data = o.op == SEDA_OP_SEND ? rnd(r) : 0;
	} else if (o.op == SEDA_OP_RETURN) {
		o.source = 0;
		o.buf = rnd(r) % 40;
	} else if (o.op == SEDA_OP_ARM && rnd(r) % 2) {
		o.first_ns = rnd(r) % 10000000;
		o.period_ns = rnd(r) % 2 * 20000;
	} else if (o.op == SEDA_OP_CLOSE && rnd(r) % 16) {
		/* or there would be nothing left */
		o.op = SEDA_OP_NOP;
		o.source = 0;
	}
	if (!(rnd(r) % 16))
		((char *)&o)[rnd(r) % sizeof(o)] = rnd(r);
	*op = o;
}

static void *scribbles(void *arg)
{
	struct rng r = { .s = (uintptr_t)arg };
	size_t stride = app.setup.worker_stride;
	char *base;

	while (!stop) {
		base = app.arena + rnd(&r) % WORKERS * stride;
		switch (rnd(&r) % 4) {
		case 0:
			base[rnd(&r) % stride] = rnd(&r);
			break;
		case 1:
			*(uint32_t *)(base + app.setup.ctl_off +
				      rnd(&r) % 64 * 4) = rnd(&r) % 5;
			break;
		default:
			some_op(&r, (struct seda_op *)(base +
				app.setup.ops_off) + rnd(&r) % 64);
		}
	}
	return NULL;
}

static void replenish(struct rng *r)
{
	uint16_t port = 0;
	uint64_t id = 0;
	int i = rnd(r) % CONNS, fd[2], l;

	switch (rnd(r) % 4) {
	case 0:
		app_timer(&app, stage, MS, 20000, &id);
		break;
	case 1:
		l = tcp_listen(&port);
		if (!app_listen(&app, l, stage, stage, &id)) {
			int c = tcp_connect(port);

			if (write(c, "x", 1) == 1)
				sched_yield();
			close(c);
		}
		close(l);
		break;
	default:
		if (tcp_pair(fd))
			break;
		if (peers[i] > 0)
			close(peers[i]);
		peers[i] = fd[1];
		app_adopt(&app, fd[0], stage, 0, rnd(r) % 2, &id);
		if (rnd(r) % 2)
			close(fd[0]);
	}
	if (id)
		known[rnd(r) % 64] = id;
}

static void *works(void *arg)
{
	struct rng r = { .s = (uintptr_t)arg * 77777 };
	bool claim = (uintptr_t)arg % 2;
	struct worker w;
	int i, n;

	if (worker_join_flags(&app, &w, app.pool,
			      claim ? SEDA_WORKER_CLAIM : 0))
		return NULL;
	while (submitted < wanted) {
		n = rnd(&r) % 64 + 1;
		for (i = 0; i < n; i++) {
			some_op(&r, &w.ops[i]);
			w.ops[i].res = INT_MIN;
		}
		w.nr_ops = n;
		if (worker_enter(&w, rnd(&r) % 2, rnd(&r) % 2 * 20000) < 0)
			break;
		__sync_add_and_fetch(&submitted, n);
		for (i = 0; i < n; i++)
			if (w.ops[i].op != SEDA_OP_NOP && w.ops[i].res >= 0)
				__sync_add_and_fetch(&accepted, 1);
		i = rnd(&r) % CONNS;
		if (!(rnd(&r) % 4) && peers[i] > 0 &&
		    send(peers[i], memory, 100, MSG_DONTWAIT) < 0)
			replenish(&r);
		if (!(rnd(&r) % 16))
			recv(peers[i], memory, sizeof(memory), MSG_DONTWAIT);
		if (!(rnd(&r) % 64))
			replenish(&r);
	}
	return NULL;
}

/* In a process of its own, with an app of its own. */
static int hostile(uint64_t seed)
{
	struct seda_setup_args setup = {
		.workers = WORKERS, .bufs = 32, .buf_size = 512, .sources = 256,
	};
	struct seda_stage_args policy = { .posts = 16 };
	pthread_t scribbler, worker[WORKERS];
	struct rng r = { .s = seed };
	uintptr_t i;

	signal(SIGPIPE, SIG_IGN);
	if (app_open(&app, &setup) || app_stage(&app, &policy, &stage))
		return 1;
	for (i = 0; i < 30; i++)
		replenish(&r);
	pthread_create(&scribbler, NULL, scribbles, (void *)(seed | 1));
	for (i = 0; i < WORKERS; i++)
		pthread_create(&worker[i], NULL, works,
			       (void *)((seed >> 8) * 2 + i));
	for (i = 0; i < WORKERS; i++)
		pthread_join(worker[i], NULL);
	stop = true;
	pthread_join(scribbler, NULL);
	app_close(&app);
	fprintf(stderr, "# %llu of %llu ops accepted\n",
		(unsigned long long)accepted, (unsigned long long)submitted);
	return submitted < wanted ? 2 : accepted * 100 < submitted ? 3 : 0;
}

/* A decent app goes on meanwhile. */
static int echo(struct rig *r, int peer, uint64_t id, uint32_t n)
{
	struct seda_op *op;
	uint32_t back;

	if (write(peer, &n, 4) != 4 || !rig_next(r) || r->ev.source != id ||
	    r->ev.seq != n || r->ev.len != 4)
		return -EIO;
	op = worker_echo(&r->w, &r->ev);
	if (rig_submit(r) || op->res != 4)
		return -EIO;
	return read(peer, &back, 4) == 4 && back == n ? 0 : -EIO;
}

TEST(a_million_submissions)
{
	const char *given = getenv("SEDA_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : now_ns();
	uint32_t n = 0;
	struct rig r;
	int peer, own, status;
	uint64_t id;
	pid_t pid;

	wanted = count_of("SEDA_SUBMISSIONS", count_here(1000000));
	TH_LOG("SEDA_SEED=%llu", (unsigned long long)seed);
	pid = fork();
	if (!pid)
		_exit(hostile(seed));
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, 0, &id, &own, &peer));
	while (!waitpid(pid, &status, WNOHANG)) {
		ASSERT_EQ(0, echo(&r, peer, id, n++));
		sleep_ms(2);
	}
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_LT(50, n);
	EXPECT_EQ(1, module_users());
	rig_close(&r);
	EXPECT_TRUE(await_gone());
}

TEST_HARNESS_MAIN
