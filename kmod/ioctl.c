// SPDX-License-Identifier: GPL-2.0
/*
 * The front door: one table, a handler each.  It copies the argument once,
 * and lets unknown tails through when they are zero.  Handlers write the answer
 * back, by seda_answer(), while they can still undo what they did.
 */
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "seda.h"

union seda_args {
	u32 size;
	struct seda_info_args info;
	struct seda_setup_args setup;
	struct seda_pool_args pool;
	struct seda_stage_args stage;
	struct seda_join_args join;
	struct seda_id_args id;
	struct seda_listen_args listen;
	struct seda_adopt_args adopt;
	struct seda_connect_args connect;
	struct seda_watch_args watch;
	struct seda_timer_args timer;
	struct seda_post_args post;
	struct seda_to_fd_args to_fd;
	struct seda_source_info_args source_info;
	struct seda_enter_args enter;
	struct seda_file_args file;
};

/* What handlers are given is the first member. */
struct seda_request {
	union seda_args args;
	void __user *to;
	u32 size;
};

#define SEDA_IOC_LAST	_IOC_NR(SEDA_IOC_FILE)

/*
 * Writes args, as a handler got them and filled in what is "out", back to the
 * caller.  It may wait for a page: no lock is held that others of other apps
 * wait for.  Whoever cannot tell the id of what it made has to unmake it.
 */
int seda_answer(const void *args)
{
	const struct seda_request *r = args;

	return copy_to_user(r->to, args, r->size) ? -EFAULT : 0;
}

static long seda_do_info(struct seda_app *app, union seda_args *a)
{
	a->info.abi_version = SEDA_ABI_VERSION;
	a->info.features = SEDA_FEATURE_CLAIM |
			   (seda_strict ? 0 : SEDA_FEATURE_FDLESS);
	a->info.ops = seda_ops_known();
	a->info.ioctls = BIT_ULL(SEDA_IOC_LAST + 1) - 1;
	a->info.max_arena_pages = min_t(u64, (u64)seda_lock_limit() <<
					(PAGE_SHIFT - 12), U32_MAX);
	a->info.max_sources = seda_limit_sources;
	return seda_answer(a);
}

static long seda_do_setup(struct seda_app *app, union seda_args *a)
{
	return seda_app_setup(app, &a->setup);
}

static long seda_do_pool_create(struct seda_app *app, union seda_args *a)
{
	return seda_pool_create(app, &a->pool);
}

static long seda_do_pool_set(struct seda_app *app, union seda_args *a)
{
	return seda_pool_set(app, &a->pool);
}

static long seda_do_pool_destroy(struct seda_app *app, union seda_args *a)
{
	return a->id.flags ? -EINVAL : seda_pool_destroy(app, a->id.id);
}

static long seda_do_stage_create(struct seda_app *app, union seda_args *a)
{
	return seda_stage_create(app, &a->stage);
}

static long seda_do_stage_set(struct seda_app *app, union seda_args *a)
{
	return seda_stage_set(app, &a->stage);
}

static long seda_do_stage_destroy(struct seda_app *app, union seda_args *a)
{
	return a->id.flags ? -EINVAL : seda_stage_destroy(app, a->id.id);
}

static long seda_do_join(struct seda_app *app, union seda_args *a)
{
	return seda_worker_join(app, &a->join);
}

static long seda_do_leave(struct seda_app *app, union seda_args *a)
{
	return seda_worker_leave(app);
}

static long seda_do_listen(struct seda_app *app, union seda_args *a)
{
	return seda_listen(app, &a->listen);
}

static long seda_do_adopt(struct seda_app *app, union seda_args *a)
{
	return seda_adopt(app, &a->adopt);
}

static long seda_do_connect(struct seda_app *app, union seda_args *a)
{
	return seda_connect(app, &a->connect);
}

static long seda_do_watch(struct seda_app *app, union seda_args *a)
{
	return seda_watch(app, &a->watch);
}

static long seda_do_timer(struct seda_app *app, union seda_args *a)
{
	return seda_timer_create(app, &a->timer);
}

static long seda_do_post(struct seda_app *app, union seda_args *a)
{
	if (a->post.flags)
		return -EINVAL;
	return seda_post(app, a->post.stage, a->post.user_data, a->post.value);
}

static long seda_do_close(struct seda_app *app, union seda_args *a)
{
	struct seda_source *src;
	long ret;

	if (a->id.flags & ~SEDA_CLOSE_ABORT)
		return -EINVAL;
	src = seda_source_get(app, a->id.id);
	if (!src)
		return -ESTALE;
	ret = seda_source_close(NULL, src, a->id.flags);
	seda_source_put(src);
	return ret;
}

static long seda_do_to_fd(struct seda_app *app, union seda_args *a)
{
	return seda_to_fd(app, &a->to_fd);
}

static long seda_do_source_info(struct seda_app *app, union seda_args *a)
{
	return seda_source_info(app, &a->source_info) ?: seda_answer(a);
}

static long seda_do_enter(struct seda_app *app, union seda_args *a)
{
	return seda_enter(app, &a->enter);
}

static long seda_do_file(struct seda_app *app, union seda_args *a)
{
	return seda_disk_create(app, &a->file);
}

#define SEDA_CALL(nr, arg, call)					\
	[_IOC_NR(nr)] = {						\
		.fn = call,						\
		.size = sizeof_field(union seda_args, arg),		\
	}

static const struct seda_call {
	long (*fn)(struct seda_app *app, union seda_args *a);
	u16 size;	/* 0: no argument */
} seda_calls[] = {
	SEDA_CALL(SEDA_IOC_INFO, info, seda_do_info),
	SEDA_CALL(SEDA_IOC_SETUP, setup, seda_do_setup),
	SEDA_CALL(SEDA_IOC_POOL_CREATE, pool, seda_do_pool_create),
	SEDA_CALL(SEDA_IOC_POOL_SET, pool, seda_do_pool_set),
	SEDA_CALL(SEDA_IOC_POOL_DESTROY, id, seda_do_pool_destroy),
	SEDA_CALL(SEDA_IOC_STAGE_CREATE, stage, seda_do_stage_create),
	SEDA_CALL(SEDA_IOC_STAGE_SET, stage, seda_do_stage_set),
	SEDA_CALL(SEDA_IOC_STAGE_DESTROY, id, seda_do_stage_destroy),
	SEDA_CALL(SEDA_IOC_WORKER_JOIN, join, seda_do_join),
	[_IOC_NR(SEDA_IOC_WORKER_LEAVE)] = { .fn = seda_do_leave },
	SEDA_CALL(SEDA_IOC_LISTEN, listen, seda_do_listen),
	SEDA_CALL(SEDA_IOC_ADOPT, adopt, seda_do_adopt),
	SEDA_CALL(SEDA_IOC_CONNECT, connect, seda_do_connect),
	SEDA_CALL(SEDA_IOC_WATCH, watch, seda_do_watch),
	SEDA_CALL(SEDA_IOC_TIMER, timer, seda_do_timer),
	SEDA_CALL(SEDA_IOC_POST, post, seda_do_post),
	SEDA_CALL(SEDA_IOC_CLOSE, id, seda_do_close),
	SEDA_CALL(SEDA_IOC_TO_FD, to_fd, seda_do_to_fd),
	SEDA_CALL(SEDA_IOC_SOURCE_INFO, source_info, seda_do_source_info),
	SEDA_CALL(SEDA_IOC_ENTER, enter, seda_do_enter),
	SEDA_CALL(SEDA_IOC_FILE, file, seda_do_file),
};

static int seda_args_copy(union seda_args *args, void __user *arg, u32 size)
{
	u32 usize;
	int ret;

	if (get_user(usize, (u32 __user *)arg))
		return -EFAULT;
	/* all structs are of the first version */
	if (usize < size || usize > PAGE_SIZE)
		return -EINVAL;
	ret = copy_struct_from_user(args, size, arg, usize);
	/* it may have been changed since */
	args->size = usize;
	return ret;
}

long seda_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct seda_app *app = file->private_data;
	void __user *uarg = (void __user *)arg;
	unsigned int nr = _IOC_NR(cmd);
	const struct seda_call *call;
	struct seda_request r;
	long ret;

	if (cmd != SEDA_IOC_NR(nr) || nr > SEDA_IOC_LAST)
		return -ENOTTY;
	call = &seda_calls[array_index_nospec(nr, SEDA_IOC_LAST + 1)];
	if (cmd != SEDA_IOC_INFO && cmd != SEDA_IOC_SETUP) {
		if (!seda_app_is_ready(app))
			return -EBADFD;
		if (current->mm != app->mm)
			return -EPERM;
	}
	if (call->size) {
		r.to = uarg;
		r.size = call->size;
		ret = seda_args_copy(&r.args, uarg, call->size);
		if (ret)
			return ret;
	}
	return call->fn(app, &r.args);
}
