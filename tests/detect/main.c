// SPDX-License-Identifier: GPL-2.0
/*
 * A module full of bugs: writing the name of one to
 * /sys/kernel/debug/seda_bugs/plant makes it happen, in the writer.  For
 * virtual machines that are thrown away.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "bugs.h"

static struct dentry *dir;

static const struct seda_bug *find(const struct seda_bug *bug, const char *name)
{
	while (bug->name && strcmp(bug->name, name))
		bug++;
	return bug->name ? bug : NULL;
}

static ssize_t plant_write(struct file *file, const char __user *text,
			   size_t len, loff_t *pos)
{
	const struct seda_bug *bug;
	char name[32] = "";

	if (len >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, text, len))
		return -EFAULT;
	strim(name);
	/* ends a race; and the proof that this module alone is no bug */
	if (!strcmp(name, "none")) {
		seda_race_bugs_end();
		return len;
	}
	bug = find(seda_memory_bugs, name) ?: find(seda_lock_bugs, name) ?:
	      find(seda_race_bugs, name);
	if (!bug)
		return -ENOENT;
	bug->plant();
	return len;
}

static const struct file_operations plant_fops = {
	.owner = THIS_MODULE,
	.write = plant_write,
};

static int __init seda_bugs_init(void)
{
	dir = debugfs_create_dir("seda_bugs", NULL);
	debugfs_create_file("plant", 0200, dir, NULL, &plant_fops);
	return PTR_ERR_OR_ZERO(dir);
}

static void __exit seda_bugs_exit(void)
{
	debugfs_remove_recursive(dir);
	seda_lock_bugs_end();
	seda_race_bugs_end();
}

module_init(seda_bugs_init);
module_exit(seda_bugs_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Bugs, for those that look for bugs");
