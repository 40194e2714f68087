/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library's own objects.  Included by every file of lib/, by nothing else.
 *
 * Locks, innermost last; none is held while a handler or a callback runs:
 *
 *   rt->lock		lists of stages, pools, sources; start and stop
 *   stage->lock	the shared queue, deferred events, back-pressure lists
 *   pool->timer_lock	the timer heap
 *   rt->mem_lock	free lists that workers share
 *
 * What belongs to a worker (its struct, statistics, local queues, free lists) is
 * touched by its thread alone.  What belongs to a source is touched by whoever
 * holds A_ACTIVE in its word: see struct source.
 */
#ifndef SEDAK_INTERNAL_H
#define SEDAK_INTERNAL_H

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "sedak.h"

#define MAX_POOLS		16
#define MAX_STAGES		48	/* the device has 64; each pool takes one */
#define MAX_WORKERS		1024
#define DEF_MORE_WORKERS	48	/* of other pools than the default one */
#define MAX_EVENTS		64	/* of a worker's batch */
#define MIN_EVENTS		8
#define MAX_CONNS		((1u << 20) - MORE_SOURCES)
#define MORE_SOURCES		1024	/* listeners, files ..., of the device */
#define MAX_IOV			64	/* segments of one send */
#define MAX_SEND		((size_t)1 << 30)	/* bytes of one */
#define MAX_DATAGRAM		65535
#define MAX_NR_BUFS		(1u << 16)
#define MIN_NR_BUFS		(2 * MAX_EVENTS)
#define MAX_BUF_SIZE		(1u << 20)
#define MIN_BUF_SIZE		64
#define MAX_BATCH		1024
#define MAX_CAPACITY		(1u << 20)
#define MIN_PRIORITY		(-20)
#define MAX_PRIORITY		19

/* Operations on files that a pool has begun, with epoll; others wait */
#define IO_RING			256
#define IO_THREADS		16	/* without io_uring */

#define DEF_MAX_BATCH		64
#define DEF_CAPACITY		1024
#define OVERSHOOT		1024	/* past twice the capacity: a batch */
#define DEF_NR_BUFS		256
#define DEF_BUF_SIZE		4096
#define DEF_WQ_LOW		(64u << 10)
#define DEF_WQ_HIGH		(256u << 10)
#define DEF_WQ_MAX		(64u << 20)
#define DEF_BACKLOG		4096
#define FILE_COST		4096	/* of one that is sent, in a write queue */
#define ACCEPT_RETRY_NS		100000000ull
#define TIMEOUT_SLACK_NS	1000000ull

#define NSEC_PER_SEC		1000000000ull
#define NEVER			UINT64_MAX
#define CACHE_LINE		64

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

/* A thread's own counter that other threads read: no locked instruction */
#define counter_add(c, n) \
	atomic_store_explicit(&(c), atomic_load_explicit(&(c), \
		memory_order_relaxed) + (n), memory_order_relaxed)
#define counter_get(c)	atomic_load_explicit(&(c), memory_order_relaxed)
#define load_relaxed(p)	atomic_load_explicit((p), memory_order_relaxed)
#define store_relaxed(p, v) \
	atomic_store_explicit((p), (v), memory_order_relaxed)

struct backend;
struct worker;
struct source;
struct file_op;
struct ep_io;
struct ep_sendfile;

/* -------------------------------------------------------------- free lists */

struct chunk;

/* Sizes of chunks that are kept for reuse; larger ones are freed */
#define CHUNK_CLASSES		3
#ifndef CHUNK_CACHE_MAX
#define CHUNK_CACHE_MAX		256	/* of each class, per worker; tests: 0 */
#endif
#define CONN_CACHE_MAX		256

/* ------------------------------------------------------------------ source */

enum source_kind {
	SRC_CONN,
	SRC_LISTEN,
	SRC_UDP,
	SRC_WATCH,
	SRC_FILE,	/* operations on a file: no source of the backend's */
	SRC_TIMER,	/* a struct sedak_timer: no source of the backend's */
	SRC_INTERNAL	/* a backend's own (wake-up, clock) */
};

/*
 * struct source is an actor.  Whoever sets A_ACTIVE in an idle source's word
 * owns it until it clears the bit: it alone touches the fields and runs the
 * handler.  Everybody else leaves a message, that is, sets one of the P_ bits
 * (after storing what belongs to it): set on an active source, its owner sees it
 * before it lets go; set on an idle one, the source goes to a worker's list of
 * sources to be serviced, active already, with a reference.
 *
 * S_ bits are state that any thread may set and test.
 */
#define A_ACTIVE	(1u << 0)
#define P_FOREIGN	(1u << 1)	/* chunks on ->foreign */
#define P_CTL		(1u << 2)	/* an S_ bit has changed */
#define P_TIMEOUT	(1u << 3)
#define P_DRAIN		(1u << 4)
#define P_ITEM		(1u << 5)	/* items on ->items, ops on ->done */
#define P_KEV		(1u << 6)	/* an event on ->kev */
#define P_ROOM		(1u << 7)	/* an operation found no slot */
#define P_MASK		0xfeu
#define S_CLOSING	(1u << 16)
#define S_ABORT		(1u << 17)
#define S_SHUT		(1u << 18)
#define S_PAUSE		(1u << 19)	/* by the program */
#define S_LIMIT		(1u << 20)	/* by the library: a limit */
#define S_BROKEN	(1u << 21)
#define S_CLOSED	(1u << 22)	/* CLOSED was delivered */
#define S_RETRY		(1u << 23)	/* a listener waits for descriptors */
#define S_LOST		(1u << 24)	/* no memory to defer the backend's CLOSED */

enum src_list {
	LIST_NONE,
	LIST_SVC,	/* messages wait: w->svc_head */
	LIST_ACTIVE	/* to be settled: w->active */
};

/* What backend_epoll keeps in a source; see backend_epoll.c */
struct epoll_src {
	_Atomic uint32_t word;
	_Atomic uint32_t flags;
	int fd;
	int error;
	_Atomic uint32_t mask;		/* of a watch */
	uint32_t nr_iov;
	atomic_flag lock;		/* the rest, and flags that name it */
	struct iovec *iov;		/* a send that goes on, else NULL */
	size_t sent;			/* bytes of it done */
	struct ep_sendfile *sf;		/* a file's that goes on, else NULL */
	struct source *next;		/* the worker's ready list */
};

struct seda_src {
	_Atomic uint64_t id;
	int fd1;		/* a descriptor of ours, plus 1; 0: none */
};

struct source {
	_Atomic uint32_t word;
	uint8_t kind;
	uint8_t listed;		/* on which of the worker's lists (`next`) */
	bool qref;		/* the active state holds a reference */
	bool in_ring;		/* an operation whose order counts is not
				 * submitted: others' would overtake it
				 */
	_Atomic uint32_t refs;
	_Atomic(struct worker *) owner;
	struct sedak_stage *stage;
	struct sedak_rt *rt;
	struct source *next;	/* active, service or free list */
	_Atomic(struct source *) inbox_next;
	_Atomic(struct chunk *) foreign;	/* newest first */
	struct bev *kev;	/* a deferred event, with its source held */
	void *_Atomic user;
	union {
		struct epoll_src ep;
		struct seda_src sd;
	};
};

/* ------------------------------------------------------------------ events */

#define BEV_IN		(1u << 0)
#define BEV_EOF		(1u << 1)
#define BEV_ERR		(1u << 2)
#define BEV_SENT	(1u << 3)
#define BEV_ACCEPT	(1u << 4)
#define BEV_CONNECT	(1u << 5)
#define BEV_TIMER	(1u << 6)
#define BEV_WAKE	(1u << 7)
#define BEV_READY	(1u << 8)
#define BEV_CLOSED	(1u << 9)
#define BEV_HELD	(1u << 31)	/* must be given back explicitly */

/* One event of a backend, good until the worker's next enter() */
struct bev {
	struct source *src;
	uint32_t bits;
	int32_t res;		/* -errno; READY: the poll mask */
	int32_t slot;		/* its number for hold() and keep() */
	uint32_t len;
	struct sedak_buf *buf;
	/* also: ACCEPT: the child's id or descriptor; CLOSED of a listener: if
	 * others may come to their events of it later, LISTENER_LAST and how many
	 */
	uint64_t amount;
	struct sockaddr_in6 addr;
	struct bev *next;	/* when deferred */
	uint64_t since;		/* when deferred */
	bool to_source;		/* deferred to the source's owner, not the stage */
};

/*
 * A receive buffer (index >= 0, descriptor preallocated) or a copy of one.
 * refs is 0 while only the worker's batch has it.
 */
struct sedak_buf {
	_Atomic uint32_t refs;
	int32_t index;
	int32_t slot;		/* of its event, while refs is 0 */
	uint32_t len;
	struct chunk *in_place;	/* that sends it without a reference */
	uint64_t kept_at;	/* the backend's: which batch of ... */
	struct worker *keeper;	/* ... whom it was kept from */
	char *data;
	struct sedak_rt *rt;
	struct sedak_buf *next;
};

/* A piece of a write queue */
struct chunk {
	struct chunk *next;
	struct iovec iov;	/* the bytes */
	sedak_done_fn done;
	void *arg;
	struct sedak_buf *buf;
	struct sedak_file *file;	/* the bytes are its, from ... */
	uint64_t offset;		/* ... here on; iov has their number */
	uint32_t room;		/* bytes of mem[] */
	int8_t class;		/* of the free list, -1: malloc */
	bool notify;
	bool in_place;		/* buf belongs to the batch in hand, not kept yet */
	bool counted;		/* the backend keeps it; it counts as held */
	struct sockaddr_in6 to;	/* UDP */
	char mem[];
};

/* The end of src->foreign once the connection takes no more */
#define FOREIGN_CLOSED	((struct chunk *)1)

struct item {
	struct item *next;
	void *item;
};

/* ------------------------------------------------------------------ timers */

struct timer_node {
	uint64_t key;		/* position in the heap; never later than deadline */
	uint64_t deadline;	/* NEVER: not set */
	int32_t pos;		/* -1: not in the heap */
	struct source *src;
};

/* ------------------------------------------------------------- connections */

enum conn_state {
	CONN_NEW,		/* accepted, not attached yet */
	CONN_CONNECTING,
	CONN_OPEN,
	CONN_CLOSE_SENT,	/* the backend was told to close */
	CONN_CLOSED,		/* CLOSED is being delivered */
	CONN_GONE
};

struct sedak_conn {
	struct source src;
	uint8_t state;
	bool rx_off;		/* the backend was told to pause */
	bool over_high;
	bool eof;
	bool want_sent;		/* a SENT event is due */
	bool shut_sent;
	bool abort_sent;
	bool unseen;		/* the result of `inflight` is not known yet */
	bool blind;		/* and may stay so when the worker sleeps */
	bool outbound;		/* of sedak_connect() */
	bool no_source;		/* connecting failed before there was one */
	bool drain_told;
	bool connect_told;
	bool error_told;
	int32_t error;		/* why it broke */

	/* write queue: chunks up to and with `inflight` are the backend's */
	struct chunk *wq_head;
	struct chunk *wq_tail;
	struct chunk *inflight;
	size_t inflight_len;
	uint32_t direct;	/* bytes in flight of a receive buffer, no chunk */
	bool direct_pending;	/* which goes on, and is counted */
	struct iovec *iov;	/* of the operation in flight, if several */
	_Atomic size_t queued;	/* bytes, all threads' */
	_Atomic size_t low, high, max;

	_Atomic(struct item *) items;	/* newest first */
	struct timer_node timer;
	_Atomic uint64_t connect_deadline;
	_Atomic uint64_t user_deadline;
	uint64_t id;
	uint64_t child;		/* to attach: the backend's id or descriptor */
	struct sockaddr_in6 peer;
	struct sedak_conn *all_prev, *all_next;
};

#define LISTENER_LAST	(1ull << 32)

struct sedak_listener {
	struct source src;
	struct sedak_stage *conn_stage;
	struct timer_node timer;	/* after EMFILE */
	struct sockaddr_in6 addr;
	bool rx_off;
	bool close_sent;
	_Atomic uint32_t handled;	/* events */
	_Atomic uint64_t last;		/* LISTENER_LAST and their number; or 0 */
	struct sedak_listener *all_next;
};

struct sedak_udp {
	struct source src;
	struct sockaddr_in6 addr;
	struct chunk *queue;	/* taken from src.foreign, not submitted */
	bool close_sent;
	struct sedak_udp *all_next;
};

struct sedak_watch {
	struct source src;
	_Atomic uint32_t mask;
	bool close_sent;
	bool ended;		/* by the backend: it watches no more */
	bool gone;
	struct sedak_watch *all_prev, *all_next;
};

struct sedak_file {
	struct source src;	/* references: the program's, ops', chunks' */
	int fd;
	bool readable, writable;
	bool direct;		/* O_DIRECT: nothing is a hit */
	_Atomic(struct file_op *) done;	/* not told yet, newest first */
	struct sedak_file *all_prev, *all_next;
};

struct sedak_timer {
	struct source src;
	struct timer_node node;
	uint64_t period;
	uint64_t fired;		/* not delivered yet */
	struct sedak_timer *all_prev, *all_next;
};

/* --------------------------------------------------------- stages and pools */

struct stage_counters {
	_Atomic uint64_t delivered, batches, batch_max, service_ns;
	_Atomic uint64_t delay_ns, delay_max, delay_nr;
	_Atomic uint64_t hist[SEDAK_HIST_BUCKETS];
};

struct qitem {
	void *item;
	uint64_t since;
};

/* A ring of items; grows up to the stage's bound */
struct ring {
	struct qitem *v;
	uint32_t head, len, cap;
};

struct sedak_stage {
	struct sedak_rt *rt;
	struct sedak_pool *pool;
	unsigned int index;
	char name[24];
	sedak_handler_fn handler;
	void *state;
	int (*init)(struct sedak_stage *stage);
	void (*destroy)(struct sedak_stage *stage);
	int priority;
	unsigned int min_batch, max_batch, capacity, full;
	uint64_t max_delay_ns;
	_Atomic bool init_begun;	/* by whoever came first */
	bool started;
	uint64_t id;		/* the backend's */

	/* all queues of this stage together, the workers' local ones included */
	_Atomic uint32_t queued;
	_Atomic uint32_t queued_max;
	_Atomic uint64_t enqueued;
	_Atomic uint64_t rejected;
	_Atomic uint64_t sources;
	_Atomic uint64_t file_ops;	/* under way, at most the capacity */
	_Atomic uint64_t file_hits, file_misses, file_busy;

	/* back-pressure */
	_Atomic uint32_t waiting_on;	/* stages it waits for; > 0: paused */
	_Atomic bool has_waiters;
	_Atomic uint64_t pauses;

	pthread_mutex_t lock;
	struct ring shared;
	_Atomic uint32_t shared_len;
	struct bev *def_head, *def_tail;	/* deferred events */
	_Atomic uint32_t deferred;
	uint64_t waiters;		/* bit i: stage i waits for room here */
	struct timer_node delay_timer;	/* for max_delay_ns */
	struct source delay_src;
};

struct sedak_pool {
	struct sedak_rt *rt;
	unsigned int index;
	char name[16];
	unsigned int nr_workers;
	unsigned int sched, flags, max_events;
	struct worker **workers;
	bool started;
	sem_t opened;		/* a worker has begun, or open_error is set */
	_Atomic int open_error;
	uint64_t id;		/* the backend's */

	/* wake-up: see pool_wake() */
	_Atomic uint32_t sleepers;
	_Atomic uint32_t waking;
	_Atomic uint64_t wakeups;
	_Atomic(struct source *) inbox;		/* newest first */
	uint64_t stages;	/* bit i: stage i is of this pool; rt->lock */
	_Atomic uint64_t ready;	/* bit i: stage i may have shared work */

	pthread_mutex_t timer_lock;
	struct timer_node **heap;
	uint32_t heap_len, heap_cap;
	_Atomic uint64_t armed;	/* what the backend's timer is set to */
	_Atomic(struct worker *) clock_setter;	/* has yet to submit that */
	_Atomic uint64_t nr_timers;
	_Atomic uint64_t next_timer;	/* key of the first; NEVER: none */

	union {
		struct {
			int epfd, evfd, tfd;
			struct source ev_src, t_src, io_src;
			_Atomic(struct ep_io *) io;	/* made under rt->lock */
		} ep;
		struct {
			uint64_t wake_stage, timer;
			struct source t_src, w_src;
		} sd;
	};
};

/* The batch that is being put together for one stage */
struct batch {
	struct sedak_stage *stage;
	unsigned int n;
	unsigned int limit;	/* of the stage */
	unsigned int cap;
	struct sedak_event *ev;
	struct sockaddr_in6 *addr;
};

struct worker {
	struct sedak_rt *rt;
	struct sedak_pool *pool;
	const struct backend *be;
	unsigned int index;	/* in the pool */
	pthread_t thread;
	bool has_thread;
	bool in_handler;
	bool opened;		/* nested: the backend knows it */
	_Atomic bool busy;	/* has taken items that are not handled */
	struct sedak_stage *running;
	uint64_t now;

	struct source *svc_head, *svc_tail;	/* to be serviced, all active */
	struct source *active;			/* to be settled */
	struct source *sent;			/* settled, their result not seen */
	struct chunk *udp_sent;			/* freed after enter() */
	struct bev *publish, *publish_tail;	/* held by the next enter() */
	struct bev *held;			/* to be given back when settled */
	struct sedak_buf *kept;			/* of the batch in hand */
	struct batch batch;
	struct bev *bev;			/* the backend's harvest */
	unsigned int handled;
	bool need_result;	/* something waits behind an unseen result */

	struct ring local[MAX_STAGES];
	uint64_t local_mask;
	uint64_t spilled;	/* stages whose local queue joined the shared one */
	struct chunk *chunks[CHUNK_CLASSES];
	unsigned int nr_chunks[CHUNK_CLASSES];
	struct source *conns;
	unsigned int nr_conns;
	struct iovec *iovs;			/* free vectors, linked */

	_Atomic uint64_t enters, waits, events, ops;
	_Atomic uint64_t bytes_in, bytes_out;
	int avg_batch;				/* 1/256 events, moving average */
	uint32_t sched_tick;
	_Atomic uint32_t sched;
	struct stage_counters *stats;		/* per stage */

	void *be_data;
};

struct sedak_rt {
	const struct backend *be;
	void *be_data;
	unsigned int flags;
	unsigned int nr_bufs, buf_size, max_conns;
	unsigned int nr_workers;	/* of the default pool */
	unsigned int max_workers;
	_Atomic uint32_t all_workers;	/* of all pools; stored under lock */
	sedak_log_fn log;
	void *log_arg;
	char device[64];
	_Atomic uint32_t refs;

	pthread_mutex_t lock;
	pthread_cond_t idle;
	_Atomic bool started;
	_Atomic bool stopping;
	_Atomic uint32_t makers;	/* threads that make a source just now */
	bool stopped;		/* under lock */
	pthread_t stopper;	/* under lock, set when stopping is */
	_Atomic bool draining;
	struct sedak_pool *pools[MAX_POOLS];
	_Atomic unsigned int nr_pools;
	struct sedak_stage *stages[MAX_STAGES];
	_Atomic unsigned int nr_stages;
	struct sedak_conn *conns;
	struct sedak_listener *listeners;
	struct sedak_udp *udps;
	struct sedak_watch *watches, *free_watches;
	struct sedak_timer *timers;
	struct sedak_file *files;
	struct file_op *file_ops;	/* that wait, or are to be told */

	pthread_mutex_t hold_lock;	/* before stage->lock */

	pthread_mutex_t mem_lock;
	struct source *free_conns;
	struct sedak_buf *bufs;
	struct sedak_buf *free_bufs;	/* backends without their own account */
	_Atomic(struct sedak_buf *) ret_bufs;	/* put by threads, no workers */
	unsigned int total_bufs;

	_Atomic uint64_t next_id;
	_Atomic uint32_t bufs_held;
	_Atomic uint64_t nr_conns;
	_Atomic uint32_t nr_listeners;	/* not closed yet */
	bool conn_limit;		/* max_conns is reached; under lock */
	_Atomic uint64_t accepted, connected, closed, aborted;
	_Atomic uint64_t bufs_copied, udp_dropped, accept_errors;
};

/* initial-exec: one instruction instead of a call, also in the shared library */
extern _Thread_local struct worker *this_worker
	__attribute__((tls_model("initial-exec")));

#include "calls.h"

#endif /* SEDAK_INTERNAL_H */
