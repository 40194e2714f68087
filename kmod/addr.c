// SPDX-License-Identifier: GPL-2.0
/* struct seda_addr to and from what the network stack uses. */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/string.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>

#include "seda.h"

#if !IS_ENABLED(CONFIG_IPV6)
#error "seda needs CONFIG_IPV6"
#endif

/* The length of the socket address, or -EAFNOSUPPORT; *a is user input. */
int seda_addr_to_sockaddr(const struct seda_addr *a,
			  struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	switch (a->family) {
	case AF_INET:
		sin->sin_family = AF_INET;
		sin->sin_port = (__force __be16)a->port;
		memcpy(&sin->sin_addr, a->addr, sizeof(sin->sin_addr));
		return sizeof(*sin);
	case AF_INET6:
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = (__force __be16)a->port;
		sin6->sin6_scope_id = a->scope_id;
		memcpy(&sin6->sin6_addr, a->addr, sizeof(sin6->sin6_addr));
		return sizeof(*sin6);
	}
	return -EAFNOSUPPORT;
}

void seda_addr_from_sockaddr(struct seda_addr *a,
			     const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;

	memset(a, 0, sizeof(*a));
	a->family = ss->ss_family;
	if (ss->ss_family == AF_INET) {
		a->port = (__force __u16)sin->sin_port;
		memcpy(a->addr, &sin->sin_addr, sizeof(sin->sin_addr));
	} else if (ss->ss_family == AF_INET6) {
		a->port = (__force __u16)sin6->sin6_port;
		a->scope_id = sin6->sin6_scope_id;
		memcpy(a->addr, &sin6->sin6_addr, sizeof(sin6->sin6_addr));
	}
}

static void seda_addr_fill(struct seda_addr *a, const struct sock *sk,
			   __be16 port, __be32 v4, const struct in6_addr *v6)
{
	memset(a, 0, sizeof(*a));
	a->family = sk->sk_family;
	a->port = (__force __u16)port;
	if (sk->sk_family == AF_INET6) {
		a->scope_id = ipv6_iface_scope_id(v6, sk->sk_bound_dev_if);
		memcpy(a->addr, v6, sizeof(*v6));
		return;
	}
	memcpy(a->addr, &v4, sizeof(v4));
}

/* Without the socket's lock: an address that changes under it is torn. */
void seda_addr_peer(struct seda_addr *a, const struct sock *sk)
{
	seda_addr_fill(a, sk, sk->sk_dport, sk->sk_daddr, &sk->sk_v6_daddr);
}

void seda_addr_local(struct seda_addr *a, const struct sock *sk)
{
	seda_addr_fill(a, sk, inet_sk(sk)->inet_sport, sk->sk_rcv_saddr,
		       &sk->sk_v6_rcv_saddr);
}
