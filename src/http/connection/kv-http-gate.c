/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The gate: what stands between the bytes of a connection and the lane that answers requests. It
 * decides where a request ends, and nobody after it does: a lane never sees framing, nor a
 * request that is not whole. */

#include "http/connection/kv-http-connection-private.h"
#include "http/kv-http-router.h"

#include <string.h>

/* Sends the response that the exchange holds. @length is the request's where it has come as a
 * whole, and -1 where it has not: then nothing tells where the next one begins. */
static void
send_response (KvHttpConnection *connection, gssize length)
{
  KvHttpConnectionField field = kv_http_connection_settle (connection);
  gsize consumed = length < 0 ? kv_http_buffer_length (&connection->in) : (gsize) length;

  if (length < 0)
    {
      connection->keep = FALSE;
      field = KV_HTTP_CONNECTION_CLOSE;
    }
  kv_http_connection_respond (connection, field);
  kv_http_exchange_clear (&connection->request->exchange);
  kv_http_buffer_consume (&connection->in, consumed);
  connection->state = KV_HTTP_CONNECTION_SENDING;
}

static void
begin_exchange (KvHttpConnection *connection)
{
  KvHttpExchange *exchange = &connection->request->exchange;

  kv_http_exchange_init (exchange, connection->pool->lane->carrier, connection->pool->context);
  exchange->bucket = connection->bucket;
  exchange->method = KV_HTTP_GET;
}

/* The bytes may have moved since: called whenever somebody is about to look at them. */
static inline void
bind_target (KvHttpConnection *connection)
{
  KvHttpRequest *request = connection->request;
  const KvHttpHead *head = &request->head;
  const char *data = kv_http_buffer_peek (&connection->in);
  KvHttpExchange *exchange = &request->exchange;

  exchange->path = kv_http_head_get_span (data, head->path);
  if (head->has_query)
    exchange->query = kv_http_head_get_span (data, head->query);
}

static void
bind_exchange (KvHttpConnection *connection)
{
  KvHttpRequest *request = connection->request;

  bind_target (connection);
  request->exchange.body =
    (KvHttpSpan){ kv_http_buffer_peek (&connection->in) + request->head.length,
                  request->body_length };
}

void
kv_http_gate_refuse (KvHttpConnection *connection, guint status, const char *reason)
{
  if (connection->state == KV_HTTP_CONNECTION_READING_BODY)
    bind_target (connection);
  else
    {
      begin_exchange (connection);
      connection->request->exchange.method = KV_HTTP_OTHER;
    }
  kv_http_exchange_refuse (&connection->request->exchange, status, reason);
  send_response (connection, -1);
}

/* The length of a request whose head has come, if its body is there as well, or -1. */
static gssize
get_whole_length (const KvHttpConnection *connection)
{
  const KvHttpHead *head = &connection->request->head;
  gsize there = kv_http_buffer_length (&connection->in) - head->length;

  if (head->chunked || head->content_length > there)
    return -1;
  return (gssize) (head->length + head->content_length);
}

/* Decides by the head alone. Returns FALSE when the exchange holds a refusal. */
static gboolean
admit (KvHttpConnection *connection)
{
  KvHttpRequest *request = connection->request;
  const KvHttpHead *head = &request->head;
  KvHttpExchange *exchange = &request->exchange;
  KvHttpSpan method;
  guint retry_after;

  begin_exchange (connection);
  bind_exchange (connection);
  method = kv_http_head_get_span (kv_http_buffer_peek (&connection->in), head->method);
  exchange->method = kv_http_method_parse (method.data, method.length);
  exchange->minor_version = (guint8) head->minor_version;
  exchange->conditional = head->conditional;
  exchange->accepts = head->accepts;

  if (!kv_rate_bucket_admit (connection->bucket, 1, &retry_after)
      && !kv_http_router_is_probe (exchange->path))
    {
      kv_http_exchange_refuse_busy (exchange, "Too many requests; see Retry-After", retry_after);
      return FALSE;
    }
  if (!kv_http_exchange_admit (exchange, &request->body_limit))
    return FALSE;
  if (head->content_length > request->body_limit)
    {
      kv_http_exchange_refuse (exchange, 413, "The body is longer than this takes");
      return FALSE;
    }
  return TRUE;
}

static const KvHttpLane *
choose_lane (const KvHttpConnection *connection)
{
  const KvHttpPool *pool = connection->pool;
  const KvHttpRequest *request = connection->request;

  if (pool->express != NULL && pool->express->takes (&request->head, request->exchange.method))
    return pool->express;
  return pool->lane;
}

static void
answer (KvHttpConnection *connection, gsize request_length)
{
  KvHttpRequest *request = connection->request;
  const KvHttpLane *lane = choose_lane (connection);

  request->length = request_length;
  request->exchange.carrier = lane->carrier;
  connection->state = KV_HTTP_CONNECTION_ANSWERING;
  /* The lane may take its time; a client that has yet to take what was answered before may not. */
  if (!connection->blocked)
    connection->deadline = G_MAXINT64;
  bind_exchange (connection);
  lane->answer (connection);
  if (connection->state == KV_HTTP_CONNECTION_ANSWERING)
    request->exchange.begun = kv_http_poller_now (connection->pool->context->poller);
}

static void
expect_body (KvHttpConnection *connection)
{
  static const char proceed[] = "HTTP/1.1 100 Continue\r\n\r\n";
  const KvHttpHead *head = &connection->request->head;

  connection->state = KV_HTTP_CONNECTION_READING_BODY;
  kv_http_chunked_init (&connection->request->chunked, connection->request->body_limit);
  kv_http_connection_set_deadline (connection, connection->pool->context->limits->body_timeout);

  if (head->expects_continue && kv_http_buffer_length (&connection->in) == head->length)
    {
      kv_http_pool_lend_memory (connection->pool, &connection->out);
      kv_http_buffer_append (&connection->out, proceed, sizeof proceed - 1);
      kv_http_connection_flush (connection);
    }
}

static gboolean
take_head (KvHttpConnection *connection)
{
  const KvHttpLimits *limits = connection->pool->context->limits;
  gsize length = kv_http_buffer_length (&connection->in);
  KvHttpHead *head;
  gssize whole;

  if (length == 0)
    return FALSE;
  /* Some clients end a body with a line end that belongs to nothing (RFC 9112, section 2.2): it begins no request, and
   * so no time limit. */
  if (connection->state == KV_HTTP_CONNECTION_IDLE && length == 2
      && memcmp (kv_http_buffer_peek (&connection->in), "\r\n", 2) == 0)
    {
      kv_http_buffer_consume (&connection->in, length);
      return FALSE;
    }
  kv_http_pool_lend_request (connection);
  head = &connection->request->head;
  switch (kv_http_head_parse (head, kv_http_buffer_peek (&connection->in), length,
                              limits->max_head_size, &connection->scanned))
    {
    case KV_HTTP_HEAD_INCOMPLETE:
      if (connection->state == KV_HTTP_CONNECTION_IDLE)
        kv_http_connection_set_deadline (connection, limits->head_timeout);
      connection->state = KV_HTTP_CONNECTION_READING_HEAD;
      return FALSE;
    case KV_HTTP_HEAD_REFUSED:
      kv_http_gate_refuse (connection, head->status, head->reason);
      return TRUE;
    case KV_HTTP_HEAD_COMPLETE:
      break;
    }

  connection->scanned = 0;
  connection->request->body_length = 0;
  whole = get_whole_length (connection);
  if (!admit (connection))
    send_response (connection, whole);
  else if (whole < 0 || connection->request->exchange.sink != NULL)
    expect_body (connection);
  else
    {
      connection->request->body_length = (gsize) head->content_length;
      answer (connection, (gsize) whole);
    }
  return TRUE;
}

/* Decodes in place: a body is never longer than what carried it. */
static gboolean
take_chunks (KvHttpConnection *connection)
{
  KvHttpRequest *request = connection->request;
  KvHttpBuffer *in = &connection->in;
  gsize known = request->head.length + request->body_length;
  char *raw = kv_http_buffer_peek (in) + known;
  gsize consumed;
  gsize produced;
  KvHttpChunkedResult result = kv_http_chunked_decode (
    &request->chunked, raw, kv_http_buffer_length (in) - known, raw, &consumed, &produced);

  kv_http_buffer_cut (in, known + produced, consumed - produced);
  request->body_length += produced;
  switch (result)
    {
    case KV_HTTP_CHUNKED_INCOMPLETE:
      return FALSE;
    case KV_HTTP_CHUNKED_MALFORMED:
      kv_http_gate_refuse (connection, 400, "The chunks of the body are malformed");
      return TRUE;
    case KV_HTTP_CHUNKED_TOO_LARGE:
      kv_http_gate_refuse (connection, 413, "The body is longer than this takes");
      return TRUE;
    case KV_HTTP_CHUNKED_COMPLETE:
      answer (connection, request->head.length + request->body_length);
      return TRUE;
    }
  g_assert_not_reached ();
}

/* The client is not to be hurried while it is us who do not read on. */
static void
pause_body (KvHttpConnection *connection)
{
  connection->paused = TRUE;
  if (!connection->blocked)
    connection->deadline = G_MAXINT64;
}

/* Takes the framing off what has come of a body that goes to a sink: decoded in place behind the head, as long as
 * @produced; it came in @consumed bytes. Returns FALSE where it has been refused. */
static gboolean
unframe (KvHttpConnection *connection, gsize *consumed, gsize *produced, gboolean *whole)
{
  KvHttpRequest *request = connection->request;
  char *raw = kv_http_buffer_peek (&connection->in) + request->head.length;
  gsize there = kv_http_buffer_length (&connection->in) - request->head.length;
  KvHttpChunkedResult result;

  if (!request->head.chunked)
    {
      *consumed = *produced = MIN (there, request->head.content_length - request->body_length);
      *whole = request->body_length + *produced == request->head.content_length;
      return TRUE;
    }
  result = kv_http_chunked_decode (&request->chunked, raw, there, raw, consumed, produced);
  *whole = result == KV_HTTP_CHUNKED_COMPLETE;
  if (result == KV_HTTP_CHUNKED_COMPLETE || result == KV_HTTP_CHUNKED_INCOMPLETE)
    return TRUE;
  kv_http_gate_refuse (connection, 400, "The chunks of the body are malformed");
  return FALSE;
}

/* Hands a body on as it comes. Nothing of it stays here, so that it may be of any length. */
static gboolean
pass_body_on (KvHttpConnection *connection)
{
  KvHttpRequest *request = connection->request;
  gsize begin = request->head.length;
  gsize consumed, produced;
  gboolean whole;
  KvHttpSinkState state;

  if (connection->paused)
    return FALSE;
  if (!unframe (connection, &consumed, &produced, &whole))
    return TRUE;

  request->body_length += produced;
  bind_target (connection);
  state = kv_http_exchange_take_body (&request->exchange,
                                      kv_http_buffer_peek (&connection->in) + begin, produced);
  kv_http_buffer_cut (&connection->in, begin, consumed);
  if (state == KV_HTTP_SINK_FAILED)
    send_response (connection, -1);
  else if (whole)
    {
      request->body_length = 0;
      answer (connection, begin);
    }
  else if (state == KV_HTTP_SINK_WAITING)
    pause_body (connection);
  return whole || state == KV_HTTP_SINK_FAILED;
}

static gboolean
take_body (KvHttpConnection *connection)
{
  KvHttpRequest *request = connection->request;
  gssize whole;

  if (request->exchange.sink != NULL)
    return pass_body_on (connection);
  if (request->head.chunked)
    return take_chunks (connection);

  whole = get_whole_length (connection);
  if (whole < 0)
    return FALSE;
  request->body_length = (gsize) request->head.content_length;
  answer (connection, (gsize) whole);
  return TRUE;
}

gboolean
kv_http_gate_step (KvHttpConnection *connection)
{
  if (connection->state == KV_HTTP_CONNECTION_READING_BODY)
    return take_body (connection);
  return take_head (connection);
}
