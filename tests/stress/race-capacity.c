// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * However many workers take a stage's credits and give them back at a time, in the
 * end there are as many as its capacity.
 */
#include "tests/stress/stress.h"

#define CAPACITY	8
#define POSTS		64
#define WORKERS		3

static struct app app;
static uint64_t stage;
static long came, goal;

/* Never waits, and makes its own work. */
static void *taking(void *arg)
{
	struct worker w;
	int i, n;

	need(!worker_join(&app, &w));
	while (__atomic_load_n(&came, __ATOMIC_RELAXED) < goal) {
		for (i = 0; i < 4; i++)
			worker_op(&w, SEDA_OP_POST, stage);
		n = worker_enter(&w, 0, 0);
		need(n >= 0 && n <= CAPACITY);
		__atomic_add_fetch(&came, n, __ATOMIC_RELAXED);
	}
	need(!worker_leave(&w));
	return NULL;
}

/* All that is left, and then as many as there are credits. */
static int fill(void)
{
	struct worker w;
	int n;

	need(!worker_join(&app, &w));
	while ((n = worker_enter(&w, 0, 0)) > 0)
		came += n;
	need(!n);
	for (n = 0; n < POSTS; n++)
		need(!app_post(&app, stage, 0, 0));
	n = worker_enter(&w, 0, 0);
	need(!worker_leave(&w));
	return n;
}

int main(void)
{
	struct seda_stage_args policy = { .posts = POSTS, .capacity = CAPACITY };
	pthread_t t[WORKERS];
	int i, ret;

	begin(1);
	goal = count_here(200000);
	need(!app_open(&app, NULL) && !app_stage(&app, &policy, &stage));
	for (i = 0; i < WORKERS; i++)
		t[i] = thread(taking, NULL);
	for (i = 0; i < WORKERS; i++)
		pthread_join(t[i], NULL);
	ret = fill();
	need(app_counters(&app, stage)->outstanding == 0);
	ksft_print_msg("%ld posts came; then %d at a time\n", came, ret);
	claim(ret == CAPACITY, "no credit is lost or made\n");
	app_close(&app);
	return end();
}
