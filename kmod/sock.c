// SPDX-License-Identifier: GPL-2.0
/*
 * What all sources on a socket share.
 *
 * A socket with a descriptor is not kept open by its source: an fsnotify mark
 * on its inode tells of the last close, and keeps the inode, hence struct
 * socket and its wait queue, until the source lets go of it.  The file is used
 * only by temporary references (seda_sock_hold()), taken when it is not on its
 * way out.  A socket without a descriptor belongs to its source.
 */
#include <linux/file.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "compat.h"
#include "seda.h"

struct fsnotify_group *seda_group;

/* In the task that runs the last fput(), before the file's release. */
static int seda_mark_event(struct fsnotify_mark *fsn, u32 mask,
			   struct inode *inode, struct inode *dir,
			   const struct qstr *name, u32 cookie)
{
	struct seda_mark *mark = container_of(fsn, struct seda_mark, mark);
	struct seda_sock *s;

	spin_lock(&mark->lock); /* [mark-lock] */
	s = mark->sock;
	if (s) { /* [mark-sock] */
		WRITE_ONCE(s->file, NULL); /* [mark-file] */
		set_bit(SEDA_SRC_CLOSING, &s->src.flags); /* [mark-closing] */
		seda_source_kick(&s->src, 0); /* [mark-kick] */
	}
	spin_unlock(&mark->lock); /* [mark-unlock] */
	return 0;
}

static void seda_mark_free(struct fsnotify_mark *fsn)
{
	kfree(container_of(fsn, struct seda_mark, mark));
}

static const struct fsnotify_ops seda_mark_ops = {
	.handle_inode_event = seda_mark_event,
	.free_mark = seda_mark_free,
};

int seda_group_init(void)
{
	seda_group = fsnotify_alloc_group(&seda_mark_ops, 0);
	return PTR_ERR_OR_ZERO(seda_group);
}

void seda_group_exit(void)
{
	/* marks are freed after SRCU's grace period, by seda_mark_free() */
	fsnotify_wait_marks_destroyed();
	fsnotify_put_group(seda_group);
}

/* The socket of fd with a reference to its file, or -EBADF, -ENOTSOCK. */
struct socket *seda_sock_from_fd(int fd, struct file **filep)
{
	struct file *file = fget(fd);
	struct socket *sock;

	if (!file)
		return ERR_PTR(-EBADF);
	sock = sock_from_file(file);
	if (!sock) {
		fput(file);
		return ERR_PTR(-ENOTSOCK);
	}
	*filep = file;
	return sock;
}

/*
 * Makes s a source on the socket of a file, which the caller holds: -EEXIST
 * when there is one already, -EOPNOTSUPP when the file handed over to a socket
 * of another inode, which the mark does not keep (SMC that fell back to TCP).
 * Without a file (NULL) s takes the socket over.
 */
int seda_sock_attach(struct seda_sock *s, struct file *file,
		     struct socket *sock)
{
	struct seda_mark *mark;
	int ret;

	if (file) {
		if (SOCK_INODE(sock) != file_inode(file))
			return -EOPNOTSUPP;
		mark = kzalloc(sizeof(*mark), GFP_KERNEL_ACCOUNT);
		if (!mark)
			return -ENOMEM;
		spin_lock_init(&mark->lock);
		fsnotify_init_mark(&mark->mark, seda_group);
		mark->mark.mask = FS_CLOSE_WRITE | FS_CLOSE_NOWRITE;
		mark->sock = s;
		s->file = file;
		s->has_file = true;
		ret = fsnotify_add_inode_mark(&mark->mark, file_inode(file), 0);
		if (ret) {
			s->file = NULL;
			fsnotify_put_mark(&mark->mark);
			return ret;
		}
		s->mark = mark;
	}
	s->sock = sock;
	return 0;
}

/*
 * The usual callback.  Under the wait queue's lock, interrupts off, any
 * context; s cannot go, as it has to leave the wait queue first.
 */
int seda_sock_wake(struct wait_queue_entry *wait, unsigned int mode,
		   int wake_flags, void *key)
{
	struct seda_sock *s = container_of(wait, struct seda_sock, wait);

	if (key && !(key_to_poll(key) & READ_ONCE(s->mask)))
		return 0;
	seda_source_kick(&s->src, wake_flags); /* [sock-kick] */
	return 1;
}

/* From here on the socket calls back. */
void seda_sock_listen(struct seda_sock *s, wait_queue_func_t fn)
{
	init_waitqueue_func_entry(&s->wait, fn);
	s->head = &s->sock->wq.wait;
	add_wait_queue(s->head, &s->wait);
}

/* No callback runs or comes any more.  Once; harmless if not attached. */
void seda_sock_detach(struct seda_sock *s)
{
	struct seda_mark *mark = s->mark;

	if (s->head) {
		/* the mark keeps the inode that it is part of */
		remove_wait_queue(s->head, &s->wait); /* [detach-wait] */
		s->head = NULL; /* [detach-head] */
	}
	if (mark) {
		spin_lock(&mark->lock); /* [detach-lock] */
		mark->sock = NULL; /* [detach-sock] */
		WRITE_ONCE(s->file, NULL); /* [detach-file] */
		spin_unlock(&mark->lock); /* [detach-unlock] */
		fsnotify_destroy_mark(&mark->mark, seda_group); /* [detach-mark] */
		fsnotify_put_mark(&mark->mark);
		s->mark = NULL; /* [detach-once] */
	}
}

/* The ARM and DISARM ops of connections, listeners and UDP sockets. */
int seda_sock_arm(struct seda_source *src, const struct seda_op *op)
{
	if (op->addr || op->first_ns || op->period_ns)
		return -EINVAL;
	if (test_and_clear_bit(SEDA_SRC_PAUSED, &src->flags))
		seda_source_kick(src, 0);
	return 0;
}

int seda_sock_disarm(struct seda_source *src)
{
	set_bit(SEDA_SRC_PAUSED, &src->flags);
	return 0;
}
