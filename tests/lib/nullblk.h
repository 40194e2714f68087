/* SPDX-License-Identifier: GPL-2.0 */
/* A disk in memory (null_blk), as slow as is wanted, for tests as root in a guest. */
#ifndef NULLBLK_H
#define NULLBLK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define DISK_MB		16

struct disk {
	char name[32];
	char path[64];
};

/* The path of a device that script makes, and prints; false: it makes none. */
static inline bool disk_script(struct disk *d, const char *script)
{
	FILE *out = popen(script, "r");

	if (!out)
		return false;
	if (fscanf(out, "%63s", d->path) != 1)
		d->path[0] = 0;
	return !pclose(out) && d->path[0];
}

/* A disk that answers after delay_ns (0: at once); false: there is none. */
static inline bool disk_make(struct disk *d, const char *name, uint64_t delay_ns)
{
	char script[1024];

	snprintf(d->name, sizeof(d->name), "%s", name);
	snprintf(script, sizeof(script),
		 "exec 2>/dev/null; PATH=$PATH:/sbin:/usr/sbin\n"
		 "modprobe null_blk nr_devices=0\n"
		 "mount -t configfs none /sys/kernel/config\n"
		 "cd /sys/kernel/config/nullb && mkdir %s && cd %s &&\n"
		 "echo %d >size && echo 1 >memory_backed && echo %d >irqmode &&\n"
		 "echo %llu >completion_nsec && echo 1 >power || exit\n"
		 "n=/dev/nullb$(cat index); [ -b /dev/%s ] && n=/dev/%s\n"
		 "echo $n",
		 name, name, DISK_MB, delay_ns ? 2 : 0,
		 (unsigned long long)delay_ns, name, name);
	return disk_script(d, script);
}

static inline void disk_remove(struct disk *d)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/kernel/config/nullb/%s", d->name);
	rmdir(path);
}

#endif /* NULLBLK_H */
