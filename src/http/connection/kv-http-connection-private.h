/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/connection/kv-http-connection.h"
#include "http/wire/kv-http-buffer.h"
#include "http/wire/kv-http-chunked.h"
#include "http/wire/kv-http-head.h"

G_BEGIN_DECLS

/**
 * KvHttpConnectionState:
 * @KV_HTTP_CONNECTION_IDLE: between requests; nothing of the next has come
 * @KV_HTTP_CONNECTION_READING_HEAD: a part of a head has come
 * @KV_HTTP_CONNECTION_READING_BODY: the head is admitted, its body is under way
 * @KV_HTTP_CONNECTION_ANSWERING: the lane has the request
 * @KV_HTTP_CONNECTION_SENDING: the response is written, but the client has not taken it all yet
 * @KV_HTTP_CONNECTION_LINGERING: the last response is sent and our half closed; what still comes
 *   is dropped, as a close over unread bytes would reset the connection and take the response back
 *   (RFC 9112, section 9.6)
 * @KV_HTTP_CONNECTION_TAKEN: the socket is somebody else's
 * @KV_HTTP_CONNECTION_CLOSED: over; freed when the last function that runs on it returns
 */
typedef enum {
  KV_HTTP_CONNECTION_IDLE,
  KV_HTTP_CONNECTION_READING_HEAD,
  KV_HTTP_CONNECTION_READING_BODY,
  KV_HTTP_CONNECTION_ANSWERING,
  KV_HTTP_CONNECTION_SENDING,
  KV_HTTP_CONNECTION_LINGERING,
  KV_HTTP_CONNECTION_TAKEN,
  KV_HTTP_CONNECTION_CLOSED,
} KvHttpConnectionState;

struct _KvHttpConnection {
  KvHttpPollerItem item; /* first, so that the item is the connection */
  KvHttpTimer timer;
  KvHttpExchange exchange;
  KvHttpPool *pool;     /* (borrowed) */
  GList link;           /* in the pool's connections */
  int fd;               /* (owned); closed together with the record */
  KvRateBucket *bucket; /* (owned) (nullable) */
  gpointer lane_data;

  KvHttpConnectionState state;
  guint depth;      /* of functions that run on it now */
  gboolean keep;    /* as settled for the response under way */
  gboolean blocked; /* the socket takes no more now */
  gboolean broken;  /* the client is gone */
  gboolean resting; /* idle for so long that only the socket is held on to */
  gint64 deadline;  /* in monotonic microseconds; what it means is the state's question */
  gint64 timer_due; /* when the timer fires; not moved while that is soon enough */
  gsize dropped;    /* bytes, while lingering */

  KvHttpBuffer in;      /* (owned): the request first, then what has come behind it */
  KvHttpBuffer out;     /* (owned) */
  gsize scanned;        /* bytes of an incomplete head that have been looked at */
  gsize body_length;    /* bytes of body that have come, without their framing */
  gsize body_limit;     /* the route's */
  gsize request_length; /* bytes of the request that is being answered */
  KvHttpChunked chunked;
  KvHttpHead head; /* last, as it is large and seldom read to its end */
};

/**
 * kv_http_gate_step:
 *
 * Reads on in what has come, up to the end of a head or of a body.
 *
 * Returns: %TRUE when the state changed, and there may be more to do
 */
gboolean kv_http_gate_step (KvHttpConnection *connection);

/**
 * kv_http_gate_refuse:
 * @reason: static text
 *
 * Answers what is under way with an error, in place of the lane, and ends the connection after it.
 */
void kv_http_gate_refuse (KvHttpConnection *connection, guint status, const char *reason);

/**
 * kv_http_connection_set_deadline:
 * @delay: microseconds
 */
void kv_http_connection_set_deadline (KvHttpConnection *connection, gint64 delay);

G_END_DECLS
