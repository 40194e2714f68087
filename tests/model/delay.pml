/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stage that waits for a batch of two, or for its oldest source's delay, which
 * STAGE_SET gives it, while sources are linked and harvested: whatever is left is
 * harvested in the end.
 */
#define BATCH	2

byte pending, list, work;
bool due, armed, wake, delay;

#define RUNNABLE	(pending && (pending >= BATCH || due))

inline seda_stage_link() {
	d_step { pending++; n = pending; }	/* [link-pending] */
	if
	:: n == 1 && delay -> armed = true;	/* [link-timer] */
	:: else
	fi;
	list++;	/* [link-add] */
}

inline seda_stage_delayed() {
	if
	:: pending -> due = true;	/* [delayed-due] */
		wake = true;
	:: else
	fi
}

inline seda_stage_set_due() {
	if
	:: !delay && !due;	/* [due-none] */
	:: else -> due = false;	/* [due-clear] */
		if
		:: !pending;	/* [due-pending] */
		:: else ->
			if
			:: delay && old -> due = true;	/* [due-set] */
			:: delay && !old -> armed = true;	/* [due-timer] */
			:: !delay
			fi
		fi
	fi
}

inline seda_stage_pop() {
	d_step { n = list; list = 0; }	/* [pop-take] */
	if
	:: n ->
		d_step { pending = pending - n; work = work - n; }	/* [pop-pending] */
		/* what is left may have waited long enough */
		if
		:: list -> old = true;
		:: old = false;
		fi;
		seda_stage_set_due();
	:: else
	fi
}

active [2] proctype Producer() {
	byte n, i;

	for (i : 1 .. ITEMS) {
		d_step { n = 0; work++; }
		seda_stage_link();
		if
		:: RUNNABLE -> wake = true;
		:: else
		fi
	}
}

active proctype Setter() {
	delay = true;
	due = false;
	if
	:: pending -> armed = true;
	:: else
	fi;
	wake = true;
}

active proctype Timer() {
	do
	:: d_step { armed -> armed = false; }
		seda_stage_delayed();
	od
}

active proctype Worker() {
	byte n;
	bool old;

	do
	:: d_step { wake -> wake = false; }
		do
		:: RUNNABLE -> seda_stage_pop();
		:: else -> break;
		od
	od
}

active proctype Quiet() {
	timeout;
	assert(!work && !pending && !list);
}
