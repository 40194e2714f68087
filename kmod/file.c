// SPDX-License-Identifier: GPL-2.0
/*
 * Watched files: readiness of anything that can be polled.  A socket is not
 * kept open by its watch (sock.c); any other file is pinned until CLOSE.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <net/tcp.h>

#include "seda.h"

/* Files with more than this many wait queues cannot be watched. */
#define SEDA_FILE_WAITS	2

#define SEDA_FILE_ALWAYS	(EPOLLERR | EPOLLHUP)

struct seda_file_wait {
	struct wait_queue_entry wait;
	wait_queue_head_t *head;	/* NULL: not waiting; see POLLFREE */
	struct seda_file *owner;
};

/* s.file is pinned unless s.has_file; s.wait and s.head are not used. */
struct seda_file {
	struct seda_sock s;
	u32 flags;			/* SEDA_WATCH_* */
	__poll_t want;			/* the mask of WATCH or ARM */
	u32 nr_waits;
	struct seda_file_wait waits[SEDA_FILE_WAITS];
};

struct seda_file_table {
	poll_table pt;
	struct seda_file *f;
	int err;
};

static struct seda_file *to_file(struct seda_source *src)
{
	return container_of(src, struct seda_file, s.src);
}

/* The file, until seda_sock_drop(*held). */
static struct file *seda_file_hold(struct seda_file *f, struct file **held)
{
	if (seda_sock_hold(&f->s, held))
		return NULL;
	return *held ?: f->s.file;
}

/* Under the wait queue's lock, any context. */
static int seda_file_wake(struct wait_queue_entry *wait, unsigned int mode,
			  int wake_flags, void *key)
{
	struct seda_file_wait *fw = container_of(wait, struct seda_file_wait,
						 wait);
	struct seda_file *f = fw->owner;
	__poll_t events = key_to_poll(key);

	if (events & POLLFREE) {
		/* the queue goes, after a grace period, with its file's use */
		set_bit(SEDA_SRC_CLOSING, &f->s.src.flags);
		seda_source_kick(&f->s.src, 0);
		list_del_init(&wait->entry); /* [free-unlist] */
		/* pairs with seda_file_unwait(); our last look at fw */
		smp_store_release(&fw->head, NULL); /* [free-head] */
		return 1;
	}
	if (events && !(events & READ_ONCE(f->s.mask)))
		return 0;
	seda_source_kick(&f->s.src, wake_flags);
	return 1;
}

static void seda_file_queue(struct file *file, wait_queue_head_t *head,
			    poll_table *pt)
{
	struct seda_file_table *table = container_of(pt, struct seda_file_table,
						     pt);
	struct seda_file *f = table->f;
	struct seda_file_wait *fw;

	/*
	 * What keeps a socket's own queue (its inode, by the mark) keeps no
	 * other that its protocol may wait on, as SMC does.
	 */
	if (f->nr_waits == SEDA_FILE_WAITS ||
	    (f->s.has_file && head != &f->s.sock->wq.wait)) {
		table->err = -EOPNOTSUPP;
		return;
	}
	fw = &f->waits[f->nr_waits++];
	fw->owner = f;
	fw->head = head;
	init_waitqueue_func_entry(&fw->wait, seda_file_wake);
	add_wait_queue(head, &fw->wait);
}

static void seda_file_unwait(struct seda_file *f)
{
	struct seda_file_wait *fw;
	wait_queue_head_t *head;
	u32 i;

	for (i = 0; i < f->nr_waits; i++) {
		fw = &f->waits[i];
		rcu_read_lock(); /* [unwait-rcu] */
		/* POLLFREE frees the queue by RCU, after clearing head */
		head = smp_load_acquire(&fw->head); /* [unwait-head] */
		if (head)
			remove_wait_queue(head, &fw->wait); /* [unwait-remove] */
		rcu_read_unlock(); /* [unwait-rcu-end] */
	}
	f->nr_waits = 0;
}

static bool seda_file_off(const struct seda_file *f)
{
	return test_bit(SEDA_SRC_PAUSED, &f->s.src.flags);
}

static __poll_t seda_file_poll(struct file *file, __poll_t mask)
{
	return vfs_poll(file, NULL) & mask;
}

/*
 * Sockets are asked here; other files (a FUSE file, say) may keep us waiting,
 * which only the application's own threads should suffer: they ask in the pump.
 * So does an edge: one that is over when it is fetched is not told.
 */
static bool seda_file_ready(struct seda_source *src)
{
	struct seda_file *f = to_file(src);
	struct file *file;
	bool ready;

	if (seda_file_off(f))
		return false;
	if (!f->s.has_file || f->flags & SEDA_WATCH_EDGE)
		return true;
	if (seda_sock_hold(&f->s, &file))
		return false;
	ready = seda_file_poll(file, READ_ONCE(f->s.mask));
	seda_sock_drop(file);
	return ready;
}

/* How much there is to be had, where the kernel can tell at little cost. */
static u64 seda_file_amount(struct file *file, __poll_t events)
{
	struct socket *sock = sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;
	bool tcp;

	if (!sk)
		return 0;
	tcp = (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) &&
	      sk->sk_protocol == IPPROTO_TCP && sk->sk_type == SOCK_STREAM;
	if (events & EPOLLIN) {
		if (tcp && inet_sk_state_load(sk) == TCP_LISTEN)
			return READ_ONCE(sk->sk_ack_backlog);
		if (tcp)
			/* without its lock: a FIN that comes just now is one more */
			return max(data_race(tcp_inq(sk)), 0);
		if (sk->sk_family == AF_UNIX && sk->sk_type == SOCK_STREAM)
			return max_t(long, seda_unix_inq(sk), 0);
		return 0;
	}
	if (events & EPOLLOUT && tcp)
		return max(sk_stream_wspace(sk), 0);
	return 0;
}

static unsigned int seda_file_pump(struct seda_worker *w,
				   struct seda_source *src, unsigned int room)
{
	struct seda_event ev = { .buf = SEDA_NO_BUF };
	struct seda_file *f = to_file(src);
	struct file *held, *file;
	__poll_t mask;

	if (seda_file_off(f))
		return 0;
	file = seda_file_hold(f, &held);
	if (!file)
		return 0;
	mask = seda_file_poll(file, READ_ONCE(f->s.mask));
	if (mask) {
		ev.events = SEDA_EV_READY;
		ev.len = mangle_poll(mask);
		ev.amount = seda_file_amount(file, mask);
	}
	seda_sock_drop(held);
	if (!ev.len)
		return 0;
	if (f->flags & SEDA_WATCH_ONESHOT)
		set_bit(SEDA_SRC_PAUSED, &src->flags);
	else if (!(f->flags & SEDA_WATCH_EDGE))
		atomic_or(SEDA_SRC_AGAIN, &src->state);
	seda_emit(w, src, &ev, SEDA_NO_BUF);
	return 1;
}

static void seda_file_close(struct seda_source *src)
{
	struct seda_file *f = to_file(src);
	struct file *pinned = f->s.has_file ? NULL : f->s.file;

	seda_file_unwait(f);
	seda_sock_detach(&f->s);
	f->s.file = NULL;
	if (pinned)
		seda_file_put(src->stage->app, pinned);
}

static void seda_file_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct seda_file, s.src.rcu));
}

static void seda_file_free(struct seda_source *src)
{
	call_rcu(&src->rcu, seda_file_free_rcu);
}

static int seda_file_arm(struct seda_source *src, const struct seda_op *op)
{
	struct seda_file *f = to_file(src);

	if (op->first_ns || op->period_ns || op->addr > U16_MAX)
		return -EINVAL;
	/* no lock: of two threads that arm at once each mask may be of either */
	if (op->addr)
		WRITE_ONCE(f->want, demangle_poll(op->addr));
	WRITE_ONCE(f->s.mask, READ_ONCE(f->want) | SEDA_FILE_ALWAYS);
	clear_bit(SEDA_SRC_PAUSED, &src->flags);
	seda_source_kick(src, 0);
	return 0;
}

static int seda_file_disarm(struct seda_source *src)
{
	set_bit(SEDA_SRC_PAUSED, &src->flags);
	return 0;
}

static const struct seda_kind seda_file_kind = {
	.id = SEDA_KIND_FILE,
	.name = "file",
	.pump = seda_file_pump,
	.ready = seda_file_ready,
	.close = seda_file_close,
	.free = seda_file_free,
	.arm = seda_file_arm,
	.disarm = seda_file_disarm,
};

/*
 * Descriptors that could hold the device's own in turn: a cycle of references
 * that nothing would ever collect.
 */
static bool seda_file_loops(struct file *file)
{
	const char *name = file->f_path.dentry->d_name.name;

	if (file->f_op == &seda_fops)
		return true;
	if (strcmp(file_inode(file)->i_sb->s_type->name, "anon_inodefs"))
		return false;
	return !strcmp(name, "[eventpoll]") || !strcmp(name, "[io_uring]");
}

static int seda_file_attach(struct seda_file *f, struct file *file)
{
	struct socket *sock = sock_from_file(file);

	if (sock)
		return seda_sock_attach(&f->s, file, sock);
	f->s.file = get_file(file);
	return 0;
}

/* From here on the file calls back. */
static int seda_file_listen(struct seda_file *f, struct file *file)
{
	struct seda_file_table table = { .f = f };

	init_poll_funcptr(&table.pt, seda_file_queue);
	vfs_poll(file, &table.pt);
	return table.err;
}

int seda_watch(struct seda_app *app, struct seda_watch_args *a)
{
	struct seda_file *f;
	struct file *file;
	int ret;

	if (a->flags & ~(SEDA_WATCH_EDGE | SEDA_WATCH_ONESHOT) ||
	    a->mask > U16_MAX || a->source)
		return -EINVAL;
	file = fget(a->fd);
	if (!file)
		return -EBADF;
	ret = -ELOOP;
	if (seda_file_loops(file))
		goto out;
	ret = -EPERM;
	if (!file_can_poll(file))
		goto out;
	ret = -ENOMEM;
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		goto out;
	f->flags = a->flags;
	f->want = demangle_poll(a->mask);
	f->s.mask = f->want | SEDA_FILE_ALWAYS;
	ret = seda_source_init(app, &f->s.src, &seda_file_kind, a->stage,
			       a->user_data);
	if (ret) {
		kfree(f);
		goto out;
	}
	ret = seda_file_attach(f, file);
	if (!ret)
		ret = seda_source_publish(app, &f->s.src);
	if (ret) {
		seda_source_discard(&f->s.src);
		goto out;
	}
	a->source = f->s.src.id;
	ret = seda_file_listen(f, file);
	if (ret)
		seda_source_undo(&f->s.src);
	else
		ret = seda_source_answer(&f->s.src, a);
out:
	fput(file);
	return ret;
}
