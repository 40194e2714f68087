/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sedak/more.h - UDP sockets, timers, other files, statistics
 *
 * A part of sedak.h, which says what holds throughout; include that.
 */
#ifndef SEDAK_MORE_H
#define SEDAK_MORE_H

#ifndef SEDAK_H
#error "include <sedak.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --------------------------------------------------------------------- UDP */

/**
 * struct sedak_udp_opts - options of sedak_udp_open(); zero is the default
 * @size:	sizeof(struct sedak_udp_opts)
 * @host:	numeric address to bind; NULL: any
 * @port:	0: the system chooses
 * @flags:	SEDAK_LISTEN_REUSEPORT, SEDAK_LISTEN_V6ONLY
 * @stage:	gets the DATAGRAM events, required
 * @user:	user pointer
 */
struct sedak_udp_opts {
	size_t size;
	const char *host;
	uint16_t port;
	unsigned int flags;
	struct sedak_stage *stage;
	void *user;
};

/**
 * sedak_udp_open - a UDP socket for a stage
 * @opts:	options; not kept
 * @udpp:	receives it; sedak_udp_close() or the runtime's end closes it; the
 *		handle lives as long as the runtime
 *
 * Several workers may have datagrams of one socket at once.  Any thread.
 *
 * Return: as sedak_listen().
 */
SEDAK_API int sedak_udp_open(const struct sedak_udp_opts *opts,
			     struct sedak_udp **udpp);

/**
 * sedak_udp_send - send a copy of a datagram
 * @udp:	the socket
 * @data:	the bytes
 * @len:	how many, at most 65507 over IPv4
 * @addr:	where to
 * @addrlen:	its length
 *
 * Never blocks: what the socket has no room for is dropped and counted in
 * sedak_rt_stats.udp_dropped, as the network itself would.  Any thread.
 *
 * Return: 0; -EINVAL; -EMSGSIZE; -ESTALE closed; -ENOMEM.
 */
SEDAK_API int sedak_udp_send(struct sedak_udp *udp, const void *data, size_t len,
			     const struct sockaddr *addr, socklen_t addrlen);

/**
 * sedak_udp_send_event - send a received datagram back to its sender, in place
 * @udp:	the socket to send with
 * @ev:		a DATAGRAM event, in its handler
 * @len:	bytes of ev->data to send, which may have been changed
 *
 * It is sent when the worker's batch ends.  In a pool of several workers another
 * one may close the socket before that; then it counts as dropped.
 *
 * Return: as sedak_udp_send().
 */
SEDAK_API int sedak_udp_send_event(struct sedak_udp *udp, struct sedak_event *ev,
				   size_t len);

/** sedak_udp_addr - the address it is bound to, as sedak_listener_addr(). */
SEDAK_API int sedak_udp_addr(const struct sedak_udp *udp, struct sockaddr *addr,
			     socklen_t *len);

/**
 * sedak_udp_close - receive no more; what is queued is sent
 * @udp:	the socket
 *
 * Any thread.  Return: 0; -ESTALE it was closed before.
 */
SEDAK_API int sedak_udp_close(struct sedak_udp *udp);

/* ------------------------------------------------------------------ timers */

/**
 * sedak_timer_create - a timer that sends events to a stage
 * @stage:	gets the TIMER events
 * @user:	user pointer
 * @timerp:	receives the timer; sedak_timer_destroy() or sedak_rt_destroy()
 *		frees it
 *
 * Any thread.  Return: 0; -ENOMEM; -ESHUTDOWN.
 */
SEDAK_API int sedak_timer_create(struct sedak_stage *stage, void *user,
				 struct sedak_timer **timerp);

/**
 * sedak_timer_set - start it, anew if it runs
 * @timer:	the timer
 * @first_ns:	time to the first event, at least 1 ns
 * @period_ns:	then one every so many, of a fixed rate; 0: no more
 *
 * Never early.  Events that a stage has not taken yet become one, whose amount
 * counts them.  Any thread.
 *
 * Return: 0; -EINVAL first_ns is 0; -ENOMEM, it does not run then.
 */
SEDAK_API int sedak_timer_set(struct sedak_timer *timer, uint64_t first_ns,
			      uint64_t period_ns);

/**
 * sedak_timer_cancel - stop it
 * @timer:	the timer
 *
 * In a handler of a pool of one worker nothing comes after it but what is in the
 * batch in hand; elsewhere an event that a worker has already taken may be handled
 * at the same time.  Any thread.
 *
 * Return: 1 it was running; 0 it was not.
 */
SEDAK_API int sedak_timer_cancel(struct sedak_timer *timer);

/**
 * sedak_timer_destroy - cancel and free
 * @timer:	the timer, or NULL; invalid afterwards, but for a handler that has
 *		its event in hand, until that returns
 *
 * Any thread.
 */
SEDAK_API void sedak_timer_destroy(struct sedak_timer *timer);

/* ------------------------------------------------------------ other files */

#define SEDAK_WATCH_EDGE	(1u << 0)	/* once per change */
#define SEDAK_WATCH_ONESHOT	(1u << 1)	/* once, until sedak_watch_arm() */

/**
 * sedak_watch_open - watch any pollable file
 * @stage:	gets the READY events
 * @fd:		the descriptor; stays the caller's, open until sedak_watch_close()
 * @events:	poll(2) mask: POLLIN, POLLOUT, POLLPRI, POLLRDHUP
 * @flags:	SEDAK_WATCH_*; 0: level-triggered, told again after each handler
 *		call while it stays ready
 * @user:	user pointer
 * @watchp:	receives the watch
 *
 * Any thread.  Return: 0; -EBADF; -EPERM the file cannot be polled (a regular
 * file); -EINVAL; -EEXIST it is watched in this pool (epoll; the device watches
 * it twice); -ELOOP, -ENOMEM, -ESHUTDOWN; -EOPNOTSUPP (the device: see WATCH in
 * seda(4)).
 */
SEDAK_API int sedak_watch_open(struct sedak_stage *stage, int fd,
			       unsigned int events, unsigned int flags,
			       void *user, struct sedak_watch **watchp);

/**
 * sedak_watch_arm - change what is watched, or arm a one-shot watch again
 * @watch:	the watch
 * @events:	poll(2) mask; 0 disarms
 *
 * Any thread.  Return: 0; -EINVAL; -ESTALE closed.
 */
SEDAK_API int sedak_watch_arm(struct sedak_watch *watch, unsigned int events);

/**
 * sedak_watch_close - stop watching
 * @watch:	the watch, or NULL; invalid afterwards, but for a handler that has
 *		its event in hand, until that returns
 *
 * The descriptor may be closed afterwards.  Any thread.
 */
SEDAK_API void sedak_watch_close(struct sedak_watch *watch);

/* -------------------------------------------------------------- statistics */

/*
 * Snapshots: each number is exact, but they are not all of the same instant.
 * Counters begin at 0 and only grow; rates are differences of two snapshots.
 * `size` is set by the caller to sizeof() and tells the version, as in options.
 */

#define SEDAK_HIST_BUCKETS	40

/**
 * struct sedak_stage_stats - one stage
 * @size:	sizeof(struct sedak_stage_stats)
 * @name:	its name; @pool: that of its pool
 * @priority, @capacity: its options
 * @queued:	items in its queue now; @queued_max: the most there were
 * @deferred:	events taken from the backend and not handled yet (it is held back
 *		by back-pressure, or a batch is not full)
 * @paused:	1 while back-pressure holds it back
 * @enqueued:	items accepted; @rejected: items refused
 * @delivered:	events and items that its handler was given
 * @batches:	handler calls; @batch_max: the most events in one
 * @service_ns:	time in its handler, all workers together
 * @delay_ns:	time items waited in the queue, all together; @delay_max_ns
 * @delay_nr:	how many items @delay_ns is the sum of
 * @pauses:	times that back-pressure held it back
 * @sources:	connections, listeners, sockets, files bound to it now
 * @kernel_delivered: events the device counts for it; 0 with epoll
 * @service_hist: handler calls by their duration: bucket i counts those of at
 *		least 2^i ns, and less than 2^(i+1)
 * @file_ops:	operations of its files that are under way
 * @file_hits:	reads that did not wait; @file_misses: operations that did
 * @file_busy:	operations refused because @capacity were under way
 */
struct sedak_stage_stats {
	size_t size;
	const char *name;
	const char *pool;
	int32_t priority;
	uint32_t capacity;
	uint32_t queued;
	uint32_t queued_max;
	uint32_t deferred;
	uint32_t paused;
	uint64_t enqueued;
	uint64_t rejected;
	uint64_t delivered;
	uint64_t batches;
	uint64_t batch_max;
	uint64_t service_ns;
	uint64_t delay_ns;
	uint64_t delay_max_ns;
	uint64_t delay_nr;
	uint64_t pauses;
	uint64_t sources;
	uint64_t kernel_delivered;
	uint64_t service_hist[SEDAK_HIST_BUCKETS];
	uint64_t file_ops;
	uint64_t file_hits;
	uint64_t file_misses;
	uint64_t file_busy;
};

/**
 * struct sedak_pool_stats - one pool
 * @size:	sizeof(struct sedak_pool_stats)
 * @name:	its name
 * @workers:	its threads
 * @sched:	enum sedak_sched in force: NORMAL or BATCH
 * @enters:	times a worker asked the backend; @waits: of these, found nothing
 * @events:	events the backend gave; @ops: operations submitted
 * @wakeups:	times another thread had to wake it
 * @timers:	timers and timeouts running
 */
struct sedak_pool_stats {
	size_t size;
	const char *name;
	uint32_t workers;
	uint32_t sched;
	uint64_t enters;
	uint64_t waits;
	uint64_t events;
	uint64_t ops;
	uint64_t wakeups;
	uint64_t timers;
};

/**
 * struct sedak_rt_stats - the runtime
 * @size:	sizeof(struct sedak_rt_stats)
 * @backend:	"seda" or "epoll"
 * @nr_stages, @nr_pools: how many
 * @conns:	connections now; @accepted, @connected: since the start
 * @closed:	connections that ended; @aborted: of these, not in order
 * @bytes_in, @bytes_out: of all connections and UDP sockets
 * @bufs:	receive buffers; @bufs_held: kept by the program or by sends
 * @bufs_copied: times the cap of held buffers made a copy
 * @udp_dropped: datagrams for which the socket, or a stage that is held back,
 *		had no room
 * @accept_errors: times that descriptors or memory were missing
 */
struct sedak_rt_stats {
	size_t size;
	const char *backend;
	uint32_t nr_stages;
	uint32_t nr_pools;
	uint64_t conns;
	uint64_t accepted;
	uint64_t connected;
	uint64_t closed;
	uint64_t aborted;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t bufs;
	uint64_t bufs_held;
	uint64_t bufs_copied;
	uint64_t udp_dropped;
	uint64_t accept_errors;
};

/**
 * sedak_rt_get_stats - a snapshot of the runtime
 * @rt:		the runtime
 * @st:		receives it; st->size set by the caller
 *
 * Names in a snapshot are valid as long as the runtime.  Any thread.
 *
 * Return: 0; -EINVAL st->size is too small.
 */
SEDAK_API int sedak_rt_get_stats(struct sedak_rt *rt, struct sedak_rt_stats *st);

/** sedak_stage_get_stats - a snapshot of a stage.  As sedak_rt_get_stats(). */
SEDAK_API int sedak_stage_get_stats(struct sedak_stage *stage,
				    struct sedak_stage_stats *st);

/** sedak_pool_get_stats - a snapshot of a pool.  As sedak_rt_get_stats(). */
SEDAK_API int sedak_pool_get_stats(struct sedak_pool *pool,
				   struct sedak_pool_stats *st);

/**
 * sedak_rt_stage, sedak_rt_pool - by index, in order of creation
 * @rt:		the runtime
 * @i:		from 0; pool 0 is the default pool
 *
 * Return: the handle, or NULL past the last.  Any thread.
 */
SEDAK_API struct sedak_stage *sedak_rt_stage(struct sedak_rt *rt, unsigned int i);
SEDAK_API struct sedak_pool *sedak_rt_pool(struct sedak_rt *rt, unsigned int i);

/** sedak_rt_backend - "seda" or "epoll".  Any thread. */
SEDAK_API const char *sedak_rt_backend(const struct sedak_rt *rt);

#ifdef __cplusplus
}
#endif

#endif /* SEDAK_MORE_H */
