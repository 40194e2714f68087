// SPDX-License-Identifier: GPL-2.0
/*
 * Ops of files that have to wait: for the disk, a lock of the file system, or
 * memory.  They run in a workqueue of their app's own, so that a disk that never
 * answers keeps up nobody else, in the name of who submitted them; reads of files
 * opened with O_DIRECT are given to the disk at once, and end in its interrupt.
 *
 * An app that ends does not wait for them: what they need, the app's memory too,
 * goes with the last (app->refs).
 */
#include <linux/backing-dev.h>
#include <linux/bvec.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/fadvise.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "io.h"
#include "trace.h"

/* A place in the stage where it is to wait; -EBUSY, if that may be refused. */
static int seda_place_take(struct seda_stage *stage, bool refuse)
{
	atomic64_t *ios = (atomic64_t *)&stage->stats->ios;

	if (atomic64_inc_return(ios) <= READ_ONCE(stage->capacity) || !refuse) {
		atomic64_inc((atomic64_t *)&stage->stats->misses);
		return 0;
	}
	atomic64_dec(ios);
	atomic64_inc((atomic64_t *)&stage->stats->busy);
	return -EBUSY;
}

static void seda_place_put(struct seda_stage *stage)
{
	atomic64_dec((atomic64_t *)&stage->stats->ios);
}

/* Task context. */
void seda_io_free(struct seda_io *io)
{
	struct seda_disk *disk = io->disk;
	u32 i;

	for (i = 0; i < io->nr_bufs; i++)
		seda_buf_unhold(disk->src.stage->app, io->buf[i]);
	put_cred(io->cred);
	mem_cgroup_put(io->memcg);
	if (io->blkcg)
		css_put(io->blkcg);
	if (io->conn)
		seda_source_put(io->conn);
	kvfree(io);
	seda_place_put(disk->miss);
	seda_disk_leave(disk);
	seda_source_put(&disk->src);
}

/* In task context: nobody but the connection waits for it. */
static void seda_io_filled(struct seda_io *io)
{
	seda_tcp_filled(io->conn, io->res);
	seda_io_free(io);
}

/* It has ended; any context. */
static void seda_io_end(struct seda_io *io, long res)
{
	struct seda_stage *stage = io->disk->miss;
	struct seda_disk *disk = io->disk;
	struct seda_app *app = stage->app;

	/* what a signal would have begun anew */
	if (res <= -ERESTARTSYS && res >= -ERESTART_RESTARTBLOCK)
		res = -EINTR;
	trace_seda_io_end(&disk->src, io->user_data, res);
	io->res = res;
	if (io->conn) {
		seda_io_filled(io);
	} else {
		/* the source, which uses it, may go with the event */
		refcount_inc(&stage->users);
		seda_done_add(stage, io);
		seda_stage_put(stage);
	}
	seda_app_put(app);
}

/* Any context. */
static void seda_io_queue(struct seda_io *io)
{
	struct seda_disk *disk = io->disk;
	struct seda_app *app = disk->miss->app;
	unsigned long flags;

	spin_lock_irqsave(&disk->lock, flags);
	list_add_tail(&io->node, &disk->queued);
	queue_work(app->io_wq, &io->work);
	spin_unlock_irqrestore(&disk->lock, flags);
}

/*
 * Is it to be done again, with waiting?  A device may not know how not to, and a
 * file system may give what it has.
 */
static bool seda_io_again(struct seda_io *io, long res)
{
	struct inode *inode = io->disk->file->f_mapping->host;

	if (!(io->kiocb.ki_flags & IOCB_NOWAIT))
		return false;
	return res == -EAGAIN || res == -EOPNOTSUPP ||
	       (res >= 0 && res < io->len &&
		io->pos + res < i_size_read(inode));
}

/*
 * The disk's answer to a read with O_DIRECT; any context.  The file system may be
 * using kiocb still, as its read_iter has not returned.
 */
static void seda_io_answered(struct kiocb *kiocb, long res)
{
	struct seda_io *io = container_of(kiocb, struct seda_io, kiocb);

	io->answer = res;
	if (!atomic_dec_and_test(&io->busy))
		return;
	if (seda_io_again(io, res))
		seda_io_queue(io);
	else
		seda_io_end(io, res);
}

static void seda_io_prepare(struct seda_io *io, struct iov_iter *iter)
{
	unsigned int dir = io->op == SEDA_OP_READ ? READ : WRITE;

	init_sync_kiocb(&io->kiocb, io->disk->file);
	io->kiocb.ki_pos = io->pos;
	iov_iter_bvec(iter, dir, io->bvec, io->nr, io->len);
}

/* -EIOCBQUEUED: io may be gone. */
static long seda_io_read(struct seda_io *io, bool wait)
{
	struct iov_iter iter;
	long res;

	seda_io_prepare(io, &iter);
	if (io->direct) {
		io->kiocb.ki_complete = seda_io_answered;
		atomic_set(&io->busy, 2);
	}
	if (!wait)
		io->kiocb.ki_flags |= IOCB_NOWAIT;
	res = vfs_iocb_iter_read(io->disk->file, &io->kiocb, &iter);
	if (res != -EIOCBQUEUED)
		return res;
	return atomic_dec_and_test(&io->busy) ? io->answer : -EIOCBQUEUED;
}

/* Into the page cache only. */
static long seda_io_discard(struct seda_io *io)
{
	struct iov_iter iter;

	init_sync_kiocb(&io->kiocb, io->disk->file);
	io->kiocb.ki_flags &= ~IOCB_DIRECT;
	io->kiocb.ki_pos = io->pos;
	iov_iter_discard(&iter, READ, io->len);
	return vfs_iocb_iter_read(io->disk->file, &io->kiocb, &iter);
}

static long seda_io_write(struct seda_io *io)
{
	struct iov_iter iter;

	seda_io_prepare(io, &iter);
	/* others may have come first */
	if (io->kiocb.ki_flags & IOCB_APPEND && io->len &&
	    i_size_read(file_inode(io->disk->file)) + io->len > io->limit)
		return -EFBIG;
	return seda_write_iter(io->disk->file, &io->kiocb, &iter);
}

static long seda_io_do(struct seda_io *io)
{
	struct file *file = io->disk->file;

	switch (io->op) {
	case SEDA_OP_READ:
		return seda_io_read(io, true);
	case SEDA_OP_WRITE:
		return seda_io_write(io);
	case SEDA_OP_SENDFILE:
		return seda_io_discard(io);
	case SEDA_OP_SYNC:
		return vfs_fsync_range(file, io->pos,
				       io->len ? io->pos + io->len - 1 : LLONG_MAX,
				       io->flags & SEDA_SYNC_DATA);
	default:
		return vfs_fadvise(file, io->pos, io->len,
				   io->flags & SEDA_ADVISE_DROP ?
				   POSIX_FADV_DONTNEED : POSIX_FADV_WILLNEED);
	}
}

/* In the app's workqueue: as the one who submitted it. */
static void seda_io_work(struct work_struct *work)
{
	struct seda_io *io = container_of(work, struct seda_io, work);
	const struct cred *cred = get_cred(io->cred), *was;
	struct mem_cgroup *memcg;
	long res;

	/* from here on it cannot be canceled */
	spin_lock_irq(&io->disk->lock);
	list_del(&io->node);
	spin_unlock_irq(&io->disk->lock);
	was = override_creds(cred);
	/* into pages that are there nobody needs to be charged for more */
	memcg = set_active_memcg(io->direct ? NULL : io->memcg);
	kthread_associate_blkcg(io->blkcg);
	res = seda_io_do(io);
	/* from here on io, and what it holds, may be gone */
	kthread_associate_blkcg(NULL);
	set_active_memcg(memcg);
	revert_creds(was);
	put_cred(cred);
	if (res != -EIOCBQUEUED)
		seda_io_end(io, res);
}

/* Buffers that have been returned since they were checked: -EINVAL. */
static int seda_io_hold(struct seda_io *io, struct seda_app *app,
			const struct seda_segs *segs)
{
	u32 i;

	io->nr = segs->nr;
	memcpy(io->bvec, segs->bvec, segs->nr * sizeof(segs->bvec[0]));
	io->buf = (u32 *)&io->bvec[segs->nr];
	for (i = 0; i < segs->nr_bufs; i++) {
		if (!seda_buf_hold(app, segs->buf[i]))
			return -EINVAL;
		io->buf[i] = segs->buf[i];
		io->nr_bufs++;
	}
	return 0;
}

/* In whose name it is done. */
static void seda_io_name(struct seda_io *io)
{
	io->limit = rlimit(RLIMIT_FSIZE);
	io->cred = get_current_cred();
	io->memcg = get_mem_cgroup_from_mm(current->mm);
#ifdef CONFIG_BLK_CGROUP
	io->blkcg = task_get_css(current, io_cgrp_id);
#endif
}

/* The place and the op have been counted; both go with io, or now. */
static struct seda_io *seda_io_alloc(struct seda_disk *disk, u8 op, u64 pos,
				     u64 len, const struct seda_segs *segs)
{
	size_t more = segs ? segs->nr * sizeof(segs->bvec[0]) +
			     segs->nr_bufs * sizeof(u32) : 0;
	struct seda_io *io = kvzalloc(sizeof(*io) + more, GFP_KERNEL_ACCOUNT);

	if (!io) {
		seda_place_put(disk->miss);
		seda_disk_leave(disk);
		return NULL;
	}
	INIT_WORK(&io->work, seda_io_work);
	io->disk = disk;
	refcount_inc(&disk->src.ref);
	io->op = op;
	io->pos = pos;
	io->len = len;
	seda_io_name(io);
	return io;
}

static struct seda_io *seda_io_new(struct seda_disk *disk,
				   const struct seda_op *op,
				   const struct seda_segs *segs, bool direct)
{
	struct seda_io *io;
	int ret = 0;

	io = seda_io_alloc(disk, op->op, op->offset,
			   segs ? segs->total : op->len, segs);
	if (!io)
		return ERR_PTR(-ENOMEM);
	io->flags = op->flags;
	io->user_data = op->user_data;
	io->direct = direct;
	if (segs)
		ret = seda_io_hold(io, disk->src.stage->app, segs);
	if (!ret)
		return io;
	seda_io_free(io);
	return ERR_PTR(ret);
}

/*
 * A read with O_DIRECT goes to the disk from here, if that takes it without
 * waiting.  -EINPROGRESS, or what it came to if that is known already.
 */
static int seda_io_submit(struct seda_worker *w, struct seda_io *io)
{
	bool now = io->direct && io->op == SEDA_OP_READ &&
		   io->disk->file->f_mode & FMODE_NOWAIT;
	long res = now ? seda_io_read(io, false) : -EAGAIN;

	if (res == -EIOCBQUEUED)
		return -EINPROGRESS;
	if (!now || seda_io_again(io, res)) {
		seda_io_queue(io);
		return -EINPROGRESS;
	}
	seda_io_free(io);
	/* never the last: the caller's is there, as nobody released the app */
	seda_app_put(w->app);
	return res;
}

/* op has to wait.  direct: without the page cache. */
int seda_io_start(struct seda_worker *w, struct seda_disk *disk,
		  const struct seda_op *op, const struct seda_segs *segs,
		  bool direct)
{
	struct seda_io *io;
	int ret;

	if (op->flags & SEDA_IO_NOWAIT)
		return -EAGAIN;
	ret = seda_disk_enter(disk);
	if (ret)
		return ret;
	ret = seda_place_take(disk->miss, true);
	if (ret) {
		seda_disk_leave(disk);
		return ret;
	}
	io = seda_io_new(disk, op, segs, direct);
	if (IS_ERR(io))
		return PTR_ERR(io);
	refcount_inc(&w->app->refs);
	trace_seda_io(&disk->src, op->user_data, op->op);
	return seda_io_submit(w, io);
}

/*
 * Brings len bytes from pos on, which a SENDFILE of conn lacks, into memory;
 * seda_tcp_filled() follows.  first: it can still be refused (-EBUSY).
 */
int seda_io_fill(struct seda_disk *disk, struct seda_source *conn, u64 pos,
		 u32 len, bool first)
{
	struct seda_io *io;
	int ret = seda_place_take(disk->miss, first);

	if (ret)
		return ret;
	/* CLOSE or not: its SENDFILE is one, too */
	refcount_inc(&disk->ops);
	io = seda_io_alloc(disk, SEDA_OP_SENDFILE, pos, len, NULL);
	if (!io)
		return -ENOMEM;
	refcount_inc(&conn->ref);
	io->conn = conn;
	refcount_inc(&conn->stage->app->refs);
	trace_seda_io(&disk->src, 0, SEDA_OP_SENDFILE);
	seda_io_queue(io);
	return 0;
}

/*
 * Ends what has not begun: all (with the app: what SENDFILE needs, too), or what op
 * asks for.  How many.  Those are ours alone then, as nobody else takes them off
 * the workqueue.
 */
int seda_io_cancel(struct seda_disk *disk, const struct seda_op *op, bool all)
{
	struct seda_io *io, *next;
	unsigned long flags;
	LIST_HEAD(canceled);
	int n = 0;

	spin_lock_irqsave(&disk->lock, flags);
	list_for_each_entry_safe(io, next, &disk->queued, node) {
		if (op && op->flags & SEDA_CANCEL_ONE &&
		    io->user_data != op->user_data)
			continue;
		if (io->conn && !all)
			continue;
		if (cancel_work(&io->work))
			list_move_tail(&io->node, &canceled);
	}
	spin_unlock_irqrestore(&disk->lock, flags);
	list_for_each_entry_safe(io, next, &canceled, node) {
		/* it goes another way now */
		list_del(&io->node);
		seda_io_end(io, -ECANCELED);
		n++;
	}
	return n;
}
