/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* How bytes come in: those of requests, and after the last response those that are read over. */

#include "http/connection/kv-http-connection-private.h"
#include "http/kv-http-socket-io.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Least room for a read behind a part of a head, and for one of a body of unknown length, or one
 * that goes to a sink. */
#define HEAD_READ 512
#define PIECE_READ (32 * 1024)

/* How long a client that has had its last response may neither take of it nor send. The timers are
 * coarse: this is half a second at most. */
#define LINGER_TIME (400 * G_TIME_SPAN_MILLISECOND)

/* How much is read over of what it still sends, beside a value of the greatest length: most who send
 * too much send a little too much, and many look at no response before they have sent it all. */
#define LINGER_BYTES (1024 * 1024)

/* How much of that in one go. */
#define DROP_BYTES (256 * 1024)

static void
on_end_of_input (KvHttpConnection *connection)
{
  if (connection->state == KV_HTTP_CONNECTION_IDLE)
    kv_http_connection_close (connection);
  else
    kv_http_gate_refuse (connection, 400, "The request ends too early");
}

static gsize
get_wanted (const KvHttpConnection *connection)
{
  gsize there = kv_http_buffer_length (&connection->in);

  if (connection->state != KV_HTTP_CONNECTION_READING_BODY)
    return HEAD_READ;
  if (connection->request->head.chunked || connection->request->exchange.sink != NULL)
    return PIECE_READ;
  return connection->request->head.length + (gsize) connection->request->head.content_length
         - there;
}

/* Reads once. When that was not all there is, no event will tell of the rest. A read that is shorter than it could be has
 * reached the end of what is there, but where the end of the stream or urgent data comes next. (And on a unix socket where
 * somebody has attached descriptors, which mean nothing here: who does that waits for his own time limit.) */
static gssize
read_once (KvHttpConnection *connection, char *data, gsize size)
{
  gssize n;

  do
    n = kv_http_recv (connection->fd, data, size);
  while (n < 0 && errno == EINTR);
  connection->unread = n > 0 && ((gsize) n == size || connection->stops_short);
  return n;
}

void
kv_http_connection_receive (KvHttpConnection *connection)
{
  KvHttpBuffer *in = &connection->in;
  gssize n;

  kv_http_pool_lend_memory (connection->pool, in);
  kv_http_buffer_reserve (in, get_wanted (connection));
  n = read_once (connection, in->data + in->end, in->size - in->end);
  if (n > 0)
    {
      in->end += (gsize) n;
      if (connection->state == KV_HTTP_CONNECTION_READING_BODY)
        kv_http_connection_set_deadline (connection,
                                         connection->pool->context->limits->body_timeout);
    }
  else if (n == 0)
    on_end_of_input (connection);
  else if (errno != EAGAIN && errno != EWOULDBLOCK)
    kv_http_connection_break (connection);
}

/* Bytes that the kernel has not got rid of yet. */
static int
count_unsent (const KvHttpConnection *connection)
{
  int unsent = 0;

  return ioctl (connection->fd, SIOCOUTQ, &unsent) == 0 ? unsent : 0;
}

void
kv_http_connection_linger (KvHttpConnection *connection)
{
  kv_http_connection_release_lane (connection);
  kv_http_pool_return_request (connection);
  kv_http_buffer_clear (&connection->in);
  connection->state = KV_HTTP_CONNECTION_LINGERING;
  connection->dropped = 0;
  connection->dropped_before = 0;
  connection->unsent = count_unsent (connection);
  connection->linger_end = kv_http_poller_now (connection->pool->context->poller)
                           + connection->pool->context->limits->body_timeout;
  if (shutdown (connection->fd, SHUT_WR) < 0)
    {
      kv_http_connection_close (connection);
      return;
    }
  kv_http_connection_await_input (connection);
  kv_http_connection_set_deadline (connection, LINGER_TIME);
}

void
kv_http_connection_drop_input (KvHttpConnection *connection)
{
  gsize most = LINGER_BYTES + connection->pool->context->limits->max_value_size;
  gsize stop = connection->dropped + DROP_BYTES;
  char buffer[16 * 1024];
  gssize n;

  do
    {
      n = read_once (connection, buffer, sizeof buffer);
      if (n > 0)
        connection->dropped += (gsize) n;
    }
  while (n > 0 && connection->unread && connection->dropped < stop);

  if (n == 0 || connection->dropped > most || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
    kv_http_connection_close (connection);
  else
    kv_http_connection_await_input (connection);
}

/* A long response may be in the kernel for longer than that, and a client may send for longer: a close
 * over what it sends would take the response back all the same. */
void
kv_http_connection_linger_on (KvHttpConnection *connection)
{
  int unsent = count_unsent (connection);
  gboolean takes = unsent < connection->unsent;
  gboolean sends =
    connection->dropped > connection->dropped_before
    && kv_http_poller_now (connection->pool->context->poller) < connection->linger_end;

  if (!takes && !sends)
    {
      kv_http_connection_close (connection);
      return;
    }
  connection->unsent = unsent;
  connection->dropped_before = connection->dropped;
  kv_http_connection_set_deadline (connection, LINGER_TIME);
}
