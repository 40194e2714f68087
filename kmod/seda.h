/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's objects and what its files offer each other.
 *
 * LOCK ORDER, outermost first; nothing else nests:
 *
 *   app->lock (mutex)     tables of pools, stages, workers
 *   tcp->lock (mutex)     one connection's sends and its socket's life
 *   timer->lock (mutex)   arming one timer
 *   lock_sock             the network stack's own
 *   mmap_lock             where user memory is copied below these (all but
 *                         timer->lock)
 *   stage->lock           a stage's FIFO; task context only
 *   bufs->lock            free buffers and stalled sources; task context only
 *   disk->lock            a file's ops; interrupts off
 *   mark->lock, wait-queue head lock
 *                         held while a source is linked
 *   post->lock            a ring of posts; task context only
 *   seda_exit_lock        the hash of workers
 *   pool->lock            parked workers; raw, interrupts off; taken from
 *                         wait-queue callbacks and timers, never held over a
 *                         wake-up
 *
 * What keeps an object alive stands beside its struct.
 */
#ifndef SEDA_KMOD_H
#define SEDA_KMOD_H

#include <linux/bvec.h>
#include <linux/fsnotify_backend.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "compat.h"
#include "linux/seda.h"

struct seda_app;
struct seda_disk;
struct seda_pool;
struct seda_post_queue;
struct seda_segs;
struct seda_source;
struct seda_stage;
struct seda_worker;

/* Pages that kernel and application both map.  Owned by an app. */
struct seda_region {
	struct page **pages;
	unsigned long nr_pages;
	void *addr;
};

/*
 * Receive buffers of an app.  state[i] has SEDA_BUF_USER while an event slot
 * of some worker holds buffer i, SEDA_BUF_KEPT after that while the
 * application kept it, and below these the count of unfinished sends that
 * name it; it is free when all are 0.
 */
#define SEDA_BUF_USER	BIT(31)
#define SEDA_BUF_KEPT	BIT(30)

struct seda_bufs {
	spinlock_t lock;		/* see LOCK ORDER, as for all */
	u32 *free;			/* under lock: a stack of indices */
	u32 nr_free;			/* under lock; read without */
	struct list_head stalled;	/* under lock: sources */
	atomic_t *state;
	void *base;
	u32 nr;
	u32 size;
};

/* What a user's apps take together.  Lives while an app of the user does. */
struct seda_user {
	struct hlist_node node;		/* under seda_users_lock */
	kuid_t uid;
	unsigned int apps;		/* under seda_users_lock */
	atomic_t sources;
};

/*
 * One open of the device.  Lives from open to release, or until the last op of a
 * file is through, if the disk keeps it longer.
 */
struct seda_app {
	struct mutex lock;		/* of the tables below */
	bool ready;			/* set last by SETUP, read acquire */
	bool released;			/* by its release; read as files are let go */
	struct mm_struct *mm;		/* const once ready; only its users count */
	struct user_struct *locked_user;
	unsigned long locked_pages;
	struct seda_user *user;

	/* const once ready */
	struct seda_region counters;
	struct seda_region arena;
	u32 nr_workers;
	u32 nr_events;
	u32 nr_ops;
	u32 nr_sources;
	u32 worker_stride;
	u32 ctl_off;
	u32 ops_off;
	u64 bufs_off;
	struct seda_app_counters *stats;
	struct seda_bufs bufs;

	atomic_t generation;
	/* written under lock, read under RCU */
	struct seda_pool __rcu *pools[SEDA_MAX_POOLS];
	struct seda_stage __rcu *stages[SEDA_MAX_STAGES];
	struct seda_worker __rcu **workers;

	struct xarray sources;		/* its own lock; values die by RCU */
	wait_queue_head_t wait;		/* pollers of the descriptor */
	struct irq_work poke;		/* wakes them */
	struct dentry *debugfs;

	refcount_t refs;		/* until release, and of ops of files */
	struct work_struct end;		/* when the last of these goes later */
	/* where ops of files wait; made by the first FILE, under lock */
	struct workqueue_struct *io_wq;
};

/* Lives until POOL_DESTROY found it without stages and workers, or the app. */
struct seda_pool {
	struct seda_app *app;
	u64 id;
	u32 nr_stages;			/* under app->lock */
	u32 nr_workers;			/* under app->lock; read without it */
	struct seda_stage_list __rcu *stages;	/* by priority; app->lock */
	u32 target;			/* 0: CPUs online */
	unsigned int turn;		/* racy; rotates equals */
	raw_spinlock_t lock;
	struct list_head parked;	/* under lock; last parked first */
	int nr_parked;			/* under lock; read without it */
	int nr_running;			/* under lock: counted workers; read without */
	bool waking;			/* under lock; a woken one is on its way */
	unsigned long waking_until;	/* under lock: jiffies */
	struct timer_list retry;	/* when that is over */
	struct rcu_head rcu;
};

struct seda_stage_list {
	struct rcu_head rcu;
	u32 nr;
	struct seda_stage *stage[SEDA_MAX_STAGES];
};

/*
 * What a kind of source does.  All are called in task context with a
 * reference to the source.
 *
 * pump     the caller owns the source: emits at most room events, returns how
 *          many
 * ready    the caller owns it: is it worth linking it again?
 * close    called once, nobody else pumps: stops callbacks for good and
 *          lets go of the file or socket
 * finish   may be NULL: first half of CLOSE; -EINPROGRESS when close has to
 *          wait for something
 * free     the last reference went; frees after a grace period
 *
 * shared: events do not own the source; it is free again after the pump.
 */
struct seda_kind {
	u8 id;
	bool shared;
	const char *name;
	unsigned int (*pump)(struct seda_worker *w, struct seda_source *src,
			     unsigned int room);
	bool (*ready)(struct seda_source *src);
	void (*close)(struct seda_source *src);
	int (*finish)(struct seda_source *src, unsigned int flags);
	void (*free)(struct seda_source *src);
	void (*info)(struct seda_source *src, struct seda_source_info_args *a);

	/* ops; NULL: -EOPNOTSUPP */
	int (*send)(struct seda_worker *w, struct seda_source *src,
		    const struct seda_op *op);
	int (*recv)(struct seda_source *src, const struct seda_op *op);
	int (*shutdown)(struct seda_source *src);
	int (*cancel)(struct seda_worker *w, struct seda_source *src,
		      const struct seda_op *op);
	int (*io)(struct seda_worker *w, struct seda_source *src,
		  const struct seda_op *op);
	int (*sendfile)(struct seda_worker *w, struct seda_source *src,
			const struct seda_op *op);
	int (*arm)(struct seda_source *src, const struct seda_op *op);
	int (*disarm)(struct seda_source *src);
};

/*
 * state holds one of the first three, and flags.  Transitions (ready.c):
 *
 *   IDLE   -> LINKED   whoever sees it become ready; takes a reference
 *   LINKED -> OWNED    a harvester, alone; keeps that reference
 *   OWNED  -> LINKED   its release, when it is ready still or again
 *   OWNED  -> IDLE     its release; drops the reference
 *
 * AGAIN  became ready while owned
 * DEAD   closed: whoever owns it drops it; LINKED only when the app goes
 */
#define SEDA_SRC_IDLE	0
#define SEDA_SRC_LINKED	1
#define SEDA_SRC_OWNED	2
#define SEDA_SRC_STATE	3
#define SEDA_SRC_AGAIN	4
#define SEDA_SRC_DEAD	8

/* bits of flags */
enum {
	SEDA_SRC_CLOSING,	/* CLOSED is to be delivered */
	SEDA_SRC_KILLED,	/* out of the table */
	SEDA_SRC_HELD,		/* owned beyond its batch */
	SEDA_SRC_CREDIT,	/* holds a credit while HELD */
	SEDA_SRC_STALLED,	/* on bufs->stalled; under bufs->lock */
	SEDA_SRC_PAUSED,	/* receive or watch disarmed */
	SEDA_SRC_NOBUF,
	SEDA_SRC_PRIVATE,	/* first bit free for the kinds */
};

/* References: the table's, LINKED's or OWNED's, and who works on it. */
struct seda_source {
	atomic_t state;
	refcount_t ref;
	unsigned long flags;		/* atomic bit operations */
	struct llist_node node;		/* LINKED: on its stage's list */
	struct seda_stage *stage;
	const struct seda_kind *kind;
	struct seda_worker *owner;	/* of an OWNED one, by its last batch */
	u64 id;
	u64 user_data;
	u32 seq;			/* written by the owner */
	u32 linked_at;			/* jiffies */
	union {
		struct list_head stalled;	/* under bufs->lock */
		struct rcu_head rcu;
	};
};

/* Ops of files that have ended and wait for their DONE events: a source. */
struct seda_done {
	struct seda_source src;
	struct llist_head ended;	/* any context pushes */
	struct llist_node *fifo;	/* its owner's: taken off, in order */
};

/*
 * users counts the stage's entry in the app's table, its sources, the
 * listeners and files that name it, waiting posts, the events of unowned
 * sources, and harvests in progress: STAGE_DESTROY needs it to fall from 1 to 0.
 */
struct seda_stage {
	refcount_t users;
	u64 id;
	struct seda_app *app;
	struct seda_pool *pool;
	struct seda_stage_counters *stats;	/* in memory read-only to users */

	/* policy: written under app->lock, read without */
	u32 priority;
	u32 min_batch;
	u64 max_delay;
	u32 capacity;

	atomic_t credits;		/* may be negative after STAGE_SET */
	struct llist_head ready;	/* any context pushes */
	spinlock_t lock;
	struct llist_node *fifo;	/* under lock: taken off ready, in order */
	struct hrtimer delay;
	bool due;			/* the oldest has waited max_delay */
	atomic_t nr_shared;		/* sources whose events do not own them */
	struct seda_post_queue *posts;	/* NULL: takes no posts */
	struct seda_done done;
	struct seda_stage_list *without; /* so that DESTROY needs no memory */
	char name[SEDA_NAME_LEN];
	struct rcu_head rcu;
};

/* What a slot of a worker's event array holds.  Used by the worker alone. */
struct seda_slot {
	struct seda_source *src;	/* owned by this event, or NULL */
	struct seda_stage *stage;	/* whose credit it holds */
	u32 buf;
	bool put_stage;			/* an unowned event: a stage user */
};

/* Most ops are for a source of the worker's last batch. */
#define SEDA_RECENT	64
/* finished sends whose records a worker keeps */
#define SEDA_SPARE_SENDS	64
/* bytes that a connection sends before others of the batch have their turn */
#define SEDA_SEND_TURN		SZ_1M

/*
 * A thread in a pool.  Only the thread itself uses it, but for parking (under
 * pool->lock) and its end: WORKER_LEAVE, or, when the thread exits, a work
 * item, or the app's release.  Freed by RCU.
 */
struct seda_worker {
	u64 id;
	struct seda_app *app;
	struct seda_pool *pool;
	struct task_struct *task;	/* a reference */
	bool claim;
	u32 index;

	struct seda_event *events;	/* in the arena: written, never read */
	struct seda_ctl *ctl;		/* in the arena: hostile */
	struct seda_op *ops;		/* in the arena: hostile */
	u32 nr_slots;			/* filled; fdinfo reads it */
	struct seda_slot *slots;
	struct seda_source **batch;	/* harvested, to be pumped */
	/* sources that slots own, by index; see seda_worker_recent() */
	struct seda_source *recent[SEDA_RECENT];
	u32 nr_bufs;			/* empty outside ENTER */
	u32 *bufs;
	struct list_head spares;	/* records of sends, to be used again */
	u32 nr_spares;
	struct iovec iov[SEDA_MAX_VEC];
	struct seda_segs *segs;		/* made by the first op of a file */
	struct seda_source *looked_up;	/* the last of these ops, a reference */

	struct list_head parked;	/* under pool->lock */
	bool woken;			/* under pool->lock; read without */
	/* in pool->nr_running: under pool->lock; its own while not parked */
	bool counted;
	struct wait_queue_entry wake;	/* for default_wake_function */
	struct hlist_node exit_node;	/* under seda_exit_lock */
	struct work_struct gone;
	struct rcu_head rcu;
};

/* The source of this id if a slot owns it; no reference is needed then. */
static inline struct seda_source *seda_worker_recent(struct seda_worker *w,
						     u64 id)
{
	struct seda_source *src = w->recent[(u32)id % SEDA_RECENT];

	return src && src->id == id &&
	       !test_bit(SEDA_SRC_KILLED, &src->flags) ? src : NULL;
}

/* FS_CLOSE mark: tells a source that its socket's last descriptor closed. */
struct seda_mark {
	struct fsnotify_mark mark;
	spinlock_t lock;		/* between its event and detaching */
	struct seda_sock *sock;		/* under lock; NULL: source is gone */
};

/*
 * The part that all sources on a socket share.  With a descriptor (has_file)
 * sock is valid while file is, and file is only used through a temporary
 * reference; without one the source owns sock.
 */
struct seda_sock {
	struct seda_source src;
	struct wait_queue_entry wait;
	wait_queue_head_t *head;	/* NULL: not waiting */
	struct socket *sock;
	struct file *file;		/* cleared by the mark */
	struct seda_mark *mark;
	__poll_t mask;			/* poll bits that make it ready */
	bool has_file;			/* const: it has a descriptor */
};

/* How many buffers a harvest fetches at once when it has none. */
#define SEDA_BUF_REFILL	16U

struct seda_deadline;

/* A TCP connection. */
struct seda_tcp {
	struct seda_sock s;
	struct mutex lock;		/* of sends, and of taking s.sock */
	struct list_head sends;		/* under lock */
	u64 queued;			/* under lock: bytes unfinished */
	u32 nr_sends;			/* under lock */
	int cancel_err;			/* under lock: to be reported */
	/* what a SENDFILE lacks is being read, see sendfile.c */
	bool filling;			/* under lock */
	int fill_res;			/* the reader's, then SEDA_TCP_FILLED */
	struct seda_send *fill_for;	/* under lock; NULL: dropped */
	struct seda_deadline *deadline;	/* owner; freed on close */
};

/* bits of a TCP source's flags */
enum {
	SEDA_TCP_EOF = SEDA_SRC_PRIVATE, /* reported */
	SEDA_TCP_FAILED,		/* an error was reported */
	SEDA_TCP_CONNECTING,
	SEDA_TCP_EXPIRED,		/* deadline of a connect */
	SEDA_TCP_CANCEL,		/* connect cancelled */
	SEDA_TCP_SHUT,			/* SHUTDOWN or CLOSE: no more sends */
	SEDA_TCP_FIN,			/* SHUTDOWN waits for the sends */
	SEDA_TCP_CLOSE,			/* CLOSE waits for the sends, or done */
	SEDA_TCP_ABORT,			/* close by reset */
	SEDA_TCP_FILLED,		/* a part of a file has been read */
};

/* A send that waits for room in a connection's socket.  Under tcp->lock. */
struct seda_send {
	struct list_head node;
	u64 user_data;
	u64 addr;
	u32 len;			/* as in the op: bytes or segments */
	u32 buf;
	u16 flags;
	u8 tries;			/* of a file: reads that were in vain */
	bool ask;			/* of a file: to be read before it is sent */
	size_t total;			/* bytes */
	size_t done;
	struct seda_disk *disk;		/* NULL: memory; else counted as its op */
	u64 pos;			/* in the file */
};

extern struct kmem_cache *seda_tcp_cache;
extern struct kmem_cache *seda_send_cache;
extern struct workqueue_struct *seda_wq;
extern struct fsnotify_group *seda_group;
extern const struct file_operations seda_fops;
extern bool seda_strict;
extern bool seda_ended_later;

/* app.c */
struct seda_app *seda_app_open(void);
void seda_app_release(struct seda_app *app);
void seda_app_put(struct seda_app *app);
int seda_app_setup(struct seda_app *app, struct seda_setup_args *a);
bool seda_app_has_work(struct seda_app *app);
void seda_app_poke(struct seda_app *app);

/* No two of an app are the same, until its generations have gone round. */
static inline u64 seda_id_new(struct seda_app *app, u32 index)
{
	u32 generation;

	do {
		generation = atomic_inc_return(&app->generation);
	} while (!generation);
	return (u64)generation << 32 | index;
}

static inline bool seda_app_is_ready(struct seda_app *app)
{
	/* pairs with seda_app_setup(): all that is const then is set */
	return smp_load_acquire(&app->ready);
}

/* Who did SETUP has died or runs another program: nobody harvests any more. */
static inline bool seda_app_is_orphan(struct seda_app *app)
{
	return !atomic_read(&app->mm->mm_users);
}

/* A file that was kept open; in a call, or with the app. */
static inline void seda_file_put(struct seda_app *app, struct file *file)
{
	/* the release would end waits of this file's own */
	if (app->released)
		fput(file);
	else
		seda_fput(file);
}

/* region.c */
int seda_region_alloc(struct seda_region *r, unsigned long size);
void seda_region_free(struct seda_region *r);
int seda_region_map(struct seda_region *r, struct vm_area_struct *vma);

/* buf.c */
int seda_bufs_init(struct seda_bufs *b, void *base, u32 nr, u32 size);
void seda_bufs_destroy(struct seda_bufs *b);
u32 seda_buf_get(struct seda_worker *w);
int seda_buf_take(struct seda_worker *w);
void seda_buf_unget(struct seda_worker *w, u32 buf);
void seda_buf_release(struct seda_worker *w, u32 buf, bool keep);
int seda_buf_return(struct seda_worker *w, u32 buf);
int seda_buf_check(struct seda_app *app, u32 buf);
bool seda_buf_hold(struct seda_app *app, u32 buf);
void seda_buf_unhold(struct seda_app *app, u32 buf);
void seda_buf_flush(struct seda_worker *w);
void seda_buf_resume(struct seda_app *app);
void seda_buf_stall(struct seda_app *app, struct seda_source *src);
void seda_buf_unstall(struct seda_app *app, struct seda_source *src);
static inline void *seda_buf_addr(struct seda_app *app, u32 buf)
{
	return app->bufs.base + (size_t)buf * app->bufs.size;
}

/* limits.c */
extern unsigned int seda_limit_apps, seda_limit_sources;
struct seda_user *seda_user_get(void);
void seda_user_put(struct seda_user *user);
int seda_user_source(struct seda_user *user);
int seda_lock_pages(struct seda_app *app, unsigned long pages);
void seda_unlock_pages(struct seda_app *app);
unsigned long seda_lock_limit(void);

/* pool.c */
int seda_pool_create(struct seda_app *app, struct seda_pool_args *a);
int seda_pool_set(struct seda_app *app, struct seda_pool_args *a);
int seda_pool_destroy(struct seda_app *app, u64 id);
void seda_pool_free(struct seda_pool *pool);
struct seda_pool *seda_pool_find(struct seda_app *app, u64 id);
struct seda_stage_list *seda_stage_list_alloc(void);
void seda_pool_set_stages(struct seda_pool *pool, struct seda_stage_list *list,
			  struct seda_stage *add, struct seda_stage *del);
u32 seda_pool_target(const struct seda_pool *pool);
bool seda_pool_has_work(struct seda_pool *pool);
struct seda_stage *seda_pool_pick(struct seda_pool *pool, u64 tried);
void seda_pool_wake(struct seda_pool *pool, int wake_flags);
void seda_pool_rouse(struct seda_pool *pool);
bool seda_worker_may_work(struct seda_worker *w, bool may_wait);
void seda_worker_discount(struct seda_worker *w);
int seda_worker_park(struct seda_worker *w, ktime_t *until);

/* worker.c */
int seda_worker_join(struct seda_app *app, struct seda_join_args *a);
int seda_worker_leave(struct seda_app *app);
void seda_workers_end(struct seda_app *app);
struct seda_worker *seda_worker_current(struct seda_app *app, u64 id);
struct seda_worker *seda_worker_self(struct seda_app *app);
int seda_exit_watch(void);
void seda_exit_unwatch(void);

/* stage.c */
int seda_stage_create(struct seda_app *app, struct seda_stage_args *a);
int seda_stage_set(struct seda_app *app, struct seda_stage_args *a);
int seda_stage_destroy(struct seda_app *app, u64 id);
void seda_stage_free(struct seda_stage *stage);
struct seda_stage *seda_stage_get(struct seda_app *app, u64 id);
bool seda_stage_tryget(struct seda_stage *stage);
void seda_stage_put(struct seda_stage *stage);
bool seda_stage_runnable(struct seda_stage *stage);
unsigned int seda_credits_take(struct seda_stage *stage, unsigned int want);
void seda_credits_return(struct seda_stage *stage, unsigned int n);

/* ready.c */
bool seda_source_kick(struct seda_source *src, int wake_flags);
void seda_stage_start_delay(struct seda_stage *stage, u64 age);
bool seda_source_release(struct seda_source *src, bool look);
unsigned int seda_stage_harvest(struct seda_worker *w,
				struct seda_stage *stage, unsigned int room);
struct seda_event *seda_emit_in(struct seda_worker *w, struct seda_stage *stage,
				struct seda_source *src,
				const struct seda_event *ev, u32 buf);
/* In the source's own stage. */
static inline struct seda_event *seda_emit(struct seda_worker *w,
					   struct seda_source *src,
					   const struct seda_event *ev, u32 buf)
{
	return seda_emit_in(w, src->stage, src, ev, buf);
}

void seda_slot_own(struct seda_worker *w, struct seda_slot *slot,
		   struct seda_source *src);
void seda_slots_release(struct seda_worker *w, bool look);
void seda_stage_drop_ready(struct seda_stage *stage);

/* source.c */
int seda_source_init(struct seda_app *app, struct seda_source *src,
		     const struct seda_kind *kind, u64 stage, u64 user_data);
int seda_source_publish(struct seda_app *app, struct seda_source *src);
void seda_source_start(struct seda_source *src, bool look);
void seda_source_undo(struct seda_source *src);
int seda_source_answer(struct seda_source *src, const void *args);
void seda_source_discard(struct seda_source *src);
struct seda_source *seda_source_get(struct seda_app *app, u64 id);
void seda_source_put(struct seda_source *src);
void seda_source_kill(struct seda_source *src);
int seda_source_close(struct seda_worker *w, struct seda_source *src,
		      unsigned int flags);
int seda_source_unhold(struct seda_source *src);
int seda_source_seize(struct seda_worker *w, struct seda_source *src,
		      bool *held);
void seda_source_unseize(struct seda_source *src, bool held);
void seda_source_end(struct seda_source *src, bool held);
int seda_source_info(struct seda_app *app, struct seda_source_info_args *a);
void seda_sources_release(struct seda_app *app);

/* post.c */
struct seda_post_queue *seda_posts_alloc(struct seda_stage *stage, u32 nr);
void seda_posts_free(struct seda_post_queue *q);
int seda_post(struct seda_app *app, u64 stage, u64 user_data, u64 value);

/* sock.c */
struct socket *seda_sock_from_fd(int fd, struct file **filep);
int seda_sock_attach(struct seda_sock *s, struct file *file,
		     struct socket *sock);
void seda_sock_listen(struct seda_sock *s, wait_queue_func_t fn);
void seda_sock_detach(struct seda_sock *s);
/*
 * Makes s->sock usable until seda_sock_drop(*filep).  -ESTALE when the last
 * descriptor is closed (a CLOSED event is on its way), or when the source has
 * let go of it: those that do not own the source come here at any time.
 */
static inline int seda_sock_hold(struct seda_sock *s, struct file **filep)
{
	*filep = NULL;
	if (!s->has_file)
		return 0;
	*filep = seda_get_file(&s->file); /* [hold-file] */
	return *filep ? 0 : -ESTALE;
}

static inline void seda_sock_drop(struct file *file)
{
	if (file)
		seda_fput(file); /* [drop-file] */
}

int seda_sock_wake(struct wait_queue_entry *wait, unsigned int mode,
		   int wake_flags, void *key);
int seda_sock_arm(struct seda_source *src, const struct seda_op *op);
int seda_sock_disarm(struct seda_source *src);
int seda_group_init(void);
void seda_group_exit(void);

/* addr.c */
int seda_addr_to_sockaddr(const struct seda_addr *a,
			  struct sockaddr_storage *ss);
void seda_addr_from_sockaddr(struct seda_addr *a,
			     const struct sockaddr_storage *ss);
void seda_addr_peer(struct seda_addr *a, const struct sock *sk);
void seda_addr_local(struct seda_addr *a, const struct sock *sk);

/* tcp.c */
extern const struct seda_kind seda_tcp_kind;
struct seda_tcp *seda_tcp_create(struct seda_app *app, u64 stage,
				 u64 user_data, u32 flags);
int seda_adopt(struct seda_app *app, struct seda_adopt_args *a);
int seda_to_fd(struct seda_app *app, struct seda_to_fd_args *a);

/* send.c */
int seda_tcp_send(struct seda_worker *w, struct seda_source *src,
		  const struct seda_op *op);
int seda_tcp_submit(struct seda_worker *w, struct seda_tcp *tcp,
		    struct seda_send *s, struct msghdr *msg);
int seda_tcp_shutdown(struct seda_source *src);
int seda_tcp_finish(struct seda_source *src, unsigned int flags);
int seda_tcp_cancel(struct seda_worker *w, struct seda_source *src,
		    const struct seda_op *op);
void seda_tcp_flush(struct seda_worker *w, struct seda_tcp *tcp,
		    struct seda_event *ev);
void seda_tcp_drop_sends(struct seda_tcp *tcp);
int seda_msg_iter(struct iov_iter *iter, unsigned int dir, u64 addr, u32 len,
		  struct iovec *vec, size_t *total);
void seda_send_free_spares(struct seda_worker *w);

/* connect.c */
int seda_connect(struct seda_app *app, struct seda_connect_args *a);
void seda_connect_pump(struct seda_tcp *tcp, struct seda_event *ev);
void seda_deadline_free(struct seda_tcp *tcp);

/* disk.c, done.c */
int seda_disk_create(struct seda_app *app, struct seda_file_args *a);
void seda_done_init(struct seda_stage *stage);

/* listen.c, udp.c, file.c, timer.c */
int seda_listen(struct seda_app *app, struct seda_listen_args *a);
int seda_udp_adopt(struct seda_app *app, struct seda_adopt_args *a,
		   struct file *file, struct socket *sock);
int seda_watch(struct seda_app *app, struct seda_watch_args *a);
int seda_timer_create(struct seda_app *app, struct seda_timer_args *a);

/* op.c, enter.c */
void seda_ops_run(struct seda_worker *w, u32 nr);
u64 seda_ops_known(void);
long seda_enter(struct seda_app *app, const struct seda_enter_args *a);

/* ioctl.c, dev.c, stats.c */
long seda_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int seda_answer(const void *args);
void seda_show_fdinfo(struct seq_file *m, struct file *file);
void seda_stats_init(void);
void seda_stats_exit(void);
void seda_stats_add(struct seda_app *app);
void seda_stats_remove(struct seda_app *app);

#endif /* SEDA_KMOD_H */
