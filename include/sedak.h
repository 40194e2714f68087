/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sedak.h - libsedak: Internet services as graphs of stages
 *
 * A program makes a runtime (sedak_rt), gives it pools of workers and stages,
 * binds listeners, connections, UDP sockets, timers and files to stages, and
 * starts it.  The library owns the threads; a stage's handler is called with a
 * batch of events and never waits for the network.  The same program runs on
 * the device /dev/seda and on epoll(7).
 *
 * Rules that hold throughout:
 *
 *  - A function that can fail returns 0 or a positive result, or -errno.
 *    Nothing prints, nothing exits; diagnostics go to the log callback.
 *  - Handles are opaque.  Options are structs whose first member is their own
 *    size and in which zero means "default": `struct sedak_rt_opts o = {
 *    sizeof(o) };`.  A larger struct than the library knows is accepted if what
 *    it does not know is zero, else -E2BIG; a smaller one is completed with
 *    zeros.
 *  - Times are in nanoseconds; deadlines and delays are relative to the call.
 *  - "Any thread" means any thread of the process that opened the runtime,
 *    handlers included.  After fork() the child may not use it.
 *  - Defaults, ranges and the behaviour at every limit: libsedak(7).
 *
 * This file: events, the runtime, pools and stages.  sedak/conn.h: listeners,
 * connections, buffers.  sedak/file.h: reading and writing files.  sedak/more.h:
 * UDP, timers, files that can be polled, statistics.
 */
#ifndef SEDAK_H
#define SEDAK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEDAK_VERSION_MAJOR	0
#define SEDAK_VERSION_MINOR	1
#define SEDAK_VERSION_PATCH	0

#if defined(__GNUC__)
#define SEDAK_API __attribute__((visibility("default")))
#else
#define SEDAK_API
#endif

struct sedak_rt;
struct sedak_pool;
struct sedak_stage;
struct sedak_listener;
struct sedak_conn;
struct sedak_udp;
struct sedak_timer;
struct sedak_watch;
struct sedak_file;
struct sedak_buf;

/* ------------------------------------------------------------------ events */

/**
 * enum sedak_event_type - what a handler is told
 *
 * The members of struct sedak_event that each type sets beside `user`:
 *
 * SEDAK_EV_ITEM	a posted item: @data is the item.  @conn is set if it was
 *			posted with sedak_conn_post(), else NULL.
 * SEDAK_EV_ACCEPT	a listener has a new connection: @conn, @listener.
 *			@user is the listener's.  No event of @conn is delivered
 *			before this handler call returned, so that it can set the
 *			connection's user pointer, marks and timeout, or close it.
 * SEDAK_EV_CONNECT	sedak_connect() ended: @conn, @res 0 or -errno.  After an
 *			error CLOSED follows.
 * SEDAK_EV_DATA	bytes were received: @conn, @data, @len.  The memory may be
 *			written to, and is valid until the handler returns;
 *			sedak_buf_hold() keeps it longer.
 * SEDAK_EV_EOF		the peer will send no more: @conn.  Sending still works.
 *			The connection stays until the program closes it.
 * SEDAK_EV_SENT	@conn: a send that asked for SEDAK_SEND_NOTIFY is complete,
 *			or the write queue has fallen to the low mark after it was
 *			over the high one.  @amount is what is still queued, in
 *			bytes.  Several become one.
 * SEDAK_EV_TIMEOUT	sedak_conn_timeout() has expired: @conn.
 * SEDAK_EV_DRAIN	sedak_rt_drain() has begun: @conn.  Close it when idle.
 * SEDAK_EV_ERROR	@conn: it failed, @res is -errno (-ECONNRESET when the peer
 *			reset it).  CLOSED follows without the program's doing.
 * SEDAK_EV_CLOSED	the last event of @conn, exactly once: @res 0 after an orderly
 *			close, else -errno.  When the handler returns the library
 *			drops its reference (see sedak_conn_get()).
 * SEDAK_EV_DATAGRAM	@udp, @data, @len, @addr: one datagram and who sent it.
 *			@amount is more than @len if it was cut.
 * SEDAK_EV_TIMER	@timer: @amount expirations since the last event.
 * SEDAK_EV_READY	@watch: @res is a poll(2) mask.  @amount is how many bytes
 *			can be read, where the file tells, else 0.  The device
 *			tells also how many connections a listener has, and for
 *			POLLOUT alone how many bytes TCP has room for.
 * SEDAK_EV_FILE	@file, @op: an operation that had to wait has ended: @res as the
 *			call's, bytes or -errno.  Of a read: @data, @len, as of DATA.
 */
enum sedak_event_type {
	SEDAK_EV_ITEM		= 1,
	SEDAK_EV_ACCEPT		= 2,
	SEDAK_EV_CONNECT	= 3,
	SEDAK_EV_DATA		= 4,
	SEDAK_EV_EOF		= 5,
	SEDAK_EV_SENT		= 6,
	SEDAK_EV_TIMEOUT	= 7,
	SEDAK_EV_DRAIN		= 8,
	SEDAK_EV_ERROR		= 9,
	SEDAK_EV_CLOSED		= 10,
	SEDAK_EV_DATAGRAM	= 11,
	SEDAK_EV_TIMER		= 12,
	SEDAK_EV_READY		= 13,
	SEDAK_EV_FILE		= 14
};

/**
 * struct sedak_event - one event, valid until the handler returns
 * @type:	enum sedak_event_type
 * @res:	0, -errno, a poll(2) mask, or bytes, by type
 * @conn:	the connection; @udp, @timer, @watch, @file: the other sources
 * @user:	the user pointer of that source when the batch was put together
 * @data:	received or read bytes, or the posted item
 * @len:	length of @data in bytes
 * @amount:	a quantity, by type
 * @addr:	the datagram's sender; sa_family gives its length
 * @listener:	the listener that accepted
 * @op:		of a file's operation, as given
 * @priv:	the library's
 */
struct sedak_event {
	uint32_t type;
	int32_t res;
	union {
		struct sedak_conn *conn;
		struct sedak_udp *udp;
		struct sedak_timer *timer;
		struct sedak_watch *watch;
		struct sedak_file *file;
	};
	void *user;
	void *data;
	size_t len;
	uint64_t amount;
	union {
		const struct sockaddr *addr;
		struct sedak_listener *listener;
		void *op;
	};
	void *priv;
};

/**
 * sedak_handler_fn - a stage's handler
 * @stage:	the stage; sedak_stage_state() gives its state
 * @events:	@n events, oldest first within each source
 * @n:		1 to the stage's max_batch
 *
 * Called by a worker of the stage's pool, by several at once if the pool has
 * several.  The events of one connection, and of one timer or watched file, are
 * never handled by two workers at once and come in order; those of a listener
 * and of a UDP socket may be.  Those of one file's operations come as they end, and
 * are never handled by two workers at once.
 * It may handle the events in any order.  It should not block: a stage that
 * must gets a pool of its own.
 */
typedef void (*sedak_handler_fn)(struct sedak_stage *stage,
				 struct sedak_event *events, unsigned int n);

/* ----------------------------------------------------------------- runtime */

enum sedak_backend {
	SEDAK_BACKEND_AUTO	= 0,	/* /dev/seda if it can be opened, else epoll */
	SEDAK_BACKEND_SEDA	= 1,
	SEDAK_BACKEND_EPOLL	= 2
};

enum sedak_log_level {
	SEDAK_LOG_ERROR		= 3,	/* the numbers of syslog(3) */
	SEDAK_LOG_WARNING	= 4,
	SEDAK_LOG_INFO		= 6,
	SEDAK_LOG_DEBUG		= 7
};

/**
 * sedak_log_fn - receives the library's messages
 * @arg:	log_arg of the options
 * @level:	enum sedak_log_level
 * @msg:	one line without a newline, valid during the call
 *
 * Called from any thread, also while the runtime is being made; must not call
 * the library.
 */
typedef void (*sedak_log_fn)(void *arg, int level, const char *msg);

/* The caller's thread runs everything through sedak_run_once(): no own threads */
#define SEDAK_RT_NESTED		(1u << 0)

/**
 * struct sedak_rt_opts - options of sedak_rt_create(); zero is the default
 * @size:	sizeof(struct sedak_rt_opts)
 * @backend:	enum sedak_backend.  While it is AUTO the environment variable
 *		SEDAK_BACKEND (seda or epoll) decides.
 * @flags:	SEDAK_RT_NESTED
 * @workers:	workers of the default pool; 0: one per CPU this process may use
 * @nr_bufs:	receive buffers per worker
 * @buf_size:	bytes of each; a datagram that is longer is cut, and no read of a
 *		file is longer
 * @max_conns:	connections at a time, above which listeners wait; 0: no limit
 *		but the device's
 * @log:	log callback, NULL: none
 * @log_arg:	its first argument
 * @device:	path of the device, NULL: /dev/seda
 * @more_workers: workers of all other pools together, at most; 0: 48, or two
 *		for each CPU if that is more.  The device locks 40 KiB for each.
 */
struct sedak_rt_opts {
	size_t size;
	unsigned int backend;
	unsigned int flags;
	unsigned int workers;
	unsigned int nr_bufs;
	unsigned int buf_size;
	unsigned int max_conns;
	sedak_log_fn log;
	void *log_arg;
	const char *device;
	unsigned int more_workers;
};

/**
 * sedak_version - the version of the library in use, as "0.1.0"
 *
 * Static memory.  Any thread.
 */
SEDAK_API const char *sedak_version(void);

/**
 * sedak_rt_create - make a runtime with its default pool
 * @opts:	options, or NULL for defaults; not kept
 * @rtp:	receives the runtime; sedak_rt_destroy() frees it
 *
 * A backend that was asked for by name, in @opts or in SEDAK_BACKEND, and
 * cannot be had is an error that is also logged; there is no silent fallback.
 *
 * Return: 0; -EINVAL an option is out of its range or SEDAK_BACKEND unknown;
 * -E2BIG see above; -ENODEV the device or its module is missing; -EACCES,
 * -EPERM it may not be opened; -EPROTONOSUPPORT it speaks another version;
 * -ENOMEM, -EMFILE.
 */
SEDAK_API int sedak_rt_create(const struct sedak_rt_opts *opts,
			      struct sedak_rt **rtp);

/**
 * sedak_rt_start - run the stages' init hooks and start the workers
 * @rt:		the runtime
 *
 * Before it, events collect and nothing is handled.  Stages, pools and sources
 * may be made before or after.  Not for handlers.
 *
 * Return: 0; -EALREADY it was started; -ESHUTDOWN it was stopped, before or
 * meanwhile; what an init hook returned (the hooks that had succeeded are undone by
 * their destroy hooks); -EAGAIN no thread could be made; -ENOMEM the device has no
 * memory for a worker.
 */
SEDAK_API int sedak_rt_start(struct sedak_rt *rt);

/**
 * sedak_rt_drain - stop accepting, finish what is queued
 * @rt:		the runtime
 * @timeout_ns:	how long to wait at most
 *
 * Closes the listeners, sends SEDAK_EV_DRAIN to each connection, and waits until
 * no connection is left, every stage's queue is empty and no operation on a file
 * is under way.  Workers go on running.  A connection whose handler does not close
 * it is waited for until the time is over.  Not for handlers; in a nested runtime it
 * runs the loop itself.
 *
 * Return: 0; -ETIMEDOUT some are left (sedak_rt_stop() will abort them);
 * -ESHUTDOWN it was stopped.
 */
SEDAK_API int sedak_rt_drain(struct sedak_rt *rt, uint64_t timeout_ns);

/**
 * sedak_rt_stop - stop and join the workers
 * @rt:		the runtime
 *
 * Each worker finishes the handler call it is in.  Connections that are left are
 * aborted, without events; completion callbacks of sends run with -ECANCELED;
 * queued items are dropped (the stage's destroy hook sees to its own).  Operations on
 * files end without events; with epoll it waits for those that have begun.  It
 * cannot be started again.  Idempotent; a second thread waits for the first.
 * Nested, for the thread of sedak_run_once().  What others make just then is ended,
 * too, or -ESHUTDOWN.
 *
 * Return: 0; -EDEADLK called from a handler or a callback.
 */
SEDAK_API int sedak_rt_stop(struct sedak_rt *rt);

/**
 * sedak_rt_destroy - stop, run the destroy hooks (last stage first), free all
 * @rt:		the runtime, or NULL
 *
 * Every handle of the runtime is invalid afterwards, buffers included, but for
 * connections that the program still holds with sedak_conn_get().  Not for
 * handlers.
 */
SEDAK_API void sedak_rt_destroy(struct sedak_rt *rt);

/**
 * sedak_fd - a descriptor for another event loop
 * @rt:		a nested runtime
 *
 * Readable (POLLIN) when sedak_run_once() has something to do; watch it level
 * triggered.  The library's own, do not close it.
 *
 * Return: the descriptor; -EINVAL not nested.
 */
SEDAK_API int sedak_fd(const struct sedak_rt *rt);

/**
 * sedak_run_once - handle what is ready, in the caller's thread
 * @rt:		a nested runtime that was started
 * @timeout_ns:	wait so long for the first event; 0 does not wait, -1 has no end
 *
 * Always from the same thread.  Not for handlers.
 *
 * Return: how many events handlers were given; -EINVAL not nested or not
 * started; -EINTR a signal came while it waited, or, on epoll, an operation on a
 * file ended; -EDEADLK called from a handler.
 */
SEDAK_API int sedak_run_once(struct sedak_rt *rt, int64_t timeout_ns);

/* -------------------------------------------------------- pools and stages */

enum sedak_sched {
	SEDAK_SCHED_AUTO	= 0,	/* by the size of the batches seen */
	SEDAK_SCHED_NORMAL	= 1,	/* best with one busy connection */
	SEDAK_SCHED_BATCH	= 2	/* best with many: does not preempt */
};

/* Bind each worker to one CPU, in turn, of those the process may use */
#define SEDAK_POOL_PIN		(1u << 0)

/**
 * struct sedak_pool_opts - options of sedak_pool_create(); zero is the default
 * @size:	sizeof(struct sedak_pool_opts)
 * @name:	for statistics and thread names, copied; NULL: "pool<N>"
 * @workers:	threads; 0: one per CPU this process may use
 * @sched:	enum sedak_sched
 * @flags:	SEDAK_POOL_PIN
 * @max_events:	events a worker takes at a time
 */
struct sedak_pool_opts {
	size_t size;
	const char *name;
	unsigned int workers;
	unsigned int sched;
	unsigned int flags;
	unsigned int max_events;
};

/**
 * sedak_pool_create - make a pool of workers
 * @rt:		the runtime
 * @opts:	options, or NULL; not kept
 * @poolp:	receives the pool, which lives as long as the runtime
 *
 * A pool is a unit of concurrency: make one only for stages that block or that
 * must be kept apart.  In a nested runtime every pool is the caller's thread.
 * Its threads start with the runtime, or at once if that runs.  Any thread but a
 * handler.
 *
 * Return: 0; -EINVAL; -E2BIG; -ENOMEM; -EAGAIN; -ENOSPC too many pools, or more
 * workers than the runtime was made for (@more_workers); -ESHUTDOWN it was
 * stopped.  If it runs, also what a thread or the device failed with: there is
 * no pool then, but what was started of it goes, and what it took of
 * @more_workers comes back, with the runtime only.
 */
SEDAK_API int sedak_pool_create(struct sedak_rt *rt,
				const struct sedak_pool_opts *opts,
				struct sedak_pool **poolp);

/* What sedak_stage_post() does when a stage has `capacity` items queued */
enum sedak_full {
	SEDAK_FULL_REJECT	= 0,	/* -EAGAIN to the sender */
	/*
	 * The stage whose handler posts is not run, and its connections are not
	 * read, until there is room.  What its current batch still posts is taken,
	 * up to twice the capacity plus 1024; then, and to threads that are no
	 * workers, -EAGAIN.
	 */
	SEDAK_FULL_BACKPRESSURE	= 1
};

/**
 * struct sedak_stage_opts - options of sedak_stage_create(); zero is the default
 * @size:	sizeof(struct sedak_stage_opts)
 * @name:	for statistics, copied; NULL: "stage<N>"
 * @handler:	the handler, required
 * @state:	what sedak_stage_state() returns
 * @init:	run by sedak_rt_start() in order of creation, or at once if the
 *		runtime runs; an error stops the start.  May be NULL.
 * @destroy:	run by sedak_rt_destroy() if init had succeeded (or was NULL and
 *		the runtime had started).  May be NULL.
 * @pool:	where it runs, NULL: the default pool
 * @priority:	-20 (first) to 19: of the stages of one pool that have work the
 *		foremost is run
 * @min_batch:	do not run before so many events wait, ...
 * @max_delay_ns: ... or the oldest has waited so long (needed if min_batch > 1)
 * @max_batch:	events per handler call at most.  1 where the handler blocks, so
 *		that nothing waits behind it.
 * @capacity:	items its queue holds
 * @full:	enum sedak_full
 */
struct sedak_stage_opts {
	size_t size;
	const char *name;
	sedak_handler_fn handler;
	void *state;
	int (*init)(struct sedak_stage *stage);
	void (*destroy)(struct sedak_stage *stage);
	struct sedak_pool *pool;
	int priority;
	unsigned int min_batch;
	uint64_t max_delay_ns;
	unsigned int max_batch;
	unsigned int capacity;
	unsigned int full;
};

/**
 * sedak_stage_create - make a stage
 * @rt:		the runtime
 * @opts:	options; not kept
 * @stagep:	receives the stage, which lives as long as the runtime
 *
 * Any thread but a handler.  (Batch handlers, hooks and the bounded queue are
 * those of Welsh's SEDA; stages that share threads are his later advice.)
 *
 * Return: 0; -EINVAL; -E2BIG; -ENOMEM; -ENOSPC too many stages; what init
 * returned; -ESHUTDOWN the runtime was stopped.
 */
SEDAK_API int sedak_stage_create(struct sedak_rt *rt,
				 const struct sedak_stage_opts *opts,
				 struct sedak_stage **stagep);

/** sedak_stage_state - @state of the stage's options.  Any thread. */
SEDAK_API void *sedak_stage_state(const struct sedak_stage *stage);

/** sedak_stage_name - its name, valid as long as the stage.  Any thread. */
SEDAK_API const char *sedak_stage_name(const struct sedak_stage *stage);

/** sedak_stage_rt - the runtime it belongs to.  Any thread. */
SEDAK_API struct sedak_rt *sedak_stage_rt(const struct sedak_stage *stage);

/**
 * sedak_stage_post - queue an item for a stage
 * @stage:	the receiver
 * @item:	anything, delivered as SEDAK_EV_ITEM; stays the program's.  Who
 *		posts it must have it not in use any more.
 *
 * From a worker of the stage's own pool the item is handled by that worker
 * before it waits again; from elsewhere by any worker.  Items of one thread
 * leave the queue in order.  Any thread.
 *
 * Return: 0; -EAGAIN the queue is full (see enum sedak_full); -ESHUTDOWN the
 * runtime was stopped.
 */
SEDAK_API int sedak_stage_post(struct sedak_stage *stage, void *item);

/**
 * sedak_now - CLOCK_MONOTONIC in ns; in a handler, of when its batch began
 *
 * Any thread.
 */
SEDAK_API uint64_t sedak_now(void);

#ifdef __cplusplus
}
#endif

#include "sedak/conn.h"
#include "sedak/file.h"
#include "sedak/more.h"

#endif /* SEDAK_H */
