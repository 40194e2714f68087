/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether every place of seda.ko that can fail on request did: those that were
 * made to fail, of seda_inject.ko, against those that the module has, of
 * tests/lib/fault-sites.
 */
#ifndef FAULT_SITES_H
#define FAULT_SITES_H

#include <sys/syscall.h>

#include <kselftest.h>

#include "tests/lib/fault.h"

#define SITES_MODULE	"build/kasan/seda_inject.ko"
#define SITES_SETTING	"/sys/module/seda_inject/parameters/sites"
#define SITES_LIST	"tests/lib/fault-sites /run/seda-vm/job/ko/seda.ko"

/* From now on they are kept. */
static inline bool sites_begin(void)
{
	int fd = open(SITES_MODULE, O_RDONLY | O_CLOEXEC);
	bool there = !syscall(SYS_finit_module, fd, "", 0) || errno == EEXIST;

	close(fd);
	return there && !fault_write(SITES_SETTING, "1");
}

/* Places by function, and by what they call there: not every one can be reached. */
static const char *const sites_elsewhere[][2] = {
	/* when the module is loaded: hostile/fault_load */
	{ "seda_group_init", "fsnotify_alloc_group" },
	{ "seda_stats_init", "debugfs_create_dir" },
	/* gcc makes two of one, the second for a socket without a descriptor */
	{ "seda_udp_send", "sock_sendmsg" },
};

static inline bool site_elsewhere(const char *site, const char *callee)
{
	unsigned int i, n = sizeof(sites_elsewhere) / sizeof(sites_elsewhere[0]);
	size_t len = strcspn(site, "+");

	for (i = 0; i < n; i++)
		if (strlen(sites_elsewhere[i][0]) == len &&
		    !strncmp(site, sites_elsewhere[i][0], len) &&
		    !strcmp(callee, sites_elsewhere[i][1]))
			return true;
	return false;
}

/* How many places have not failed, of *all, or -1; they are named. */
static inline int sites_missing(int *all)
{
	char failed[4096 + 1] = "\n", site[128], callee[128], line[130];
	int fd = open(SITES_SETTING, O_RDONLY | O_CLOEXEC), missing = 0;
	FILE *list = popen(SITES_LIST, "r");

	if (fd < 0 || read(fd, failed + 1, sizeof(failed) - 2) <= 0)
		missing = -1;
	close(fd);
	if (!list || missing) {
		if (list)
			pclose(list);
		return -1;
	}
	for (*all = 0; fscanf(list, "%127s %127s", site, callee) == 2; ++*all) {
		snprintf(line, sizeof(line), "\n%s\n", site);
		if (strstr(failed, line) || site_elsewhere(site, callee))
			continue;
		missing++;
		ksft_print_msg("%s in %s has not failed\n", callee, site);
	}
	return pclose(list) ? -1 : missing;
}

static inline bool sites_end(void)
{
	return !fault_write(SITES_SETTING, "0");
}

#endif /* FAULT_SITES_H */
