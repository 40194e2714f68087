// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: a pool's threads are as many as the CPUs allowed, bound to them and of
 * the scheduling policy that was asked for.
 *
 * vm: --smp 4
 */
#include <semaphore.h>

#include "sedak_test.h"

#define MANY	16

/* ------------------------------------------------------------------ policy */

/*
 * The worker is kept in the gate's handler until all bytes have been sent, so that
 * it finds them together.
 */
struct gate {
	struct box *box;
	struct sedak_stage *stage;
	int fd[MANY];
	unsigned int bytes;
	pthread_barrier_t in, out;
	int policy;		/* of the worker, as it saw it in the gate */
};

static void gate_handler(struct sedak_stage *stage, struct sedak_event *ev,
			 unsigned int n)
{
	struct gate *g = sedak_stage_state(stage);

	g->policy = sched_getscheduler(0);
	pthread_barrier_wait(&g->in);
	pthread_barrier_wait(&g->out);
}

static bool gate_open(struct gate *g, unsigned int sched)
{
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = 1,
				      .sched = sched };
	struct sedak_stage_opts so = { .size = sizeof(so), .state = g,
				       .handler = gate_handler };
	struct sedak_rt *rt = rt_new(1);
	uint16_t port;
	int i;

	memset(g, 0, sizeof(*g));
	pthread_barrier_init(&g->in, NULL, 2);
	pthread_barrier_init(&g->out, NULL, 2);
	g->box = box_new();
	g->box->rt = rt;
	if (sedak_pool_create(rt, &po, &so.pool) ||
	    sedak_stage_create(rt, &so, &g->stage))
		return false;
	so.handler = box_handler;
	so.state = g->box;
	if (sedak_stage_create(rt, &so, &g->box->stage))
		return false;
	port = listen_on(g->box->stage);
	if (sedak_rt_start(rt))
		return false;
	for (i = 0; i < MANY; i++)
		g->fd[i] = dial(port);
	return box_wait(g->box, SEDAK_EV_ACCEPT, MANY);
}

/* So many batches of n events */
static bool batches(struct gate *g, unsigned int times, int n)
{
	int i;

	while (times--) {
		if (sedak_stage_post(g->stage, NULL))
			return false;
		pthread_barrier_wait(&g->in);
		for (i = 0; i < n; i++)
			if (!give(g->fd[i], "x", 1))
				return false;
		g->bytes += (unsigned int)n;
		pthread_barrier_wait(&g->out);
		if (!box_wait_bytes(g->box, g->bytes))
			return false;
	}
	return true;
}

static void gate_close(struct gate *g)
{
	int i;

	for (i = 0; i < MANY; i++)
		close(g->fd[i]);
	server_end(g->box);
}

/* It is looked at each 64 batches, and averaged over some 16. */
#define LONG	150

TEST(automatic)
{
	struct gate g;

	ASSERT_TRUE(gate_open(&g, SEDAK_SCHED_AUTO));
	ASSERT_TRUE(batches(&g, 1, 1));
	EXPECT_EQ(SCHED_OTHER, g.policy);
	ASSERT_TRUE(batches(&g, LONG, MANY));
	EXPECT_EQ(SCHED_BATCH, g.policy);
	ASSERT_TRUE(batches(&g, LONG, 1));
	EXPECT_EQ(SCHED_OTHER, g.policy);
	gate_close(&g);
}

TEST(normal)
{
	struct gate g;

	ASSERT_TRUE(gate_open(&g, SEDAK_SCHED_NORMAL));
	ASSERT_TRUE(batches(&g, LONG, MANY));
	EXPECT_EQ(SCHED_OTHER, g.policy);
	gate_close(&g);
}

TEST(batch)
{
	struct gate g;

	ASSERT_TRUE(gate_open(&g, SEDAK_SCHED_BATCH));
	ASSERT_TRUE(batches(&g, LONG, 1));
	EXPECT_EQ(SCHED_BATCH, g.policy);
	gate_close(&g);
}

/* -------------------------------------------------------------------- CPUs */

struct seen {
	pthread_barrier_t all;
	pthread_mutex_t lock;
	int on[CPU_SETSIZE];	/* workers that may run on this CPU */
	int only;		/* that may on one alone */
};

/* Returns when every worker is in it: each is seen once. */
static void look(struct sedak_stage *stage, struct sedak_event *ev,
		 unsigned int n)
{
	struct seen *seen = sedak_stage_state(stage);
	cpu_set_t set;
	int i;

	sched_getaffinity(0, sizeof(set), &set);
	pthread_mutex_lock(&seen->lock);
	for (i = 0; i < CPU_SETSIZE; i++)
		seen->on[i] += !!CPU_ISSET(i, &set);
	seen->only += CPU_COUNT(&set) == 1;
	pthread_mutex_unlock(&seen->lock);
	pthread_barrier_wait(&seen->all);
}

static struct seen *look_at(struct sedak_rt *rt, struct sedak_pool *pool, int n)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct sedak_stage_opts so = { .size = sizeof(so), .handler = look,
				       .max_batch = 1, .pool = pool,
				       .state = seen };
	struct sedak_stage *s;
	int i;

	pthread_mutex_init(&seen->lock, NULL);
	pthread_barrier_init(&seen->all, NULL, (unsigned int)n + 1);
	if (sedak_stage_create(rt, &so, &s) || sedak_rt_start(rt))
		abort();
	for (i = 0; i < n; i++)
		if (sedak_stage_post(s, NULL))
			abort();
	pthread_barrier_wait(&seen->all);
	sedak_rt_stop(rt);	/* the last has left the handler */
	return seen;
}

/* The CPUs this thread may use, every second one of them if there are more */
static cpu_set_t fewer_cpus(const cpu_set_t *all)
{
	cpu_set_t set;
	int i, n = 0;

	CPU_ZERO(&set);
	for (i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, all) && n++ % 2 == 0)
			CPU_SET(i, &set);
	return set;
}

static void *ends_when_told(void *sem)
{
	sem_wait(sem);
	return NULL;
}

TEST(one_for_each_allowed_cpu)
{
	struct sedak_pool_stats ps = { .size = sizeof(ps) };
	struct sedak_pool *pool;
	cpu_set_t all, fewer;
	struct sedak_rt *rt;
	int n, threads;
	pthread_t t;
	sem_t end;

	/* with the first thread a sanitizer's own may come */
	sem_init(&end, 0, 0);
	ASSERT_EQ(0, pthread_create(&t, NULL, ends_when_told, &end));
	threads = nr_threads() - 1;
	sem_post(&end);
	pthread_join(t, NULL);
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	if (CPU_COUNT(&all) < 2)
		SKIP(return, "one CPU");
	fewer = fewer_cpus(&all);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(fewer), &fewer));
	n = CPU_COUNT(&fewer);
	/* the default pool, and one of the program's */
	rt = rt_new(0);
	ASSERT_EQ(0, sedak_pool_create(rt, NULL, &pool));
	ASSERT_EQ(0, sedak_pool_get_stats(sedak_rt_pool(rt, 0), &ps));
	EXPECT_EQ(n, ps.workers);
	ASSERT_EQ(0, sedak_pool_get_stats(pool, &ps));
	EXPECT_EQ(n, ps.workers);
	ASSERT_EQ(0, sedak_rt_start(rt));
	threads += 2 * n;
	EXPECT_TRUE(until(are_threads, &threads));
	sedak_rt_destroy(rt);
}

/* More workers than CPUs: each is bound to one, and they are shared out evenly. */
TEST(pinned)
{
	struct sedak_pool_opts po = { .size = sizeof(po),
				      .flags = SEDAK_POOL_PIN };
	struct sedak_rt *rt = rt_new(1);
	struct sedak_pool *pool;
	cpu_set_t all, fewer;
	struct seen *seen;
	int i, n;

	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	fewer = fewer_cpus(&all);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(fewer), &fewer));
	n = 2 * CPU_COUNT(&fewer);
	po.workers = (unsigned int)n;
	ASSERT_EQ(0, sedak_pool_create(rt, &po, &pool));
	seen = look_at(rt, pool, n);
	EXPECT_EQ(n, seen->only);
	for (i = 0; i < CPU_SETSIZE; i++)
		EXPECT_EQ(CPU_ISSET(i, &fewer) ? 2 : 0, seen->on[i]);
	free(seen);
	sedak_rt_destroy(rt);
}

TEST(not_pinned)
{
	struct sedak_rt *rt = rt_new(3);
	cpu_set_t all;
	struct seen *seen;
	int i;

	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	seen = look_at(rt, NULL, 3);
	for (i = 0; i < CPU_SETSIZE; i++)
		EXPECT_EQ(CPU_ISSET(i, &all) ? 3 : 0, seen->on[i]);
	free(seen);
	sedak_rt_destroy(rt);
}

TEST_HARNESS_MAIN
