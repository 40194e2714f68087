// SPDX-License-Identifier: GPL-2.0
/*
 * What one user may take: apps, sources and locked pages.  Memory is charged
 * to the memory cgroup besides, by GFP_KERNEL_ACCOUNT at each allocation.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "seda.h"

unsigned int seda_limit_apps = 256;
unsigned int seda_limit_sources = SEDA_MAX_SOURCES;
module_param_named(user_apps, seda_limit_apps, uint, 0644);
MODULE_PARM_DESC(user_apps, "opens of the device a user may have");
module_param_named(user_sources, seda_limit_sources, uint, 0644);
MODULE_PARM_DESC(user_sources, "sources a user may have");

static DEFINE_SPINLOCK(seda_users_lock);
static DEFINE_HASHTABLE(seda_users, 6);

static struct seda_user *seda_user_lookup(kuid_t uid)
{
	struct seda_user *user;

	lockdep_assert_held(&seda_users_lock);
	hash_for_each_possible(seda_users, user, node, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

/* The caller's user, with one more app: -EMFILE past the limit. */
struct seda_user *seda_user_get(void)
{
	kuid_t uid = current_uid();
	struct seda_user *user, *fresh;

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return ERR_PTR(-ENOMEM);
	fresh->uid = uid;

	spin_lock(&seda_users_lock);
	user = seda_user_lookup(uid);
	if (!user) {
		user = fresh;
		fresh = NULL;
		hash_add(seda_users, &user->node, __kuid_val(uid));
	}
	if (user->apps < READ_ONCE(seda_limit_apps) || !user->apps)
		user->apps++;
	else
		user = ERR_PTR(-EMFILE);
	spin_unlock(&seda_users_lock);
	kfree(fresh);
	return user;
}

void seda_user_put(struct seda_user *user)
{
	bool last;

	spin_lock(&seda_users_lock);
	last = !--user->apps;
	if (last)
		hash_del(&user->node);
	spin_unlock(&seda_users_lock);
	if (last)
		kfree(user);
}

int seda_user_source(struct seda_user *user)
{
	if (atomic_inc_return(&user->sources) <=
	    READ_ONCE(seda_limit_sources))
		return 0;
	atomic_dec(&user->sources);
	return -ENFILE;
}

/* Pages that the caller may lock. */
unsigned long seda_lock_limit(void)
{
	return rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
}

/*
 * Counts pages with those that io_uring and others lock for the same user.
 * Every app notes whom it charged, as credentials may change before its end.
 */
int seda_lock_pages(struct seda_app *app, unsigned long pages)
{
	struct user_struct *user = current_user();
	unsigned long total;

	total = atomic_long_add_return(pages, &user->locked_vm);
	if (total > seda_lock_limit() && !capable(CAP_IPC_LOCK)) {
		atomic_long_sub(pages, &user->locked_vm);
		return -ENOMEM;
	}
	app->locked_user = get_uid(user);
	app->locked_pages = pages;
	return 0;
}

void seda_unlock_pages(struct seda_app *app)
{
	if (!app->locked_user)
		return;
	atomic_long_sub(app->locked_pages, &app->locked_user->locked_vm);
	free_uid(app->locked_user);
	app->locked_user = NULL;
}
