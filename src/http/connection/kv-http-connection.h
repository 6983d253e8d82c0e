/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"
#include "http/wire/kv-http-head.h"
#include "http/wire/kv-http-wire.h"

G_BEGIN_DECLS

/**
 * KvHttpConnection:
 *
 * A client's connection, from its accept to its close: the descriptor, what has been read and what
 * is to be written, and every limit on time and size. It reads whole requests, refuses by itself
 * what its head or its framing condemns, and gives the others, one at a time, to a lane that
 * answers them. Used in its worker's thread only.
 */
typedef struct _KvHttpConnection KvHttpConnection;

typedef struct _KvHttpPool KvHttpPool;
typedef struct _KvHttpRequest KvHttpRequest;

/**
 * KvHttpLane:
 * @carrier: what carries the exchanges that it answers
 * @takes: (nullable): whether it answers requests of this head and method; %NULL for any
 * @answer: the connection's exchange has been admitted and has its body: run it with
 *   kv_http_exchange_dispatch(), write the response with kv_http_connection_write(), and end with
 *   kv_http_connection_finish(), at once or later
 * @release: (nullable): let go of what kv_http_connection_set_lane_data() has left with the connection; for a lane that
 *   leaves something there. Never called while the lane has a request
 * @wake: (nullable): for a lane that leaves something there too: while it has a request, the connection can be written to
 *   again, or is gone
 *
 * A way from requests to responses. One for all connections of a pool.
 */
typedef struct {
  const KvHttpCarrier *carrier;
  gboolean (*takes) (const KvHttpHead *head, KvHttpMethod method);
  void (*answer) (KvHttpConnection *connection);
  void (*release) (KvHttpConnection *connection);
  void (*wake) (KvHttpConnection *connection);
} KvHttpLane;

#define KV_HTTP_POOL_SPARES 2

/**
 * KvHttpPool:
 * @context: (borrowed): what the routes may use
 * @limiter: (borrowed): where the clients' allowances come from
 * @express: (borrowed) (nullable): what answers the requests that it takes
 * @lane: (borrowed): what answers all others
 * @lane_data: (borrowed): the latter lane's own
 * @connections: the connections, by links of theirs
 * @draining: no connection is kept alive any more
 * @closed: called when a connection is gone, and is none of @connections any more
 * @spares: memory that is lent to one connection after the other; see kv_http_pool_clear()
 *
 * The connections of one worker, and what they share.
 */
struct _KvHttpPool {
  const KvHttpContext *context;
  KvRateLimiter *limiter;
  const KvHttpLane *express;
  const KvHttpLane *lane;
  gpointer lane_data;
  GQueue connections;
  gboolean draining;
  void (*closed) (KvHttpPool *pool);
  struct {
    char *memory[KV_HTTP_POOL_SPARES]; /* (owned) (nullable) */
    KvHttpRequest *request;            /* (owned) (nullable) */
  } spares;
};

/**
 * kv_http_pool_clear:
 *
 * Frees the spare memory of a pool that has no connections any more.
 */
void kv_http_pool_clear (KvHttpPool *pool);

/**
 * kv_http_connection_open:
 * @fd: (transfer full): a connected, non-blocking stream socket
 * @client: who it is, for the limiter: "ip:127.0.0.1", "uid:1000"
 *
 * Begins to read requests.
 */
void kv_http_connection_open (KvHttpPool *pool, int fd, const char *client);

/**
 * kv_http_connection_drain:
 *
 * For a pool that has begun to drain: closes the connection when no request is under way on it. May
 * free it.
 */
void kv_http_connection_drain (KvHttpConnection *connection);

/**
 * kv_http_connection_abort:
 *
 * Closes and frees the connection, whatever it is doing. Its lane and whoever took its socket must
 * have let go of it.
 */
void kv_http_connection_abort (KvHttpConnection *connection);

/* For lanes. */

/**
 * kv_http_connection_from_exchange:
 * @exchange: one that a lane was given to answer
 *
 * Returns: (transfer none): its connection
 */
KvHttpConnection *kv_http_connection_from_exchange (KvHttpExchange *exchange);

KvHttpExchange *kv_http_connection_get_exchange (KvHttpConnection *connection);

KvHttpPool *kv_http_connection_get_pool (KvHttpConnection *connection);

/**
 * kv_http_connection_get_header:
 *
 * What a carrier needs for its get_header().
 */
KvHttpSpan kv_http_connection_get_header (KvHttpExchange *exchange, const char *name);

/**
 * kv_http_connection_resume_body:
 *
 * What a carrier needs for its resume_body().
 */
void kv_http_connection_resume_body (KvHttpExchange *exchange);

/**
 * kv_http_connection_set_lane_data:
 * @data: (nullable): what the lane knows of the connection
 */
void kv_http_connection_set_lane_data (KvHttpConnection *connection, gpointer data);

gpointer kv_http_connection_get_lane_data (KvHttpConnection *connection);

/**
 * kv_http_connection_settle:
 *
 * Decides whether the connection is kept after this response. Call it once for each, when its head
 * is written.
 *
 * Returns: what the Connection header has to say
 */
KvHttpConnectionField kv_http_connection_settle (KvHttpConnection *connection);

/**
 * kv_http_connection_respond:
 * @field: as kv_http_connection_settle() said
 *
 * Takes the whole response of the connection's exchange, however long it is. A long body is not
 * copied: it is sent from where it lies, and the response gives it up.
 */
void kv_http_connection_respond (KvHttpConnection *connection, KvHttpConnectionField field);

/**
 * kv_http_connection_write:
 *
 * Takes bytes of the response. A few are held back until there are more, or until it is finished.
 *
 * Returns: how many were taken; 0 when the client has to take some first, see
 *   kv_http_connection_is_writable(); -1 when it is gone
 */
gssize kv_http_connection_write (KvHttpConnection *connection, const char *data, gsize length);

/**
 * kv_http_connection_is_writable:
 *
 * Returns: whether kv_http_connection_write() would not return 0
 */
gboolean kv_http_connection_is_writable (KvHttpConnection *connection);

/**
 * kv_http_connection_finish:
 * @whole: whether the response has been written completely; if not, the client learns it from the
 *   connection's end
 *
 * The lane is done with the request. The connection may be freed by that, unless this is called
 * from within answer().
 */
void kv_http_connection_finish (KvHttpConnection *connection, gboolean whole);

/**
 * kv_http_connection_take_socket:
 * @socket: (out): the connection's socket. The record stays in its pool, so that it counts, until
 *   that is closed
 *
 * What a carrier needs for its take_socket(). Nothing of a response may have been written. The
 * exchange is cleared.
 */
void kv_http_connection_take_socket (KvHttpConnection *connection, KvHttpSocket *socket);

G_END_DECLS
