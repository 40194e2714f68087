// SPDX-License-Identifier: GPL-2.0
/*
 * As many timers as a user may have, due all at once and as often as they can be,
 * take not much more from others than from him, are charged to him, and are given
 * back.
 * SEDA_TIMERS=1048576 for as many as there can be.
 *
 * vm: --timeout 300
 */
#include <kselftest_harness.h>

#include <sys/prctl.h>
#include <sys/stat.h>

#include "tests/lib/count.h"
#include "tests/lib/memcg.h"
#include "tests/lib/must.h"
#include "tests/lib/seda_rig.h"

#define GROUP		"seda-timers"
#define PARAM		"/sys/module/seda/parameters/user_sources"
#define NOBODY		65534
#define EACH		128		/* bytes: a timer has more */
#define BATCH		256		/* ops of one ENTER: due at one moment */
#define WINDOW		200		/* ms in which is counted what others do */
#define WINDOWS		5
#define BURSTS		3		/* the host may take its time in one */

static const char *const groups[] = { GROUP, NULL };

/* What the processes tell each other. */
struct seen {
	long nr;		/* timers */
	int more;		/* of one more: its error */
	long twice;		/* that did not go off once each */
	uint64_t armed_ns;	/* what arming them took, of the CPU */
	uint64_t due;		/* the moment for which they are armed */
	uint64_t count, gap_ns;	/* of the bystander: steps, the longest one */
	uint64_t events;	/* of timers that are due as often as can be */
};

struct attacker {
	struct rig r;
	uint64_t *id;
	unsigned char *fired;
};

static void meet(int sock)
{
	char c = 0;

	MUST(write(sock, &c, 1) == 1 && read(sock, &c, 1) == 1);
}

static void attacker_open(struct attacker *a, const struct seen *seen)
{
	struct seda_setup_args setup = {
		.workers = 1, .events = 1024, .ops = 4096, .bufs = 16,
		.sources = SEDA_MAX_SOURCES,
	};

	MUST(!memcg_enter(GROUP));
	MUST(!setgid(NOBODY) && !setuid(NOBODY));
	/* only now, as that forgets it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	MUST(!rig_open(&a->r, &setup, NULL));
	a->id = calloc(seen->nr, sizeof(*a->id));
	a->fired = calloc(seen->nr, 1);
	MUST(a->id && a->fired);
	/* all of his that is no timer is there before it is measured */
	memset(a->id, 1, seen->nr * sizeof(*a->id));
	memset(a->fired, 1, seen->nr);
}

static void attacker_make(struct attacker *a, struct seen *seen)
{
	struct seda_timer_args t = {
		.size = sizeof(t), .stage = a->r.stage,
	};
	long i;

	for (i = 0; i < seen->nr; i++) {
		t.user_data = i;
		t.source = 0;
		MUST(!app_call(&a->r.app, SEDA_IOC_TIMER, &t));
		a->id[i] = t.source;
	}
	t.source = 0;
	seen->more = app_call(&a->r.app, SEDA_IOC_TIMER, &t);
}

/* How many events came meanwhile. */
static int attacker_arm(struct attacker *a, long from, long to, uint64_t due,
			uint64_t period)
{
	uint64_t now = now_ns();
	struct seda_op *op;
	long i;
	int n;

	for (i = from; i < to; i++) {
		op = worker_op(&a->r.w, SEDA_OP_ARM, a->id[i]);
		op->first_ns = due > now ? due - now : 1;
		op->period_ns = period;
	}
	n = worker_enter(&a->r.w, 0, 0);
	MUST(n >= 0);
	for (i = 0; i < to - from; i++)
		MUST(!a->r.w.ops[i].res);
	return n;
}

static uint64_t spent_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

/* False: some went off before all were armed. */
static bool attacker_arms_all(struct attacker *a, struct seen *seen, uint64_t in)
{
	uint64_t begin = spent_ns();
	long i, end;
	int n = 0;

	seen->due = now_ns() + in;
	for (i = 0; i < seen->nr && !n; i = end) {
		end = i + BATCH < seen->nr ? i + BATCH : seen->nr;
		n = attacker_arm(a, i, end, seen->due, 0);
	}
	seen->armed_ns = spent_ns() - begin;
	return !n && now_ns() < seen->due;
}

static long attacker_pending(struct attacker *a)
{
	return __atomic_load_n(&app_counters(&a->r.app, a->r.stage)->pending,
			       __ATOMIC_RELAXED);
}

/* Takes what there is: how many of them are wrong. */
static long attacker_fetch(struct attacker *a, long nr)
{
	long wrong = 0;
	int n, i;

	do {
		n = worker_enter(&a->r.w, 0, 0);
		MUST(n >= 0);
		for (i = 0; i < n; i++) {
			struct seda_event *ev = &a->r.w.events[i];

			wrong += ev->events != SEDA_EV_TIMER ||
				 ev->amount != 1 || ev->user_data >= (uint64_t)nr ||
				 a->fired[ev->user_data]++;
		}
	} while (n);
	return wrong;
}

static void attacker_all_at_once(struct attacker *a, struct seen *seen)
{
	uint64_t in = 100 * MS;
	long i;

	while (!attacker_arms_all(a, seen, in)) {
		/* what is armed goes off, is forgotten, and all begins again */
		while (now_ns() < seen->due)
			sleep_ms(1);
		attacker_fetch(a, seen->nr);
		in *= 2;
	}
	memset(a->fired, 0, seen->nr);
	while (attacker_pending(a) < seen->nr)
		sleep_ms(1);
	seen->twice = attacker_fetch(a, seen->nr);
	for (i = 0; i < seen->nr; i++)
		seen->twice += !a->fired[i];
}

/* For ever: all are due as often as can be, and fetched as fast as can be. */
static void attacker_as_often(struct attacker *a, struct seen *seen, int sock)
{
	long i, end;
	int n;

	for (i = 0; i < seen->nr; i = end) {
		end = i + 4096 < seen->nr ? i + 4096 : seen->nr;
		attacker_arm(a, i, end, 0, SEDA_MIN_PERIOD_NS);
	}
	meet(sock);
	for (;;) {
		n = worker_enter(&a->r.w, 1, SEDA_FOREVER);
		MUST(n > 0);
		__atomic_add_fetch(&seen->events, n, __ATOMIC_RELAXED);
	}
}

static void attack(struct seen *seen, int sock)
{
	static struct attacker a;
	int i;

	attacker_open(&a, seen);
	meet(sock);
	attacker_make(&a, seen);
	meet(sock);
	for (i = 0; i < BURSTS; i++) {
		attacker_all_at_once(&a, seen);
		meet(sock);
	}
	attacker_as_often(&a, seen, sock);
}

/* Somebody else: one step after the other, and how long one took at most. */
static void bystand(struct seen *seen)
{
	uint64_t last = now_ns(), now;

	for (;;) {
		now = now_ns();
		if (now - last > __atomic_load_n(&seen->gap_ns, __ATOMIC_RELAXED))
			__atomic_store_n(&seen->gap_ns, now - last,
					 __ATOMIC_RELAXED);
		last = now;
		__atomic_add_fetch(&seen->count, 1, __ATOMIC_RELAXED);
	}
}

/* What the attacker is compared with: a process that wants the CPU, too. */
static void compete(struct seen *seen)
{
	for (;;)
		now_ns();
}

static pid_t start(void (*run)(struct seen *seen), struct seen *seen)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(seen);
	}
	return pid;
}

static void end_process(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

static int limit_sources(long nr)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", nr);
	return put_text(PARAM, text);
}

FIXTURE(timers) {
	struct seen *seen;
	pid_t attacker, bystander, other;
	int sock;
	struct rig r;		/* of somebody else */
};

FIXTURE_SETUP(timers)
{
	cpu_set_t one;
	int s[2];

	/* all on one CPU: what he takes is taken from the others */
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	self->seen = mmap(NULL, sizeof(*self->seen), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->seen);
	memset(self->seen, 0, sizeof(*self->seen));
	self->seen->nr = count_of("SEDA_TIMERS", count_here(131072));
	ASSERT_EQ(0, memcg_make(GROUP, "max"));
	ASSERT_EQ(0, chmod("/dev/seda", 0666));
	ASSERT_EQ(0, limit_sources(self->seen->nr));
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s));
	self->sock = s[0];
	self->attacker = fork();
	if (!self->attacker) {
		close(s[0]);
		attack(self->seen, s[1]);
	}
	close(s[1]);
}

FIXTURE_TEARDOWN(timers)
{
	end_process(&self->attacker);
	end_process(&self->bystander);
	end_process(&self->other);
	rig_close(&self->r);
	EXPECT_EQ(0, limit_sources(SEDA_MAX_SOURCES));
	EXPECT_EQ(0, chmod("/dev/seda", 0600));
	EXPECT_EQ(0, memcg_remove(GROUP));
}

static bool said(int sock)
{
	char c;

	return read(sock, &c, 1) == 1;
}

static bool go_on(int sock)
{
	return write(sock, "", 1) == 1;
}

/* Another app's timer goes off, and its worker is told. */
static bool others_go_on(struct rig *r)
{
	uint64_t id;

	return !app_timer(&r->app, r->stage, 1, 0, &id) &&
	       rig_await(r, SEDA_EV_TIMER) &&
	       !rig_do(r, SEDA_OP_CLOSE, id, 0) &&
	       rig_await(r, SEDA_EV_CLOSED);
}

/* What the bystander does in a window while the one runs and the other does not. */
static double steps(struct seen *seen, pid_t runs, pid_t rests)
{
	uint64_t begin, count;

	kill(rests, SIGSTOP);
	kill(runs, SIGCONT);
	begin = now_ns();
	count = __atomic_load_n(&seen->count, __ATOMIC_RELAXED);
	sleep_ms(WINDOW);
	count = __atomic_load_n(&seen->count, __ATOMIC_RELAXED) - count;
	return (double)count / (now_ns() - begin);
}

/* All go off once, and the bystander tells for how long he stood still. */
static bool burst(struct seen *seen, int sock)
{
	__atomic_store_n(&seen->gap_ns, 0, __ATOMIC_RELAXED);
	return go_on(sock) && said(sock) && !seen->twice;
}

static long slab_charged(void)
{
	return numbers_after(memcg_get(GROUP, "memory.stat"), "\nslab ");
}

/* Nothing of him is left: he is charged for none, and one is his first. */
static int first_again(void)
{
	uint64_t id;
	struct rig r;
	int status;
	pid_t pid = fork();

	if (pid) {
		waitpid(pid, &status, 0);
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	MUST(!setgid(NOBODY) && !setuid(NOBODY));
	MUST(!rig_open(&r, NULL, NULL));
	MUST(!app_timer(&r.app, r.stage, 0, 0, &id));
	MUST(app_timer(&r.app, r.stage, 0, 0, &id) == -ENFILE);
	_exit(0);
}

TEST_F(timers, hurt_nobody_else)
{
	static struct memory before, peak;
	struct seen *seen = self->seen;
	double attacked = 0, plain = 0;
	int i, quick = 0;
	int64_t events = 0;
	long charged;

	ASSERT_TRUE(said(self->sock));
	ASSERT_TRUE(others_go_on(&self->r));
	memory_measure(&before, groups);
	charged = slab_charged();
	ASSERT_TRUE(go_on(self->sock) && said(self->sock));
	EXPECT_EQ(-ENFILE, seen->more);
	memory_measure(&peak, groups);
	memory_tell(&before, &peak, 65536);
	EXPECT_LE(seen->nr * EACH, slab_charged() - charged);
	EXPECT_GT((sysconf(_SC_NPROCESSORS_ONLN) + 1) << 19,
		  memory_uncharged(&before, &peak));

	/* all at once: their interrupt takes about as long as he was at it */
	self->bystander = start(bystand, seen);
	for (i = 0; i < BURSTS; i++) {
		ASSERT_TRUE(burst(seen, self->sock));
		TH_LOG("%ld timers, armed in %.1f ms, kept others for %.1f ms",
		       seen->nr, seen->armed_ns / 1e6, seen->gap_ns / 1e6);
		quick += seen->gap_ns <= 2 * seen->armed_ns;
	}
	EXPECT_LE(1, quick);
	EXPECT_TRUE(others_go_on(&self->r));

	/* as often as can be: he is no worse than any other process */
	ASSERT_TRUE(go_on(self->sock) && said(self->sock));
	self->other = start(compete, seen);
	ASSERT_TRUE(go_on(self->sock));
	for (i = 0; i < WINDOWS; i++) {
		plain += steps(seen, self->other, self->attacker);
		events -= __atomic_load_n(&seen->events, __ATOMIC_RELAXED);
		attacked += steps(seen, self->attacker, self->other);
		events += __atomic_load_n(&seen->events, __ATOMIC_RELAXED);
		EXPECT_TRUE(others_go_on(&self->r));
	}
	/* he was at it */
	EXPECT_LT(0, events);
	TH_LOG("others do %.0f %% of what they do beside a busy process",
	       100 * attacked / plain);
	EXPECT_GT(attacked, plain / 3);

	/* he ends while they go off */
	end_process(&self->attacker);
	while (slab_charged() - charged > seen->nr * EACH / 16)
		sleep_ms(10);
	ASSERT_EQ(0, limit_sources(1));
	EXPECT_EQ(0, first_again());
}

TEST_HARNESS_MAIN
