/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workers that sleep and are woken.
 *
 * When nothing moves any more: nobody who could take the work that there is
 * sleeps, also where those who run compute for ever; no wake-up is under way;
 * who is counted as running runs.  The timer must only be needed for a worker
 * that is stopped between its wake-up and its getting up (STOPS of them), so
 * without such ones there is none.  With COUNT=0 the workers have not entered yet.
 */
#define WORKERS		2
#define NPROC		(WORKERS + PRODUCERS + 2)

#if COUNT
#define RUNNING		WORKERS
#else
#define RUNNING		0
#endif
#define FIRST		{ 0, 0, 0, RUNNING, 0, 0, TARGETS, 0 }
#define COPY(to, from) \
	to[0] = from[0]; to[1] = from[1]; to[2] = from[2]; to[3] = from[3]; \
	to[4] = from[4]; to[5] = from[5]
#define PICK(w) \
	if \
	:: parked[0] -> w = 1; \
	:: parked[1] -> w = 2; \
	:: else \
	fi
#define WATCHES		STOPS
#define MAY_STOP \
	if \
	:: d_step { stops && LD(WOKEN(_pid)) -> \
		stops--; away[_pid] = true; } \
		false; \
	:: skip; \
	fi

byte stops = STOPS;
bool away[WORKERS];		/* computes, or is stopped, for ever */
byte kept;			/* credits of those */
byte none[6];

#include "pool.pml"

active [WORKERS] proctype Worker() {
	byte n, got, who;
	bool ret, may, up;

	do
	:: seda_enter();
		if
		:: d_step { away[_pid] = true; kept = kept + got; got = 0; ret = 0; }
			false;
		:: !ret;
		fi
	od
}

active [PRODUCERS] proctype Producer() {
	byte who, i;

	for (i : 1 .. ITEMS / PRODUCERS) {
		seda_stage_link();
		if
		:: seda_stage_runnable() -> seda_pool_wake();
		:: else
		fi
	}
}

active proctype Timer() {
	byte who, n;

	do
	:: atomic { timer == 2 || (timer == 1 && !mem[UNTIL]) -> timer = 0; }
		seda_pool_retry();
	od
}

active proctype Setter() {
	byte who;

	if
	:: SETS -> seda_pool_set();
	:: else
	fi
}

active proctype Memory() {
	do
	:: d_step { holder -> TAKE_HELD; }
	:: d_step { late[0] -> TAKE_LATE(0); }
	:: d_step { late[1] -> TAKE_LATE(1); }
	:: d_step { late[2] -> TAKE_LATE(2); }
	:: d_step { late[3] -> TAKE_LATE(3); }
	:: d_step { late[4] -> TAKE_LATE(4); }
	:: d_step { late[NPROC - 1] -> TAKE_LATE(NPROC - 1); }
	:: d_step { stops < STOPS && mem[UNTIL] && !holder -> mem[UNTIL] = false; }
	od
}

#define RESTS(w)	(away[w] || (parked[w] && task[w] == ASLEEP))

active proctype Quiet() {
	timeout;
	assert(RESTS(0) && RESTS(1));
	assert(mem[NR_PARKED] == parked[0] + parked[1]);
	assert(mem[NR_RUNNING] == counted[0] + counted[1]);
	assert(!(parked[0] && counted[0]) && !(parked[1] && counted[1]));
	assert(!mem[WAKING] || stops < STOPS);
	assert(credits + kept == CREDITS && ready == mem[PENDING]);
	assert(!ready || !credits || !mem[NR_PARKED] ||
	       mem[NR_RUNNING] >= mem[TARGET]);
}
