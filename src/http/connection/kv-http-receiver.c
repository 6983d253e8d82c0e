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

/* Least room for a read behind a part of a head, and for one of a body of unknown length. */
#define HEAD_READ 512
#define CHUNKED_READ (32 * 1024)

/* How long, and how much, is read over of what a client still sends after its last response; the
 * time begins anew while it takes of that. The timers are coarse: this is half a second at most. */
#define LINGER_TIME (400 * G_TIME_SPAN_MILLISECOND)
#define LINGER_BYTES (1024 * 1024)

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
  if (connection->request->head.chunked)
    return CHUNKED_READ;
  return connection->request->head.length + (gsize) connection->request->head.content_length
         - there;
}

/* Reads once. When that was not all there is, or when the end is still to be read, no event will tell of the rest. */
static gssize
read_once (KvHttpConnection *connection, char *data, gsize size)
{
  gssize n;

  do
    n = kv_http_recv (connection->fd, data, size);
  while (n < 0 && errno == EINTR);
  connection->unread = n > 0 && ((gsize) n == size || connection->ending);
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
  connection->unsent = count_unsent (connection);
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
  char buffer[16 * 1024];
  gssize n = read_once (connection, buffer, sizeof buffer);

  if (n > 0)
    connection->dropped += (gsize) n;
  if (n == 0 || connection->dropped > LINGER_BYTES
      || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
    kv_http_connection_close (connection);
  else
    kv_http_connection_await_input (connection);
}

/* A long response may be in the kernel for longer than that: a close over what the client still
 * sends would take it back all the same. */
void
kv_http_connection_linger_on (KvHttpConnection *connection)
{
  int unsent = count_unsent (connection);

  if (unsent >= connection->unsent)
    {
      kv_http_connection_close (connection);
      return;
    }
  connection->unsent = unsent;
  kv_http_connection_set_deadline (connection, LINGER_TIME);
}
