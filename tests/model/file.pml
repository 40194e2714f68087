/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The queue that a watched file waits on goes (POLLFREE, as signalfd's does), while
 * the watch ends: nobody uses the queue after its grace period, nor the watch after
 * its end.
 */
bool queued = true, head = true;
bool locked, queue = true, watch = true;	/* the lock of the queue; there are */
byte readers;

#define USE_WATCH	assert(watch)
#define LOCK		assert(queue); !locked -> assert(queue); locked = true

/* Under the lock of the queue. */
inline seda_file_wake() {
	atomic { USE_WATCH; queued = false; }	/* [free-unlist] */
	atomic { USE_WATCH; head = false; }	/* [free-head] */
}

inline seda_file_unwait() {
	readers++;	/* [unwait-rcu] */
	linked = head;	/* [unwait-head] */
	if
	:: linked -> atomic { LOCK; queued = false; locked = false; }	/* [unwait-remove] */
	:: else
	fi;
	readers--;	/* [unwait-rcu-end] */
}

active proctype Queue() {
	atomic { LOCK; }
	if
	:: queued -> seda_file_wake();
	:: else
	fi;
	locked = false;
	/* a grace period: readers that begin after it find no head */
	readers == 0;
	queue = false;
}

active proctype Watch() {
	bool linked;

	seda_file_unwait();
	watch = false;
}

active proctype Quiet() {
	timeout;
	assert(!queue && !watch && !queued);
}
