// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2 --kmemleak --timeout 900
 *
 * SIGKILL at a random moment under load, again and again, each time followed
 * by rmmod.  The tracepoints tell where it strikes; the slabs tell whether
 * anything is left.  SEDA_KILL_ROUNDS=1000 for the whole measure, SEDA_SEED to
 * repeat one.
 */
#include "tests/stress/busy.h"
#include "tests/stress/module.h"

#define TRACING	"/sys/kernel/tracing/instances/"
#define MARK	"seda-kill"
#define LATE	(5 * SECOND)

/* What the workers do; and, apart, as it must reach back further, sends. */
static const char *const instances[] = { TRACING "kill", TRACING "kill-sends" };

struct strike {
	unsigned int inside, parked, outside;	/* workers */
	unsigned int pending;			/* connections */
};

struct totals {
	long inside, parked, pending, both, late;
	uint64_t slowest;
};

static void trace_write(int instance, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", instances[instance], file);
	write_file(path, text);
}

static void trace_setup(void)
{
	int i;

	/*
	 * Else each round patches __schedule() on and off, at which an emulated
	 * CPU was seen to stay in the breakpoint for ever.  Instances take it
	 * over as they are made.
	 */
	write_file("/sys/kernel/tracing/options/record-cmd", "0");
	for (i = 0; i < 2; i++) {
		if (mkdir(instances[i], 0700) && errno != EEXIST)
			fail("%s: %d", instances[i], errno);
		trace_write(i, "trace_clock", "mono");
		trace_write(i, "buffer_size_kb", i ? "512" : "64");
	}
}

/* The module's tracepoints come and go with it. */
static void trace_start(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		trace_write(i, "tracing_on", "0");
		trace_write(i, "trace", "");
	}
	trace_write(0, "events/seda/seda_enter/enable", "1");
	trace_write(0, "events/seda/seda_leave/enable", "1");
	trace_write(0, "events/seda/seda_park/enable", "1");
	trace_write(0, "events/seda/seda_wake/enable", "1");
	trace_write(1, "events/seda/seda_send_wait/enable", "1");
	/* SENT, ERR, CANCELED, CLOSED: sends that wait no more */
	trace_write(1, "events/seda/seda_event/filter", "events & 0x120c");
	trace_write(1, "events/seda/seda_event/enable", "1");
	for (i = 0; i < 2; i++)
		trace_write(i, "tracing_on", "1");
}

static FILE *trace_open(int instance)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/trace", instances[instance]);
	f = fopen(path, "r");
	need(f);
	return f;
}

/* Each worker's last step before the mark. */
static void trace_workers(struct strike *s)
{
	char last[64] = { 0 }, line[512], *at;
	FILE *f = trace_open(0);
	unsigned int worker, i;
	bool marked = false;

	while (!marked && fgets(line, sizeof(line), f)) {
		marked = strstr(line, MARK);
		at = strstr(line, ": seda_");
		if (!at || !strstr(at, "worker="))
			continue;
		if (sscanf(strstr(at, "worker="), "worker=%u", &worker) != 1 ||
		    worker >= sizeof(last))
			continue;
		/* the first letter of enter, leave, park, wake */
		last[worker] = at[strlen(": seda_")];
	}
	fclose(f);
	if (!marked)
		fail("the mark is not in the trace");
	for (i = 0; i < sizeof(last); i++) {
		s->inside += last[i] == 'e' || last[i] == 'w';
		s->parked += last[i] == 'p';
		s->outside += last[i] == 'l';
	}
}

/* Connections with sends that were left to wait and not heard of since. */
static void trace_sends(struct strike *s)
{
	static unsigned long long waiting[65536];
	FILE *f = trace_open(1);
	unsigned long long id;
	unsigned int n = 0, i;
	char line[512], *at;

	while (fgets(line, sizeof(line), f) && !strstr(line, MARK)) {
		at = strstr(line, "source=");
		if (!at || sscanf(at, "source=%llx", &id) != 1)
			continue;
		for (i = 0; i < n; i++)
			if (waiting[i] == id)
				break;
		if (strstr(line, "seda_send_wait:")) {
			if (i == n && n < ARRAY_LEN(waiting))
				waiting[n++] = id;
		} else if (i < n) {
			waiting[i] = waiting[--n];
		}
	}
	fclose(f);
	s->pending = n;
}

static void kill_round(uint64_t *state, struct totals *t)
{
	struct strike s = { 0 };
	struct busy_pids pids;
	uint64_t took;
	int i;

	trace_start();
	busy_start(&pids, chance_next(state));
	sleep_ns(chance(state, 200000000));
	for (i = 0; i < 2; i++)
		trace_write(i, "trace_marker", MARK);
	took = now_ns();
	need(!kill(pids.server, SIGKILL));
	for (i = 0; i < 2; i++)
		trace_write(i, "tracing_on", "0");
	trace_workers(&s);
	trace_sends(&s);
	busy_reap(pids.server);
	module_unload();
	took = now_ns() - took;
	t->slowest = took > t->slowest ? took : t->slowest;
	t->late += took > LATE;
	busy_stop(pids.clients);
	module_load();
	t->inside += !!s.inside;
	t->parked += !!s.parked;
	t->pending += !!s.pending;
	t->both += s.inside && s.pending;
}

static void tell(const struct totals *t, long rounds, uint64_t start)
{
	ksft_print_msg("%ld rounds in %.0f s: %ld inside ENTER, %ld parked there\n",
		       rounds, (now_ns() - start) / 1e9, t->inside, t->parked);
	ksft_print_msg("%ld with sends pending, %ld of them inside; slowest rmmod %.3f s\n",
		       t->pending, t->both, t->slowest / 1e9);
	fflush(stdout);
}

int main(void)
{
	struct sched_param first = { .sched_priority = 50 };
	long rounds = count_of("SEDA_KILL_ROUNDS", count_here(50));
	struct totals t = { 0 };
	uint64_t state, start;
	long before[SLABS], i;

	begin(3);
	state = chance_seed();
	many_files();
	write_file("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0");
	trace_setup();
	sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first);
	for (i = 0; i < 3; i++)
		kill_round(&state, &t);
	memset(&t, 0, sizeof(t));
	sleep_ns(3 * SECOND);
	slab_counts(before);
	start = now_ns();
	for (i = 1; i <= rounds; i++) {
		kill_round(&state, &t);
		if (!(i % 50) || i == rounds)
			tell(&t, i, start);
	}
	/* the host may have something else to do, too */
	claim(t.late * 10 <= rounds,
	      "5 s after SIGKILL the module can be unloaded, 9 times of 10\n");
	claim(t.inside * 5 >= rounds && t.pending * 5 >= rounds,
	      "a fifth strike inside ENTER, and a fifth with sends pending\n");
	claim(slab_returns(before, 32), "nothing is left\n");
	for (i = 0; i < 2; i++)
		rmdir(instances[i]);
	return end();
}
