// SPDX-License-Identifier: GPL-2.0
/*
 * Files as sources: regular files and block devices, which poll() says nothing
 * about.  What is in the page cache is read at once, by the caller; all else waits
 * in the file's miss stage (io.c).
 */
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/nospec.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "io.h"

static struct seda_disk *to_disk(struct seda_source *src)
{
	return container_of(src, struct seda_disk, src);
}

/* One more op; -EALREADY after CLOSE. */
int seda_disk_enter(struct seda_disk *disk)
{
	/* zero: CLOSE has come, and all were over */
	if (!READ_ONCE(disk->closing) && refcount_inc_not_zero(&disk->ops))
		return 0;
	return -EALREADY;
}

/* One fewer; CLOSE may have waited for the last.  The caller has a reference. */
void seda_disk_leave(struct seda_disk *disk)
{
	if (!refcount_dec_and_test(&disk->ops))
		return;
	set_bit(SEDA_SRC_CLOSING, &disk->src.flags);
	seda_source_kick(&disk->src, 0);
}

/* len bytes from byte skip of buffer buf on, which the application must have. */
static int seda_seg_add(struct seda_app *app, struct seda_segs *segs, u32 buf,
			u64 skip, u32 len)
{
	int ret = seda_buf_check(app, buf);
	struct bio_vec *bvec;
	u64 at;

	if (ret)
		return ret;
	if (skip > app->bufs.size || len > app->bufs.size - skip)
		return -EINVAL;
	buf = array_index_nospec(buf, app->bufs.nr);
	segs->buf[segs->nr_bufs++] = buf;
	segs->total += len;
	if (segs->total > SEDA_MAX_IO_LEN)
		return -EMSGSIZE;
	at = app->bufs_off + (u64)buf * app->bufs.size + skip;
	for (; len; at += bvec->bv_len, len -= bvec->bv_len) {
		bvec = &segs->bvec[segs->nr++];
		bvec->bv_page = app->arena.pages[at >> PAGE_SHIFT];
		bvec->bv_offset = offset_in_page(at);
		bvec->bv_len = min_t(u32, len, PAGE_SIZE - bvec->bv_offset);
	}
	return 0;
}

/* len segments that are described at addr. */
static int seda_segs_copy(struct seda_app *app, struct seda_segs *segs, u64 addr,
			  u32 len)
{
	struct seda_seg __user *from = u64_to_user_ptr(addr);
	struct seda_seg seg;
	int ret = 0;
	u32 i;

	if (len > SEDA_MAX_VEC)
		return -EMSGSIZE;
	for (i = 0; i < len && !ret; i++) {
		if (copy_from_user(&seg, &from[i], sizeof(seg)))
			return -EFAULT;
		if (seg.pad)
			return -EINVAL;
		ret = seda_seg_add(app, segs, seg.buf, seg.skip, seg.len);
	}
	return ret;
}

/* Into w->segs. */
static int seda_segs_import(struct seda_worker *w, const struct seda_op *op)
{
	struct seda_segs *segs = w->segs;

	if (!segs) {
		segs = kvmalloc(sizeof(*segs), GFP_KERNEL_ACCOUNT);
		if (!segs)
			return -ENOMEM;
		w->segs = segs;
	}
	segs->nr_bufs = 0;
	segs->nr = 0;
	segs->total = 0;
	if (!(op->flags & SEDA_IO_VEC))
		return seda_seg_add(w->app, segs, op->buf, op->addr, op->len);
	if (op->buf)
		return -EINVAL;
	return seda_segs_copy(w->app, segs, op->addr, op->len);
}

/* What the page cache has, or -EAGAIN: not all of it. */
static int seda_disk_hit(struct seda_disk *disk, struct seda_segs *segs,
			 struct kiocb *kiocb)
{
	struct file *file = disk->file;
	struct iov_iter iter;
	ssize_t n;

	iov_iter_bvec(&iter, READ, segs->bvec, segs->nr, segs->total);
	kiocb->ki_flags |= IOCB_NOWAIT | IOCB_NOIO;
	n = vfs_iocb_iter_read(file, kiocb, &iter);
	if (n == -EOPNOTSUPP)
		return -EAGAIN;
	if (n >= 0 && n < segs->total &&
	    kiocb->ki_pos < i_size_read(file->f_mapping->host))
		return -EAGAIN;
	if (n >= 0)
		atomic64_inc((atomic64_t *)&disk->src.stage->stats->hits);
	return n;
}

static int seda_disk_read(struct seda_worker *w, struct seda_disk *disk,
			  const struct seda_op *op)
{
	struct file *file = disk->file;
	struct kiocb kiocb;
	bool direct;
	int ret;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	ret = seda_segs_import(w, op);
	if (ret)
		return ret;
	init_sync_kiocb(&kiocb, file);
	kiocb.ki_pos = op->offset;
	direct = kiocb.ki_flags & IOCB_DIRECT;
	if (!direct && file->f_mode & FMODE_NOWAIT) {
		ret = seda_disk_hit(disk, w->segs, &kiocb);
		if (ret != -EAGAIN)
			return ret;
	}
	return seda_io_start(w, disk, op, w->segs, direct);
}

/* Whoever does it later has no such limit. */
static bool seda_disk_too_large(struct file *file, u64 end)
{
	return S_ISREG(file_inode(file)->i_mode) && end > rlimit(RLIMIT_FSIZE);
}

static int seda_disk_write(struct seda_worker *w, struct seda_disk *disk,
			   const struct seda_op *op)
{
	struct file *file = disk->file;
	struct kiocb kiocb;
	u64 pos = op->offset;
	int ret;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	ret = seda_segs_import(w, op);
	if (ret)
		return ret;
	init_sync_kiocb(&kiocb, file);
	if (kiocb.ki_flags & IOCB_APPEND)
		pos = i_size_read(file_inode(file));
	if (w->segs->total && seda_disk_too_large(file, pos + w->segs->total))
		return -EFBIG;
	return seda_io_start(w, disk, op, w->segs,
			     kiocb.ki_flags & IOCB_DIRECT);
}

/* How much from byte pos on is in the page cache, of len bytes. */
int seda_disk_resident(struct seda_disk *disk, u64 pos, u32 len)
{
	struct address_space *mapping = seda_disk_mapping(disk->file);
	u64 end = min_t(u64, pos + min_t(u32, len, SEDA_MAX_SEND_LEN),
			i_size_read(mapping->host));
	u64 at = pos;

	while (at < end && seda_page_cached(mapping, at >> PAGE_SHIFT)) {
		at = (at | ~PAGE_MASK) + 1;
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return at > pos ? min(at, end) - pos : 0;
}

/* READ, WRITE, SYNC, ADVISE, RESIDENT */
static int seda_disk_io(struct seda_worker *w, struct seda_source *src,
			const struct seda_op *op)
{
	struct seda_disk *disk = to_disk(src);

	if (op->offset > LLONG_MAX - U32_MAX)
		return -EINVAL;
	if (READ_ONCE(disk->closing))
		return -EALREADY;
	switch (op->op) {
	case SEDA_OP_READ:
		return seda_disk_read(w, disk, op);
	case SEDA_OP_WRITE:
		return seda_disk_write(w, disk, op);
	case SEDA_OP_RESIDENT:
		if (!(disk->file->f_mode & FMODE_READ))
			return -EBADF;
		if (!disk->shows)
			return -EPERM;
		return seda_disk_resident(disk, op->offset, op->len);
	default:
		return seda_io_start(w, disk, op, NULL, false);
	}
}

static int seda_disk_cancel(struct seda_worker *w, struct seda_source *src,
			    const struct seda_op *op)
{
	if (op->user_data && !(op->flags & SEDA_CANCEL_ONE))
		return -EINVAL;
	return seda_io_cancel(to_disk(src), op, false);
}

/* First half of CLOSE: what has begun is waited for. */
static int seda_disk_finish(struct seda_source *src, unsigned int flags)
{
	struct seda_disk *disk = to_disk(src);

	if (xchg(&disk->closing, true))
		return -EALREADY;
	seda_io_cancel(disk, NULL, false);
	return refcount_dec_and_test(&disk->ops) ? 0 : -EINPROGRESS;
}

/* Its own events are the last only, which the harvester makes. */
static unsigned int seda_disk_pump(struct seda_worker *w,
				   struct seda_source *src, unsigned int room)
{
	return 0;
}

static bool seda_disk_ready(struct seda_source *src)
{
	return false;
}

/* With the app, ops may still be under way: they need the file. */
static void seda_disk_close(struct seda_source *src)
{
	struct seda_disk *disk = to_disk(src);

	WRITE_ONCE(disk->closing, true);
	seda_io_cancel(disk, NULL, true);
}

static void seda_disk_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct seda_disk, src.rcu));
}

static void seda_disk_free(struct seda_source *src)
{
	struct seda_disk *disk = to_disk(src);

	/* src->stage may have gone */
	seda_file_put(disk->miss->app, disk->file);
	seda_stage_put(disk->miss);
	call_rcu(&src->rcu, seda_disk_free_rcu);
}

static const struct seda_kind seda_disk_kind = {
	.id = SEDA_KIND_DISK,
	.name = "disk",
	.shared = true,
	.pump = seda_disk_pump,
	.ready = seda_disk_ready,
	.close = seda_disk_close,
	.finish = seda_disk_finish,
	.free = seda_disk_free,
	.cancel = seda_disk_cancel,
	.io = seda_disk_io,
};

/* A reference to the file of this id, or NULL; -EINVAL: it is something else. */
struct seda_disk *seda_disk_get(struct seda_app *app, u64 id)
{
	struct seda_source *src = seda_source_get(app, id);

	if (!src)
		return NULL;
	if (src->kind == &seda_disk_kind)
		return to_disk(src);
	seda_source_put(src);
	return ERR_PTR(-EINVAL);
}

/* Where the app's ops wait. */
static int seda_disk_queue(struct seda_app *app)
{
	int ret = 0;

	mutex_lock(&app->lock);
	if (!app->io_wq)
		app->io_wq = alloc_workqueue("seda_io", WQ_UNBOUND | WQ_FREEZABLE,
					     SEDA_IO_WORKERS);
	if (!app->io_wq)
		ret = -ENOMEM;
	mutex_unlock(&app->lock);
	return ret;
}

static int seda_disk_adopt(struct seda_app *app, struct seda_file_args *a,
			   struct file *file)
{
	struct seda_disk *disk;
	int ret = -ESTALE;

	disk = kzalloc(sizeof(*disk), GFP_KERNEL_ACCOUNT);
	if (!disk)
		return -ENOMEM;
	spin_lock_init(&disk->lock);
	INIT_LIST_HEAD(&disk->queued);
	refcount_set(&disk->ops, 1);
	/* as mincore(2): what others read is not to be seen in what is everybody's */
	disk->shows = file->f_mode & FMODE_WRITE ||
		      !file_permission(file, MAY_WRITE);
	disk->miss = seda_stage_get(app, a->miss_stage ?: a->stage);
	if (!disk->miss)
		goto err_disk;
	ret = seda_source_init(app, &disk->src, &seda_disk_kind, a->stage,
			       a->user_data);
	if (ret)
		goto err_stage;
	disk->file = get_file(file);
	ret = seda_source_publish(app, &disk->src);
	if (ret) {
		seda_source_discard(&disk->src);
		return ret;
	}
	a->source = disk->src.id;
	return seda_source_answer(&disk->src, a);

err_stage:
	seda_stage_put(disk->miss);
err_disk:
	kfree(disk);
	return ret;
}

/*
 * Files of procfs and the like look at who calls, which a thread of ours is not;
 * and pages of hugetlbfs are counted otherwise.
 */
static bool seda_disk_is_file(struct file *file)
{
	struct inode *inode = file_inode(file);

	if (S_ISBLK(inode->i_mode))
		return true;
	return S_ISREG(inode->i_mode) &&
	       !(inode->i_sb->s_iflags & SB_I_NOEXEC) &&
	       inode->i_sb->s_magic != HUGETLBFS_MAGIC;
}

int seda_disk_create(struct seda_app *app, struct seda_file_args *a)
{
	struct file *file;
	int ret;

	if (a->flags || a->pad || a->source)
		return -EINVAL;
	ret = seda_disk_queue(app);
	if (ret)
		return ret;
	file = fget(a->fd);
	if (!file)
		return -EBADF;
	ret = -EINVAL;
	if (seda_disk_is_file(file))
		ret = seda_disk_adopt(app, a, file);
	fput(file);
	return ret;
}
