// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * backend.c - which backend a runtime gets
 */
#include <stdlib.h>

#include "backend.h"

static int open_named(struct sedak_rt *rt, const struct backend *be,
		      const char *who)
{
	int ret;

	rt->be = be;
	ret = be->open(rt);
	if (ret < 0)
		rt_log(rt, SEDAK_LOG_ERROR, "backend %s (asked for by %s): %s: %s",
		       be->name, who,
		       be == &backend_seda ? rt->device : "cannot be had",
		       strerror(-ret));
	return ret;
}

static int choose_auto(struct sedak_rt *rt)
{
	int ret;

	rt->be = &backend_seda;
	ret = backend_seda.open(rt);
	if (!ret)
		return 0;
	/* where there is a device that does not serve, somebody will wonder */
	rt_log(rt, ret == -ENODEV || ret == -ENOENT ?
	       SEDAK_LOG_DEBUG : SEDAK_LOG_WARNING,
	       "%s: %s: using epoll", rt->device, strerror(-ret));
	rt->be = &backend_epoll;
	return backend_epoll.open(rt);
}

int backend_choose(struct sedak_rt *rt, unsigned int wanted)
{
	const char *env = NULL, *who = "the program";

	if (wanted == SEDAK_BACKEND_AUTO) {
		env = secure_getenv("SEDAK_BACKEND");
		who = "SEDAK_BACKEND";
	}
	if (env && *env) {
		if (!strcmp(env, "seda")) {
			wanted = SEDAK_BACKEND_SEDA;
		} else if (!strcmp(env, "epoll")) {
			wanted = SEDAK_BACKEND_EPOLL;
		} else {
			rt_log(rt, SEDAK_LOG_ERROR,
			       "SEDAK_BACKEND=%s: not seda or epoll", env);
			return -EINVAL;
		}
	}
	if (wanted == SEDAK_BACKEND_SEDA)
		return open_named(rt, &backend_seda, who);
	if (wanted == SEDAK_BACKEND_EPOLL)
		return open_named(rt, &backend_epoll, who);
	return choose_auto(rt);
}
