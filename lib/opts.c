// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * opts.c - what the program passes in: option structs, addresses, sockets
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

/*
 * Copies a struct whose first member is its size: a larger one must be zero
 * where the library knows nothing (as openat2(2) has it), a smaller one is
 * completed with zeros.
 */
int opts_copy(void *to, size_t known, size_t first, const void *from)
{
	const unsigned char *p = from;
	size_t size, i;

	if (!from)
		return -EINVAL;
	memcpy(&size, from, sizeof(size));
	if (size < first || size > 65536)
		return -EINVAL;
	for (i = known; i < size; i++)
		if (p[i])
			return -E2BIG;
	memset(to, 0, known);
	memcpy(to, from, size < known ? size : known);
	return 0;
}

socklen_t addr_len(const struct sockaddr_in6 *addr)
{
	return addr->sin6_family == AF_INET ? sizeof(struct sockaddr_in) :
					      sizeof(struct sockaddr_in6);
}

int addr_give(const struct sockaddr_in6 *from, struct sockaddr *addr,
	      socklen_t *len)
{
	socklen_t need = addr_len(from);

	if (*len < need)
		return -EINVAL;
	memcpy(addr, from, need);
	*len = need;
	return 0;
}

/* Numeric addresses only: looking up names blocks.  "fe80::1%eth0" is one. */
int addr_parse(const char *host, uint16_t port, struct sockaddr_in6 *addr)
{
	struct sockaddr_in *in = (struct sockaddr_in *)addr;
	char buf[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	char *scope;

	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return 0;
	}
	if (strlen(host) >= sizeof(buf))
		return -EINVAL;
	strcpy(buf, host);
	scope = strchr(buf, '%');
	if (scope)
		*scope++ = '\0';
	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET6, buf, &addr->sin6_addr) != 1)
		return -EINVAL;
	if (scope) {
		addr->sin6_scope_id = if_nametoindex(scope);
		if (!addr->sin6_scope_id)
			return -EINVAL;
	}
	addr->sin6_family = AF_INET6;
	addr->sin6_port = htons(port);
	return 0;
}

static int sock_options(int fd, int family, int type, unsigned int flags)
{
	int one = 1, v6only = !!(flags & SEDAK_LISTEN_V6ONLY);

	if (type == SOCK_STREAM &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		return -errno;
	/* children of a listener inherit it */
	if (type == SOCK_STREAM &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		return -errno;
	if (flags & SEDAK_LISTEN_REUSEPORT &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)))
		return -errno;
	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)))
		return -errno;
	return 0;
}

/* Closes a TCP connection: the peer sees a reset, what is queued is dropped */
void sock_reset(int fd)
{
	const struct linger lg = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	close(fd);
}

static int bound_to(int type, const struct sockaddr_in6 *addr,
		    unsigned int flags)
{
	int ret, fd = socket(addr->sin6_family,
			     type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	ret = sock_options(fd, addr->sin6_family, type, flags);
	if (!ret && bind(fd, (const struct sockaddr *)addr, addr_len(addr)))
		ret = -errno;
	if (ret < 0) {
		close(fd);
		return ret;
	}
	return fd;
}

/* A socket bound to host (NULL: any, of both families if there is IPv6) */
int sock_bound(int type, const char *host, uint16_t port, unsigned int flags)
{
	struct sockaddr_in6 addr;
	int ret;

	ret = addr_parse(host ? host : "::", port, &addr);
	if (ret < 0)
		return ret;
	ret = bound_to(type, &addr, flags);
	if (!host && (ret == -EAFNOSUPPORT || ret == -EADDRNOTAVAIL)) {
		ret = addr_parse("0.0.0.0", port, &addr);
		if (!ret)
			ret = bound_to(type, &addr, flags);
	}
	return ret;
}
