// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2 --timeout 600
 *
 * Sources that are linked while others of their stage are harvested, all too few
 * for a batch, and the delay is set anew: each comes when it is over, and none
 * waits for ever, nor is without an age.
 */
#include "tests/stress/stress.h"

#define WORKERS	2
#define CLIENTS	3
#define CONNS	16	/* more than a batch, most of them silent */

static struct app app;

static void *echoes(void *arg)
{
	struct worker w;
	int i, n;

	need(!worker_join(&app, &w));
	for (;;) {
		n = enter_some(&w, 1, SEDA_FOREVER);
		need(n >= 0);
		for (i = 0; i < n; i++)
			worker_echo(&w, &w.events[i]);
	}
	return NULL;
}

static long rounds;
/* The delay is left alone. */
static bool over;

static void *asks(void *arg)
{
	int fd = (intptr_t)arg;
	char byte;
	long i;

	for (i = 0; i < rounds; i++) {
		/* from here on what nobody waits for any more stays so */
		if (i == rounds / 2)
			__atomic_store_n(&over, true, __ATOMIC_RELAXED);
		byte = i;
		need(write(fd, &byte, 1) == 1);
		need(read(fd, &byte, 1) == 1 && byte == (char)i);
	}
	return NULL;
}

static struct seda_stage_args policy = {
	.size = sizeof(policy), .min_batch = CLIENTS + 1, .max_delay_ns = 20000,
};

static long unknown_age;

/* What is pending and left alone for as long as it takes to look has an age. */
static void look_at_age(void)
{
	const volatile struct seda_stage_counters *c =
		app_counters(&app, policy.stage);
	uint64_t harvests = c->harvests, linked = c->linked;
	int i;

	/* its CPU may be stopped, between the counts and the age */
	for (i = 0; i < 40; i++) {
		if (!c->pending || c->oldest_ns || c->harvests != harvests ||
		    c->linked != linked)
			return;
		sleep_ns(50000000);
	}
	unknown_age++;
}

/* Long delays in between: only what is set last counts. */
static void *sets(void *arg)
{
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		policy.max_delay_ns = 3600 * SECOND;
		need(!app_call(&app, SEDA_IOC_STAGE_SET, &policy));
		look_at_age();
		policy.max_delay_ns = 20000;
		need(!app_call(&app, SEDA_IOC_STAGE_SET, &policy));
		look_at_age();
		sleep_ns(500000);
	}
	return NULL;
}

int main(void)
{
	struct seda_pool_args pool = {
		.size = sizeof(pool), .concurrency = WORKERS,
	};
	pthread_t client[CLIENTS], setter;
	int fd[CONNS][2], i;
	uint64_t stage;

	begin(2);
	rounds = count_here(5000);
	need(!app_open(&app, NULL) && !app_stage(&app, &policy, &stage));
	policy.stage = stage;
	pool.pool = app.pool;
	need(!app_call(&app, SEDA_IOC_POOL_SET, &pool));
	for (i = 0; i < CONNS; i++) {
		need(!tcp_pair(fd[i]));
		need(!app_adopt(&app, fd[i][0], stage, 0, 0, NULL));
	}
	for (i = 0; i < WORKERS; i++)
		thread(echoes, NULL);
	setter = thread(sets, NULL);
	for (i = 0; i < CLIENTS; i++)
		client[i] = thread(asks, (void *)(intptr_t)fd[i][1]);
	for (i = 0; i < CLIENTS; i++)
		pthread_join(client[i], NULL);
	pthread_join(setter, NULL);
	claim(true, "%ld times for each of %d clients\n", rounds, CLIENTS);
	claim(!unknown_age, "what waited had an age, but %ld times\n", unknown_age);
	return end();
}
