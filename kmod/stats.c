// SPDX-License-Identifier: GPL-2.0
/*
 * What can be seen from outside: fdinfo of the device's descriptors, and
 * /sys/kernel/debug/seda/<pid>-<n>/{state,sources}.  Connections without a
 * descriptor are found here, with their peers, as ss(8) cannot name an owner.
 */
#include <linux/debugfs.h>
#include <linux/in.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "seda.h"

/* fdinfo stops here; debugfs tells all. */
#define SEDA_FDINFO_SOURCES	1024

static struct dentry *seda_debugfs;

static void seda_show_addr(struct seq_file *m, const char *name,
			   const struct seda_addr *a)
{
	unsigned int port = ntohs((__force __be16)a->port);

	if (a->family == AF_INET)
		seq_printf(m, " %s=%pI4:%u", name, a->addr, port);
	else if (a->family == AF_INET6)
		seq_printf(m, " %s=[%pI6c]:%u", name, a->addr, port);
}

static void seda_show_source(struct seq_file *m, struct seda_source *src)
{
	/* size 0: from outside */
	struct seda_source_info_args a = { };

	if (src->kind->info)
		src->kind->info(src, &a);
	seq_printf(m, "source:\t%llx kind=%s stage=%s state=%x events=%u",
		   src->id, src->kind->name, src->stage->name,
		   atomic_read(&src->state), READ_ONCE(src->seq));
	seda_show_addr(m, "local", &a.local);
	seda_show_addr(m, "peer", &a.peer);
	if (a.sends)
		seq_printf(m, " sends=%u queued=%llu", a.sends, a.queued);
	if (test_bit(SEDA_SRC_STALLED, &src->flags))
		seq_puts(m, " stalled");
	if (test_bit(SEDA_SRC_HELD, &src->flags))
		seq_puts(m, " held");
	seq_putc(m, '\n');
}

static void seda_show_sources(struct seq_file *m, struct seda_app *app,
			      unsigned long max)
{
	struct seda_source *src;
	unsigned long index = 0;

	while (max-- && !seq_has_overflowed(m)) {
		rcu_read_lock();
		src = xa_find(&app->sources, &index, ULONG_MAX, XA_PRESENT);
		/* one on its way out is skipped */
		if (src && !refcount_inc_not_zero(&src->ref)) {
			rcu_read_unlock();
			index++;
			continue;
		}
		rcu_read_unlock();
		if (!src)
			break;
		/* without its id it is not quite there yet */
		if (READ_ONCE(src->id))
			seda_show_source(m, src);
		seda_source_put(src);
		index++;
		cond_resched();
	}
}

static void seda_show_stage(struct seq_file *m, struct seda_stage *stage)
{
	const struct seda_stage_counters *c = stage->stats;

	seq_printf(m, "stage:\t%u name=%s pool=%u priority=%u capacity=%u pending=%llu outstanding=%llu delivered=%llu harvests=%llu stalls=%llu rejected=%llu sources=%llu posts=%llu ios=%llu hits=%llu misses=%llu busy=%llu\n",
		   (u32)stage->id, stage->name, (u32)stage->pool->id,
		   READ_ONCE(stage->priority), READ_ONCE(stage->capacity),
		   READ_ONCE(c->pending),
		   READ_ONCE(c->outstanding), READ_ONCE(c->delivered),
		   READ_ONCE(c->harvests), READ_ONCE(c->stalls),
		   READ_ONCE(c->rejected), READ_ONCE(c->sources),
		   READ_ONCE(c->posts), READ_ONCE(c->ios), READ_ONCE(c->hits),
		   READ_ONCE(c->misses), READ_ONCE(c->busy));
}

static void seda_show_state(struct seq_file *m, struct seda_app *app)
{
	struct seda_stage *stage;
	struct seda_worker *w;
	struct seda_pool *pool;
	u32 i;

	seq_printf(m, "sources:\t%u\nworkers:\t%u\nbufs:\t%u size=%u free=%u kept=%u stalled=%u\n",
		   READ_ONCE(app->stats->sources),
		   READ_ONCE(app->stats->workers), app->bufs.nr,
		   app->bufs.size, READ_ONCE(app->stats->bufs_free),
		   READ_ONCE(app->stats->bufs_kept),
		   READ_ONCE(app->stats->stalled));
	rcu_read_lock();
	for (i = 0; i < SEDA_MAX_POOLS; i++) {
		pool = rcu_dereference(app->pools[i]);
		if (pool)
			seq_printf(m, "pool:\t%u target=%u workers=%u running=%d parked=%d\n",
				   i, seda_pool_target(pool),
				   READ_ONCE(pool->nr_workers),
				   READ_ONCE(pool->nr_running),
				   READ_ONCE(pool->nr_parked));
	}
	for (i = 0; i < SEDA_MAX_STAGES; i++) {
		stage = rcu_dereference(app->stages[i]);
		if (stage)
			seda_show_stage(m, stage);
	}
	for (i = 0; i < app->nr_workers; i++) {
		w = rcu_dereference(app->workers[i]);
		if (w)
			seq_printf(m, "worker:\t%u pid=%d pool=%u events=%u\n",
				   i, task_pid_vnr(w->task),
				   (u32)w->pool->id, READ_ONCE(w->nr_slots));
	}
	rcu_read_unlock();
}

void seda_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct seda_app *app = file->private_data;

	if (!seda_app_is_ready(app))
		return;
	seda_show_state(m, app);
	seda_show_sources(m, app, SEDA_FDINFO_SOURCES);
}

static int seda_state_show(struct seq_file *m, void *v)
{
	seda_show_state(m, m->private);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(seda_state);

static int seda_sources_show(struct seq_file *m, void *v)
{
	seda_show_sources(m, m->private, ULONG_MAX);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(seda_sources);

void seda_stats_add(struct seda_app *app)
{
	static atomic_t nr;
	char name[32];

	snprintf(name, sizeof(name), "%d-%d", task_tgid_nr(current),
		 atomic_inc_return(&nr));
	app->debugfs = debugfs_create_dir(name, seda_debugfs);
	debugfs_create_file("state", 0400, app->debugfs, app, &seda_state_fops);
	debugfs_create_file("sources", 0400, app->debugfs, app,
			    &seda_sources_fops);
}

void seda_stats_remove(struct seda_app *app)
{
	debugfs_remove_recursive(app->debugfs);
}

void seda_stats_init(void)
{
	seda_debugfs = debugfs_create_dir("seda", NULL);
}

void seda_stats_exit(void)
{
	debugfs_remove_recursive(seda_debugfs);
}
