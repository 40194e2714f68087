// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2 --timeout 600
 *
 * rmmod against open: threads open the device, set an app up with a stage and a
 * worker and close it while the module is unloaded and loaded.  An open finds the
 * device or does not, what it found works to the end, and rmmod is refused or removes
 * all.
 */
#include "tests/stress/module.h"

#define OPENERS	2

static volatile bool stop;
static unsigned long opened, missed, met;

static void use(int fd)
{
	struct seda_setup_args setup = {
		.size = sizeof(setup), .workers = 1, .bufs = 1, .sources = 16,
	};
	struct seda_pool_args pool = { .size = sizeof(pool) };
	struct seda_join_args join = { .size = sizeof(join) };
	struct app app = { .fd = fd };
	uint64_t stage;

	need(!app_call(&app, SEDA_IOC_SETUP, &setup));
	need(!app_call(&app, SEDA_IOC_POOL_CREATE, &pool));
	app.pool = join.pool = pool.pool;
	need(!app_stage(&app, NULL, &stage));
	need(!app_call(&app, SEDA_IOC_WORKER_JOIN, &join));
}

static void *opens(void *arg)
{
	uint64_t state = (uintptr_t)arg;
	int fd;

	while (!stop) {
		fd = open("/dev/seda", O_RDWR | O_CLOEXEC);
		if (fd < 0) {
			need(errno == ENOENT || errno == ENODEV ||
			     errno == ENXIO);
			__atomic_add_fetch(&missed, 1, __ATOMIC_RELAXED);
			/* the name was there still, or already */
			if (errno != ENOENT)
				__atomic_add_fetch(&met, 1, __ATOMIC_RELAXED);
		} else {
			use(fd);
			close(fd);
			__atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED);
		}
		/* so that now and then nobody has it */
		sleep_ns(chance(&state, 1000000));
	}
	return NULL;
}

/* How often it was refused before. */
static long remove_now(void)
{
	long refused = 0;
	int ret;

	while ((ret = module_remove())) {
		need(ret == -EAGAIN || ret == -EBUSY);
		refused++;
		sleep_ns(20000);
	}
	return refused;
}

/* How often an rmmod met an open, or an open one. */
static unsigned long race(uint64_t *state, long rounds)
{
	pthread_t opener[OPENERS];
	long i, refused = 0;

	stop = false;
	opened = missed = met = 0;
	for (i = 0; i < OPENERS; i++)
		opener[i] = thread(opens, (void *)(uintptr_t)(*state + i));
	for (i = 0; i < rounds; i++) {
		sleep_ns(chance(state, 2000000));
		refused += remove_now();
		module_load();
	}
	stop = true;
	for (i = 0; i < OPENERS; i++)
		pthread_join(opener[i], NULL);
	ksft_print_msg("%lu opens, %lu found no device, %lu one without its module\n",
		       opened, missed, met);
	ksft_print_msg("rmmod was refused %ld times\n", refused);
	return met + refused;
}

int main(void)
{
	long n = count_of("SEDA_CYCLES", count_here(100));
	uint64_t state;
	unsigned long meetings;
	long before[SLABS];

	begin(2);
	state = chance_seed();
	/* what the rest of the system takes once */
	race(&state, 10);
	slab_counts(before);
	meetings = race(&state, n);
	claim(opened && missed && meetings, "%ld unloads met opens\n", n);
	claim(slab_returns(before, 16 + n / 8), "nothing is left\n");
	return end();
}
