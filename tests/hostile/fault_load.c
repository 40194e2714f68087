// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --kmemleak --timeout 400
 *
 * Every step of loading the module fails, one after the other: what did not
 * load leaves nothing behind, and the next attempt works.
 */
#include <sys/syscall.h>

#include "tests/lib/fault_scene.h"

#define MODULE_FILE	"/run/seda-vm/job/ko/seda.ko"
#define NEVER		1000000000U

/* 0 or -errno; *left: of n, what was not counted down. */
static int load(const char *parameters, unsigned int n, unsigned int *left,
		bool *injected)
{
	int file = open(MODULE_FILE, O_RDONLY | O_CLOEXEC), ret = 0;
	int fd = fault_open();
	char text[16] = "";

	if (file < 0 || fd < 0 || !fault_arm(fd, n))
		ksft_exit_fail_msg("cannot begin to load\n");
	if (syscall(SYS_finit_module, file, parameters, 0))
		ret = -errno;
	if (left) {
		*left = pread(fd, text, sizeof(text) - 1, 0) > 0 ?
			strtoul(text, NULL, 10) : 0;
	}
	*injected = fault_disarm(fd);
	close(fd);
	close(file);
	return ret;
}

static bool unload(void)
{
	uint64_t end = now_ns() + LONG;

	while (syscall(SYS_delete_module, "seda", O_NONBLOCK)) {
		if (now_ns() > end)
			return false;
		sleep_ms(5);
	}
	return true;
}

/* What a module that is loaded shows of itself. */
static const char *const signs[] = {
	"/sys/module/seda", "/dev/seda", "/sys/kernel/debug/seda",
	"/sys/class/misc/seda", "/sys/kernel/slab/seda_tcp",
	"/sys/kernel/slab/seda_send",
};

#define SIGNS	(sizeof(signs) / sizeof(signs[0]))

/* The first sign that is left, or NULL. */
static const char *remains(void)
{
	uint64_t end = now_ns() + LONG;
	unsigned int i = 0;

	/* some go by deferred work */
	while (i < SIGNS) {
		if (access(signs[i], F_OK)) {
			i++;
			continue;
		}
		if (now_ns() > end)
			return signs[i];
		sleep_ms(2);
	}
	return NULL;
}

/* Threads exit past the place where the module's probe was, if it is gone. */
static bool exits_are_safe(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return waitpid(pid, &status, 0) == pid && !status;
}

static bool works(void)
{
	struct seda_setup_args setup = { .workers = 1, .bufs = 4 };
	struct rig r;
	int own, peer;
	uint64_t id;

	if (rig_open(&r, &setup, NULL) || rig_pair(&r, 0, &id, &own, &peer) ||
	    write(peer, "x", 1) != 1 || !rig_next(&r))
		return false;
	rig_close(&r);
	close(own);
	close(peer);
	return true;
}

/* One failure; false: a claim was broken.  *end: it did not come to it. */
static bool one_failure(unsigned int n, unsigned int *failed, bool *end)
{
	bool injected;
	int ret = load("", n, NULL, &injected);
	const char *left;

	*end = !injected;
	if (ret && !injected) {
		ksft_print_msg("no failure, but %d\n", ret);
		return false;
	}
	if (!ret) {
		/* something that is not vital failed, or nothing */
		if (works() && unload())
			return true;
		ksft_print_msg("failure %u: loaded, but of no use\n", n);
		return false;
	}
	++*failed;
	left = remains();
	if (left)
		ksft_print_msg("failure %u: %s is left\n", n, left);
	return !left && exits_are_safe();
}

/*
 * What the kernel does before it calls the module is not ours (and where it
 * makes the module's trace events, it warns of every failure).  The last of it
 * is to allocate what frees the module's init code: the last failure that is
 * not told from one of ours by its error, when the module refuses at once
 * because of a parameter.  Returns that place, or 0.
 */
static unsigned int last_before_us(void)
{
	unsigned int left, n;
	bool injected;
	int ret;

	ret = load("hooks=nonsense", NEVER, &left, &injected);
	for (n = NEVER - left; ret == -EINVAL && n; n--)
		ret = load("hooks=nonsense", n, NULL, &injected);
	if (ret == -ENOMEM)
		return n + 1;
	ksft_print_msg("a bad parameter was met by %d\n", ret);
	return 0;
}

static bool all_failures(unsigned int *failed)
{
	unsigned int first = last_before_us(), n = first;
	bool end = false;

	while (n && !end)
		if (!one_failure(n++, failed, &end))
			return false;
	ksft_print_msg("places %u to %u, %u times it did not load\n", first,
		       n - 2, *failed);
	return first;
}

int main(void)
{
	unsigned int failed = 0;
	bool right, injected;

	fault_begin(3);
	if (!unload())
		ksft_exit_fail_msg("the module cannot be removed\n");
	right = all_failures(&failed);
	ksft_test_result(right, "a failed load leaves nothing\n");
	ksft_test_result(failed > 5, "loading did fail\n");
	ksft_test_result(!load("", NEVER, NULL, &injected) && works(),
			 "it loads afterwards\n");
	/* where Linux 6.1 itself leaks the name of a cache that it cannot show */
	return fault_end("sysfs_slab_add");
}
