/* SPDX-License-Identifier: GPL-2.0 */
/* Files, and their ops that wait: disk.c, io.c, done.c and sendfile.c. */
#ifndef SEDA_IO_H
#define SEDA_IO_H

#include <linux/dcache.h>
#include <linux/fs.h>

#include "seda.h"

/* Pages of an op of a file, of which each segment may have two only in part. */
#define SEDA_SEG_PAGES	(SEDA_MAX_IO_LEN / PAGE_SIZE + 2 * SEDA_MAX_VEC)

/* Parts of buffers that an op of a file reads into or writes from. */
struct seda_segs {
	u32 nr_bufs;
	u32 nr;
	size_t total;			/* bytes */
	u32 buf[SEDA_MAX_VEC];
	struct bio_vec bvec[SEDA_SEG_PAGES];
};

/* A regular file or a block device; events do not own it. */
struct seda_disk {
	struct seda_source src;
	struct file *file;		/* const; put with the last reference */
	struct seda_stage *miss;	/* a use; where ops wait */
	spinlock_t lock;		/* interrupts off */
	struct list_head queued;	/* under lock: ops that have not begun */
	bool closing;			/* CLOSE: no more ops */
	bool shows;			/* const: RESIDENT is allowed */
	/* ops that have not ended, DONEs to come, sends; 1 until CLOSE */
	refcount_t ops;
};

/*
 * An op that waits, or a read for a SENDFILE: made by seda_io_start() or
 * seda_io_fill(), ended by seda_io_end(), in any context, and freed as its DONE is
 * harvested, or, a read for a SENDFILE, at once.  Between the first two it holds a
 * reference to the app; always a place in the miss stage, a reference to the source
 * and one of its ops, and its buffers.
 */
struct seda_io {
	struct kiocb kiocb;
	struct work_struct work;
	union {
		struct list_head node;		/* under disk->lock: queued */
		struct llist_node ended;	/* for seda_done */
	};
	struct seda_disk *disk;
	struct seda_source *conn;	/* what it reads for, a reference, or NULL */
	u64 user_data;
	u64 pos;
	u64 len;			/* bytes */
	u64 limit;			/* of the submitter's files, bytes */
	u8 op;
	u16 flags;
	int res;
	/* O_DIRECT: who submits it and who answers; the second goes on */
	atomic_t busy;
	long answer;			/* the answerer's, before that */
	/* who asked for it; it is done in their name */
	const struct cred *cred;
	struct mem_cgroup *memcg;
	struct cgroup_subsys_state *blkcg;
	bool direct;			/* O_DIRECT */
	u32 nr_bufs;
	u32 *buf;			/* indices of the buffers, behind bvec */
	u32 nr;
	struct bio_vec bvec[];
};

/* Ops of one app that run at a time; more wait for a thread. */
#define SEDA_IO_WORKERS	32

/* Where its pages are, if it is one of overlayfs, too: with the file below. */
static inline struct address_space *seda_disk_mapping(struct file *file)
{
	if (S_ISREG(file_inode(file)->i_mode))
		return d_real_inode(file->f_path.dentry)->i_mapping;
	return file->f_mapping;
}

static inline bool seda_page_cached(struct address_space *mapping, pgoff_t index)
{
	struct page *page = seda_page_get(mapping, index);

	if (page)
		put_page(page);
	return page;
}

/* io.c */
int seda_io_start(struct seda_worker *w, struct seda_disk *disk,
		  const struct seda_op *op, const struct seda_segs *segs,
		  bool direct);
int seda_io_fill(struct seda_disk *disk, struct seda_source *conn, u64 pos,
		 u32 len, bool first);
int seda_io_cancel(struct seda_disk *disk, const struct seda_op *op, bool all);
void seda_io_free(struct seda_io *io);

/* disk.c */
struct seda_disk *seda_disk_get(struct seda_app *app, u64 id);
int seda_disk_enter(struct seda_disk *disk);
void seda_disk_leave(struct seda_disk *disk);
int seda_disk_resident(struct seda_disk *disk, u64 pos, u32 len);

/* sendfile.c */
int seda_tcp_sendfile(struct seda_worker *w, struct seda_source *src,
		      const struct seda_op *op);
int seda_sendfile_push(struct seda_tcp *tcp, struct seda_send *s, size_t *turn);
void seda_sendfile_wait(struct seda_tcp *tcp);
void seda_sendfile_done(struct seda_send *s);
void seda_tcp_filled(struct seda_source *src, int res);

/* done.c */
void seda_done_add(struct seda_stage *stage, struct seda_io *io);
void seda_done_drop(struct seda_stage *stage);

#endif /* SEDA_IO_H */
