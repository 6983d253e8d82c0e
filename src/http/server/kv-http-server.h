/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-context.h"
#include "principal/kv-rate-limiter.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvHttpServer:
 *
 * The HTTP door: listeners, and workers that each have a thread, a main context, an epoll set and a
 * SoupServer. Connections are accepted by the server itself (backlog 1024) and dealt out to the
 * workers. Used in the thread that made it.
 */
#define KV_TYPE_HTTP_SERVER (kv_http_server_get_type ())
G_DECLARE_FINAL_TYPE (KvHttpServer, kv_http_server, KV, HTTP_SERVER, GObject)

/**
 * kv_http_server_new:
 * @store: what it serves
 * @limiter: (transfer none): shared with the other door; outlives the server
 * @limits: copied
 * @n_workers: threads, 1 to 64
 * @express: whether plain requests take the express lane; if not, libsoup answers all
 */
KvHttpServer *kv_http_server_new (KvStore *store,
                                  KvRateLimiter *limiter,
                                  const KvHttpLimits *limits,
                                  guint n_workers,
                                  gboolean express);

/**
 * kv_http_server_set_allow_remote:
 * @allow: whether to listen on addresses that other machines reach too; unless told so, it does not
 *
 * To be called before kv_http_server_listen().
 */
void kv_http_server_set_allow_remote (KvHttpServer *server, gboolean allow);

/**
 * kv_http_server_set_metrics:
 * @metrics: (transfer none): outlives the server
 *
 * Adds the figures of this door to @metrics, and has `/metrics` show all that are there. To be called before
 * kv_http_server_start().
 */
void kv_http_server_set_metrics (KvHttpServer *server, KvMetrics *metrics);

/**
 * kv_http_server_listen:
 * @address: `127.0.0.1:3000`, `[::1]:3000`, `localhost:3000` (both), or `unix:/path`; port 0 lets
 *   the kernel pick
 * @error: set to %KV_ERROR_INVALID_ARGUMENT for what is no address, and for one beyond loopback,
 *   unless such are allowed; %KV_ERROR_UNAVAILABLE when it is in use or cannot be bound
 *
 * Opens a listener. It never shares a port that another process holds. The socket file of `unix:`
 * gets mode 0600; one that nobody listens on any more is replaced. To be called before
 * kv_http_server_start().
 */
gboolean kv_http_server_listen (KvHttpServer *server, const char *address, GError **error);

/**
 * kv_http_server_get_addresses:
 *
 * Returns: (transfer full): what it listens on, `http://127.0.0.1:41234` or `unix:/path`, in order
 */
char **kv_http_server_get_addresses (KvHttpServer *server);

/**
 * kv_http_server_start:
 *
 * Starts the workers and begins to accept.
 */
gboolean kv_http_server_start (KvHttpServer *server, GError **error);

/**
 * kv_http_server_stop_async:
 * @grace: microseconds that requests in flight may take to end
 *
 * Stops to accept, closes idle connections, lets what is in flight finish, ends the event streams
 * cleanly, joins the threads.
 */
void kv_http_server_stop_async (KvHttpServer *server,
                                gint64 grace,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

gboolean kv_http_server_stop_finish (KvHttpServer *server, GAsyncResult *result, GError **error);

G_END_DECLS
