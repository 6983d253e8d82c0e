/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/connection/kv-http-connection.h"

#include "http/connection/kv-http-connection-private.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Memory that a connection holds on to between requests. */
#define KEPT_BUFFER (16 * 1024)

/* What may be held back of a response, so that its head and a short body leave in one packet. */
#define HELD_BACK (16 * 1024)

/* A client that is busy sends its next request sooner. After that, an idle connection is but a
 * descriptor in the epoll set and its record. */
#define REST_TIME G_TIME_SPAN_SECOND

/* Room for a read: into an empty buffer, behind a part of a head, and for a body of unknown
 * length. */
#define FIRST_READ 4096
#define NEXT_READ 512
#define CHUNKED_READ (32 * 1024)

/* How long, and how much, is read over of what a client still sends after its last response. The
 * timers are coarse: this is half a second at most. */
#define LINGER_TIME (400 * G_TIME_SPAN_MILLISECOND)
#define LINGER_BYTES (1024 * 1024)

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

  if (--connection->depth > 0 || connection->state != KV_HTTP_CONNECTION_CLOSED)
    return;
  g_free (connection);
  pool->closed (pool);
}

static void
stop_watching (KvHttpConnection *connection)
{
  KvHttpPoller *poller = connection->pool->context->poller;

  kv_http_poller_remove (poller, &connection->item);
  kv_http_poller_clear_timer (poller, &connection->timer);
}

static void
close_connection (KvHttpConnection *connection)
{
  if (connection->state == KV_HTTP_CONNECTION_CLOSED)
    return;
  connection->pool->lane->release (connection);
  stop_watching (connection);
  close (connection->fd);
  kv_http_exchange_clear (&connection->exchange);
  kv_http_buffer_clear (&connection->in);
  kv_http_buffer_clear (&connection->out);
  g_clear_pointer (&connection->bucket, kv_rate_bucket_release);
  g_queue_unlink (&connection->pool->connections, &connection->link);
  connection->state = KV_HTTP_CONNECTION_CLOSED;
}

/* The client is gone. A lane that is answering learns it when it writes; until then nobody may
 * look at the socket, which would be ready for ever. */
static void
break_connection (KvHttpConnection *connection)
{
  connection->broken = TRUE;
  connection->blocked = FALSE;
  if (connection->state == KV_HTTP_CONNECTION_ANSWERING)
    stop_watching (connection);
  else
    close_connection (connection);
}

void
kv_http_connection_set_deadline (KvHttpConnection *connection, gint64 delay)
{
  gint64 now = g_get_monotonic_time ();

  /* Of a busy connection the deadline moves with each request: the timer, which follows when it
   * fires, does not. */
  connection->deadline = now + delay;
  if (connection->timer.index != 0 && connection->timer_due <= connection->deadline)
    return;
  connection->timer_due = connection->deadline;
  kv_http_poller_set_timer (connection->pool->context->poller, &connection->timer, delay);
}

static void
watch (KvHttpConnection *connection, guint32 events)
{
  if (!connection->broken)
    kv_http_poller_modify (connection->pool->context->poller, &connection->item, events);
}

static void
block (KvHttpConnection *connection)
{
  connection->blocked = TRUE;
  watch (connection, connection->item.events | EPOLLOUT);
  kv_http_connection_set_deadline (connection, connection->pool->context->limits->body_timeout);
}

/* Sends what is held back, and @data behind it. Returns how many bytes of both were sent, or -1
 * with @connection blocked or broken. */
static gssize
transmit (KvHttpConnection *connection, const char *data, gsize length)
{
  struct iovec vectors[2] = {
    { kv_http_buffer_peek (&connection->out), kv_http_buffer_length (&connection->out) },
    { (gpointer) data, length },
  };
  struct msghdr message = { .msg_iov = vectors, .msg_iovlen = G_N_ELEMENTS (vectors) };
  gssize sent;

  do
    sent = sendmsg (connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);

  if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    block (connection);
  else if (sent < 0)
    break_connection (connection);
  return sent;
}

gssize
kv_http_connection_write (KvHttpConnection *connection, const char *data, gsize length)
{
  gsize held = kv_http_buffer_length (&connection->out);
  gssize sent;

  if (connection->broken)
    return -1;
  if (connection->blocked)
    return 0;
  if (held + length <= HELD_BACK)
    {
      kv_http_buffer_append (&connection->out, data, length);
      return (gssize) length;
    }

  sent = transmit (connection, data, length);
  if (sent < 0)
    return connection->broken ? -1 : 0;
  kv_http_buffer_consume (&connection->out, MIN ((gsize) sent, held));
  if ((gsize) sent <= held)
    {
      block (connection);
      return 0;
    }
  return sent - (gssize) held;
}

void
kv_http_connection_flush (KvHttpConnection *connection)
{
  while (!connection->blocked && !connection->broken
         && kv_http_buffer_length (&connection->out) > 0)
    {
      gssize sent = transmit (connection, NULL, 0);

      if (sent > 0)
        kv_http_buffer_consume (&connection->out, (gsize) sent);
    }
}

gboolean
kv_http_connection_is_writable (KvHttpConnection *connection)
{
  return !connection->blocked;
}

static void
linger (KvHttpConnection *connection)
{
  connection->pool->lane->release (connection);
  kv_http_buffer_clear (&connection->in);
  kv_http_buffer_clear (&connection->out);
  connection->state = KV_HTTP_CONNECTION_LINGERING;
  connection->dropped = 0;
  if (shutdown (connection->fd, SHUT_WR) < 0)
    {
      close_connection (connection);
      return;
    }
  watch (connection, EPOLLIN);
  kv_http_connection_set_deadline (connection, LINGER_TIME);
}

/* The response is on its way: what is next? Returns TRUE when there may be more to do. */
static gboolean
take_leave_of_response (KvHttpConnection *connection)
{
  kv_http_connection_flush (connection);
  if (connection->broken || connection->blocked)
    return FALSE;
  if (!connection->keep)
    {
      linger (connection);
      return FALSE;
    }

  kv_http_buffer_trim (&connection->in, KEPT_BUFFER);
  kv_http_buffer_trim (&connection->out, KEPT_BUFFER);
  connection->state = KV_HTTP_CONNECTION_IDLE;
  if (kv_http_buffer_length (&connection->in) > 0)
    return TRUE;
  if (connection->pool->draining)
    {
      close_connection (connection);
      return FALSE;
    }
  watch (connection, EPOLLIN);
  connection->resting = FALSE;
  kv_http_connection_set_deadline (
    connection, MIN (REST_TIME, connection->pool->context->limits->idle_timeout));
  return FALSE;
}

static void
rest (KvHttpConnection *connection)
{
  const KvHttpLimits *limits = connection->pool->context->limits;

  connection->pool->lane->release (connection);
  kv_http_buffer_trim (&connection->in, 0);
  kv_http_buffer_trim (&connection->out, 0);
  connection->resting = TRUE;
  kv_http_connection_set_deadline (connection, MAX (limits->idle_timeout - REST_TIME, 0));
}

static gboolean
step (KvHttpConnection *connection)
{
  switch (connection->state)
    {
    case KV_HTTP_CONNECTION_IDLE:
    case KV_HTTP_CONNECTION_READING_HEAD:
    case KV_HTTP_CONNECTION_READING_BODY:
      if (kv_http_gate_step (connection))
        return TRUE;
      watch (connection, EPOLLIN | (connection->item.events & EPOLLOUT));
      return FALSE;
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
}

static void
on_end_of_input (KvHttpConnection *connection)
{
  if (connection->state == KV_HTTP_CONNECTION_IDLE)
    close_connection (connection);
  else
    kv_http_gate_refuse (connection, 400, "The request ends too early");
}

static gsize
get_wanted (const KvHttpConnection *connection)
{
  gsize there = kv_http_buffer_length (&connection->in);

  if (connection->state != KV_HTTP_CONNECTION_READING_BODY)
    return there == 0 ? FIRST_READ : NEXT_READ;
  if (connection->head.chunked)
    return CHUNKED_READ;
  return connection->head.length + (gsize) connection->head.content_length - there;
}

static void
fill (KvHttpConnection *connection)
{
  KvHttpBuffer *in = &connection->in;
  gssize n;

  kv_http_buffer_reserve (in, get_wanted (connection));
  n = recv (connection->fd, in->data + in->end, in->size - in->end, MSG_DONTWAIT);
  if (n > 0)
    {
      in->end += (gsize) n;
      if (connection->state == KV_HTTP_CONNECTION_READING_BODY)
        kv_http_connection_set_deadline (connection,
                                         connection->pool->context->limits->body_timeout);
    }
  else if (n == 0)
    on_end_of_input (connection);
  else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
    break_connection (connection);
}

static void
drop (KvHttpConnection *connection)
{
  char buffer[16 * 1024];
  gssize n = recv (connection->fd, buffer, sizeof buffer, MSG_DONTWAIT);

  if (n > 0)
    connection->dropped += (gsize) n;
  if (n == 0 || connection->dropped > LINGER_BYTES
      || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
    close_connection (connection);
}

static void
on_readable (KvHttpConnection *connection)
{
  switch (connection->state)
    {
    case KV_HTTP_CONNECTION_IDLE:
    case KV_HTTP_CONNECTION_READING_HEAD:
    case KV_HTTP_CONNECTION_READING_BODY:
      fill (connection);
      break;
    case KV_HTTP_CONNECTION_ANSWERING:
    case KV_HTTP_CONNECTION_SENDING:
      /* One request at a time: the next waits in the kernel. Said to epoll only when it does
       * come, as it is rare. */
      watch (connection, connection->item.events & ~(guint32) EPOLLIN);
      break;
    case KV_HTTP_CONNECTION_LINGERING:
      drop (connection);
      break;
    case KV_HTTP_CONNECTION_TAKEN:
    case KV_HTTP_CONNECTION_CLOSED:
      g_assert_not_reached ();
    }
}

static void
on_ready (KvHttpPollerItem *item, guint32 events)
{
  KvHttpConnection *connection = (KvHttpConnection *) item;

  enter (connection);
  if ((events & EPOLLOUT) != 0 && connection->blocked)
    {
      connection->blocked = FALSE;
      watch (connection, connection->item.events & ~(guint32) EPOLLOUT);
      if (connection->state == KV_HTTP_CONNECTION_ANSWERING)
        connection->deadline = G_MAXINT64;
      kv_http_connection_flush (connection);
    }
  /* What came before the client left is read first; that may end the connection in its own way. */
  if ((events & EPOLLIN) != 0 && (connection->item.events & EPOLLIN) != 0 && !connection->broken)
    on_readable (connection);
  else if ((events & (EPOLLHUP | EPOLLERR)) != 0 && !connection->broken)
    break_connection (connection);
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
      kv_http_gate_refuse (connection, 408, "The request took too long to come");
      break;
    case KV_HTTP_CONNECTION_ANSWERING:
      break_connection (connection);
      break;
    case KV_HTTP_CONNECTION_IDLE:
      if (connection->resting)
        close_connection (connection);
      else
        rest (connection);
      break;
    case KV_HTTP_CONNECTION_SENDING:
    case KV_HTTP_CONNECTION_LINGERING:
      close_connection (connection);
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
  gint64 left = connection->deadline - g_get_monotonic_time ();

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
  if (kv_http_poller_add (pool->context->poller, &connection->item, fd, EPOLLIN))
    kv_http_connection_set_deadline (connection, pool->context->limits->idle_timeout);
  else
    close_connection (connection);
  leave (connection);
}

void
kv_http_connection_drain (KvHttpConnection *connection)
{
  if (connection->state != KV_HTTP_CONNECTION_IDLE)
    return;
  enter (connection);
  /* A request may have come that nobody has looked at yet. */
  fill (connection);
  advance (connection);
  if (connection->state == KV_HTTP_CONNECTION_IDLE)
    close_connection (connection);
  leave (connection);
}

void
kv_http_connection_abort (KvHttpConnection *connection)
{
  enter (connection);
  close_connection (connection);
  leave (connection);
}

KvHttpConnection *
kv_http_connection_from_exchange (KvHttpExchange *exchange)
{
  return (gpointer) ((char *) exchange - G_STRUCT_OFFSET (KvHttpConnection, exchange));
}

KvHttpExchange *
kv_http_connection_get_exchange (KvHttpConnection *connection)
{
  return &connection->exchange;
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

  return kv_http_head_get (&connection->head, kv_http_buffer_peek (&connection->in), name);
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
  connection->keep =
    connection->head.keep_alive && !connection->pool->draining && !connection->broken;
  if (!connection->keep)
    return KV_HTTP_CONNECTION_CLOSE;
  return connection->head.minor_version == 0 ? KV_HTTP_CONNECTION_KEEP_ALIVE
                                             : KV_HTTP_CONNECTION_DEFAULT;
}

void
kv_http_connection_finish (KvHttpConnection *connection, gboolean whole)
{
  g_return_if_fail (connection->state == KV_HTTP_CONNECTION_ANSWERING);

  enter (connection);
  kv_http_buffer_consume (&connection->in, connection->request_length);
  connection->state = KV_HTTP_CONNECTION_SENDING;
  if (whole && !connection->broken)
    advance (connection);
  else
    close_connection (connection);
  leave (connection);
}

static void
close_taken (gpointer owner)
{
  kv_http_connection_abort (owner);
}

void
kv_http_connection_take_socket (KvHttpConnection *connection, KvHttpSocket *socket)
{
  g_return_if_fail (connection->state == KV_HTTP_CONNECTION_ANSWERING);

  stop_watching (connection);
  kv_http_exchange_clear (&connection->exchange);
  kv_http_buffer_clear (&connection->in);
  kv_http_buffer_clear (&connection->out);
  connection->state = KV_HTTP_CONNECTION_TAKEN;

  socket->fd = connection->fd;
  socket->owner = connection;
  socket->close = close_taken;
}
