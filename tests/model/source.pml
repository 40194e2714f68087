/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmod/ready.c and source.c: one source, its state word, its references.
 *
 * A scenario that includes this says what its kind does: PUMP (set n when there
 * is an event), READY, CLOSE (callbacks stop), and what else a worker has.  In
 * an ENTER there is room for one event.
 */
#define IDLE		0
#define LINKED		1
#define OWNED		2
#define STATE		3
#define AGAIN		4
#define DEAD		8

byte state = OWNED | AGAIN;	/* as published */
byte ref = 2;			/* the table's and OWNED's */
bool in_table = true, closing, killed, held_bit, credit;
byte owner;			/* 1 + the worker whose batch has it */
bool on_list;			/* of the stage */
byte pending;
byte readers;			/* in RCU's read sections */
bool gone, freed;		/* ref is 0; a grace period after that */

/* What the model alone knows. */
byte pumps = 1;			/* who has it by OWNED */
bool asked;			/* a CLOSE was accepted */
byte ends;			/* CLOSED events and quiet CLOSEs */

#define USE	assert(!freed)
#define LOOK_AT_STATE(b) ((state & (b)) != 0)

inline seda_source_put() {
	atomic {
		USE;
		assert(ref > 0);
		ref--;	/* [put-ref] */
		if
		:: ref == 0 -> assert(!gone); gone = true;	/* [put-free] */
		:: else
		fi
	}
}

inline seda_stage_link() {
	atomic { MB(); pending++; }	/* [link-pending] */
	/* see delay.pml */	/* [link-timer] */
	atomic { MB(); USE; assert(!on_list); on_list = true; }	/* [link-add] */
}

inline seda_stage_pop() {
	atomic {
		on_list -> on_list = false;	/* [pop-take] */
		assert(pending > 0);
		pending--;	/* [pop-pending] */
	}
}

inline seda_source_kick() {
	atomic { MB(); }	/* [kick-barrier] */
	atomic {
		USE;
		if
		:: LOOK_AT_STATE(DEAD);	/* [kick-dead] */
		:: else ->
			if
			:: (state & STATE) == IDLE ->
				MB(); state = state + LINKED; linked = true;	/* [kick-idle] */
			:: (state & STATE) == LINKED;	/* [kick-linked] */
			:: (state & STATE) == OWNED && LOOK_AT_STATE(AGAIN);	/* [kick-again-set] */
			:: (state & STATE) == OWNED && !LOOK_AT_STATE(AGAIN) ->
				MB(); state = state | AGAIN;	/* [kick-again] */
			fi
		fi
	}
	if
	:: linked ->
		atomic { USE; ref++; }	/* [kick-ref] */
		seda_stage_link();	/* [kick-link] */
		linked = false;
	:: else
	fi
}

inline seda_source_release() {
	atomic { USE; owner = 0; }	/* [release-owner] */
	do
	:: atomic {
			USE;
			MB();
			old = state;
			state = state & ~AGAIN;	/* [release-clear] */
			pumps = pumps - LOOK_AT_STATE(DEAD);
		}
		if
		:: old & DEAD ->	/* [release-dead] */
			seda_source_put();	/* [release-dead-put] */
			break;
		:: else
		fi;
		linked = (old & AGAIN) != 0;	/* [release-again] */
		linked = linked && (closing || READY);	/* [release-look] */
		atomic {
			USE;
			if
			:: state == OWNED ->
				MB();
				state = (linked -> LINKED : IDLE);	/* [release-swap] */
				pumps--;
			:: else -> assert(LOOK_AT_STATE(AGAIN)); old = 0;
			fi
		}
		if
		:: !old;
		:: else ->
			if
			:: linked -> seda_stage_link();	/* [release-link] */
			:: else -> seda_source_put();	/* [release-put] */
			fi;
			break;
		fi
	od;
	linked = false;
	old = 0;
}

/* Who comes here without a reference looks it up under RCU. */
inline seda_source_get() {
	readers++;	/* [get-rcu] */
	found = in_table;	/* [get-load] */
	if
	:: found ->
		atomic {
			USE;
			found = ref > 0;
			ref = ref + found;	/* [get-ref] */
		}
	:: else
	fi;
	readers--;	/* [get-rcu-end] */
}

inline seda_source_kill() {
	atomic {
		USE;
		was = killed;
		killed = true;	/* [kill-once] */
	}
	if
	:: !was ->
		in_table = false;	/* [kill-table] */
		UNSTALL;	/* [kill-unstall] */
		CLOSE;	/* [kill-close] */
		state = state | DEAD;	/* [kill-dead] */
		seda_source_put();	/* [kill-put] */
	:: else
	fi;
	was = false;
}

inline emit_closed() {
	assert(!ends);
	ends++;
}

inline seda_source_pump() {
	atomic {
		USE;
		assert((state & STATE) == LINKED && !pumps && !LOOK_AT_STATE(DEAD));
		MB();
		state = state + 1;	/* [pump-own] */
		pumps++;
	}
	if
	:: closing ->	/* [pump-closing] */
		seda_source_kill();	/* [pump-kill] */
		emit_closed();	/* [pump-closed] */
		n = 1;
	:: else ->
		PUMP;	/* [pump-kind] */
	fi;
	if
	:: !n -> seda_source_release();	/* [pump-nothing] */
	:: else -> seda_slot_own();
	fi
}

inline seda_slot_own() {
	atomic { USE; owner = 1 + _pid; }	/* [own-owner] */
}

inline seda_source_credit() {
	credit = false;	/* [credit-clear] */
}

inline seda_slot_hold() {
	atomic { USE; owner = 0; }	/* [hold-owner] */
	atomic { USE; credit = true; }	/* [hold-credit] */
	skip;	/* [hold-barrier] */
	atomic { USE; assert(!held_bit); held_bit = true; }	/* [hold-held] */
}

inline seda_slot_release() {
	if
	:: hold && !LOOK_AT_STATE(DEAD) ->	/* [slot-dead] */
		seda_slot_hold();	/* [slot-hold] */
	:: else ->
		seda_source_release();	/* [slot-release] */
	fi
}

inline seda_source_unhold() {
	atomic {
		USE;
		taken = held_bit;
		held_bit = false;	/* [unhold-held] */
	}
	if
	:: taken ->
		seda_source_credit();	/* [unhold-credit] */
		seda_source_release();	/* [unhold-release] */
	:: else
	fi;
	taken = false;
}

inline seda_source_seize() {
	if
	:: owner == 1 + _pid -> mine = true;	/* [seize-owner] */
	:: else ->
		atomic {
			USE;
			taken = held_bit;
			held_bit = false;	/* [seize-held] */
		}
	fi
}

inline seda_source_end() {
	if
	:: taken -> seda_source_credit();	/* [end-credit] */
	:: else
	fi;
	seda_source_kill();	/* [end-kill] */
	if
	:: taken ->
		pumps--;
		seda_source_put();	/* [end-put] */
	:: else
	fi
}

inline seda_source_close_quiet() {
	seda_source_seize();	/* [quiet-seize] */
	if
	:: mine || taken ->
		ends++;
		seda_source_end();	/* [quiet-end] */
	:: else
	fi;
	d_step { mine = false; taken = false; }
}

inline seda_source_close(quietly) {
	if
	:: closing;	/* [close-closing] */
	:: else ->
		if
		:: quietly ->
			seda_source_close_quiet();	/* [close-quiet] */
		:: else ->
			atomic {
				USE;
				was = closing;
				asked = true;
				MB();
				closing = true;	/* [close-once] */
			}
			if
			:: !was -> seda_source_kick();	/* [close-kick] */
			:: else
			fi;
			was = false;
		fi
	fi
}

/* The end of publishing. */
inline seda_source_start() {
	seda_source_release();	/* [start-release] */
}
