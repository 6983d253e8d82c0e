/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <gio/gio.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

G_BEGIN_DECLS

/**
 * KvHttpSocketAddress:
 *
 * A socket address of one of the families that are served.
 */
typedef union {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
  struct sockaddr_un unix_path;
} KvHttpSocketAddress;

/**
 * KvHttpAddress:
 * @is_localhost: `localhost`: @socket is that of IPv4, and the same port of IPv6 is meant too
 * @socket: the address
 *
 * What `--http` names.
 */
typedef struct {
  gboolean is_localhost;
  KvHttpSocketAddress socket;
} KvHttpAddress;

/**
 * kv_http_address_parse:
 * @text: `127.0.0.1:3000`, `[::1]:3000`, `localhost:3000` or `unix:/path`
 * @address: (out caller-allocates)
 * @error: set to %KV_ERROR_INVALID_ARGUMENT
 *
 * Reads an address. Names other than `localhost` are not looked up: what they mean is not ours to
 * know.
 */
gboolean kv_http_address_parse (const char *text, KvHttpAddress *address, GError **error);

/**
 * kv_http_socket_address_get_length:
 *
 * Returns: the bytes of @address that the kernel wants to see
 */
socklen_t kv_http_socket_address_get_length (const KvHttpSocketAddress *address);

/**
 * kv_http_socket_address_is_local:
 *
 * Returns: whether only programs on this machine reach @address: 127.0.0.0/8, ::1, and every Unix
 *   socket
 */
gboolean kv_http_socket_address_is_local (const KvHttpSocketAddress *address);

/**
 * kv_http_socket_address_get_port:
 *
 * Returns: the port of an IPv4 or IPv6 address
 */
guint16 kv_http_socket_address_get_port (const KvHttpSocketAddress *address);

/**
 * kv_http_socket_address_set_loopback_ipv6:
 *
 * Makes @address `[::1]:port`.
 */
void kv_http_socket_address_set_loopback_ipv6 (KvHttpSocketAddress *address, guint16 port);

/**
 * kv_http_socket_address_to_host:
 *
 * Returns: (transfer full): the IPv4 or IPv6 address without its port: `127.0.0.1`, `::1`
 */
char *kv_http_socket_address_to_host (const KvHttpSocketAddress *address);

/**
 * kv_http_socket_address_to_uri:
 *
 * Returns: (transfer full): `http://127.0.0.1:3000`, `http://[::1]:3000` or `unix:/path`
 */
char *kv_http_socket_address_to_uri (const KvHttpSocketAddress *address);

G_END_DECLS
