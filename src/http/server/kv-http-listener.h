/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/server/kv-http-address.h"

G_BEGIN_DECLS

/**
 * KvHttpListener:
 *
 * One listening socket. It belongs to the main context of the thread that starts it.
 */
typedef struct _KvHttpListener KvHttpListener;

/**
 * KvHttpAccepted:
 * @fd: (owned): a connected, non-blocking socket
 * @client: who it is, for the limiter: "ip:127.0.0.1", "uid:1000"
 */
typedef struct {
  int fd;
  char client[64];
} KvHttpAccepted;

/**
 * KvHttpAcceptFunc:
 * @accepted: (array length=length): what has been accepted in one turn; the descriptors are the
 *   function's
 */
typedef void (*KvHttpAcceptFunc) (const KvHttpAccepted *accepted, guint length, gpointer user_data);

/**
 * kv_http_listener_new:
 * @address: where; port 0 lets the kernel pick
 * @error: set to %KV_ERROR_UNAVAILABLE
 *
 * Binds and listens; nothing is accepted before kv_http_listener_start(). A port that another
 * process holds is never shared. The socket file of a Unix socket has mode 0600 from the first; one
 * that nobody listens on any more is replaced, any other file is not.
 */
KvHttpListener *kv_http_listener_new (const KvHttpSocketAddress *address, GError **error);

/**
 * kv_http_listener_get_address:
 *
 * Returns: (transfer none): where it listens, with the port that was picked
 */
const KvHttpSocketAddress *kv_http_listener_get_address (KvHttpListener *listener);

/**
 * kv_http_listener_start:
 * @func: called in the thread-default main context of the caller
 *
 * Begins to accept. When the process runs out of descriptors or memory it stops for a moment, and
 * tries again.
 */
void kv_http_listener_start (KvHttpListener *listener, KvHttpAcceptFunc func, gpointer user_data);

/**
 * kv_http_listener_free:
 *
 * Closes the socket, and removes the socket file if it is still this one's.
 */
void kv_http_listener_free (KvHttpListener *listener);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvHttpListener, kv_http_listener_free)

G_END_DECLS
