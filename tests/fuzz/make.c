// SPDX-License-Identifier: GPL-2.0
/*
 * Making programs.  A model follows what each place holds, so that most calls
 * find what they need; it knows nothing of what the kernel will answer.
 */
#include "tests/fuzz/fuzz.h"

#define NO_PLACE	~0ULL
#define SETUP_CALLS	7	/* open ... join: the first in the table */

struct model {
	uint16_t holds[NR_ARG_TYPES][NR_FDS];
	/* of which app, by the number of its open; of a device, too */
	uint8_t app[NR_ARG_TYPES][NR_FDS];
	uint8_t apps;
	/* what was made or used last, which most calls go on with */
	uint8_t last[NR_ARG_TYPES][2];
	bool harvested;
	bool strict;		/* nothing odd now */
	bool recipe;		/* always the last */
};

static uint64_t chance_state = 1;

void chance_seed(uint64_t seed)
{
	chance_state = seed * 0x9e3779b97f4a7c15ULL + 1;
}

uint64_t chance_next(void)
{
	uint64_t z = chance_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static bool one_in(uint64_t n)
{
	return !below(n);
}

static unsigned int nr_places(unsigned int type)
{
	static const uint8_t nr[NR_ARG_TYPES] = {
		[ARG_DEV] = NR_DEVS, [ARG_POOL] = NR_POOLS,
		[ARG_STAGE] = NR_STAGES, [ARG_WORKER] = NR_WORKERS,
		[ARG_SOURCE] = NR_SOURCES, [ARG_FD] = NR_FDS,
		[ARG_BUF] = NR_BUFS,
	};

	return nr[type];
}

static bool is_place(const struct arg *arg)
{
	return nr_places(arg->type);
}

/* Things of an app are of no use in another. */
static bool of_app(unsigned int type)
{
	return type != ARG_FD && type != ARG_BUF;
}

static bool fits(const struct model *m, const struct arg *arg, unsigned int i,
		 int app)
{
	uint16_t holds = m->holds[arg->type][i];

	if (arg->needs && !(holds & arg->needs))
		return false;
	if (holds & arg->avoids)
		return false;
	return app < 0 || !arg->needs || !of_app(arg->type) ||
	       m->app[arg->type][i] == app;
}

static uint64_t pick_place(const struct model *m, const struct arg *arg, int app)
{
	unsigned int nr = nr_places(arg->type), i, found = 0;
	uint64_t chosen = NO_PLACE;

	/* the last is for thread 0, which is one worker at most in an app */
	if (arg->type == ARG_WORKER && m->apps < 2)
		nr--;
	if (arg->type == ARG_SOURCE && !arg->needs && nr > FIRST_CHILD)
		nr = FIRST_CHILD;
	i = arg->type == ARG_BUF && arg->gives ? FIRST_TAKEN : 0;
	for (; i < nr; i++)
		if (fits(m, arg, i, app) && one_in(++found))
			chosen = i;
	for (i = 2; i-- && (arg->needs || arg->avoids);)
		if (m->last[arg->type][i] < nr && (m->recipe || !one_in(3)) &&
		    fits(m, arg, m->last[arg->type][i], app))
			chosen = m->last[arg->type][i];
	if (arg->type == ARG_SOURCE && arg->needs & SRC_EVENT &&
	    m->harvested && (chosen == NO_PLACE || !one_in(3)))
		chosen = EVENT_SOURCE + (one_in(6) ? below(NR_EVENTS) : 0);
	return chosen;
}

static uint64_t odd_number(void)
{
	switch (below(8)) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:
		return 1ULL << below(64);
	case 3:
		return (1ULL << below(64)) - 1;
	case 4:
		return 1ULL << 31 | below(2);
	default:
		return below(20);
	}
}

static uint64_t pick_number(const struct model *m, const struct arg *arg)
{
	if (!m->strict && one_in(60))
		return odd_number();
	return arg->values[below(arg->nr)];
}

/* A value for one argument; NO_PLACE when no place has what it needs. */
static uint64_t pick(const struct model *m, const struct arg *arg, int app)
{
	switch (arg->type) {
	case ARG_NUM:
		return pick_number(m, arg);
	case ARG_RARE:
		return !m->strict && one_in(15) ? pick_number(m, arg) : 0;
	case ARG_BAD:
		return !m->strict && one_in(50) ? 1 + below(11) : 0;
	default:
		/* sometimes any at all, or an id that never was */
		if (!m->strict && one_in(50))
			return below(nr_places(arg->type));
		if (!m->strict && one_in(200))
			return WEIRD + below(8);
		return pick_place(m, arg, app);
	}
}

static bool is_op(const struct call_type *t)
{
	return t->device && t->arg[0].type == ARG_WORKER;
}

/* The worker's thread makes its calls. */
static uint8_t pick_thread(const struct model *m, const struct call *c)
{
	const struct call_type *t = &call_types[c->type];
	unsigned int i;

	if (!one_in(40))
		for (i = 0; i < MAX_ARGS; i++)
			if (t->arg[i].type == ARG_WORKER && t->arg[i].name)
				return c->a[i] % NR_THREADS;
	/* it needs what the last worker owns */
	if (c->run == run_to_fd && !one_in(8))
		return m->last[ARG_WORKER][0] % NR_THREADS;
	return one_in(4) ? below(NR_THREADS) : 0;
}

static bool fill(const struct model *m, struct call *c)
{
	const struct call_type *t = &call_types[c->type];
	unsigned int i;
	int app = -1;

	for (i = 0; i < MAX_ARGS && t->arg[i].name; i++) {
		const struct arg *arg = &t->arg[i];

		c->a[i] = pick(m, arg, app);
		if (is_place(arg) && c->a[i] == NO_PLACE)
			return false;
		if (app < 0 && (arg->type == ARG_DEV || arg->type == ARG_WORKER) &&
		    arg->needs && c->a[i] < nr_places(arg->type))
			app = m->app[arg->type][c->a[i]];
	}
	c->run = t->run;
	c->thread = pick_thread(m, c);
	c->async = c->thread && one_in(2);
	if (c->run == run_enter && !c->thread && c->a[5] == SEDA_FOREVER)
		c->a[5] = 1000;
	return c->run != run_exit || c->thread;
}

/* What the places hold after the call, if it succeeds. */
static void follow(struct model *m, const struct call *c)
{
	const struct call_type *t = &call_types[c->type];
	unsigned int i, j, app = 0;

	for (i = 0; i < MAX_ARGS && t->arg[i].name; i++) {
		const struct arg *arg = &t->arg[i];
		uint64_t place = c->a[i];

		if (place >= nr_places(arg->type))
			continue;
		if (arg->type == ARG_DEV || arg->type == ARG_WORKER)
			app = arg->needs ? m->app[arg->type][place] : app;
		if (arg->fresh)
			m->holds[arg->type][place] = 0;
		if (m->last[arg->type][0] != place) {
			m->last[arg->type][1] = m->last[arg->type][0];
			m->last[arg->type][0] = place;
		}
		m->holds[arg->type][place] |= arg->gives;
		if (arg->gives && c->run != run_dup_dev)
			m->app[arg->type][place] = app;
	}
	if (c->run == run_open && c->a[0] < NR_DEVS)
		m->app[ARG_DEV][c->a[0]] = m->apps++;
	if (c->run == run_dup_dev && c->a[0] < NR_DEVS && c->a[1] < NR_DEVS)
		m->app[ARG_DEV][c->a[0]] = m->app[ARG_DEV][c->a[1]];
	if (c->run != run_enter)
		return;
	m->harvested = true;
	for (j = 0; j < FIRST_TAKEN; j++)
		m->holds[ARG_BUF][j] = BUF_EVENT;
	for (j = 0; j < FIRST_CHILD; j++)
		if (m->holds[ARG_SOURCE][j] == SRC_LISTEN)
			m->holds[ARG_SOURCE][FIRST_CHILD] = SRC_FDLESS;
}

static unsigned int type_of(run_fn *run)
{
	unsigned int i;

	for (i = 0; call_types[i].run != run; i++)
		;
	return i;
}

static unsigned int pick_type(void)
{
	static unsigned int sum;
	unsigned int i, n;

	if (!sum)
		for (i = 0; i < nr_call_types; i++)
			sum += call_types[i].weight;
	n = below(sum);
	for (i = 0; n >= call_types[i].weight; i++)
		n -= call_types[i].weight;
	return i;
}

/* One more call, of a type (or any); false: its places are not there. */
static bool add(struct program *p, struct model *m, int type)
{
	struct call *c = &p->call[p->nr];
	unsigned int tries = 20;

	if (p->nr >= MAX_CALLS)
		return false;
	do {
		memset(c, 0, sizeof(*c));
		c->type = type < 0 ? pick_type() : (unsigned int)type;
		if (!fill(m, c))
			continue;
		follow(m, c);
		p->nr++;
		return true;
	} while (--tries);
	return false;
}

/* Ops are only written: what submits them comes soon. */
static void add_some(struct program *p, struct model *m, unsigned int nr)
{
	const struct call *last;
	uint64_t worker;

	while (nr-- && p->nr < MAX_CALLS) {
		if (!add(p, m, -1))
			continue;
		last = &p->call[p->nr - 1];
		if (!is_op(&call_types[last->type]) || !one_in(3))
			continue;
		worker = last->a[0];
		if (!add(p, m, type_of(run_enter)) || worker >= NR_WORKERS)
			continue;
		p->call[p->nr - 1].a[2] = worker;
		p->call[p->nr - 1].thread = worker % NR_THREADS;
	}
}

/* What belongs together; chance alone seldom makes it. */
static run_fn *const recipes[][8] = {
	{ run_pair, run_adopt, run_write, run_enter, run_op_send_buf, run_enter },
	{ run_pair, run_adopt, run_write, run_enter, run_op_recv, run_enter },
	{ run_pair, run_adopt, run_write, run_enter, run_ctl, run_enter,
	  run_op_release, run_enter },
	{ run_pair, run_adopt, run_op_send, run_op_send, run_enter, run_read,
	  run_enter },
	{ run_pair, run_adopt, run_op_send, run_op_cancel, run_enter, run_enter },
	{ run_listener, run_listen, run_dial, run_enter, run_to_fd, run_enter },
	{ run_listener, run_listen, run_dial, run_write, run_enter, run_op_send,
	  run_op_close, run_enter },
	{ run_listener, run_listen, run_dial, run_enter, run_ctl, run_enter,
	  run_to_fd },
	{ run_listener, run_connect, run_enter, run_accept, run_write, run_enter },
	{ run_udp, run_op_send_to, run_enter, run_write, run_enter },
	{ run_timer, run_sleep, run_enter, run_op_arm, run_enter },
	{ run_eventfd, run_watch, run_write, run_enter, run_op_arm, run_enter },
	{ run_pipe, run_watch, run_enter, run_close_fd, run_enter },
	{ run_post, run_op_post, run_enter, run_ctl, run_enter },
	{ run_op_close, run_enter, run_enter },
	{ run_file, run_adopt_file, run_op_take, run_enter, run_op_read,
	  run_op_write, run_enter, run_enter },
	{ run_file, run_adopt_file, run_op_take, run_enter, run_op_read,
	  run_op_cancel_file, run_op_close, run_enter },
	{ run_file, run_adopt_file, run_op_take, run_enter, run_op_read_vec,
	  run_op_write_vec, run_enter, run_enter },
	{ run_op_take, run_enter, run_op_read_vec, run_op_read, run_op_write,
	  run_enter, run_enter },
	{ run_op_take, run_enter, run_op_read, run_op_return, run_enter, run_enter },
	{ run_file, run_adopt_file, run_op_advise, run_op_sync, run_op_resident,
	  run_enter, run_touch, run_enter },
	{ run_file, run_adopt_file, run_pair, run_adopt, run_op_sendfile, run_enter,
	  run_read, run_enter },
	{ run_file, run_adopt_file, run_pair, run_adopt, run_op_sendfile, run_enter,
	  run_touch, run_enter },
	{ run_op_sendfile, run_op_sendfile, run_enter, run_read, run_enter, run_read,
	  run_enter },
	{ run_op_sendfile, run_op_cancel, run_enter, run_enter },
	{ run_ctl, run_enter, run_op_return, run_enter },
};

static void add_recipe(struct program *p, struct model *m)
{
	run_fn *const *recipe = recipes[below(ARRAY_LEN(recipes))];
	unsigned int i;

	m->recipe = true;
	for (i = 0; i < ARRAY_LEN(recipes[0]) && recipe[i]; i++)
		add(p, m, type_of(recipe[i]));
	m->recipe = false;
}

/* Ready to work: a device, a pool, stages, workers. */
static void add_beginning(struct program *p, struct model *m)
{
	unsigned int i;

	m->strict = !one_in(20);
	for (i = 0; i < SETUP_CALLS; i++)
		add(p, m, i);
	if (one_in(2))
		add(p, m, type_of(run_stage_create));
	while (one_in(2))
		add(p, m, type_of(run_join));
	m->strict = false;
}

void make_new(struct program *p)
{
	struct model m = { 0 };
	unsigned int parts = 2 + below(7);

	p->nr = 0;
	add_beginning(p, &m);
	while (parts--) {
		if (one_in(2))
			add_recipe(p, &m);
		else
			add_some(p, &m, 1 + below(8));
	}
}

static void copy_calls(struct program *p, struct model *m,
		       const struct program *from, unsigned int first,
		       unsigned int last)
{
	for (; first < last && p->nr < MAX_CALLS; first++) {
		p->call[p->nr++] = from->call[first];
		follow(m, &from->call[first]);
	}
}

/* One argument is another, or the call's thread. */
static void change(struct call *c, const struct model *m)
{
	const struct call_type *t = &call_types[c->type];
	unsigned int nr = 0, i;
	uint64_t value;

	while (nr < MAX_ARGS && t->arg[nr].name)
		nr++;
	i = below(nr + 1);
	if (i == nr) {
		c->thread = pick_thread(m, c);
		c->async = c->thread && one_in(2);
		return;
	}
	value = pick(m, &t->arg[i], -1);
	if (!is_place(&t->arg[i]) || value != NO_PLACE)
		c->a[i] = value;
}

/* The calls of one, some of them gone, others changed or put between. */
void make_other(struct program *p, const struct program *from,
		const struct program *with)
{
	unsigned int i, cut = one_in(4) ? below(from->nr + 1) : from->nr;
	struct model m = { 0 };

	p->nr = 0;
	for (i = 0; i < cut && p->nr < MAX_CALLS; i++) {
		if (i >= SETUP_CALLS && one_in(12))
			continue;
		if (one_in(8) && i >= SETUP_CALLS)
			add_some(p, &m, 1 + below(3));
		else if (one_in(20) && i >= SETUP_CALLS)
			add_recipe(p, &m);
		if (p->nr == MAX_CALLS)
			break;
		p->call[p->nr] = from->call[i];
		if (one_in(i < SETUP_CALLS ? 80 : 10))
			change(&p->call[p->nr], &m);
		follow(&m, &p->call[p->nr++]);
	}
	if (one_in(4) && with->nr)
		copy_calls(p, &m, with, below(with->nr), with->nr);
	add_some(p, &m, below(8));
	if (!p->nr)
		make_new(p);
}
