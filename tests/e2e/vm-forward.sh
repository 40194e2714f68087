#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# --forward lets the host talk to a server in the guest, over TCP and UDP.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
read -ra vm <<<"${SEDA_VM:-tests/vm/run}"
vm=("$SEDA_TOP/${vm[0]#"$SEDA_TOP/"}" "${vm[@]:1}" --no-module)

port=$(free_port)
"${vm[@]}" --timeout 120 --forward "$port:7000" -- python3 -c '
import socket
tcp = socket.create_server(("0.0.0.0", 7000))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("0.0.0.0", 7000))
print("ready", flush=True)
connection, peer = tcp.accept()
data = b""
while len(data) < 1000000:
    data += connection.recv(65536)
connection.sendall(data[::-1])
connection.close()
data, peer = udp.recvfrom(2000)
udp.sendto(data[::-1], peer)
' >"$tap_dir/out" 2>&1 &
pid=$!
until grep -q ready "$tap_dir/out"; do
	kill -0 $pid 2>/dev/null || break
	sleep 0.2
done
check "a million bytes go there and back" timeout 60 python3 -c '
import os, socket, sys
port = int(sys.argv[1])
sent = os.urandom(1000000)
tcp = socket.create_connection(("127.0.0.1", port))
tcp.sendall(sent)
data = b""
while part := tcp.recv(65536):
    data += part
assert data == sent[::-1], len(data)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.settimeout(20)
udp.sendto(b"ping", ("127.0.0.1", port))
assert udp.recv(100) == b"gnip"
' "$port"
wait $pid
is "and the guest ends well" $? 0
sed 's/^/# /' "$tap_dir/out"
finish
