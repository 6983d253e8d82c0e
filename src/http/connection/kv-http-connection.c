/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/connection/kv-http-connection.h"

#include "http/connection/kv-http-connection-private.h"
#include "http/kv-http-meter.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* A client that is busy sends its next request sooner. After that, an idle connection is but a
 * descriptor in the epoll set and its record. */
#define REST_TIME G_TIME_SPAN_SECOND

/* So much of the responses to pipelined requests is held back at most while there are more of
 * these. */
#define HELD_BACK (32 * 1024)

/* The socket tells of what comes once: that halves what epoll_wait() asks it. So whoever does not read to the end of what
 * is there leaves it marked as unread, and has it told again when its time has come. */
#define INPUT_EVENTS (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET)

/* A part of a request that is longer than this stays in the memory that it was read into. */
#define LITTLE 4096

/* What runs on a connection may end it, and goes on to look at it. So whoever is called from
 * outside enters, and the one who leaves last frees it. */
static void
enter (KvHttpConnection *connection)
{
  connection->depth++;
}

static void
leave (KvHttpConnection *connection)
{
  KvHttpPool *pool = connection->pool;

  if (--connection->depth > 0)
    return;
  if (connection->state == KV_HTTP_CONNECTION_CLOSED)
    {
      g_free (connection);
      pool->closed (pool);
      return;
    }
  kv_http_pool_return_memory (pool, &connection->in);
  kv_http_pool_return_memory (pool, &connection->out);
  if (connection->state == KV_HTTP_CONNECTION_READING_HEAD
      && kv_http_buffer_length (&connection->in) <= LITTLE)
    kv_http_pool_replace_memory (pool, &connection->in);
}

static void
stop_watching (KvHttpConnection *connection)
{
  KvHttpPoller *poller = connection->pool->context->poller;

  kv_http_poller_remove (poller, &connection->item);
  kv_http_poller_clear_timer (poller, &connection->timer);
}

void
kv_http_connection_release_lane (KvHttpConnection *connection)
{
  if (connection->lane_data != NULL)
    connection->pool->lane->release (connection);
}

void
kv_http_connection_close (KvHttpConnection *connection)
{
  if (connection->state == KV_HTTP_CONNECTION_CLOSED)
    return;
  kv_http_connection_release_lane (connection);
  stop_watching (connection);
  close (connection->fd);
  kv_http_pool_return_request (connection);
  kv_http_buffer_clear (&connection->in);
  kv_http_connection_drop_output (connection);
  g_clear_pointer (&connection->bucket, kv_rate_bucket_release);
  g_queue_unlink (&connection->pool->connections, &connection->link);
  connection->state = KV_HTTP_CONNECTION_CLOSED;
}

static void
wake_lane (KvHttpConnection *connection)
{
  if (connection->lane_data != NULL)
    connection->pool->lane->wake (connection);
}

void
kv_http_connection_break (KvHttpConnection *connection)
{
  connection->broken = TRUE;
  connection->blocked = FALSE;
  /* Nobody may look at the socket any more, which would be ready for ever. */
  if (connection->state == KV_HTTP_CONNECTION_ANSWERING)
    {
      stop_watching (connection);
      wake_lane (connection);
    }
  else
    kv_http_connection_close (connection);
}

void
kv_http_connection_set_deadline (KvHttpConnection *connection, gint64 delay)
{
  gint64 now = kv_http_poller_now (connection->pool->context->poller);

  /* Of a busy connection the deadline moves with each request: the timer, which follows when it
   * fires, does not. */
  connection->deadline = now + delay;
  if (connection->timer.index != 0 && connection->timer_due <= connection->deadline)
    return;
  connection->timer_due = connection->deadline;
  kv_http_poller_set_timer (connection->pool->context->poller, &connection->timer, delay);
}

void
kv_http_connection_watch (KvHttpConnection *connection, guint32 events)
{
  if (!connection->broken)
    kv_http_poller_modify (connection->pool->context->poller, &connection->item, events);
}

void
kv_http_connection_await_input (KvHttpConnection *connection)
{
  if (connection->unread && !connection->broken)
    kv_http_poller_rearm (connection->pool->context->poller, &connection->item);
}

/* The next request has been read already, at least in part, so the response may wait for the next
 * one's. */
static gboolean
may_hold_back (const KvHttpConnection *connection)
{
  return connection->keep && kv_http_buffer_length (&connection->in) > 0
         && kv_http_buffer_length (&connection->out) < HELD_BACK
         && connection->tail.bytes.length == 0;
}

static void
begin_to_idle (KvHttpConnection *connection)
{
  const KvHttpLimits *limits = connection->pool->context->limits;
  gboolean can_rest = connection->lane_data != NULL && limits->idle_timeout > REST_TIME;

  /* The response did not say so, and the next request may be in the kernel. */
  if (connection->pool->draining)
    {
      kv_http_connection_linger (connection);
      return;
    }
  kv_http_pool_return_request (connection);
  kv_http_connection_await_input (connection);
  connection->resting = !can_rest;
  kv_http_connection_set_deadline (connection, can_rest ? REST_TIME : limits->idle_timeout);
}

/* The response is on its way: what is next? Returns TRUE when there may be more to do. */
static gboolean
take_leave_of_response (KvHttpConnection *connection)
{
  if (!may_hold_back (connection))
    kv_http_connection_flush (connection);
  if (connection->broken || connection->blocked)
    return FALSE;
  if (!connection->keep)
    {
      kv_http_connection_linger (connection);
      return FALSE;
    }

  connection->state = KV_HTTP_CONNECTION_IDLE;
  if (kv_http_buffer_length (&connection->in) > 0)
    return TRUE;
  begin_to_idle (connection);
  return FALSE;
}

static void
rest (KvHttpConnection *connection)
{
  const KvHttpLimits *limits = connection->pool->context->limits;

  kv_http_connection_release_lane (connection);
  connection->resting = TRUE;
  kv_http_connection_set_deadline (connection, limits->idle_timeout - REST_TIME);
}

/* Reads on in what has come. While the client does not take the responses that it has been given,
 * its next requests wait; of one whose head is admitted the rest is read. */
static gboolean
read_on (KvHttpConnection *connection)
{
  gboolean waits = connection->blocked && connection->state != KV_HTTP_CONNECTION_READING_BODY;

  if (!waits && kv_http_gate_step (connection))
    return TRUE;
  kv_http_connection_flush (connection);
  if (connection->state == KV_HTTP_CONNECTION_CLOSED || waits || connection->paused)
    return FALSE;
  /* What followed the last request was the beginning of none. */
  if (connection->state == KV_HTTP_CONNECTION_IDLE && connection->request != NULL
      && !connection->blocked)
    begin_to_idle (connection);
  else
    kv_http_connection_await_input (connection);
  return FALSE;
}

static gboolean
step (KvHttpConnection *connection)
{
  switch (connection->state)
    {
    case KV_HTTP_CONNECTION_IDLE:
    case KV_HTTP_CONNECTION_READING_HEAD:
    case KV_HTTP_CONNECTION_READING_BODY:
      return read_on (connection);
    case KV_HTTP_CONNECTION_SENDING:
      return take_leave_of_response (connection);
    case KV_HTTP_CONNECTION_ANSWERING:
    case KV_HTTP_CONNECTION_LINGERING:
    case KV_HTTP_CONNECTION_TAKEN:
    case KV_HTTP_CONNECTION_CLOSED:
      return FALSE;
    }
  g_assert_not_reached ();
}

/* Goes as far as it goes without waiting. A call from within another has nothing to do: that one
 * goes on. */
static void
advance (KvHttpConnection *connection)
{
  if (connection->depth > 1)
    return;
  while (step (connection))
    ;
  /* A route that takes its time keeps nobody waiting for the answers to the requests before. */
  if (connection->state == KV_HTTP_CONNECTION_ANSWERING)
    kv_http_connection_flush (connection);
}

/* One request at a time: the next waits in the kernel. Returns FALSE where nothing is read now. */
static gboolean
read_input (KvHttpConnection *connection)
{
  switch (connection->state)
    {
    case KV_HTTP_CONNECTION_IDLE:
    case KV_HTTP_CONNECTION_READING_HEAD:
      if (connection->blocked)
        return FALSE;
      kv_http_connection_receive (connection);
      return TRUE;
    case KV_HTTP_CONNECTION_READING_BODY:
      if (connection->paused)
        return FALSE;
      kv_http_connection_receive (connection);
      return TRUE;
    case KV_HTTP_CONNECTION_ANSWERING:
    case KV_HTTP_CONNECTION_SENDING:
      return FALSE;
    case KV_HTTP_CONNECTION_LINGERING:
      kv_http_connection_drop_input (connection);
      return TRUE;
    case KV_HTTP_CONNECTION_TAKEN:
    case KV_HTTP_CONNECTION_CLOSED:
      break;
    }
  g_assert_not_reached ();
}

/* What came before the client left is read first; that may end the connection in its own way. */
static void
on_input (KvHttpConnection *connection, guint32 events)
{
  connection->unread = TRUE;
  if ((events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
    connection->stops_short = TRUE;
  if (!read_input (connection) && (events & (EPOLLHUP | EPOLLERR)) != 0)
    kv_http_connection_break (connection);
}

static void
on_ready (KvHttpPollerItem *item, guint32 events)
{
  KvHttpConnection *connection = (KvHttpConnection *) item;

  enter (connection);
  if ((events & EPOLLOUT) != 0 && connection->blocked)
    {
      connection->blocked = FALSE;
      kv_http_connection_watch (connection, connection->item.events & ~(guint32) EPOLLOUT);
      if (connection->state == KV_HTTP_CONNECTION_ANSWERING || connection->paused)
        connection->deadline = G_MAXINT64;
      kv_http_connection_flush (connection);
      if (connection->state == KV_HTTP_CONNECTION_ANSWERING && !connection->blocked)
        wake_lane (connection);
    }
  if ((events & ~(guint32) EPOLLOUT) != 0 && !connection->broken)
    on_input (connection, events);
  advance (connection);
  leave (connection);
}

static void
expire (KvHttpConnection *connection)
{
  switch (connection->state)
    {
    case KV_HTTP_CONNECTION_READING_HEAD:
    case KV_HTTP_CONNECTION_READING_BODY:
      /* One that does not take its answers takes no refusal either. */
      if (connection->blocked)
        kv_http_connection_close (connection);
      else
        kv_http_gate_refuse (connection, 408, "The request took too long to come");
      break;
    case KV_HTTP_CONNECTION_ANSWERING:
      kv_http_connection_break (connection);
      break;
    case KV_HTTP_CONNECTION_IDLE:
      if (connection->resting || connection->blocked)
        kv_http_connection_close (connection);
      else
        rest (connection);
      break;
    case KV_HTTP_CONNECTION_SENDING:
      kv_http_connection_close (connection);
      break;
    case KV_HTTP_CONNECTION_LINGERING:
      kv_http_connection_linger_on (connection);
      break;
    case KV_HTTP_CONNECTION_TAKEN:
    case KV_HTTP_CONNECTION_CLOSED:
      g_assert_not_reached ();
    }
}

static void
on_timer (KvHttpTimer *timer)
{
  KvHttpConnection *connection =
    (gpointer) ((char *) timer - G_STRUCT_OFFSET (KvHttpConnection, timer));
  gint64 left = connection->deadline - kv_http_poller_now (connection->pool->context->poller);

  if (connection->deadline == G_MAXINT64)
    return;
  if (left > 0)
    {
      kv_http_connection_set_deadline (connection, left);
      return;
    }
  enter (connection);
  expire (connection);
  advance (connection);
  leave (connection);
}

void
kv_http_connection_open (KvHttpPool *pool, int fd, const char *client)
{
  KvHttpConnection *connection = g_new0 (KvHttpConnection, 1);

  connection->item.func = on_ready;
  connection->timer.func = on_timer;
  connection->pool = pool;
  connection->fd = fd;
  connection->bucket = kv_rate_limiter_get_bucket (pool->limiter, client);
  connection->resting = TRUE;
  connection->link.data = connection;
  g_queue_push_tail_link (&pool->connections, &connection->link);

  enter (connection);
  if (kv_http_poller_add (pool->context->poller, &connection->item, fd, INPUT_EVENTS))
    kv_http_connection_set_deadline (connection, pool->context->limits->idle_timeout);
  else
    kv_http_connection_close (connection);
  leave (connection);
}

void
kv_http_connection_drain (KvHttpConnection *connection)
{
  /* One that waits for its client to take an answer closes after that. */
  if (connection->state != KV_HTTP_CONNECTION_IDLE || connection->blocked)
    return;
  enter (connection);
  /* A request may have come that nobody has looked at yet. */
  kv_http_connection_receive (connection);
  advance (connection);
  if (connection->state == KV_HTTP_CONNECTION_IDLE && !connection->blocked)
    kv_http_connection_close (connection);
  leave (connection);
}

void
kv_http_connection_abort (KvHttpConnection *connection)
{
  enter (connection);
  kv_http_connection_close (connection);
  leave (connection);
}

KvHttpConnection *
kv_http_connection_from_exchange (KvHttpExchange *exchange)
{
  G_STATIC_ASSERT (G_STRUCT_OFFSET (KvHttpRequest, exchange) == 0);
  return ((KvHttpRequest *) exchange)->connection;
}

KvHttpExchange *
kv_http_connection_get_exchange (KvHttpConnection *connection)
{
  return &connection->request->exchange;
}

KvHttpPool *
kv_http_connection_get_pool (KvHttpConnection *connection)
{
  return connection->pool;
}

KvHttpSpan
kv_http_connection_get_header (KvHttpExchange *exchange, const char *name)
{
  const KvHttpConnection *connection = kv_http_connection_from_exchange (exchange);

  return kv_http_head_get (&connection->request->head, kv_http_buffer_peek (&connection->in), name);
}

void
kv_http_connection_resume_body (KvHttpExchange *exchange)
{
  KvHttpConnection *connection = kv_http_connection_from_exchange (exchange);

  g_return_if_fail (connection->paused);

  enter (connection);
  connection->paused = FALSE;
  kv_http_connection_set_deadline (connection, connection->pool->context->limits->body_timeout);
  advance (connection);
  leave (connection);
}

void
kv_http_connection_set_lane_data (KvHttpConnection *connection, gpointer data)
{
  connection->lane_data = data;
}

gpointer
kv_http_connection_get_lane_data (KvHttpConnection *connection)
{
  return connection->lane_data;
}

KvHttpConnectionField
kv_http_connection_settle (KvHttpConnection *connection)
{
  const KvHttpHead *head = &connection->request->head;

  kv_http_meter_count (connection->pool->context->meter, &connection->request->exchange,
                       connection->request->exchange.response.status);
  connection->keep = head->keep_alive && !connection->pool->draining && !connection->broken;
  if (!connection->keep)
    return KV_HTTP_CONNECTION_CLOSE;
  return head->minor_version == 0 ? KV_HTTP_CONNECTION_KEEP_ALIVE : KV_HTTP_CONNECTION_DEFAULT;
}

void
kv_http_connection_finish (KvHttpConnection *connection, gboolean whole)
{
  g_return_if_fail (connection->state == KV_HTTP_CONNECTION_ANSWERING);

  enter (connection);
  kv_http_buffer_consume (&connection->in, connection->request->length);
  connection->state = KV_HTTP_CONNECTION_SENDING;
  if (whole && !connection->broken)
    advance (connection);
  else
    kv_http_connection_close (connection);
  leave (connection);
}

static void
close_taken (gpointer owner)
{
  kv_http_connection_abort (owner);
}

static GBytes *
steal_output (KvHttpConnection *connection)
{
  /* A long body is sent before the next request is looked at. */
  g_assert (connection->tail.bytes.length == 0);

  return kv_http_buffer_length (&connection->out) == 0
           ? NULL
           : g_bytes_new (kv_http_buffer_peek (&connection->out),
                          kv_http_buffer_length (&connection->out));
}

void
kv_http_connection_take_socket (KvHttpConnection *connection, KvHttpSocket *socket)
{
  g_return_if_fail (connection->state == KV_HTTP_CONNECTION_ANSWERING);

  /* Who takes a socket answers with 200. */
  kv_http_meter_count (connection->pool->context->meter, &connection->request->exchange, 200);
  /* What pipelined requests before this one were answered with. */
  kv_http_connection_flush (connection);
  socket->fd = connection->fd;
  socket->owner = connection;
  socket->close = close_taken;
  socket->unsent = steal_output (connection);

  stop_watching (connection);
  kv_http_pool_return_request (connection);
  kv_http_buffer_clear (&connection->in);
  kv_http_connection_drop_output (connection);
  connection->state = KV_HTTP_CONNECTION_TAKEN;
}
