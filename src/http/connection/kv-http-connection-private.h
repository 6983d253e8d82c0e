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

/**
 * KvHttpTail:
 * @bytes: what is sent
 * @entry: (owned) (nullable): what keeps it
 * @blob: (owned) (nullable): or this does
 *
 * A body that is sent from where it lies, without a copy.
 */
typedef struct {
  KvHttpSpan bytes;
  KvEntry *entry;
  GBytes *blob;
} KvHttpTail;

/**
 * KvHttpRequest:
 *
 * What a connection needs while a request is under way, from the first byte of its head to the
 * last of its response. Of ten thousand connections few are in that state, so the others do not
 * have one.
 */
struct _KvHttpRequest {
  KvHttpExchange exchange;
  KvHttpConnection *connection; /* (borrowed) */
  const KvHttpLane *lane;       /* (nullable): once one has it */
  gsize length;                 /* its bytes, once it is whole */
  gsize body_length;            /* bytes of body that have come, without their framing; of
                                 * one that went to a sink 0 once it is whole */
  gsize body_limit;             /* the route's */
  KvHttpChunked chunked;
  KvHttpHead head; /* last, as it is large and seldom read to its end */
};

struct _KvHttpConnection {
  KvHttpPollerItem item; /* first, so that the item is the connection */
  KvHttpTimer timer;
  KvHttpPool *pool;     /* (borrowed) */
  GList link;           /* in the pool's connections */
  int fd;               /* (owned); closed together with the record */
  KvRateBucket *bucket; /* (owned) (nullable) */
  gpointer lane_data;

  KvHttpConnectionState state;
  guint depth;      /* of functions that run on it now */
  gboolean keep;    /* as settled for the response under way */
  gboolean blocked; /* the socket takes no more now */
  gboolean unread;  /* something may be in the kernel of which no event will tell any more */
  gboolean
    stops_short;    /* a read may have stopped where there is more: at the end, or at urgent data */
  gboolean broken;  /* the client is gone */
  gboolean paused;  /* the sink of the body under way wants no more now */
  gboolean resting; /* idle for so long that only the socket is held on to */
  gint64 deadline;  /* in monotonic microseconds; what it means is the state's question */
  gint64 timer_due; /* when the timer fires; not moved while that is soon enough */

  KvHttpRequest *request; /* (owned) (nullable) */
  KvHttpBuffer in;        /* (owned): the request first, then what has come behind it */
  gsize scanned;          /* bytes of an incomplete head that have been looked at */
  gsize dropped;          /* bytes, while lingering */
  gsize dropped_before;   /* likewise: when that was last looked at */
  int unsent;             /* likewise: what the client had not taken then */
  gint64 linger_end; /* likewise: when it has sent for long enough, in monotonic microseconds */

  KvHttpBuffer out; /* (owned): heads and short bodies, in order */
  KvHttpTail tail;  /* a long body that follows them, what is left of it */
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
 * kv_http_pool_lend_request:
 *
 * Gives @connection a request record, if it has none.
 */
void kv_http_pool_lend_request (KvHttpConnection *connection);

/**
 * kv_http_pool_return_request:
 *
 * Takes the record back, if there is one. Its exchange must be over: while a route has still to answer it, a connection
 * that has lost its client stays, and only the end of the worker takes it away.
 */
void kv_http_pool_return_request (KvHttpConnection *connection);

/**
 * kv_http_pool_lend_memory:
 *
 * Gives @buffer some memory, if it has none.
 */
void kv_http_pool_lend_memory (KvHttpPool *pool, KvHttpBuffer *buffer);

/**
 * kv_http_pool_return_memory:
 *
 * Takes the memory of @buffer back, if that is empty.
 */
void kv_http_pool_return_memory (KvHttpPool *pool, KvHttpBuffer *buffer);

/**
 * kv_http_pool_replace_memory:
 *
 * Moves the bytes of @buffer, which are few and stay for a while, into no more memory than they
 * need.
 */
void kv_http_pool_replace_memory (KvHttpPool *pool, KvHttpBuffer *buffer);

/**
 * kv_http_connection_await_input:
 *
 * To be called where the connection is ready for more of what the client sends, be it there already or not.
 */
void kv_http_connection_await_input (KvHttpConnection *connection);

/**
 * kv_http_connection_receive:
 *
 * Reads what has come of a request, once. What ends the connection is acted upon.
 */
void kv_http_connection_receive (KvHttpConnection *connection);

/**
 * kv_http_connection_linger:
 *
 * Closes our half behind the last response, and begins to read over what the client still sends.
 */
void kv_http_connection_linger (KvHttpConnection *connection);

/**
 * kv_http_connection_drop_input:
 *
 * Reads over what has come while lingering; closes the connection at its end, or when it is too much.
 */
void kv_http_connection_drop_input (KvHttpConnection *connection);

/**
 * kv_http_connection_linger_on:
 *
 * The time to linger is over: goes on while the client takes of the response or still sends, else closes.
 */
void kv_http_connection_linger_on (KvHttpConnection *connection);

/**
 * kv_http_connection_release_lane:
 *
 * Has the lane let go of what it keeps for @connection, if it keeps anything.
 */
void kv_http_connection_release_lane (KvHttpConnection *connection);

/**
 * kv_http_connection_close:
 *
 * Ends the connection, if it has not ended; the record goes when the last function that runs on it returns.
 */
void kv_http_connection_close (KvHttpConnection *connection);

/**
 * kv_http_connection_break:
 *
 * The client is gone. A lane that is answering learns it when it writes; any other connection is
 * closed.
 */
void kv_http_connection_break (KvHttpConnection *connection);

/**
 * kv_http_connection_watch:
 * @events: EPOLL* bits
 */
void kv_http_connection_watch (KvHttpConnection *connection, guint32 events);

/**
 * kv_http_connection_flush:
 *
 * Sends what is held back. What the client does not take now it gets later; nothing has to be done
 * about that.
 */
void kv_http_connection_flush (KvHttpConnection *connection);

/**
 * kv_http_connection_drop_output:
 *
 * Forgets what is still to be sent.
 */
void kv_http_connection_drop_output (KvHttpConnection *connection);

/**
 * kv_http_connection_has_output:
 *
 * Returns: whether something is still to be sent
 */
gboolean kv_http_connection_has_output (const KvHttpConnection *connection);

/**
 * kv_http_connection_set_deadline:
 * @delay: microseconds
 */
void kv_http_connection_set_deadline (KvHttpConnection *connection, gint64 delay);

G_END_DECLS
