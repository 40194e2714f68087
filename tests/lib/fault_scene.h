/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One call on a fresh app in a process of its own, with something failing, and
 * what must hold afterwards.
 */
#ifndef FAULT_SCENE_H
#define FAULT_SCENE_H

#include <kselftest.h>

#include "tests/lib/fault_calls.h"

/* What the child tells its parent. */
struct outcome {
	int line;		/* where a claim was broken; 0: nowhere */
	int result;		/* of the call */
	bool injected;
	bool prepared;
};

/* The app's objects. */
struct census {
	int pools, stages, workers, sources;
};

static inline int census_count(const char *text, const char *what)
{
	const char *p = text;
	int n = 0;

	while ((p = strstr(p, what))) {
		n++;
		p++;
	}
	return n;
}

static inline struct census census_take(const struct app *app)
{
	static char text[65536];
	struct census c;

	app_fdinfo(app, text, sizeof(text));
	c.pools = census_count(text, "pool:\t");
	c.stages = census_count(text, "stage:\t");
	c.workers = census_count(text, "worker:\t");
	c.sources = census_count(text, "source:\t");
	return c;
}

static inline int census_sum(const struct census *c)
{
	return c->pools + c->stages + c->workers + c->sources;
}

/* Joins a pool of its own, where a post waits for it. */
struct visitor {
	struct app *app;
	uint64_t pool;
	int line;
};

static inline int visit(struct visitor *v)
{
	struct worker w;

	MUST(!worker_join_flags(v->app, &w, v->pool, 0));
	MUST(worker_enter(&w, 1, LONG) == 1);
	MUST(w.events[0].events == SEDA_EV_POST && w.events[0].amount == 77);
	MUST(!worker_leave(&w));
	return 0;
}

static inline void *visitor_thread(void *arg)
{
	struct visitor *v = arg;

	v->line = visit(v);
	return NULL;
}

/* No lock was kept, no table is broken: it can still do all it could. */
static inline int scene_usable(struct scene *s)
{
	struct app *app = scene_app(s);
	struct seda_pool_args pool = { .size = sizeof(pool) };
	struct seda_stage_args policy = { .posts = 1 };
	struct visitor v = { .app = app };
	struct seda_source_info_args info;
	pthread_t thread;
	uint64_t stage, id;
	int ret;

	ret = worker_enter(&s->l.r.w, 0, 0);
	/* unless it left */
	MUST(ret >= 0 || ret == -ESRCH);
	ret = app_source_info(app, s->l.id, &info);
	MUST(!ret || ret == -ESTALE);
	MUST(!app_call(app, SEDA_IOC_POOL_CREATE, &pool));
	policy.pool = pool.pool;
	MUST(!app_stage(app, &policy, &stage));
	MUST(!app_post(app, stage, 0, 77));
	v.pool = pool.pool;
	MUST(!pthread_create(&thread, NULL, visitor_thread, &v));
	MUST(!pthread_join(thread, NULL));
	if (v.line)
		return v.line;
	MUST(!app_timer(app, stage, 0, 0, &id));
	MUST(!app_id_call(app, SEDA_IOC_CLOSE, id, 0));
	return 0;
}

/* A call that failed created nothing; one that did not, one object. */
static inline int scene_counts(const struct call *c, struct scene *s,
			       const struct census *before, int result)
{
	struct census after = census_take(scene_app(s));
	int more = census_sum(&after) - census_sum(before);

	MUST(!s->told);
	if (c->flags & CALL_CREATES)
		MUST(more == !result);
	return 0;
}

/* How things fail: off() is told whether any did. */
struct fault_way {
	bool (*on)(void *with);
	bool (*off)(void *with);
	void *with;
};

/* A thread that exited as a worker is counted until its item has run. */
static inline bool scene_settled(const struct life_stage *stage,
				 const struct scene *s)
{
	unsigned int workers = stage->set_up == life_parked ? 2 : 1;
	uint64_t end = now_ns() + LONG;

	while (s->l.r.app.counters->workers > workers) {
		if (now_ns() > end)
			return false;
		sleep_ms(1);
	}
	return true;
}

/* In the child.  way: NULL: nothing fails. */
static inline int scene_run(const struct life_stage *stage,
			    const struct call *c, const struct fault_way *way,
			    struct outcome *o)
{
	static struct scene s;
	struct census before;
	int line;

	line = stage->set_up(&s.l);
	if (line)
		return line;
	MUST(scene_settled(stage, &s));
	o->prepared = !c->prepare || c->prepare(&s);
	if (!o->prepared)
		return 0;
	before = census_take(scene_app(&s));
	if (way)
		MUST(way->on(way->with));
	o->result = c->run(&s);
	if (way)
		o->injected = way->off(way->with);
	if (c->flags & CALL_ENDS)
		return 0;
	line = scene_counts(c, &s, &before, o->result);
	if (!line)
		line = scene_usable(&s);
	app_close(scene_app(&s));
	return line;
}

/*
 * scene_run() in a child, and then the app is gone.  False: a claim was broken,
 * which is told.
 */
static inline bool scene_try(const struct life_stage *stage,
			     const struct call *c, const struct fault_way *way,
			     struct outcome *o)
{
	int status;
	pid_t pid;

	memset(o, 0, sizeof(*o));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_IGN);
		o->line = scene_run(stage, c, way, o);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		ksft_print_msg("the child ended with %x\n", status);
	else if (!await_gone())
		ksft_print_msg("the app is not gone\n");
	else if (!o->prepared)
		ksft_print_msg("it cannot be prepared (line %d)\n", o->line);
	else if (o->line)
		ksft_print_msg("line %d, result %d\n", o->line, o->result);
	else
		return true;
	return false;
}

/* The stage of call c where there is but one to be tried. */
static inline const struct life_stage *scene_home(const struct call *c)
{
	bool held = c->run == run_op_release || c->run == run_op_return;
	unsigned int i;

	for (i = 0; i < LIFE_STAGES - 1; i++)
		if (life_stages[i].set_up == (held ? life_held : life_owned))
			break;
	return &life_stages[i];
}

/* One call at one stage: its TAP line. */
typedef void sequence_fn(const struct life_stage *stage, const struct call *c,
			 struct outcome *o);

/* All calls, or those whose name is in $SEDA_CALL. */
static inline bool call_wanted(const struct call *c)
{
	const char *wanted = getenv("SEDA_CALL");

	return !wanted || strstr(wanted, c->name);
}

static inline void each_sequence(sequence_fn *fn, struct outcome *o)
{
	unsigned int i, j;

	for (i = 0; i < CALLS; i++) {
		if (!call_wanted(&calls[i]))
			continue;
		if (!(calls[i].flags & CALL_EVERYWHERE)) {
			fn(scene_home(&calls[i]), &calls[i], o);
			continue;
		}
		for (j = 0; j < LIFE_STAGES; j++)
			fn(&life_stages[j], &calls[i], o);
	}
}

static inline unsigned int sequences(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < CALLS; i++)
		if (call_wanted(&calls[i]))
			n += calls[i].flags & CALL_EVERYWHERE ? LIFE_STAGES : 1;
	return n;
}

/* Begins a program that says so many lines and returns fault_status(). */
static inline void fault_begin(unsigned int plan)
{
	if (!fault_here()) {
		printf("1..0 # SKIP no fault injection\n");
		exit(KSFT_SKIP);
	}
	ksft_print_header();
	ksft_set_plan(plan);
	if (!fault_setup())
		ksft_exit_fail_msg("fault injection cannot be set up\n");
}

static inline int fault_status(void)
{
	fflush(stdout);
	return ksft_get_fail_cnt() ? KSFT_FAIL : KSFT_PASS;
}

/* As fault_begin(), for one that ends with fault_calls_end(), two lines more. */
static inline void *fault_calls_begin(unsigned int plan)
{
	void *page;

	fault_begin(plan + 2);
	/* zeroed, and shared with the children */
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		ksft_exit_fail_msg("no memory\n");
	return page;
}

/* kmemleak scans, twice, when the guest ends and the module is gone. */
static inline int fault_calls_end(void)
{
	ksft_test_result(fault_caches_empty(), "no object is left\n");
	ksft_test_result(fault_leaks_are_sought(),
			 "what is leaked will be found\n");
	return fault_status();
}

#endif /* FAULT_SCENE_H */
