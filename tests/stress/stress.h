/* SPDX-License-Identifier: GPL-2.0 */
/* What the stress tests share: TAP, counts from the environment, chance. */
#ifndef STRESS_H
#define STRESS_H

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <kselftest.h>

#include "tests/lib/count.h"
#include "tests/lib/seda_app.h"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define SECOND		1000000000ULL
#define TICK		20000000ULL	/* a wait that ends, to look around */

/* Ends the test with its claim broken. */
#define fail(...)							\
	do {								\
		ksft_print_msg("%s:%d: ", __func__, __LINE__);		\
		printf(__VA_ARGS__);					\
		putchar('\n');						\
		printf("not ok 1 a stress test broke off\n");		\
		fflush(NULL);						\
		_exit(KSFT_FAIL);					\
	} while (0)

#define need(cond)							\
	do {								\
		if (!(cond))						\
			fail("%s (errno %d)", #cond, errno);		\
	} while (0)

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static inline void sleep_ns(uint64_t ns)
{
	struct timespec ts = { ns / SECOND, ns % SECOND };

	nanosleep(&ts, NULL);
}

/* xorshift64* */
static inline uint64_t chance_next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 2685821657736338717ULL;
}

static inline uint32_t chance(uint64_t *state, uint32_t below)
{
	return (chance_next(state) >> 33) % below;
}

/* The seed of this run: SEDA_SEED, or the clock's; told in the log. */
static inline uint64_t chance_seed(void)
{
	const char *s = getenv("SEDA_SEED");
	uint64_t seed = s && *s ? strtoull(s, NULL, 0) : now_ns() | 1;

	ksft_print_msg("SEDA_SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	return seed;
}

static inline pthread_t thread(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	need(!pthread_create(&t, NULL, fn, arg));
	return t;
}

/*
 * As worker_enter(), but no events where the kernel had something else for the
 * thread to do, as to close a descriptor that another had closed meanwhile.
 */
static inline int enter_some(struct worker *w, unsigned int min, uint64_t timeout)
{
	int n = worker_enter(w, min, timeout);

	return n == -EINTR ? 0 : n;
}

static inline void no_action(int sig)
{
}

/* From now on SIGUSR1 ends a wait, and that is all it does. */
static inline void wakes_by_signal(void)
{
	struct sigaction act = { .sa_handler = no_action };

	sigaction(SIGUSR1, &act, NULL);
}

/* Joins a thread that may wait for ever.  A signal may come too early: so again. */
static inline void finish(pthread_t t)
{
	while (pthread_tryjoin_np(t, NULL)) {
		pthread_kill(t, SIGUSR1);
		sleep_ns(TICK / 20);
	}
}

static inline void many_files(void)
{
	struct rlimit files = { 1 << 18, 1 << 18 };

	setrlimit(RLIMIT_NOFILE, &files);
}

static inline void begin(unsigned int plan)
{
	ksft_print_header();
	ksft_set_plan(plan);
	fflush(stdout);
}

#define claim(cond, ...)						\
	do {								\
		ksft_test_result(cond, __VA_ARGS__);			\
		fflush(stdout);						\
	} while (0)

static inline int end(void)
{
	ksft_print_cnts();
	fflush(stdout);
	return ksft_get_fail_cnt() ? KSFT_FAIL : KSFT_PASS;
}

#endif /* STRESS_H */
