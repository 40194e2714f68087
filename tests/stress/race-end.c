// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2 --timeout 300 --append slab_nomerge
 *
 * An app goes while the disk reads for its ops and what it sends: whether an op ends
 * before that, after it or in its midst, nothing of the app is left (as is seen where
 * the kernel has the module's caches by themselves, or when it is unloaded).
 */
#include "tests/lib/disk.h"
#include "tests/lib/slab.h"
#include "tests/stress/stress.h"

#define DELAY	100000

static struct disk disk;

/* One app, which ends some time after its ops began. */
static void one(uint64_t *state)
{
	struct seda_setup_args setup = {
		.workers = 1, .events = 4, .ops = 4, .bufs = 2, .buf_size = 4096,
		.sources = 8,
	};
	int fd = open(disk.path, O_RDONLY | O_CLOEXEC), pair[2];
	uint64_t stage, file, conn, at = chance(state, 1000);
	struct seda_op op;
	struct worker w;
	struct app app;
	int buf;

	need(fd >= 0 && !posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	need(!app_open(&app, &setup) && !app_stage(&app, NULL, &stage));
	need(!worker_join(&app, &w));
	need(!app_file(&app, fd, stage, 0, 0, &file));
	need(!tcp_pair(pair) && !app_adopt(&app, pair[0], stage, 0, 0, &conn));
	buf = worker_take(&w);
	op = file_op(SEDA_OP_READ, file, (at + 2000) << 12, buf, 4096, 0);
	need(worker_do(&w, &op) == -EINPROGRESS);
	op = file_op(SEDA_OP_SENDFILE, conn, at << 12, 0, 4096, 0);
	op.file = file;
	need(worker_do(&w, &op) == -EINPROGRESS);
	if (chance(state, 2))
		need(app_id_call(&app, SEDA_IOC_CLOSE, file, 0) == -EINPROGRESS);
	if (chance(state, 4))
		sleep_ns(chance(state, 3 * DELAY));
	app_close(&app);
	close(pair[0]);
	close(pair[1]);
	close(fd);
}

/* The last are freed a moment after the app. */
static bool none_left(const char *cache)
{
	uint64_t end = now_ns() + 20 * SECOND;

	while (slab_objects(cache) > 0) {
		if (now_ns() > end)
			return false;
		sleep_ns(TICK);
	}
	return true;
}

int main(void)
{
	long rounds = count_here(2000), i;
	uint64_t state;

	begin(1);
	state = chance_seed();
	need(disk_make(&disk, "seda-end", DELAY));
	for (i = 0; i < rounds; i++)
		one(&state);
	claim(none_left("seda_tcp") && none_left("seda_send"),
	      "nothing is left of %ld apps\n", rounds);
	disk_remove(&disk);
	return end();
}
