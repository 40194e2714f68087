/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stage that waits for a batch of two, or for its oldest source's delay, while
 * sources are linked and harvested and STAGE_SET gives it a delay (a shorter one), or
 * takes both away: whatever is left is harvested in the end.
 *
 * A long delay is one that is never over.  What is written without a lock is seen
 * late by others, until the writer's next full barrier.
 */
#define SETTER	2
#define NPROC	5

#define NONE	0
#define LONG	1
#define SHORT	2

byte pending, list;
bool armed, wake;
bool due;
byte delay = FIRST, batch = 2;

/* 1 + what is still to be seen of a process's stores; only one sets a policy. */
byte due_late[NPROC], delay_late, batch_late;

#define DUE	(due_late[_pid] -> due_late[_pid] - 1 : due)
#define DELAY	(_pid == SETTER && delay_late -> delay_late - 1 : delay)
#define RUNNABLE	(pending && (pending >= batch || DUE))

#define TAKE_DUE(p)	due = due_late[p] - 1; due_late[p] = 0
#define TAKE_DELAY	delay = delay_late - 1; delay_late = 0
#define TAKE_BATCH	batch = batch_late - 1; batch_late = 0

inline MB() {
	d_step {
		if
		:: due_late[_pid] -> TAKE_DUE(_pid);
		:: else
		fi;
		if
		:: _pid == SETTER && delay_late -> TAKE_DELAY;
		:: else
		fi;
		if
		:: _pid == SETTER && batch_late -> TAKE_BATCH;
		:: else
		fi
	}
}

inline seda_stage_start_delay() {
	do
	:: got = DELAY;	/* [start-delay-read] */
		if
		:: got -> armed = (got == SHORT);	/* [start-delay-timer] */
		:: else
		fi;
		if
		:: got == DELAY -> break;	/* [start-delay-again] */
		:: else
		fi
	od
}

inline seda_stage_link() {
	d_step { pending++; n = pending; }	/* [link-pending] */
	if
	:: n == 1 -> seda_stage_start_delay();	/* [link-timer] */
	:: else
	fi;
	list++;	/* [link-add] */
}

inline seda_stage_delayed() {
	if
	:: pending && delay ->	/* [delayed-pending] */
		due_late[_pid] = 1 + true;	/* [delayed-due] */
		MB();	/* [delayed-barrier] */
		wake = true;	/* [delayed-wake] */
	:: else
	fi
}

inline seda_stage_set_due() {
	if
	:: !delay && !DUE;	/* [due-none] */
	:: else -> due_late[_pid] = 1 + false;	/* [due-clear] */
		MB();	/* [due-barrier] */
		if
		:: !pending;	/* [due-pending] */
		:: else ->
			got = delay;
			if
			:: got == SHORT && old -> due_late[_pid] = 1 + true;	/* [due-set] */
			:: else -> seda_stage_start_delay();	/* [due-timer] */
			fi
		fi
	fi
}

inline seda_stage_pop() {
	d_step { n = list; list = 0; }	/* [pop-take] */
	if
	:: n ->
		pending = pending - n;	/* [pop-pending] */
		/* what is left may have waited long enough */
		if
		:: list -> old = true;
		:: old = false;
		fi;
		seda_stage_set_due();
	:: else
	fi
}

inline seda_policy_set(min_batch, max_delay) {
	batch_late = 1 + min_batch;	/* [policy-batch] */
	delay_late = 1 + max_delay;	/* [policy-delay] */
}

inline seda_stage_set(min_batch, max_delay) {
	seda_policy_set(min_batch, max_delay);	/* [stage-set-policy] */
	due_late[_pid] = 1 + false;	/* [stage-set-due] */
	MB();	/* [stage-set-barrier] */
	if
	:: pending -> seda_stage_start_delay();	/* [stage-set-timer] */
	:: else
	fi;
	wake = true;	/* [stage-set-wake] */
}

active [2] proctype Producer() {
	byte n, i, got;

	for (i : 1 .. 2 - _pid) {
		seda_stage_link();
		atomic { n = 0; got = 0; }
		if
		:: RUNNABLE -> wake = true;
		:: else
		fi
	}
}

active proctype Setter() {
	byte got;

	seda_stage_set(1 + (THEN != NONE), THEN);
}

active proctype Timer() {
	do
	:: d_step { armed -> armed = false; }
		seda_stage_delayed();
	od
}

active proctype Worker() {
	byte n, got;
	bool old;

	do
	:: d_step { wake -> wake = false; }
		do
		:: RUNNABLE ->
			seda_stage_pop();
			atomic { n = 0; got = 0; old = false; }
		:: else -> break;
		od
	od
}

active proctype Memory() {
	do
	:: d_step { due_late[SETTER] -> TAKE_DUE(SETTER); }
	:: d_step { due_late[3] -> TAKE_DUE(3); }
	:: d_step { due_late[4] -> TAKE_DUE(4); }
	:: d_step { delay_late -> TAKE_DELAY; }
	:: d_step { batch_late -> TAKE_BATCH; }
	od
}

active proctype Quiet() {
	timeout;
	assert(!pending && !list);
}
