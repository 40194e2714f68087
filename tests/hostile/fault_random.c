// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --kmemleak --timeout 300
 *
 * A hundred thousand calls (SEDA_COUNT) at random, in which 60 or 10 percent of
 * all allocations fail, of slabs and of pages, and of all copies from and to user
 * space: several in one call, so that fallbacks fail, too.  A call that fails has
 * an error that the header names and made nothing; the apps can be used
 * afterwards, and nothing is left.
 */
#include <inttypes.h>

#include "tests/lib/fault_scene.h"

/* Calls on one app; with so many sources it is replaced. */
#define ROUND		500
#define SOURCES		48

/* Percent that fail, of one round after the other. */
static const struct mode {
	int memory, copies;
} modes[] = {
	{ 60, 0 }, { 10, 10 }, { 60, 10 }, { 0, 60 },
};

#define MODES	(sizeof(modes) / sizeof(modes[0]))

struct tally {
	unsigned long calls, no_memory, no_copy;
	int line;
	const struct call *last;
	int result;		/* of the last */
};

/* One app and who calls on it. */
struct round {
	struct scene s;
	const struct mode *mode;
	bool alone;		/* no other worker makes or ends sources */
	int fail;		/* the descriptor that switches it on and off */
	uint64_t first;		/* the source of its stage */
	uint64_t state;		/* of chance() */
};

/* xorshift64* */
static uint32_t chance(uint64_t *state, uint32_t below)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * 2685821657736338717ULL >> 33) % below;
}

/* Can it be that the call ended so? */
static bool result_right(const struct round *r, const struct call *c, int ret)
{
	if (ret >= 0 || call_may_refuse(c, ret))
		return true;
	/* a page that cannot be had makes a copy fail; a copy no allocation */
	return call_may_fail(c, ret) && (ret != -ENOMEM || r->mode->memory);
}

/* What a call that fails does not change. */
struct made {
	uint32_t sources, workers;
};

static struct made made_so_far(struct scene *s)
{
	const volatile struct seda_app_counters *now = scene_app(s)->counters;

	return (struct made) { now->sources, now->workers };
}

static int judge_call(struct round *r, const struct call *c, int ret,
		      const struct made *before)
{
	struct made after = made_so_far(&r->s);

	MUST(result_right(r, c, ret));
	MUST(!r->s.told);
	if (ret >= 0 || !(c->flags & CALL_CREATES) || !r->alone)
		return 0;
	MUST(after.sources == before->sources);
	MUST(after.workers == before->workers);
	return 0;
}

/* What it is done to, and what becomes of the last batch. */
static void choose(struct round *r)
{
	struct scene *s = &r->s;
	unsigned int i;

	/* one of those that calls made, or the one of the stage */
	i = chance(&r->state, SCENE_IDS + 1);
	s->l.id = i < SCENE_IDS && s->ids[i] ? s->ids[i] : r->first;
	for (i = 0; i < 4; i++)
		s->l.r.w.ctl[i].flags = chance(&r->state, 4);
}

static int one_call(struct round *r, struct tally *t)
{
	const struct call *c = &calls[chance(&r->state, CALLS)];
	struct made before;
	int ret;

	if (c->flags & CALL_ENDS)
		return 0;
	choose(r);
	if (c->prepare && !c->prepare(&r->s)) {
		/* no worker may be left to accept one */
		MUST(c->prepare == prepare_accepted);
		return 0;
	}
	before = made_so_far(&r->s);
	MUST(pwrite(r->fail, "1", 1, 0) == 1);
	ret = c->run(&r->s);
	/* that takes a copy */
	while (pwrite(r->fail, "0", 1, 0) != 1)
		;
	t->calls++;
	t->no_memory += ret == -ENOMEM;
	t->no_copy += ret == -EFAULT;
	t->last = c;
	t->result = ret;
	return judge_call(r, c, ret, &before);
}

/* All that calls made can be unmade, and then there is nothing else. */
static int count_again(struct scene *s)
{
	struct census c;

	MUST(prepare_no_pool(s));
	MUST(prepare_no_stage(s));
	c = census_take(scene_app(s));
	MUST(c.pools == 1 && c.stages == 1);
	return 0;
}

/* In a child. */
static int one_round(struct round *r, struct tally *t)
{
	const struct life_stage *stage =
		&life_stages[chance(&r->state, LIFE_STAGES)];
	struct scene *s = &r->s;
	int line, i;

	line = stage->set_up(&s->l);
	if (line)
		return line;
	MUST(scene_settled(stage, s));
	r->alone = stage->set_up != life_parked;
	r->first = s->l.id;
	r->fail = open(FAULT_TASK, O_RDWR | O_CLOEXEC);
	MUST(r->fail >= 0);
	for (i = 0; i < ROUND && !line; i++) {
		line = one_call(r, t);
		if (scene_app(s)->counters->sources > SOURCES)
			break;
	}
	line = line ?: count_again(s);
	line = line ?: scene_usable(s);
	app_close(scene_app(s));
	return line;
}

/* False: it went wrong. */
static bool run_round(uint64_t seed, const struct mode *mode, struct tally *t)
{
	static struct round r;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_IGN);
		r.mode = mode;
		r.state = seed;
		t->line = one_round(&r, t);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		ksft_print_msg("the child ended with %x\n", status);
	else if (t->line)
		ksft_print_msg("line %d\n", t->line);
	else if (!await_gone())
		ksft_print_msg("the app is not gone\n");
	else
		return true;
	ksft_print_msg("in the round of seed %" PRIu64 ", at %s: %d\n", seed,
		       t->last ? t->last->name : "nothing", t->result);
	return false;
}

/* Rounds until so many calls were made. */
static bool run_rounds(uint64_t seed, unsigned long wanted, struct tally *t)
{
	const struct mode *mode;
	unsigned long rounds = 0;
	bool right = true;

	while (right && t->calls < wanted) {
		mode = &modes[rounds++ % MODES];
		right = fault_chance("failslab", mode->memory) &&
			fault_chance("fail_page_alloc", mode->memory) &&
			fault_chance("fail_usercopy", mode->copies) &&
			run_round(seed + rounds * 2, mode, t);
	}
	fault_setup();
	ksft_print_msg("%lu calls on %lu apps\n", t->calls, rounds);
	return right;
}

int main(void)
{
	struct tally *t = fault_calls_begin(3);
	const char *text = getenv("SEDA_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : now_ns() | 1;

	text = getenv("SEDA_COUNT");
	ksft_print_msg("SEDA_SEED=%" PRIu64 "\n", seed);
	ksft_test_result(run_rounds(seed, text ? strtoul(text, NULL, 0) : 100000,
				    t),
			 "calls fail as they may, and apps can be used\n");
	ksft_test_result(t->no_memory > t->calls / 100,
			 "%lu calls had no memory\n", t->no_memory);
	ksft_test_result(t->no_copy > t->calls / 100,
			 "%lu calls could not copy\n", t->no_copy);
	return fault_calls_end();
}
