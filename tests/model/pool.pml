/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmod/pool.c, and what of stage.c, ready.c and enter.c parks, links and wakes.
 *
 * One stage, whose sources are IDLE again as soon as they are popped.  Places in
 * memory are what is read without pool->lock; parked[] is only used under it,
 * counted[] too or by its worker while that is not parked, llists and credits
 * only by full barriers.  Time: UNTIL says that waking_until is in the future.
 */
#define WAKING		0
#define UNTIL		1
#define NR_PARKED	2
#define NR_RUNNING	3
#define WOKEN(w)	(4 + (w))
#define NHELD		(4 + WORKERS)	/* these are written under pool->lock */
#define TARGET		NHELD
#define PENDING		(NHELD + 1)
#define NLOC		(NHELD + 2)

#include "memory.pml"

#define ASLEEP		1	/* TASK_INTERRUPTIBLE */
#define NOBODY		0

bool parked[WORKERS];
bool counted[WORKERS] = COUNT;	/* or as if the target had been higher */
byte task[WORKERS];
byte ready;			/* on stage->ready and stage->fifo */
byte credits = CREDITS;
byte timer;			/* 1: goes off after UNTIL; 2: now */
byte interrupts = INTERRUPTS;	/* signals or time-outs that may still come */

#define seda_stage_runnable() \
	(LD(PENDING) &&	/* [runnable-pending] */ \
	 credits)	/* [runnable-credits] */

#define seda_pool_has_work() \
	seda_stage_runnable()	/* [work-runnable] */

#define seda_pool_waking() \
	(LD(WAKING) &&	/* [waking-flag] */ \
	 LD(UNTIL))	/* [waking-time] */

/* A full barrier only if it takes one. */
inline seda_credits_take(n) {
	atomic {
		if
		:: credits -> MB(); credits--; n = 1;	/* [credits-take] */
		:: else
		fi
	}
}

inline seda_credits_return() {
	credits++;	/* [credits-return] */
}

inline seda_stage_link() {
	atomic { MB(); mem[PENDING] = mem[PENDING] + 1; }	/* [link-pending] */
	/* see delay.pml */	/* [link-timer] */
	atomic { MB(); ready++; }	/* [link-add] */
}

inline seda_stage_pop(n) {
	atomic {
		if
		:: ready -> ready--; n = 1;	/* [pop-take] */
			assert(mem[PENDING]);
			mem[PENDING] = mem[PENDING] - 1;	/* [pop-pending] */
		:: else
		fi
	}
}

inline seda_pool_watch() {
	if
	:: WATCHES && !timer -> timer = 1;	/* [watch-timer] */
	:: else
	fi
}

/* Within a section of the lock, as are the next two. */
inline seda_worker_count(w) {
	ST(NR_RUNNING, LD(NR_RUNNING) + !counted[w]);	/* [count-running] */
	counted[w] = true;	/* [count-it] */
}

inline seda_worker_discount(w) {
	ST(NR_RUNNING, LD(NR_RUNNING) - counted[w]);	/* [discount-running] */
	counted[w] = false;	/* [discount-it] */
}

#define seda_worker_start(w) \
	if \
	:: LD(NR_RUNNING) < LD(TARGET) ->	/* [start-target] */ \
		seda_worker_count(w);	/* [start-count] */ \
	:: else \
	fi;	/* [start-counted] */

/* Who enters may wait. */
inline seda_worker_may_work(may) {
	if
	:: counted[_pid] ->	/* [may-work-counted] */
		may = LD(NR_RUNNING) <= LD(TARGET);	/* [may-work-running] */
	:: else ->
		atomic {
			LOCK;	/* [may-work-lock] */
			seda_worker_start(_pid);	/* [may-work-start] */
			may = counted[_pid];
			UNLOCK;	/* [may-work-unlock] */
		}
	fi
}

inline seda_pool_wake() {
	if
	:: !LD(NR_PARKED);	/* [wake-nr-parked] */
	:: else ->
		if
		:: seda_pool_waking() ->	/* [wake-waking] */
			seda_pool_watch();	/* [wake-watch] */
		:: else ->
			atomic {
				LOCK;	/* [wake-lock] */
				if
				:: !seda_pool_waking() &&	/* [wake-waking-locked] */
				   LD(NR_RUNNING) < LD(TARGET) ->	/* [wake-target] */
					PICK(who);	/* [wake-pick] */
				:: else
				fi;
				if
				:: who != NOBODY ->
					assert(!seda_pool_waking() && LD(NR_RUNNING) < LD(TARGET));
					parked[who - 1] = false;	/* [wake-unlist] */
					ST(NR_PARKED, LD(NR_PARKED) - 1);	/* [wake-parked] */
					seda_worker_count(who - 1);	/* [wake-running] */
					ST(UNTIL, true);	/* [wake-until] */
					timer = (timer -> 2 : 0);
					ST(WAKING, true);	/* [wake-set-waking] */
					ST(WOKEN(who - 1), true);	/* [wake-woken] */
				:: else
				fi;
				UNLOCK;	/* [wake-unlock] */
			}
			if
			:: who != NOBODY ->
				atomic { MB(); task[who - 1] = 0; who = 0; }	/* [wake-task] */
				if
				:: LD(NR_PARKED) -> seda_pool_watch();	/* [wake-watch-others] */
				:: else
				fi
			:: else
			fi
		fi
	fi
}

inline seda_pool_rouse() {
	atomic {
		MB();	/* [rouse-barrier] */
		if
		:: !LD(NR_PARKED) -> n = 0;	/* [rouse-parked] */
		:: else -> n = 1;
		fi
	}
	if
	:: n && seda_pool_has_work() ->	/* [rouse-work] */
		n = 0;
		seda_pool_wake();	/* [rouse-wake] */
	:: else -> n = 0;
	fi
}

inline seda_pool_retry() {
	seda_pool_rouse();	/* [retry-rouse] */
}

inline seda_pool_set() {
	ADD(TARGET);	/* [set-target] */
	MB();	/* [set-barrier] */
	seda_pool_wake();	/* [set-wake] */
}

inline seda_worker_lay_down() {
	atomic {
		LOCK;	/* [lay-down-lock] */
		ST(WOKEN(_pid), false);	/* [lay-down-woken] */
		parked[_pid] = true;	/* [lay-down-list] */
		ST(NR_PARKED, LD(NR_PARKED) + 1);	/* [lay-down-parked] */
		seda_worker_discount(_pid);	/* [lay-down-running] */
		UNLOCK;	/* [lay-down-unlock] */
	}
}

inline seda_worker_get_up(must, up) {
	atomic {
		LOCK;	/* [get-up-lock] */
		if
		:: LD(WOKEN(_pid)) ->	/* [get-up-woken] */
			ST(WAKING, false);	/* [get-up-waking] */
			assert(!parked[_pid] && counted[_pid]);
			up = true;
		:: else ->
			seda_worker_start(_pid);	/* [get-up-start] */
			if
			:: counted[_pid] || must ->
				assert(!counted[_pid] || LD(NR_RUNNING) <= LD(TARGET));
				parked[_pid] = false;	/* [get-up-unlist] */
				ST(NR_PARKED, LD(NR_PARKED) - 1);	/* [get-up-parked] */
				up = true;
			:: else -> up = false;	/* [get-up-not] */
			fi
		fi;
		UNLOCK;	/* [get-up-unlock] */
	}
}

inline seda_worker_park(ret) {
	seda_worker_lay_down();	/* [park-lay-down] */
	do
	:: atomic { MB(); task[_pid] = ASLEEP; }	/* [park-state] */
		if
		:: LD(WOKEN(_pid)) -> break;	/* [park-woken] */
		:: else
		fi;
		if
		:: LD(NR_RUNNING) < LD(TARGET) &&	/* [park-target] */
		   seda_pool_has_work() ->	/* [park-work] */
			seda_worker_get_up(false, up);	/* [park-try] */
			if
			:: up -> break;
			:: else
			fi
		:: else
		fi;
		if
		:: interrupts -> interrupts--; ret = true; break;	/* [park-signal] */
		:: task[_pid] != ASLEEP;	/* [park-sleep] */
		fi
	od;
	if
	:: !up -> MAY_STOP; seda_worker_get_up(true, up);	/* [park-get-up] */
	:: else
	fi;
	up = false;
	task[_pid] = 0;	/* [park-running] */
}

inline seda_stage_harvest() {
	seda_credits_take(n);	/* [harvest-credits] */
	if
	:: n -> seda_stage_pop(got);	/* [harvest-pop] */
		if
		:: n > got -> seda_credits_return();	/* [harvest-return] */
		:: else
		fi;
		n = 0;
	:: else
	fi
}

/* Room for one event. */
inline seda_harvest() {
	assert(counted[_pid]);
	if
	:: seda_stage_runnable() ->	/* [harvest-pick] */
		seda_stage_harvest();	/* [harvest-stage] */
	:: else
	fi
}

inline seda_wait() {
	do
	:: seda_worker_park(ret);	/* [wait-park] */
		seda_worker_may_work(may);	/* [wait-may-work] */
		if
		:: may -> may = false;
			seda_harvest();	/* [wait-harvest] */
		:: else
		fi;
		if
		:: ret || got -> break;	/* [wait-again] */
		:: else
		fi
	od
}

inline seda_enter_events() {
	seda_worker_may_work(may);	/* [enter-may-work] */
	if
	:: may -> may = false;
		seda_harvest();	/* [enter-harvest] */
	:: else
	fi;
	if
	:: !got -> seda_wait();	/* [enter-wait] */
	:: else
	fi;
	seda_pool_rouse();	/* [enter-rouse] */
}

inline seda_enter() {
	if
	:: got -> seda_credits_return(); got = 0;	/* [enter-release] */
	:: else
	fi;
	seda_enter_events();	/* [enter-events] */
}
