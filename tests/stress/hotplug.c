// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 4 --timeout 300
 *
 * CPUs go and come back under load: events go on, none is lost, and a pool of
 * concurrency 0 works on as many CPUs as there are.  Nobody waits with a limit,
 * so a wake-up that is lost with its CPU is missed, and the test does not end.
 * SEDA_HOTPLUG_ROUNDS=1000 for more, SEDA_SEED to repeat one.
 */
#include "tests/stress/stress.h"

#define CPUS		4
#define WORKERS		4
#define POSTERS		2
#define PAIRS		8
#define TIMERS		4
#define CLIENTS		2	/* threads of them */
#define QUIT		(~0ULL)	/* a post: to whoever gets it */
#define FEWEST		6	/* rounds that tell anything */

static struct app app;
static uint64_t posts, data, timers;
static uint64_t timer_count[TIMERS], pings, posted;
static int stopping;
static int peers[PAIRS], answers[POSTERS][2];

static const char *cpu_file(int cpu)
{
	static char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online",
		 cpu);
	return path;
}

static void cpu_set_online(int cpu, bool online)
{
	int fd = open(cpu_file(cpu), O_WRONLY | O_CLOEXEC);

	need(fd >= 0);
	if (write(fd, online ? "1" : "0", 1) != 1)
		fail("CPU %d does not go %s: %d", cpu, online ? "on" : "off",
		     errno);
	close(fd);
}

static bool stopped(void)
{
	return __atomic_load_n(&stopping, __ATOMIC_ACQUIRE);
}

/* --- the workers ------------------------------------------------------------- */

/* How many QUITs there were. */
static unsigned int worker_batch(struct worker *w, int n)
{
	unsigned int quits = 0;
	int i;

	for (i = 0; i < n; i++) {
		struct seda_event *ev = &w->events[i];

		if (ev->events & SEDA_EV_TIMER)
			__atomic_add_fetch(&timer_count[ev->user_data],
					   ev->amount, __ATOMIC_RELAXED);
		else if (ev->events & SEDA_EV_IN)
			worker_echo(w, ev);
		else if (ev->events == SEDA_EV_POST && ev->amount == QUIT)
			quits++;
		else if (ev->events == SEDA_EV_POST)
			need(write(answers[ev->user_data][1], &ev->amount,
				   8) == 8);
		else
			fail("events %#x, res %d", ev->events, ev->res);
	}
	return quits;
}

static void *work(void *arg)
{
	unsigned int quits = 0, ops, i;
	struct worker w;
	cpu_set_t set;
	int n;

	/* a CPU of its own, until that one goes */
	CPU_ZERO(&set);
	CPU_SET((uintptr_t)arg % CPUS, &set);
	need(!sched_setaffinity(0, sizeof(set), &set));
	need(!worker_join(&app, &w));
	while (!quits) {
		ops = w.nr_ops;
		n = enter_some(&w, 1, SEDA_FOREVER);
		if (n < 0)
			fail("ENTER: %d", n);
		for (i = 0; i < ops; i++)
			if (w.ops[i].res < 0)
				fail("op %u: %d", w.ops[i].op, w.ops[i].res);
		quits = worker_batch(&w, n);
	}
	/* the others' */
	while (--quits)
		need(!app_post(&app, posts, 0, QUIT));
	need(!w.nr_ops && !worker_leave(&w));
	return NULL;
}

/* --- what makes events ------------------------------------------------------- */

/* One message at a time, and its echo, on each of its connections in turn. */
static void *ping(void *arg)
{
	uint64_t n = 0, back;
	unsigned int i;

	while (!stopped()) {
		n++;
		for (i = (uintptr_t)arg; i < PAIRS; i += CLIENTS) {
			back = 0;
			need(send(peers[i], &n, sizeof(n), 0) == sizeof(n));
			need(recv(peers[i], &back, sizeof(back), MSG_WAITALL) ==
			     sizeof(back));
			if (back != n)
				fail("connection %u: %" PRIu64 " for %" PRIu64,
				     i, back, n);
		}
		__atomic_add_fetch(&pings, PAIRS / CLIENTS, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* One post at a time: the workers sleep before it. */
static void *post(void *arg)
{
	uint64_t n = 0, back;

	while (!stopped()) {
		n++;
		need(!app_post(&app, posts, (uintptr_t)arg, n));
		need(read(answers[(uintptr_t)arg][0], &back, 8) == 8);
		if (back != n)
			fail("post %" PRIu64 " for %" PRIu64, back, n);
	}
	__atomic_add_fetch(&posted, n, __ATOMIC_RELAXED);
	return NULL;
}

static void load_start(void)
{
	struct seda_stage_args policy = { .posts = 64 };
	struct seda_timer_args timer = {
		.size = sizeof(timer), .first_ns = 1000000,
	};
	int fd[2];
	uint64_t i;

	need(!app_open(&app, NULL) && !app_stage(&app, &policy, &posts));
	need(!app_stage(&app, NULL, &data) && !app_stage(&app, NULL, &timers));
	for (i = 0; i < TIMERS; i++) {
		timer.stage = timers;
		timer.user_data = i;
		timer.period_ns = 2000000 + i * 100000;
		timer.source = 0;
		need(!app_call(&app, SEDA_IOC_TIMER, &timer));
	}
	for (i = 0; i < PAIRS; i++) {
		need(!tcp_pair(fd));
		peers[i] = fd[1];
		need(!app_adopt(&app, fd[0], data, 0, 0, NULL));
	}
	for (i = 0; i < POSTERS; i++)
		need(!pipe(answers[i]));
}

/* Every timer goes off again, wherever its CPU went. */
static void timers_go_on(void)
{
	uint64_t before[TIMERS];
	unsigned int i;

	for (i = 0; i < TIMERS; i++)
		before[i] = __atomic_load_n(&timer_count[i], __ATOMIC_RELAXED);
	for (i = 0; i < TIMERS; i++)
		while (__atomic_load_n(&timer_count[i], __ATOMIC_RELAXED) ==
		       before[i])
			sleep_ns(1000000);
}

/* True if there was enough of it. */
static bool under_load(long rounds, uint64_t *state)
{
	pthread_t worker[WORKERS], client[CLIENTS], poster[POSTERS];
	bool online[CPUS] = { true, true, true, true };
	uint64_t start = now_ns();
	uintptr_t i;
	long done;
	int cpu;

	load_start();
	for (i = 0; i < WORKERS; i++)
		worker[i] = thread(work, (void *)i);
	for (i = 0; i < CLIENTS; i++)
		client[i] = thread(ping, (void *)i);
	for (i = 0; i < POSTERS; i++)
		poster[i] = thread(post, (void *)i);
	for (done = 0; done < rounds; done++) {
		cpu = 1 + chance(state, CPUS - 1);
		online[cpu] = !online[cpu];
		cpu_set_online(cpu, online[cpu]);
		timers_go_on();
	}
	__atomic_store_n(&stopping, 1, __ATOMIC_RELEASE);
	for (i = 0; i < CLIENTS; i++)
		pthread_join(client[i], NULL);
	for (i = 0; i < POSTERS; i++)
		pthread_join(poster[i], NULL);
	for (i = 0; i < WORKERS; i++)
		need(!app_post(&app, posts, 0, QUIT));
	for (i = 0; i < WORKERS; i++)
		pthread_join(worker[i], NULL);
	for (cpu = 1; cpu < CPUS; cpu++)
		if (!online[cpu])
			cpu_set_online(cpu, true);
	app_close(&app);
	ksft_print_msg("%ld rounds, %" PRIu64 " posts, %" PRIu64 " messages, %.1f s\n",
		       done, posted, pings, (now_ns() - start) / 1e9);
	return done >= FEWEST && posted > (uint64_t)done &&
	       pings > (uint64_t)done;
}

/* --- how many work at a time --------------------------------------------------- */

static int gate[2];

/* Stays in its handler until it is let go, an event at a time. */
static void *dawdle(void *arg)
{
	struct seda_enter_args a = {
		.size = sizeof(a), .min_events = 1, .max_events = 1,
		.timeout_ns = SEDA_FOREVER,
	};
	struct worker w;
	char c;

	need(!worker_join(&app, &w));
	a.worker = w.id;
	for (;;) {
		need(app_call(&app, SEDA_IOC_ENTER, &a) == 1);
		if (w.events[0].amount == QUIT)
			return NULL;
		need(read(gate[0], &c, 1) == 1);
	}
}

static unsigned long long outstanding(void)
{
	return __atomic_load_n(&app_counters(&app, posts)->outstanding,
			       __ATOMIC_RELAXED);
}

/* With this many CPUs, of more events than that, so many are handled at a time. */
static bool works_at(unsigned int cpus)
{
	bool right;
	int i;

	for (i = 0; i < WORKERS + 1; i++)
		need(!app_post(&app, posts, 0, 0));
	while (outstanding() < cpus)
		sleep_ns(1000000);
	/* no more come */
	sleep_ns(5 * TICK);
	right = outstanding() == cpus;
	if (!right)
		ksft_print_msg("%llu at a time on %u CPUs\n", outstanding(),
			       cpus);
	for (i = 0; i < WORKERS + 1; i++)
		need(write(gate[1], "", 1) == 1);
	while (outstanding() || app_counters(&app, posts)->posts)
		sleep_ns(1000000);
	return right;
}

static bool follows(void)
{
	struct seda_stage_args policy = { .posts = 64 };
	pthread_t worker[WORKERS];
	bool right;
	int i;

	need(!pipe(gate));
	need(!app_open(&app, NULL) && !app_stage(&app, &policy, &posts));
	for (i = 0; i < WORKERS; i++)
		worker[i] = thread(dawdle, NULL);
	right = works_at(CPUS);
	for (i = CPUS - 1; i; i--) {
		cpu_set_online(i, false);
		right &= works_at(i);
	}
	for (i = 1; i < CPUS; i++) {
		cpu_set_online(i, true);
		right &= works_at(i + 1);
	}
	for (i = 0; i < WORKERS; i++)
		need(!app_post(&app, posts, 0, QUIT));
	for (i = 0; i < WORKERS; i++)
		pthread_join(worker[i], NULL);
	app_close(&app);
	return right;
}

int main(void)
{
	long rounds = count_of("SEDA_HOTPLUG_ROUNDS", count_here(60));
	uint64_t state;

	begin(2);
	if (sysconf(_SC_NPROCESSORS_ONLN) != CPUS || access(cpu_file(1), W_OK))
		ksft_exit_skip("this needs %d CPUs that can be unplugged\n",
			       CPUS);
	state = chance_seed();
	claim(under_load(rounds, &state),
	      "events go on while CPUs go and come, and none is lost\n");
	claim(follows(), "a pool works on as many CPUs as are there\n");
	return end();
}
